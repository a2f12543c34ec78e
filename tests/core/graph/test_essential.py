"""Interventional equivalence classes, against brute force over all graphs of four genes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.core.data.interventions import Interventions
from acyclome.core.graph.equivalence import cpdag, is_dag
from acyclome.core.graph.essential import arrow_shares, cut_edges

D = 4
PAIRS = list(itertools.combinations(range(D), 2))
FAMILIES = [
    *([set(one)] for size in (1, 2, 3) for one in itertools.combinations(range(D), size)),
    [{0}, {1}],
    [{0}, {1, 2}],
    [{0, 1}, {1, 2}],
    [{0, 1}, {2, 3}, {1}],
    [{0}, {1}, {2}, {3}],
]


def all_dags():
    """Every DAG of four genes, as a frozenset of edges: 543."""
    for marks in itertools.product((0, 1, 2), repeat=len(PAIRS)):
        edges = [pair if mark == 1 else pair[::-1] for pair, mark in zip(PAIRS, marks, strict=True) if mark]
        source, target = np.array(edges, np.int64).reshape(-1, 2).T
        if is_dag(source, target, D):
            yield frozenset(edges)


def colliders(edges):
    joined = {frozenset(edge) for edge in edges}
    return frozenset(
        (frozenset((a, b)), c)
        for (a, c), (b, other) in itertools.combinations(edges, 2)
        if c == other and frozenset((a, b)) not in joined
    )


def signature(edges, family):
    """What all members share: skeleton, colliders, and the skeleton without the edges into the targets of each set."""
    return (
        frozenset(map(frozenset, edges)),
        colliders(edges),
        *(frozenset(frozenset(edge) for edge in edges if edge[1] not in chosen) for chosen in family),
    )


def targets_of(family):
    gene, row = zip(*[(gene, row) for row, chosen in enumerate(family) for gene in chosen], strict=True)
    return Interventions.from_pairs(gene, row, n_genes=D, n_obs=len(family))


@pytest.fixture(scope="module")
def dags():
    return list(all_dags())


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_directed_edges_are_those_that_all_members_of_the_interventional_class_share(dags, family):
    assert len(dags) == 543
    members, targets = {}, targets_of(family)
    for edges in dags:
        members.setdefault(signature(edges, family), []).append(edges)
    for same in members.values():
        shared = frozenset.intersection(*same)
        for edges in same:
            source, target = np.array(sorted(edges), np.int64).reshape(-1, 2).T
            found = cpdag(source, target, D, directed=cut_edges(source, target, targets))
            assert {edge for edge, is_shared in zip(sorted(edges), found, strict=True) if is_shared} == shared


@given(seed=st.integers(0, 10_000), d=st.integers(2, 9))
def test_without_known_edges_the_rules_give_the_observational_class(seed, d):
    from acyclome.core.graph.essential import apply_meek_rules

    rng = np.random.default_rng([31, seed])
    name = rng.permutation(d)
    pairs = [(name[i], name[j]) for i, j in itertools.combinations(range(d), 2) if rng.random() < 0.5]
    source, target = np.array(pairs, np.int64).reshape(-1, 2).T
    directed = apply_meek_rules(
        np.ascontiguousarray(source), np.ascontiguousarray(target), np.zeros(len(pairs), bool), d
    )
    np.testing.assert_array_equal(directed, cpdag(source, target, d))


def test_an_edge_between_two_genes_that_are_always_targets_together_stays_open():
    source, target = np.array([0, 1]), np.array([1, 2])
    together = Interventions.from_pairs([0, 1], [0, 0], n_genes=3, n_obs=5)
    np.testing.assert_array_equal(cut_edges(source, target, together), [False, True])
    np.testing.assert_array_equal(cpdag(source, target, 3, directed=cut_edges(source, target, together)), [False, True])


def test_edges_count_as_cut_from_the_least_number_of_observations():
    source, target = np.array([0]), np.array([1])
    apart = Interventions.from_pairs([0, 0, 0, 1], [0, 1, 2, 2], n_genes=2, n_obs=5)
    assert [cut_edges(source, target, apart, least=least)[0] for least in (1, 2, 3)] == [True, True, False]


def test_arrow_shares_count_the_members_of_a_class(dags):
    """Exact for four genes, but for the square with one diagonal: five edges."""
    classes = {}
    for dag in dags:
        classes.setdefault(signature(dag, []), []).append(dag)
    for members in classes.values():
        for dag in members:
            free = sorted(edge for edge in dag if any(edge not in other for other in members))
            source, target = np.array(free, np.int64).reshape(-1, 2).T
            share = [np.mean([edge in other for other in members]) for edge in free]
            np.testing.assert_allclose(arrow_shares(source, target, D), share, atol=0.08 if len(free) == 5 else 1e-12)
