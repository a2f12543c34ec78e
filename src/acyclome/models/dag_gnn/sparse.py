"""Products with a matrix on the candidate edges, in tensors: cost in edges, never in pairs of genes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from acyclome.core.data.candidates import Candidates

if TYPE_CHECKING:
    import torch
    from torch import Tensor

VALUES = 1 << 22  # of each side multiplied at once, 16 MB in float32


class Edges(NamedTuple):
    """The candidates on the device; weights of edges ``(nnz,)`` come in their order."""

    parent: Tensor  # (nnz,) int64
    target: Tensor  # (nnz,) int64
    children: Tensor  # (nnz,) int64, the order by parent
    targets: np.ndarray  # (nnz,) the targets on the host
    n_genes: int

    @classmethod
    def of(cls, candidates: Candidates, device: torch.device | str) -> Edges:
        """Lay the candidates out."""
        import torch

        parent, target, children = (
            torch.as_tensor(part.astype(np.int64), device=device)
            for part in (candidates.parent, candidates.target, candidates.children[2])
        )
        return cls(parent, target, children, candidates.target, candidates.n_genes)

    def per_target(self, values: np.ndarray) -> np.ndarray:
        """Sum values of edges by target, ``(d,)``."""
        return np.bincount(self.targets, values, self.n_genes)

    def times(self, W: Tensor, X: Tensor) -> Tensor:
        """Return ``A' X``: of every gene the weighted sum of its parents, ``(d, ...)``."""
        return self._sum(W, X, row=self.target, column=self.parent)

    def times_transposed(self, W: Tensor, X: Tensor) -> Tensor:
        """Return ``A X``: of every gene the weighted sum of its children, ``(d, ...)``."""
        at = self.children
        return self._sum(W[at], X, row=self.parent[at], column=self.target[at])

    def products(self, left: Tensor, right: Tensor) -> Tensor:
        """Inner products of ``left`` at the target and ``right`` at the parent of every edge, ``(nnz,)``."""
        import torch

        flat, other = left.reshape(self.n_genes, -1), right.reshape(self.n_genes, -1)
        step = max(VALUES // max(flat.shape[1], 1), 1)
        parts = [
            torch.einsum("en,en->e", flat[self.target[a : a + step]], other[self.parent[a : a + step]])
            for a in range(0, len(self.parent), step)
        ]
        return torch.cat(parts) if parts else flat.new_zeros(0)

    def _sum(self, W: Tensor, X: Tensor, *, row: Tensor, column: Tensor) -> Tensor:
        """Multiply by the weights that are not zero, of rising rows: most are, once the lasso has taken hold."""
        import torch

        there = W.nonzero()[:, 0]
        first = torch.zeros(self.n_genes + 1, dtype=torch.int64, device=X.device)
        first[1:] = torch.bincount(row[there], minlength=self.n_genes).cumsum(0)
        size = (self.n_genes, self.n_genes)
        with warnings.catch_warnings():  # torch says once that this layout is in beta; only its product is used
            warnings.simplefilter("ignore", UserWarning)
            A = torch.sparse_csr_tensor(first, column[there], W[there], size, check_invariants=False)
        return (A @ X.reshape(self.n_genes, -1)).reshape(X.shape)
