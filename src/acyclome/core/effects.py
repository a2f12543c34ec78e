"""What follows from acting on genes of a linear network: the expected change of every other.

Acting on genes cuts the edges into those that are held at a value (Pearl 2009, do-calculus); a shift adds to a gene
without cutting.  With ``W[i, j]`` the weight of ``i -> j`` and ``D`` the genes that are held,

    delta_j = s_j + sum_i W_ij delta_i  for j not in D,    delta_j = s_j  for j in D,

which one pass over an order of the genes solves.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, eye_array
from scipy.sparse.linalg import spsolve_triangular


def changes(
    source: np.ndarray, target: np.ndarray, weight: np.ndarray, order: np.ndarray, *, shift: np.ndarray,
    held: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Return the expected change of every gene, ``(d,)``, in the units of the weights.

    Parameters
    ----------
    source, target, weight
        ``(m,)`` edges of an acyclic graph.
    order
        ``(d,)`` genes, every source before its target.
    shift
        ``(d,)`` what is added to each gene, or where it is held: what its change is.
    held
        ``(d,)`` bool, genes whose causes no longer count.
    """
    d = len(order)
    place = np.empty(d, np.int64)
    place[order] = np.arange(d)
    free = ~held[target]
    W = csr_array((weight[free], (place[target[free]], place[source[free]])), shape=(d, d))
    system = (eye_array(d, format="csr") - W).tocsr()
    moved = np.empty(d)
    moved[order] = spsolve_triangular(system, shift[order].astype(float), lower=True, unit_diagonal=True)
    return moved
