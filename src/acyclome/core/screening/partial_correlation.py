"""Shrunken partial correlations: the strongest of all genes, or those with a few possible parents."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import numpy as np
from scipy.linalg import get_lapack_funcs
from scipy.linalg.blas import strmm

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.core.data.standardized import TILE
from acyclome.core.screening.strongest import strongest_of_columns, strongest_of_rows
from acyclome.core.workers import run_blocks

ROWS = 512  # genes that a thread takes at once: their rows of a matrix of 10,000 genes have 20 MB
LEAST_DIAGONAL = 1e-12  # of a precision matrix times at most 1: only rounding goes so low


def strongest_partial(
    problem: Problem, *, keep: int, shrinkage: float, genes: tuple[int, int] | None = None
) -> np.ndarray:
    """Return for every gene the ``keep`` genes of largest shrunken partial correlation, ``(d, keep)`` int32.

    ``genes`` are the first to search for and the one behind the last, at multiples of ``ROWS``; all if None.

    Notes
    -----
    Partial correlations are those of ``M = (1 - a) R + a I``: ``-K_ij / sqrt(K_ii K_jj)`` with ``K = M^-1``.  With
    ``n < d`` the Woodbury identity needs an ``n x n`` inverse only,
    ``K = (I - Z' (a/(1-a) n I + Z Z')^-1 Z) / a`` (here for column-wise ``Z``), formed in tiles and never whole.  A
    tile serves both of its sides where every gene may be a cause.
    """
    d, constraints = problem.n_genes, problem.constraints
    first, last = genes or (0, d)
    pool = np.flatnonzero(constraints.sources)
    keep = min(keep, max(len(pool) - 1, 0))
    if keep == 0:
        return np.full((last - first, 0), -1, dtype=np.int32)
    left, right, diagonal = precision_factors(problem.data, shrinkage, problem.threads)
    right = right if right is None or len(pool) == d else left[pool].T
    per_root = (1.0 / np.sqrt(diagonal)).astype(left.dtype)
    targets, causes, serves_both = gene_blocks(d, ROWS), gene_blocks(len(pool), ROWS), len(pool) == d
    strength, found = np.zeros((d, keep), left.dtype), np.full((d, keep), -1, np.int32)
    locks = [Lock() for _ in targets]

    def note(K: np.ndarray, x: int, columns: np.ndarray, *, is_turned: bool = False) -> None:
        a, b = targets[x]
        if constraints.excludes_pairs:
            K = constraints.without_excluded(K.T if is_turned else K, a, fill=0.0, sources=columns)
            is_turned = False
        keep_strongest = strongest_of_columns if is_turned else strongest_of_rows
        with locks[x]:
            keep_strongest(np.ascontiguousarray(K), per_root[columns], columns, strength[a:b], found[a:b])

    def tile(x: int, y: int) -> None:
        (a, b), (s, t) = targets[x], causes[y]
        K = left[a:b][:, pool[s:t]] if right is None else left[a:b] @ right[:, s:t]
        own = np.flatnonzero((pool[s:t] >= a) & (pool[s:t] < b))
        K[pool[s:t][own] - a, own] = 0.0
        note(K, x, pool[s:t])
        if serves_both and x != y:
            note(K, y, np.arange(a, b), is_turned=True)

    is_asked = [a < last and first < b for a, b in targets]
    every = [(x, y) for x in range(len(targets)) for y in range(x if serves_both else 0, len(causes))]
    run_blocks(tile, [(x, y) for x, y in every if is_asked[x] or (serves_both and is_asked[y])], problem.threads)
    return found[first:last]


def partial_correlations(problem: Problem, *, shrinkage: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function of targets ``(t,)``: their absolute shrunken partial correlations with the sources, ``(t, p)``.

    These are never held for all genes at once if there are fewer observations than genes.
    """
    left, right, diagonal = precision_factors(problem.data, shrinkage, problem.threads)
    sources = np.flatnonzero(problem.constraints.sources)
    if right is not None:
        right = np.ascontiguousarray(right[:, sources])
    per_root = (1.0 / np.sqrt(diagonal)).astype(left.dtype)

    def rows(targets: np.ndarray) -> np.ndarray:
        K = left[np.ix_(targets, sources)] if right is None else left[targets] @ right
        partial: np.ndarray = np.abs(K * per_root[targets][:, None])
        return partial * per_root[sources]

    return rows


def precision_factors(data: Moments, a: float, threads: int) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Return ``(left, right, diag K)``: off the diagonal ``-K ~ left @ right``, or ``K = left`` if right is None."""
    n, d = data.n_obs, data.n_genes
    if n < d:
        Z, tiles = data.Z, gene_blocks(d, TILE)  # no larger than the correlations are
        S = np.zeros((n, n))
        for part in run_blocks(lambda x, y: Z[x:y].T @ Z[x:y], tiles, threads):
            S += part  # in the order of the tiles, whoever was first
        S[np.diag_indices(n)] += a / (1.0 - a) * n
        half = np.asfortranarray(run_blocks(lambda: _inverse_factor(S), [()], 1)[0], dtype=np.float32)
        left = np.empty(Z.shape, np.float32)  # enough to rank by, and twice as fast

        def multiply(x: int, y: int) -> None:
            left[x:y] = strmm(1.0, half, Z[x:y].astype(np.float32, copy=False).T, lower=True).T

        run_blocks(multiply, tiles, threads)
        return left, left.T, _floored(1.0 - np.einsum("ij,ij->i", left, left))
    # Single precision is enough to rank by, and twice as fast.
    M = np.array(data.R, np.float32, order="C") if data.R is not None else data.among(np.arange(d)).astype(np.float32)
    M *= np.float32(1.0 - a)
    M[np.diag_indices(d)] += np.float32(a)
    K = run_blocks(lambda: _inverse(M), [()], 1)[0]
    return K, None, _floored(K.diagonal())


def _inverse_factor(M: np.ndarray) -> np.ndarray:
    """Return the lower triangular ``T`` with ``T'T = M^-1`` of a positive definite matrix, ``(n, n)``."""
    factor = np.linalg.cholesky(M)
    inverse, _ = get_lapack_funcs("trtri", (factor,))(factor, lower=True)
    return np.asarray(inverse)


def _inverse(M: np.ndarray) -> np.ndarray:
    """Invert a positive definite matrix, ``(d, d)``, in its own place, in a third of the time of solving."""
    potrf, potri = get_lapack_funcs(("potrf", "potri"), (M,))
    factor, failed = potrf(M.T, lower=True, overwrite_a=True)  # the columns of LAPACK are rows here: no copy is made
    K, failed = potri(factor, lower=True, overwrite_c=True) if not failed else (factor, failed)
    if failed:
        msg = "The shrunken correlations have no inverse; raise screen.shrinkage."
        raise np.linalg.LinAlgError(msg)
    for a, b in gene_blocks(len(K), TILE):  # above the diagonal there was nothing
        for s, t in gene_blocks(a, TILE):
            K[s:t, a:b] = K[a:b, s:t].T
        own = np.tril(K[a:b, a:b])
        K[a:b, a:b] = own + np.tril(own, -1).T
    return K.T


def _floored(diagonal: np.ndarray) -> np.ndarray:
    return np.maximum(diagonal.astype(np.float64), LEAST_DIAGONAL)
