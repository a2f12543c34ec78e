"""The matrix on its way through the preparation, with its names and the record of what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import scipy.sparse as sp

from acyclome.core.data.candidates import gene_blocks
from acyclome.prepare.streamed import Streamed, held

if TYPE_CHECKING:
    import pandas as pd

Matrix: TypeAlias = Any  # np.ndarray, a scipy.sparse CSR matrix, which has no types, or Streamed
_BLOCK_VALUES = 2**24  # 64 MB of float32 at a time


@dataclass(frozen=True)
class Draft:
    """Genes x observations between two steps."""

    X: Matrix  # (n_vars, n_obs) float32, dense C-ordered or CSR in canonical form without stored zeros
    genes: np.ndarray
    obs: pd.DataFrame  # annotations of the observations; its index holds their names
    kind: str  # of the values now: counts, log-normalised, scaled, unknown
    steps: tuple[Mapping[str, Any], ...] = ()  # what each did
    warnings: tuple[str, ...] = ()
    log_depth: np.ndarray | None = None  # (n_obs,) where a part of it is taken out like a covariate

    @property
    def n_vars(self) -> int:
        return self.X.shape[0]

    @property
    def n_obs(self) -> int:
        return self.X.shape[1]

    def noted(self, step: str, what: str, *, warnings: Sequence[str] = (), **facts: Any) -> Self:
        record = {"step": step, "what": what, **facts, "n_obs": self.n_obs, "n_vars": self.n_vars}
        return replace(self, steps=(*self.steps, record), warnings=(*self.warnings, *warnings))

    def with_genes(self, keep: np.ndarray) -> Self:
        return self if keep.all() else replace(self, X=self.X[keep], genes=self.genes[keep])


def gene_major(X: Matrix) -> Matrix:
    """Return observations x genes as genes x observations in float32, as a copy that shares nothing."""
    if not sp.issparse(X):
        return np.array(np.asarray(X).T, dtype=np.float32, order="C")
    turned = sp.csr_matrix(X.T, dtype=np.float32, copy=True)
    turned.sum_duplicates()
    turned.eliminate_zeros()  # a gene is seen where a value is stored
    density = turned.nnz / max(turned.shape[0] * turned.shape[1], 1)
    return turned.toarray() if density > 0.5 else turned  # beyond one half, CSR is the larger form


def transposed(X: Matrix) -> Matrix:
    """Return observations x genes in memory as genes x observations, of the same values; sparse ones as CSR."""
    return sp.csr_matrix(X.T) if sp.issparse(X) else X.T


def blocks(n_rows: int, n_columns: int) -> list[tuple[int, int]]:
    return gene_blocks(n_rows, max(1, _BLOCK_VALUES // max(n_columns, 1)))


def dense(X: Matrix) -> np.ndarray:
    return held(X).toarray() if sp.issparse(X) or isinstance(X, Streamed) else X
