"""Least squares: the linear model's local score, and the weights that models of curves give their edges.

Orders are searched by sufficient statistics alone (``core.order_search``), which is faster and finds the same graphs;
what is scored set by set here is what that search minimizes, and says how probable held-out observations are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from acyclome.core.contract import ScoreCost
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.core.order_search.select import MIN_VARIANCE
from acyclome.models.held_out import noise_held_out
from acyclome.models.own_rows import OwnRows

TINY = 1e-9  # least share of variance that parents leave, as in ``order_search.select``


@dataclass(frozen=True)
class LeastSquares:
    """``x_j = sum_i W_ij x_i + e_j`` with ``e_j`` Gaussian, of its own variance."""

    def expand(self, problem: Problem) -> None:
        """Leave the screening to correlations, which see all that is linear."""

    def prepare(self, problem: Problem, seed: int) -> LinearScore:
        return LinearScore(problem.data)

    def cost(self, n_obs: int) -> ScoreCost:
        return ScoreCost(0.0, 4.0**3, 0.0)


class AdditiveNoise(ABC):
    """What a model fitted by least squares says once it says what parents leave of a gene."""

    data: Moments

    @abstractmethod
    def left_by(self, j: int, parents: np.ndarray, own: OwnRows) -> np.ndarray:
        """Return what parents leave of gene ``j`` in all observations, ``(n,)``, by a fit to those of ``own``."""

    def residual(self, j: int, parents: np.ndarray) -> np.ndarray:
        own = OwnRows.of(self.data, j)
        return own.alone(self.left_by(j, parents, own)).astype(np.float32, copy=False)

    def weights(self, j: int, parents: np.ndarray) -> np.ndarray:
        return linear_effects(self.data, j, parents)

    def held_out(self, j: int, parents: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        own = OwnRows.of(self.data, j, train)
        density = noise_held_out(self.data, j, self.left_by(j, parents, own), own=own, test=test)
        return density + self.log_slope(j, own)[test]

    def log_slope(self, j: int, own: OwnRows) -> np.ndarray:
        """Return the log slope of the scale on which noise is normal, where the gene is, ``(n,)``; 0 on its own."""
        return np.zeros(own.n_obs)


@dataclass(frozen=True)
class LinearScore(AdditiveNoise):
    """Least squares on given data."""

    data: Moments
    basis = None  # lines are enough

    def scores(self, j: int, sets: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Score sets of parents of gene ``j`` by BIC, ``n/2 log left + p/2 log n``, ``(s, p) -> (s,)``.

        Parents are taken out of the covariances one by one; one that others explain up to ``MIN_VARIANCE`` gains
        nothing, as in the order search.
        """
        s, p = sets.shape
        if p == 0:
            return np.zeros(s)
        genes, at = np.unique(np.append(sets, j), return_inverse=True)
        own = OwnRows.of(self.data, j, rows)
        C = _correlations(self.data, genes, own)
        place = np.column_stack([at[:-1].reshape(s, p), np.full(s, at[-1])])
        left = np.maximum(_taken_out(C[place[:, :, None], place[:, None]], p)[:, -1, -1], TINY)
        return own.n_effective / 2 * np.log(left) + p / 2 * np.log(own.n_effective)

    def promise(self, j: int, parents: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Return the share of what the parents leave of ``j`` that each of ``others`` explains, ``(len(others),)``."""
        genes = np.concatenate([parents, others, [j]])
        C = _taken_out(_correlations(self.data, genes, OwnRows.of(self.data, j))[None], len(parents))[0]
        v = C.diagonal()[len(parents) : -1]
        share = C[len(parents) : -1, -1] ** 2 / np.maximum(v, MIN_VARIANCE) / max(C[-1, -1], TINY)
        return np.where(v > MIN_VARIANCE, share, 0.0)

    def left_by(self, j: int, parents: np.ndarray, own: OwnRows) -> np.ndarray:
        y, X = own.response(self.data.Z[j]).astype(np.float64), self.data.Z[parents].astype(np.float64)
        weight = np.linalg.lstsq(own.within(X).T, own.within(y), rcond=None)[0]
        return own.less_mean(y - weight @ X)


def linear_effects(data: Moments, j: int, parents: np.ndarray) -> np.ndarray:
    """Weights of the best linear function of the parents of gene ``j``, ``(p,)``.

    In standard deviations of every gene over its own observations.
    """
    if len(parents) == 0:
        return np.empty(0)
    own = OwnRows.of(data, j)
    genes = np.append(parents, j)
    # Moments hold the correlations over all observations, so only targets have to be read anew.
    C = data.among(genes).astype(np.float64) if own.own is None else _covariances(own.within(data.Z[genes]))
    slope = np.linalg.solve(C[:-1, :-1] + TINY * np.eye(len(parents)), C[:-1, -1])
    return slope * data.own_scale[parents] / (data.own_scale[j] or 1.0)


def _covariances(X: np.ndarray) -> np.ndarray:
    X = X.astype(np.float64, copy=False)
    return X @ X.T / X.shape[1]


def _correlations(data: Moments, genes: np.ndarray, own: OwnRows) -> np.ndarray:
    """Correlations over the fitted observations, ``(k, k)`` float64; zero where a gene is constant."""
    if own.fitted is None:
        return data.among(genes).astype(np.float64)
    C = _covariances(own.within(data.Z[genes]))
    scale = np.sqrt(np.where(C.diagonal() > TINY, C.diagonal(), np.inf))
    return C / scale / scale[:, None]


def _taken_out(C: np.ndarray, p: int) -> np.ndarray:
    """Covariances ``(s, k, k)`` that the first ``p`` of ``k`` variables leave, each taken out after the other."""
    for a in range(p):
        v = C[:, a, a]
        share = np.divide(1.0, v, out=np.zeros_like(v), where=v > MIN_VARIANCE)
        C = C - C[:, :, a, None] * C[:, a, None, :] * share[:, None, None]
    return C
