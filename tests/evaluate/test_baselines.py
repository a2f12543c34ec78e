"""The baselines: against the measuring tools, and where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from acyclome.core.data.interventions import Interventions
from acyclome.core.graph.equivalence import is_dag
from acyclome.evaluate.accuracy import graph_scores
from acyclome.evaluate.baselines import KEYS, correlation_ranking, heldout_log_likelihood, sort_and_regress
from acyclome.evaluate.simulate import simulate

NOTHING = np.empty(0, np.int64)


def score(s, graph):
    return graph_scores((s.source, s.target), (graph.source, graph.target), len(s.genes))


@pytest.mark.parametrize("key", ["r2", "r2-falling"])
@pytest.mark.parametrize("graph", ["er", "hub"])
def test_forward_selection_scores_no_worse_than_the_measuring_tool(bench, graph, key):
    ours, theirs = [], []
    for seed in (11, 12, 13):
        s = simulate(80, 1000, graph=graph, standardised=True, seed=seed)
        r2 = bench("metrics").r2_values(s.X)
        W = bench("metrics").order_regress(s.X, r2 if key == "r2" else -r2)
        ours.append(score(s, sort_and_regress(s.X, key))["f1"])
        theirs.append(graph_scores((s.source, s.target), np.nonzero(W), 80)["f1"])
    assert np.mean(ours) > np.mean(theirs) - 0.03  # means over five seeds: .922 and .915 on hub graphs, falling R2


def test_the_true_order_leads_to_the_true_graph():
    s = simulate(60, 2000, standardised=True, seed=12)
    assert score(s, sort_and_regress(s.X, s.order))["f1"] > 0.96


@pytest.mark.parametrize("key", sorted(KEYS))
def test_sorted_graphs_are_acyclic_and_follow_their_order(key):
    s = simulate(50, 60, seed=13)
    graph = sort_and_regress(s.X, key)
    rank = np.argsort(graph.order)
    assert (rank[graph.source] < rank[graph.target]).all()
    assert is_dag(graph.source, graph.target, 50)


def test_forward_weights_are_the_regression_on_unit_columns():
    s = simulate(30, 400, seed=14)
    graph = sort_and_regress(s.X, "variance")
    Z = (s.X - s.X.mean(axis=0)) / s.X.std(axis=0)
    for j in np.unique(graph.target):
        rows = graph.target == j
        expected = np.linalg.lstsq(Z[:, graph.source[rows]], Z[:, j], rcond=None)[0]
        np.testing.assert_allclose(graph.weight[rows], expected, rtol=1e-6, atol=1e-9)


def test_no_dropped_parent_would_have_lowered_the_criterion():
    s = simulate(30, 300, seed=15)
    n, graph = 300, sort_and_regress(s.X, "random")
    rank = np.argsort(graph.order)
    for j in np.unique(graph.target):
        parents = graph.source[graph.target == j]

        def criterion(chosen, j=j):
            Z = s.X - s.X.mean(axis=0)
            rest = Z[:, j] - Z[:, chosen] @ np.linalg.lstsq(Z[:, chosen], Z[:, j], rcond=None)[0]
            price = 0.5 * np.log(n) + np.log(rank[j])
            return 0.5 * n * np.log(rest.var()) + len(chosen) * price

        assert all(criterion(parents) <= criterion(np.delete(parents, k)) + 1e-8 for k in range(parents.size))


def test_variance_wins_on_raw_data_and_tells_nothing_on_standardised():
    raw = simulate(200, 500, parent_share=None, seed=16)
    scaled = simulate(200, 500, parent_share=None, standardised=True, seed=16)
    assert score(raw, sort_and_regress(raw.X, "variance"))["recall"] > 0.9
    assert score(scaled, sort_and_regress(scaled.X, "variance"))["recall"] < 0.65


def test_falling_r2_nearly_solves_hub_graphs():
    s = simulate(300, 1000, graph="hub", standardised=True, seed=11)
    assert score(s, sort_and_regress(s.X, "r2-falling"))["f1"] > 0.88
    assert score(s, sort_and_regress(s.X, "r2"))["f1"] < 0.1


def test_column_order_does_not_leak_through_ties():
    s = simulate(100, 50, standardised=True, seed=17)
    first = sort_and_regress(s.X, "variance").order
    assert abs(np.corrcoef(first, np.arange(100))[0, 1]) < 0.3
    assert not np.array_equal(first, sort_and_regress(s.X, "random").order)


def test_correlation_ranking_holds_every_pair_when_asked():
    s = simulate(40, 200, seed=18)
    source, target, strength = correlation_ranking(s.X, per_gene=100, tile=7)
    C = np.abs(np.corrcoef(s.X.T))
    assert source.size == 40 * 39 == len(set(zip(source.tolist(), target.tolist(), strict=True)))
    np.testing.assert_allclose(strength, C[source, target], atol=1e-12)


def test_correlation_ranking_keeps_the_strongest():
    s = simulate(60, 100, seed=19)
    source, target, strength = correlation_ranking(s.X, per_gene=5, tile=16)
    C = np.abs(np.corrcoef(s.X.T)) - 2 * np.eye(60)
    for j in range(60):
        np.testing.assert_allclose(np.sort(strength[target == j]), np.sort(C[j])[-5:], atol=1e-12)
    assert (source != target).all()


def test_true_parents_predict_cells_never_seen():
    s = simulate(100, 600, seed=20)
    train, test = s.X[:400], s.X[400:]
    true = np.nansum(heldout_log_likelihood(train, test, s.source, s.target))
    renamed = np.random.default_rng(0).permutation(100)
    wrong = np.nansum(heldout_log_likelihood(train, test, renamed[s.source], renamed[s.target]))
    assert true > heldout_log_likelihood(train, test, NOTHING, NOTHING).sum() + 10
    assert true > wrong + 10


def test_the_likelihood_without_edges_is_that_of_normal_laws():
    rng = np.random.default_rng(1)
    train, test = rng.normal(3, 2, (50_000, 1)), rng.normal(3, 2, (50_000, 1))
    expected = -0.5 * (np.log(2 * np.pi * 4) + 1)
    assert heldout_log_likelihood(train, test, NOTHING, NOTHING)[0] == pytest.approx(expected, abs=0.02)


def test_genes_without_variance_or_spare_observations_have_no_likelihood():
    X = np.random.default_rng(2).standard_normal((4, 4))
    X[:, 0] = 1.0
    result = heldout_log_likelihood(X, X, np.array([1, 2, 3]), np.array([3, 3, 2]))
    assert np.isnan(result[0])
    assert np.isfinite(result[[1, 2, 3]]).all()
    crowded = heldout_log_likelihood(X[:3], X, np.array([1, 2]), np.array([3, 3]))
    assert np.isnan(crowded[3])


def test_unknown_names_and_broken_orders_are_refused():
    X = simulate(5, 20, seed=22).X
    with pytest.raises(ValueError, match="r2-falling"):
        sort_and_regress(X, "alphabet")
    with pytest.raises(ValueError, match="0 to 4 once"):
        sort_and_regress(X, np.array([0, 1, 1, 2, 3]))


def test_equations_are_judged_without_the_observations_in_which_their_gene_was_a_target():
    rng = np.random.default_rng(31)
    X = rng.standard_normal((400, 2))
    X[:, 1] += X[:, 0]
    X[:50, 1] = X[200:250, 1] = 30.0
    targets = tuple(Interventions.from_pairs(np.ones(50, int), np.arange(50), n_genes=2, n_obs=200) for _ in range(2))
    train, test, edge = X[:200], X[200:], (np.array([0]), np.array([1]))
    found = heldout_log_likelihood(train, test, *edge, targets)
    own = heldout_log_likelihood(train[50:], test[50:], *edge)
    assert found[1] == pytest.approx(own[1])
    assert found[0] == pytest.approx(heldout_log_likelihood(train, test, *edge)[0])
    assert heldout_log_likelihood(train, test, *edge)[1] < found[1] - 1
