"""Sums over one slab of sparse genes, by gene and by observation, in one pass over its values."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from acyclome.core.kernel import kernel


def add_slab(
    X: sp.csr_matrix,
    draws: np.ndarray,
    direction: np.ndarray,
    *,
    genes: np.ndarray,
    cells: np.ndarray,
    most: float,
) -> None:
    """Add a slab ``(d, m)`` to the sums of genes, ``(9, d)``, and of its own observations, ``(3, m)``.

    Of genes these are how often each is seen, ``x``, ``x^2``, the least and the largest, ``exp(x) - 1`` up to ``most``
    and its square, and ``x`` times ``draws`` ``(m, 2)``; of observations how many are seen, ``x``, and ``x`` times
    ``direction`` ``(d,)``.
    """
    _add(X.indptr, X.indices, X.data, draws, direction, genes, cells, most)


@kernel
def _add(indptr, columns, values, draws, direction, genes, cells, most):
    """Add a slab to the sums of genes ``(9, d)`` and of its own observations ``(3, m)``."""
    for g in range(len(indptr) - 1):
        for k in range(indptr[g], indptr[g + 1]):
            x, c = np.float64(values[k]), columns[k]
            raised = np.expm1(x) if x <= most else 0.0  # no logarithm is larger
            genes[0, g] += 1
            genes[1, g] += x
            genes[2, g] += x * x
            genes[3, g], genes[4, g] = min(genes[3, g], x), max(genes[4, g], x)
            genes[5, g] += raised
            genes[6, g] += raised * raised
            genes[7, g] += x * draws[c, 0]
            genes[8, g] += x * draws[c, 1]
            cells[0, c] += 1
            cells[1, c] += x
            cells[2, c] += x * direction[g]
