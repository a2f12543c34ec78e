"""Power series through factors: exact for a factor model, an approximation for a sparse matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from acyclome.core.acyclicity.matrix import (
    OfMatrices,
    rounding,
    same_component,
    sparse_matrix,
    strong_components,
    within_domain,
)
from acyclome.core.acyclicity.series import Kind, coefficients
from acyclome.core.data.candidates import Candidates
from acyclome.core.workers import one_blas_thread

if TYPE_CHECKING:
    import torch

RANGE_RTOL = 1e-12  # share of the largest direction below which others are rounding error of the range, and left out
NEGATIVE = 1e-5  # a trace is below 0 when it is by more than this share of what it could be
EDGES_AT_ONCE = 65_536  # whose rows of the basis are laid out, 32 MB of 64 dimensions


@dataclass(frozen=True)
class LowRank(OfMatrices):
    """Truncated power series with the traces of ``A^3`` and above taken on a space of few dimensions.

    ``B`` is ``A`` inside its strong components, ``Q`` an orthonormal basis of the range of ``B^2`` found with a random
    matrix (Halko et al. 2011), ``M = Q'BQ``.  Then ``h = c_2 tr(A^2) + sum_{k=3..K} c_k tr(M^k)`` and
    ``dh/dA_ij = 2 c_2 A_ji + sum_{k=3..K} k c_k (Q M^(k-2) Q'B)_ji``: exact where ``B^2`` has no more dimensions than
    ``rank``, and exactly 0 on an acyclic graph.  It cannot see cycles longer than ``terms``; of those longer than 2
    what lies outside of ``rank`` dimensions; in the gradient, paths between strong components.  Traces and gradients
    are never negative, so what falls below 0 is set to 0.

    Parameters
    ----------
    rank
        Dimensions of the space.
    terms
        ``K``, at least 2.
    kind
        Coefficients, as for the series.
    seed
        Of the random matrix, which is the same at every call: ``h`` is a function of ``A``.

    Notes
    -----
    Cost per call: ``4 rank`` products with the sparse matrix, ``d rank^2`` for the basis, ``rank`` per candidate.
    """

    rank: int
    terms: int
    kind: Kind
    seed: int

    def value_and_gradient(self, A: np.ndarray, candidates: Candidates, threads: int) -> tuple[float, np.ndarray]:
        c = coefficients(self.kind, max(self.terms, 2), candidates.n_genes)
        reverse = candidates.find(candidates.target, candidates.parent)
        back = np.where(reverse >= 0, A[reverse], 0.0)
        omega = 2.0 * c[1] * back
        cyclic = _inside(A, candidates)
        h = float(c[1] * (A @ back))
        if self.terms < 3 or cyclic.nnz == 0:
            return h, omega
        with one_blas_thread():
            Q, across = self._basis(cyclic)
            value, S = _long_cycles(across @ Q, c)
            right = (S @ across).T
            parent, target = candidates.parent, candidates.target
            for a in range(0, len(omega), EDGES_AT_ONCE):
                at = slice(a, a + EDGES_AT_ONCE)
                omega[at] += np.einsum("er,er->e", Q[target[at]], right[parent[at]])
        return h + float(value), np.maximum(omega, 0.0)

    def dense_value_and_gradient(self, A: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        c = coefficients(self.kind, max(self.terms, 2), A.shape[-1]).tolist()
        # A matrix with one number that is not finite is outside as a whole; the others of the batch are not touched.
        A = A.where(A.isfinite().all(-1).all(-1)[..., None, None], A.new_full((), float("nan")))
        finite = A.nan_to_num(0.0)
        h = c[0] * A.diagonal(dim1=-2, dim2=-1).sum(-1) + c[1] * (A * A.mT).sum((-2, -1))
        gradient = 2.0 * c[1] * A.mT
        gradient.diagonal(dim1=-2, dim2=-1).add_(c[0])
        if self.terms < 3:
            return within_domain(h, gradient)
        cyclic = finite * same_component(finite)
        probe = torch.as_tensor(self._probe(A.shape[-1]), dtype=A.dtype, device=A.device)
        Q, R = torch.linalg.qr(cyclic @ (cyclic @ probe))
        turn, size, _ = torch.linalg.svd(R, full_matrices=False)
        Q = (Q @ turn) * (size > max(RANGE_RTOL, 10.0 * rounding(A)) * size[..., :1])[..., None, :]
        across = Q.mT @ cyclic
        value, S = _long_cycles(across @ Q, c)
        return within_domain(h + value, (gradient + (Q @ (S @ across)).mT).clamp(min=0.0))

    def _probe(self, d: int) -> np.ndarray:
        return np.random.default_rng(self.seed).standard_normal((d, min(self.rank, d)))

    def _basis(self, cyclic: csr_array) -> tuple[np.ndarray, np.ndarray]:
        """``Q``, ``(d, rank)`` orthonormal with columns of 0 beyond the range, and ``Q'B``."""
        Q, R = np.linalg.qr(cyclic @ (cyclic @ self._probe(cyclic.shape[0])))
        turn, size, _ = np.linalg.svd(R)  # of (rank, rank): which directions of Q the range fills
        Q = (Q @ turn) * (size > RANGE_RTOL * size[0])
        return Q, (cyclic.T @ Q).T


def _inside(A: np.ndarray, candidates: Candidates) -> csr_array:
    """Return the strengths inside strong components."""
    component = strong_components(sparse_matrix(A, candidates))
    return sparse_matrix(np.where(component[candidates.parent] == component[candidates.target], A, 0.0), candidates)


def _long_cycles(M: Any, c: Any) -> tuple[Any, Any]:
    """``sum_{k >= 3} c_k tr(M^k)`` and ``sum_{k >= 3} k c_k M^(k-2)``, without the terms whose trace is below 0.

    A graph of even cycles has odd traces of 0, whose gradient counts: rounding below 0 does not make a term drop out.
    """
    value, S = 0.0, 0.0
    power, size = M, (M * M).sum((-2, -1)) ** 0.5
    for k in range(3, len(c) + 1):
        trace = (power @ M * M.mT).sum((-2, -1))
        value = value + c[k - 1] * trace * (trace > 0.0)
        S = S + k * c[k - 1] * power * (trace >= -NEGATIVE * size**k)[..., None, None]
        power = power @ M
    return value, S
