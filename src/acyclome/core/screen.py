"""Screening: which pairs may become edges.

Two views of one correlation matrix are united, because each is blind where the other sees: forward selection finds the
regulators of hub graphs, shrunken partial correlation the neighbours in sparse ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.linalg import cho_factor, cho_solve

from acyclome.core.chance import by_chance, is_chance, price
from acyclome.core.layout import Candidates, from_pairs, gene_blocks
from acyclome.core.moments import TILE, WHOLE_GENES, Moments
from acyclome.core.rules import EdgeRules
from acyclome.core.top import largest
from acyclome.core.workers import run_blocks

BLOCK = 64
PRESCREEN = 128
UNSCREENED = 3
NOWHERE = np.full(1, -1)
ROWS = 512
EXCLUDED = 2.0  # stands where a correlation would, of a pair that may not be an edge


@dataclass(frozen=True)
class ScreenSettings:
    """How many candidates to look for.

    Parameters
    ----------
    forward_steps
        Forward-selection steps per gene.
    min_gain
        A step must gain at least this much log-likelihood, ``n/2 log(v / v_new)``; the search of a gene ends otherwise.
    partial
        Strongest shrunken partial correlations kept per gene.
    shrinkage
        Weight ``a`` of the identity in ``(1 - a) R + a I``.
    max_candidates
        Candidate parents per gene at most; the strongest by order of discovery stay.
    """

    forward_steps: int
    min_gain: float
    partial: int
    shrinkage: float
    max_candidates: int


def screen(
    moments: Moments, settings: ScreenSettings, causes: np.ndarray, threads: int, rules: EdgeRules | None = None
) -> Candidates:
    """Return the candidate edges: forward selection and shrunken partial correlation, made symmetric.

    In small networks every pair with an allowed cause is a candidate, unless it correlates by chance alone.

    Parameters
    ----------
    causes
        ``(d,)`` bool, genes that may be causes at all.
    rules
        What is known of the edges: forbidden pairs make room for others, required ones are always in.

    Notes
    -----
    Cost: ``d^2 forward_steps^2 / 2`` for the first, ``min(d, n) d^2`` for the second.
    """
    if not is_screened(moments, settings):
        source, target = np.nonzero(np.broadcast_to(causes[:, None], (moments.n_genes, moments.n_genes)))
        real = ~by_chance(moments, source, target)
        every = from_pairs(source[real], target[real], moments.n_genes)
        return every if rules is None else rules.apply(every)
    pool = np.flatnonzero(causes)
    picked = forward_select(moments, pool, settings.forward_steps, settings.min_gain, threads, rules)
    near = strongest_partial(moments, settings.partial, settings.shrinkage, causes, threads, rules)
    pairs = [as_pairs(found) for found in (picked, near)]
    source = np.concatenate([s for s, _ in pairs])
    target = np.concatenate([t for _, t in pairs])
    return symmetric(source, target, moments, causes, settings.max_candidates, rules)


def is_screened(moments: Moments, settings: ScreenSettings) -> bool:
    """Say whether the network is so large, ``UNSCREENED`` times ``max_candidates``, that pairs have to be left out."""
    return moments.n_genes > UNSCREENED * settings.max_candidates


def symmetric(
    source: np.ndarray, target: np.ndarray, moments: Moments, causes: np.ndarray, max_candidates: int,
    rules: EdgeRules | None = None,
) -> Candidates:  # fmt: skip
    """Let every pair be a candidate in both directions, as far as causes and the cap allow.

    A pair that was found for its target goes before one that only mirrors another; within each, the larger
    correlation goes first.  So a hub with thousands of children keeps ``max_candidates`` possible parents.  Pairs that
    correlate by chance alone fall out.
    """
    d = moments.n_genes
    real = ~by_chance(moments, source, target)
    source, target = source[real], target[real]
    own = from_pairs(source, target, d)
    both = from_pairs(np.concatenate([source, target]), np.concatenate([target, source]), d)
    t, s = both.target, both.parent
    mirrored = own.find(s, t) < 0
    strength = np.abs(moments.pairs(s, t))
    order = np.lexsort((-strength, mirrored, t))
    rank = np.empty(both.n_edges, dtype=np.int64)
    may = causes[s] if rules is None else causes[s] & rules.allows(s, t)
    allowed = may[order]
    before = np.cumsum(allowed) - allowed
    start = both.indptr[:-1][t[order]]
    rank[order] = before - before[np.minimum(start, max(both.n_edges - 1, 0))]
    keep = may & (rank < max_candidates)
    found = from_pairs(s[keep], t[keep], d)
    return found if rules is None else rules.apply(found)


def as_pairs(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(d, k)`` sources per target, -1 where none -> pairs."""
    target = np.repeat(np.arange(found.shape[0]), found.shape[1])
    source = found.ravel()
    return source[source >= 0], target[source >= 0]


def forward_select(
    moments: Moments, pool: np.ndarray, steps: int, min_gain: float, threads: int, rules: EdgeRules | None = None
) -> np.ndarray:
    """Select regressors forward for every gene: take the best, project it out, repeat.

    Parameters
    ----------
    pool
        Genes that may be regressors.
    min_gain
        Log-likelihood a step must gain.

    Returns
    -------
    ``(d, steps)`` int32 regressors in order of discovery, -1 after the last.

    Notes
    -----
    Where the correlations of the pool do not fit, each gene's search runs among the ``PRESCREEN`` genes that correlate
    most with it.
    """
    n, d = moments.n_effective, moments.n_genes
    out = np.full((d, steps), -1, dtype=np.int32)
    if len(pool) == 0:
        return out
    place = np.full(d, -1, dtype=np.int64)
    place[pool] = np.arange(len(pool))
    min_drop = 1.0 - np.exp(-2.0 * min_gain / n)
    skewness, least, known = moments.skewness, price(n, d), None if len(pool) == d else pool
    whole = moments.R is not None or len(pool) <= WHOLE_GENES
    P = _pool_correlations(moments, known, threads) if whole else None
    every, nobody = np.ones(len(pool), moments.Z.dtype), np.zeros(len(pool), bool)

    def block(a: int, b: int) -> None:
        C = np.ascontiguousarray(moments.rows(a, b, known))
        if rules is not None:
            C = np.where(rules.excluded(a, b, known), C.dtype.type(EXCLUDED), C)
        if P is not None:
            found = _forward_block(P, C, place[a:b], skewness[a:b], skewness[pool], n, least, steps, min_drop)
            out[a:b] = np.where(found >= 0, pool[found], -1)
            return
        C[np.arange(b - a), np.maximum(place[a:b], 0)] *= place[a:b] < 0
        C[C >= EXCLUDED] = 0.0
        near = np.empty((b - a, PRESCREEN), np.int32)
        largest(C, every, nobody, -len(C), PRESCREEN, C.dtype.type(0.0), near)
        for g in range(b - a):
            few = np.sort(near[g][near[g] >= 0])
            genes, own = pool[few], skewness[a + g : a + g + 1]
            found = _forward_block(moments.among(genes), C[g : g + 1, few], NOWHERE, own, skewness[genes], n, least,
                                   steps, min_drop)[0]  # fmt: skip
            out[a + g] = np.where(found >= 0, genes[found], -1)

    run_blocks(block, gene_blocks(d, ROWS if moments.R is None else BLOCK), threads)
    return out


def _pool_correlations(moments: Moments, pool: np.ndarray | None, threads: int) -> np.ndarray:
    if pool is None and moments.R is not None:
        return moments.R
    return moments.among(np.arange(moments.n_genes) if pool is None else pool, threads)


@njit(nogil=True, cache=True, fastmath=True)
def _forward_block(P, C, place, own, skewness, n, least, steps, min_drop):  # type: ignore[no-untyped-def]
    """Rows of ``C`` are the correlations of the targets with the pool, ``P`` those of the pool with itself."""
    genes, p = C.shape
    found = np.full((genes, steps), -1, np.int32)
    Q = np.empty((steps, p), np.float32)
    c = np.empty(p, np.float32)
    v = np.empty(p, np.float32)
    for g in range(genes):
        for i in range(p):
            c[i] = C[g, i]
            v[i] = 0.0 if c[i] >= EXCLUDED or is_chance(c[i], own[g] * skewness[i], n, least) else P[i, i]
        if place[g] >= 0:
            v[place[g]] = 0.0
        rest = np.float32(1.0)
        for step in range(steps):
            best, pick = np.float32(0.0), -1
            for i in range(p):
                if v[i] > np.float32(1e-5):
                    gain = c[i] * c[i] / v[i]
                    if gain > best:
                        best, pick = gain, i
            if pick < 0 or best < min_drop * rest or rest < np.float32(1e-6):
                break
            found[g, step] = pick
            rest -= best
            root = np.float32(1.0) / np.sqrt(v[pick])
            q = Q[step]
            for i in range(p):
                q[i] = P[pick, i]
            for k in range(step):
                f = Q[k, pick]
                if f != 0.0:
                    row = Q[k]
                    for i in range(p):
                        q[i] -= f * row[i]
            slope = c[pick] * root
            for i in range(p):
                q[i] *= root
                c[i] -= slope * q[i]
                v[i] -= q[i] * q[i]
            v[pick] = 0.0
    return found


def strongest_partial(
    moments: Moments, keep: int, shrinkage: float, causes: np.ndarray, threads: int, rules: EdgeRules | None = None
) -> np.ndarray:
    """Return for every gene the ``keep`` genes of largest shrunken partial correlation, ``(d, keep)`` int32.

    Notes
    -----
    Partial correlations are those of ``M = (1 - a) R + a I``: ``-K_ij / sqrt(K_ii K_jj)`` with ``K = M^-1``.  With
    ``n < d`` the Woodbury identity needs an ``n x n`` inverse only,
    ``K = (I - Z' (a/(1-a) n I + Z Z')^-1 Z) / a`` (here for column-wise ``Z``), formed in row blocks and never whole.
    """
    d = moments.n_genes
    keep = min(keep, max(int(causes.sum()) - 1, 0))
    out = np.full((d, keep), -1, dtype=np.int32)
    if keep == 0:
        return out
    left, right, diagonal = _precision_factors(moments, shrinkage, threads)
    inverse = 1.0 / np.sqrt(diagonal)

    def block(a: int, b: int) -> None:
        K = left[a:b] @ right if right is not None else left[a:b]
        if rules is not None:
            K = np.where(rules.excluded(a, b), K.dtype.type(0.0), K)
        largest(K, inverse.astype(K.dtype), ~causes, a, keep, K.dtype.type(0.0), out[a:b])

    run_blocks(block, gene_blocks(d, ROWS), threads)
    return out


def _precision_factors(moments: Moments, a: float, threads: int) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Return ``(left, right, diag K)``: off the diagonal ``-K ~ left @ right``, or ``K = left`` if right is None."""
    Z, n = moments.Z, moments.n_obs
    d = moments.n_genes
    tiles = gene_blocks(d, TILE)
    if n < d:
        S = np.zeros((n, n))
        for part in run_blocks(lambda x, y: Z[x:y].T @ Z[x:y], tiles, threads):
            S += part
        S[np.diag_indices(n)] += a / (1.0 - a) * n
        half = run_blocks(lambda: np.linalg.inv(np.linalg.cholesky(S)), [()], 1)[0].T.astype(Z.dtype)
        left = np.empty_like(Z)
        run_blocks(lambda x, y: np.matmul(Z[x:y], half, out=left[x:y]), tiles, threads)
        return left, np.ascontiguousarray(left.T), _floored(1.0 - np.einsum("ij,ij->i", left, left))
    M = (1.0 - a) * moments.among(np.arange(d)).astype(np.float64)
    M[np.diag_indices(d)] += a
    K = run_blocks(lambda: cho_solve(cho_factor(M, lower=True, overwrite_a=True), np.eye(d)), [()], 1)[0]
    return K.astype(np.float32), None, _floored(K.diagonal())


def _floored(diagonal: np.ndarray) -> np.ndarray:
    """Return a diagonal in float64, kept above rounding."""
    return np.maximum(diagonal.astype(np.float64), 1e-12)
