"""Spectral deconfounding: what moves many genes at once is scaled down, singular value by singular value.

Choice: the data keep their singular vectors and get other singular values, capped at their median (:func:`trim`) or
damped softly above twice the median (:func:`damp`); :func:`left_in_common` says whether there is need.
Reason: a hidden cause of many genes adds a large singular value, a direct effect hardly changes any (Cevid, Buhlmann
and Meinshausen 2020), and no number of causes has to be chosen.
What would change it: strong effects of few regulators on most genes, which are large singular values too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse.linalg import eigsh

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.standardized import TILE
from acyclome.core.workers import run_blocks

RANK = 1e-6  # of the largest, below which a singular value is rounding: squares of float64 are right to 1e-16
SOFT = 2.0  # medians; of .25, .5, 1, 2 and 4 the best correlations on E. coli (DREAM5), where 1 to 4 are close
COPIES = 1e-10  # of a variance, added so that copies of one another have a solution
PARENTS = 64  # genes whose parents are held at once, 2 MB of 1,000 observations
LANCZOS = 64  # rows from which it is faster; it needs more than a few
NOISE_TAIL = 2.02  # of the Tracy-Widom law (order 1), which noise alone exceeds once in a hundred


def trim(Z: np.ndarray, threads: int = 1) -> np.ndarray:
    """Cap the singular values of ``Z``, ``(d, n)``, at their median, and standardize the genes anew.

    Cost: ``d n min(d, n)``.
    """
    return _with_singular_values(Z, lambda s, median: np.minimum(s, median), threads)


def damp(Z: np.ndarray, threads: int = 1) -> np.ndarray:
    """Damp the singular values of ``Z``, ``(d, n)``: ``s c / sqrt(s^2 + c^2)``, with ``c`` twice their median.

    Small ones stay nearly as they are, none comes above ``c``, and unlike after :func:`trim` the order of the others
    is kept. The genes are standardized anew.  Cost: ``d n min(d, n)``.
    """
    return _with_singular_values(Z, lambda s, median: s / np.hypot(s / (SOFT * median), 1.0), threads)


def left_in_common(left: np.ndarray, *, threads: int = 1) -> float:
    """Return the share of the variance beside a network that genes have in common, more than noise has by chance.

    ``left``, ``(d, n)``, is what regressions on its parents leave of every gene (:func:`residuals`).  On one scale, the
    eigenvalues count as far as they exceed the largest of noise, ``(sqrt(n) + sqrt(d))^2`` and a tail of Tracy and
    Widom (Johnstone 2001).  Causes that no gene stands for leave some, a network that is right nothing.
    """
    d, n = left.shape
    E = standardized_rows(left)
    total = float(np.square(E).sum())
    if total <= 0:
        return 0.0
    edge = largest_of_noise(d, n)
    gram = _gram(E, threads)
    if _largest(gram) <= edge * total / (d * n):
        return 0.0
    value = np.linalg.eigvalsh(gram)
    return float(np.maximum(value - edge * total / (d * n), 0.0).sum() / total)


def has_component(left: np.ndarray) -> bool:
    """Say whether rows ``(d, n)`` have a component that noise has once in a hundred; cost ``d n min(d, n)``."""
    d, n = left.shape
    X = standardized_rows(left).astype(np.float32)
    return _largest(X.T @ X if n < d else X @ X.T) > largest_of_noise(d, n)


def _largest(gram: np.ndarray) -> float:
    """Return the largest eigenvalue to a thousandth, by Lanczos: of all it would take as long as the search."""
    if len(gram) < LANCZOS or not gram.any():
        return float(np.linalg.eigvalsh(gram)[-1])
    start = np.random.default_rng(0).standard_normal(len(gram)).astype(gram.dtype)  # the same for the same bits
    return float(eigsh(gram, k=1, v0=start, tol=1e-3, return_eigenvectors=False)[0])


def residual_correlation(left: np.ndarray) -> float:
    """Return the root of the mean squared correlation of two rows of ``(d, n)``, less what chance makes of it.

    Of residuals of simulated networks that are right it is .01 and less, where hidden causes are left .02 to .08.
    """
    d, n = left.shape
    X = standardized_rows(left).astype(np.float32)  # the sum of a million squares: twice as fast, and as right
    gram = (X.T @ X if n < d else X @ X.T) / n  # the squares of either sum to those of all correlations
    excess = (np.sum(np.square(gram, dtype=np.float64)) - d) / max(d * (d - 1), 1) - 1.0 / max(n - 1, 1)
    return float(np.sqrt(max(excess, 0.0)))


def largest_of_noise(d: int, n: int) -> float:
    """Return what the largest eigenvalue of ``Z Z'`` of ``(d, n)`` noise exceeds once in a hundred (Johnstone 2001)."""
    a, b = np.sqrt(d), np.sqrt(n)
    return float((a + b) ** 2 + NOISE_TAIL * (a + b) * (1 / a + 1 / b) ** (1 / 3))


def standardized_rows(X: np.ndarray) -> np.ndarray:
    """Return rows with mean 0 and mean square 1; those that do not vary are 0."""
    X = X - X.mean(axis=1, keepdims=True)
    scale = np.sqrt(np.mean(np.square(X), axis=1, keepdims=True))
    return np.where(scale > RANK, X / np.where(scale > RANK, scale, 1.0), 0.0)


def _with_singular_values(Z: np.ndarray, change: Callable[[np.ndarray, float], np.ndarray], threads: int) -> np.ndarray:
    """Give the centered rows of ``Z`` other singular values, of the old ones and their median."""
    d, n = Z.shape
    square, vectors = np.linalg.eigh(_gram(Z, threads))
    s = np.sqrt(np.maximum(square, 0.0))
    kept = s > RANK * s.max(initial=0.0)
    if not kept.any():
        return np.zeros_like(Z)
    factor = np.zeros(len(s))
    factor[kept] = change(s[kept], float(np.median(s[kept]))) / s[kept]
    filtering = (vectors * factor) @ vectors.T
    out = np.empty_like(Z)
    if d <= n:  # Z = U S V': U f U' Z
        centered = _centered(Z)
        run_blocks(lambda a, b: _fill(out, a, filtering[a:b] @ centered), gene_blocks(d, TILE), threads)
    else:  # Z V f V'
        run_blocks(lambda a, b: _fill(out, a, _centered(Z[a:b]) @ filtering), gene_blocks(d, TILE), threads)
    return out


def _fill(out: np.ndarray, a: int, rows: np.ndarray) -> None:
    out[a : a + len(rows)] = standardized_rows(rows)


def _centered(Z: np.ndarray) -> np.ndarray:
    X = Z.astype(np.float64)  # means of float32 rows would pass for a singular value
    return X - X.mean(axis=1, keepdims=True)


def _gram(Z: np.ndarray, threads: int) -> np.ndarray:
    """Return the Gram matrix of the centered rows, of their genes or, if those are more, of their observations."""
    d, n = Z.shape
    if d <= n:
        X = _centered(Z)
        return X @ X.T
    out = np.zeros((n, n))

    def part(a: int, b: int) -> np.ndarray:
        X = _centered(Z[a:b])
        return X.T @ X

    tiles = gene_blocks(d, TILE)
    for first in range(0, len(tiles), max(threads, 1)):  # no more of the n x n parts at once than there are threads
        for one in run_blocks(part, tiles[first : first + max(threads, 1)], threads):
            out += one  # in the order of the tiles
    return out


def residuals(Z: np.ndarray, source: np.ndarray, target: np.ndarray, *, threads: int = 1) -> np.ndarray:
    """Return what least squares on its parents leave of every gene, ``(d, n)``, of edges ``(m,)``."""
    out = Z.astype(np.float64)
    order = np.argsort(target, kind="stable")
    parents, bounds = np.asarray(source)[order], np.searchsorted(np.asarray(target)[order], np.arange(len(Z) + 1))
    counts = np.diff(bounds)

    def block(a: int, b: int) -> None:
        for p in np.unique(counts[a:b][counts[a:b] > 0]):
            genes = a + np.flatnonzero(counts[a:b] == p)
            X = Z[parents[bounds[genes][:, None] + np.arange(p)]].astype(np.float64)  # (genes, p, n)
            # By their moments, ten times as fast; parents that are copies of one another share a weight.
            gram = X @ X.transpose(0, 2, 1) + COPIES * Z.shape[1] * np.eye(p)
            weight = np.linalg.solve(gram, X @ out[genes][:, :, None])
            out[genes] -= (weight.transpose(0, 2, 1) @ X)[:, 0]

    run_blocks(block, gene_blocks(len(Z), PARENTS), threads)
    return out
