"""The strongest of many values, row by row or column by column, of which hardly any is among them.

Choice: values are looked at in blocks of ``LANES``; only where a block has one that enters are its values taken one by
one.
Reason: a processor compares sixteen values at once as long as nothing depends on what comes out, and after the first
columns hardly any value enters.
"""

from __future__ import annotations

import numpy as np

from acyclome.core.kernel import kernel

LANES = 64  # values compared at once; of 16 to 128, among 11,000 genes, the others took 2 to 15 % longer


@kernel
def largest(values, scale, first, keep, least, out):
    """Write the ``keep`` columns of largest ``|values| * scale`` of every row into ``out``, -1 after the last.

    Row ``r`` of ``values``, ``(rows, p)``, is that of gene ``first + r``, whose own column never counts, nor do columns
    whose ``scale``, ``(p,)``, is 0, nor what is not above ``least``.  ``out`` is ``(rows, keep)``, from the largest to
    the smallest; of equals the first column goes first.
    """
    rows, p = values.shape
    top = np.empty(keep, values.dtype)
    for r in range(rows):
        n, low = 0, least
        for start in range(0, p, LANES):
            row, of = values[r, start : start + LANES], scale[start : start + LANES]
            entering = 0
            for i in range(len(row)):
                entering += abs(row[i]) * of[i] > low
            if entering == 0:
                continue
            for i in range(len(row)):
                y = abs(row[i]) * of[i]
                if y > low and start + i != first + r:
                    at = min(n, keep - 1)  # insertion: after the first columns hardly anything enters
                    n = min(n + 1, keep)
                    while at > 0 and top[at - 1] < y:
                        top[at], out[r, at] = top[at - 1], out[r, at - 1]
                        at -= 1
                    top[at], out[r, at] = y, start + i
                    if n == keep:
                        low = top[keep - 1]
        out[r, n:] = -1


@kernel
def strongest_of_rows(values, scale, genes, strength, found):
    """Let the columns of ``values``, ``(rows, p)``, enter the strongest of every row that were found so far.

    Columns are ``genes``, ``(p,)``, as strong as ``|values| * scale``; what is 0 does not enter.  ``strength`` and
    ``found``, ``(rows, keep)``, 0 and -1 before the first, go from the strongest down, of equals the first gene first:
    whatever order columns come in, the same are found.
    """
    last = strength.shape[1] - 1
    for r in range(len(values)):
        low = strength[r, last]
        for start in range(0, values.shape[1], LANES):
            row, of = values[r, start : start + LANES], scale[start : start + LANES]
            entering = 0
            for i in range(len(row)):
                entering += abs(row[i]) * of[i] >= low
            if entering == 0:
                continue
            for i in range(len(row)):
                y = abs(row[i]) * of[i]
                if y >= low and y > 0.0:
                    _enter(y, genes[start + i], strength[r], found[r])
                    low = strength[r, last]


@kernel
def strongest_of_columns(values, scale, genes, strength, found):
    """Do what :func:`strongest_of_rows` does with the transpose of ``values``, ``(p, rows)``, without turning it."""
    last = strength.shape[1] - 1
    low = strength[:, last].copy()
    for r in range(len(values)):
        of = scale[r]
        for start in range(0, values.shape[1], LANES):
            row, least = values[r, start : start + LANES], low[start : start + LANES]
            entering = 0
            for i in range(len(row)):
                entering += abs(row[i]) * of >= least[i]
            if entering == 0:
                continue
            for i in range(len(row)):
                y = abs(row[i]) * of
                if y >= least[i] and y > 0.0:
                    _enter(y, genes[r], strength[start + i], found[start + i])
                    least[i] = strength[start + i, last]


@kernel
def _enter(y, gene, strength, found):
    """Put a gene where it belongs, if it is not behind the last."""
    at = len(strength) - 1
    if y < strength[at] or (y == strength[at] and gene > found[at]):
        return
    while at > 0 and (y > strength[at - 1] or (y == strength[at - 1] and gene < found[at - 1])):
        strength[at], found[at] = strength[at - 1], found[at - 1]
        at -= 1
    strength[at], found[at] = y, gene


@kernel(fastmath=True)
def strongest_of_lists(left, is_whole, scale, first, indptr, genes, found):
    """Write the genes of largest ``|K| * scale`` of every row into ``found``, ``(rows, keep)``, from the largest down.

    Row ``r`` is that of gene ``first + r``, whose list is ``genes[indptr[r]:indptr[r + 1]]``, rising; ``K`` is ``left``
    where that ``is_whole``, else ``left left'``.  What is 0 is left out.
    """
    keep = found.shape[1]
    top = np.empty(keep, np.float32)
    for r in range(len(indptr) - 1):
        own = left[first + r]
        top[:] = 0.0
        for gene in genes[indptr[r] : indptr[r + 1]]:
            K = np.float32(0.0)
            if is_whole:
                K = own[gene]
            else:
                other = left[gene]
                for i in range(len(own)):
                    K += own[i] * other[i]
            y = abs(K) * scale[gene]
            if keep > 0 and y > top[keep - 1]:
                _enter(y, gene, top, found[r])
