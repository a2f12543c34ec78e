"""Writing of the gene-major store: blocks of genes, one after the other, into one file that is whole or absent."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from acyclome.errors import InputError
from acyclome.io.atomic import plain
from acyclome.io.hdf5 import heard, write_hdf5

if TYPE_CHECKING:
    import h5py
    import pandas as pd

ENCODING_TYPE = "acyclome-store"
ENCODING_VERSION, IN_SLABS = "1", "2"  # of stores as a whole, which earlier versions read too, and in slabs
SLAB = 2**14  # observations of a slab: at 30,000 genes, 3 % of them seen, 0.1 GB
_CHUNK = 2**18  # elements of a sparse array that are kept together in the file: 1 MB of float32
_BLOCK = 2**24  # values that are converted, hashed and written at a time: 64 MB of float32

Matrix: TypeAlias = Any  # np.ndarray, or a scipy.sparse CSR matrix or array; scipy has no types


def write_store(
    path: str | os.PathLike[str],
    X: Matrix | Iterable[Matrix],
    genes: Sequence[str],
    *,
    observations: Sequence[str],
    facts: Mapping[str, Any],
    obs_columns: pd.DataFrame | None = None,
    symbols: Mapping[str, str] | None = None,
    in_slabs: bool = False,
) -> str:
    """Write a gene-major store atomically and return its digest.

    `X` is ``(n_vars, n_obs)`` dense or CSR, or the blocks of genes of such a matrix one after the other, so that a
    dense result need never be in memory as a whole. The first block decides whether the store is sparse. With
    `in_slabs` it is slabs of ``SLAB`` observations instead, ``(n_vars, m)`` CSR each, and stays so in the file.
    """
    blocks = row_blocks(X) if sp.issparse(X) or isinstance(X, np.ndarray) else iter(X)
    shape, content = (len(genes), len(observations)), ContentDigest(genes, observations)
    with write_hdf5(path) as handle:
        blocks = heard(blocks)
        if in_slabs:
            is_sparse, write = True, _write_slabs
        else:
            first = next(blocks, np.empty((0, shape[1]), dtype=np.float32))
            is_sparse, blocks = bool(sp.issparse(first)), chain([first], blocks)
            write = _write_sparse if is_sparse else _write_dense
        write(handle, blocks, shape, content=content)
        version = IN_SLABS if in_slabs else ENCODING_VERSION
        handle.attrs.update({"encoding-type": ENCODING_TYPE, "encoding-version": version, "is_sparse": is_sparse})
        _write_names(handle, genes, observations, symbols=symbols)
        _write_facts(handle, facts, obs_columns)
        digest = content.result()
        handle.attrs["digest"] = digest
        return digest


def _write_names(
    handle: h5py.File, genes: Sequence[str], observations: Sequence[str], *, symbols: Mapping[str, str] | None
) -> None:
    import h5py

    text = h5py.string_dtype()
    handle.create_dataset("genes", data=np.asarray(genes, dtype=object), dtype=text)
    if symbols:
        named = np.asarray([symbols.get(gene, "") for gene in genes], dtype=object)
        handle.create_dataset("symbols", data=named, dtype=text)
    handle.create_dataset("observations", data=np.asarray(observations, dtype=object), dtype=text)


def _write_facts(handle: h5py.File, facts: Mapping[str, Any], obs_columns: pd.DataFrame | None) -> None:
    import h5py

    handle.create_dataset("facts", data=json.dumps(plain(facts), ensure_ascii=False), dtype=h5py.string_dtype())
    if obs_columns is not None:
        from anndata.io import write_elem

        write_elem(handle, "obs", obs_columns)


class ContentDigest:
    """Digest (blake2b, 128 bits) of names and values that does not depend on how the rows are cut into blocks."""

    def __init__(self, genes: Sequence[str], observations: Sequence[str]) -> None:
        names = json.dumps([list(genes), list(observations)], ensure_ascii=False)
        # One digest for each array of a CSR, since blocks bring a piece of every one.
        self._parts = [hashlib.blake2b(part, digest_size=16) for part in (names.encode(), b"", b"", b"")]

    def add(self, block: Matrix) -> None:
        """Take in the next rows: float32 values, and for CSR int32 columns and the int64 count of every row."""
        _, values, columns, counts = self._parts
        if isinstance(block, np.ndarray):
            values.update(np.ascontiguousarray(block, dtype=np.float32).data)
            return
        values.update(np.ascontiguousarray(block.data, dtype=np.float32).data)
        columns.update(np.ascontiguousarray(block.indices, dtype=np.int32).data)
        counts.update(np.diff(block.indptr).astype(np.int64).data)

    def result(self) -> str:
        return "blake2b:" + hashlib.blake2b(b"".join(part.digest() for part in self._parts), digest_size=16).hexdigest()


def row_blocks(X: Matrix) -> Iterator[Matrix]:
    """Yield the rows of a matrix, in order, in blocks of at most 64 MB (at least one row each)."""
    per_row = max(1, int(X.nnz / max(X.shape[0], 1)) if sp.issparse(X) else X.shape[1])
    size = max(1, _BLOCK // per_row)
    for start in range(0, X.shape[0], size):
        yield X[start : start + size]


def dense_rows(X: Matrix) -> np.ndarray:
    return np.array(X.toarray() if sp.issparse(X) else X, dtype=np.float32, order="C")


def check_shape(shape: tuple[int, ...], n_vars: int, n_obs: int) -> None:
    if tuple(shape) != (n_vars, n_obs):
        msg = (
            f"The gene-major matrix is {' x '.join(map(str, shape))}, but there are names for {n_vars} genes and "
            f"{n_obs} observations. Expected one row per gene and one column per observation; transpose it, or give "
            "the names that belong to it."
        )
        raise InputError(msg)


def _write_dense(
    handle: h5py.File, blocks: Iterable[Matrix], shape: tuple[int, int], *, content: ContentDigest
) -> None:
    """Write rows into one contiguous array: a block of genes is then one run of the file."""
    dataset, row = handle.create_dataset("X", shape=shape, dtype=np.float32), 0
    for block in blocks:
        values = np.ascontiguousarray(block, dtype=np.float32)
        check_shape((max(shape[0], row + len(values)), values.shape[1]), *shape)  # too few rows show only at the end
        dataset[row : row + len(values)] = values
        content.add(values)
        row += len(values)
    check_shape((row, shape[1]), *shape)


def _write_sparse(
    handle: h5py.File, blocks: Iterable[Matrix], shape: tuple[int, int], *, content: ContentDigest
) -> None:
    add, counts = _lists(handle.create_group("X")), []
    for block in blocks:
        rows = sp.csr_matrix(block)
        check_shape((rows.shape[0], rows.shape[1]), rows.shape[0], shape[1])
        add(rows)
        content.add(rows)
        counts.append(np.diff(rows.indptr))
    lengths = np.concatenate([[0], *counts]).astype(np.int64)
    check_shape((len(lengths) - 1, shape[1]), *shape)
    handle["X"].create_dataset("indptr", data=np.cumsum(lengths))


def _write_slabs(
    handle: h5py.File, blocks: Iterable[Matrix], shape: tuple[int, int], *, content: ContentDigest
) -> None:
    add, starts, width = _lists(handle.create_group("X")), [], 0
    for slab in blocks:
        check_shape(slab.shape, shape[0], min(SLAB, shape[1] - width))
        width += slab.shape[1]
        starts.append(add(slab) + slab.indptr.astype(np.int64))
        content.add(slab)
    check_shape((shape[0], width), *shape)
    handle["X"].create_dataset("indptr", data=np.array(starts))


def _lists(group: h5py.Group) -> Callable[[sp.csr_matrix], int]:
    """Make growing lists of values and indices; what adds a block to them returns where it begins."""
    data, indices = (
        group.create_dataset(name, shape=(0,), maxshape=(None,), chunks=(_CHUNK,), dtype=kind)
        for name, kind in (("data", np.float32), ("indices", np.int32))
    )

    def add(block: sp.csr_matrix) -> int:
        start, stop = data.shape[0], data.shape[0] + block.nnz
        for dataset, values in ((data, block.data), (indices, block.indices)):
            dataset.resize((stop,))
            dataset[start:stop] = values
        return start

    return add


def slabs_of(X: sp.csr_matrix) -> Iterator[sp.csr_matrix]:
    """Cut a matrix in memory, ``(d, n)``, into slabs of ``SLAB`` observations."""
    columns = X.tocsc() if X.shape[1] > SLAB else X
    for start in range(0, X.shape[1], SLAB):
        slab = sp.csr_matrix(columns[:, start : start + SLAB])
        slab.sort_indices()
        yield slab
