"""Which observations the equation of one gene is fitted to, and genes as these see them.

Those in which the gene was a target are left out: what was done to it replaced its equation.  As a parent of other
genes its values count everywhere, and functions of parents, such as their terms, are formed from all observations,
since they know nothing of the gene that is explained.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acyclome.core.data.interventions import LEAST_OWN
from acyclome.core.data.moments import Moments

FLAT = 1e-5  # standard deviations below which a gene is constant: the root of ``interventions.TINY``
LEAST_WEIGHT = 1e-12  # of a gene's loss, so that nothing is divided by zero where a gene has no variance


def loss_weights(data: Moments) -> np.ndarray:
    """Return the weight of every gene's loss in a relaxation, its share of own observations, ``(d,)``."""
    weight: np.ndarray = np.maximum(data.n_own / data.n_effective, LEAST_WEIGHT)
    return weight


def rows_of_targets(data: Moments) -> dict[int, np.ndarray]:
    """Return the own observations of every gene that was a target and has an equation."""
    targets = map(int, np.flatnonzero(data.interventions.counts))
    return {j: own for j in targets if (own := OwnRows.of(data, j).own) is not None}


@dataclass(frozen=True)
class OwnRows:
    """Observations of one gene."""

    own: np.ndarray | None  # those in which the gene was no target; None where it never was one
    fitted: np.ndarray | None  # those of its own that are fitted; None: all, whose means of 0 are not taken again
    n_obs: int  # of all genes
    n_effective: float  # how many count among the fitted

    @classmethod
    def of(cls, data: Moments, j: int, rows: np.ndarray | None = None) -> OwnRows:
        """Take those of the observations ``rows`` (all if None) in which gene ``j`` was no target.

        A gene with fewer than ``LEAST_OWN`` of its own has no equation.  Nobody asks for its parents, but for what it
        is alone, such as its dispersion; then all observations answer.
        """
        out = data.interventions.of(j)
        n_own = data.n_obs - len(out)
        own = None if len(out) == 0 or n_own < LEAST_OWN else np.delete(np.arange(data.n_obs), out)
        if own is None:
            n_own, fitted = data.n_obs, rows
        else:
            fitted = own if rows is None else rows[~np.isin(rows, out)]
        counted = max(data.n_effective - (data.n_obs - n_own), 2.0)  # covariates may leave fewer; log n stays above 0
        return cls(own, fitted, data.n_obs, counted if fitted is None else counted * (len(fitted) / n_own))

    @property
    def left_out(self) -> np.ndarray:
        """Observations that are not fitted, rising, ``(t,)`` int64."""
        every = np.arange(self.n_obs)
        return every[:0] if self.fitted is None else np.setdiff1d(every, self.fitted, assume_unique=True)

    def response(self, y: np.ndarray) -> np.ndarray:
        """Return gene values ``(n,)`` in standard deviations of the gene's own observations, mean 0 over these."""
        if self.own is None:
            return y
        seen = y[self.own]
        centered, deviation = y - seen.mean(), float(seen.std())
        return centered / y.dtype.type(deviation) if deviation > FLAT else np.zeros_like(y)

    def within(self, X: np.ndarray) -> np.ndarray:
        """Return the fitted observations of ``X`` ``(..., n)``, less their means; all as they are where all count."""
        if self.fitted is None:
            return X
        rows = np.take(X, self.fitted, axis=-1)
        rows -= rows.mean(axis=-1, keepdims=True)
        return rows

    def less_mean(self, residual: np.ndarray) -> np.ndarray:
        """Return residuals ``(n,)`` less their mean over the fitted observations, which is the intercept."""
        return residual if self.fitted is None else residual - residual[self.fitted].mean()

    def alone(self, residual: np.ndarray) -> np.ndarray:
        """Return residuals ``(n,)`` with zeros where the gene was a target."""
        return residual if self.own is None else self.everywhere(residual[self.own])

    def everywhere(self, values: np.ndarray) -> np.ndarray:
        """Return values of the gene's own observations among all, ``(n,)``, zeros where the gene was a target."""
        if self.own is None:
            return values
        filled = np.zeros(self.n_obs, values.dtype)
        filled[self.own] = values
        return filled
