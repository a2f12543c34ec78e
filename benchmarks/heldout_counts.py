"""How probable counts are that were not looked at: under regressions of counts, and under normal ones of logarithms.

Both are log probabilities of the same whole numbers, so they compare, see :mod:`acyclome.models.held_out`.
"""

from __future__ import annotations

import numpy as np

from acyclome.core.backend import ThreadBackend
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.moments import scale_genes
from acyclome.core.data.problem import Problem
from acyclome.models.glm.local_score import CountScore, Glm
from acyclome.models.held_out import normal_mass

_LEAST_VARIANCE = 1e-6  # of a gene that hardly varies in its half: its density stays finite


def count_log_likelihood(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    source: np.ndarray,
    target: np.ndarray,
    model: Glm,
    threads: int = 1,
) -> np.ndarray:
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
    local = model.prepare(Problem(m, Constraints.none(d), ThreadBackend(threads)), 0)
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
        found[j] = normal_mass(held[:, j], held_size, expected, deviation).mean()
    return found


def _one(local: CountScore, j: int, causes: np.ndarray, Z: np.ndarray, y: np.ndarray, log_size: np.ndarray) -> float:
    beta, theta = local.fit(j, causes)
    return float(local.mass(y, log_size, Z[causes], beta, theta).mean())


def _causes_of(source: np.ndarray, target: np.ndarray, d: int) -> list[np.ndarray]:
    by_target = np.argsort(target, kind="stable")
    cuts = np.searchsorted(np.asarray(target)[by_target], np.arange(1, d))
    return np.split(np.asarray(source, dtype=np.int64)[by_target], cuts)
