"""The additive model: ``x_j = sum_i f_ij(x_i) + noise``, curves in an expansion, solved exactly per gene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from acyclome.core.data.basis import expand, orthonormal
from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.expansions import Expansion
from acyclome.core.data.problem import Problem
from acyclome.core.kernel import kernel
from acyclome.core.relaxation.problem import Ability
from acyclome.core.relaxation.shrink import soften_groups
from acyclome.core.relaxation.tree import Params
from acyclome.core.workers import run_blocks
from acyclome.models.linear.batched import BatchedLeastSquares
from acyclome.models.linear.relaxation import take
from acyclome.models.linear.tensor_blocks import Blocks, Ragged, side_by_side
from acyclome.models.own_rows import OwnRows, loss_weights

if TYPE_CHECKING:
    import torch

BLOCK = 16  # genes a thread takes at once: blocks are terms^2 times those of lines


class AdditiveStatistics(NamedTuple):
    """Products of terms, means over the observations."""

    indptr: np.ndarray  # (d + 1,) where the candidates of every gene begin
    parent: np.ndarray  # (nnz,) the candidates
    cross: np.ndarray  # (nnz, terms) products of every candidate's terms with the target
    gram: np.ndarray  # float32, products of the terms of a gene's candidates, (k terms, k terms), gene after gene
    offset: np.ndarray  # (d,) where the products of every gene begin
    gene_weight: np.ndarray  # (d,) weight of every gene's loss, its share of observations in which it was no target


@dataclass(frozen=True)
class Additive:
    """Squared loss with a group lasso on the curves of standardized columns.

    ``F(B) = sum_j v_j (1/2n |x_j - sum_i sum_k B_ijk phi_k(x_i)|^2 + lambda1 sqrt(terms) sum_i |B_ij|_2)``, strength
    ``A_ij = |B_ij|_2^2``.  Terms are orthonormal within a gene, so ``A_ij`` is the variance of ``f_ij(x_i)``, the norm
    of nonparametric NOTEARS (Zheng et al. 2020); in powers it is the model of NO-BEARS (Lee et al. 2019).  The root is
    the norm that chance alone has in a group of so many terms, relative to one (Yuan and Lin 2006).  A gene that was a
    target is fitted without those observations, and weighs less, ``v_j``.
    """

    expansion: Expansion  # the functions phi_k; with the line alone the model is the linear one
    lambda1: float  # weight of the group lasso
    sweeps: int  # sweeps over the groups per block solve, at most
    tol: float  # a block is solved when no coefficient moves by more

    @property
    def abilities(self) -> frozenset[Ability]:
        return frozenset(("solve", "gradient", "shrink", "tensors", "partition"))

    @property
    def least(self) -> float:
        """Norm of a slope below which a curve stays zero."""
        return self.lambda1 * self.expansion.terms**0.5

    def statistics(self, problem: Problem, candidates: Candidates) -> AdditiveStatistics:
        """Expand the genes, and multiply the terms of each one's candidates; always on processors, in float32.

        Memory: ``4 (k terms)^2`` bytes for a gene with ``k`` candidates: with 8 terms .25 GB for 100 genes where all
        pairs are candidates, 1.3 GB for 2,000 with 50 each.
        Cost: ``n (k terms)^2`` operations a gene, once.
        """
        Z, terms = problem.data.Z.astype(np.float32, copy=False), self.expansion.terms
        basis = expand(Z, self.expansion, problem.threads)
        size = (candidates.counts * terms) ** 2
        offset = np.concatenate([[0], np.cumsum(size)])
        cross, gram = np.empty((candidates.n_edges, terms)), np.empty(offset[-1], np.float32)

        def block(a: int, b: int) -> None:
            for j in range(a, b):
                edges, rows = slice(candidates.indptr[j], candidates.indptr[j + 1]), OwnRows.of(problem.data, j)
                F, y = basis[candidates.parent[edges]], rows.response(Z[j])
                if rows.own is not None:  # there terms are no longer orthonormal, which the block solve needs
                    F = np.array([orthonormal(one.astype(np.float64)) for one in F[:, :, rows.own]], np.float32)
                    y = y[rows.own]
                F = F.reshape(-1, len(y))
                cross[edges] = (F @ y).reshape(-1, terms) / len(y)
                gram[offset[j] : offset[j + 1]] = (F @ F.T).ravel() / len(y)

        run_blocks(block, gene_blocks(len(Z), BLOCK), problem.threads)
        weight = loss_weights(problem.data)
        return AdditiveStatistics(candidates.indptr, candidates.parent, cross, gram, offset[:-1], weight)

    def side_by_side(
        self, statistics: Sequence[AdditiveStatistics], like: torch.Tensor
    ) -> tuple[BatchedLeastSquares, Blocks]:
        ragged = [
            Ragged(Candidates(one.indptr, one.parent), one.cross, one.gram, one.gene_weight) for one in statistics
        ]
        return BatchedLeastSquares(self.lambda1, self.tol), side_by_side(ragged, like)

    def on_candidates(self, statistics: Blocks, number: int, params: Params) -> dict[str, np.ndarray]:
        return {"W": statistics.on_candidates(number, params["W"])}

    def partition(self, statistics: AdditiveStatistics, parts: int) -> tuple[list[AdditiveStatistics], np.ndarray]:
        indptr, parent, cross, gram, offset, weight = statistics
        d = len(offset)
        bounds = np.linspace(0, d, max(min(parts, d), 1) + 1).astype(int)
        block, own = np.append(offset, len(gram)), []
        for a, b in pairwise(bounds):
            e, g = slice(indptr[a], indptr[b]), slice(block[a], block[b])
            part = (indptr[a : b + 1] - indptr[a], parent[e], cross[e], gram[g], offset[a:b] - block[a], weight[a:b])
            own.append(AdditiveStatistics(*part))
        return own, indptr[bounds]

    def start(self, candidates: Candidates, seed: int) -> dict[str, np.ndarray]:
        """Return no curves at all, ``(nnz, terms)``."""
        return {"W": np.zeros((candidates.n_edges, self.expansion.terms))}

    def strength(self, params: Params) -> np.ndarray:
        """Return ``A_e = |W_e|^2``."""
        return np.square(params["W"]).sum(axis=1)

    def weight(self, params: Params) -> np.ndarray:
        """Return the standard deviation of every curve."""
        return np.sqrt(self.strength(params))

    def objective(self, statistics: AdditiveStatistics, params: Params, *, threads: int) -> float:
        return float(self.losses(statistics, params, threads=threads).sum())

    def losses(self, statistics: AdditiveStatistics, params: Params, *, threads: int) -> np.ndarray:
        out = np.empty(len(statistics.offset))
        run_blocks(partial(_objective, statistics, params["W"], self.least, out), gene_blocks(len(out), BLOCK), threads)
        return out

    def solve(self, statistics: AdditiveStatistics, params: Params, ridge: np.ndarray, *, threads: int) -> Params:
        """Minimize ``F(W') + sum_e ridge_e |W'_e|^2`` exactly, gene by gene, starting from ``W``."""
        out = params["W"].copy()
        work = partial(_descend, statistics, ridge, self.least, self.sweeps, self.tol, out)
        run_blocks(work, gene_blocks(len(statistics.offset), BLOCK), threads)
        return {"W": out}

    def gradient(self, statistics: AdditiveStatistics, params: Params, ridge: np.ndarray, *, threads: int) -> Params:
        out = 2.0 * ridge[:, None] * params["W"]
        work = partial(_add_slope, statistics, params["W"], out)
        run_blocks(work, gene_blocks(len(statistics.offset), BLOCK), threads)
        return {"W": out}

    def shrink(self, statistics: AdditiveStatistics, params: Params, amount: Params) -> Params:
        weight = np.repeat(statistics.gene_weight, np.diff(statistics.indptr))[:, None]
        return {"W": soften_groups(params["W"], weight * amount["W"], self.least)}


@kernel
def _products(statistics, j, terms):
    """Where the edges of a gene begin, how many there are, and the products of their terms."""
    start, width = statistics.indptr[j], statistics.indptr[j + 1] - statistics.indptr[j]
    first, side = statistics.offset[j], width * terms
    return start, width, statistics.gram[first : first + side * side].reshape(side, side)


@kernel
def _objective(statistics, W, least, out, first, last):
    terms = W.shape[1]
    for j in range(first, last):
        start, width, G = _products(statistics, j, terms)
        b, c = W[start : start + width].ravel(), statistics.cross[start : start + width].ravel()
        total = 0.5
        for x in range(width):
            own = b[x * terms : (x + 1) * terms]
            size = np.sqrt(np.sum(own * own))
            if size == 0.0:  # most curves are none, and cost nothing
                continue
            total += least * size
            for k in range(x * terms, (x + 1) * terms):
                product = 0.0
                for y in range(len(G)):
                    product += G[k, y] * b[y]
                total += b[k] * (0.5 * product - c[k])
        out[j] = statistics.gene_weight[j] * total


@kernel
def _add_slope(statistics, W, out, first, last):
    terms = W.shape[1]
    for j in range(first, last):
        start, width, G = _products(statistics, j, terms)
        b, c = W[start : start + width].ravel(), statistics.cross[start : start + width].ravel()
        for k in range(len(G)):
            total = -c[k]
            for y in range(len(G)):
                total += G[k, y] * b[y]
            out[start + k // terms, k % terms] += statistics.gene_weight[j] * total


@kernel
def _descend(statistics, ridge, least, sweeps, tol, W, first, last):
    """Solve the blocks of genes ``first`` to ``last`` by sweeps over the curves (block coordinate descent).

    Terms of one curve are orthonormal, so its best coefficients given the others are its slope, shrunken.
    ``residual = c - G b`` is kept up to date.
    """
    terms = W.shape[1]
    for j in range(first, last):
        start, width, G = _products(statistics, j, terms)
        b = W[start : start + width].reshape(len(G))
        residual, v = statistics.cross[start : start + width].ravel().copy(), statistics.gene_weight[j]
        for x in range(len(G)):
            if b[x] != 0.0:
                take(G[x], b[x], residual)
        for _ in range(sweeps):
            moved = 0.0
            for x in range(width):
                size = 0.0
                for k in range(x * terms, (x + 1) * terms):
                    size += (residual[k] + b[k]) ** 2
                # Orthonormal terms have a Gram block of one, so the lasso shrinks the slope and the ridge divides it.
                share = max(1.0 - least / np.sqrt(max(size, 1e-30)), 0.0) / (1.0 + 2.0 * ridge[start + x] / v)
                moved = max(moved, _move(G, x * terms, terms, share, b, residual))
            if moved < tol:
                break


@kernel
def _move(G, start, terms, share, b, residual):
    """Set a curve to a share of its slope; return by how much a coefficient moved at most."""
    step = np.empty(terms)
    for k in range(terms):
        step[k] = share * (residual[start + k] + b[start + k]) - b[start + k]
    moved = np.max(np.abs(step))
    if moved > 0.0:
        for k in range(terms):
            b[start + k] += step[k]
            take(G[start + k], step[k], residual)
    return moved
