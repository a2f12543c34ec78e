"""Targets of a regulator whose expression is not its activity are not joined to one another, unless they are."""

import numpy as np
import pytest
from scipy import sparse, stats

from acyclome.config import Config
from acyclome.core.backend import ThreadBackend
from acyclome.core.confounding.activity import Activities, expected_moments, fit, posterior
from acyclome.core.confounding.regulators import find_activities, gain_of_curves
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.moments import correlate, scale_genes
from acyclome.core.data.problem import Problem
from acyclome.core.engine import screen, search_once
from acyclome.evaluate.kinetics import Hill
from acyclome.evaluate.simulate import simulate
from acyclome.pipeline.engine_settings import engine_settings

SETTINGS = engine_settings(Config().with_options({"fit.relax": False, "search.perturbations": 0}))


def problem_of(X: np.ndarray) -> Problem:
    moments = correlate(scale_genes(lambda a, b: X[a:b], len(X)), 1)
    return Problem(moments, Constraints.none(len(X)), ThreadBackend(1))


def edges_of(problem: Problem) -> set[tuple[int, int]]:
    start = np.arange(problem.n_genes, dtype=np.int32)
    found = search_once(problem, screen(problem, SETTINGS), start, settings=SETTINGS, seed=1)
    return set(zip(found.source.tolist(), found.target.tolist(), strict=True))


def noisy_regulators(seed: int, error: float, direct: float) -> np.ndarray:
    """Two regulators with 15 targets each, genes 2 to 16 and 17 to 31; the second target of each has the first too."""
    rng = np.random.default_rng([41, seed])
    activity = rng.standard_normal((2, 800))
    seen = activity + np.sqrt(error) * rng.standard_normal((2, 800))
    targets = np.repeat(activity, 15, axis=0) * rng.uniform(0.6, 1.0, (30, 1)) + 0.7 * rng.standard_normal((30, 800))
    targets[[1, 16]] += direct * targets[[0, 15]]
    return np.vstack([seen, targets])


def exact(covariance: np.ndarray, n: int) -> np.ndarray:
    """Data whose sample covariance is this one."""
    d = len(covariance)
    noise = np.random.default_rng(42).standard_normal((n, d))
    white, _ = np.linalg.qr(noise - noise.mean(axis=0))
    return (np.linalg.cholesky(covariance) @ white.T) * np.sqrt(n)


def test_the_posterior_is_that_of_the_joint_normal_distribution():
    rng = np.random.default_rng(43)
    problem = problem_of(rng.standard_normal((5, 60)))
    # Genes 0 and 1 have activities, 0 -> 1 among them; 2 and 3 are targets, 4 is a cause of the second activity.
    W = np.zeros((5, 5))
    W[1, 0], W[1, 4], W[2, 0], W[2, 1], W[3, 1], W[3, 2] = 0.5, 0.4, 0.8, -0.3, 0.6, 0.2
    left, error = np.array([1.0, 0.6, 0.4, 0.5, 1.0]), np.array([0.2, 0.3])
    found = posterior(problem.data, sparse.csr_matrix(W), left=left, genes=np.array([0, 1]), error=error)
    whole = np.linalg.inv(np.eye(5) - W)
    acts = whole @ np.diag(left) @ whole.T  # activities in the places of genes 0 and 1
    seen = acts + np.diag([*error, 0.0, 0.0, 0.0])
    gain = acts[:2] @ np.linalg.inv(seen)
    np.testing.assert_allclose(found.mean, gain @ problem.data.Z, atol=1e-10)
    np.testing.assert_allclose(found.covariance, acts[:2, :2] - gain @ acts[:, :2], atol=1e-12)
    density = stats.multivariate_normal(np.zeros(5), seen).logpdf(problem.data.Z.T).sum()
    assert found.log_likelihood == pytest.approx(density + 60 * 5 / 2 * np.log(2 * np.pi))


def test_with_the_covariance_of_the_population_em_ends_at_the_truth_where_siblings_are_independent():
    load, error = np.array([0.9, 0.8, 0.7, 0.6, 0.5]), 0.3
    scale = np.sqrt(1.0 + error)  # of the regulator as it is seen
    covariance = np.outer([1.0, *load], [1.0, *load])
    covariance[np.arange(6), np.arange(6)] = [1.0 + error, *np.ones(5)]
    problem = problem_of(exact(covariance, 100))
    edges = np.zeros(5, int), np.arange(1, 6)
    start = Activities.of_expression(problem.data, np.array([0]))
    found, weights = fit(problem.data, edges, start, rounds=400)
    assert found.error[0] == pytest.approx(error / scale**2, abs=1e-4)
    np.testing.assert_allclose(weights[1:, 0].toarray().ravel(), load * scale, atol=1e-3)
    R = expected_moments(problem.data, found).R
    assert R is not None
    given = R[1:, 1:] - np.outer(R[1:, 0], R[1:, 0])
    np.testing.assert_allclose(given - np.diag(given.diagonal()), 0.0, atol=1e-3)


def test_em_never_lowers_the_likelihood():
    problem = problem_of(noisy_regulators(1, 0.3, 0.0))
    edges = np.repeat([0, 1], 15), np.arange(2, 32)
    now, values = Activities.of_expression(problem.data, np.array([0, 1])), []
    for _ in range(15):
        now, _ = fit(problem.data, edges, now, rounds=1)
        values.append(now.log_likelihood)
    assert np.all(np.diff(values) > -1e-6)
    assert np.all(now.error > 0.1)


def test_what_is_drawn_has_the_moments_that_are_expected():
    problem = problem_of(noisy_regulators(2, 0.3, 0.0))
    edges = np.repeat([0, 1], 15), np.arange(2, 32)
    found, _ = fit(problem.data, edges, Activities.of_expression(problem.data, np.array([0, 1])), rounds=20)
    Z = problem.data.Z.copy()
    Z[:2] = found.draw(Z, 3)
    expected = expected_moments(problem.data, found).R
    np.testing.assert_allclose(np.corrcoef(Z), expected, atol=1e-7)


@pytest.mark.parametrize("direct", [0.0, 0.6])
def test_siblings_are_joined_if_one_acts_on_the_other_and_else_are_not(direct):
    joined, false, before, kept = 0, 0, 0, 0
    for seed in range(5):
        problem = problem_of(noisy_regulators(seed, 0.2, direct))
        found, gain = find_activities(problem, SETTINGS, None, seed=seed)
        assert {0, 1} <= set(found.genes.tolist())
        assert gain > 100
        Z = problem.data.Z.copy()
        Z[found.genes] = found.draw(Z, seed)
        edges, seen = edges_of(problem_of(Z)), edges_of(problem)
        pairs = {(2, 3), (3, 2), (17, 18), (18, 17)}
        joined += len(edges & pairs)
        kept += sum((r, t) in edges for r, first in ((0, 2), (1, 17)) for t in range(first, first + 15))
        false += sum(min(edge) > 1 for edge in edges - pairs)
        before += sum(min(edge) > 1 for edge in seen - pairs)
    assert joined == (10 if direct else 0)  # of 10
    assert kept >= 130  # of 150; the others point the other way, or belong to the second regulator that was taken
    assert false <= 5
    assert before > 200


@pytest.mark.parametrize("graph", ["er", "hub", "scale-free"])
def test_what_acts_as_it_is_seen_has_no_activity(graph):
    X = simulate(150, 400, graph=graph, degree=4, standardised=True, seed=2).X.T
    found, _ = find_activities(problem_of(X), SETTINGS, None, seed=3)
    assert len(found.genes) == 0


def test_curves_gain_where_targets_saturate_and_lines_gain_nothing():
    rng = np.random.default_rng(45)
    cause, noise = rng.standard_normal(2000), rng.standard_normal((2, 20, 2000))
    edges = np.zeros(20, int), np.arange(1, 21)
    nothing = np.empty(0, np.int64)

    def gained(targets: np.ndarray) -> float:
        data = problem_of(np.vstack([cause, targets])).data
        _, weights = fit(data, edges, Activities.of_expression(data, nothing), rounds=1)
        return gain_of_curves(data, weights)

    assert abs(gained(cause + noise[0])) < 20  # of 20 tests, each with mean 0 and variance 1/2
    # The square has variance 2: it explains 2 b^2 of 2 b^2 + 1.
    expected = 20 * 2000 / 2 * np.log1p(2 * 0.3**2)
    assert gained(cause + 0.3 * cause**2 + noise[1]) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("seed", [3, 4])
def test_where_targets_saturate_and_nothing_strays_nothing_is_taken(seed):
    X = simulate(150, 600, graph="hub", mechanism=Hill(), standardised=True, seed=seed).X.T
    found, gain = find_activities(problem_of(X), SETTINGS, None, seed=3)
    assert gain > 0
    assert len(found.genes) == 0


def test_regulators_are_taken_among_those_allowed_alone():
    problem = problem_of(noisy_regulators(3, 0.4, 0.0))
    sources = np.ones(32, bool)
    sources[0] = False
    found, _ = find_activities(
        Problem(problem.data, Constraints.of_sources(sources), problem.backend), SETTINGS, None, seed=1
    )
    assert 0 not in found.genes
    assert 1 in found.genes
