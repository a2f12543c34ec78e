"""Factor models ``A = U V'``: what a power series costs in the rank, not in the genes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acyclome.core.acyclicity.series import Kind, coefficients

if TYPE_CHECKING:
    import torch


def factor_value_and_gradients(
    U: torch.Tensor, V: torch.Tensor, kind: Kind, terms: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return ``h = sum_{k=1..K} c_k tr((V'U)^k)``, ``(*batch,)``, with ``dh/dU`` and ``dh/dV``, ``(*batch, d, r)``.

    This is the series of ``A = U V'``, exactly: ``tr((U V')^k) = tr((V'U)^k)``, at the cost of ``d r^2``.

    Parameters
    ----------
    U, V
        ``(*batch, d, r)`` factors of non-negative strengths.
    """
    c = coefficients(kind, terms, U.shape[-2]).tolist()
    M = V.mT @ U
    h = c[0] * M.diagonal(dim1=-2, dim2=-1).sum(-1)
    slope = M.new_zeros(M.shape)
    slope.diagonal(dim1=-2, dim2=-1).fill_(c[0])
    power = M
    for k in range(2, terms + 1):
        slope = slope + k * c[k - 1] * power
        h = h + c[k - 1] * (power * M.mT).sum((-2, -1))
        power = power @ M
    return h, V @ slope.mT, U @ slope


def square_factors(U: torch.Tensor, V: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return factors ``(*batch, d, r (r + 1) / 2)`` of ``W * W`` for ``W = U V'`` (face-splitting: Slyusar 1999).

    ``(W * W)_ij = sum_{a <= b} (2 - [a = b]) U_ia U_ib V_ja V_jb``: row ``i`` holds the products of the entries of
    ``u_i``.  Single products may be negative; the strengths that they add up to are not.
    """
    import torch

    first, second = torch.triu_indices(U.shape[-1], U.shape[-1], device=U.device)
    times = 2.0 - (first == second).to(V.dtype)
    return U[..., first] * U[..., second], V[..., first] * V[..., second] * times
