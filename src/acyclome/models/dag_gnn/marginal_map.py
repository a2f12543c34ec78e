"""The rising map that takes a gene to a normal law: the encoder of a model whose decoder adds no noise.

With normal ``Z`` every gene of ``(I - A')^-1 Z`` is normal whatever ``A`` is, so a rising decoder is known gene by gene
before any edge is: the map whose inverse it is makes the gene normal (Liu et al. 2009).  Its likelihood is concave in
the slopes of the map, so there is one best map, and no start that it depends on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

KNOTS = (
    5,
    9,
    17,
)  # slopes of a map: 5 follow one that saturates; at 5,000 observations 17 pay for a cubic's
OUTSIDE = 5  # observations beyond either outer knot: fewer say nothing of the slope there
LEAST_SLOPE = 1e-3  # of a line's: the map stays one-to-one where it is all but flat
STEPS = 50  # of Newton's method, at most; 5 to 12 are taken
TOL = 1e-9  # decrement per observation at which it ends


class Rising(NamedTuple):
    """A piecewise quadratic map of slopes ``v > 0``, linear between the knots and constant outside."""

    knots: np.ndarray  # (k,) rising
    slopes: np.ndarray  # (k,)
    center: float  # value at the first knot

    def values(self, x: np.ndarray) -> np.ndarray:
        """Return where the map takes ``x`` ``(n,)``."""
        return self.center + _integrals(x, self.knots) @ self.slopes

    def log_slope(self, x: np.ndarray) -> np.ndarray:
        """Return the log of its slope at ``x`` ``(n,)``."""
        return np.log(np.interp(x, self.knots, self.slopes))


LINE = Rising(np.array([0.0]), np.array([1.0]), 0.0)


def fit_map(x: np.ndarray) -> Rising:
    """Fit the map that makes values ``(n,)`` of mean 0 and mean square 1 most nearly normal.

    ``max sum log N(g(x)) + log g'(x)`` over the slopes at knots that lie evenly in normal scores, less ``1/2 log n`` a
    slope (BIC): a gene that is normal keeps its values, to the digit.
    """
    x, n = x.astype(np.float64, copy=False), len(x)
    best, cost = LINE, 0.5 * n + 0.5 * np.log(n)
    furthest = ndtri(1.0 - OUTSIDE / n) if n > 4 * OUTSIDE else 0.0  # a quarter of the rest between the outer knots
    for k in KNOTS if furthest > 0.0 else ():
        knots = np.unique(np.quantile(x, ndtr(np.linspace(-furthest, furthest, k))))
        if len(knots) < k:  # values that return have no slope
            break
        found, loss = _fitted(x, knots)
        loss += 0.5 * k * np.log(n)
        if loss > cost:  # what five slopes do not gain, nine hardly do
            break
        best, cost = found, loss
    return best


def to_normal(y: np.ndarray, fitted: np.ndarray | None) -> np.ndarray:
    """Return what the observations ``fitted`` (all if None) make of values ``(n,)``: normal scores where these bend.

    A smooth map errs by a thousandth of the variance, which passes for an error of measurement: causes then no longer
    screen their causes off.  Normal scores do not, and elsewhere the map goes on; values that do not bend stay.
    """
    own = y if fitted is None else y[fitted]
    center, scale = own.mean(), own.std()
    g = fit_map((own - center) / scale)
    u = g.values((y - center) / scale)
    if g is not LINE:
        u[slice(None) if fitted is None else fitted] = ndtri((rankdata(own) - 0.5) / len(own))
    return u


def _fitted(x: np.ndarray, knots: np.ndarray) -> tuple[Rising, float]:
    """Minimize ``n/2 v'Cv - sum log(B v)`` by Newton's method, and say how low it is.

    ``B`` are the hats whose sum is the slope, ``C`` the covariance of their integrals, so the center is the best.
    Slopes are kept above ``LEAST_SLOPE`` by a step that stays inside.
    """
    B, areas, n = _hats(x, knots), _integrals(x, knots), len(x)
    center = areas.mean(axis=0)
    C = (areas - center).T @ (areas - center)

    def loss(v: np.ndarray) -> float:
        return float(0.5 * v @ C @ v - np.log(B @ v).sum())

    v = np.full(len(knots), np.sqrt(n / max(float(C.sum()), 1e-12)))  # the line of variance 1
    now = loss(v)
    for _ in range(STEPS):
        shares = B / (B @ v)[:, None]
        slope, bend = C @ v - shares.sum(axis=0), C + shares.T @ shares
        free = ~((v <= LEAST_SLOPE) & (slope > 0.0))
        step = np.zeros_like(v)
        step[free] = -np.linalg.solve(bend[np.ix_(free, free)] + 1e-9 * n * np.eye(int(free.sum())), slope[free])
        decrement, eta = -float(slope @ step), 1.0
        if decrement < TOL * n:
            break
        while eta > 1e-6:
            new = np.maximum(v + eta * step, LEAST_SLOPE)
            reached = loss(new)
            if reached < now - 1e-4 * eta * decrement:
                break
            eta /= 2.0
        else:
            break
        v, now = new, reached
    return Rising(knots, v, -float(center @ v)), now


def _hats(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Piecewise linear functions that are 1 at a knot and 0 at the others, the outer ones 1 outside, ``(n, k)``."""
    at = np.clip(np.searchsorted(knots, x) - 1, 0, len(knots) - 2)
    share = np.clip((x - knots[at]) / (knots[at + 1] - knots[at]), 0.0, 1.0)
    B = np.zeros((len(x), len(knots)))
    rows = np.arange(len(x))
    B[rows, at], B[rows, at + 1] = 1.0 - share, share
    return B


def _integrals(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Integrals of the hats from the first knot to ``x``, ``(n, k)``."""
    if len(knots) == 1:
        return (x - knots[0])[:, None]
    width = np.diff(knots)
    inside = np.clip(x[:, None] - knots[:-1], 0.0, width)  # of every interval, what lies below x
    rising = inside * inside / (2.0 * width)
    out = np.zeros((len(x), len(knots)))
    out[:, :-1] += inside - rising
    out[:, 1:] += rising
    out[:, 0] += np.minimum(x - knots[0], 0.0)
    out[:, -1] += np.maximum(x - knots[-1], 0.0)
    return out
