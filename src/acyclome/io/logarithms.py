"""A store of which some genes are given by their logarithms."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from acyclome.io.store import GeneMajor

if TYPE_CHECKING:
    import pandas as pd


def with_logarithms(store: GeneMajor, genes: Collection[str]) -> GeneMajor:
    """Return the store with ``log(1 + x)`` of the genes of these names in the place of their values."""
    return Logarithms(store, genes) if genes else store


class Logarithms(GeneMajor):
    """The interface of a store over another, which stays as it is: its digest is that of the values."""

    def __init__(self, store: GeneMajor, genes: Collection[str]) -> None:
        names = frozenset(genes)
        self._store, self._taken = store, np.array([gene in names for gene in store.genes], bool)
        self.genes, self.observations = store.genes, store.observations
        self.facts, self.symbols = store.facts, store.symbols
        self.is_sparse, self.folder = store.is_sparse, store.folder

    @property
    def digest(self) -> str:
        return self._store.digest

    @property
    def obs_columns(self) -> pd.DataFrame | None:
        return self._store.obs_columns

    @property
    def slabs(self) -> Callable[[], Iterator[sp.csr_matrix]] | None:
        whole = self._store.slabs
        return None if whole is None else partial(self._logged, whole)

    def _logged(self, whole: Callable[[], Iterator[sp.csr_matrix]]) -> Iterator[sp.csr_matrix]:
        for slab in whole():
            taken = np.repeat(self._taken, np.diff(slab.indptr))
            data = slab.data.copy()
            data[taken] = np.log1p(data[taken].astype(np.float64))
            yield sp.csr_matrix((data, slab.indices, slab.indptr), slab.shape)

    def block(self, a: int, b: int) -> np.ndarray:
        return self._of(self._store.block(a, b), self._taken[a:b])

    def rows(self, index: Sequence[int] | np.ndarray) -> np.ndarray:
        return self._of(self._store.rows(index), self._taken[np.asarray(index, np.int64)])

    @staticmethod
    def _of(values: np.ndarray, taken: np.ndarray) -> np.ndarray:
        values[taken] = np.log1p(values[taken].astype(np.float64))
        return values

    def close(self) -> None:
        self._store.close()
