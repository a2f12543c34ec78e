"""How probable counts are that were not looked at: under regressions of counts, and under normal ones of logarithms.

Both are log probabilities of the same whole numbers, so they compare.  A normal model of ``g(y) = log(1 + y / s)`` has
a density; what it says of a count is the mass of the cell around it: the density times the Jacobian ``g'``, integrated
from ``y - 1/2`` to ``y + 1/2`` (a count of 0 has all that is below).  The density at a point is no probability: it
grows without bound for a gene that is nearly always 0.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr
from scipy.stats import nbinom, poisson

from acyclome.core.family.glm import CountScore, Glm
from acyclome.core.moments import scale_genes

_LEAST_VARIANCE = 1e-6


def count_log_likelihood(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], source: np.ndarray, target: np.ndarray,
    model: Glm, threads: int = 1,
) -> np.ndarray:  # fmt: skip
    """Mean log probability of held-out counts, gene by gene, given the genes' causes.

    Parameters
    ----------
    train, test
        Counts, (n, d) and (k, d), and size factors, (n,) and (k,).
    source, target
        Edges, shape (m,); none for independent genes.
    model
        Negative binomial or Poisson.

    Returns
    -------
    Nats per held-out observation, shape (d,).
    """
    (Y, size), (held, held_size) = train, test
    d = Y.shape[1]
    m = scale_genes(lambda a, b: Y[:, a:b].T, d, threads=threads, size=size)
    local = model.prepare(m, 0, threads)
    scale = np.where(m.scale > 0, m.scale, 1.0)
    Z = ((np.log1p(held / held_size[:, None]) - m.mean) / scale).T
    causes = _causes_of(source, target, d)
    found = [_one(local, j, causes[j], Z, held[:, j], np.log(held_size)) for j in range(d)]
    return np.array(found)


def log_normal_log_likelihood(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], source: np.ndarray, target: np.ndarray
) -> np.ndarray:
    """Mean log probability of held-out counts under least squares of ``log(1 + counts / size)`` on the causes.

    Parameters and result are those of :func:`count_log_likelihood`; the noise variance is ``rss / (n - p - 1)``.
    """
    (Y, size), (held, held_size) = train, test
    A, B = np.log1p(Y / size[:, None]), np.log1p(held / held_size[:, None])
    mean = A.mean(axis=0)
    causes = _causes_of(source, target, Y.shape[1])
    found = np.empty(Y.shape[1])
    for j in range(Y.shape[1]):
        P, y = A[:, causes[j]] - mean[causes[j]], A[:, j] - mean[j]
        b = np.linalg.lstsq(P, y, rcond=None)[0]
        deviation = np.sqrt(max(float(((y - P @ b) ** 2).sum()) / (len(y) - len(b) - 1), _LEAST_VARIANCE))
        expected = mean[j] + (B[:, causes[j]] - mean[causes[j]]) @ b
        found[j] = _mass(held[:, j], held_size, expected, deviation).mean()
    return found


def _one(local: CountScore, j: int, causes: np.ndarray, Z: np.ndarray, y: np.ndarray, log_size: np.ndarray) -> float:
    beta, theta = local.fit(j, causes)
    mean = np.exp(log_size + beta[0] + beta[1:] @ Z[causes])
    if not local.model.is_dispersed:
        return float(poisson.logpmf(y, mean).mean())
    r = np.exp(-theta)
    return float(nbinom.logpmf(y, r, r / (r + mean)).mean())


def _mass(y: np.ndarray, size: np.ndarray, expected: np.ndarray, deviation: float) -> np.ndarray:
    """Log of the normal mass between ``g(y - 1/2)`` and ``g(y + 1/2)``, (k,); all below for a count of 0."""
    upper = (np.log1p((y + 0.5) / size) - expected) / deviation
    lower = np.where(y > 0, (np.log1p((np.maximum(y, 1) - 0.5) / size) - expected) / deviation, -np.inf)
    turned = lower > 0  # the tail that does not cancel
    high, low = np.where(turned, -lower, upper), np.where(turned, -upper, lower)
    top = log_ndtr(high)
    found: np.ndarray = top + np.log1p(-np.exp(np.minimum(log_ndtr(low) - top, -1e-15)))
    return found


def _causes_of(source: np.ndarray, target: np.ndarray, d: int) -> list[np.ndarray]:
    by_target = np.argsort(target, kind="stable")
    cuts = np.searchsorted(np.asarray(target)[by_target], np.arange(1, d))
    return np.split(np.asarray(source, dtype=np.int64)[by_target], cuts)
