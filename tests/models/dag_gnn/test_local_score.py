"""Lines between mapped genes: likelihoods of genes as they were measured, and graphs that no rising curve changes."""

import numpy as np
import pytest
from family_cases import CONSTANT, measured_through_curves

import acyclome as ac
from acyclome.core.data.interventions import Interventions, own_moments
from acyclome.core.data.moments import scale_genes
from acyclome.models.dag_gnn.card import marginal_map
from acyclome.models.dag_gnn.local_score import PostNonlinear
from acyclome.models.linear.local_score import LeastSquares
from acyclome.prepare.transform import rank_to_normal

N = 600
TRAIN, TEST = np.arange(450), np.arange(450, N)
CAUSES = np.array([1, 2])


def seen(seed=1, n=N):
    return measured_through_curves(np.random.default_rng([157, seed]), n)


def test_densities_integrate_to_one_over_what_was_not_fitted(lab):
    X, step, total = seen(), 0.02, 0.0
    for value in np.arange(-3.0, 3.0, step):  # tanh: all that gene 3 may be lies between -1 and 1
        Y = X.copy()
        Y[TEST[:3], 3] = value
        data = lab.moments_of(Y)
        density = PostNonlinear().prepare(lab.problem_of(data), 0).held_out(3, CAUSES, TRAIN, TEST[:3])
        # Nats are of standardized genes, whose standard deviation changes with what is put there.
        total = total + step * np.exp(density) / data.scale[3]
    np.testing.assert_allclose(total, 1.0, atol=2e-3)


def test_measured_through_curves_genes_are_more_probable_than_by_lines(lab):
    problem = lab.problem_of(seen())
    lines, mapped = (model.prepare(problem, 0) for model in (LeastSquares(), PostNonlinear()))
    for j, causes in ((0, []), (2, [0]), (3, [1, 2]), (4, [3])):
        parents = np.array(causes, int)
        gain = mapped.held_out(j, parents, TRAIN, TEST) - lines.held_out(j, parents, TRAIN, TEST)
        assert gain.mean() > 2 * gain.std() / len(TEST) ** 0.5


def test_normal_genes_are_those_of_the_linear_model_to_the_digit(lab):
    problem = lab.problem_of(lab.draw_linear(4, 5, N)[0])
    lines, mapped = (model.prepare(problem, 0) for model in (LeastSquares(), PostNonlinear()))
    sets = np.array([[0, 2], [2, 3]])
    np.testing.assert_allclose(mapped.scores(1, sets), lines.scores(1, sets), atol=1e-9)
    found, expected = (local.held_out(4, CAUSES, TRAIN, TEST) for local in (mapped, lines))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_map_of_a_target_is_that_of_its_own_observations():
    X = seen()[:, :CONSTANT].T
    rows = np.arange(400, N)
    done = Interventions.from_pairs(np.full(len(rows), 4), rows, n_genes=CONSTANT, n_obs=N)
    found = []
    for value in (0.5, 40.0):
        Y = X.copy()
        Y[4, rows] = value
        m = scale_genes(lambda a, b, Y=Y: Y[a:b], CONSTANT, interventions=done, marginal_map=marginal_map)
        found.append((m.Z[4, :400] - own_moments(m.Z, done)[0][4]) / m.own_scale[4])
        bare = scale_genes(lambda a, b, Y=Y: Y[a:b], CONSTANT, interventions=done)
        np.testing.assert_allclose((m.mean, m.scale), (bare.mean, bare.scale), rtol=1e-9)
        np.testing.assert_allclose(m.skewness, np.mean(m.Z**3, axis=1), atol=1e-9)
        np.testing.assert_allclose((m.Z.mean(axis=1), np.square(m.Z).mean(axis=1)), ([0] * 5, [1] * 5), atol=1e-9)
    np.testing.assert_allclose(*found, atol=1e-6)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_graph_is_that_of_lines_on_normal_scores_and_of_the_hidden_genes(lab, seed):
    hidden = lab.draw_linear(seed, 8, 1500)[0]
    bent = np.where(np.arange(8) % 2, np.exp(hidden), np.tanh(hidden / 2))
    options = {"resample": {"resamples": 0}, "fit": {"relax": False}, "confounding": "none", "activity": "none"}

    def pairs(X, model):
        edges = ac.learn(X, threads=1, config=options | {"model": model}).edges
        return {frozenset(edge) for edge in zip(edges["source"], edges["target"], strict=True)}

    expected = pairs(hidden, "linear")
    for found in (pairs(bent, "dag_gnn"), pairs(rank_to_normal(bent.T).T, "linear")):
        assert len(found ^ expected) <= 2  # an edge that is as probable as not, there and not here
    assert len(pairs(bent, "linear") ^ expected) > 2
