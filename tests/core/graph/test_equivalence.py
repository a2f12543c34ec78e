"""The equivalence class of a graph: against brute force, against the measuring tools, and on known answers."""

from __future__ import annotations

import importlib.util
import itertools
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acyclome.core.graph.equivalence import cpdag, is_dag, random_member, topological_order

BENCH = Path(__file__).parents[3].parent / "shared" / "bench"


@pytest.fixture(scope="module")
def classes():
    if not BENCH.exists():
        pytest.skip("the measuring tools in ../shared/bench are absent")
    spec = importlib.util.spec_from_file_location("bench_classes", BENCH / "classes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@st.composite
def small_dags(draw):
    d = draw(st.integers(1, 5))
    pairs = list(itertools.combinations(range(d), 2))
    kept = [pair for pair in pairs if draw(st.booleans())]
    name = draw(st.permutations(range(d)))
    source = np.array([name[i] for i, _ in kept], dtype=np.int64)
    target = np.array([name[j] for _, j in kept], dtype=np.int64)
    return source, target, d


def random_dag(rng, d, m):
    low, high = np.sort(rng.integers(0, d, size=(2, 2 * m)), axis=0)
    keys = np.unique((low * d + high)[low < high])
    keys = rng.permutation(keys)[:m]
    name = rng.permutation(d)
    return name[keys // d], name[keys % d]


def v_structures(edges):
    adjacent = {frozenset(edge) for edge in edges}
    return {
        (frozenset((a, b)), c)
        for (a, c), (b, c2) in itertools.combinations(edges, 2)
        if c == c2 and frozenset((a, b)) not in adjacent
    }


def all_members(source, target, d):
    """Every acyclic orientation of the skeleton with the same v-structures, as lists of (source, target)."""
    edges = list(zip(source.tolist(), target.tolist(), strict=True))
    wanted = v_structures(edges)
    for turned in itertools.product([False, True], repeat=len(edges)):
        member = [(j, i) if turn else (i, j) for (i, j), turn in zip(edges, turned, strict=True)]
        s, t = np.array(member, dtype=np.int64).reshape(-1, 2).T
        if v_structures(member) == wanted and is_dag(s, t, d):
            yield member


@settings(max_examples=150, deadline=None)
@given(small_dags())
def test_compelled_edges_are_those_on_which_all_members_agree(dag):
    source, target, d = dag
    members = np.array([[edge[0] for edge in member] for member in all_members(source, target, d)])
    agree = (members == members[:1]).all(axis=0) if source.size else np.zeros(0, bool)
    np.testing.assert_array_equal(cpdag(source, target, d), agree)


@settings(max_examples=60, deadline=None)
@given(small_dags(), st.integers(0, 2**32 - 1))
def test_random_members_belong_to_the_class(dag, seed):
    source, target, d = dag
    s, t = random_member(source, target, d, rng=np.random.default_rng(seed))
    assert list(zip(s.tolist(), t.tolist(), strict=True)) in list(all_members(source, target, d))


@settings(max_examples=60, deadline=None)
@given(small_dags(), st.randoms(use_true_random=False))
def test_compelled_edges_follow_a_relabelling(dag, random):
    source, target, d = dag
    name = np.array(random.sample(range(d), d))
    np.testing.assert_array_equal(cpdag(source, target, d), cpdag(name[source], name[target], d))


def test_every_member_of_a_complete_graph_comes_up():
    pairs = np.array(list(itertools.combinations(range(4), 2)))
    rng = np.random.default_rng(5)
    drawn = {tuple(random_member(pairs[:, 0], pairs[:, 1], 4, rng=rng)[0]) for _ in range(600)}
    assert len(drawn) == 24


def test_chain_is_reversible_and_collider_is_compelled():
    assert not cpdag(np.array([0, 1]), np.array([1, 2]), 3).any()
    assert cpdag(np.array([0, 2]), np.array([1, 1]), 3).all()


def test_collider_compels_what_lies_behind_it():
    source, target = np.array([0, 1, 2, 4]), np.array([2, 2, 3, 5])
    np.testing.assert_array_equal(cpdag(source, target, 6), [True, True, True, False])


def test_chain_members_are_rooted_uniformly():
    rng = np.random.default_rng(3)
    chain = np.arange(4), np.arange(1, 5)
    forward = np.mean([random_member(*chain, 5, rng=rng)[0] == chain[0] for _ in range(4000)], axis=0)
    np.testing.assert_allclose(forward, [0.2, 0.4, 0.6, 0.8], atol=0.03)


@pytest.mark.parametrize(("d", "m", "seed"), [(8, 12, 1), (40, 80, 2), (300, 600, 3), (300, 1500, 4)])
def test_cpdag_matches_the_measuring_tool(classes, d, m, seed):
    source, target = random_dag(np.random.default_rng(seed), d, m)
    compelled, reversible = classes.cpdag(np.stack([source, target], axis=1), d)
    edges = list(zip(source.tolist(), target.tolist(), strict=True))
    np.testing.assert_array_equal(cpdag(source, target, d), [edge in compelled for edge in edges])
    assert len(reversible) + len(compelled) == len(edges)


@pytest.mark.parametrize("seed", [1, 2])
def test_large_members_keep_compelled_edges(seed):
    rng = np.random.default_rng(seed)
    source, target = random_dag(rng, 400, 700)
    compelled = cpdag(source, target, 400)
    s, t = random_member(source, target, 400, rng=rng)
    np.testing.assert_array_equal(cpdag(s, t, 400), compelled)
    np.testing.assert_array_equal(s[compelled], source[compelled])
    assert (s != source).any()


def test_hubs_with_thousands_of_children_take_under_a_second():
    rng = np.random.default_rng(0)
    d, hubs = 10_000, 4
    child = np.arange(hubs, d)
    from_hub, from_any = rng.integers(0, hubs, child.size), (rng.random(child.size) * child).astype(np.int64)
    keys = np.unique(np.concatenate([from_hub, from_any]) * d + np.tile(child, 2))
    source, target = keys // d, keys % d
    random_member(source[:1], target[:1], d, rng=rng)
    start = time.process_time()
    cpdag(source, target, d)
    random_member(source, target, d, rng=rng)
    assert time.process_time() - start < 1.0


def test_topological_order_points_every_edge_forward():
    source, target = random_dag(np.random.default_rng(9), 200, 500)
    rank = np.argsort(topological_order(source, target, 200))
    assert (rank[source] < rank[target]).all()


def test_cycles_are_named_and_refused():
    source, target = np.array([0, 1, 2]), np.array([1, 2, 0])
    assert not is_dag(source, target, 4)
    with pytest.raises(ValueError, match="3 of 4 genes"):
        topological_order(source, target, 4)
    assert not is_dag(np.array([1]), np.array([1]), 2)


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [([0, 0], [1, 1], "more than once"), ([0], [7], "outside"), ([0, 1], [1], "one length")],
)
def test_malformed_edges_are_refused(source, target, words):
    with pytest.raises(ValueError, match=words):
        cpdag(np.array(source), np.array(target), 3)
