"""Expansions of a variable into functions of itself, from smooth to rough, the line first.

``rows(x)`` gives ``(terms, n)`` functions of a sample ``x``, and ``of_each`` those of many;
:func:`acyclome.core.data.basis.expand` makes them orthonormal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

OUTER = 0.05  # share of the observations beyond the outer knots of natural splines (Harrell 2001)
CUBIC = 3  # degree of the B-splines: the lowest that is smooth to the eye, with continuous second derivatives


class Expansion(Protocol):
    """Functions of one variable."""

    @property
    def terms(self) -> int:
        """Number of functions, the line among them."""

    def rows(self, x: np.ndarray) -> np.ndarray:
        """Return the functions of a sample ``x``, ``(n,) -> (terms, n)``, from smooth to rough, first ``x`` itself."""

    def of_each(self, X: np.ndarray) -> np.ndarray:
        """Return the functions of some samples, ``(d, n) -> (d, terms, n)``."""


@dataclass(frozen=True)
class NaturalSplines:
    """Line and natural cubic bends with knots at quantiles (Hastie, Tibshirani and Friedman 2009, equation 5.4)."""

    terms: int

    def rows(self, x: np.ndarray) -> np.ndarray:
        rows = np.zeros((self.terms, len(x)))
        rows[0] = x
        knots = np.unique(np.quantile(x, np.linspace(OUTER, 1 - OUTER, self.terms + 1)))
        if len(knots) < 3:  # no bend between two knots; rows of 0 are no terms
            return rows
        last = knots[-1]
        cubes = [(np.maximum(x - k, 0.0) ** 3 - np.maximum(x - last, 0.0) ** 3) / (last - k) for k in knots[:-1]]
        for k, cube in enumerate(cubes[:-1]):
            rows[k + 1] = cube - cubes[-1]
        return rows

    def of_each(self, X: np.ndarray) -> np.ndarray:
        """As :meth:`rows` of each, five times as fast; samples with fewer knots have a call of their own."""
        knots = np.quantile(X, np.linspace(OUTER, 1 - OUTER, self.terms + 1), axis=1).T
        rows = np.zeros((len(X), self.terms, X.shape[1]))
        rows[:, 0] = X
        if self.terms > 1:
            cubes = np.maximum(X[:, None] - knots[:, :, None], 0.0)
            cubes *= cubes * cubes
            cubes -= cubes[:, -1:]
            apart = np.diff(knots, axis=1).min(axis=1) > 0
            cubes[apart, :-1] /= (knots[apart, -1:] - knots[apart, :-1])[:, :, None]
            rows[:, 1:] = cubes[:, :-2] - cubes[:, -2:-1]
            for j in np.flatnonzero(~apart):
                rows[j] = self.rows(X[j])
        return rows


class _OneByOne:
    """Functions of some samples, taken one by one."""

    def of_each(self: Expansion, X: np.ndarray) -> np.ndarray:
        return np.stack([self.rows(x) for x in X])


@dataclass(frozen=True)
class Powers(_OneByOne):
    """Powers ``x, x^2, ..., x^terms`` (NO-BEARS, Lee et al. 2019)."""

    terms: int

    def rows(self, x: np.ndarray) -> np.ndarray:
        return np.vander(x, self.terms + 1, increasing=True).T[1:]


@dataclass(frozen=True)
class Cosines(_OneByOne):
    """Line and half-period cosines over the range of the sample, the Sobolev basis with a line (Eubank 1990).

    The line takes the boundary bias of cosines away, whose slopes are zero at both ends.
    """

    terms: int

    def rows(self, x: np.ndarray) -> np.ndarray:
        low, high = float(x.min()), float(x.max())
        first = np.cos(np.pi * (x - low) / max(high - low, np.finfo(float).tiny))
        rows = [np.ones_like(x), first]
        while len(rows) < self.terms:
            rows.append(2 * first * rows[-1] - rows[-2])  # cos((k + 1) a) = 2 cos(a) cos(k a) - cos((k - 1) a)
        return np.stack([x, *rows[1:]])


@dataclass(frozen=True)
class BSplines(_OneByOne):
    """Cubic B-splines on equal intervals, turned to the axes of their roughness (Eilers and Marx 1996).

    ``terms + 1`` B-splines span constant, line and ``terms - 1`` bends; the combinations are the eigenvectors of the
    second differences of neighboring coefficients, from smooth to rough.
    """

    terms: int

    @cached_property
    def bends(self) -> np.ndarray:
        """Coefficients of the bends, ``(terms - 1, terms + 1)``."""
        D = np.diff(np.eye(self.terms + 1), 2, axis=0)
        bends: np.ndarray = np.linalg.eigh(D.T @ D)[1][:, 2:].T  # the first two are constant and line, of roughness 0
        return bends

    def rows(self, x: np.ndarray) -> np.ndarray:
        pieces = self.terms + 1 - CUBIC
        low, high = float(x.min()), float(x.max())
        # A constant gene has no range: tiny keeps the division finite, and its row falls out as a constant.
        t = np.clip((x - low) / max(high - low, np.finfo(float).tiny), 0.0, 1.0) * pieces
        at = np.minimum(t.astype(np.int64), pieces - 1)
        s = t - at  # the four cubics that meet in a unit interval, for every observation
        around = np.stack([(1 - s) ** 3, 3 * s**3 - 6 * s**2 + 4, 3 * (1 - s) ** 3 - 6 * (1 - s) ** 2 + 4, s**3]) / 6
        each = np.zeros((self.terms + 1, len(x)))
        np.put_along_axis(each, at[None] + np.arange(4)[:, None], around, axis=0)
        return np.vstack([x, self.bends @ each])
