"""Accuracy of graphs: against the measuring tools, on known answers, and under renaming."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acyclome.core.graph.equivalence import random_member
from acyclome.evaluate.accuracy import ceiling, class_f1, graph_scores
from acyclome.evaluate.simulate import simulate


def edges(*pairs):
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def dense(graph, d):
    W = np.zeros((d, d), bool)
    W[graph] = True
    return W


def random_graph(d, m, seed, *, acyclic=False):
    rng = np.random.default_rng(seed)
    key = rng.choice(d * d, size=m, replace=False)
    source, target = key // d, key % d
    kept = source < target if acyclic else source != target
    name = rng.permutation(d)
    return name[source[kept]], name[target[kept]]


@pytest.mark.parametrize("seed", range(20))
def test_graph_scores_match_the_measuring_tool(bench, seed):
    d = 12
    truth, estimate = random_graph(d, 40, seed, acyclic=True), random_graph(d, 50, seed + 100)
    ours = graph_scores(truth, estimate, d)
    theirs = bench("metrics").graph_scores(dense(truth, d), dense(estimate, d))
    for name in ("shd", "precision", "f1", "fdr", "skeleton_precision", "skeleton_recall", "skeleton_f1"):
        assert ours[name] == pytest.approx(theirs[name], abs=1e-12), name
    assert ours["recall"] == pytest.approx(theirs["tpr"])
    for name in ("edges", "undecided", "reversed", "true_edges"):
        assert ours[name] == theirs[name], name
    assert ours["is_dag"] == bench("metrics").is_dag(dense(estimate, d))


@pytest.mark.parametrize("seed", range(10))
def test_class_f1_matches_the_measuring_tool(bench, seed):
    truth, estimate = random_graph(15, 60, seed, acyclic=True), random_graph(15, 60, seed + 50, acyclic=True)
    near = random_member(*truth, 15, rng=np.random.default_rng(seed))
    for other in (estimate, near):
        theirs = bench("classes").class_f1(np.stack(truth, 1), np.stack(other, 1), 15)
        assert class_f1(truth, other, 15) == pytest.approx(theirs)


@pytest.mark.parametrize("graph", ["er", "hub", "scale-free"])
def test_ceiling_matches_the_measuring_tool(bench, graph):
    s = simulate(400, 2, graph=graph, degree=1.0 if graph == "scale-free" else 2.0, seed=11)
    ours = ceiling((s.source, s.target), 400, np.random.default_rng(0), draws=40)
    theirs = bench("classes").member_agreement(np.stack([s.source, s.target], 1), 400, draws=40)
    # a tree (degree 1) is one chain component, whose members differ by the root alone
    assert ours == pytest.approx(theirs, abs=0.03 if graph == "scale-free" else 0.01)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 9))
def test_scores_do_not_depend_on_names_or_on_the_order_of_the_edges(seed, d):
    rng = np.random.default_rng(seed)
    truth, estimate = random_graph(d, d, seed, acyclic=True), random_graph(d, d, seed + 1, acyclic=True)
    name = rng.permutation(d)
    renamed = []
    for source, target in (truth, estimate):
        shuffled = rng.permutation(source.size)
        renamed.append((name[source[shuffled]], name[target[shuffled]]))
    before, after = graph_scores(truth, estimate, d), graph_scores(*renamed, d)
    assert {k: v for k, v in before.items() if k != "ceiling"} == {k: v for k, v in after.items() if k != "ceiling"}


def test_the_truth_scores_full_marks():
    truth = random_graph(30, 200, 1, acyclic=True)
    scores = graph_scores(truth, truth, 30)
    assert scores["shd"] == 0
    assert {scores[k] for k in ("precision", "recall", "f1", "skeleton_f1", "class_f1")} == {1.0}


def test_an_empty_estimate_scores_nothing():
    scores = graph_scores(edges((0, 1), (1, 2)), edges(), 3)
    assert scores["shd"] == 2
    assert scores["precision"] == scores["recall"] == scores["f1"] == 0.0


def test_a_turned_chain_is_wrong_by_arrow_and_right_by_class():
    chain, turned = edges((0, 1), (1, 2)), edges((1, 0), (2, 1))
    scores = graph_scores(chain, turned, 3)
    assert (scores["f1"], scores["shd"]) == (0.0, 2)
    assert scores["skeleton_f1"] == scores["class_f1"] == 1.0


def test_a_turned_collider_is_wrong_by_class():
    collider, fork = edges((0, 1), (2, 1)), edges((1, 0), (1, 2))
    assert class_f1(collider, fork, 3) == 0.0
    assert ceiling(collider, 3, np.random.default_rng(0)) == 1.0


def test_an_undecided_pair_is_right_where_the_truth_joins_it():
    truth, estimate = edges((0, 1)), edges((0, 1), (1, 0), (1, 2), (2, 1))
    scores = graph_scores(truth, estimate, 3)
    assert (scores["edges"], scores["undecided"], scores["correct"], scores["shd"]) == (2, 2, 1, 1)
    assert np.isnan(scores["class_f1"])


@pytest.mark.parametrize("seed", [1, 2])
def test_a_random_member_reaches_the_ceiling_and_full_class_f1(seed):
    s = simulate(500, 2, seed=seed)
    truth = s.source, s.target
    member = random_member(*truth, 500, rng=np.random.default_rng(seed))
    scores = graph_scores(truth, member, 500, rng=np.random.default_rng(seed + 10), draws=20)
    assert scores["class_f1"] == scores["skeleton_f1"] == 1.0
    assert scores["f1"] == pytest.approx(scores["ceiling"], abs=0.02)
    assert 0.94 < scores["ceiling"] < 0.985  # about .966 on graphs of this kind


def test_edges_out_of_range_are_refused():
    with pytest.raises(ValueError, match="0 to 2"):
        graph_scores(edges((0, 5)), edges((0, 1)), 3)
