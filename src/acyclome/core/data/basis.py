"""Every gene in orthonormal functions of itself, and the screening that uses them.

Given an orthonormal basis the share of variance that a gene explains additively is a sum of squares, so screening is
one matrix product.
"""

from __future__ import annotations

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.expansions import Expansion
from acyclome.core.data.interventions import LEAST_OWN
from acyclome.core.data.problem import Problem
from acyclome.core.workers import run_blocks

BLOCK = 64  # genes at once: with 8 terms and 10,000 genes their products are 20 MB in float32
FLAT = 1e-6  # share of a row that rounding in float32 (6e-8 a value) leaves of what is no function of its own
SLIVER = 1e-3  # of the variance of a term, below which the observations at hand do not show it; so G has an inverse
NOTHING = np.empty(0, np.int64)


def expand(Z: np.ndarray, expansion: Expansion, threads: int = 1) -> np.ndarray:
    """Expand every gene into orthonormal functions of itself, ``(d, terms, n)`` float32.

    ``Z`` are standardized genes, ``(d, n)``.  Every row has mean 0 and mean square 1, and the rows of a gene are
    orthogonal; where a gene has too few distinct values for a term its row is zero.  Memory: ``4 d terms n`` bytes, 0.3
    GB for 10,000 genes, 8 terms and 1,000 observations.
    """
    d, n = Z.shape
    out = np.zeros((d, expansion.terms, n), dtype=np.float32)

    def block(a: int, b: int) -> None:
        out[a:b] = each_orthonormal(expansion.of_each(np.asarray(Z[a:b], dtype=np.float64)))

    run_blocks(block, gene_blocks(d, BLOCK), threads)
    return out


def orthonormal(rows: np.ndarray) -> np.ndarray:
    """Center the rows and make each orthogonal to those before it, mean square 1; what is left of no row is zero."""
    n = rows.shape[1]
    centered = rows - rows.mean(axis=1, keepdims=True)
    size, before = np.sqrt(np.mean(centered**2, axis=1)), np.sqrt(np.mean(rows**2, axis=1))
    centered *= np.divide(1.0, size, out=np.zeros_like(size), where=size > FLAT * before)[:, None]  # constants become 0
    Q, R = np.linalg.qr(centered.T)  # Gram-Schmidt from the smoothest on, stable
    diagonal = R.diagonal()  # what each row has of its own; its sign is LAPACK's choice, and taken back below
    kept = np.flatnonzero(np.abs(diagonal) > FLAT * np.sqrt(n))
    out = np.zeros_like(rows)  # of more rows than observations the last are left of none
    out[kept] = (Q.T * np.sign(diagonal)[:, None])[kept] * np.sqrt(n)
    return out


def each_orthonormal(rows: np.ndarray) -> np.ndarray:
    """As :func:`orthonormal` of each of some sets of rows, ``(d, terms, n)``; what is left of no row is zero.

    Gram-Schmidt done twice, which is as good as reflections (Giraud, Langou and Rozloznik 2005), for all sets at once.
    """
    n = rows.shape[2]
    out = rows - rows.mean(axis=2, keepdims=True)
    size = np.sqrt(np.einsum("dtn,dtn->dt", out, out) / n)
    before = np.sqrt(np.einsum("dtn,dtn->dt", rows, rows) / n)
    out *= np.divide(1.0, size, out=np.zeros_like(size), where=size > FLAT * before)[:, :, None]
    for k in range(1, rows.shape[1]):
        row = out[:, k : k + 1]
        for _ in range(2):
            row -= (row @ out[:, :k].transpose(0, 2, 1) / n) @ out[:, :k]
        size = np.sqrt(np.mean(row**2, axis=2, keepdims=True))
        row *= np.divide(1.0, size, out=np.zeros_like(size), where=size > FLAT)
    return out


def standardized(responses: np.ndarray) -> np.ndarray:
    """Return the responses ``(r, n)`` with mean 0 and mean square 1; those without variation become 0."""
    centered = responses - responses.mean(axis=1, keepdims=True)
    size = np.sqrt(np.mean(centered**2, axis=1, keepdims=True))
    scaled: np.ndarray = centered / np.maximum(size, responses.dtype.type(FLAT))
    return scaled


def own_standardized(responses: np.ndarray, out: np.ndarray) -> np.ndarray:
    """As :func:`standardized` over all observations but ``out``, where the responses ``(r, n)`` become 0.

    Where fewer than ``LEAST_OWN`` are left there is nothing to be explained.
    """
    if len(out) == 0:
        return standardized(responses)
    own = np.delete(np.arange(responses.shape[1]), out)
    kept = np.zeros_like(responses)
    if len(own) >= LEAST_OWN:
        kept[:, own] = standardized(responses[:, own])
    return kept


def explained(basis: np.ndarray, responses: np.ndarray, out: np.ndarray = NOTHING) -> np.ndarray:
    """Share of the variance of each response that the terms of each gene explain, ``(genes, responses)``.

    ``basis`` are orthonormal terms, ``(genes, terms, n)``, the responses ``(responses, n)`` as :func:`own_standardized`
    gives them without the observations ``out``.
    """
    n, product = basis.shape[2], _products(basis, responses)
    return own_share(product, np.take(basis, out, axis=2), n) if len(out) else _share(product, n=n)


def _products(basis: np.ndarray, responses: np.ndarray) -> np.ndarray:
    """Return sums of products, ``(genes, terms, responses)``."""
    genes, terms, n = basis.shape
    return (basis.reshape(genes * terms, n) @ responses.T).reshape(genes, terms, len(responses))


def _share(product: np.ndarray, *, n: int) -> np.ndarray:
    share: np.ndarray = np.square(product / n).sum(axis=1)
    return share


def own_share(product: np.ndarray, left_out: np.ndarray, n: int) -> np.ndarray:
    """Share of variance that terms explain over some of ``n`` observations, over which they are not orthonormal.

    ``c' G^-1 c`` with ``c`` and ``G`` the covariances of the terms with the response and among themselves there:
    those over all observations, which are known, less what is left out.  ``product`` are sums of products,
    ``(genes, terms, responses)``, ``left_out`` the terms in the observations left out, ``(genes, terms, t)``.
    """
    terms, t = left_out.shape[1:]
    E = left_out.astype(np.float64)  # differences of sums over all observations follow
    own = max(n - t, 1)
    mean = -E.sum(axis=2) / own  # all of them sum to 0
    G = (n * np.eye(terms) - E @ E.transpose(0, 2, 1)) / own - mean[:, :, None] * mean[:, None]
    c = product.astype(np.float64) / own
    share: np.ndarray = np.sum(c * np.linalg.solve(G + SLIVER * np.eye(terms), c), axis=1)
    return share


def screen_expanded(
    problem: Problem, basis: np.ndarray, responses: np.ndarray, *, keep: int, min_gain: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs ``source -> target`` of the ``keep`` sources that explain most of each response by their terms.

    The responses, ``(d, n)`` as :func:`own_standardized` gives them, are the genes or what a network leaves of them.  A
    pair must gain ``min_gain`` of log-likelihood beyond half a unit per term, which chance gives.  Cost: ``d^2 terms
    n``, in blocks of targets; the products of all terms with all genes are never held.
    """
    d, terms, n = basis.shape
    keep = min(keep, max(d - 1, 0))
    interventions = problem.data.interventions
    least = 1.0 - np.exp(-2.0 * (min_gain + terms / 2.0) / np.maximum(n - interventions.counts, 1))

    def block(a: int, b: int) -> np.ndarray:
        product = _products(basis, responses[a:b])
        share = _share(product, n=n)
        for j in (a + np.flatnonzero(interventions.counts[a:b])).tolist():
            left_out = np.take(basis, interventions.of(j), axis=2)
            share[:, j - a] = own_share(product[:, :, j - a, None], left_out, n)[:, 0]
        share[~problem.constraints.sources] = 0.0
        share[np.arange(a, b), np.arange(b - a)] = 0.0
        best = np.argpartition(-share, keep - 1, axis=0)[:keep]
        strong = np.take_along_axis(share, best, axis=0) > least[a:b]
        target = np.broadcast_to(np.arange(a, b), best.shape)
        return np.stack([best[strong], target[strong]])

    if keep == 0:
        return NOTHING, NOTHING
    source, target = np.concatenate(run_blocks(block, gene_blocks(d, BLOCK), problem.threads), axis=1)
    return source, target
