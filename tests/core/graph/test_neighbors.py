"""Common neighbours of the ends of edges, beside the product of adjacency matrices."""

import numpy as np
import pytest

from acyclome.core.graph.neighbors import common_neighbors


@pytest.mark.parametrize("seed", range(5))
def test_common_neighbours_are_the_entries_of_the_squared_adjacency_matrix(seed):
    rng = np.random.default_rng(seed)
    source, target = np.nonzero(np.triu(rng.random((30, 30)) < 0.2, 1))
    A = np.zeros((30, 30), int)
    A[source, target] = A[target, source] = 1
    np.testing.assert_array_equal(common_neighbors(source, target, 30), (A @ A)[source, target])


def test_a_tree_has_none_and_no_edge_asks_for_none():
    assert not common_neighbors(np.zeros(4, int), np.arange(1, 5), 5).any()
    assert len(common_neighbors(np.empty(0, int), np.empty(0, int), 3)) == 0
