"""Genes as sums of curves of their causes, and what a set of causes is worth by its effective degrees of freedom.

One family in three expansions: powers are the polynomial model of NO-BEARS (Lee et al. 2019), cosines and B-splines
the basis expansions of nonparametric NOTEARS (Zheng et al. 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acyclome.core.contract import Cost
from acyclome.core.data.basis import expand, explained, standardized
from acyclome.core.data.expansions import Expansion
from acyclome.core.data.moments import Moments
from acyclome.models.held_out import less_mean, normal_held_out, within

JITTER = 1e-6
BARRED = 1e6  # penalty of a term that a polynomial of lower degree has not
BATCH_VALUES = 1 << 22  # values of terms held at once, 16 MB
SMOOTHING = (1e-4, 3e-3, 1e-1, BARRED)


def degrees(terms: int) -> tuple[tuple[float, ...], ...]:
    """Penalties of which each leaves the first terms free and bars the others, ``(terms, terms)``."""
    return tuple(tuple(0.0 if k <= last else BARRED for k in range(terms)) for last in range(terms))


def smoothness(terms: int) -> tuple[tuple[float, ...], ...]:
    """Penalties ``tau k^4`` of bend ``k``, as of its squared second derivative, in rows; lines go free."""
    return tuple(tuple(tau * k**4 for k in range(terms)) for tau in SMOOTHING)


@dataclass(frozen=True)
class Curves:
    """``x_j = sum_i f_i(x_i) + e_j`` with ``f_i`` in the span of an expansion, ``e_j`` Gaussian.

    Parameters
    ----------
    expansion
        The functions of every gene.
    penalties
        ``(g, terms)`` ridge penalties of the orthonormal terms, relative to their unit variance; the best row is taken
        for each set of causes.
    """

    expansion: Expansion
    penalties: tuple[tuple[float, ...], ...]

    def expand(self, moments: Moments, threads: int) -> np.ndarray:
        """Expand every gene into orthonormal terms, ``(d, terms, n)`` float32."""
        return expand(moments.Z, self.expansion, threads)

    def prepare(self, moments: Moments, seed: int, threads: int) -> CurvesScore:
        """Expand the genes."""
        Z = moments.Z.astype(np.float32, copy=False)
        return CurvesScore(moments, Z, self.expand(moments, threads), np.array(self.penalties))

    def cost(self, n_obs: int) -> Cost:
        """Say what the family takes with so many observations."""
        terms = self.expansion.terms
        k = 3 * terms
        score = n_obs * k * k + 4.0 * len(self.penalties) * k**3
        return Cost(4.0 * n_obs * (terms + 1), score, float(n_obs * terms))


@dataclass(frozen=True)
class CurvesScore:
    """Sums of curves on given data.

    Parameters
    ----------
    Z
        ``(d, n)`` float32, standardized genes.
    basis
        ``(d, terms, n)`` float32, orthonormal terms of every gene.
    penalties
        ``(g, terms)`` of which the best is taken.
    """

    moments: Moments
    Z: np.ndarray
    basis: np.ndarray
    penalties: np.ndarray

    def scores(self, j: int, sets: np.ndarray) -> np.ndarray:
        """Score sets of causes of gene ``j`` under the best penalty each, ``(s, p) -> (s,)``, as :func:`fit_terms`.

        Cost: ``n k^2 + g k^3`` for ``k = p terms`` and ``g`` penalties.
        """
        s, p = sets.shape
        if p == 0:
            return np.zeros(s)
        step = max(BATCH_VALUES // (p * self.basis.shape[1] * self.Z.shape[1]), 1)
        return np.concatenate([self._fit(j, sets[a : a + step])[0].min(axis=1) for a in range(0, s, step)])

    def promise(self, j: int, causes: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Share of what the causes of ``j`` leave that the curves of each of ``others`` explain, ``(k,)``."""
        return explained(self.basis[others], standardized(self.residual(j, causes)[None]))[:, 0]

    def residual(self, j: int, causes: np.ndarray) -> np.ndarray:
        """Return what the causes leave of gene ``j``, ``(n,)`` float32."""
        return self._rest(j, causes)

    def weights(self, j: int, causes: np.ndarray) -> np.ndarray:
        """Return the slope of the line in the curve of each cause, ``(p,)``: its best linear approximation."""
        return self.coefficients(j, causes)[:, 0]

    def held_out(self, j: int, causes: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Log density in the rows ``test``, coefficients and penalty from the rows ``train``, ``(t,)``."""
        return normal_held_out(self.moments, j, self._rest(j, causes, train), train, test)

    def coefficients(self, j: int, causes: np.ndarray, train: np.ndarray | None = None) -> np.ndarray:
        """Return the coefficients of the curves under the best penalty, ``(p, terms)``, fitted to some rows or all."""
        if len(causes) == 0:
            return np.empty((0, self.basis.shape[1]))
        cost, b = self._fit(j, causes[None], train)
        found: np.ndarray = b[0, int(np.argmin(cost[0]))].reshape(len(causes), -1)
        return found

    def _terms(self, sets: np.ndarray) -> np.ndarray:
        """Terms of the causes, ``(..., p) -> (..., p terms, n)``."""
        return self.basis[sets].reshape(*sets.shape[:-1], -1, self.basis.shape[2])

    def _rest(self, j: int, causes: np.ndarray, train: np.ndarray | None = None) -> np.ndarray:
        if len(causes) == 0:
            return less_mean(self.Z[j].copy(), train)
        b = self.coefficients(j, causes, train).ravel().astype(np.float32)
        return less_mean(self.Z[j] - b @ self._terms(causes), train)

    def _fit(self, j: int, sets: np.ndarray, train: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        F, y = within(self._terms(sets), train), within(self.Z[j], train)
        n_effective = self.moments.n_effective * (len(y) / self.moments.n_obs)
        return fit_terms(F, y, np.tile(self.penalties, sets.shape[1]), n_effective)


def fit_terms(F: np.ndarray, y: np.ndarray, penalties: np.ndarray, n_effective: float) -> tuple[np.ndarray, np.ndarray]:
    """Score every set of terms under every penalty, ``(s, g)``, and give the coefficients, ``(s, g, k)``.

    ``n/2 log(rest) + df/2 log n`` with ``rest`` the share of variance left, ``df = tr (G + P)^-1 G`` the effective
    degrees of freedom of all terms (Hastie and Tibshirani 1990), ``G`` their mean products.

    Parameters
    ----------
    F
        ``(s, k, n)`` terms of mean 0 and mean square 1.
    y
        ``(n,)`` response.
    penalties
        ``(g, k)`` ridge penalties.
    """
    n, k = len(y), F.shape[1]
    G = (F @ F.transpose(0, 2, 1)).astype(np.float64)[:, None] / n
    c = (F @ y).astype(np.float64)[:, None] / n
    P = penalties + JITTER
    inverse = np.linalg.inv(G + P[:, :, None] * np.eye(k))
    b = np.einsum("sgkl,shl->sgk", inverse, c)
    free = k - np.einsum("sgkk,gk->sg", inverse, P)
    whole = float(y @ y) / n + JITTER
    rest = (whole - np.einsum("sgk,shk->sg", b, c) - np.einsum("sgk,gk->sg", b * b, P)) / whole
    return n_effective / 2 * np.log(np.maximum(rest, JITTER)) + free / 2 * np.log(n_effective), b
