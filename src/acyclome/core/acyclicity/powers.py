"""Forms made of all powers: the trace of the exponential, and of the polynomial of degree d.

Both are computed as ``f(A) - I`` with additions and products of non-negative numbers alone, so nothing cancels: an
acyclic matrix gives exactly 0, and a weak cycle is seen beside strong edges.  The formulas are written once, for numpy
and torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, factorial, log2
from typing import TYPE_CHECKING, Any

import numpy as np

from acyclome.core.acyclicity.matrix import OfMatrices, at_candidates, dense_matrix, within_domain
from acyclome.core.data.candidates import Candidates
from acyclome.core.workers import one_blas_thread

if TYPE_CHECKING:
    import torch

TERMS = 16  # of Taylor: below sums of NORM what follows is less than 0.5^17 / 17! = 2e-20
NORM = 0.5


@dataclass(frozen=True)
class TraceExp(OfMatrices):
    """``h(A) = tr(exp(A)) - d`` (NOTEARS: Zheng et al. 2018), by scaling and squaring.

    ``dh/dA = exp(A)'``: the gradient sees every path that an edge would close, but a cycle of k edges and product p
    counts about ``p / (k - 1)!``, so long ones hardly weigh.  Sparse strengths are laid out as one float64 matrix, so
    there is a limit of genes.  Cost: about ``6 + log2(d / 16)`` products of d x d matrices.
    """

    def value_and_gradient(self, A: np.ndarray, candidates: Candidates, threads: int) -> tuple[float, np.ndarray]:
        matrix = dense_matrix(A, candidates, "expm")
        with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
            grown = _expm1(matrix, _squarings(matrix.sum(axis=0).max(initial=0.0), len(matrix)))
        return _finite(np.trace(grown), grown.T, candidates)

    def dense_value_and_gradient(self, A: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        norms = A.sum(-2).amax(-1)
        finite = norms[norms.isfinite()]
        largest = float(finite.max()) if finite.numel() else 0.0
        grown = _expm1(A, _squarings(largest, A.shape[-1]))
        return within_domain(_trace(grown), _plus_identity(grown.mT))


@dataclass(frozen=True)
class Polynomial(OfMatrices):
    """``h(A) = tr((I + A/d)^d) - d`` (DAG-GNN: Yu et al. 2019), by repeated squaring.

    ``dh/dA = ((I + A/d)^(d-1))'``: the gradient sees every path of up to ``d - 1`` edges, which are all there can be;
    a cycle of k edges and product p counts at most ``p / (k - 1)!``.  Sparse strengths are laid out as one float64
    matrix, so there is a limit of genes.  Cost: at most ``2 log2(d)`` products of d x d matrices.
    """

    def value_and_gradient(self, A: np.ndarray, candidates: Candidates, threads: int) -> tuple[float, np.ndarray]:
        matrix = dense_matrix(A, candidates, "polynomial")
        d = len(matrix)
        with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
            step = matrix / max(d, 1)
            grown = _power(step, d - 1)
            h = np.trace(grown) + np.trace(step) + np.sum(grown * step.T)
        return _finite(h, grown.T, candidates)

    def dense_value_and_gradient(self, A: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        step = A / A.shape[-1]
        grown = _power(step, A.shape[-1] - 1)
        h = _trace(grown) + _trace(step) + (grown * step.mT).sum((-2, -1))
        return within_domain(h, _plus_identity(grown.mT))


def _squarings(norm: float, d: int) -> int:
    """How often to halve ``A``: until its norm is small, and often enough that paths of d edges are within reach."""
    if not np.isfinite(norm):
        return 0
    return max(ceil(log2(max(norm, NORM) / NORM)), ceil(log2(max(d, TERMS) / TERMS)))


def _expm1(A: Any, squarings: int) -> Any:
    """``exp(A) - I``: Taylor on ``A / 2^s`` in four groups (Paterson and Stockmeyer 1973), then ``N <- 2 N + N N``."""
    first = A / 2.0**squarings
    second = first @ first
    third, fourth = second @ first, second @ second
    powers = (first, second, third, fourth)
    grown: Any = 0.0
    for group in range(TERMS // 4 - 1, -1, -1):
        lead = sum(power / factorial(4 * group + k) for k, power in enumerate(powers, start=1))
        grown = lead if group == TERMS // 4 - 1 else lead + fourth @ grown
    for _ in range(squarings):
        grown = 2.0 * grown + grown @ grown
    return grown


def _power(step: Any, exponent: int) -> Any:
    """``(I + step)^exponent - I``, from ``(I + M)(I + N) - I = M + N + M N``."""
    if exponent < 1:
        return step * 0.0
    grown = step
    for bit in bin(exponent)[3:]:  # its bits behind the first, from the highest
        grown = 2.0 * grown + grown @ grown
        if bit == "1":
            grown = grown + step + grown @ step
    return grown


def _finite(h: float, gradient: np.ndarray, candidates: Candidates) -> tuple[float, np.ndarray]:
    """Value and gradient on the candidates; inf and 0 where the numbers overflowed."""
    if not np.isfinite(h):
        return float("inf"), np.zeros(candidates.n_edges)
    return float(h), at_candidates(gradient, candidates)


def _trace(matrix: torch.Tensor) -> torch.Tensor:
    return matrix.diagonal(dim1=-2, dim2=-1).sum(-1)


def _plus_identity(matrix: torch.Tensor) -> torch.Tensor:
    out = matrix.clone()
    out.diagonal(dim1=-2, dim2=-1).add_(1.0)
    return out
