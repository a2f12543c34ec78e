"""Compressed sparse matrices (CSR, CSC) as files hold them: checked before compiled code follows their indices.

scipy, anndata and h5py take ``indices`` and ``indptr`` on trust; an index beyond the matrix reads and writes foreign
memory. So every matrix passes here once, whichever reader it comes from, when its values are first looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from acyclome.errors import InputError

_CHUNK = 2**24  # indices at a time; with the keys that find repeats, 0.4 GB


def is_backed(matrix: Any) -> bool:
    """Return whether a matrix is a sparse data set of anndata on disk."""
    return hasattr(matrix, "to_memory") and hasattr(matrix, "group")


def build(arrays: tuple[Any, Any, Any], *, shape: tuple[int, int], name: str) -> sp.csr_matrix:
    """Return a CSR matrix of ``(data, indices, indptr)`` that were checked.

    Raises
    ------
    InputError
        As :func:`check`.
    """
    _check_arrays(*arrays, shape=shape, name=name)
    data, indices, indptr = (np.asarray(array[:]) for array in arrays)
    return sp.csr_matrix((data, indices, indptr), shape=shape)


def check(name: str, matrix: Any) -> None:
    """Refuse a CSR or CSC matrix, in memory or on disk, whose arrays do not fit together; others pass.

    Complexity: one pass over the indices, in blocks of whole rows.

    Raises
    ------
    InputError
        If an array is absent or of a wrong kind, ``indptr`` has not one more entry than there are rows, falls, or does
        not run from 0 to the number of values, or an index lies outside the matrix or is repeated in its row.
    """
    if is_backed(matrix):
        arrays = [_member(matrix.group, part, name) for part in ("data", "indices", "indptr")]
    elif sp.issparse(matrix) and matrix.format in ("csr", "csc"):
        arrays = [matrix.data, matrix.indices, matrix.indptr]
    else:
        return
    shape = tuple(matrix.shape) if matrix.format == "csr" else tuple(matrix.shape)[::-1]
    _check_arrays(*arrays, shape=shape, name=name)


def _member(group: Any, part: str, name: str) -> Any:
    if part not in group or not hasattr(group[part], "dtype"):
        raise _damaged(name, f"it has no array {part}")
    return group[part]


def _check_arrays(data: Any, indices: Any, indptr: Any, *, shape: tuple[int, int], name: str) -> None:
    n_rows, n_columns = shape
    for part, array, kinds in (("data", data, "biuf"), ("indices", indices, "iu"), ("indptr", indptr, "iu")):
        if array.ndim != 1 or array.dtype.kind not in kinds:
            expected = "whole numbers" if kinds == "iu" else "numbers"
            raise _damaged(
                name, f"{part} holds {array.dtype} in {array.ndim} dimensions instead of a list of {expected}"
            )
    n_values = int(data.shape[0])
    if int(indptr.shape[0]) != n_rows + 1:
        raise _damaged(name, f"indptr has {int(indptr.shape[0]):,} entries for {n_rows:,} rows, where one more belongs")
    if int(indices.shape[0]) != n_values:
        raise _damaged(name, f"there are {n_values:,} values and {int(indices.shape[0]):,} indices")
    starts = np.asarray(indptr[:])
    if int(starts[0]) != 0 or int(starts[-1]) != n_values:
        raise _damaged(name, f"indptr runs from {starts[0]} to {starts[-1]}, where 0 to {n_values} belongs")
    if (starts[1:] < starts[:-1]).any():  # no difference: that of unsigned numbers has no sign
        row = int(np.argmax(starts[1:] < starts[:-1]))
        raise _damaged(name, f"indptr falls, from {starts[row]} to {starts[row + 1]} at row {row}")
    for first, last in row_ranges(starts.astype(np.int64), _CHUNK):
        block = np.asarray(indices[int(starts[first]) : int(starts[last])])
        _check_block(block, starts[first : last + 1], n_columns, name=name)


def _check_block(found: np.ndarray, starts: np.ndarray, n_columns: int, *, name: str) -> None:
    if not found.size:
        return
    low, high = int(found.min()), int(found.max())
    if low < 0 or high >= n_columns:
        raise _damaged(name, f"its indices run from {low} to {high} for {n_columns:,} columns, counted from 0")
    if is_rising(found, starts):
        return
    rows = np.repeat(np.arange(len(starts) - 1), (starts[1:] - starts[:-1]).astype(np.int64))
    keys = rows * n_columns + found
    keys.sort()
    if (keys[1:] == keys[:-1]).any():
        raise _damaged(name, "a row stores a column twice (sum them with sum_duplicates before writing)")


def is_rising(indices: np.ndarray, starts: np.ndarray) -> bool:
    """Say whether indices rise within every row, of which the first begins at the first of ``starts``."""
    rises = indices[1:] > indices[:-1]
    ends = np.asarray(starts[1:-1] - starts[0], np.int64)
    rises[ends[(ends > 0) & (ends < len(indices))] - 1] = True  # from one row to the next
    return bool(rises.all())


def major_blocks(matrix: Any, size: int, *, edge: int | None = None) -> Iterator[tuple[int, sp.csr_matrix]]:
    """Read a matrix on the disk by some ``size`` values of whole rows, of CSC columns: the first one's number, and CSR.

    Of CSC each block is that of the transpose, ``(columns, n_rows)``. None goes beyond a multiple of ``edge`` rows.
    """
    starts = np.asarray(matrix.group["indptr"][:]).astype(np.int64)
    width = matrix.shape[0 if matrix.format == "csc" else 1]
    for a, b in row_ranges(starts, size, edge=edge):
        part = slice(int(starts[a]), int(starts[b]))
        values, places = (np.asarray(matrix.group[name][part]) for name in ("data", "indices"))
        yield a, sp.csr_matrix((values, places, starts[a : b + 1] - starts[a]), shape=(b - a, width))


def row_ranges(starts: np.ndarray, size: int, *, edge: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield ranges of whole rows with some ``size`` values each, of one row where that has more.

    None goes beyond a multiple of ``edge`` rows.
    """
    first, n_rows = 0, len(starts) - 1
    while first < n_rows:
        last = max(int(np.searchsorted(starts, starts[first] + size, side="right")) - 1, first + 1)
        last = min(last, n_rows if edge is None else (first // edge + 1) * edge)
        yield first, min(last, n_rows)
        first = last


def _damaged(name: str, reason: str) -> InputError:
    return InputError(
        f"The sparse matrix {name} is damaged: {reason}. Expected data, indices and indptr that fit together. Copy the "
        "file again, or have the program that wrote it write it anew."
    )
