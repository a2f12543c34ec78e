"""One slab of sparse observations: turned around, and sums over it, each in one pass over its values."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from acyclome.core.kernel import kernel

TABLE = 64  # whole numbers that are raised once: counts are hardly ever larger, and an exponential takes 10 ns


def turned(cells: sp.csr_matrix, genes: np.ndarray) -> sp.csr_matrix:
    """Return some columns of a slab ``(m, d)``, each given once, as rows ``(len(genes), m)`` with rising columns."""
    parts = _turned(cells.indptr, cells.indices, cells.data, _rows(cells, genes), len(genes))
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
    cells: sp.csr_matrix,
    genes: np.ndarray,
    *,
    draws: np.ndarray,
    direction: np.ndarray,
    sums: np.ndarray,
    cell_sums: np.ndarray,
    most: float,
) -> None:
    """Add some columns of a slab, ``genes`` ``(d,)``, to their sums ``(d, 9)`` and to those of its rows, ``(3, m)``.

    Of genes these are how often each is seen, ``x``, ``x^2``, the least and the largest, ``exp(x) - 1`` up to
    ``most`` and its square, and ``x`` times ``draws`` ``(m, 2)``; of observations how many are seen, ``x``, and ``x``
    times ``direction`` ``(d,)``.
    """
    _add(cells.indptr, cells.indices, cells.data, _rows(cells, genes), draws, direction, sums, cell_sums, most)


def _rows(cells: sp.csr_matrix, genes: np.ndarray) -> np.ndarray:
    """Return the position of every column among ``genes``, -1 where it is none of them."""
    row = np.full(cells.shape[1], -1)
    row[genes] = np.arange(len(genes))
    return row


@kernel
def _add(indptr, columns, values, row, draws, direction, sums, cells, most):
    """Add a slab to the sums of genes ``(d, 9)`` and of its own observations ``(3, m)``."""
    table = np.expm1(np.arange(TABLE).astype(np.float64))
    for c in range(len(indptr) - 1):
        for k in range(indptr[c], indptr[c + 1]):
            g = row[columns[k]]
            if g < 0:
                continue
            x, of_gene = np.float64(values[k]), sums[g]
            whole = int(x) if 0.0 <= x < TABLE else 0
            raised = 0.0 if x > most else table[whole] if whole == x else np.expm1(x)  # no logarithm is larger
            of_gene[0] += 1
            of_gene[1] += x
            of_gene[2] += x * x
            of_gene[3], of_gene[4] = min(of_gene[3], x), max(of_gene[4], x)
            of_gene[5] += raised
            of_gene[6] += raised * raised
            of_gene[7] += x * draws[c, 0]
            of_gene[8] += x * draws[c, 1]
            cells[0, c] += 1
            cells[1, c] += x
            cells[2, c] += x * direction[g]
