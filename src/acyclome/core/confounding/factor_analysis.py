"""Factors of many genes: their scores, their loadings, and directions in which one gene alone stands for them.

    e_j = sum_k l_jk f_k + u_j,      f of mean 0 and variance 1,  u_j independent with variance psi_j

``E`` is ``(d, n)``, what an acyclic graph leaves of every gene; scores are ``(r, n)``, loadings ``(d, r)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import linalg

from acyclome.core.data.confounders import orthonormal
from acyclome.core.data.deconfounding import largest_of_noise
from acyclome.core.data.standardized import Standardized

# A gene that is a factor, or a copy of it, has no variance of its own (Heywood's case).  Smaller floors would take more
# rounds to be reached and tell no better: a gene that has .95 of its variance from a factor has ten times this.
LEAST_UNIQUE = 0.005
ROTATIONS, ROTATED = 100, 1e-6  # rounds of varimax at most, and the rise of its criterion at which it ends
REWEIGHTED = 10  # rounds of the sparse direction; 30 changed no figure of docs/results/confounding.md
ALIKE = 0.01  # of the largest direction of several factors; by less do two proposals of one factor differ
BLURRED = 3e-3  # of the mean loading: below it loadings are zero alike, so that weights stay bounded


class Factors(NamedTuple):
    """Scores ``(r, n)``, loadings ``(d, r)`` and the variance that factors leave, ``(d,)``."""

    scores: np.ndarray
    loadings: np.ndarray
    unique: np.ndarray

    @property
    def information(self) -> np.ndarray:
        """What each gene tells of each factor, ``l^2 / psi``, ``(d, r)``."""
        shares: np.ndarray = self.loadings**2 / self.unique[:, None]
        return shares

    def drawn(self, seed: int) -> np.ndarray:
        """Draw scores ``(r, n)`` from their posterior, given that these are its means.

        ``f | x ~ N(m, V)`` with ``V = (I + L' Psi^-1 L)^-1`` and ``cov m = I - V``.  What draws leave of the genes has
        the covariance ``Psi`` of their own parts; means leave their error in all genes that load on them.
        """
        r, n = self.scores.shape
        V = np.linalg.inv(np.eye(r) + (self.loadings / self.unique[:, None]).T @ self.loadings)
        noise = np.random.default_rng(seed).standard_normal((r, n))
        drawn: np.ndarray = self.scores + np.linalg.cholesky(V) @ noise
        return drawn

    def turned(self, rotation: np.ndarray) -> Factors:
        """Rotate by an orthogonal ``(r, k)``; with fewer columns than rows the rest is left out."""
        return Factors(rotation.T @ self.scores, self.loadings @ rotation, self.unique)


def of_scores(E: np.ndarray, scores: np.ndarray, variance: np.ndarray | None = None) -> Factors:
    """Return the factors with the span of these scores: regressions of all genes on them.

    ``variance``, ``(d,)``, is that of the genes, if it is known already.
    """
    F = orthonormal(scores)
    L = (E @ F.T.astype(E.dtype)).astype(np.float64) / E.shape[1]
    variance = _mean_squares(E) if variance is None else variance
    return Factors(F, L, np.maximum(variance - np.sum(L**2, axis=1), LEAST_UNIQUE))


def _mean_squares(E: np.ndarray) -> np.ndarray:
    squares: np.ndarray = np.einsum("ij,ij->i", E, E, dtype=np.float64)
    return squares / E.shape[1]


def span(sets: Sequence[np.ndarray]) -> np.ndarray:
    """Return orthogonal scores ``(k, n)`` that span sets of them, ``(r, n)``, which may have nearly all in common."""
    _, size, rows = np.linalg.svd(np.vstack(sets), full_matrices=False)
    return np.asarray(rows[size > ALIKE * size[0]] * np.sqrt(rows.shape[1]))


def extend(loadings: np.ndarray, data: Standardized) -> np.ndarray:
    """Return scores ``(r, n)`` of all observations by loadings ``(d, r)`` that some of them showed, gene by gene.

    By generalized least squares with what factors leave of every gene as its noise (Bartlett 1937).
    """
    unique = np.maximum(1.0 - np.sum(loadings**2, axis=1), LEAST_UNIQUE)
    weighted = loadings.T / unique
    sums = np.zeros((loadings.shape[1], data.shape[1]))
    for a, b in data.panels():
        sums += weighted[:, a:b].astype(data.dtype) @ data.block(a, b)
    scores: np.ndarray = np.linalg.solve(weighted @ loadings, sums)
    return scores


def refine(E: np.ndarray, factors: Factors, rounds: int) -> Factors:
    """Take scores given loadings and loadings given scores in turn: EM with expanded parameters (Liu et al. 1998).

    Scores are the means ``m`` of their posterior, whose variance ``V`` counts as much as theirs: without it loadings
    came out too large by ``V / 2``, a correlation of .007 between genes, which edges explained from 2,000 cells on.
    """
    if len(factors.scores) == 0:
        return factors
    variance, n = _mean_squares(E), E.shape[1]
    for _ in range(rounds):
        weighted = factors.loadings.T / factors.unique
        V = np.linalg.inv(np.eye(len(weighted)) + weighted @ factors.loadings)
        m = ((V @ weighted).astype(E.dtype) @ E).astype(np.float64)
        root = np.linalg.cholesky(V + m @ m.T / n)  # of second moments, which are 1 where the loadings stand
        shared = linalg.solve_triangular(root, (m.astype(E.dtype) @ E.T).astype(np.float64) / n, lower=True)
        unique = np.maximum(variance - np.sum(shared**2, axis=0), LEAST_UNIQUE)
        factors = Factors(linalg.solve_triangular(root, m, lower=True), shared.T, unique)
    return factors


def principal(E: np.ndarray, most: int) -> Factors:
    """Return the principal components of the standardised ``E`` beyond chance, at most so many."""
    d, n = E.shape
    is_wide = n < d
    gram = E.T @ E if is_wide else E @ E.T
    values, vectors = linalg.eigh(gram.astype(np.float64), subset_by_index=[max(len(gram) - most, 0), len(gram) - 1])
    kept = vectors[:, values > largest_of_noise(d, n)].T
    return of_scores(E, kept if is_wide else kept @ E)


def varimax(loadings: np.ndarray) -> np.ndarray:
    """Return the rotation ``(r, r)`` that makes columns of loadings sparse (Kaiser 1958)."""
    r = loadings.shape[1]
    rotation, last = np.eye(r), 0.0
    for _ in range(ROTATIONS if r > 1 else 0):
        L = loadings @ rotation
        squared = L * L  # numpy's third power takes twenty times as long
        U, s, V = np.linalg.svd(loadings.T @ (L * (squared - np.mean(squared, axis=0))))
        rotation = U @ V
        if s.sum() < last * (1 + ROTATED):
            break
        last = s.sum()
    return rotation


def sparse_direction(loadings: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return the unit ``v`` of ``min |L v|_1`` with ``u'v = 1``, by reweighted least squares.

    Where observed and hidden causes span one space, the noise of an observed cause is the direction on which few genes
    load: itself and its children.
    """
    v, r = u.copy(), len(u)
    least = BLURRED * np.mean(np.abs(loadings))
    for _ in range(REWEIGHTED if r > 1 else 0):
        weight = 1 / np.maximum(np.abs(loadings @ v), least * np.linalg.norm(v))
        M = (loadings * weight[:, None]).T @ loadings
        v = np.linalg.solve(M + 1e-9 * np.trace(M) / r * np.eye(r), u)  # so that a null space has one solution
        v /= u @ v
    return v / np.linalg.norm(v)
