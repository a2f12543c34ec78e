"""The score of an edge: its limits and symmetries, and that it is a probability on simulations."""

import numpy as np
import pytest

import acyclome as ac
from acyclome.confidence.calibration import Surroundings, arrow_alone, arrow_probability, joined_probability
from acyclome.confidence.resample import Support
from acyclome.core.data.deconfounding import residual_correlation
from acyclome.core.graph.neighbors import common_neighbors
from acyclome.evaluate.simulate import simulate

GAINS = np.array([-2.0, 0.0, 1.0, 5.0, 50.0, 5000.0])


def support_of(share, m, resamples=20):
    return Support(np.full(m, share), np.full(m, share), resamples)


def test_more_evidence_is_never_less_probable():
    alone, _ = joined_probability(GAINS, support_of(np.nan, 6, resamples=0))
    assert (np.diff(alone) >= 0).all()
    assert alone[0] == alone[1] < 0.5
    assert 0.999 < alone[-1] <= 1.0
    for share in (0.0, 0.5, 1.0):
        assert (np.diff(joined_probability(GAINS, support_of(share, 6))[0]) >= 0).all()
    votes, _ = joined_probability(np.full(21, 3.0), Support(np.linspace(0, 1, 21), np.ones(21), 20))
    assert (np.diff(votes) > 0).all()


@pytest.mark.parametrize("resamples", [0, 20])
def test_the_more_speaks_for_common_causes_the_less_probable_is_an_edge(resamples):
    said, gain = support_of(0.9, 6, resamples), np.full(6, 20.0)
    plain, unknown = joined_probability(gain, said)
    clean, nothing = joined_probability(gain, said, Surroundings.of(np.zeros(6, int), 0.0, n_genes=50, n_obs=1000))
    np.testing.assert_array_equal(clean, plain)
    assert np.isnan(unknown).all()
    assert not nothing.any()
    joined, confounded = joined_probability(gain, said, Surroundings.of(np.arange(6), 0.01, n_genes=50, n_obs=1000))
    assert (np.diff(joined) < 0).all()
    np.testing.assert_allclose(joined, plain * (1 - confounded))
    more, _ = joined_probability(gain, said, Surroundings.of(np.arange(6), 0.05, n_genes=50, n_obs=1000))
    assert (more < joined).all()


def test_a_random_graph_has_no_more_common_neighbours_than_by_chance():
    d, m = 400, 2000
    pairs = np.random.default_rng(5).permutation(np.stack(np.triu_indices(d, 1), axis=1))[:m]
    around = Surroundings.of(common_neighbors(*pairs.T, d), 0.0, n_genes=d, n_obs=500)
    assert np.mean(around.common_neighbors) < 0.3
    assert around.in_triangles < 0.05


def test_independent_residuals_say_nothing_however_few_observations_there_are():
    d, clean = 100, []
    for n in (30, 100, 1000):
        E = np.random.default_rng(7).standard_normal((40, d, n))
        found = [Surroundings.of(np.zeros(1, int), residual_correlation(e), n_genes=d, n_obs=n) for e in E]
        clean.append([one.residual_correlation for one in found])
    clean = np.array(clean)
    assert (np.mean(clean == 0.0, axis=1) > 0.7).all()
    assert (clean.mean(axis=1) * np.sqrt(d * np.array([30, 100, 1000])) < 0.6).all()  # chance makes 1.4 of it alone


def test_a_turned_arrow_has_the_other_share():
    rng = np.random.default_rng(0)
    q, v, joined = rng.random(50), rng.integers(0, 11, 50) / 10, rng.integers(1, 11, 50) / 10
    there = arrow_probability(q, Support(joined, v, 10))
    back = arrow_probability(1 - q, Support(joined, 1 - v, 10))
    np.testing.assert_allclose(there + back, 1.0, atol=1e-12)
    assert arrow_probability(np.array([0.5]), Support(np.array([1.0]), np.array([0.5]), 10)) == pytest.approx(0.5)


def test_a_decided_arrow_is_certain_and_an_open_one_is_its_share_of_the_class():
    """The chain 0 -> 1 -> 2 has three members: 0 -> 1 -> 2, 0 <- 1 -> 2, 0 <- 1 <- 2; 3 -> 4 has two."""
    source, target = np.array([0, 1, 3, 3]), np.array([1, 2, 4, 5])
    compelled, decided = np.array([False, False, True, True]), np.array([False, False, False, True])
    loss = np.array([0.0, 0.0, 40.0, 0.0])
    found = arrow_alone(source, target, n_genes=6, compelled=compelled, decided=decided, loss=loss)
    np.testing.assert_allclose(found[:2], [1 / 3, 2 / 3])
    assert 0.95 < found[2] < 1
    assert found[3] == 1.0
    voted = arrow_probability(found, Support(np.ones(4), np.zeros(4), 20))
    assert voted[3] == 1.0
    assert (voted[:3] < 0.5).all()


@pytest.mark.parametrize("resamples", [0, 10])
def test_the_score_is_no_more_than_the_share_of_right_edges(resamples):
    right, score = [], []
    for seed in (31, 32):
        drawn = simulate(80, 300, graph="er", degree=3.0, parent_share=(0.3, 0.8), standardised=True, seed=seed)
        edges = ac.learn(drawn.X, resamples=resamples, seed=900 + seed, threads=1).edges
        truth = {(f"gene_{s + 1}", f"gene_{t + 1}") for s, t in zip(drawn.source, drawn.target, strict=True)}
        right += [pair in truth for pair in zip(edges["source"], edges["target"], strict=True)]
        score += edges["score"].tolist()
    right, score = np.array(right), np.array(score)
    assert right[score >= 0.9].mean() >= 0.9
    assert -0.02 < right.mean() - score.mean() < 0.2  # data without faults are better than the score allows
    assert right[score < 0.7].mean() < right[score >= 0.9].mean()
