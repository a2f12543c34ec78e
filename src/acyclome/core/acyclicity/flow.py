"""The series of networks side by side whose strengths lie on candidates, ``(m, d, k)``, wherever their tensors are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acyclome.core.acyclicity.matrix import within_domain

if TYPE_CHECKING:
    import torch

FLOW_VALUES = 1 << 24  # of the flow that is followed at once: 64 MB in float32


def follow_flow(c: np.ndarray, A: torch.Tensor, parent: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ``h = sum_k c_k tr(A^k)``, ``(m,)`` float64, and ``dh/dA``, ``(m, d, k)``; nothing is let go.

    With ``X_0`` the unit columns of some genes and ``X_k = A' X_(k-1)``, a sparse product, ``(A^k)_ji`` stands in
    ``X_k`` at the candidate ``i`` of gene ``j``: what flows from ``j`` back to ``i``.  The problems are one graph
    without an edge between them, so genes of the same number go together.
    """
    import torch

    m, d, _ = A.shape
    across = _transposed(A, parent)
    h, omega = A.new_zeros(m).double(), []
    width = max(FLOW_VALUES // max(m * d, 1), 1)
    for a in range(0, d, width):
        near, strength = parent[:, a : a + width].mT, A[:, a : a + width].mT
        X = A.new_zeros((m, d, strength.shape[-1]))
        X.diagonal(-a, dim1=1, dim2=2).fill_(1.0)  # the unit columns of genes a, a + 1, ... of every problem
        X = X.reshape(m * d, -1)
        slope = strength * 0.0
        for k, weight in enumerate(c[1:].tolist(), start=2):
            X = across @ X
            back = X.reshape(m, d, -1).gather(1, near)
            slope = slope + k * weight * back
            h = h + weight * (strength * back).sum((1, 2)).double()
        omega.append(slope.mT)
    return within_domain(h, torch.cat(omega, 1) if omega else A)


def _transposed(A: torch.Tensor, parent: torch.Tensor) -> torch.Tensor:
    """Return the strengths above 0 of all problems as one sparse matrix, target by source, ``(m d, m d)``."""
    import torch

    m, d, _ = A.shape
    problem, target, position = (A > 0).nonzero(as_tuple=True)
    first = problem * d
    at = torch.stack([first + target, first + parent[problem, target, position]])
    strength, shape = A[problem, target, position], (m * d, m * d)  # rows rise, as nonzero finds them: coalesced
    return torch.sparse_coo_tensor(at, strength, shape, is_coalesced=True, check_invariants=False)
