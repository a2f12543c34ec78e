"""Expression gene by gene: a store from which a block of genes reads in milliseconds.

On disk an HDF5 file with one row per gene. A sparse store holds ``data``, ``indices`` and ``indptr`` (CSR of the
gene-major matrix, which is CSC of the usual observations x genes), so that a block of genes is one slice of each; a
dense store is one contiguous float32 array. Of many observations a sparse store is in slabs, ``SLAB`` observations
each, so that it is written and added up slab by slab: a CSR for each, one after the other, ``indptr`` with a row of its
own. The digest covers names and values, not the file, and is the same however the store was written: whole or in
blocks; slabs have another.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import scipy.sparse as sp

from acyclome.errors import InputError
from acyclome.io.declared import check_file
from acyclome.io.store_writer import (
    ENCODING_TYPE,
    ENCODING_VERSION,
    IN_SLABS,
    SLAB,
    ContentDigest,
    Matrix,
    check_shape,
    dense_rows,
    row_blocks,
    slabs_of,
    write_store,
)

if TYPE_CHECKING:
    import h5py
    import pandas as pd

__all__ = ["GeneMajor", "MemoryStore", "Store", "write_store"]


class GeneMajor(ABC):
    """Expression by genes: a file (:class:`Store`), memory (:class:`MemoryStore`), or a part of one of them."""

    genes: list[str]  # names of the rows
    observations: list[str]  # and of the columns
    facts: dict[str, Any]  # what was done to the data before they were written
    is_sparse: bool  # whether the values are held as CSR
    folder: Path | None = None  # of its file
    seen: np.ndarray | None = None  # (n_vars,) in how many observations each is not zero, where a file tells
    symbols: Mapping[str, str] = {}  # of genes by their names, where they have symbols beside

    @property
    def slabs(self) -> Callable[[], Iterator[sp.csr_matrix]] | None:
        """What gives slabs of observations, ``(n_vars, m)`` CSR, one after the other; None where values are dense."""
        return None

    @property
    @abstractmethod
    def digest(self) -> str:
        """Digest of names and values."""

    @property
    @abstractmethod
    def obs_columns(self) -> pd.DataFrame | None:
        """Annotations of the observations; None where there are none."""

    @property
    def n_vars(self) -> int:
        return len(self.genes)

    @property
    def n_obs(self) -> int:
        return len(self.observations)

    @abstractmethod
    def block(self, a: int, b: int) -> np.ndarray:
        """Return genes ``a`` to ``b`` as a new array ``(b - a, n_obs)``, float32 where it is not float64 in memory."""

    @abstractmethod
    def rows(self, index: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the genes of `index`, in its order, as a new array ``(len(index), n_obs)``; types as in a block."""

    def close(self) -> None:  # noqa: B027 - what lies in memory has nothing to close
        """Let go of the file."""

    def _check_range(self, a: int, b: int) -> None:
        if not 0 <= a <= b <= self.n_vars:  # slices of numpy and HDF5 would silently be shorter
            msg = f"Genes {a} to {b} were asked for; the store has genes 0 to {self.n_vars}."
            raise IndexError(msg)


class MemoryStore(GeneMajor):
    """The interface of a :class:`Store` over a matrix ``(n_vars, n_obs)`` in memory, which is never changed.

    A dense or CSR matrix is not copied; other sparse forms are turned into CSR. Blocks keep float64, which a file does
    not have; every other type becomes float32.
    """

    def __init__(
        self,
        X: Matrix,
        genes: Sequence[str],
        observations: Sequence[str] | None = None,
        *,
        facts: Mapping[str, Any] | None = None,
        obs_columns: pd.DataFrame | None = None,
        symbols: Mapping[str, str] | None = None,
    ) -> None:
        self._X = sp.csr_matrix(X) if sp.issparse(X) else np.asarray(X)
        self.genes = [str(gene) for gene in genes]
        self.observations = [str(name) for name in (range(self._X.shape[1]) if observations is None else observations)]
        self.facts, self.symbols = dict(facts or {}), dict(symbols or {})
        self._obs_columns = obs_columns
        self.is_sparse = bool(sp.issparse(X))
        check_shape(self._X.shape, self.n_vars, self.n_obs)

    @cached_property
    def digest(self) -> str:
        hashing = ContentDigest(self.genes, self.observations)
        for block in row_blocks(self._X):
            hashing.add(block)
        return hashing.result()

    @property
    def obs_columns(self) -> pd.DataFrame | None:
        return self._obs_columns

    @property
    def slabs(self) -> Callable[[], Iterator[sp.csr_matrix]] | None:
        return (lambda: slabs_of(self._X)) if self.is_sparse else None

    def block(self, a: int, b: int) -> np.ndarray:
        self._check_range(a, b)
        return self._dense(self._X[a:b])

    def rows(self, index: Sequence[int] | np.ndarray) -> np.ndarray:
        return self._dense(self._X[np.asarray(index, dtype=np.int64)])

    def _dense(self, part: Matrix) -> np.ndarray:
        if self._X.dtype != np.float64:
            return dense_rows(part)
        return np.array(part if isinstance(part, np.ndarray) else part.toarray(), order="C")


def _check_format(handle: h5py.File, name: str) -> None:
    found = (handle.attrs.get("encoding-type"), handle.attrs.get("encoding-version"))
    if found not in ((ENCODING_TYPE, ENCODING_VERSION), (ENCODING_TYPE, IN_SLABS)):
        msg = (
            f"{name!r} holds {found[0] or 'no store'}, version {found[1] or 'none'}; expected {ENCODING_TYPE}, "
            f"version {ENCODING_VERSION} or {IN_SLABS}. Run `acyclome prepare` with this version of acyclome."
        )
        raise InputError(msg)


class Store(GeneMajor):
    """A gene-major store on disk, opened for reading; use :meth:`open`, and as a context to close it early."""

    def __init__(self, handle: h5py.File) -> None:
        self._handle = handle
        self.genes = _strings(handle["genes"])
        self.observations = _strings(handle["observations"])
        self.facts: dict[str, Any] = dict(json.loads(handle["facts"].asstr()[()]))
        names = zip(self.genes, _strings(handle["symbols"]), strict=True) if "symbols" in handle else ()
        self.symbols = {gene: symbol for gene, symbol in names if symbol}
        self.is_sparse = bool(handle.attrs["is_sparse"])
        self._digest = str(handle.attrs["digest"])
        self.folder = Path(handle.filename).resolve().parent
        # 8 bytes a gene and slab, and one read less a block.
        self._indptr = np.atleast_2d(handle["X/indptr"][:]) if self.is_sparse else None
        self._check(handle["X"])
        self.seen = None if self._indptr is None else np.diff(self._indptr, axis=1).sum(axis=0)

    def _check(self, X: Any) -> None:
        """Refuse a matrix of another shape or kind than names and pointers say: what reads it trusts them."""
        values, shape = (X, (self.n_vars, self.n_obs)) if self._indptr is None else (X["data"], X["indices"].shape)
        fits = values.shape == shape and values.dtype == np.float32
        if self._indptr is not None:
            starts, n_slabs = self._indptr, len(self._indptr)
            fits = fits and starts.shape == (n_slabs, self.n_vars + 1) and (starts[0, 0], starts[-1, -1]) == (0, *shape)
            fits = fits and bool(np.all(np.diff(starts, axis=1) >= 0)) and X["indices"].dtype.kind == "i"
            fits = fits and np.array_equal(starts[1:, 0], starts[:-1, -1])
            fits = fits and n_slabs in (1, -(-self.n_obs // SLAB))
        if not fits:
            msg = f"the matrix is not one of {self.n_vars} genes and {self.n_obs} observations"
            raise ValueError(msg)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open a store for reading; refuse a file that is no store, or one of a later version."""
        import h5py

        name = os.fspath(path)
        try:
            check_file(Path(name))
            handle = h5py.File(name, "r")
        except (OSError, InputError) as error:
            msg = f"Cannot read {name!r} as a store of prepared expression ({error}). Run `acyclome prepare` again."
            raise InputError(msg) from error
        try:
            _check_format(handle, name)
            return cls(handle)
        except InputError:
            handle.close()
            raise
        except Exception as error:  # whatever h5py and JSON raise on what is no store
            handle.close()
            raise _is_damaged(name, error) from error

    @property
    def digest(self) -> str:
        return self._digest

    @cached_property
    def obs_columns(self) -> pd.DataFrame | None:
        if "obs" not in self._handle:
            return None
        from anndata.io import read_elem  # a third of what a short stage takes, and few ask for the table

        try:
            table = read_elem(self._handle["obs"])
        except Exception as error:  # whatever h5py and anndata raise on what is no table
            raise _is_damaged(self._handle.filename, error) from error
        if not hasattr(table, "columns") or len(table) != self.n_obs:
            raise _is_damaged(self._handle.filename, f"its table of observations has not {self.n_obs} lines")
        return table

    @property
    def slabs(self) -> Callable[[], Iterator[sp.csr_matrix]] | None:
        starts = self._indptr
        if starts is None:
            return None
        if len(starts) > 1:
            return lambda: (self._part(starts[slab], slab) for slab in range(len(starts)))
        return lambda: slabs_of(self._part(starts[0], None))

    def block(self, a: int, b: int) -> np.ndarray:
        self._check_range(a, b)
        if self._indptr is None:
            return self._handle["X"][a:b]
        starts = self._indptr
        if len(starts) == 1:
            return self._part(starts[0], None, genes=(a, b)).toarray()
        out = np.zeros((b - a, self.n_obs), np.float32)
        for slab in range(len(starts)):
            part = self._part(starts[slab], slab, genes=(a, b))
            out[:, slab * SLAB : slab * SLAB + part.shape[1]] = part.toarray()
        return out

    def sparse_block(self, a: int, b: int) -> sp.csr_matrix:
        """Return genes ``a`` to ``b`` of a sparse store, ``(b - a, n_obs)`` CSR."""
        starts = self._indptr
        assert starts is not None, "the store is sparse"
        if len(starts) == 1:
            return self._part(starts[0], None, genes=(a, b))
        return sp.hstack([self._part(starts[slab], slab, genes=(a, b)) for slab in range(len(starts))], format="csr")

    def _part(self, starts: np.ndarray, slab: int | None, genes: tuple[int, int] | None = None) -> sp.csr_matrix:
        """Return genes ``a`` to ``b`` of a slab, which begin at ``starts``, CSR; all genes and observations if None."""
        group, (a, b) = self._handle["X"], genes or (0, self.n_vars)
        m = self.n_obs if slab is None else min(SLAB, self.n_obs - slab * SLAB)
        start, stop = int(starts[a]), int(starts[b])
        parts = (group["data"][start:stop], group["indices"][start:stop], starts[a : b + 1] - start)
        if len(parts[1]) and not 0 <= parts[1].min() <= parts[1].max() < m:
            msg = f"{self._handle.filename!r} is damaged: it names observations that it has not. Prepare again."
            raise InputError(msg)
        return sp.csr_matrix(parts, shape=(b - a, m))

    def rows(self, index: Sequence[int] | np.ndarray) -> np.ndarray:
        # One read for each run of neighbours: h5py takes scattered rows one by one, which is slow.
        wanted, position = np.unique(np.asarray(index, dtype=np.int64), return_inverse=True)
        runs = [run for run in np.split(wanted, np.flatnonzero(np.diff(wanted) > 1) + 1) if run.size]
        blocks = [self.block(int(run[0]), int(run[-1]) + 1) for run in runs]
        return np.concatenate(blocks)[position] if blocks else np.empty((0, self.n_obs), dtype=np.float32)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as the path of the file."""
        return Store.open, (str(Path(self._handle.filename).resolve()),)

    def close(self) -> None:
        self._handle.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()


def _is_damaged(name: str, why: object) -> InputError:
    return InputError(f"{name!r} is damaged, or was changed by another program: {why}. Run `acyclome prepare` again.")


def _strings(dataset: h5py.Dataset) -> list[str]:
    return [str(name) for name in dataset.asstr()[:]]
