"""How the constraint is tightened: what is minimized next, once a stage has ended.

Choice: one merit function, ``mu F + alpha h + rho/2 h^2``, of which every schedule moves the weights.
Reason: the loop and the steps then know no schedule.
What would change it: a schedule that is no weighting of ``F`` and ``h`` (a trust region, say).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

import numpy as np


class Weights(NamedTuple):
    """Weights of ``mu F + alpha h + rho/2 h^2``, of one problem or, as arrays ``(m,)``, of some side by side.

    Parameters
    ----------
    mu, alpha, rho
        Weight of the objective, of ``h``, and of its square.
    stage
        How many stages have ended before.
    h
        What ``h`` is measured against when the stage ends.
    """

    mu: Any
    alpha: Any
    rho: Any
    stage: Any
    h: Any

    @classmethod
    def side_by_side(cls, problems: Sequence[Weights]) -> Self:
        """Return the weights of all problems as arrays ``(m,)``."""
        return cls(*(np.array(values) for values in zip(*problems, strict=True)))

    def merit(self, F: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return what is minimized, ``(m,)``; infinite where ``h`` is."""
        inside = np.isfinite(h)
        h = np.where(inside, h, 0.0)
        return np.where(inside, self.mu * F + self.alpha * h + 0.5 * self.rho * h * h, np.inf)

    def multiplier(self, h: np.ndarray) -> np.ndarray:
        """Return the slope of the merit in ``h``, ``alpha + rho h``, ``(m,)``."""
        return self.alpha + self.rho * np.where(np.isfinite(h), h, 0.0)


class Schedule(Protocol):
    """What the loop asks of a schedule."""

    @property
    def max_steps(self) -> int:
        """Steps per stage, at most, counted in those after which a stepper is judged."""

    @property
    def rtol(self) -> float:
        """A stage is done when the merit falls by less than this share."""

    @property
    def max_halvings(self) -> int:
        """Halvings of a step before it is given up."""

    def start(self) -> Weights:
        """Weights of the first stage."""

    def tighten(self, now: Weights, h: float) -> Weights | None:
        """Weights of the next stage, once this one ended at ``h``; None if it was the last."""


@dataclass(frozen=True)
class CentralPath:
    """Minimize ``mu F + h`` for falling ``mu``, each from the last solution (DAGMA: Bello et al. 2022)."""

    mu: tuple[float, ...]
    max_steps: int
    rtol: float
    max_halvings: int

    def start(self) -> Weights:
        return Weights(self.mu[0], 1.0, 0.0, 0, np.inf)

    def tighten(self, now: Weights, h: float) -> Weights | None:
        stage = now.stage + 1
        return None if stage == len(self.mu) else Weights(self.mu[stage], 1.0, 0.0, stage, h)


@dataclass(frozen=True)
class AugmentedLagrangian:
    """Minimize ``F + alpha h + rho/2 h^2``, raising ``rho`` until ``h`` falls, then ``alpha`` by ``rho h``.

    Algorithm 1 of NOTEARS (Zheng et al. 2018): ``rho`` grows while a stage leaves more than a share ``progress`` of the
    ``h`` of the last multiplier; the end is ``h <= h_tol``.

    Parameters
    ----------
    rho, growth, rho_max
        First weight of the square, the factor by which it grows, and where it ends (1, 10 and 1e16 in the paper).
    progress
        Share of ``h`` that a stage may leave without ``rho`` being raised (.25 in the paper).
    h_tol
        Where ``h`` counts as zero (1e-8 in the paper).
    """

    rho: float
    growth: float
    rho_max: float
    progress: float
    h_tol: float
    max_stages: int
    max_steps: int
    rtol: float
    max_halvings: int

    def start(self) -> Weights:
        return Weights(1.0, 0.0, self.rho, 0, np.inf)  # no multiplier yet

    def tighten(self, now: Weights, h: float) -> Weights | None:
        """Raise ``rho`` or ``alpha``; None where ``h`` is small enough, or ``rho`` or the stages are used up."""
        stage = now.stage + 1
        if h <= self.h_tol or stage == self.max_stages:
            return None
        if h > self.progress * now.h or not np.isfinite(h):  # a multiplier of what is not finite would end all
            rho = now.rho * self.growth
            return None if rho > self.rho_max else now._replace(rho=rho, stage=stage)
        return Weights(now.mu, now.alpha + now.rho * h, now.rho, stage, h)
