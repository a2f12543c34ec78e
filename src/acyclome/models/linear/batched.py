"""Least squares on candidates for problems side by side, written for tensors on any device: lines and curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from acyclome.core.relaxation.problem import Ability
from acyclome.core.relaxation.shrink import soften_groups
from acyclome.core.relaxation.tree import Params
from acyclome.models.linear.tensor_blocks import Blocks

if TYPE_CHECKING:
    import torch

STEPS = 2000  # of a block solve, at most; a warm start takes tens
ROUNDING = 4.0  # times eps and the eigenvalue bound: what a slope is off by in any case
CHECK = 10  # steps between two looks at how far a solution is: each look waits for the device


@dataclass(frozen=True)
class BatchedLeastSquares:
    """Squared loss with a group lasso on the terms of every candidate.

    ``F(W) = sum_j v_j (1/2 W_j' G_j W_j - c_j' W_j + 1/2 + lambda1 sqrt(t) sum_e |W_e|_2)``, strength
    ``A_e = |W_e|_2^2``: with one term the same as :class:`acyclome.models.linear.relaxation.Linear`, with orthonormal
    ones as :class:`acyclome.models.curves.relaxation.Additive`, for all genes of all problems at once.
    """

    lambda1: float  # weight of the penalty
    tol: float  # a block is solved when no slope is off by more, or by more than the dtype can tell
    steps: int = STEPS  # steps of the block solve, at most; those of a look at how far it is count, every tenth

    @property
    def abilities(self) -> frozenset[Ability]:
        return frozenset(("solve", "gradient", "shrink"))

    def strength(self, params: Params) -> torch.Tensor:
        return (params["W"] * params["W"]).sum(-1)

    def objective(self, statistics: Blocks, params: Params) -> torch.Tensor:
        """Return ``F(W)``, ``(m,)`` float64."""
        W: torch.Tensor = params["W"]
        fit = (W * (0.5 * statistics.times(W) - statistics.cross)).sum(-1) + self._penalty(W) * W.norm(dim=-1)
        return (statistics.weight * (statistics.per_gene(fit * statistics.mask[..., 0]) + 0.5)).double().sum(-1)

    def gradient(self, statistics: Blocks, params: Params, ridge: torch.Tensor) -> Params:
        W = params["W"]
        loss = statistics.along(statistics.weight) * (statistics.times(W) - statistics.cross)
        return {"W": (loss + 2.0 * ridge[..., None] * W) * statistics.mask}

    def shrink(self, statistics: Blocks, params: Params, amount: Params) -> Params:
        W = params["W"]
        scaled = statistics.along(statistics.weight) * amount["W"]
        return {"W": soften_groups(W, scaled, self._penalty(W)) * statistics.mask}

    def solve(self, statistics: Blocks, params: Params, ridge: torch.Tensor) -> Params:
        """Minimize ``F(W') + sum_e ridge_e |W'_e|^2`` for every gene, starting from ``W``.

        Accelerated proximal gradient (Beck and Teboulle 2009), the ridge in the proximal map, where it costs no step
        however steep it is; the momentum of a gene starts anew where it leads uphill (O'Donoghue and Candes 2015).  A
        gene that is solved stays as it is, so what it gets does not depend on what stands beside it.
        """
        import torch

        W: torch.Tensor = params["W"]
        tiny = torch.finfo(W.dtype).tiny  # genes that only fill up weigh nothing, and have no ridge
        v, L, penalty = statistics.along(statistics.weight).clamp(min=tiny), statistics.bound, self._penalty(W)
        extra = 2.0 * ridge[..., None] / v
        scale = statistics.mask / (L + extra)
        tol = (ROUNDING * torch.finfo(W.dtype).eps * L).clamp(min=self.tol)
        b, y, t = W, W, statistics.weight * 0.0 + 1.0  # where it is, where the momentum leads, and its length
        solved, done = W, statistics.weight < 0.0
        for step in range(1, self.steps + 1):
            new = _soft(L * y + statistics.cross - statistics.times(y), penalty) * scale
            move = new - b
            if step % CHECK == 0:
                solved = solved.where(statistics.along(done), new)
                done = done | (statistics.per_gene(((y - new).abs() * (L + extra) > tol).to(W.dtype)) == 0.0)
                if bool(done.all()):
                    break
            # The last step against the momentum: that overshot, so begin anew.
            back = statistics.per_gene((y - new) * move) > 0.0
            grown = (1.0 + (1.0 + 4.0 * t * t).sqrt()) / 2.0
            push = ((t - 1.0) / grown).where(~back, t.new_zeros(()))
            b, y, t = new, new + statistics.along(push) * move, grown.where(~back, t.new_ones(()))
        return {"W": solved}

    def _penalty(self, W: torch.Tensor) -> float:
        return float(self.lambda1 * W.shape[-1] ** 0.5)  # the norm that chance alone has in so many terms


def _soft(values: torch.Tensor, least: float) -> torch.Tensor:
    """Pull every group, along the last axis, towards zero by ``least``."""
    size = values.norm(dim=-1, keepdim=True)
    return values * (1.0 - least / size.clamp(min=1e-30)).clamp(min=0.0)
