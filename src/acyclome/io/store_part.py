"""A part of a store, which stays where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from acyclome.io.store import GeneMajor, MemoryStore
from acyclome.io.store_writer import ContentDigest, Matrix

if TYPE_CHECKING:
    import pandas as pd

_DIGESTED = 2**24  # values of a part at a time, 64 MB


class StorePart(GeneMajor):
    """The interface of a store over a part of another, which stays where it is.

    ``genes`` (d,) and ``rows`` (n,) are positions, in the order in which they come; None takes all.
    """

    def __init__(self, store: GeneMajor, *, genes: np.ndarray | None = None, rows: np.ndarray | None = None) -> None:
        self._store, self._genes, self._rows = store, genes, rows
        self.genes = store.genes if genes is None else [store.genes[j] for j in genes]
        self.observations = store.observations if rows is None else [store.observations[r] for r in rows]
        self.facts, self.symbols = store.facts, store.symbols
        self.is_sparse, self.folder = store.is_sparse, store.folder

    @cached_property
    def digest(self) -> str:
        """Digest of names and values, read block by block, for a part may be nearly as large as the whole."""
        content = ContentDigest(self.genes, self.observations)
        step = max(1, _DIGESTED // max(self.n_obs, 1))
        for start in range(0, self.n_vars, step):
            content.add(self.block(start, min(start + step, self.n_vars)))
        return content.result()

    @cached_property
    def obs_columns(self) -> pd.DataFrame | None:
        table = self._store.obs_columns
        return table if table is None or self._rows is None else table.iloc[self._rows]

    @property
    def slabs(self) -> Callable[[], Iterator[sp.csr_matrix]] | None:
        whole = self._store.slabs
        return None if whole is None else partial(self._some, whole)

    def _some(self, whole: Callable[[], Iterator[sp.csr_matrix]]) -> Iterator[sp.csr_matrix]:
        """Give what there is of every slab; rows are rising where a part has some."""
        first = 0
        for slab in whole():
            last = first + slab.shape[1]
            if self._rows is not None:
                slab = slab[
                    :, self._rows[np.searchsorted(self._rows, first) : np.searchsorted(self._rows, last)] - first
                ]
            first = last
            if slab.shape[1]:
                yield slab if self._genes is None else slab[self._genes]

    def block(self, a: int, b: int) -> np.ndarray:
        values = self._store.block(a, b) if self._genes is None else self._store.rows(self._genes[a:b])
        return values if self._rows is None else values[:, self._rows]

    def rows(self, index: Sequence[int] | np.ndarray) -> np.ndarray:
        index = np.asarray(index, np.int64)
        values = self._store.rows(index if self._genes is None else self._genes[index])
        return values if self._rows is None else values[:, self._rows]

    def close(self) -> None:
        self._store.close()

    def sparse_in_memory(self) -> MemoryStore:
        """Return the part by itself, as CSR, from one pass over slabs of observations."""
        assert self.slabs is not None, "the store is sparse"
        return self._as_memory(sp.hstack(list(self.slabs()), format="csr"))

    def in_memory(self) -> MemoryStore:
        # Piece by piece, for a part of the observations has all of them while it is read.
        step = max(1, _DIGESTED // max(self._store.n_obs, 1))
        pieces = [self.block(a, min(a + step, self.n_vars)) for a in range(0, self.n_vars, step)]
        return self._as_memory(np.concatenate(pieces) if pieces else self.block(0, 0))

    def _as_memory(self, values: Matrix) -> MemoryStore:
        return MemoryStore(
            values,
            self.genes,
            self.observations,
            facts=self.facts,
            obs_columns=self.obs_columns,
            symbols=self.symbols,
        )
