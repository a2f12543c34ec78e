"""Genes as curves of weighted sums of their parents: index and multiple-index models.

The weights are found by projection pursuit (Friedman and Stuetzle 1981), one function after the other; the curves of
all functions are then fitted together and judged as those of :mod:`acyclome.models.curves.local_score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from acyclome.core.contract import ScoreCost
from acyclome.core.data.basis import expand, explained, orthonormal, own_standardized, standardized
from acyclome.core.data.expansions import Expansion
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.models.curves.local_score import JITTER, fit_terms
from acyclome.models.linear.local_score import AdditiveNoise
from acyclome.models.own_rows import OwnRows

STEPS = 5  # of Gauss-Newton from the better start, at most: it ends where the curve fits no better
TRIAL = 6e3  # multiplications per observation in the time that one curve takes to be fitted
KNOTS = 64  # points between which the slope of a curve is read
TINY = 1e-12  # where a flat curve has no slope at all


@dataclass(frozen=True)
class Ridges:
    """``x_j = sum_m f_m(w_m' x_S) + e_j`` with ``f_m`` in the span of an expansion, ``e_j`` Gaussian."""

    expansion: Expansion  # of every weighted sum
    penalties: tuple[tuple[float, ...], ...]  # (g, terms) ridge penalties as in Curves
    functions: int  # of a gene at most, 1 being the index model; as many are taken as the score pays for

    def expand(self, problem: Problem) -> np.ndarray:
        return expand(problem.data.Z, self.expansion, problem.threads)

    def prepare(self, problem: Problem, seed: int) -> RidgesScore:
        return RidgesScore(problem.data, self.expand(problem), self)

    def cost(self, n_obs: int) -> ScoreCost:
        terms = self.expansion.terms
        k = self.functions * terms
        trials = self.functions * (STEPS + 2)  # two starts and the steps
        score = n_obs * (k * k + trials * TRIAL) + 4.0 * len(self.penalties) * k**3
        return ScoreCost(4.0 * n_obs * terms, score, float(n_obs * terms))


class Sum(NamedTuple):
    """Ridge functions of one set of parents: score, and fitted values ``(n,)``."""

    cost: float
    fitted: np.ndarray


@dataclass(frozen=True)
class RidgesScore(AdditiveNoise):
    """Ridge functions on given data."""

    data: Moments
    basis: np.ndarray  # (d, terms, n) float32, orthonormal terms of every gene, by which parents are screened
    settings: Ridges

    def scores(self, j: int, sets: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Score sets of parents of gene ``j``, ``(s, p) -> (s,)``: that of all terms, ``log n / 2`` for every weight.

        Weights of a function count ``p - 1``, since its curve has their scale.
        """
        own = OwnRows.of(self.data, j, rows)
        return np.array([self._pursue(j, one, own).cost for one in sets]) if sets.shape[1] else np.zeros(len(sets))

    def promise(self, j: int, parents: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Share of what the parents of ``j`` leave that each of ``others`` explains, alone or times one parent."""
        residual, out = self.residual(j, parents), self.data.interventions.of(j)
        responses = np.vstack([residual, residual * self.data.Z[parents].astype(np.float32)])
        return explained(self.basis[others], own_standardized(responses, out), out).max(axis=1)

    def left_by(self, j: int, parents: np.ndarray, own: OwnRows) -> np.ndarray:
        y = own.response(self.data.Z[j])
        left: np.ndarray = (y - self._pursue(j, parents, own).fitted if len(parents) else y).astype(np.float32)
        return own.less_mean(left)

    def _pursue(self, j: int, parents: np.ndarray, own: OwnRows) -> Sum:
        """Add functions of the parents as long as the score falls."""
        y, X = own.response(self.data.Z[j]).astype(np.float64), self.data.Z[parents].astype(np.float64)
        inputs, basis = own.within(X), own.within(self.basis[parents])
        penalties, seen = np.array(self.settings.penalties), own.within(y)
        best, terms = Sum(np.inf, np.zeros_like(y)), np.empty((0, len(y)))
        # Of one parent there is one weighted sum, whose curve bends as it likes already.
        for m in range(1, (self.settings.functions if len(parents) > 1 else 1) + 1):
            w = self._direction(own.within(y - best.fitted), inputs, basis)
            terms = np.vstack([terms, self._terms(w @ X)])
            cost, _, b = fit_terms(own.within(terms)[None], seen, np.tile(penalties, m), own.n_effective)
            at = int(np.argmin(cost[0]))
            total = float(cost[0, at]) + m * (len(parents) - 1) / 2 * np.log(own.n_effective)
            if total >= best.cost:
                break
            best = Sum(total, b[0, at] @ terms)
        return best

    def _terms(self, u: np.ndarray) -> np.ndarray:
        return orthonormal(self.settings.expansion.rows(standardized(u[None])[0]))

    def _direction(self, y: np.ndarray, X: np.ndarray, basis: np.ndarray) -> np.ndarray:
        """Weights ``(p,)`` whose sum explains most of ``y`` by one curve, by Gauss-Newton from the better start.

        One start is the best line, the other the parent whose own terms ``(p, terms, n)`` explain most.
        """
        p = len(X)
        if p == 1:
            return np.ones(1)
        C = X @ X.T / X.shape[1] + JITTER * np.eye(p)
        alone = explained(basis, y[None].astype(np.float32))[:, 0]
        starts = [np.linalg.solve(C, X @ y), np.eye(p)[int(np.argmax(alone))]]
        left, fitted, w = min(((*self._curve(y, w @ X), w) for w in starts), key=lambda one: one[0])
        for _ in range(STEPS):
            J = _slope(w @ X, fitted) * X
            ridge = JITTER * max(float(np.trace(J @ J.T)), TINY)
            turned = w + np.linalg.solve(J @ J.T + ridge * np.eye(p), J @ (y - fitted))
            turned /= max(float(np.linalg.norm(turned)), JITTER)  # the curve has the scale
            less, closer = self._curve(y, turned @ X)
            if less >= left:
                break
            left, fitted, w = less, closer, turned
        return w

    def _curve(self, y: np.ndarray, u: np.ndarray) -> tuple[float, np.ndarray]:
        """Fit one curve of ``u`` under the best penalty: its score, and fitted values ``(n,)``.

        Coordinates ``c`` are those of the orthonormal terms, ``L^-1 R`` with ``L`` the Cholesky factor of ``R R' / n``.
        """
        R, n, n_effective = self.settings.expansion.rows(standardized(u[None])[0]), len(y), self.data.n_effective
        R = standardized(R)  # so that JITTER is as small beside each term
        L = np.linalg.cholesky(R @ R.T / n + JITTER * np.eye(len(R)))
        c = np.linalg.solve(L, R @ y / n)
        shrunk = 1.0 / (1.0 + np.array(self.settings.penalties))
        left = float(y @ y) / n - (2 * shrunk - shrunk**2) @ c**2
        cost = n_effective / 2 * np.log(np.maximum(left, JITTER)) + shrunk.sum(axis=1) / 2 * np.log(n_effective)
        at = int(np.argmin(cost))
        return float(cost[at]), np.linalg.solve(L.T, shrunk[at] * c) @ R


def _slope(u: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Slope of a curve at ``u``, ``(n,)``, from its values there."""
    order = np.argsort(u, kind="stable")
    at = order[np.linspace(0, len(u) - 1, min(KNOTS, len(u))).astype(np.int64)]
    x, where = np.unique(u[at], return_index=True)
    if len(x) < 2:  # all values are one
        return np.zeros_like(u)
    return np.interp(u, x, np.gradient(fitted[at][where], x))
