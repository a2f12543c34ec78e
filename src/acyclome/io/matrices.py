"""The matrices inside an AnnData: X, raw and the layers, in memory or on disk, and what the values of each are.

The kind of a matrix is read from its values alone. Whole numbers are counts. Values below zero are centred or scaled.
Of the others, log-normalised ones betray themselves: taking the logarithm back gives cells of equal totals, or, where
genes were left out afterwards, cells whose values are all multiples of their smallest (one molecule).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from acyclome.errors import InputError
from acyclome.io import compressed
from acyclome.io.lazy import is_lazy, is_sparse_lazy, lazy_rows, rows_of

if TYPE_CHECKING:
    from anndata import AnnData

COUNTS, LOG, SCALED, UNKNOWN = "counts", "log-normalised", "scaled", "unknown"
ONLY_ZEROS, ONLY_ZERO_AND_ONE = "only zeros", "only 0 and 1"
# Columns of the observations in which the preparation notes their sums of counts, and size factors made of these.
TOTAL, SIZE_FACTOR = "total_counts", "acyclome_size_factor"
_SAMPLE_ROWS = 200  # spread over the file; the kind of a matrix shows in a few, and large files open at once
_CHUNK_VALUES = 2**24  # 128 MB of float64 at a time
_EQUAL_TOTALS = 0.02  # coefficient of variation; rounding of float32 and of files leaves far less, sequencing far more
_WHOLE = 0.02  # distance from a multiple; some files are rounded to three decimals
# What HDF5, zarr and their codecs raise.
_BROKEN = (OSError, RuntimeError, ValueError, TypeError, EOFError, KeyError, SystemError, zlib.error)
_HIGHEST_COUNT = 2.0**53  # whole numbers beyond are not exact even in double precision, and no experiment counts so far
HIGHEST_LOG = 30.0  # 2^30 counts of one gene in one cell: no logarithm of an experiment is higher


@dataclass(frozen=True)
class MatrixFacts:
    """What one matrix holds."""

    name: str
    kind: str  # counts, log-normalised, scaled or unknown, judged by the values
    n_vars: int
    dtype: str
    sparse: bool
    nan: int
    infinite: int
    zeros: float  # share
    min: float
    max: float
    note: str  # what the verdict rests on


def matrix_names(adata: AnnData) -> list[str]:
    """Return the names by which the matrices of an AnnData are chosen."""
    names = ["X"] if adata.X is not None else []
    layers = [str(name) for name in adata.layers if name is not None]  # anndata from 0.13 on: X is the layer None
    return [*names, *layers, *(["raw"] if adata.raw is not None else [])]


def get_matrix(adata: AnnData, name: str) -> tuple[Any, list[str]]:
    """Return a matrix (observations x genes, in memory or on disk) and the names of its genes."""
    if name not in matrix_names(adata):
        names = ", ".join(matrix_names(adata)) or "none"
        msg = (
            f"The input has no matrix {name!r}. It has: {names}. Give one of these as --layer (layer in the "
            "configuration), or leave it out to have the best one chosen; `acyclome inspect` describes them."
        )
        raise InputError(msg)
    if name == "raw":
        return adata.raw.X, [str(gene) for gene in adata.raw.var_names]
    return (adata.X if name == "X" else adata.layers[name]), [str(gene) for gene in adata.var_names]


def to_memory(matrix: Any, rows: np.ndarray | None = None) -> np.ndarray | sp.csr_matrix | sp.csc_matrix:
    """Return a matrix, or the rows of it in `rows` (ascending), in memory: an array, CSR or CSC.

    A dense matrix of mostly zeros becomes CSR on the way, block by block.
    """
    if compressed.is_backed(matrix):
        return matrix.to_memory() if rows is None else sp.csr_matrix(matrix[rows])
    if is_sparse_lazy(matrix):
        whole = sp.vstack(list(lazy_rows(matrix)), format="csr")
        return whole if rows is None else whole[rows]
    if sp.issparse(matrix):
        return matrix if rows is None else matrix.tocsr()[rows]
    blocks = [np.asarray(block) for block in _blocks(matrix, rows)]
    # CSR takes 8 bytes for a value, dense float32 4: from a half of zeros on it is smaller, at .7 by 40 %.
    if blocks and np.mean([np.mean(block == 0) for block in blocks]) > 0.7:
        return sp.vstack([sp.csr_matrix(block) for block in blocks], format="csr")
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def matrix_facts(name: str, matrix: Any) -> MatrixFacts:
    """Return what a matrix holds; every value is looked at once, in blocks, and so are the indices of a sparse one.

    Raises
    ------
    InputError
        If the values cannot be read, or the arrays of a sparse matrix do not fit together.
    """
    try:
        compressed.check(name, matrix)
        return _facts(name, matrix)
    except InputError:
        raise
    except _BROKEN as error:
        said = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
        msg = (
            f"The values of the matrix {name} cannot be read: {said}. Expected numbers, packed as the file says. "
            "The file is damaged, or packed in a way not known here: copy it again, or write it with gzip."
        )
        raise InputError(msg) from error


def _facts(name: str, matrix: Any) -> MatrixFacts:
    n_obs, n_vars = matrix.shape
    nan = infinite = nonzero = 0
    low, high, is_whole, is_fine = np.inf, -np.inf, True, matrix.dtype.kind != "f"
    exact = np.inf if is_fine else 2.0 ** np.finfo(matrix.dtype).nmant  # larger ones are whole by rounding alone
    for values, n_all in _values(matrix):
        finite, is_float = values, values.dtype.kind == "f"
        if is_float and not np.isfinite(values).all():
            finite = values[np.isfinite(values)]
            nan += int(np.isnan(values).sum())
            infinite += int(np.isinf(values).sum())
        nonzero += int(np.count_nonzero(values))
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
            is_whole = is_whole and not (is_float and np.any(finite != np.rint(finite)))
            is_fine = is_fine or bool(np.any((finite != 0) & (np.abs(finite) < exact)))
        if values.size < n_all:
            low, high = min(low, 0.0), max(high, 0.0)
    is_large = high > _HIGHEST_COUNT or (high >= exact and not is_fine)
    kind, note = _kind(sample_rows(matrix), low, high, is_whole=is_whole and not is_large)
    if is_large and is_whole and kind == UNKNOWN:
        note = "values too large to be counts, such as intensities: log would suit (log: true)"
    zeros = 1.0 - nonzero / max(n_obs * n_vars, 1)
    sparse = bool(sp.issparse(matrix) or compressed.is_backed(matrix) or is_sparse_lazy(matrix))
    return MatrixFacts(name, kind, int(n_vars), str(matrix.dtype), sparse, nan, infinite, zeros, low, high, note)


def sample_rows(matrix: Any) -> np.ndarray:
    """Return up to 200 rows, evenly spaced, as a dense float64 array."""
    n_obs = matrix.shape[0]
    rows = np.unique(np.linspace(0, n_obs - 1, min(n_obs, _SAMPLE_ROWS)).astype(np.int64))
    if compressed.is_backed(matrix) and matrix.format == "csc":  # rows of which lie all over the file
        return _rows_of_columns(matrix, rows)
    if is_lazy(matrix):
        matrix, rows = rows_of(matrix, rows), np.arange(len(rows))
    picked = matrix.oindex[rows] if hasattr(matrix, "oindex") else matrix[rows]  # zarr has rows by index apart
    return np.asarray(picked.toarray() if sp.issparse(picked) else picked, dtype=np.float64)


def _rows_of_columns(matrix: Any, rows: np.ndarray) -> np.ndarray:
    """Return rows of a CSC matrix on the disk, dense, by blocks of its columns."""
    out = np.zeros((len(rows), matrix.shape[1]))
    for a, block in compressed.major_blocks(matrix, _CHUNK_VALUES):
        out[:, a : a + block.shape[0]] = block[:, rows].toarray().T
    return out


def _kind(rows: np.ndarray, low: float, high: float, *, is_whole: bool) -> tuple[str, str]:
    rows = np.nan_to_num(rows, nan=0.0, posinf=0.0, neginf=0.0)
    if low < 0:
        return _kind_below_zero(rows, is_whole)
    if is_whole:
        return COUNTS, "whole numbers" if high > 1 else ONLY_ZEROS if high == 0 else ONLY_ZERO_AND_ONE
    if high <= HIGHEST_LOG and np.any(rows):
        for name, undone in (("log(1 + x)", np.expm1(rows)), ("log2(1 + x)", np.exp2(rows) - 1.0)):
            if _has_equal_totals(undone):
                return LOG, f"{name} of values with the same total in every observation"
            if _has_units(undone):
                return LOG, f"{name} of multiples of one molecule, scaled observation by observation"
    if high > HIGHEST_LOG and _has_equal_totals(rows):
        return UNKNOWN, "the same total in every observation, not logarithmic: log would suit (log: true)"
    if high > 100:  # above any logarithm by far
        return UNKNOWN, "fractions and large values, such as TPM: log would suit (log: true)"
    return UNKNOWN, "fractions that are no logarithms of values of equal totals; used as they are"


def _kind_below_zero(rows: np.ndarray, is_whole: bool) -> tuple[str, str]:
    if is_whole:
        return UNKNOWN, "whole numbers with values below zero: no counts"
    spread = rows.std(axis=0)
    spread = spread[spread > 0]
    if spread.size and 0.8 < np.median(spread) < 1.2:  # of 200 rows at most; clipping at 10, as is usual, takes some
        return SCALED, "values below zero, genes of unit variance"
    return SCALED, "values below zero: centred or scaled"


def _has_equal_totals(values: np.ndarray) -> bool:
    totals = values.sum(axis=1)
    totals = totals[totals > 0]
    return totals.size > 1 and values.shape[1] > 1 and bool(totals.std() < _EQUAL_TOTALS * totals.mean())


def _has_units(values: np.ndarray) -> bool:
    """Return whether in most rows all values are multiples of the smallest one; rows of one value say nothing."""
    verdicts = []
    for row in values:
        seen = row[row > 0]
        ratio = seen / seen.min() if seen.size else seen
        small = ratio[ratio < 20]  # beyond, rounding hides what is whole
        if np.unique(np.round(small)).size > 1:
            verdicts.append(bool(np.mean(np.abs(small - np.round(small)) < _WHOLE * small) > 0.95))
    return len(verdicts) >= 3 and float(np.mean(verdicts)) > 0.8  # in some cells the smallest value is two molecules


def _values(matrix: Any) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the stored values in blocks, each with the number of cells it stands for."""
    if compressed.is_backed(matrix) or sp.issparse(matrix):
        data = matrix.group["data"] if compressed.is_backed(matrix) else sp.csr_matrix(matrix).data
        implied = matrix.shape[0] * matrix.shape[1] - data.shape[0]
        for start in range(0, max(data.shape[0], 1), _CHUNK_VALUES):  # one block too where nothing is stored
            values = np.asarray(data[start : start + _CHUNK_VALUES])
            yield values, values.size + implied
        return
    if is_sparse_lazy(matrix):
        for part in lazy_rows(matrix):
            yield part.data, part.shape[0] * part.shape[1]
        return
    for block in _blocks(matrix, None):
        values = np.asarray(block).ravel()
        yield values, values.size


def _blocks(matrix: Any, rows: np.ndarray | None) -> Iterator[Any]:
    size = max(1, _CHUNK_VALUES // max(matrix.shape[1], 1))
    for start in range(0, matrix.shape[0], size):
        block = matrix[start : start + size]
        yield block if rows is None else block[rows[(rows >= start) & (rows < start + size)] - start]
