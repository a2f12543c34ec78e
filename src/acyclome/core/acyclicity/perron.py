"""Largest eigenvalue and positive eigenvectors of irreducible non-negative matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, eye_array
from scipy.sparse.linalg import splu

from acyclome.core.acyclicity.matrix import rounding

if TYPE_CHECKING:
    import torch

# Bounds on the radius (Collatz 1942) closer than this share of it end the iteration: thousands of roundings of 2e-16.
RTOL = 1e-12
POWER_STEPS = 2000  # tens where a component is well connected; a cycle of a hundred genes takes more, and goes on below
NODA_STEPS = 40  # each squares the error: five to ten from a start as near as this
SQUARINGS = 60  # 2^60 power steps, more than any gap of eigenvalues in float64 needs
LEAST = np.finfo(np.float64).tiny  # keeps vectors positive, as they are of irreducible matrices


def perron(block: csr_array) -> tuple[float, np.ndarray, np.ndarray]:
    """Return radius, left and right eigenvector of an irreducible non-negative matrix ``(k, k)``."""
    u, v = _right_vector(block.T.tocsr()), _right_vector(block)
    return float(u @ (block @ v) / (u @ v)), u, v


def _right_vector(block: csr_array) -> np.ndarray:
    """Return the positive right eigenvector, largest entry 1.

    Power iteration on ``A + s I``: with the shift ``s > 0`` there is one eigenvalue of largest modulus, also on a bare
    cycle.  Long cycles converge slowly but factorize without fill; there Noda's iteration (1971), inverse iteration
    from above the radius, ends in a few steps.  Well connected components fill, and never come so far.
    """
    v = np.ones(block.shape[0])
    for _ in range(POWER_STEPS):
        grown = block @ v
        low, high = _bounds(grown, v)
        if high - low <= RTOL * high:
            return v
        v = grown + 0.5 * (low + high) * v
        v = np.maximum(v / v.max(), LEAST)
    best, gap = v, np.inf
    for _ in range(NODA_STEPS):
        low, high = _bounds(block @ v, v)
        if high - low >= gap:  # rounding is all that is left
            break
        best, gap = v, high - low
        if gap <= RTOL * high:
            break
        # From above the radius the inverse is positive, and so is every iterate.
        system = (high * (1.0 + RTOL)) * eye_array(len(v), format="csc") - block.tocsc()
        v = np.abs(splu(system, diag_pivot_thresh=0.0).solve(v))
        v = np.maximum(v / v.max(), LEAST)
    return best


def _bounds(grown: np.ndarray, v: np.ndarray) -> tuple[float, float]:
    """Return bounds of the radius, the smallest and the largest ratio of ``A v`` to ``v > 0``."""
    ratio = grown / v
    return float(ratio.min()), float(ratio.max())


def projector(cyclic: torch.Tensor, together: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the radius of every gene's component, ``(*batch, d)``, and ``v u' / u'v`` of all components at once.

    Repeated squaring of ``A + s I``, each component divided by its trace: ``k`` squarings are ``2^k`` steps of power
    iteration, so the number of genes on a cycle does not matter.  A first round sets the shift of the second.
    ``cyclic`` are the strengths inside strong components; ``together`` is 1 where two genes share one, else 0.
    """
    shift = (together * cyclic.sum(-1)[..., None, :]).amax(-1)  # the largest row sum of a component bounds its radius
    rho, P = shift, together
    for _ in range(2):
        P = _unit_trace(cyclic + shift.where(shift > 0.0, shift.new_ones(()))[..., None] * _identity(cyclic), together)
        for _ in range(SQUARINGS):
            before, P = P, _unit_trace(P @ P, together)
            # The error of the next is the square of this one.
            if bool(((P - before).abs().amax((-2, -1)) <= rounding(P) ** 0.5 * before.amax((-2, -1))).all()):
                break
        rho = shift = (together @ (cyclic * P.mT).sum(-1)[..., None])[..., 0]
    return rho, P


def _unit_trace(matrix: torch.Tensor, together: torch.Tensor) -> torch.Tensor:
    """Divide every component by its trace."""
    return matrix / (together @ matrix.diagonal(dim1=-2, dim2=-1)[..., None])


def _identity(matrix: torch.Tensor) -> torch.Tensor:
    """Identity, ``(d, d)``: dense forms are for thousands of genes at most, where it is small beside ``A``."""
    import torch

    return torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
