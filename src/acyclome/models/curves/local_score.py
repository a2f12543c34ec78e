"""Genes as sums of curves of their parents, and what a set of parents is worth by its effective degrees of freedom.

One family in three expansions: powers are the polynomial model of NO-BEARS (Lee et al. 2019), cosines and B-splines
the basis expansions of nonparametric NOTEARS (Zheng et al. 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from acyclome.core.contract import ScoreCost
from acyclome.core.data.basis import expand, explained, own_standardized
from acyclome.core.data.expansions import Expansion
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.models.linear.local_score import AdditiveNoise
from acyclome.models.own_rows import OwnRows

JITTER = 1e-6  # relative to variances of 1 in float32, where sums over a thousand observations err by about as much
BARRED = 1e6  # penalty of a term that a polynomial of lower degree has not
BATCH_VALUES = 1 << 22  # values of terms held at once, 16 MB
# From a curve that bends as it likes to a line: eight terms have 7.6, 5.0, 2.5 and 1 degrees of freedom.
SMOOTHING = (1e-4, 3e-3, 1e-1, BARRED)


def degrees(terms: int) -> tuple[tuple[float, ...], ...]:
    """Penalties of which each leaves the first terms free and bars the others, ``(terms, terms)``."""
    return tuple(tuple(0.0 if k <= last else BARRED for k in range(terms)) for last in range(terms))


def smoothness(terms: int) -> tuple[tuple[float, ...], ...]:
    """Penalties ``tau k^4`` of bend ``k``, as of its squared second derivative, in rows; lines go free."""
    return tuple(tuple(tau * k**4 for k in range(terms)) for tau in SMOOTHING)


@dataclass(frozen=True)
class Curves:
    """``x_j = sum_i f_i(x_i) + e_j`` with ``f_i`` in the span of an expansion, ``e_j`` Gaussian."""

    expansion: Expansion
    penalties: tuple[tuple[float, ...], ...]  # (g, terms) of orthonormal terms; each set of parents takes its best row

    def expand(self, problem: Problem) -> np.ndarray:
        return expand(problem.data.Z, self.expansion, problem.threads)

    def prepare(self, problem: Problem, seed: int) -> CurvesScore:
        Z = problem.data.Z.astype(np.float32, copy=False)
        return CurvesScore(problem.data, Z, self.expand(problem), np.array(self.penalties))

    def cost(self, n_obs: int) -> ScoreCost:
        terms = self.expansion.terms
        k = 3 * terms  # of three parents, by which the contract counts
        score = n_obs * k * k + 4.0 * len(self.penalties) * k**3
        return ScoreCost(4.0 * n_obs * (terms + 1), score, float(n_obs * terms))


@dataclass(frozen=True)
class CurvesScore(AdditiveNoise):
    """Sums of curves on given data."""

    data: Moments
    Z: np.ndarray  # (d, n) float32, standardized genes
    basis: np.ndarray  # (d, terms, n) float32, orthonormal terms of every gene
    penalties: np.ndarray  # (g, terms)

    def scores(self, j: int, sets: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Score sets of parents of gene ``j`` under the best penalty each, ``(s, p) -> (s,)``, as :func:`fit_terms`.

        Cost: ``n k^2 + g k^3`` for ``k = p terms`` and ``g`` penalties.
        """
        s, p = sets.shape
        if p == 0:
            return np.zeros(s)
        step = max(BATCH_VALUES // (p * self.basis.shape[1] * self.Z.shape[1]), 1)
        own = OwnRows.of(self.data, j, rows)
        return np.concatenate([self._fit(j, sets[a : a + step], own).cost.min(axis=1) for a in range(0, s, step)])

    def promise(self, j: int, parents: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Share of what the parents of ``j`` leave that the curves of each of ``others`` explain, ``(k,)``."""
        out = self.data.interventions.of(j)
        return explained(self.basis[others], own_standardized(self.residual(j, parents)[None], out), out)[:, 0]

    def weights(self, j: int, parents: np.ndarray) -> np.ndarray:
        """Return the slope of the line in the curve of each parent, ``(p,)``: its best linear approximation.

        For normal values that is the slope of the curve on average (Stein 1981), whose sign a signed edge has to have.
        """
        return self.coefficients(j, parents, OwnRows.of(self.data, j))[:, 0] * self.data.own_scale[parents]

    def coefficients(self, j: int, parents: np.ndarray, own: OwnRows) -> np.ndarray:
        """Return the coefficients of the curves under the best penalty, ``(p, terms)``."""
        if len(parents) == 0:
            return np.empty((0, self.basis.shape[1]))
        fit = self._fit(j, parents[None], own)
        best: np.ndarray = fit.coefficients[0, int(np.argmin(fit.cost[0]))]
        return best.reshape(len(parents), -1)

    def _terms(self, sets: np.ndarray) -> np.ndarray:
        """Terms of the parents, ``(..., p) -> (..., p terms, n)``."""
        return self.basis[sets].reshape(*sets.shape[:-1], -1, self.basis.shape[2])

    def left_by(self, j: int, parents: np.ndarray, own: OwnRows) -> np.ndarray:
        y = own.response(self.Z[j])
        if len(parents) == 0:
            return own.less_mean(y.copy())
        b = self.coefficients(j, parents, own).ravel().astype(np.float32)
        return own.less_mean(y - b @ self._terms(parents))

    def _fit(self, j: int, sets: np.ndarray, own: OwnRows) -> Fits:
        F, y = own.within(self._terms(sets)), own.within(own.response(self.Z[j]))
        return fit_terms(F, y, np.tile(self.penalties, sets.shape[1]), own.n_effective)


class Fits(NamedTuple):
    """Cost and degrees of freedom of sets of terms under penalties, ``(s, g)``, and coefficients ``(s, g, k)``."""

    cost: np.ndarray
    free: np.ndarray
    coefficients: np.ndarray


def fit_terms(F: np.ndarray, y: np.ndarray, penalties: np.ndarray, n_effective: float) -> Fits:
    """Score every set of terms ``F`` ``(s, k, n)`` under every penalty ``(g, k)``.

    ``n/2 log(left) + df/2 log n`` with ``left`` the share of variance left, ``df = tr (G + P)^-1 G`` the effective
    degrees of freedom of all terms (Hastie and Tibshirani 1990), ``G`` their mean products.  Terms have mean 0 and mean
    square 1.
    """
    n, k = len(y), F.shape[1]
    G = (F @ F.transpose(0, 2, 1)).astype(np.float64)[:, None] / n
    c = (F @ y).astype(np.float64)[:, None] / n
    P = penalties + JITTER
    inverse = np.linalg.inv(G + P[:, :, None] * np.eye(k))
    b = np.einsum("sgkl,shl->sgk", inverse, c)
    free = k - np.einsum("sgkk,gk->sg", inverse, P)
    whole = float(y @ y) / n + JITTER  # a constant gene divides nothing by zero
    left = (whole - np.einsum("sgk,shk->sg", b, c) - np.einsum("sgk,gk->sg", b * b, P)) / whole
    return Fits(n_effective / 2 * np.log(np.maximum(left, JITTER)) + free / 2 * np.log(n_effective), free, b)
