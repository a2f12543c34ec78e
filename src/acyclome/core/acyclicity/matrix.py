"""Strengths on candidate edges as a matrix, whole or reduced to the strong components."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import ceil, log2
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from acyclome.core.data.candidates import Candidates
from acyclome.errors import ConfigError

if TYPE_CHECKING:
    import torch

MAX_GENES = 2000  # a dozen float64 matrices of 32 MB each, and d^3 = 8e9 operations a call: some seconds


def dense_matrix(A: np.ndarray, candidates: Candidates, form: str) -> np.ndarray:
    """Return the strengths as a float64 matrix ``(d, d)``, source by target, of ``MAX_GENES`` at most."""
    d = candidates.n_genes
    if d > MAX_GENES:
        msg = (
            f"fit.acyclicity is {form!r}, which computes with whole matrices, and there are {d:,} genes; at most "
            f"{MAX_GENES:,} were expected. Take fit.acyclicity 'series', which follows the candidate edges at any size."
        )
        raise ConfigError(msg)
    matrix = np.zeros((d, d))
    matrix[candidates.parent, candidates.target] = A
    return matrix


def at_candidates(gradient: np.ndarray, candidates: Candidates) -> np.ndarray:
    """Read a gradient ``(d, d)`` on the candidate pattern, ``(nnz,)``; rounding never makes it negative."""
    return np.maximum(gradient[candidates.parent, candidates.target], 0.0)


def sparse_matrix(A: np.ndarray, candidates: Candidates) -> csr_array:
    """Return the strengths above 0 as a sparse matrix ``(d, d)``, source by target."""
    there = np.flatnonzero(A > 0)
    shape = (candidates.n_genes, candidates.n_genes)
    return csr_array((A[there].astype(np.float64), (candidates.parent[there], candidates.target[there])), shape=shape)


def strong_components(matrix: csr_array | np.ndarray) -> np.ndarray:
    """Return the strong component of every gene, ``(d,)``."""
    return np.asarray(connected_components(csr_array(matrix), directed=True, connection="strong")[1])


class OfMatrices(ABC):
    """A form of whole matrices, ``m d^2`` numbers for networks side by side: 0.4 GB each of 10,000 genes in float32."""

    @abstractmethod
    def dense_value_and_gradient(self, A: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ``h`` of each matrix ``(m, d, d)``, and its gradient."""

    def blocks_value_and_gradient(self, A: torch.Tensor, parent: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        m, d, _ = A.shape
        h, gradient = self.dense_value_and_gradient(A.new_zeros((m, d, d)).scatter_add_(1, parent.mT, A.mT))
        return h, gradient.gather(1, parent.mT).mT


def same_component(A: torch.Tensor) -> torch.Tensor:
    """Return which pairs share a strong component, ``(*batch, d, d)`` of 0 and 1 in the dtype of ``A``."""
    reached = (A > 0).to(A.dtype)
    reached.diagonal(dim1=-2, dim2=-1).fill_(1.0)
    for _ in range(ceil(log2(max(A.shape[-1], 2)))):  # squared so often, paths of d edges are seen
        reached = (reached @ reached > 0).to(A.dtype)  # 0 and 1 again, or numbers of paths would overflow
    return reached * reached.mT


def rounding(matrix: torch.Tensor) -> float:
    """Return the distance from 1 to the next number of the dtype."""
    import torch

    return float(torch.finfo(matrix.dtype).eps)


def within_domain(h: torch.Tensor, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give matrices of a batch whose value is no finite number the value inf and the gradient 0."""
    inside = h.isfinite()
    h = h.where(inside, h.new_full((), float("inf")))
    return h, gradient.where(inside[..., None, None], gradient.new_zeros(()))
