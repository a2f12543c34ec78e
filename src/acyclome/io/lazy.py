"""Matrices of dask inside an AnnData, which are read chunk by chunk: without Dask itself, they know how."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp


def is_lazy(matrix: Any) -> bool:
    """Return whether a matrix is an array of dask."""
    return hasattr(matrix, "__dask_graph__")


def is_sparse_lazy(matrix: Any) -> bool:
    """Return whether a matrix is an array of dask whose chunks are sparse."""
    return is_lazy(matrix) and sp.issparse(matrix._meta)


def rows_of(matrix: Any, rows: Any) -> Any:
    """Return some rows of an array of dask, in memory; its bits depend on no scheduler, so this thread reads them."""
    return matrix[rows].compute(scheduler="synchronous")


def lazy_rows(matrix: Any) -> Iterator[sp.csr_matrix]:
    """Read an array of dask, whose chunks are sparse, by its chunks of rows."""
    ends = np.append(0, np.cumsum(matrix.chunks[0]))
    for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        yield sp.csr_matrix(rows_of(matrix, slice(a, b)))
