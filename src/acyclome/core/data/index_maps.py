"""Maps between numberings: of a permutation, of a part of the genes, and of rows laid out one after the other."""

from __future__ import annotations

import numpy as np


def inverse(permutation: np.ndarray) -> np.ndarray:
    """Return where each number stands in a permutation, ``(n,)`` int64."""
    position = np.empty(len(permutation), np.int64)
    position[permutation] = np.arange(len(permutation))
    return position


def positions(some: np.ndarray, n: int) -> np.ndarray:
    """Return where each of the numbers below ``n`` stands in ``some``, ``(n,)`` int64; -1 where it does not."""
    position = np.full(n, -1, np.int64)
    position[some] = np.arange(len(some))
    return position


def locate(wanted: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Return where each of ``wanted`` stands among the rising ``keys``, in its shape; -1 where it does not."""
    if not len(keys):
        return np.full(np.shape(wanted), -1)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)


def row_pointers(row: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the ``indptr`` of a CSR whose entries, row after row, lie in these rows, ``(n_rows + 1,)`` int64."""
    indptr = np.zeros(n_rows + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=n_rows), out=indptr[1:])
    return indptr
