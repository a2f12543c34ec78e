"""Edges between targets of a common cause that its expression shows with an error.

    x_h = a_h + u_h,    x_j = sum_h f_jh(a_h) + e_j,    h in H

Given the expression of the causes ``H`` of two genes, what the error hides of both goes together, so that a search
joins them: of what curves of ``x_H`` leave of the genes, to first order in the variance ``s`` of the error,

    E [r_j r_k | x_H] = s sum_h f_jh'(x_h) f_kh'(x_h).

In the manner of CAM (Buhlmann, Peters and Ernest 2014) edges are pruned once the search is over, by a test that allows
such an error: an edge stays if curves of ``r_j`` explain more of ``r_k``, or the other way round, than errors of
``ERROR`` would, or twice what the shape does that they would give, ``r_j`` times the sum: where curves are steep small
errors would explain much, but an effect of ``r_j`` has another shape.  Of a triangle only the edge whose ends explain
each other least is tested: no target shows what its cause does better than the cause (the data processing inequality,
as in ARACNE; Margolin et al. 2006).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from acyclome.core.data.basis import orthonormal, standardized
from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.expansions import Powers
from acyclome.core.data.interventions import LEAST_OWN, Interventions
from acyclome.core.data.moments import Moments
from acyclome.core.data.standardized import Standardized, is_small
from acyclome.core.graph.neighbors import common_neighbors
from acyclome.core.workers import run_blocks

# Of the variance of a cause: what arrays and SynTReN add to expression.  Of simulated curves without any error, whose
# triangles are true, .1 took 0 to 2 of 38 true edges and 1.0 took 5; on SynTReN both take five false edges to one true.
ERROR = 0.1
# Of what curves explain, that the shape of an error has to. Errors then explain .16 at most of the edges of dense
# curves without an error (40 among 10 genes), which was .22, and where causes have errors of .05 or .1 .25 to .38, but
# for one graph of six. All of it would be too much, .20 to .36: slopes are those of cubics, and errors count to first
# order.
OF_SHAPE = 0.5
# Explained times n that chance reaches in 5 % of cases (chi-square of 3: 7.8).  A size is less the mean of chance, for
# it is beside what errors give in the mean; a shape is asked for only of what is no chance, since what lines leave of
# curves has none.
BY_CHANCE = 8.0
# Of the edges, that errors have to explain for any to be left out: of SynTReN's .3 to .4, of simulated curves without
# an error .05 at most, of dense ones .16, and of Sachs' one of eight, where single edges are true.  SynTReN and Sachs
# are data of the tables, and it was chosen between them.
COMMON = 0.2
CUBIC = Powers(3)  # saturation has one bend; slopes of what bends more are noise
SEEN = 2000  # observations that are enough for a test, of data too large to be held: a share of .005 is seen
ENOUGH = 20_000  # and of data at hand: a share of .0005; of 250,000 cells tests had not ended after ten minutes
RIDGE = 1e-3  # of unit variances: powers of several causes that go together
BLOCK = 16  # edges that a thread takes in a row, tens of milliseconds
# Edges, spread evenly, that are tested first of a multiple of them. Where COMMON of all are explained, fewer than half
# as many of these are by a chance of 1e-16; of 61,000 edges of 250,000 cells all tests took minutes.
FIRST = 1000


def explained_by_errors(data: Moments, source: np.ndarray, target: np.ndarray, *, threads: int) -> np.ndarray:
    """Say which edges ``(m,)`` an error in common causes explains, bool; none where these are fewer than ``COMMON``.

    Edges whose source was acted on stay: no error answers to that.  Cost: ``n (3 p)^2`` for an edge with ``p`` common
    neighbours; tests end where those left cannot make up ``COMMON`` of the edges, or will not by those seen.
    """
    joined = common_neighbors(source, target, data.n_genes) > 0
    tested = np.flatnonzero(joined & ~(data.interventions.counts[source] > 0))
    out, least = np.zeros(len(source), bool), COMMON * len(source)
    if len(tested) < least:
        return out
    graph = _Graph(*_seen(data.standardized, data.interventions), source[joined], target[joined])
    place = np.cumsum(joined) - 1
    tested = tested[[len(graph.causes(e)) > 0 for e in place[tested].tolist()]]

    def block(edges: np.ndarray) -> None:
        for e in edges:
            out[e] = graph.is_explained(int(place[e]))

    def test(edges: np.ndarray) -> None:
        run_blocks(lambda a, b: block(edges[a:b]), gene_blocks(len(edges), BLOCK), threads)

    first = tested[:: max(len(tested) // FIRST, 1)]
    if len(first) < len(tested) / 2:
        test(first)
        if out.sum() / len(first) < least / len(tested) / 2:
            return np.zeros(len(source), bool)
        tested = np.setdiff1d(tested, first)
    for a, b in gene_blocks(len(tested), BLOCK * threads):
        if out.sum() + len(tested) - a < least:
            break
        test(tested[a:b])
    return out & (out.sum() >= least)


def _seen(genes: Standardized, done: Interventions) -> tuple[np.ndarray, Interventions]:
    """Return all observations or, of many, and of data that are formed as they are asked for, some evenly spread."""
    n = genes.shape[1]
    may_hold = genes.is_array or is_small(genes.shape, np.dtype(genes.dtype))
    step = -(-n // (ENOUGH if may_hold else SEEN))
    if step == 1 and may_hold:
        return genes.whole, done
    rows = np.arange(0, n, step)
    return genes.columns(rows), done.subset(rows=rows)


@dataclass(frozen=True)
class _Graph:
    """Edges with common neighbours, which are tested by observations in which neither end was acted on."""

    Z: np.ndarray  # (d, n')
    interventions: Interventions
    source: np.ndarray
    target: np.ndarray

    @cached_property
    def strength(self) -> sparse.csr_matrix:
        """Share of variance that cubic curves of one end explain of the other, the better way round, ``(d, d)``."""
        ends, d, edge = (self.source, self.target), len(self.Z), np.tile(np.arange(len(self.source)), 2)
        one, other = np.concatenate(ends), np.concatenate(ends[::-1])
        share, line = np.zeros(len(self.source)), np.argsort(one, kind="stable")
        for part in np.split(line, np.flatnonzero(np.diff(one[line])) + 1):
            F = orthonormal(CUBIC.rows(self.Z[one[part[0]]].astype(np.float64)))
            share[edge[part]] = np.maximum(share[edge[part]], _explained(F, self.Z[other[part]]))
        whole = sparse.csr_matrix((share, ends), shape=(d, d))
        return (whole + whole.T).tocsr()

    def is_explained(self, e: int) -> bool:
        j, k = int(self.source[e]), int(self.target[e])
        causes = self.causes(e)
        interventions, rows = self.interventions, np.arange(self.Z.shape[1])
        if acted := len(interventions.of(j)) + len(interventions.of(k)):
            rows = np.setdiff1d(rows, np.concatenate([interventions.of(j), interventions.of(k)]))
        if len(causes) == 0 or (acted and len(rows) < LEAST_OWN):
            return False
        left, slopes = _residuals(self.Z[[j, k]][:, rows], self.Z[causes][:, rows])
        squares = np.mean(left**2, axis=1)
        if squares.min() <= RIDGE:  # a copy of its causes
            return False
        scaled = standardized(left)
        shares = [_explained(orthonormal(CUBIC.rows(scaled[a])), scaled[[1 - a]])[0] for a in (0, 1)]
        seen = max(shares) - CUBIC.terms / len(rows)  # less what chance explains in the mean
        together = (slopes[0] * slopes[1]).sum(axis=0)
        if seen > ERROR**2 * np.mean(together**2) / squares.prod():
            return False
        shape = scaled * together
        explained = max(np.mean(scaled[0] * shape[1]), 0.0) ** 2 / np.mean(shape**2, axis=1).min()
        return bool(OF_SHAPE * (max(shares) - BY_CHANCE / len(rows)) <= explained)

    def causes(self, e: int) -> np.ndarray:
        """Return the genes that go with both ends of an edge better than these with each other."""
        S, j, k = self.strength, int(self.source[e]), int(self.target[e])
        of_j, of_k = (slice(S.indptr[g], S.indptr[g + 1]) for g in (j, k))
        both, at_j, at_k = np.intersect1d(S.indices[of_j], S.indices[of_k], return_indices=True)
        return both[np.minimum(S.data[of_j][at_j], S.data[of_k][at_k]) > S[j, k]]


def _explained(F: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Share of the variance of genes ``y`` ``(g, n)``, of unit variance, that orthonormal terms explain, ``(g,)``."""
    return np.square(F @ y.T / y.shape[1]).sum(axis=0)


def _residuals(y: np.ndarray, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit cubic curves of ``X`` ``(p, n)`` to genes ``(g, n)``; return what is left and all slopes, ``(g, p, n)``."""
    X = X.astype(np.float64)
    F = np.stack([X, X**2, X**3], axis=1)
    center, scale = F.mean(axis=2, keepdims=True), F.std(axis=2, keepdims=True)
    B = ((F - center) / scale).reshape(-1, X.shape[1])
    y = y - y.mean(axis=1, keepdims=True, dtype=np.float64)
    weight = np.linalg.solve(B @ B.T / X.shape[1] + RIDGE * np.eye(len(B)), B @ y.T / X.shape[1])
    powers = weight.T.reshape(len(y), len(X), 3, 1) / scale
    slopes = powers[:, :, 0] + 2 * powers[:, :, 1] * X + 3 * powers[:, :, 2] * X**2
    return y - weight.T @ B, slopes
