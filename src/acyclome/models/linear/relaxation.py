"""The linear model: ``x_j = sum_i W_ij x_i + noise``, solved exactly per gene on its block of correlations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.kernel import kernel
from acyclome.core.order_search.select import Pools
from acyclome.core.workers import run_blocks

BLOCK = 128
LEAP = 2  # sweeps before each leap


class LinearStatistics(NamedTuple):
    """Correlation blocks of all genes and the weight of each gene's loss (its variance, for equal noise; else 1)."""

    pools: Pools
    gene_weight: np.ndarray


@dataclass(frozen=True)
class Linear:
    """Squared loss with an l1 penalty on standardized columns.

    ``F(W) = sum_j v_j (1/2 W_j' G_j W_j - c_j' W_j + 1/2 + lambda1 |W_j|_1)``, strength ``A = W * W``.

    Parameters
    ----------
    lambda1
        Weight of the l1 penalty.
    sweeps
        Coordinate-descent sweeps per block solve, at most.
    tol
        A block is solved when no weight moves by more.
    """

    lambda1: float
    sweeps: int
    tol: float

    def strength(self, W: np.ndarray) -> np.ndarray:
        """Return ``A = W * W``, ``(nnz,)``."""
        return W * W

    def objective(self, statistics: LinearStatistics, W: np.ndarray, threads: int) -> float:
        """Return ``F(W)``."""
        return float(self.losses(statistics, W, threads).sum())

    def losses(self, statistics: LinearStatistics, W: np.ndarray, threads: int) -> np.ndarray:
        """Return every gene's share of ``F(W)``, ``(d,)``."""
        pools, v = statistics
        out = np.empty(len(v))

        def block(a: int, b: int) -> None:
            _objective(pools, W, v, self.lambda1, out, a, b)

        run_blocks(block, gene_blocks(len(v), BLOCK), threads)
        return out

    def solve(self, statistics: LinearStatistics, ridge: np.ndarray, W: np.ndarray, threads: int) -> np.ndarray:
        """Minimize ``F(W') + sum_e ridge_e W'_e^2`` exactly, gene by gene, starting from ``W``."""
        pools, v = statistics
        out = W.copy()

        def block(a: int, b: int) -> None:
            _descend(pools, ridge, v, self.lambda1, self.sweeps, self.tol, out, a, b)

        run_blocks(block, gene_blocks(len(v), BLOCK), threads)
        return out


@kernel
def _objective(pools, W, v, lambda1, out, first, last):
    for j in range(first, last):
        g = pools.gene[j]
        total = 0.5
        for x in range(g.width):
            b = W[g.start + x]
            if b == 0.0:
                continue
            product = 0.0
            for y in range(g.width):
                product += pools.gram[g.offset + x * g.width + y] * W[g.start + y]
            total += b * (0.5 * product - pools.cross[g.start + x]) + lambda1 * abs(b)
        out[j] = v[j] * total


@kernel
def _descend(pools, ridge, v, lambda1, sweeps, tol, W, first, last):
    """Solve the blocks of genes ``first`` to ``last``: coordinate descent, and a leap once the signs stand.

    ``residual = c - G b`` is kept up to date.  Sweeps find out which weights are zero and the signs of the others
    quickly, but correlated candidates then crawl; given the signs the rest is a system of linear equations.
    """
    widest = 0
    for j in range(first, last):
        widest = max(widest, pools.gene[j].width)
    residual, goal = np.empty(widest), np.empty(widest)
    held, chol = np.empty(widest, np.int64), np.empty((widest, widest))
    for j in range(first, last):
        g = pools.gene[j]
        m = g.width
        b, G = W[g.start : g.start + m], pools.gram[g.offset : g.offset + m * m].reshape(m, m)
        extra = ridge[g.start : g.start + m] * (2.0 / v[j])
        for x in range(m):
            residual[x] = pools.cross[g.start + x]
        for x in range(m):
            if b[x] != 0.0:
                take(G[x], b[x], residual)
        for sweep in range(sweeps):
            moved = 0.0
            for x in range(m):
                slope = residual[x] + G[x, x] * b[x]
                size = max(abs(slope) - lambda1, 0.0) / (G[x, x] + extra[x] + 1e-12)
                step = np.copysign(size, slope) - b[x]
                if step != 0.0:
                    b[x] += step
                    take(G[x], step, residual)
                    moved = max(moved, abs(step))
            if moved < tol:
                break
            if sweep % LEAP == LEAP - 1:
                _leap(G, extra, pools.cross[g.start : g.start + m], lambda1, b, residual, goal, held, chol)


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
            else:
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
        if goal[r] * old < 0.0:
            share = min(share, old / (old - goal[r]))
    for r in range(n):
        x = held[r]
        step = share * (goal[r] - b[x])
        b[x] += step
        take(G[x], step, residual)
