"""Two ways to step: every gene's problem solved as a whole, and first-order steps for models without closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from acyclome.core.relaxation.schedule import Weights
from acyclome.core.relaxation.solve import Point


@dataclass(frozen=True)
class BlockSolve:
    """Go to the minimum of the objective plus the linearized ``h``.

    ``h(A') ~ h(A) + sum_e omega_e (A'_e - A_e)``, so every gene has a problem of its own with one more weight a
    candidate, ``(alpha + rho h) omega_e / mu``.  All coupling between genes passes through ``omega``.
    """

    @property
    def needs(self) -> tuple[str, ...]:
        """Abilities of the problem that it calls."""
        return ("solve",)

    @property
    def every(self) -> int:
        """Every step is judged."""
        return 1

    def start(self, problem: Any, W: Any) -> tuple[Any, ...]:
        """Nothing is remembered."""
        return ()

    def propose(self, problem: Any, W: Any, at: Point, weights: Weights, memory: tuple[Any, ...]) -> tuple[Any, tuple]:
        """Return the solution of every gene's weighted problem."""
        ridge = problem.lift(weights.price(at.h)) * at.omega / problem.lift(weights.mu)
        return problem.solve(ridge, W), ()


@dataclass(frozen=True)
class ProximalAdam:
    """Adam (Kingma and Ba 2015) on the smooth part, and the proximal map of the penalty in Adam's own metric.

    ``W <- prox_{D lambda}(W - D m)`` with ``D = lr / (sqrt(v) + eps)`` elementwise, ``m`` and ``v`` the running means
    of the slope and of its square without bias.  Whatever ``D`` is, a fixed point is stationary (Yun et al. 2021).  The
    rate falls as ``1 / sqrt(1 + t / settle)`` within a stage, so that the steps come to rest.  The loop halves a
    step that would raise the merit: without that the steep ``rho h^2`` of late stages throws the weights away.

    Parameters
    ----------
    rate
        First step, in units of a weight.
    settle
        Steps after which the rate has begun to fall.
    every
        After how many steps the fall of the merit is judged.
    beta1, beta2, eps
        As in the paper (.9, .999 and 1e-8 there).
    """

    rate: float
    settle: int
    every: int
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    @property
    def needs(self) -> tuple[str, ...]:
        """Abilities of the problem that it calls."""
        return ("gradient", "shrink")

    def start(self, problem: Any, W: Any) -> tuple[Any, ...]:
        """Both running means at zero, and no step taken."""
        return W * 0.0, W * 0.0, np.zeros(len(W))

    def propose(self, problem: Any, W: Any, at: Point, weights: Weights, memory: tuple[Any, ...]) -> tuple[Any, tuple]:
        """Return the weights after one step."""
        m, v, t = memory
        t = t + 1.0
        ridge = problem.lift(weights.price(at.h)) * at.omega / problem.lift(weights.mu)
        slope = problem.gradient(ridge, W)
        m = self.beta1 * m + (1.0 - self.beta1) * slope
        v = self.beta2 * v + (1.0 - self.beta2) * slope * slope
        size = (v / problem.lift(1.0 - self.beta2**t)) ** 0.5 + self.eps
        D = problem.lift(self.rate / (1.0 + t / self.settle) ** 0.5) / size
        return problem.shrink(W - D * m / problem.lift(1.0 - self.beta1**t), D), (m, v, t)
