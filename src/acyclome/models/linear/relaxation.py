"""The linear model: ``x_j = sum_i W_ij x_i + noise``, solved exactly per gene on its block of correlations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.problem import Problem
from acyclome.core.kernel import kernel
from acyclome.core.order_search.gram_blocks import GramBlocks, ScoreSettings, build_blocks
from acyclome.core.relaxation.problem import Ability
from acyclome.core.relaxation.shrink import soften
from acyclome.core.relaxation.tree import Params
from acyclome.core.workers import run_blocks
from acyclome.models.linear.batched import BatchedLeastSquares
from acyclome.models.linear.tensor_blocks import Blocks, Ragged, side_by_side
from acyclome.models.own_rows import LEAST_WEIGHT

if TYPE_CHECKING:
    import torch

BLOCK = 128  # genes a thread takes at once, about a millisecond
LEAP = 2  # sweeps before each leap: after two, signs mostly stand


class LinearStatistics(NamedTuple):
    """Correlation blocks of all genes and the weight of each gene's loss (its variance, for equal noise; else 1)."""

    blocks: GramBlocks
    gene_weight: np.ndarray


@dataclass(frozen=True)
class Linear:
    """Squared loss with an l1 penalty on standardized columns.

    ``F(W) = sum_j v_j (1/2 W_j' G_j W_j - c_j' W_j + 1/2 + lambda1 |W_j|_1)``, strength ``A = W * W``.
    """

    lambda1: float  # weight of the l1 penalty
    sweeps: int  # coordinate-descent sweeps per block solve, at most
    tol: float  # a block is solved when no weight moves by more
    equal_noise: bool = False  # one noise variance for all genes, so that each gene's loss weighs as its variance, v_j

    @property
    def abilities(self) -> frozenset[Ability]:
        return frozenset(("solve", "gradient", "shrink", "tensors", "partition", "sign"))

    def statistics(self, problem: Problem, candidates: Candidates) -> LinearStatistics:
        """Gather the blocks of correlations; a gene's loss also weighs as its share of own observations."""
        data = problem.data
        blocks = build_blocks(problem, candidates, score=ScoreSettings(equal_noise=False, gamma=0.0, rounds=0))
        weight = data.scale**2 / np.mean(data.scale**2) if self.equal_noise else np.ones(data.n_genes)
        return LinearStatistics(blocks, np.maximum(weight * data.n_own / data.n_effective, LEAST_WEIGHT))

    def side_by_side(
        self, statistics: Sequence[LinearStatistics], like: torch.Tensor
    ) -> tuple[BatchedLeastSquares, Blocks]:
        networks = []
        for blocks, weight in statistics:
            candidates = Candidates(np.append(blocks.gene["start"], len(blocks.parent)), blocks.parent)
            networks.append(Ragged(candidates, blocks.cross[:, None], blocks.gram, weight))
        return BatchedLeastSquares(self.lambda1, self.tol), side_by_side(networks, like)

    def on_candidates(self, statistics: Blocks, number: int, params: Params) -> dict[str, np.ndarray]:
        return {"W": statistics.on_candidates(number, params["W"])[:, 0]}

    def partition(self, statistics: LinearStatistics, parts: int) -> tuple[list[LinearStatistics], np.ndarray]:
        blocks, weight = statistics
        d = len(weight)
        bounds = np.linspace(0, d, max(min(parts, d), 1) + 1).astype(int)
        edge = np.append(blocks.gene["start"], len(blocks.parent))
        block = np.append(blocks.gene["offset"], len(blocks.gram))
        own = []
        for a, b in pairwise(bounds):
            gene = blocks.gene[a:b].copy()
            gene["start"] -= edge[a]
            gene["offset"] -= block[a]
            e, g = slice(edge[a], edge[b]), slice(block[a], block[b])
            part = blocks._replace(gene=gene, parent=blocks.parent[e], cross=blocks.cross[e], gram=blocks.gram[g])
            part = part._replace(constraint=blocks.constraint[:0])  # the order search alone reads constraints
            own.append(LinearStatistics(part, weight[a:b]))
        return own, edge[bounds]

    def start(self, candidates: Candidates, seed: int) -> dict[str, np.ndarray]:
        return {"W": np.zeros(candidates.n_edges)}

    def strength(self, params: Params) -> np.ndarray:
        """Return ``A = W * W``."""
        return params["W"] * params["W"]

    def weight(self, params: Params) -> np.ndarray:
        return params["W"]

    def objective(self, statistics: LinearStatistics, params: Params, *, threads: int) -> float:
        return float(self.losses(statistics, params, threads=threads).sum())

    def losses(self, statistics: LinearStatistics, params: Params, *, threads: int) -> np.ndarray:
        blocks, v = statistics
        out = np.empty(len(v))
        work = partial(_objective, blocks, params["W"], v, self.lambda1, out)
        run_blocks(work, gene_blocks(len(v), BLOCK), threads)
        return out

    def solve(self, statistics: LinearStatistics, params: Params, ridge: np.ndarray, *, threads: int) -> Params:
        """Minimize ``F(W') + sum_e ridge_e W'_e^2`` exactly, gene by gene, starting from ``W``."""
        blocks, v = statistics
        out = params["W"].copy()
        work = partial(_descend, blocks, ridge, v, self.lambda1, self.sweeps, self.tol, out)
        run_blocks(work, gene_blocks(len(v), BLOCK), threads)
        return {"W": out}

    def gradient(self, statistics: LinearStatistics, params: Params, ridge: np.ndarray, *, threads: int) -> Params:
        blocks, v = statistics
        out = np.empty(len(ridge))
        run_blocks(partial(_slope, blocks, params["W"], ridge, v, out), gene_blocks(len(v), BLOCK), threads)
        return {"W": out}

    def shrink(self, statistics: LinearStatistics, params: Params, amount: Params) -> Params:
        blocks, v = statistics
        return {"W": soften(params["W"], self.lambda1 * np.repeat(v, blocks.gene["width"]) * amount["W"])}


@kernel
def _objective(blocks, W, v, lambda1, out, first, last):
    for j in range(first, last):
        g = blocks.gene[j]
        total = 0.5
        for x in range(g.width):
            b = W[g.start + x]
            if b == 0.0:
                continue
            product = 0.0
            for y in range(g.width):
                product += blocks.gram[g.offset + x * g.width + y] * W[g.start + y]
            total += b * (0.5 * product - blocks.cross[g.start + x]) + lambda1 * abs(b)
        out[j] = v[j] * total


@kernel
def _slope(blocks, W, ridge, v, out, first, last):
    for j in range(first, last):
        g = blocks.gene[j]
        for x in range(g.width):
            total = -blocks.cross[g.start + x]
            for y in range(g.width):
                total += blocks.gram[g.offset + x * g.width + y] * W[g.start + y]
            out[g.start + x] = v[j] * total + 2.0 * ridge[g.start + x] * W[g.start + x]


@kernel
def _descend(blocks, ridge, v, lambda1, sweeps, tol, W, first, last):
    """Solve the blocks of genes ``first`` to ``last``: coordinate descent, and a leap once the signs stand.

    ``residual = c - G b`` is kept up to date.  Sweeps find out which weights are zero and the signs of the others
    quickly, but correlated candidates then crawl; given the signs the rest is a system of linear equations.
    """
    widest = 0
    for j in range(first, last):
        widest = max(widest, blocks.gene[j].width)
    residual, goal = np.empty(widest), np.empty(widest)
    held, chol = np.empty(widest, np.int64), np.empty((widest, widest))
    for j in range(first, last):
        g = blocks.gene[j]
        m = g.width
        b, G = W[g.start : g.start + m], blocks.gram[g.offset : g.offset + m * m].reshape(m, m)
        extra = ridge[g.start : g.start + m] * (2.0 / v[j])
        for x in range(m):
            residual[x] = blocks.cross[g.start + x]
        for x in range(m):
            if b[x] != 0.0:
                take(G[x], b[x], residual)
        for sweep in range(sweeps):
            moved = 0.0
            for x in range(m):
                slope = residual[x] + G[x, x] * b[x]
                size = max(abs(slope) - lambda1, 0.0) / (G[x, x] + extra[x] + 1e-12)  # a constant gene has G[x, x] = 0
                step = np.copysign(size, slope) - b[x]
                if step != 0.0:  # most weights are and stay zero
                    b[x] += step
                    take(G[x], step, residual)
                    moved = max(moved, abs(step))
            if moved < tol:
                break
            if sweep % LEAP == LEAP - 1:  # a system of equations is dearer than a sweep
                _leap(G, extra, blocks.cross[g.start : g.start + m], lambda1, b, residual, goal, held, chol)


@kernel
def take(row, step, residual):
    """Take ``step`` times ``row`` out of the residual."""
    for y in range(len(row)):
        residual[y] -= row[y] * step


@kernel
def _leap(G, extra, cross, lambda1, b, residual, goal, held, chol):
    """Solve for the weights that are not zero as if their signs were known; go as far as no sign changes."""
    n = 0
    for x in range(len(b)):
        if b[x] != 0.0:
            held[n] = x
            n += 1
    for r in range(n):
        x = held[r]
        for s in range(r + 1):
            total = G[x, held[s]]
            if s == r:
                total += extra[x] + 1e-12
            for k in range(s):
                total -= chol[r, k] * chol[s, k]
            if s < r:
                chol[r, s] = total / chol[s, s]
            elif total > 1e-12:
                chol[r, r] = np.sqrt(total)
            else:  # copies of one another: sweeps go on alone
                return
        total = cross[x] - np.copysign(lambda1, b[x])
        for k in range(r):
            total -= chol[r, k] * goal[k]
        goal[r] = total / chol[r, r]
    share = 1.0
    for r in range(n - 1, -1, -1):
        for k in range(r + 1, n):
            goal[r] -= chol[k, r] * goal[k]
        goal[r] /= chol[r, r]
        old = b[held[r]]
        if goal[r] * old < 0.0:  # beyond zero the equations are those of another sign
            share = min(share, old / (old - goal[r]))
    for r in range(n):
        x = held[r]
        step = share * (goal[r] - b[x])
        b[x] += step
        take(G[x], step, residual)
