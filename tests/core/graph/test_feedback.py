"""Orders for graphs that are nearly acyclic: nothing against them without a cycle, little where there are some."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.core.graph.equivalence import is_dag
from acyclome.core.graph.feedback import least_acyclic, order_from_weights


def against(order, source, target, weight):
    """Return the weight of the edges that point backward."""
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    return float(np.asarray(weight)[place[np.asarray(source)] > place[np.asarray(target)]].sum())


def order_of(source, target, weight, d, seed=0):
    tie = np.random.default_rng([51, seed]).permutation(d)
    return order_from_weights(np.array(source, int), np.array(target, int), np.array(weight, float), tie=tie)


def greedy(source, target, weight, d):
    """Take sinks, sources, or else the gene with the largest outgoing less incoming weight, summed anew each time."""
    edges, left, first, last = list(zip(source, target, weight, strict=True)), set(range(d)), [], []
    while left:
        held = [(i, j, w) for i, j, w in edges if i in left and j in left]
        sinks, sources = left - {i for i, _, _ in held}, left - {j for _, j, _ in held}
        surplus = {k: sum(w * ((i == k) - (j == k)) for i, j, w in held) for k in left}
        k = next(iter(sinks or sources or [max(surplus, key=surplus.get)]))
        (last if sinks else first).append(k)
        left.remove(k)
    return np.array(first + last[::-1])


@given(seed=st.integers(0, 10_000), d=st.integers(1, 12), density=st.floats(0, 1))
def test_nothing_points_against_the_order_of_an_acyclic_graph(seed, d, density):
    rng = np.random.default_rng([52, seed])
    names = rng.permutation(d)
    source, target = np.nonzero(np.triu(rng.random((d, d)) < density, 1))
    order = order_of(names[source], names[target], rng.random(len(source)), d, seed)
    assert sorted(order) == list(range(d))
    assert against(order, names[source], names[target], np.ones(len(source))) == 0


@given(seed=st.integers(0, 10_000), d=st.integers(2, 9))
def test_on_cyclic_graphs_it_is_the_greedy_heuristic(seed, d):
    rng = np.random.default_rng([53, seed])
    source, target = np.nonzero((rng.random((d, d)) < 0.5) & ~np.eye(d, dtype=bool))
    weight = rng.random(len(source))
    order = order_of(source, target, weight, d, seed)
    expected = greedy(source.tolist(), target.tolist(), weight.tolist(), d)
    assert against(order, source, target, weight) == pytest.approx(against(expected, source, target, weight))


@given(seed=st.integers(0, 10_000), d=st.integers(2, 9), density=st.floats(0, 1))
def test_edges_are_acyclic_from_the_least_weight_at_which_an_order_goes_against_none(seed, d, density):
    rng = np.random.default_rng([54, seed])
    source, target = np.nonzero((rng.random((d, d)) < density) & ~np.eye(d, dtype=bool))
    weight = rng.integers(1, 6, len(source)).astype(float)

    def has_order(least):
        held = weight >= least
        graph = source[held], target[held], weight[held]
        return against(order_of(*graph, d), *graph) == 0

    assert is_dag(source, target, d) == has_order(0.0)
    expected = min([level for level in weight if has_order(level)], default=np.inf)
    assert least_acyclic(source, target, weight, n_genes=d) == expected


@pytest.mark.parametrize("weakest", range(4))
def test_a_single_cycle_is_cut_at_one_edge(weakest):
    weight = np.array([3.0, 4.0, 5.0, 6.0])
    weight[weakest] = 1.0
    source, target = [0, 1, 2, 3], [1, 2, 3, 0]
    order = order_of(source, target, weight, 4)
    assert against(order, source, target, [1, 1, 1, 1]) == 1
    assert against(order, source, target, weight) == 1.0


def test_the_stronger_direction_of_a_pair_wins():
    assert order_of([0, 1], [1, 0], [0.2, 0.3], 2).tolist() == [1, 0]


def test_at_least_half_of_the_weight_points_forward():
    rng = np.random.default_rng(54)
    source, target = map(list, zip(*itertools.permutations(range(15), 2), strict=True))
    weight = rng.random(len(source))
    assert against(order_of(source, target, weight, 15), source, target, weight) < weight.sum() / 2


def test_between_equals_the_seeded_permutation_decides():
    orders = {tuple(order_of([], [], [], 6, seed)) for seed in range(5)}
    assert len(orders) == 5
    np.testing.assert_array_equal(order_of([], [], [], 6, 3), order_of([], [], [], 6, 3))
