"""The kernels that ``benchmarks.gpu`` checks and times: one row of ``KERNELS`` each, torch and numpy only.

A kernel makes its input in float64 from a seed, the same on every device, and answers with tensors. To add one, write
both functions and a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch

from acyclome.core.acyclicity import LogDet, LowRank, Polynomial, Series, SpectralRadius, TraceExp

Tensors = tuple[torch.Tensor, ...]
TERMS, RANK, SEED = 8, 64, 0x6B  # terms and rank of the defaults of fit
PARENTS, STRENGTH = 2.0, 0.4  # of the random strengths: inside the domain of every form
CLOSE = {torch.float32: 1e-4, torch.float64: 1e-10}  # relative, against float64 on the CPU: sums of thousands of terms
# A singular value near the rank's end may fall on either side of it.
LOOSE = {torch.float32: 5e-2, torch.float64: 1e-6}


class Sizes(NamedTuple):
    """How large the inputs are: genes and observations, genes of a dense matrix, matrices side by side."""

    genes: int
    n: int
    d: int
    members: int
    member_d: int


def _nothing(*_: torch.Tensor) -> float:
    return 0.0


@dataclass(frozen=True)
class Kernel:
    """One computation: its input by size, what it does with it, and how near it has to come.

    ``uncounted`` are operations that torch does not count, such as those of an inverse; ``traffic`` are the bytes that
    have to move, where they are more than input and answer once; ``compare`` says how far two answers are apart.
    """

    name: str
    inputs: Callable[[Sizes], tuple[np.ndarray, ...]]
    run: Callable[..., Tensors]
    uncounted: Callable[..., float] = _nothing
    tolerance: dict[torch.dtype, float] = field(default_factory=lambda: CLOSE)
    traffic: Callable[..., float] | None = None
    compare: Callable[[Tensors, Tensors], float] = lambda a, b: apart(a, b)

    def on(self, sizes: Sizes, device: torch.device, dtype: torch.dtype) -> Tensors:
        """Return the input on a device; whole numbers stay what they are."""
        parts = [torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in self.inputs(sizes)]
        return tuple(part.to(dtype) if part.is_floating_point() else part for part in parts)

    def bytes_moved(self, tensors: Tensors, answer: Tensors) -> float:
        """Return how many bytes one call has to read and write."""
        if self.traffic is not None:
            return self.traffic(*tensors)
        return float(sum(part.numel() * part.element_size() for part in (*tensors, *answer)))


def apart(expected: Tensors, found: Tensors) -> float:
    """Largest difference over the largest value, of the answer where that is most; infinite where there is a NaN."""
    pairs = zip(expected, found, strict=True)
    gaps = [float((a - b.cpu().double()).abs().max() / a.abs().max().clamp(min=1e-300)) for a, b in pairs]
    return max(float("inf") if np.isnan(gap) else gap for gap in gaps)


def data(sizes: Sizes) -> tuple[np.ndarray, ...]:
    """Gene-major standardized data ``(genes, n)``."""
    Z = np.random.default_rng(SEED).standard_normal((sizes.genes, sizes.n))
    Z -= Z.mean(axis=1, keepdims=True)
    return (Z / Z.std(axis=1, keepdims=True),)


def one_matrix(sizes: Sizes) -> tuple[np.ndarray, ...]:
    """Sparse non-negative strengths ``(d, d)``."""
    return (_strengths(1, sizes.d)[0],)


def side_by_side(sizes: Sizes) -> tuple[np.ndarray, ...]:
    """Sparse non-negative strengths ``(members, d, d)``."""
    return (_strengths(sizes.members, sizes.member_d),)


def _strengths(members: int, d: int) -> np.ndarray:
    rng = np.random.default_rng([SEED, d])
    A = np.zeros((members, d, d))
    for member in A:
        source, target = rng.integers(0, d, size=(2, round(PARENTS * d)))
        member[source, target] = rng.uniform(0.1, STRENGTH, source.size) ** 2
        np.fill_diagonal(member, 0.0)
    return A


def correlate(Z: torch.Tensor) -> Tensors:
    """Correlations of all genes, ``Z Z' / n``."""
    return (Z @ Z.mT / Z.shape[-1],)


def shrunken_precision(Z: torch.Tensor) -> Tensors:
    """Shrunken partial correlations as in screening: ``Z L^-T`` of ``S = Z'Z + a/(1-a) n I``, and its square."""
    n = Z.shape[-1]
    S = Z.mT @ Z
    S.diagonal().add_(0.05 / 0.95 * n)
    left = torch.linalg.solve_triangular(torch.linalg.cholesky(S), Z.mT, upper=False)
    return (left.mT @ left,)


def _shrunken_extra(Z: torch.Tensor) -> float:
    d, n = Z.shape
    return n**3 / 3.0 + float(d) * n**2


def _inverse_extra(A: torch.Tensor) -> float:
    return A[..., 0, 0].numel() * (2.0 + 2.0 / 3.0) * float(A.shape[-1]) ** 3


FORMS: dict[str, tuple[Any, Callable[..., float], dict[torch.dtype, float]]] = {
    "series": (Series(TERMS, "logdet", 0.0), _nothing, CLOSE),
    "logdet": (LogDet(), _inverse_extra, CLOSE),
    "expm": (TraceExp(), _nothing, CLOSE),
    "polynomial": (Polynomial(), _nothing, CLOSE),
    "spectral": (SpectralRadius(), _nothing, LOOSE),
    "lowrank": (LowRank(RANK, TERMS, "logdet", SEED), _nothing, LOOSE),
}

KERNELS = (
    Kernel("correlations", data, correlate),
    Kernel("partial correlations", data, shrunken_precision, _shrunken_extra),
    *(
        Kernel(f"{name}, {where}", inputs, form.dense_value_and_gradient, extra, tolerance)
        for where, inputs in (("one matrix", one_matrix), ("side by side", side_by_side))
        for name, (form, extra, tolerance) in FORMS.items()
    ),
)
