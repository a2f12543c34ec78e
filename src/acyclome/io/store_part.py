"""Some genes and observations of a store, read from it when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from acyclome.io.store import GeneMajor, MemoryStore

if TYPE_CHECKING:
    import pandas as pd


class StorePart:
    """The interface of a store over a part of another, which stays where it is.

    ``genes`` (d,) and ``rows`` (n,) are positions, in the order in which they come; None takes all.
    """

    def __init__(self, store: GeneMajor, *, genes: np.ndarray | None = None, rows: np.ndarray | None = None) -> None:
        self._store, self._genes, self._rows = store, genes, rows
        self.facts: dict[str, Any] = store.facts
        self.is_sparse = store.is_sparse

    @cached_property
    def genes(self) -> list[str]:
        return self._store.genes if self._genes is None else [self._store.genes[j] for j in self._genes]

    @cached_property
    def observations(self) -> list[str]:
        names = self._store.observations
        return names if self._rows is None else [names[r] for r in self._rows]

    @property
    def n_vars(self) -> int:
        return self._store.n_vars if self._genes is None else len(self._genes)

    @property
    def n_obs(self) -> int:
        return self._store.n_obs if self._rows is None else len(self._rows)

    @property
    def digest(self) -> str:
        return self.in_memory().digest

    @property
    def folder(self) -> Path | None:
        return self._store.folder

    @property
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
