"""The linear model: ``x_j = sum_i W_ij x_i + noise``, solved exactly per gene on its block of correlations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from acyclome.core.layout import gene_blocks
from acyclome.core.select import Pools
from acyclome.core.workers import run_blocks

BLOCK = 128


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
        pools, v = statistics
        out = np.empty(len(v))

        def block(a: int, b: int) -> None:
            _objective(pools, W, v, self.lambda1, out, a, b)

        run_blocks(block, gene_blocks(len(v), BLOCK), threads)
        return float(out.sum())

    def solve(self, statistics: LinearStatistics, ridge: np.ndarray, W: np.ndarray, threads: int) -> np.ndarray:
        """Minimize ``F(W') + sum_e ridge_e W'_e^2`` exactly, gene by gene, starting from ``W``."""
        pools, v = statistics
        out = W.copy()

        def block(a: int, b: int) -> None:
            _descend(pools, ridge, v, self.lambda1, self.sweeps, self.tol, out, a, b)

        run_blocks(block, gene_blocks(len(v), BLOCK), threads)
        return out


@njit(nogil=True, cache=True)
def _objective(pools, W, v, lambda1, out, first, last):  # type: ignore[no-untyped-def]
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


@njit(nogil=True, cache=True)
def _descend(pools, ridge, v, lambda1, sweeps, tol, W, first, last):  # type: ignore[no-untyped-def]
    """Coordinate descent on the blocks of genes ``first`` to ``last``; ``residual = c - G b`` is kept up to date."""
    residual = np.empty(0)
    for j in range(first, last):
        g = pools.gene[j]
        m = g.width
        if len(residual) < m:
            residual = np.empty(m)
        for x in range(m):
            residual[x] = pools.cross[g.start + x]
        for x in range(m):
            if W[g.start + x] != 0.0:
                for y in range(m):
                    residual[y] -= pools.gram[g.offset + x * m + y] * W[g.start + x]
        for _ in range(sweeps):
            moved = 0.0
            for x in range(m):
                e = g.start + x
                own = pools.gram[g.offset + x * m + x]
                slope = residual[x] + own * W[e]
                size = max(abs(slope) - lambda1, 0.0) / (own + 2.0 * ridge[e] / v[j] + 1e-12)
                step = np.copysign(size, slope) - W[e]
                if step != 0.0:
                    W[e] += step
                    for y in range(m):
                        residual[y] -= pools.gram[g.offset + x * m + y] * step
                    moved = max(moved, abs(step))
            if moved < tol:
                break
