"""Candidate sets against plain Python sets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.core.data.candidates import Candidates, gene_blocks


@st.composite
def pair_lists(draw):
    d = draw(st.integers(1, 8))
    gene = st.integers(0, d - 1)
    return d, draw(st.lists(st.tuples(gene, gene), max_size=30))


def build(d, pairs):
    return Candidates.from_pairs(np.array([i for i, _ in pairs], int), np.array([j for _, j in pairs], int), d)


@given(pair_lists())
def test_pairs_come_back_once_sorted_by_target_and_without_loops(given_pairs):
    d, pairs = given_pairs
    found = build(d, pairs)
    wanted = sorted({(j, i) for i, j in pairs if i != j})
    assert list(zip(found.target.tolist(), found.parent.tolist(), strict=True)) == wanted
    assert (found.n_genes, found.n_edges) == (d, len(wanted))
    assert found.counts.tolist() == [sum(j == k for j, _ in wanted) for k in range(d)]


@given(pair_lists())
def test_the_transpose_lists_children_and_where_their_edges_lie(given_pairs):
    d, pairs = given_pairs
    found = build(d, pairs)
    indptr, child, edge = found.children
    for i in range(d):
        children = child[indptr[i] : indptr[i + 1]]
        assert children.tolist() == sorted({j for k, j in pairs if k == i and j != i})
        assert (found.parent[edge[indptr[i] : indptr[i + 1]]] == i).all()
        np.testing.assert_array_equal(found.target[edge[indptr[i] : indptr[i + 1]]], children)


@given(pair_lists())
def test_a_pair_is_found_where_it_lies_and_nowhere_else(given_pairs):
    d, pairs = given_pairs
    found = build(d, pairs)
    source, target = np.indices((d, d)).reshape(2, -1)
    at = found.find(source, target)
    held = at >= 0
    assert set(zip(source[held].tolist(), target[held].tolist(), strict=True)) == {(i, j) for i, j in pairs if i != j}
    np.testing.assert_array_equal(found.parent[at[held]], source[held])
    np.testing.assert_array_equal(found.target[at[held]], target[held])


@pytest.mark.parametrize(("n", "size"), [(0, 3), (1, 3), (6, 3), (7, 3), (5, 100)])
def test_blocks_cover_every_gene_once(n, size):
    blocks = gene_blocks(n, size)
    assert [j for a, b in blocks for j in range(a, b)] == list(range(n))
    assert all(0 < b - a <= size for a, b in blocks)
