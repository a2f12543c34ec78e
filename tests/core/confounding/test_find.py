"""Hidden causes of many genes are found beside the graph, and none where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from acyclome.config import Config
from acyclome.core.backend import ThreadBackend
from acyclome.core.confounding import factor_analysis, find
from acyclome.core.confounding.factor_analysis import of_scores, refine, span, sparse_direction, varimax
from acyclome.core.confounding.find import HiddenCauses, find_factors
from acyclome.core.confounding.observed import without_observed
from acyclome.core.data.confounders import Deconfounding, without_factors
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.moments import correlate, scale_genes
from acyclome.core.data.problem import Problem
from acyclome.core.engine import screen, search_once
from acyclome.evaluate.factors import Factors
from acyclome.evaluate.simulate import simulate
from acyclome.pipeline.engine_settings import engine_settings

SETTINGS = engine_settings(Config().with_options({"fit.relax": False, "search.perturbations": 0}))


def data(graph: str, n_factors: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Draw genes ``(200, 500)`` and the factors that make .3 of the variance of each gene."""
    X = simulate(200, 500, graph=graph, standardised=True, seed=seed).X.T
    rng = np.random.default_rng([seed, 9])
    scores, loadings = rng.standard_normal((n_factors, 500)), rng.uniform(-1, 1, (200, n_factors))
    if n_factors:
        loadings *= np.sqrt(0.3 / np.sum(loadings**2, axis=1))[:, None]
    return np.sqrt(1 - 0.3 * (n_factors > 0)) * X + loadings @ scores, scores


def problem_of(X: np.ndarray) -> Problem:
    moments = correlate(scale_genes(lambda a, b: X[a:b], len(X)), 1)
    return Problem(moments, Constraints.none(len(X)), ThreadBackend(1))


def looked_for(X: np.ndarray, **asked: int) -> HiddenCauses:
    problem = problem_of(X)
    return find_factors(problem, screen(problem, SETTINGS), SETTINGS, **asked)


@pytest.mark.parametrize(("graph", "n_factors", "seed"), [("er", 2, 1), ("scale-free", 1, 1), ("hub", 1, 4)])
def test_factors_are_found_and_each_is_one_of_those_there_are(graph, n_factors, seed):
    X, scores = data(graph, n_factors, seed)
    found = looked_for(X, seed=3, most=20)
    assert len(found.scores) == n_factors
    explained = [
        1 - np.sum((f - f.mean() - b) ** 2) / np.sum((f - f.mean()) ** 2) for f, b in fitted(scores, found.scores)
    ]
    assert min(explained) > 0.85
    assert found.residual_correlation < 0.7 * found.without


def test_factors_that_bring_little_are_found_where_edges_bring_little_too():
    rng = np.random.default_rng(12)
    scores, loadings = rng.standard_normal((2, 3000)), rng.normal(0.0, 0.15, (500, 2)) * (rng.random((500, 2)) < 0.5)
    X = loadings @ scores + rng.standard_normal((500, 3000))
    X[:20] = 0.0  # genes of which a sample of cells shows nothing explain nothing
    found = looked_for(X, seed=3, most=20)
    assert len(found.scores) == 2
    assert min(1 - np.mean((f - b) ** 2) for f, b in fitted(scores, found.scores)) > 0.5
    assert found.edges < 0.1 * found.graph.n_edges


@pytest.mark.parametrize("seed", [1, 2])
def test_genes_that_are_hardly_more_than_a_factor_do_not_stand_for_it(seed):
    factors = Factors(3, share=0.3, coverage=0.5)
    X = simulate(200, 500, degree=0.0, factors=factors, standardised=True, seed=seed).X.T
    found = looked_for(X, seed=3, most=20)
    assert len(found.scores) == 3
    assert found.graph.n_edges > 300
    assert found.edges < 10


def fitted(scores, basis):
    """Each score with its projection on the span of others."""
    for f in scores:
        centered = f - f.mean()
        yield f, basis.T @ (basis @ centered) / len(f)


@pytest.mark.parametrize("graph", ["er", "hub", "scale-free"])
def test_nothing_is_found_where_nothing_is_hidden(graph):
    found = looked_for(data(graph, 0)[0], seed=3, most=20)
    assert found.scores.shape == (0, 500)
    assert found.residual_correlation < 0.02


@pytest.mark.parametrize("graph", ["er", "hub", "scale-free"])
def test_no_factor_is_tried_where_the_graph_leaves_nothing(graph, monkeypatch):
    monkeypatch.setattr(find, "_proposals", None)
    assert len(looked_for(data(graph, 0)[0], seed=3, most=20).scores) == 0


def test_a_hidden_cause_whose_targets_a_graph_joins_is_found_whatever_is_left_of_it(monkeypatch):
    monkeypatch.setattr(find, "has_component", lambda left: False)
    X, rng = data("hub", 0)[0], np.random.default_rng(4)
    factor = rng.standard_normal(500)
    X[:45] = np.sqrt(0.5) * X[:45] + np.sqrt(0.5) * rng.choice([-1, 1], 45)[:, None] * factor
    found = looked_for(X, seed=3, most=20)
    assert len(found.scores) == 1
    assert np.corrcoef(found.scores[0], factor)[0, 1] ** 2 > 0.9


def test_an_observed_cause_of_many_genes_is_no_hidden_one_and_hidden_it_is():
    rng = np.random.default_rng(7)
    cause = rng.standard_normal(500)
    X = np.vstack([cause, 0.7 * cause + 0.7 * rng.standard_normal((79, 500))])
    assert len(looked_for(X, seed=3, most=20).scores) == 0
    found = looked_for(X[1:], seed=3, most=20)
    assert len(found.scores) == 1
    assert np.corrcoef(found.scores[0], cause)[0, 1] ** 2 > 0.95


def test_moments_without_factors_are_those_of_genes_without_them():
    X, scores = data("er", 2)
    problem = problem_of(X)
    left, scale = without_factors(problem.data, scores)
    Z = problem.data.Z.copy()
    expected = Deconfounding(scores).apply(Z, 1)
    np.testing.assert_allclose(left.Z, Z, atol=1e-10)
    np.testing.assert_allclose(left.R, Z @ Z.T / 500, atol=1e-10)
    np.testing.assert_array_equal(left.R, left.R.T)
    np.testing.assert_allclose(scale, expected)
    assert left.n_effective == problem.data.n_effective - 2
    room = np.empty_like(problem.data.R)
    assert without_factors(problem.data, scores, out=room)[0].R is room
    np.testing.assert_array_equal(room, left.R)


def test_varimax_is_a_rotation_that_finds_simple_structure():
    rng = np.random.default_rng(8)
    simple = np.kron(np.eye(3), np.ones((20, 1))) * rng.uniform(0.5, 1.0, (60, 3))
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    rotation = varimax(simple @ turn)
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-10)
    found = np.abs(simple @ turn @ rotation)
    np.testing.assert_allclose(np.sort(found, axis=1)[:, :2], 0.0, atol=1e-4)


def test_the_sparsest_direction_of_a_space_is_the_one_that_was_hidden_in_it():
    rng = np.random.default_rng(9)
    loadings = rng.standard_normal((300, 4))
    loadings[20:, 3] = 0.0  # of the last, 20 genes load
    turn, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    v = sparse_direction(loadings @ turn, (loadings @ turn)[0])
    assert abs(v @ turn[3]) == pytest.approx(1.0, abs=1e-3)


def test_refining_raises_the_likelihood_to_that_of_the_true_factors():
    rng = np.random.default_rng(10)
    true = rng.standard_normal((2, 400))
    E = rng.uniform(-1, 1, (40, 2)) @ true + rng.standard_normal((40, 400))

    def log_likelihood(factors):
        covariance = factors.loadings @ factors.loadings.T + np.diag(factors.unique)
        _, determinant = np.linalg.slogdet(covariance)
        return -0.5 * (determinant + np.trace(np.linalg.solve(covariance, E @ E.T / 400)))

    start = of_scores(E, rng.standard_normal((2, 400)))
    refined = log_likelihood(refine(E, start, 30))
    assert refined > log_likelihood(start) + 0.1
    assert refined > log_likelihood(of_scores(E, true)) - 0.02


def test_loadings_are_those_of_greatest_likelihood_and_leave_nothing_in_common_among_many_observations():
    from sklearn.decomposition import FactorAnalysis

    rng = np.random.default_rng(14)
    L = rng.normal(0.0, 0.4, (40, 2))
    E = L @ rng.standard_normal((2, 20_000)) + rng.standard_normal((40, 20_000))
    E -= E.mean(axis=1, keepdims=True)
    found = refine(E, of_scores(E, np.linalg.svd(E, full_matrices=False)[2][:2]), 200)
    theirs = FactorAnalysis(2, tol=1e-10, max_iter=10_000, svd_method="lapack").fit(E.T)
    whole = theirs.components_.T @ theirs.components_ + np.diag(theirs.noise_variance_)
    np.testing.assert_allclose(found.loadings @ found.loadings.T + np.diag(found.unique), whole, atol=1e-5)
    left = np.corrcoef(E - found.loadings @ found.drawn(1))
    assert np.abs(left - np.eye(40)).max() < 5 / np.sqrt(20_000)


def test_many_observations_do_not_show_edges_that_are_errors_of_factors():
    factors, edges = Factors(5, share=0.5, coverage=0.5), {}
    for name, given in (("with", {"factors": factors}), ("without", {})):
        problem = problem_of(simulate(400, 6000, standardised=True, seed=101, **given).X.T)
        candidates = screen(problem, SETTINGS)
        if given:
            found = find_factors(problem, candidates, SETTINGS, seed=3, most=20)
            assert len(found.scores) == 5
            problem = replace(problem, data=without_factors(problem.data, found.scores)[0])
            candidates = screen(problem, SETTINGS)
        order = np.arange(400, dtype=np.int32)
        edges[name] = search_once(problem, candidates, order, settings=SETTINGS, seed=3).n_edges
    assert edges["with"] < 1.03 * edges["without"]  # 1.1 where loadings are of means alone


def test_drawn_scores_leave_what_genes_have_in_common_to_chance_and_means_do_not():
    rng = np.random.default_rng(1)
    loadings, unique = rng.uniform(-1, 1, (60, 2)), rng.uniform(0.2, 1, 60)
    X = loadings @ rng.standard_normal((2, 4000)) + rng.standard_normal((60, 4000)) * np.sqrt(unique)[:, None]
    X -= X.mean(axis=1, keepdims=True)
    factors = refine(X, of_scores(X, rng.standard_normal((2, 4000))), 200)

    def left(scores):
        fitted = of_scores(X, scores)
        R = np.corrcoef(X - fitted.loadings @ fitted.scores)
        return np.sqrt(np.mean(R[np.triu_indices(60, 1)] ** 2) * 4000)

    assert left(factors.scores) > 1.5
    assert left(factors.drawn(3)) == pytest.approx(1.0, abs=0.1)


def test_a_direction_is_observed_if_one_gene_has_no_variance_beside_it():
    rng = np.random.default_rng(11)
    cause, factor = rng.standard_normal((2, 600))
    children = 0.6 * cause + 0.8 * rng.standard_normal((30, 600))
    others = 0.6 * factor + 0.8 * rng.standard_normal((100, 600))
    E = np.vstack([cause, children, others])
    left, genes = without_observed(refine(E, of_scores(E, np.stack([cause + factor, cause - factor])), 20))
    assert genes.tolist() == [0]
    assert np.corrcoef(left.scores[0], factor)[0, 1] ** 2 > 0.95


def test_components_of_noise_are_few():
    noise = np.random.default_rng(12).standard_normal((20, 300, 100))
    counts = [len(factor_analysis.principal(E, 10).scores) for E in noise]
    assert sum(counts) <= 2


def test_sets_of_scores_that_differ_by_hardly_anything_span_what_they_have_in_common():
    scores = np.random.default_rng(1).standard_normal((3, 500))
    found = span([scores[:2], scores[[0, 2]] + 1e-4 * scores[[1, 0]]])
    assert found.shape == (3, 500)
    np.testing.assert_allclose(found @ found.T / 500, np.eye(3), atol=1e-12)
    for f, projected in fitted(scores - scores.mean(axis=1, keepdims=True), found):
        assert np.sum((f - projected) ** 2) < 0.01 * np.sum(f**2)
