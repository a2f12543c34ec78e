"""Latent expression behind counts: the score of every observation, and correlations with the noise of counting off.

    y_gc ~ Poisson(s_c exp(a_g + k_g z_gc)),   z Gaussian of variance 1, its correlations rho sought

Counting blurs causes, and what a blurred cause leaves unexplained joins its effects to one another.  What is seen of
``z`` is its mean given the count, ``E[z | y]``; with ``c_q`` the covariance of its standardized form with the Hermite
polynomial of degree ``q``, the correlation of two such means is ``sum_q c_qi c_qj rho^q`` (Mehler; Bussgang for ``q``
of 1), which is solved for ``rho``.  The sampling variance of that is ``1 / (n c_1i^2 c_1j^2)``, so each entry is shrunk
to what its pair can know, and all are worth as many observations as would leave them as uncertain.  ``k`` is by
moments, as in the Poisson log-normal model (Aitchison and Ho 1989): what is dispersed beyond Poisson is expression.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

DEGREES = 3  # the cube adds .03 of a standard error for droplet counts, the fourth power nothing to be seen
NODES = np.linspace(-4.8, 4.8, 97)  # of the Gaussian; a tenth apart, they resolve what 500 counts tell of a gene
SIZES = 33  # points on the range of the logarithms of size factors, between which lines are drawn
LEAST_SPREAD = 0.02  # variance of the log mean, of genes that show no more: below, they tell nothing, whatever it is
TABLE = 64  # counts whose tables are made at once, 1.6 MB each of float64
ROUNDS = 8  # of solving for rho: the powers beside the first are a tenth of it
# Root mean square of the correlations sought, at the least: of sparse graphs nearly all are 0, yet those of edges .5.
# .1 and .2 lost .01 to .03 of F1 at mean counts of .1 to 5; above, where regulators have many targets, it is measured.
LEAST_CORRELATION = 0.15
LEAST_EIGENVALUE = 0.05  # of the shrunk correlations; .2 lost .01 of F1
CALIBRATION = 1.3  # 1 misses edges of shallow counts (F1 .28 for .34), 1.6 joins independent genes
# Genes up to which that holds.  The bar of an edge grows with their number, what it explains does not: of 1,200 genes
# at mean counts of .1 to 3 logarithms have an F1 of .24, 1.3 and 5 times the observations .10 and .26.
FEW_GENES = 300
TINY = 1e-300


class LatentScores(NamedTuple):
    """What counts tell of some genes.

    Parameters
    ----------
    Z
        ``(d, n)`` means of ``z`` given the counts, standardized; zeros of a gene without counts.
    log_mean, spread
        ``(d,)`` mean and standard deviation of the log mean at size factor 1: ``a`` and ``k``.
    hermite
        ``(DEGREES, d)`` covariances of ``Z`` with the Hermite polynomials of ``z``.
    """

    Z: np.ndarray
    log_mean: np.ndarray
    spread: np.ndarray
    hermite: np.ndarray


class LatentCorrelations(NamedTuple):
    """Correlations of latent expression.

    Parameters
    ----------
    R
        ``(d, d)``, shrunk to what is known of each.
    worth
        Observations of latent expression that would leave them as uncertain.
    measured
        ``(d, d)``, the part of the correlations of the scores that is linear in them: ``c_i c_j rho_ij``.
    """

    R: np.ndarray
    worth: float
    measured: np.ndarray


def latent_scores(counts: np.ndarray, size: np.ndarray) -> LatentScores:
    """Score every count ``(d, n)`` of observations with size factors ``(n,)``.

    ``k^2 = log(1 + v)`` with ``v = sum_c ((y - s m)^2 - y) / (m^2 sum_c s^2)``, 0 in the mean where nothing but
    counting makes counts vary.
    """
    d, n = counts.shape
    out = LatentScores(np.zeros((d, n)), np.zeros(d), np.zeros(d), np.zeros((DEGREES, d)))
    place, share, sizes = _places(np.log(size))
    for g, y in enumerate(counts.astype(np.float64)):
        mean = y.sum() / size.sum()
        if mean <= 0:
            continue
        excess = float(((y - mean * size) ** 2 - y).sum() / (mean**2 * (size**2).sum()))
        variance = max(float(np.log1p(max(excess, 0.0))), LEAST_SPREAD)
        log_mean, spread = np.log(mean) - variance / 2, np.sqrt(variance)
        values, at = np.unique(y, return_inverse=True)
        table = _means_given(values, log_mean + spread * NODES, sizes)
        given = table[:, at, place] * (1.0 - share) + table[:, at, place + 1] * share
        z = given[0] - given[0].mean()
        deviation = z.std()
        if deviation <= 0:
            continue
        out.Z[g] = z / deviation
        out.log_mean[g], out.spread[g], out.hermite[:, g] = log_mean, spread, given @ out.Z[g] / n
    return out


def _places(log_size: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return between which of some sizes, and how far on, every observation lies; and these sizes."""
    low, high = float(log_size.min()), float(log_size.max())
    step = (high - low) / (SIZES - 1) or 1.0
    exact = (log_size - low) / step
    place = np.minimum(exact.astype(np.int64), SIZES - 2)
    return place, exact - place, np.exp(low + step * np.arange(SIZES))


def _means_given(values: np.ndarray, log_rate: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return means of the Hermite polynomials of ``z`` given counts and sizes, ``(DEGREES, values, sizes)``."""
    x = NODES
    polynomials = np.stack([x, (x**2 - 1.0) / np.sqrt(2.0), (x**3 - 3.0 * x) / np.sqrt(6.0)], axis=1)
    fixed = -np.outer(sizes, np.exp(log_rate)) - x**2 / 2.0
    out = np.empty((DEGREES, len(values), len(sizes)))
    for first in range(0, len(values), TABLE):
        part = slice(first, first + TABLE)
        weight = values[part, None, None] * log_rate + fixed
        weight = np.exp(weight - weight.max(axis=2, keepdims=True))
        out[:, part] = np.moveaxis(weight @ polynomials / weight.sum(axis=2, keepdims=True), 2, 0)
    return out


def latent_correlations(R: np.ndarray, hermite: np.ndarray, n_obs: int) -> LatentCorrelations:
    """Return correlations of latent expression, and of how many observations they are worth.

    ``R`` are those of the scores.  An entry is shrunk by ``x / (1 + x)``, with ``x`` the variance of the correlations
    sought over its sampling variance, and further where chance would still count for more than it is.  Eigenvalues
    below ``LEAST_EIGENVALUE`` are raised to it, and the diagonal is brought back to 1.  Cost: one eigendecomposition.
    """
    rho, known = _unblurred(R, hermite)
    explained = float(np.sum(known * rho**2) - np.count_nonzero(known) / n_obs)
    square = max(explained / max(float(known.sum()), TINY), LEAST_CORRELATION**2)
    x = n_obs * square * known
    noise = square * x / (1.0 + x) ** 2  # sampling variance of a shrunk entry
    # Where noise is largest counts most: genes without counts have entries of 0, and none.
    calibration = CALIBRATION * max(np.count_nonzero(hermite[0] > 0) / FEW_GENES, 1.0)
    worth = calibration * float(np.sum(noise**2)) / max(float(np.sum(noise**3)), TINY) if noise.any() else n_obs
    worth = min(max(worth, 2.0), float(n_obs))
    C = rho * x / (1.0 + x) / np.sqrt(np.maximum(worth * noise, 1.0))
    C = (C + C.T) / 2.0
    np.fill_diagonal(C, 1.0)
    value, vector = np.linalg.eigh(C)
    C = (vector * np.maximum(value, LEAST_EIGENVALUE)) @ vector.T
    scale = np.sqrt(C.diagonal())
    C = (C + C.T) / 2.0 / np.outer(scale, scale)
    np.fill_diagonal(C, (hermite[0] > 0).astype(float))
    measured = np.clip(rho, -1.0, 1.0) * np.outer(hermite[0], hermite[0])
    np.fill_diagonal(measured, 1.0)
    return LatentCorrelations(C.astype(R.dtype, copy=False), worth, measured)


def _unblurred(R: np.ndarray, hermite: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what ``R`` says of correlations behind the scores, unbounded, and the share of it that can be known.

    Both are ``(d, d)`` with a diagonal of 0; ``1 / (n known)`` is the sampling variance.
    """
    first = np.outer(hermite[0], hermite[0])
    np.fill_diagonal(first, 0.0)
    inverse = np.divide(1.0, first, out=np.zeros_like(first), where=first > 0)
    rho = R * inverse
    for _ in range(ROUNDS):
        within = np.clip(rho, -1.0, 1.0)
        rho = (R - sum(np.outer(c, c) * within ** (q + 2) for q, c in enumerate(hermite[1:]))) * inverse
    return rho, first**2
