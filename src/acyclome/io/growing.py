"""AnnData written cell by cell: counts come in blocks of rows, and none need be in memory with another."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from acyclome.io.atomic import write_path
from acyclome.io.hdf5 import heard, write_hdf5

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sp

_CHUNK = 2**18  # values that are packed together, 1 MB
_SHARD = 2**24  # of zarr: values of one file, 64 MB, which are written at once


def write_rows(path: Path, blocks: Iterator[sp.csr_matrix], *, obs: pd.DataFrame, var: pd.DataFrame, uns: Any) -> int:
    """Write blocks of rows as one CSR matrix ``X``, h5ad or (``.zarr``) zarr v3 in shards; return its values."""
    with _opened(path) as group:
        from anndata.io import write_elem

        for name, part in (("obs", obs), ("var", var), ("uns", uns)):
            write_elem(group, name, part)
        group.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        X = group.create_group("X")
        X.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": [len(obs), len(var)]})
        starts, data, indices = [np.zeros(1, np.int64)], _Growing(X, "data", "f4"), _Growing(X, "indices", "i4")
        for block in heard(blocks) if path.suffix == ".h5ad" else blocks:
            starts.append(block.indptr[1:] + starts[-1][-1])
            data.add(block.data)
            indices.add(block.indices)
        data.finish()
        indices.finish()
        write_elem(X, "indptr", np.concatenate(starts).astype(np.int64))
        return int(starts[-1][-1])


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if path.suffix == ".h5ad":
        with write_hdf5(path) as handle:
            yield handle
        return
    import zarr

    with write_path(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # anndata foretells that it will choose shards of its own
        yield zarr.open_group(temporary, mode="w", zarr_format=3)


class _Growing:
    """A list of numbers in a file, which is written by whole shards."""

    def __init__(self, group: Any, name: str, kind: str) -> None:
        if hasattr(group, "create_array"):  # of zarr
            self._array = group.create_array(name, shape=(0,), chunks=(_CHUNK,), shards=(_SHARD,), dtype=kind)
        else:
            self._array = group.create_dataset(name, shape=(0,), maxshape=(None,), chunks=(_CHUNK,), dtype=kind)
        self._array.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        self._waiting: list[np.ndarray] = []
        self._n_waiting = 0

    def add(self, values: np.ndarray) -> None:
        self._waiting.append(values)
        self._n_waiting += len(values)
        if self._n_waiting >= _SHARD:
            joined = np.concatenate(self._waiting)
            whole = len(joined) // _SHARD * _SHARD
            self._write(joined[:whole])
            self._waiting, self._n_waiting = [joined[whole:].copy()], len(joined) - whole

    def finish(self) -> None:
        if self._n_waiting:
            self._write(np.concatenate(self._waiting))
        self._waiting, self._n_waiting = [], 0

    def _write(self, values: np.ndarray) -> None:
        start = self._array.shape[0]
        self._array.resize((start + len(values),))
        self._array[start:] = values.astype(self._array.dtype, copy=False)
