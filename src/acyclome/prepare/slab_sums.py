"""One slab of sparse observations: turned around, and sums over it, each in one pass over its values."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from acyclome.core.kernel import kernel

TABLE = 64  # whole numbers that are raised once: counts are hardly ever larger, and an exponential takes 10 ns


def turned(cells: sp.csr_matrix, genes: np.ndarray) -> sp.csr_matrix:
    """Return some columns of a slab ``(m, d)``, each given once, as rows ``(len(genes), m)`` with rising columns."""
    cells, row = sp.csr_matrix(cells), np.full(cells.shape[1], -1)
    row[genes] = np.arange(len(genes))
    parts = _turned(cells.indptr, cells.indices, cells.data, row, len(genes))
    return sp.csr_matrix(parts, shape=(len(genes), cells.shape[0]))


@kernel
def _turned(indptr, columns, values, row, n_rows):
    """Return values, columns and starts of the transpose, of columns that have a ``row``."""
    starts = np.zeros(n_rows + 1, np.int64)
    for k in range(len(columns)):
        if row[columns[k]] >= 0:
            starts[row[columns[k]] + 1] += 1
    starts = np.cumsum(starts)
    at = starts[:-1].copy()
    found, place = np.empty(starts[-1], values.dtype), np.empty(starts[-1], np.int32)
    for c in range(len(indptr) - 1):
        for k in range(indptr[c], indptr[c + 1]):
            g = row[columns[k]]
            if g >= 0:
                found[at[g]], place[at[g]] = values[k], c
                at[g] += 1
    return found, place, starts


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
    table = np.expm1(np.arange(TABLE).astype(np.float64))
    for g in range(len(indptr) - 1):
        for k in range(indptr[g], indptr[g + 1]):
            x, c = np.float64(values[k]), columns[k]
            whole = int(x) if 0.0 <= x < TABLE else 0
            raised = 0.0 if x > most else table[whole] if whole == x else np.expm1(x)  # no logarithm is larger
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
