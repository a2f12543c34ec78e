"""The log-determinant of an M-matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acyclome.core.acyclicity.matrix import (
    OfMatrices,
    at_candidates,
    dense_matrix,
    strong_components,
    within_domain,
)
from acyclome.core.data.candidates import Candidates
from acyclome.core.workers import one_blas_thread

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class LogDet(OfMatrices):
    """``h(A) = -log det(s I - A) + d log s`` where the spectral radius of ``A`` is below ``s``, else inf (DAGMA).

    ``dh/dA = ((s I - A)^-1)'`` (Bello et al. 2022): the gradient sees every path that an edge would close.  The domain
    is tested by ``(s I - A) x = 1``, whose solution is positive exactly there (Berman and Plemmons 1994, ch. 6, I27).
    Sparse strengths are laid out as one float64 matrix, so there is a limit of genes; their value is taken inside
    strong components and is exactly 0 on an acyclic graph, that of dense batches only up to rounding.
    """

    s: float = 1.0

    def value_and_gradient(self, A: np.ndarray, candidates: Candidates, threads: int) -> tuple[float, np.ndarray]:
        scaled = dense_matrix(A, candidates, "logdet") / self.s
        identity = np.eye(len(scaled))  # at most 32 MB, see dense_matrix
        outside = float("inf"), np.zeros(candidates.n_edges)
        if not np.isfinite(scaled).all():
            return outside
        component = strong_components(scaled)  # all other entries leave the determinant as it is, but for rounding
        cyclic = np.where(component[:, None] == component, scaled, 0.0)
        with one_blas_thread():
            try:
                inverse = np.linalg.inv(identity - scaled)
            except np.linalg.LinAlgError:
                return outside
            h = -np.linalg.slogdet(identity - cyclic)[1]
        if not (inverse.sum(axis=1) > 0.0).all():
            return outside
        return float(h), at_candidates(inverse.T / self.s, candidates)

    def dense_value_and_gradient(self, A: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        within = -A / self.s
        within.diagonal(dim1=-2, dim2=-1).add_(1.0)
        inverse, failed = torch.linalg.inv_ex(within)
        inside = (inverse.sum(-1) > 0.0).all(-1) & (failed == 0)
        h = -torch.linalg.slogdet(within).logabsdet
        return within_domain(h.where(inside, h.new_full((), float("inf"))), inverse.mT / self.s)
