"""Noise whose variance is a function of the causes, of any law: what that is worth beside the evidence of the mean.

A location-scale model is identifiable but for special pairs (Immer et al. 2023), and where only the noise depends on a
cause that cause is found, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acyclome.core.contract import ScoreCost
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.models.curves.local_score import smoothness
from acyclome.models.held_out import LEAST_VARIANCE, gain_of_own_law, scaled_held_out
from acyclome.models.linear.local_score import AdditiveNoise
from acyclome.models.mlp.gaussian_process import Evidence, EvidenceScore
from acyclome.models.own_rows import OwnRows

STEPS = 6  # of Newton, at most: it ends where a step moves no log variance by a hundredth
MOVED = 0.01
WIDEST = 3.0  # natural log of a variance over the mean one, either way: Newton steps out of flat tails end there


@dataclass(frozen=True)
class LocationScale:
    """``x_j ~ N(m_j(x_S), exp(s_j(x_S)))`` with ``m_j`` a Gaussian process and ``s_j`` a sum of curves."""

    mean: Evidence

    def expand(self, problem: Problem) -> np.ndarray:
        return self.mean.expand(problem)

    def prepare(self, problem: Problem, seed: int) -> LocationScaleScore:
        return LocationScaleScore(problem.data, self.mean.prepare(problem, seed), np.array(smoothness(self.mean.terms)))

    def cost(self, n_obs: int) -> ScoreCost:
        found, k = self.mean.cost(n_obs), 3 * self.mean.terms  # of three parents, by which the contract counts
        variance = len(smoothness(self.mean.terms)) * STEPS * (n_obs * k * k + 1.0 * k**3)
        return found._replace(score=2.0 * found.score + variance)


@dataclass(frozen=True)
class LocationScaleScore(AdditiveNoise):
    """The model on given data.

    The score is that of the mean less ``max(0, ratio / c - df/2 log n)``, with ``ratio`` the log-likelihood ratio of
    ``s_j`` over a constant, the mean as it is fitted to noise of one variance, and ``df`` the effective degrees of
    freedom of ``s_j``.  ``c`` is by how much squares of the noise vary beyond those of normal noise, 1 at least
    (quasi-likelihood: McCullagh and Nelder 1989, section 9.2): heavy tails follow any curve a little.  Less, too, what
    noise in units of its deviation gains by its own law, over what the gene alone gains by its own.
    """

    data: Moments
    mean: EvidenceScore
    penalties: np.ndarray  # (g, terms)

    @property
    def basis(self) -> np.ndarray:
        return self.mean.basis

    def scores(self, j: int, sets: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        if sets.shape[1] == 0:
            return self.mean.scores(j, sets, rows)
        own = OwnRows.of(self.data, j, rows)
        found, left = self.mean.scores_and_left(j, sets, own)
        alone = self._gain(j, sets[0, :0], self.left_by(j, sets[0, :0], own), own)
        return found + alone - [self._gain(j, *fit, own) for fit in zip(sets, left, strict=True)]

    def promise(self, j: int, parents: np.ndarray, others: np.ndarray) -> np.ndarray:
        return self.mean.promise(j, parents, others)

    def left_by(self, j: int, parents: np.ndarray, own: OwnRows) -> np.ndarray:
        return self.mean.left_by(j, parents, own)

    def held_out(self, j: int, parents: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        own = OwnRows.of(self.data, j, train)
        left = self.left_by(j, parents, own)
        deviation = np.exp(0.5 * self._log_variance(parents, left, own)[0])
        return scaled_held_out(self.data, j, left, own=own, test=test, deviation=deviation)

    def _gain(self, j: int, parents: np.ndarray, left: np.ndarray, own: OwnRows) -> float:
        """Return the nats that the noise ``left (n,)`` of gene ``j`` gains by its variance and by its law."""
        s, gain = self._log_variance(parents, left, own)
        noise = (left * np.exp(-0.5 * s))[slice(None) if own.fitted is None else own.fitted]
        return gain + gain_of_own_law(self.data, j, noise, own=own)

    def _log_variance(self, parents: np.ndarray, left: np.ndarray, own: OwnRows) -> tuple[np.ndarray, float]:
        """Return the log variance of the noise everywhere, ``(n,)``, and what it gains over a constant, in nats."""
        F = self.basis[parents].reshape(-1, self.data.n_obs).astype(np.float64)
        fitted = slice(None) if own.fitted is None else own.fitted
        square = left[fitted].astype(np.float64) ** 2
        level = max(float(square.mean()), LEAST_VARIANCE)
        best, gain = np.full(self.data.n_obs, np.log(level)), 0.0
        if len(parents) == 0 or level == LEAST_VARIANCE:  # a gene that is constant, or its parents to the last bit
            return best, gain
        mean = F[:, fitted].mean(axis=1, keepdims=True)
        X, u, n = F[:, fitted] - mean, square / level, own.n_effective
        B, free = _fit(X, u, len(u) * np.tile(self.penalties, len(parents)))
        s = np.clip(B @ X, -WIDEST, WIDEST)
        noise = u * np.exp(-s)
        shift = np.log(noise.mean(axis=1))  # the constants of the best likelihoods given the shapes
        heavy = np.maximum(np.var(noise, axis=1) * np.exp(-2.0 * shift) / 2.0, 1.0)  # squares of normal noise vary by 2
        gains = -0.5 * n * (s.mean(axis=1) + shift) / heavy - free / 2 * np.log(n)
        k = int(np.argmax(gains))
        if gains[k] > 0.0:
            best, gain = np.log(level) + shift[k] + np.clip(B[k] @ (F - mean), -WIDEST, WIDEST), float(gains[k])
        return best, gain


def _fit(X: np.ndarray, u: np.ndarray, penalty: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit ``s = b'X`` to squares ``u`` of mean 1 by penalized likelihood, for some penalties ``(g, k)`` at once.

    Returned are ``b`` ``(g, k)`` and degrees of freedom ``(g,)``.  Minus twice the log-likelihood is ``sum s + u
    exp(-s)``, whose expected curvature is that of least squares: Newton's steps by it (Fisher scoring) need one
    inverse.  The constant is held where weights ``u exp(-s)`` have mean 1.
    """
    G = X @ X.T
    inverse = np.linalg.inv(G + np.eye(len(X)) * (penalty + LEAST_VARIANCE * X.shape[1])[:, None])
    b, s = np.zeros(penalty.shape), np.zeros((len(penalty), X.shape[1]))
    for _ in range(STEPS):
        weight = u * np.exp(-np.clip(s, -WIDEST, WIDEST))
        slope = (weight / weight.mean(axis=1, keepdims=True)) @ X.T - penalty * b
        step = np.einsum("gkl,gl->gk", inverse, slope)
        moved = step @ X
        b, s = b + step, s + moved
        if np.abs(moved).max() < MOVED:
            break
    return b, np.einsum("gkl,kl->g", inverse, G)
