"""Two ways to step: every gene's problem solved as a whole, and first-order steps for models without closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from acyclome.core.relaxation.solve import BlockProblem, Iterate, Memory, SlopeProblem
from acyclome.core.relaxation.tree import Params, lift, map_leaves


@dataclass(frozen=True)
class BlockSolve:
    """Go to the minimum of the objective plus the linearized ``h``.

    ``h(A') ~ h(A) + sum_e omega_e (A'_e - A_e)``, so every gene has a problem of its own with one more weight a
    candidate, ``(alpha + rho h) omega_e / mu``.  All coupling between genes passes through ``omega``.
    """

    @property
    def needs(self) -> tuple[str, ...]:
        return ("solve",)

    @property
    def every(self) -> int:
        return 1

    def start(self, params: Params) -> Memory:
        return {}

    def propose(self, problem: BlockProblem, now: Iterate) -> tuple[Params, Memory]:
        return problem.solve(now.params, now.ridge), {}


@dataclass(frozen=True)
class ProximalAdam:
    """Adam (Kingma and Ba 2015) on the smooth part, and the proximal map of the penalty in Adam's own metric.

    ``W <- prox_{D lambda}(W - D m)`` with ``D = lr / (sqrt(v) + eps)`` elementwise, ``m`` and ``v`` the running means
    of the slope and of its square without bias.  Whatever ``D`` is, a fixed point is stationary (Yun et al. 2021).  The
    rate falls as ``1 / sqrt(1 + t / patience)`` within a stage, so that the steps come to rest.  The loop halves a
    step that would raise the merit: without that the steep ``rho h^2`` of late stages throws the weights away.

    ``rate`` is the first step, in units of a weight; after ``every`` steps the fall of the merit is judged.
    """

    rate: float
    patience: int
    every: int
    beta1: float = 0.9  # as the next two in the paper
    beta2: float = 0.999
    eps: float = 1e-8

    @property
    def needs(self) -> tuple[str, ...]:
        return ("gradient", "shrink")

    def start(self, params: Params) -> Memory:
        nothing = map_leaves(lambda leaf: leaf * 0.0, params)
        return {"mean": nothing, "square": nothing, "steps": np.zeros(len(next(iter(params.values()))))}

    def propose(self, problem: SlopeProblem, now: Iterate) -> tuple[Params, Memory]:
        t = now.memory["steps"] + 1.0
        slope = problem.gradient(now.params, now.ridge)
        mean = map_leaves(lambda m, g: self.beta1 * m + (1.0 - self.beta1) * g, now.memory["mean"], slope)
        square = map_leaves(lambda v, g: self.beta2 * v + (1.0 - self.beta2) * g * g, now.memory["square"], slope)
        rate, unbiased = self.rate / (1.0 + t / self.patience) ** 0.5, (1.0 - self.beta1**t, 1.0 - self.beta2**t)

        def length(v: Any) -> Any:
            return lift(rate, v) / ((v / lift(unbiased[1], v)) ** 0.5 + self.eps)

        D = map_leaves(length, square)
        goal = map_leaves(lambda W, D, m: W - D * m / lift(unbiased[0], m), now.params, D, mean)
        return problem.shrink(goal, D), {"mean": mean, "square": square, "steps": t}
