"""Facts about simulated data: who explains what, what the seed fixes, what noise and hiding do."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from acyclome.core.graph.equivalence import is_dag
from acyclome.evaluate.accuracy import ceiling
from acyclome.evaluate.graphs import GRAPHS, n_regulators
from acyclome.evaluate.simulate import NOISES, simulate

LAWS = {
    "gauss": stats.norm(),
    "exp": stats.expon(-1.0),
    "gumbel": stats.gumbel_r(-np.euler_gamma * np.sqrt(6) / np.pi, np.sqrt(6) / np.pi),
    "uniform": stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)),
    "laplace": stats.laplace(0.0, np.sqrt(0.5)),
}


def explained(simulation, j):
    parents = simulation.source[simulation.target == j]
    Z = simulation.X - simulation.X.mean(axis=0)
    fit = Z[:, parents] @ np.linalg.lstsq(Z[:, parents], Z[:, j], rcond=None)[0]
    return fit.var() / Z[:, j].var()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(GRAPHS)), st.integers(2, 40), st.floats(1.0, 5.0), st.integers(0, 999))
def test_graphs_are_simple_and_acyclic_at_any_size(graph, d, degree, seed):
    pairs = GRAPHS[graph](d, degree, np.random.default_rng(seed))
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert len(np.unique(pairs, axis=0)) == len(pairs)
    assert pairs.min(initial=0) >= 0
    assert pairs.max(initial=0) < d


@pytest.mark.parametrize("graph", sorted(GRAPHS))
@pytest.mark.parametrize("seed", [11, 12])
def test_order_certifies_the_graph(graph, seed):
    s = simulate(300, 20, graph=graph, seed=seed)
    rank = np.argsort(s.order)
    assert (rank[s.source] < rank[s.target]).all()
    assert is_dag(s.source, s.target, 300)


@pytest.mark.parametrize("graph", sorted(GRAPHS))
def test_index_does_not_tell_the_order(graph):
    draws = [simulate(1000, 2, graph=graph, seed=seed) for seed in range(10)]
    forward = [np.mean(s.source < s.target) for s in draws]  # one hub graph: about .5 with a deviation of .06
    assert abs(np.mean(forward) - 0.5) < 0.07
    assert abs(np.mean([stats.spearmanr(s.order, np.arange(1000)).statistic for s in draws])) < 0.04


def test_er_edges_fall_evenly_over_the_pairs():
    counts = np.zeros((6, 6))
    for seed in range(3000):
        a, b = GRAPHS["er"](6, 0.5, np.random.default_rng(seed)).T
        counts[a, b] += 1
    assert stats.chisquare(counts[np.triu_indices(6, 1)]).pvalue > 1e-3


def test_scale_free_hubs_are_causes():
    s = simulate(3000, 2, graph="scale-free", seed=2)
    assert np.bincount(s.source).max() > 100
    assert np.bincount(s.target).max() == 2


def test_hub_graphs_have_few_causes_and_many_effects():
    s = simulate(2000, 2, graph="hub", seed=3)
    assert set(s.source) <= set(s.regulators)
    assert s.regulators.size == n_regulators(2000) == 100
    out = np.bincount(s.source, minlength=2000)
    assert out.max() < 0.2 * 2000
    assert out.max() > 10 * np.median(out[s.regulators])
    children = np.setdiff1d(np.arange(2000), s.regulators)
    assert np.bincount(s.target, minlength=2000)[children].min() == 1


@pytest.mark.parametrize("graph", sorted(GRAPHS))
def test_parents_explain_the_share_asked_for(graph):
    s = simulate(60, 4000, graph=graph, parent_share=(0.3, 0.8), noise_range=(0.2, 5.0), seed=4)
    shares = [explained(s, j) for j in np.unique(s.target)]
    assert min(shares) > 0.3 - 0.04
    assert max(shares) < 0.8 + 0.04
    assert np.ptp(shares) > 0.3


def test_variances_stay_bounded_only_with_a_parent_share():
    bounded = simulate(1000, 500, degree=4, seed=5).X.var(axis=0)
    free = simulate(1000, 500, degree=4, parent_share=None, seed=5).X.var(axis=0)
    assert bounded.max() < 1.5 / (1 - 0.8)
    assert free.max() > 1e3


def test_weights_reproduce_the_data():
    s = simulate(50, 200, noise_range=(0.5, 2.0), seed=6)
    W = np.zeros((50, 50))
    W[s.source, s.target] = s.weight
    noise = s.X - s.X @ W
    np.testing.assert_allclose(noise.std(axis=0), s.noise_scale, rtol=0.25)
    assert np.abs(np.corrcoef(noise.T) - np.eye(50)).max() < 0.35


@pytest.mark.parametrize("noise", sorted(NOISES))
def test_noise_follows_its_law(noise):
    s = simulate(4, 20_000, degree=0.0, noise=noise, seed=7)
    for j in range(4):
        assert stats.kstest(s.X[:, j], LAWS[noise].cdf).pvalue > 1e-4


def test_one_seed_gives_one_graph_whatever_the_noise():
    a = simulate(200, 50, seed=8)
    b = simulate(200, 30, seed=8, noise="laplace", noise_range=(0.5, 2.0), standardised=True)
    np.testing.assert_array_equal(a.source, b.source)
    np.testing.assert_array_equal(a.target, b.target)
    np.testing.assert_array_equal(np.sign(a.weight), np.sign(b.weight))
    assert not np.array_equal(a.source, simulate(200, 50, seed=9).source)


def test_same_seed_gives_the_same_bits():
    a, b = simulate(100, 30, seed=10, hidden=0.1), simulate(100, 30, seed=10, hidden=0.1)
    np.testing.assert_array_equal(a.X, b.X)


def test_no_stream_is_the_plain_generator_of_the_seed():
    s = simulate(500, 2, seed=3)
    assert not np.array_equal(s.order, np.random.default_rng(3).permutation(500))


def test_measurement_noise_adds_its_share_of_every_variance():
    clean = simulate(30, 5000, seed=12)
    noisy = simulate(30, 5000, seed=12, measurement_noise=0.3)
    added = noisy.X - clean.X
    np.testing.assert_allclose(added.std(axis=0), 0.3 * clean.X.std(axis=0), rtol=0.06)
    np.testing.assert_array_equal(noisy.weight, clean.weight)


def test_hidden_causes_vanish_and_the_rest_stays():
    whole = simulate(200, 40, graph="hub", seed=13)
    seen = simulate(200, 40, graph="hub", seed=13, hidden=0.2)
    causes = np.unique(whole.source).size
    assert len(seen.genes) == 200 - round(0.2 * causes) == seen.X.shape[1]
    place = {name: g for g, name in enumerate(whole.genes)}
    kept = np.array([place[name] for name in seen.genes])
    np.testing.assert_array_equal(seen.X, whole.X[:, kept])
    lost = set(whole.genes) - set(seen.genes)
    expected = whole.edges[~whole.edges["source"].isin(lost) & ~whole.edges["target"].isin(lost)]
    np.testing.assert_array_equal(seen.edges.to_numpy(), expected.to_numpy())
    assert sorted(seen.order) == list(range(len(seen.genes)))
    assert {seen.genes[g] for g in seen.regulators} == {whole.genes[g] for g in whole.regulators} - lost


def test_standardised_columns_have_unit_variance():
    X = simulate(40, 100, parent_share=None, standardised=True, seed=14).X
    np.testing.assert_allclose(X.std(axis=0), 1.0, rtol=1e-12)
    np.testing.assert_allclose(X.mean(axis=0), 0.0, atol=1e-12)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"graph": "ring"}, "er, scale-free, hub"),
        ({"noise": "cauchy"}, "laplace"),
        ({"graph": "hub", "degree": 0.5}, "degree is 0.5"),
        ({"parent_share": (0.5, 1.0)}, "below 1"),
        ({"hidden": 1.0}, "hidden"),
        ({"noise_range": (2.0, 1.0)}, "noise_range"),
    ],
)
def test_wrong_settings_name_the_way_out(settings, words):
    with pytest.raises(ValueError, match=words):
        simulate(10, 10, **settings)


@pytest.mark.parametrize(("graph", "kind"), [("er", "ER"), ("scale-free", "SF-out"), ("hub", "TF")])
def test_graphs_are_of_the_kind_the_measuring_tool_draws(bench, graph, kind):
    ours, theirs = [], []
    for seed in range(11, 16):
        s = simulate(1000, 2, graph=graph, seed=seed)
        edges, _, _ = bench("simulate").make_graph(1000, 2, kind, seed)
        for found, (source, target) in ((ours, (s.source, s.target)), (theirs, edges.T)):
            agreement = ceiling((source, target), 1000, np.random.default_rng(0))
            parents = np.bincount(target, minlength=1000)
            found.append([len(source) / 1000, np.unique(source).size / 1000, (parents**2).mean(), agreement])
    np.testing.assert_allclose(np.mean(ours, axis=0), np.mean(theirs, axis=0), rtol=0.05)


@pytest.mark.parametrize("module", ["factors", "kinetics", "simulate", "umi"])
def test_examples_of_the_simulator_run(module):
    tried = doctest.testmod(importlib.import_module(f"acyclome.evaluate.{module}"))
    assert tried.attempted > 0
    assert tried.failed == 0
