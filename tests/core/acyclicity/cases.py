"""Every form of acyclicity with its oracle; a new form is one more row and inherits every test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb, factorial

import numpy as np
import scipy.linalg

from acyclome.core.acyclicity import Acyclicity, LogDet, LowRank, Polynomial, Series, SpectralRadius, TraceExp
from acyclome.core.data.candidates import Candidates

TERMS = 6


@dataclass(frozen=True)
class Case:
    """A form and what it is compared with.

    Parameters
    ----------
    oracle
        ``h`` of a float64 matrix, by another road than the form takes.
    complete
        Whether ``h`` is zero if and only if there is no cycle (up to the smallest number that a float holds).
    between
        Whether the gradient at absent candidates counts paths between strong components.
    """

    name: str
    form: Acyclicity
    oracle: Callable[[np.ndarray], float]
    complete: bool = False
    between: bool = True

    def __str__(self) -> str:
        return self.name


def series_oracle(coefficient: Callable[[int, int], float]) -> Callable[[np.ndarray], float]:
    def h(A: np.ndarray) -> float:
        return sum(coefficient(k, len(A)) * np.trace(np.linalg.matrix_power(A, k)) for k in range(1, TERMS + 1))

    return h


def log_det(A: np.ndarray) -> float:
    return -np.linalg.slogdet(1.5 * np.eye(len(A)) - A)[1] + len(A) * np.log(1.5)


def polynomial(A: np.ndarray) -> float:
    d = len(A)
    return float(np.trace(np.linalg.matrix_power(np.eye(d) + A / d, d)) - d)


CASES = [
    Case("exponential series", Series(TERMS, "exponential", 0.0), series_oracle(lambda k, d: 1 / factorial(k))),
    Case("logdet series", Series(TERMS, "logdet", 0.0), series_oracle(lambda k, d: 1 / k)),
    Case("binomial series", Series(TERMS, "binomial", 0.0), series_oracle(lambda k, d: comb(d, k) / d**k)),
    Case("expm", TraceExp(), lambda A: float(np.trace(scipy.linalg.expm(A)) - len(A)), complete=True),
    Case("logdet", LogDet(1.5), log_det, complete=True),
    Case("polynomial", Polynomial(), polynomial, complete=True),
    Case("spectral", SpectralRadius(), lambda A: float(np.linalg.eigvals(A).real.max()), complete=True),
    Case("low rank", LowRank(64, TERMS, "logdet", 0), series_oracle(lambda k, d: 1 / k), between=False),
]


def draw(d: int, seed: int, *, share: float = 0.4, candidates: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """Strengths ``(d, d)`` of radius 0.9 and the pattern of candidates, most of which are 0 or outside components."""
    rng = np.random.default_rng(seed)
    pattern = (rng.random((d, d)) < candidates) & ~np.eye(d, dtype=bool)
    half = d // 2
    held = pattern & (rng.random((d, d)) < share)
    held[[0, 1, 2, half, half + 1], [1, 2, 0, half + 1, half]] = True
    held[half:, :half] = False  # two components with cycles at least, and paths from one to the other
    A = np.where(held, rng.uniform(0.1, 1.0, (d, d)), 0.0)
    radius = np.abs(np.linalg.eigvals(A)).max()
    return A * (0.9 / radius), pattern | held


def draw_dag(d: int, seed: int, degree: float = 2.0) -> np.ndarray:
    """Strengths of an acyclic graph in a random order, some of them large."""
    rng = np.random.default_rng(seed)
    A = np.triu(rng.random((d, d)) < degree / max(d - 1, 1), 1) * rng.uniform(0.01, 4.0, (d, d))
    order = rng.permutation(d)
    return A[np.ix_(order, order)]


def cycle(d: int, seed: int = 0) -> np.ndarray:
    """A bare cycle through all genes, of unequal strengths whose product is 1: its radius is 1."""
    rng = np.random.default_rng(seed)
    strength = np.exp(rng.normal(0.0, 0.5, d))
    strength /= np.exp(np.log(strength).mean())
    A = np.zeros((d, d))
    A[np.arange(d), (np.arange(d) + 1) % d] = strength
    return A


def on_candidates(A: np.ndarray, pattern: np.ndarray | None = None) -> tuple[np.ndarray, Candidates]:
    """The strengths ``(nnz,)`` of a matrix on a pattern; without one on all pairs."""
    pattern = ~np.eye(len(A), dtype=bool) if pattern is None else pattern | (A > 0)
    candidates = Candidates.from_pairs(*np.nonzero(pattern), len(A))
    strength = A[candidates.parent, candidates.target]
    strength.flags.writeable = False
    return strength, candidates
