"""The model NOTEARS-MLP on candidates: one hidden layer per gene, its output weights solved for exactly.

Choice: only first-layer weights are unknowns; given them the output layer is a ridge regression (variable projection,
Golub and Pereyra 1973).  Reason: the objective is then a function of ``W`` alone, and no scale can move from one layer
to the other.  What would change it: more than one hidden layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from acyclome.core.data.candidates import Candidates
from acyclome.core.data.problem import Problem
from acyclome.core.relaxation.problem import Ability
from acyclome.core.relaxation.shrink import soften_groups
from acyclome.core.relaxation.tree import Params
from acyclome.core.workers import run_blocks
from acyclome.models.network_blocks import Block, cut_into_blocks, one_torch_thread, padded, standardized
from acyclome.models.own_rows import loss_weights, rows_of_targets

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SMALL = 0.1  # standard deviation of the weights at the start: units are nearly linear there
STREAM = 0x31B  # of the random numbers of the start, apart from those of other parts with the same seed


class MlpStatistics(NamedTuple):
    """What blocks fit."""

    Z: Tensor  # data with a last row of zeros, (d + 1, n), on the device of the computation
    bias: Tensor  # (hidden,)
    blocks: list[Block]  # all genes that have candidates
    gene_weight: np.ndarray  # (d,) weight of every gene's loss, its share of observations in which it was no target
    edge_weight: np.ndarray  # (nnz,) that of the target of every edge


@dataclass(frozen=True)
class Mlp:
    """``x_j = v_j' tanh(W_j' x_S + b) + noise`` (NOTEARS-MLP: Zheng et al. 2020), on standardized columns.

    ``F(W) = sum_j s_j (min_v (1/2n |x_j - v' H_j|^2 + alpha/2 |v|^2) + lambda1 sum_e |W_e|_2)`` with ``H_j`` the
    centered hidden units of gene ``j`` and ``W_e (hidden,)`` the first-layer weights of edge ``e``; strength
    ``A_e = |W_e|^2``.  A gene that was a target is fitted without those observations, and weighs less, ``s_j``.
    """

    hidden: int  # hidden units per gene
    lambda1: float  # weight of the group lasso
    alpha: float  # ridge of the output weights
    steps: int  # proximal gradient steps per call of solve

    @property
    def abilities(self) -> frozenset[Ability]:
        return frozenset(("solve", "gradient", "shrink"))

    def statistics(self, problem: Problem, candidates: Candidates) -> MlpStatistics:
        """Cut the genes into blocks; all is computed on the device, in float32."""
        data, weight = problem.data, loss_weights(problem.data)
        Z, rows = data.Z.astype(np.float32, copy=False), rows_of_targets(data)
        found = self.on_data(Z, candidates, problem.backend.device, rows=rows)
        return found._replace(gene_weight=weight, edge_weight=weight[candidates.target])

    def on_data(
        self,
        Z: np.ndarray,
        candidates: Candidates,
        device: torch.device | str = "cpu",
        *,
        rows: Mapping[int, np.ndarray] = MappingProxyType({}),
    ) -> MlpStatistics:
        """Cut genes ``Z (d, n)`` of any dtype into blocks; some are fitted to their own ``rows``."""
        import torch

        data = padded(Z, device)
        # Spread by one standard deviation either way: units that all bend at one place could not follow a curve.
        bias = torch.as_tensor(np.linspace(-1.0, 1.0, self.hidden), dtype=data.dtype, device=device)
        blocks = cut_into_blocks(candidates, n_obs=Z.shape[1], hidden=self.hidden, rows=rows)
        return MlpStatistics(data, bias, blocks, np.ones(len(Z)), np.ones(candidates.n_edges))

    def start(self, candidates: Candidates, seed: int) -> dict[str, np.ndarray]:
        """Draw small weights, ``(nnz, hidden)``: at zero the gradient is zero too."""
        rng = np.random.default_rng([STREAM, seed])
        return {"W": SMALL * rng.standard_normal((candidates.n_edges, self.hidden))}

    def strength(self, params: Params) -> np.ndarray:
        """Return ``A_e = |W_e|^2``."""
        return np.square(params["W"]).sum(axis=1)

    def weight(self, params: Params) -> np.ndarray:
        """Return the norm of an edge's weights."""
        return np.sqrt(self.strength(params))

    def objective(self, statistics: MlpStatistics, params: Params, *, threads: int) -> float:
        return float(self.losses(statistics, params, threads=threads).sum())

    def losses(self, statistics: MlpStatistics, params: Params, *, threads: int) -> np.ndarray:
        out = 0.5 * statistics.gene_weight  # what genes without candidates leave: half of their variance of 1

        def work(*block: np.ndarray) -> None:
            own = Block(*block)
            w, extra = _take(statistics, own, params["W"])
            value, _ = self.fit(statistics, own, w)
            out[own.gene] = (value + self._penalty(w, extra)).cpu().numpy()
            out[own.gene] *= statistics.gene_weight[own.gene]

        with one_torch_thread():
            run_blocks(work, statistics.blocks, threads)
        return out

    def solve(self, statistics: MlpStatistics, params: Params, ridge: np.ndarray, *, threads: int) -> Params:
        """Lower ``F(W') + sum_e ridge_e |W'_e|^2`` from ``W``, gene by gene, by proximal gradient steps."""

        def improved(block: Block, w: Tensor, extra: Tensor) -> Tensor:
            return self._descend(statistics, block, w, extra=extra)

        return {"W": self._each(improved, statistics, params["W"], ridge=ridge, threads=threads)}

    def gradient(self, statistics: MlpStatistics, params: Params, ridge: np.ndarray, *, threads: int) -> Params:
        def slope(block: Block, w: Tensor, extra: Tensor) -> Tensor:
            return self.fit(statistics, block, w)[1] + 2 * extra[:, :, None] * w

        slopes = self._each(slope, statistics, params["W"], ridge=ridge, threads=threads)
        return {"W": statistics.edge_weight[:, None] * slopes}

    def shrink(self, statistics: MlpStatistics, params: Params, amount: Params) -> Params:
        return {"W": soften_groups(params["W"], statistics.edge_weight[:, None] * amount["W"], self.lambda1)}

    def _each(
        self,
        f: Callable[[Block, Tensor, Tensor], Tensor],
        statistics: MlpStatistics,
        W: np.ndarray,
        *,
        ridge: np.ndarray,
        threads: int,
    ) -> np.ndarray:
        """Return what ``f(block, w, ridge)`` says of every block, on the edges, ``(nnz, hidden)``."""
        out = W.copy()

        def work(*block: np.ndarray) -> None:
            own = Block(*block)
            w, extra = _take(statistics, own, W, ridge=ridge / statistics.edge_weight)
            real = own.edge < len(W)
            out[own.edge[real]] = f(own, w, extra).double().cpu().numpy()[real]

        with one_torch_thread():
            run_blocks(work, statistics.blocks, threads)
        return out

    def fit(self, statistics: MlpStatistics, block: Block, w: Tensor) -> tuple[Tensor, Tensor]:
        """Return the smooth part of the loss ``(g,)`` and its gradient ``(g, k, hidden)`` at ``w``.

        The output weights are at their optimum, so they count as constants in the gradient.
        """
        import torch

        Z = statistics.Z
        X, y = Z[torch.as_tensor(block.parent)], Z[torch.as_tensor(block.gene)]
        if block.rows is not None:
            X, y = (standardized(values[..., torch.as_tensor(block.rows)]) for values in (X, y))
        n = y.shape[1]
        units = torch.tanh(w.transpose(1, 2) @ X + statistics.bias[:, None])  # (g, hidden, n)
        H = units - units.mean(dim=2, keepdim=True)
        G = H @ H.transpose(1, 2) / n + self.alpha * torch.eye(self.hidden, dtype=Z.dtype, device=Z.device)
        v = torch.linalg.solve(G, H @ y[:, :, None] / n)  # (g, hidden, 1)
        rest = y - (v.transpose(1, 2) @ H)[:, 0]
        value = (rest.square().mean(dim=1) + self.alpha * v.square().sum(dim=(1, 2))) / 2
        slope = -X @ (v * rest[:, None] * (1 - units.square())).transpose(1, 2) / n
        return value, slope

    def _descend(self, statistics: MlpStatistics, block: Block, w: Tensor, *, extra: Tensor) -> Tensor:
        """Take proximal gradient steps, each gene with a step length of its own that halves where it was too long."""
        import torch

        length = w.new_ones(len(block.gene))
        value, slope = self.fit(statistics, block, w)
        total = value + self._penalty(w, extra)
        for _ in range(self.steps):
            t = length[:, None, None]
            new = _shrink(w - t * slope, t * self.lambda1, 1 + 2 * t * extra[:, :, None])
            value, new_slope = self.fit(statistics, block, new)
            new_total = value + self._penalty(new, extra)
            better = new_total < total
            keep = better[:, None, None]
            # A step that raises a gene's loss is not taken; the next is shorter by more than good ones lengthen it.
            w, slope = torch.where(keep, new, w), torch.where(keep, new_slope, slope)
            total = torch.where(better, new_total, total)
            length = torch.where(better, length * 1.5, length / 3)
        return w

    def _penalty(self, w: Tensor, extra: Tensor) -> Tensor:
        size = w.norm(dim=2)
        return (self.lambda1 * size + extra * size.square()).sum(dim=1)


def _shrink(w: Tensor, threshold: Tensor, divisor: Tensor) -> Tensor:
    """Proximal map of ``threshold |w_e| + (divisor - 1)/2 |w_e|^2``, edge by edge."""
    size = w.norm(dim=2, keepdim=True)
    return w * (1 - threshold / size.clamp_min(1e-30)).clamp_min(0) / divisor


def _take(
    statistics: MlpStatistics, block: Block, W: np.ndarray, *, ridge: np.ndarray | None = None
) -> tuple[Tensor, Tensor]:
    """First-layer weights ``(g, k, hidden)`` and ridges ``(g, k)`` of a block, zero where it is filled up."""
    import torch

    there = block.edge < len(W)
    at = np.minimum(block.edge, max(len(W) - 1, 0))
    w = np.where(there[:, :, None], W[at], 0.0)
    extra = np.zeros(there.shape) if ridge is None else np.where(there, ridge[at], 0.0)
    like = {"dtype": statistics.Z.dtype, "device": statistics.Z.device}
    return torch.as_tensor(w, **like), torch.as_tensor(extra, **like)
