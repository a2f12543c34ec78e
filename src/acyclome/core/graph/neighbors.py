"""Which edges have a third gene that is joined to both of their ends."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from acyclome.core.kernel import kernel


def common_neighbors(source: np.ndarray, target: np.ndarray, n_genes: int) -> np.ndarray:
    """Return for every edge the number of genes that an edge of any direction joins to both ends, ``(m,)``.

    Edges are ``(m,)`` sources and targets.  Cost: the sum over edges of the neighbours of their ends; a product of
    adjacency matrices would hold all pairs of targets of a hub.
    """
    joined = sparse.csr_matrix((np.ones(len(source)), (source, target)), shape=(n_genes, n_genes))
    joined = (joined + joined.T).tocsr()
    joined.sort_indices()
    out = np.zeros(len(source), np.int64)
    _count(joined.indptr, joined.indices, source, target, out)
    return out


@kernel
def _count(indptr, neighbor, source, target, out):
    for e in range(len(source)):
        a, b = indptr[source[e]], indptr[target[e]]
        end_a, end_b = indptr[source[e] + 1], indptr[target[e] + 1]
        while a < end_a and b < end_b:  # both lists rise
            one, other = neighbor[a], neighbor[b]
            if one == other:
                out[e] += 1
            if one <= other:
                a += 1
            if other <= one:
                b += 1
