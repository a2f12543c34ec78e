"""Some genes and observations of a store, read from it when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from acyclome.io.store import GeneMajor, MemoryStore

if TYPE_CHECKING:
    import pandas as pd


class StorePart(GeneMajor):
    """The interface of a store over a part of another, which stays where it is.

    ``genes`` (d,) and ``rows`` (n,) are positions, in the order in which they come; None takes all.
    """

    def __init__(self, store: GeneMajor, *, genes: np.ndarray | None = None, rows: np.ndarray | None = None) -> None:
        self._store, self._genes, self._rows = store, genes, rows
        self.genes = store.genes if genes is None else [store.genes[j] for j in genes]
        self.observations = store.observations if rows is None else [store.observations[r] for r in rows]
        self.facts = store.facts
        self.is_sparse, self.folder = store.is_sparse, store.folder

    @cached_property
    def digest(self) -> str:
        return self.in_memory().digest

    @cached_property
    def obs_columns(self) -> pd.DataFrame | None:
        table = self._store.obs_columns
        return table if table is None or self._rows is None else table.iloc[self._rows]

    def block(self, a: int, b: int) -> np.ndarray:
        values = self._store.block(a, b) if self._genes is None else self._store.rows(self._genes[a:b])
        return values if self._rows is None else values[:, self._rows]

    def rows(self, index: Sequence[int] | np.ndarray) -> np.ndarray:
        index = np.asarray(index, np.int64)
        values = self._store.rows(index if self._genes is None else self._genes[index])
        return values if self._rows is None else values[:, self._rows]

    def in_memory(self) -> MemoryStore:
        values = self.block(0, self.n_vars)
        return MemoryStore(values, self.genes, self.observations, facts=self.facts, obs_columns=self.obs_columns)
