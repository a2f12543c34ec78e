"""The one solver loop: structural model x acyclicity x schedule.

``h`` is linearized in the strengths; every gene then solves its own penalized problem, and a line search on
``mu F + h`` keeps the whole honest.  All coupling between genes passes through ``omega = dh/dA``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from acyclome.core.acyclicity import Acyclicity
from acyclome.core.layout import Candidates
from acyclome.core.schedule import CentralPath

Status = Literal["converged", "stalled", "max_steps", "out_of_domain"]


class StructuralModel(Protocol):
    """What a model family has to offer: the strength of every edge, its objective, and the solution of its blocks."""

    def strength(self, W: np.ndarray) -> np.ndarray:
        """Strengths ``A >= 0`` of the candidate edges, ``(nnz,)``."""
        ...

    def objective(self, statistics: Any, W: np.ndarray, threads: int) -> float:
        """Penalized loss ``F(W)``."""
        ...

    def solve(self, statistics: Any, ridge: np.ndarray, W: np.ndarray, threads: int) -> np.ndarray:
        """Solve, or improve from ``W``, every gene's problem with ``sum_e ridge_e A_e`` added."""
        ...


class PathPoint(NamedTuple):
    """One ``mu`` of the schedule: what it cost and where it ended."""

    mu: float
    steps: int
    objective: float
    h: float
    status: Status


@dataclass(frozen=True)
class Solution:
    """Weights on the candidate edges, the path that led there and its last status."""

    W: np.ndarray
    path: tuple[PathPoint, ...]

    @property
    def status(self) -> Status:
        """Status of the last point of the path."""
        return self.path[-1].status


def solve(
    sem: StructuralModel,
    acyclicity: Acyclicity,
    schedule: CentralPath,
    statistics: Any,
    candidates: Candidates,
    *,
    W: np.ndarray,
    threads: int = 1,
) -> Solution:
    """Minimize the objective of ``sem`` under ``acyclicity`` along ``schedule``, starting from ``W`` ``(nnz, ...)``."""
    points = []
    h, omega = acyclicity.value_and_gradient(sem.strength(W), candidates, threads)
    F = sem.objective(statistics, W, threads)
    for mu in schedule.mu:
        status: Status = "max_steps"
        step = 0
        for step in range(1, schedule.max_steps + 1):  # noqa: B007 - its last value is reported
            W_hat = sem.solve(statistics, omega / mu, W, threads)
            before = mu * F + h
            trial = _search(sem, acyclicity, schedule, statistics, candidates, W, W_hat, mu, before, threads)
            if trial is None:
                status = "converged" if np.allclose(W_hat, W, atol=schedule.rtol) else "stalled"
                break
            W, F, h, omega = trial
            if before - (mu * F + h) <= schedule.rtol * abs(before):
                status = "converged"
                break
        points.append(PathPoint(mu, step, F, h, status if np.isfinite(h) else "out_of_domain"))
    return Solution(W, tuple(points))


def _search(
    sem: StructuralModel, acyclicity: Acyclicity, schedule: CentralPath, statistics: Any, candidates: Candidates,
    W: np.ndarray, W_hat: np.ndarray, mu: float, before: float, threads: int,
) -> tuple[np.ndarray, float, float, np.ndarray] | None:  # fmt: skip
    """Halve the step towards ``W_hat`` until ``mu F + h`` falls; None if it never does."""
    eta = 1.0
    for _ in range(schedule.max_halvings + 1):
        new = W_hat if eta == 1.0 else W + eta * (W_hat - W)
        h, omega = acyclicity.value_and_gradient(sem.strength(new), candidates, threads)
        F = sem.objective(statistics, new, threads)
        if np.isfinite(h) and mu * F + h < before:
            return new, F, h, omega
        eta /= 2.0
    return None
