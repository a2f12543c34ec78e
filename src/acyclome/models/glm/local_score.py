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

from acyclome.core.contract import ScoreCost
from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.core.workers import run_blocks
from acyclome.models.glm.irls import POISSON, Response, fit_sets, score_tests, slope_of
from acyclome.models.held_out import count_mass, seen_mass
from acyclome.models.linear.local_score import linear_effects
from acyclome.models.own_rows import OwnRows

BLOCK = 16  # genes that a thread fits in a row, .4 ms each with 1,000 observations
KEPT = 64  # genes whose counts are kept ready
OPERATIONS = 8_000.0  # of a fit per observation, exponentials and logarithms counted by their time
BIN, BINS = 50, 20  # genes of a point of the trend at least, points at most
VAGUE = (-1.0, 3.0)  # log dispersions of genes from 0.02 to 7, whatever the data say
NARROWEST = 0.5  # standard deviations of log dispersions; a few genes on their trend by chance bind no others
TINY = 1e-12  # mean square of a slope that is nowhere: a gene never seen leaves nothing


class Dispersion(NamedTuple):
    """Normal priors of the log dispersions of all genes: their means and standard deviations, ``(d,)`` each."""

    center: np.ndarray
    width: np.ndarray


class Alone(NamedTuple):
    """Fits of all genes without parents: intercept, log dispersion and log-likelihood, ``(d,)`` each."""

    intercept: np.ndarray
    theta: np.ndarray
    log_likelihood: np.ndarray


@dataclass(frozen=True)
class Glm:
    """A generalised linear model of counts."""

    is_binary: bool  # logistic: only whether a gene is seen at all
    is_dispersed: bool  # negative binomial: genes have dispersions, shrunken to their trend over the means
    ridge: float  # inverse prior variance of a slope, per standard deviation of its parent; keeps slopes finite

    def expand(self, problem: Problem) -> None:
        """Leave the screening to correlations, which see all that rises or falls."""

    def prepare(self, problem: Problem, seed: int) -> CountScore:
        """Fit every gene without parents, and the trend of the dispersions."""
        data, d = problem.data, problem.n_genes
        Z = data.Z.astype(np.float32, copy=False)
        log_size = np.zeros(data.n_obs) if data.size is None else np.log(data.size)
        center, width = VAGUE if self.is_dispersed else (POISSON, 0.0)
        prior = Dispersion(np.full(d, center), np.full(d, width))
        start = Alone(_log_means(data, np.exp(log_size)), prior.center, np.full(d, np.nan))
        # First each gene by itself: the trend that shrinks dispersions is made of what they would be without it.
        alone = CountScore(self, data, Z, log_size, prior, start).fit_alone(problem.threads)
        if not self.is_dispersed:
            return CountScore(self, data, Z, log_size, prior, alone)
        prior = trend(alone.intercept, alone.theta)
        shrunken = CountScore(self, data, Z, log_size, prior, alone).fit_alone(problem.threads)
        return CountScore(self, data, Z, log_size, prior, shrunken)

    def cost(self, n_obs: int) -> ScoreCost:
        return ScoreCost(4.0 * n_obs, OPERATIONS * n_obs, 0.0)


@dataclass(frozen=True)
class CountScore:
    """A generalised linear model on given counts, which are read gene by gene."""

    model: Glm
    data: Moments
    Z: np.ndarray  # (d, n) float32, values of the parents: log(1 + counts / size), standardized
    log_size: np.ndarray  # (n,) offset of the linear predictor
    dispersion: Dispersion
    alone: Alone  # where every fit starts
    basis = None  # lines are enough

    def scores(self, j: int, sets: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Score sets of parents by BIC, ``(s, p) -> (s,)``: ``1/2 log n`` a parent, less what they gain."""
        s, p = sets.shape
        if p == 0:
            return np.zeros(s)
        own = OwnRows.of(self.data, j, rows)
        before = self.alone.log_likelihood[j] if rows is None else self._fit(j, sets[:1, :0], own)[0]
        return 0.5 * np.log(own.n_effective) * p - (self._fit(j, sets, own)[0] - before)

    def promise(self, j: int, parents: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Return what each of ``others`` would gain by one step of the fit, ``(len(others),)``."""
        own = OwnRows.of(self.data, j)
        _, beta, theta = self._fit(j, parents[None], own)
        X, at = self._values(np.concatenate([parents, others]), own)
        return score_tests(self._response(j, own), X, at[: len(parents)], at[len(parents) :], beta[0], theta[0])

    def residual(self, j: int, parents: np.ndarray) -> np.ndarray:
        """Return the slope of the log-likelihood in the predictor, ``(y - mu) / (1 + a mu)``, ``(n,)`` float32.

        Scaled to the share of variance that is left by the log-likelihood gained, ``exp(-2 gain / n)`` (Magee 1990).
        """
        own = OwnRows.of(self.data, j)
        log_likelihood, beta, theta = self._fit(j, parents[None], own)
        X, at = self._values(parents, own)
        slope = slope_of(self._response(j, own), X, at, beta[0], theta[0])
        left = np.exp(-2.0 * max(log_likelihood[0] - self.alone.log_likelihood[j], 0.0) / len(slope))
        slope *= np.sqrt(left / max(float(np.mean(slope**2)), TINY))
        return own.everywhere(slope).astype(np.float32)

    def weights(self, j: int, parents: np.ndarray) -> np.ndarray:
        """Return the best linear approximation of the effects on ``log(1 + counts / size)``, in standard deviations."""
        return linear_effects(self.data, j, parents)

    def held_out(self, j: int, parents: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Log probability of the counts in the rows ``test``, fitted to the rows ``train``, ``(t,)``."""
        _, beta, theta = self._fit(j, parents[None], OwnRows.of(self.data, j, train))
        y = self.counts_of(j)[test]
        return self.mass(y, self.log_size[test], self.Z[parents][:, test], beta[0], theta[0])

    def mass(self, y: np.ndarray, log_size: np.ndarray, X: np.ndarray, beta: np.ndarray, theta: float) -> np.ndarray:
        """Log probability of counts ``y`` ``(t,)`` given values of the parents ``X`` ``(p, t)`` and a fit, ``(t,)``."""
        predictor = log_size + beta[0] + beta[1:] @ X
        if self.model.is_binary:
            return seen_mass(y, predictor)
        return count_mass(y, predictor, theta if self.model.is_dispersed else None)

    def fit(self, j: int, parents: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the intercept and slopes of gene ``j`` on parents ``(p,)``, ``(p + 1,)``, and its log dispersion."""
        _, beta, theta = self._fit(j, parents[None], OwnRows.of(self.data, j))
        return beta[0], float(theta[0])

    def fit_alone(self, threads: int) -> Alone:
        """Fit every gene without parents."""
        fits = np.empty((3, len(self.Z)))
        none = np.empty((1, 0), dtype=np.int64)

        def block(a: int, b: int) -> None:
            for j in range(a, b):
                log_likelihood, beta, theta = self._fit(j, none, OwnRows.of(self.data, j))
                fits[:, j] = beta[0, 0], theta[0], log_likelihood[0]

        run_blocks(block, gene_blocks(len(self.Z), BLOCK), threads)
        return Alone(*fits)

    def counts_of(self, j: int) -> np.ndarray:
        """Return the counts of gene ``j``, ``(n,)`` float64."""
        return self.data.read(j, j + 1)[0].astype(np.float64)

    def _fit(self, j: int, sets: np.ndarray, own: OwnRows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        X, at = self._values(sets, own)
        at = np.ascontiguousarray(at, dtype=np.int64)  # one type, so that one kernel is compiled
        fits: tuple[np.ndarray, np.ndarray, np.ndarray]
        fits = fit_sets(self._response(j, own), X, at, self.alone.intercept[j], self.alone.theta[j])
        return fits

    def _values(self, genes: np.ndarray, own: OwnRows) -> tuple[np.ndarray, np.ndarray]:
        """Return values of genes in the fitted observations, and where among them each of ``genes`` stands."""
        if own.fitted is None:
            return self.Z, genes
        wanted, at = np.unique(genes, return_inverse=True)
        return np.take(self.Z[wanted.astype(np.int64)], own.fitted, axis=1), at.reshape(genes.shape)

    def _response(self, j: int, own: OwnRows) -> Response:
        return self._responses(j) if own.fitted is own.own else self._response_in(j, own.fitted)

    @cached_property
    def _responses(self) -> Callable[[int], Response]:
        """Keep the last few genes: one is asked for some times in a row, and reading it takes as long as a few fits."""
        return lru_cache(KEPT)(lambda j: self._response_in(j, OwnRows.of(self.data, j).fitted))

    def _response_in(self, j: int, rows: np.ndarray | None) -> Response:
        y, log_size = self.counts_of(j), self.log_size
        if rows is not None:
            y, log_size = y[rows], log_size[rows]
        value, times = np.unique(y, return_counts=True)
        center, width = self.dispersion
        return Response(
            y, log_size, value, times.astype(np.float64), self.model.is_binary, center[j], width[j], self.model.ridge
        )


def _log_means(data: Moments, size: np.ndarray) -> np.ndarray:
    """Return the log of every gene's mean count per unit of size, ``(d,)``; genes never seen have half a count."""
    sums = [data.read(a, b).sum(axis=1) for a, b in gene_blocks(data.n_genes, BLOCK)]
    return np.log(np.maximum(np.concatenate(sums), 0.5) / size.sum())


def trend(log_mean: np.ndarray, theta: np.ndarray) -> Dispersion:
    """Return the prior that the log dispersions ``theta`` ``(d,)`` of all genes are for each.

    Its mean is the trend over the means: medians of genes of about one mean, joined by lines.  Its width is the
    standard deviation of the genes around that (by their median absolute deviation), as in DESeq2 (Love et al. 2014),
    ``NARROWEST`` at least.
    """
    order = np.argsort(log_mean, kind="stable")
    parts = np.array_split(order, max(min(len(order) // BIN, BINS), 1))
    at = [float(np.median(log_mean[part])) for part in parts]
    center = np.interp(log_mean, at, [float(np.median(theta[part])) for part in parts])
    width = 1.4826 * float(np.median(np.abs(theta - center)))
    return Dispersion(center, np.full(len(theta), max(width, NARROWEST)))
