"""Facts about hidden factors: what they take, what they leave of the graph, what they do to the spectrum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acyclome.evaluate.factors import FACTOR_KINDS, Factors
from acyclome.evaluate.kinetics import Hill
from acyclome.evaluate.simulate import simulate


def weights(s):
    W = np.zeros((len(s.genes), len(s.genes)))
    W[s.source, s.target] = s.weight
    return W


def spectrum(X):
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    return np.linalg.svd(Z, compute_uv=False) ** 2 / Z.size


@pytest.mark.parametrize("graph", ["er", "hub"])
def test_without_factors_data_are_noise_of_its_stream_sent_through_the_weights(graph):
    s = simulate(60, 50, graph=graph, seed=3)
    noise = np.random.default_rng([0x51D4, 4, 3]).standard_normal((60, 50)).T
    np.testing.assert_allclose((s.X - s.X @ weights(s))[:, s.order], noise, atol=1e-12)
    np.testing.assert_array_equal(s.X, simulate(60, 50, graph=graph, factors=Factors(0, share=0.9), seed=3).X)


def test_factors_leave_graph_weights_and_noise_as_they_are():
    plain, moved = simulate(80, 60, seed=4), simulate(80, 60, factors=Factors(3), seed=4)
    for name in ("source", "target", "weight", "noise_scale", "order"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(moved, name))
    np.testing.assert_allclose(moved.X, plain.X + moved.factor_scores @ moved.loadings.T, atol=1e-12)
    assert plain.factor_scores.shape == (60, 0)
    assert plain.loadings.shape == (80, 0)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_factors_take_their_mean_share(share):
    s = simulate(400, 2000, factors=Factors(4, share=share), seed=5)
    taken = (s.loadings**2).sum(axis=1) / s.X.var(axis=0)
    assert taken.mean() == pytest.approx(share, abs=0.03)
    assert np.ptp(taken) > 0.3


def test_factors_on_a_part_of_the_genes_take_no_more_than_their_share():
    s = simulate(400, 2000, factors=Factors(8, share=0.5, coverage=0.4), seed=5)
    taken = (s.loadings**2).sum(axis=1) / s.X.var(axis=0)
    assert taken.mean() == pytest.approx(0.5, abs=0.04)


def test_the_first_components_carry_what_the_factors_take():
    """Factors of one half each leave the next component no more than a network without them has."""
    plain = spectrum(simulate(400, 2000, seed=6).X)
    moved = spectrum(simulate(400, 2000, factors=Factors(4, share=0.5), seed=6).X)
    assert moved[:4].sum() == pytest.approx(0.5, abs=0.05)
    assert moved[4] < plain[0]


def test_twenty_factors_give_the_spectrum_of_compendia():
    """Of DREAM5 E. coli, 5 components hold .48 and 20 hold .77 (177 conditions)."""
    found = spectrum(simulate(1000, 177, graph="hub", factors=Factors(20, share=0.7), seed=7).X)
    assert found[:5].sum() == pytest.approx(0.48, abs=0.06)
    assert found[:20].sum() == pytest.approx(0.77, abs=0.05)


def test_a_gene_that_no_factor_loads_on_inherits_from_its_parents_alone():
    s = simulate(300, 40, factors=Factors(2, coverage=0.3), seed=8)
    direct = s.loadings - weights(s).T @ s.loadings
    assert (np.abs(direct) > 1e-12).sum(axis=0).tolist() == [90, 90]
    roots = np.setdiff1d(np.arange(300), s.target)
    assert (s.loadings[roots] == 0).any()


def test_kinds_differ_in_their_scores_and_loadings():
    batch = simulate(50, 31, factors=Factors(2, kind="batch"), seed=9).factor_scores
    assert [len(np.unique(column)) for column in batch.round(9).T] == [2, 2]
    assert (simulate(50, 30, factors=Factors(1, kind="depth"), seed=9).loadings > 0).all()
    assert set(FACTOR_KINDS) == {"state", "batch", "depth"}


def test_under_kinetics_factors_act_on_what_is_seen():
    plain, moved = (simulate(40, 50, mechanism=Hill(), factors=f, seed=10) for f in (Factors(0), Factors(2)))
    np.testing.assert_allclose(moved.X, plain.X + moved.factor_scores @ moved.loadings.T, atol=1e-12)


def test_hidden_genes_take_their_loadings_with_them():
    whole, seen = (simulate(80, 30, graph="hub", factors=Factors(3), hidden=h, seed=11) for h in (0.0, 0.5))
    kept = [whole.genes.index(gene) for gene in seen.genes]
    np.testing.assert_array_equal(seen.loadings, whole.loadings[kept])
    np.testing.assert_array_equal(seen.factor_scores, whole.factor_scores)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 6),
    st.floats(0.01, 0.98),
    st.floats(0.05, 1.0),
    st.sampled_from(sorted(FACTOR_KINDS)),
    st.integers(0, 99),
)
def test_whatever_is_asked_the_direct_factors_take_a_share_below_one(number, share, coverage, kind, seed):
    factors = Factors(number, share, coverage, kind)
    s = simulate(25, 20, factors=factors, seed=seed)
    assert np.isfinite(s.X).all()
    assert np.isfinite(s.loadings).all()
    np.testing.assert_allclose(s.factor_scores.mean(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(s.factor_scores.std(axis=0), 1.0)
    np.testing.assert_array_equal(s.X, simulate(25, 20, factors=factors, seed=seed).X)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"number": -1}, "number of factors is -1"),
        ({"share": 0.0}, "share of factors"),
        ({"share": 1.0}, "at most 0.99"),
        ({"coverage": 1.5}, "coverage of factors is 1.5"),
        ({"kind": "weather"}, "state, batch, depth"),
    ],
)
def test_factors_that_cannot_be_drawn_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Factors(**options)


def test_counts_that_cause_counts_take_no_factors():
    with pytest.raises(ValueError, match="Umi"):
        simulate(10, 20, noise="negative-binomial", factors=Factors(1))
