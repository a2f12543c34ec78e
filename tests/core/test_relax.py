"""What the relaxation says of itself."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from acyclome.core.layout import from_pairs
from acyclome.core.relax import _is_acyclic


@given(st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_edges_are_acyclic_where_every_strong_component_is_one_gene(d, seed):
    rng = np.random.default_rng(seed)
    m = int(rng.integers(0, 2 * d))
    edges = from_pairs(rng.integers(0, d, m), rng.integers(0, d, m), d)
    source, target = edges.parent, edges.target
    graph = csr_array((np.ones(len(source)), (source, target)), shape=(d, d))
    components = connected_components(graph, connection="strong")[0]
    assert _is_acyclic(source, target, rng.permutation(d)) == (components == d)
