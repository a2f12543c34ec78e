"""Reading of sparse matrices by slabs of observations, whatever they lie in: never more than one is in memory.

A slab has ``SLAB`` observations, however the file is packed and however much is read at once, so that what is added up
slab by slab has the same bits from CSR, CSC, h5ad, zarr and dask.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from acyclome.io import compressed
from acyclome.io.atomic import temporary_folder
from acyclome.io.lazy import is_lazy, is_sparse_lazy, lazy_rows
from acyclome.io.store_writer import SLAB

Reader = Callable[[], Iterator[sp.csr_matrix]]
"""Gives slabs ``(m, n_vars)`` float32, columns rising and no zero stored, each time that it is called."""
_READ = 2**24  # values that are read at once, 128 MB with their indices


def is_streamed(matrix: Any) -> bool:
    """Say whether a matrix is sparse and not in memory, so that it can be read slab by slab."""
    return compressed.is_backed(matrix) or is_sparse_lazy(matrix)


def is_elsewhere(matrix: Any) -> bool:
    """Say whether a matrix, dense or sparse, is not in memory: an array of dask, or a part of an h5ad or zarr."""
    is_stored = type(matrix).__module__.partition(".")[0] in ("h5py", "zarr") and hasattr(matrix, "dtype")  # no group
    return is_streamed(matrix) or is_lazy(matrix) or is_stored


def slab_reader(matrix: Any, rows: np.ndarray | None = None) -> Reader:
    """Return what reads a matrix slab by slab, of some observations if rising ``rows`` name them."""
    blocks: Reader
    if is_sparse_lazy(matrix):
        blocks = partial(lazy_rows, matrix)
    elif matrix.format == "csc":
        blocks = Dealt(lambda: ((a, block.T) for a, block in compressed.major_blocks(matrix, _READ)), matrix.shape)
    else:
        blocks = lambda: (block for _, block in compressed.major_blocks(matrix, _READ, edge=SLAB))  # noqa: E731
    return lambda: _cut(_chosen(blocks(), rows))


def _chosen(blocks: Iterator[sp.csr_matrix], rows: np.ndarray | None) -> Iterator[sp.csr_matrix]:
    first = 0
    for block in blocks:
        last = first + block.shape[0]
        if rows is None:
            yield block
        else:
            yield block[rows[np.searchsorted(rows, first) : np.searchsorted(rows, last)] - first]
        first = last


def _cut(blocks: Iterator[sp.csr_matrix]) -> Iterator[sp.csr_matrix]:
    """Cut and join blocks of rows to slabs."""
    waiting: list[sp.csr_matrix] = []
    n_waiting = 0
    for block in blocks:
        at = 0
        while at < block.shape[0]:
            step = min(SLAB - n_waiting, block.shape[0] - at)
            waiting.append(_rows(block, at, at + step))
            at, n_waiting = at + step, n_waiting + step
            if n_waiting == SLAB:
                yield _joined(waiting)
                waiting, n_waiting = [], 0
    if waiting:
        yield _joined(waiting)


def _rows(block: sp.csr_matrix, a: int, b: int) -> sp.csr_matrix:
    """Return rows ``a`` to ``b`` without a copy of their values, which is what scipy makes."""
    part = slice(block.indptr[a], block.indptr[b])
    arrays = block.data[part], block.indices[part], block.indptr[a : b + 1] - block.indptr[a]
    return sp.csr_matrix(arrays, shape=(b - a, block.shape[1]))


def _joined(parts: list[sp.csr_matrix]) -> sp.csr_matrix:
    slab = sp.vstack(parts, format="csr") if len(parts) > 1 else parts[0]
    slab.data = slab.data.astype(np.float32, copy=False)
    if not (compressed.is_rising(slab.indices, slab.indptr) and np.count_nonzero(slab.data) == slab.nnz):
        slab = slab.copy()  # the values of a single part may be those of a matrix in memory
        slab.sum_duplicates()
        slab.eliminate_zeros()
    return slab


class Dealt:
    """A matrix that comes by columns, dealt out once to files of slabs of its rows, which go with this object."""

    def __init__(self, columns: Callable[[], Iterator[tuple[int, sp.csc_matrix]]], shape: tuple[int, int]) -> None:
        self._columns, self._shape = columns, shape
        self._folder: Path | None = None
        self._counts = np.zeros((-(-shape[0] // SLAB), shape[1]), np.int64)  # 15 MB for a million rows of 30,000

    def __call__(self) -> Iterator[sp.csr_matrix]:
        folder = self._folder
        if folder is None:
            with ExitStack() as stack:
                folder = stack.enter_context(temporary_folder(None, "slabs."))
                self._deal(folder)
                weakref.finalize(self, stack.pop_all().close)
            self._folder = folder
        n, d = self._shape
        for slab, counts in enumerate(self._counts):
            values, rows = self._files(folder, slab)
            arrays = np.fromfile(values, np.float32), np.fromfile(rows, np.int32), np.append(0, np.cumsum(counts))
            yield sp.csc_matrix(arrays, shape=(min(SLAB, n - slab * SLAB), d)).tocsr()

    @staticmethod
    def _files(folder: Path, slab: int) -> tuple[Path, Path]:
        return folder / f"{slab}.values", folder / f"{slab}.rows"

    def _deal(self, folder: Path) -> None:
        for slab in range(len(self._counts)):
            for path in self._files(folder, slab):
                path.touch()
        for first, block in self._columns():
            column = np.repeat(np.arange(first, first + block.shape[1]), np.diff(block.indptr))
            of_slab = block.indices // SLAB
            order = np.argsort(of_slab, kind="stable")  # columns stay in their order
            ends = np.searchsorted(of_slab[order], np.arange(len(self._counts) + 1))
            for slab, (x, y) in enumerate(itertools.pairwise(ends)):
                mine, (values, rows) = order[x:y], self._files(folder, slab)
                self._counts[slab] += np.bincount(column[mine], minlength=self._shape[1])
                with values.open("ab") as stream:
                    stream.write(block.data[mine].astype(np.float32).data)
                with rows.open("ab") as stream:
                    stream.write((block.indices[mine] - slab * SLAB).astype(np.int32).data)
