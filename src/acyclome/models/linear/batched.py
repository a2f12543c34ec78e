"""The linear model for problems side by side, written for arrays on any device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from acyclome.models.linear.gram_blocks import Blocks, Whole

if TYPE_CHECKING:
    import torch

ROUNDING = 4.0  # times eps and the eigenvalue bound: what a slope is off by in any case
CHECK = 10  # steps between two looks at how far a solution is: each look waits for the device


@dataclass(frozen=True)
class BatchedLinear:
    """Squared loss with an l1 penalty on standardized columns.

    ``F(W) = sum_j v_j (1/2 W_j' G_j W_j - c_j' W_j + 1/2 + lambda1 |W_j|_1)``, strength ``A = W * W``: the same as
    :class:`acyclome.models.linear.relaxation.Linear`, for all genes of all members at once.

    Parameters
    ----------
    lambda1
        Weight of the l1 penalty.
    steps
        Steps of the block solve, at most; those of a look at how far it is count, every tenth.
    tol
        A block is solved when no slope is off by more, or by more than the dtype can tell.
    """

    lambda1: float
    steps: int
    tol: float

    def strength(self, W: torch.Tensor) -> torch.Tensor:
        """Return ``A = W * W``."""
        return W * W

    def objective(self, statistics: Whole | Blocks, W: torch.Tensor) -> torch.Tensor:
        """Return ``F(W)``, ``(m,)`` float64."""
        fit = W * (0.5 * statistics.times(W) - statistics.cross) + self.lambda1 * W.abs()
        return (statistics.weight * (statistics.per_gene(fit * statistics.mask) + 0.5)).double().sum(-1)

    def gradient(self, statistics: Whole | Blocks, ridge: torch.Tensor, W: torch.Tensor) -> torch.Tensor:
        """Return the slope of ``F`` without its l1 penalty, plus that of ``sum_e ridge_e W_e^2``."""
        loss = statistics.along(statistics.weight) * (statistics.times(W) - statistics.cross)
        return (loss + 2.0 * ridge * W) * statistics.mask

    def shrink(self, statistics: Whole | Blocks, W: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
        """Return the proximal map of the l1 penalty, elementwise ``amount`` long."""
        return _soft(W, self.lambda1 * statistics.along(statistics.weight) * amount) * statistics.mask

    def solve(self, statistics: Whole | Blocks, ridge: torch.Tensor, W: torch.Tensor) -> torch.Tensor:
        """Minimize ``F(W') + sum_e ridge_e W'_e^2`` for every gene, starting from ``W``.

        Accelerated proximal gradient (Beck and Teboulle 2009), the ridge in the proximal map, where it costs no step
        however steep it is; the momentum of a gene starts anew where it leads uphill (O'Donoghue and Candes 2015).  A
        gene that is solved stays as it is, so what it gets does not depend on what stands beside it.
        """
        import torch

        tiny = torch.finfo(W.dtype).tiny  # genes that only fill up weigh nothing, and have no ridge
        v, L = statistics.along(statistics.weight).clamp(min=tiny), statistics.bound
        extra = 2.0 * ridge / v
        scale = statistics.mask / (L + extra)
        tol = (ROUNDING * torch.finfo(W.dtype).eps * L).clamp(min=self.tol)
        b, y, t = W, W, statistics.weight * 0.0 + 1.0
        solved, done = W, statistics.weight < 0.0
        for step in range(1, self.steps + 1):
            new = _soft(L * y + statistics.cross - statistics.times(y), self.lambda1) * scale
            move = new - b
            if step % CHECK == 0:
                solved = solved.where(statistics.along(done), new)
                done = done | (statistics.per_gene(((y - new).abs() * (L + extra) > tol).to(W.dtype)) == 0.0)
                if bool(done.all()):
                    break
            back = statistics.per_gene((y - new) * move) > 0.0
            grown = (1.0 + (1.0 + 4.0 * t * t).sqrt()) / 2.0
            push = ((t - 1.0) / grown).where(~back, t.new_zeros(()))
            b, y, t = new, new + statistics.along(push) * move, grown.where(~back, t.new_ones(()))
        return solved


def _soft(values: torch.Tensor, least: torch.Tensor | float) -> torch.Tensor:
    """Pull towards zero by ``least``."""
    return values.sign() * (values.abs() - least).clamp(min=0.0)
