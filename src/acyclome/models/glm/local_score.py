"""Generalised linear models of counts: negative binomial, Poisson and logistic regressions, with size factors.

The graph of such counts is identifiable, because their variance is tied to their mean: a wrong direction leaves a
spread that the law does not allow (Park and Raskutti 2015, 2018).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from acyclome.core.contract import Cost
from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.moments import Moments
from acyclome.core.workers import run_blocks
from acyclome.models.glm.irls import POISSON, Response, fit_sets, score_tests, slope_of
from acyclome.models.held_out import count_mass, seen_mass
from acyclome.models.linear.held_out import linear_effects

BLOCK = 16
KEPT = 64  # genes
OPERATIONS = 8_000.0  # of a fit per observation, exponentials and logarithms counted by their time
BIN, BINS = 50, 20  # genes of a point of the trend at least, points at most
VAGUE = (-1.0, 3.0)
NARROWEST = 0.5
TINY = 1e-12
ALL = slice(None)


class Dispersion(NamedTuple):
    """Normal priors of the log dispersions of all genes: their means and standard deviations, ``(d,)`` each."""

    center: np.ndarray
    width: np.ndarray


class Alone(NamedTuple):
    """Fits of all genes without causes: intercept, log dispersion and log-likelihood, ``(d,)`` each."""

    intercept: np.ndarray
    theta: np.ndarray
    log_likelihood: np.ndarray


@dataclass(frozen=True)
class Glm:
    """A generalised linear model of counts.

    Parameters
    ----------
    is_binary
        Logistic: only whether a gene is seen at all.
    is_dispersed
        Negative binomial: every gene has a dispersion, shrunken to the trend of all genes over their means.
    ridge
        Inverse prior variance of a slope, per standard deviation of its cause; keeps slopes finite.
    """

    is_binary: bool
    is_dispersed: bool
    ridge: float

    def expand(self, moments: Moments, threads: int) -> None:
        """Leave the screening to correlations, which see all that rises or falls."""

    def prepare(self, moments: Moments, seed: int, threads: int) -> CountScore:
        """Fit every gene without causes, and the trend of the dispersions.

        Raises
        ------
        ValueError
            If the moments do not know the counts they were made of.
        """
        if moments.read is None:
            msg = "These moments know no counts; expected moments that read them."
            raise ValueError(msg)
        d = moments.n_genes
        Z = moments.Z.astype(np.float32, copy=False)
        log_size = np.zeros(moments.n_obs) if moments.size is None else np.log(moments.size)
        center, width = VAGUE if self.is_dispersed else (POISSON, 0.0)
        prior = Dispersion(np.full(d, center), np.full(d, width))
        start = Alone(_log_means(moments, np.exp(log_size)), prior.center, np.full(d, np.nan))
        alone = CountScore(self, moments, Z, log_size, prior, start).fit_alone(threads)
        if not self.is_dispersed:
            return CountScore(self, moments, Z, log_size, prior, alone)
        prior = trend(alone.intercept, alone.theta)
        shrunken = CountScore(self, moments, Z, log_size, prior, alone).fit_alone(threads)
        return CountScore(self, moments, Z, log_size, prior, shrunken)

    def cost(self, n_obs: int) -> Cost:
        """Say what the family takes with so many observations."""
        return Cost(4.0 * n_obs, OPERATIONS * n_obs, 0.0)


@dataclass(frozen=True)
class CountScore:
    """A generalised linear model on given counts, which are read gene by gene.

    Parameters
    ----------
    Z
        ``(d, n)`` float32, values of the causes: ``log(1 + counts / size)``, standardized.
    log_size
        ``(n,)`` offset of the linear predictor.
    alone
        Where every fit starts.
    """

    model: Glm
    moments: Moments
    Z: np.ndarray
    log_size: np.ndarray
    dispersion: Dispersion
    alone: Alone

    @property
    def basis(self) -> None:
        """Lines are enough."""

    def scores(self, j: int, sets: np.ndarray) -> np.ndarray:
        """Score sets of causes of gene ``j`` by BIC, ``(s, p) -> (s,)``: ``1/2 log n`` a cause, less what they gain."""
        if sets.shape[1] == 0:
            return np.zeros(len(sets))
        return 0.5 * np.log(self.moments.n_effective) * sets.shape[1] - self._gains(self._fit(j, sets)[0], j)

    def promise(self, j: int, causes: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Return what each of ``others`` would gain by one step of the fit, ``(len(others),)``."""
        _, beta, theta = self._fit(j, causes[None])
        return score_tests(self._responses(j), self.Z, causes, others, beta[0], theta[0])

    def residual(self, j: int, causes: np.ndarray) -> np.ndarray:
        """Return the slope of the log-likelihood in the predictor, ``(y - mu) / (1 + a mu)``, ``(n,)`` float32.

        Scaled to the share of variance that is left by the log-likelihood gained, ``exp(-2 gain / n)`` (Magee 1990).
        """
        log_likelihood, beta, theta = self._fit(j, causes[None])
        rest = slope_of(self._responses(j), self.Z, causes, beta[0], theta[0])
        left = np.exp(-2.0 * max(self._gains(log_likelihood, j)[0], 0.0) / len(rest))
        found: np.ndarray = rest * np.sqrt(left / max(float(np.mean(rest**2)), TINY))
        return found.astype(np.float32)

    def weights(self, j: int, causes: np.ndarray) -> np.ndarray:
        """Return the best linear approximation of the effects on ``log(1 + counts / size)``, in standard deviations."""
        return linear_effects(self.moments, j, causes)

    def held_out(self, j: int, causes: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Log probability of the counts in the rows ``test``, fitted to the rows ``train``, ``(t,)``."""
        own, X = self._response(j, train), np.ascontiguousarray(self.Z[causes][:, train])
        sets = np.arange(len(causes), dtype=np.int64)[None]
        _, beta, theta = fit_sets(own, X, sets, self.alone.intercept[j], self.alone.theta[j])
        return self.mass(self._responses(j).y[test], self.log_size[test], self.Z[causes][:, test], beta[0], theta[0])

    def mass(self, y: np.ndarray, log_size: np.ndarray, X: np.ndarray, beta: np.ndarray, theta: float) -> np.ndarray:
        """Log probability of counts ``y`` ``(t,)`` given values of the causes ``X`` ``(p, t)`` and a fit, ``(t,)``."""
        predictor = log_size + beta[0] + beta[1:] @ X
        if self.model.is_binary:
            return seen_mass(y, predictor)
        return count_mass(y, predictor, theta if self.model.is_dispersed else None)

    def fit(self, j: int, causes: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the intercept and slopes of gene ``j`` on causes ``(p,)``, ``(p + 1,)``, and its log dispersion."""
        _, beta, theta = self._fit(j, causes[None])
        return beta[0], float(theta[0])

    def fit_alone(self, threads: int) -> Alone:
        """Fit every gene without causes."""
        found = np.empty((3, len(self.Z)))
        none = np.empty((1, 0), dtype=np.int64)

        def block(a: int, b: int) -> None:
            for j in range(a, b):
                log_likelihood, beta, theta = self._fit(j, none)
                found[:, j] = beta[0, 0], theta[0], log_likelihood[0]

        run_blocks(block, gene_blocks(len(self.Z), BLOCK), threads)
        return Alone(*found)

    def _fit(self, j: int, sets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        found: tuple[np.ndarray, np.ndarray, np.ndarray]
        wanted = np.ascontiguousarray(sets, dtype=np.int64)  # one type, so that one kernel is compiled
        found = fit_sets(self._responses(j), self.Z, wanted, self.alone.intercept[j], self.alone.theta[j])
        return found

    def _gains(self, log_likelihood: np.ndarray, j: int) -> np.ndarray:
        gained: np.ndarray = log_likelihood - self.alone.log_likelihood[j]
        return gained

    @cached_property
    def _responses(self) -> Callable[[int], Response]:
        """Keep the last few genes: one is asked for some times in a row, and reading it takes as long as a few fits."""
        return lru_cache(KEPT)(self._response)

    def _response(self, j: int, rows: np.ndarray | slice = ALL) -> Response:
        y = self.moments.read(j, j + 1)[0].astype(np.float64)[rows]  # type: ignore[misc]
        value, times = np.unique(y, return_counts=True)
        (center, width), log_size = self.dispersion, self.log_size[rows]
        return Response(
            y, log_size, value, times.astype(np.float64), self.model.is_binary, center[j], width[j], self.model.ridge
        )


def _log_means(moments: Moments, size: np.ndarray) -> np.ndarray:
    """Return the log of every gene's mean count per unit of size, ``(d,)``; genes never seen have half a count."""
    sums = [moments.read(a, b).sum(axis=1) for a, b in gene_blocks(moments.n_genes, BLOCK)]  # type: ignore[misc]
    found: np.ndarray = np.log(np.maximum(np.concatenate(sums), 0.5) / size.sum())
    return found


def trend(log_mean: np.ndarray, theta: np.ndarray) -> Dispersion:
    """Return the prior that the log dispersions ``theta`` ``(d,)`` of all genes are for each.

    Its mean is the trend over the means: medians of genes of about one mean, joined by lines.  Its width is the spread
    of the genes around that (median absolute deviation), as in DESeq2 (Love et al. 2014), ``NARROWEST`` at least.
    """
    order = np.argsort(log_mean, kind="stable")
    parts = np.array_split(order, max(min(len(order) // BIN, BINS), 1))
    at = [float(np.median(log_mean[part])) for part in parts]
    center = np.interp(log_mean, at, [float(np.median(theta[part])) for part in parts])
    spread = 1.4826 * float(np.median(np.abs(theta - center)))
    return Dispersion(center, np.full(len(theta), max(spread, NARROWEST)))
