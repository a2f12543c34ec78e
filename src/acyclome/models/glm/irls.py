"""Regressions of one gene's counts on sets of parents, by Fisher scoring (iteratively reweighted least squares).

    negative binomial  y ~ NB(mu, a): variance mu + a mu^2,   log mu = log s + b0 + b' z     (a -> 0: Poisson)
    logistic           [y > 0] ~ Bernoulli(p),                logit p = log s + b0 + b' z

with ``s`` the size factor of an observation and ``z`` the values of the parents (McCullagh and Nelder 1989, chapters 4,
6, 11; the dispersion by its profile likelihood as in DESeq2, Love et al. 2014).  A weak ridge keeps slopes finite
where a parent separates the counts.
"""

from __future__ import annotations

from math import lgamma
from typing import NamedTuple

import numpy as np

from acyclome.core.kernel import kernel

STEPS = 50  # five to ten do, but where a parent separates the counts
HALVINGS = 8  # of a step that does not raise the likelihood: down to a 256th
DONE = 1e-6  # of the log-likelihood
TINY = 1e-9  # of an information, so that a gene that is never seen divides nothing by zero
LONGEST = 3.0  # step of a coefficient, beyond which the curvature at hand says nothing
HIGHEST = 30.0  # of a linear predictor, whose exponential is far beyond any count
LEAST, MOST = -9.0, 5.0  # log dispersion: counts as good as Poisson up to a thousand, and nearly all 0
POISSON = -50.0  # log dispersion of a law without any


class Response(NamedTuple):
    """One gene as the response."""

    y: np.ndarray  # (n,) float64 counts
    offset: np.ndarray  # (n,) float64 log size factors
    value: np.ndarray  # (u,) float64 distinct counts
    times: np.ndarray  # (u,) float64 how often each is
    is_binary: bool  # whether only y > 0 is modelled
    center: float  # mean of the normal prior of the log dispersion
    width: float  # its standard deviation; 0 holds the dispersion where it starts
    ridge: float  # inverse variance of the normal prior of every slope


@kernel
def fit_sets(gene, Z, sets, intercept, theta):
    """Fit sets of parents, ``(s, p) -> log-likelihoods (s,), coefficients (s, p + 1), log dispersions (s,)``.

    ``gene`` is a :class:`Response`, ``Z`` ``(d, n)`` values of the parents of mean 0 and mean square 1; fits start at
    ``intercept`` and ``theta``.  The log-likelihood lacks ``log y!`` and includes the priors, so that it is what was
    maximized.  Cost of a step: ``n p^2 / 2`` multiplications, ``n`` exponentials and logarithms; five to ten steps.
    """
    s, p = sets.shape
    n = len(gene.y)
    log_likelihood, beta, thetas = np.empty(s), np.zeros((s, p + 1)), np.full(s, theta)
    X = np.ones((p + 1, n))
    for k in range(s):
        for a in range(p):
            X[a + 1] = Z[sets[k, a]]
        beta[k, 0] = intercept
        log_likelihood[k], thetas[k] = _fit(gene, X, beta[k], theta)
    return log_likelihood, beta, thetas


@kernel(fastmath=True)
def _fit(gene, X, beta, theta):
    """Fit one design ``(p + 1, n)``; write ``beta``, return the log-likelihood and the log dispersion.

    Mean and dispersion of a negative binomial are orthogonal, so that both take their own Newton step at once.
    """
    q, n = X.shape
    slope, weight = np.empty(n), np.empty(n)
    H, step, trial = np.empty((q, q)), np.empty(q), np.empty(q)
    now, first, second = judge(gene, X, beta, theta, slope, weight)
    for _ in range(STEPS):
        normal_equations(gene.ridge, X, beta, slope, weight, H, step)
        promised = solve_cholesky(H, step)
        shift = 0.0
        if gene.width > 0.0:
            # A Newton step of length 1 at most, uphill also where the curvature is not that of a maximum.
            shift = min(max(first / max(-second, abs(first), 1e-6), LEAST - theta), MOST - theta)
            promised += first * shift
        size, then = min(1.0, LONGEST / max(np.abs(step).max(), TINY)), now
        for _ in range(HALVINGS):
            for a in range(q):
                trial[a] = beta[a] + size * step[a]
            then, first, second = judge(gene, X, trial, theta + size * shift, slope, weight)
            if then >= now:
                break
            size *= 0.5
        if then < now:  # so short a step leads down only by rounding
            break
        beta[:] = trial
        theta += size * shift
        now = then
        if promised < DONE:
            break
    return now, theta


@kernel(fastmath=True)
def normal_equations(ridge, X, beta, slope, weight, H, step):
    """Write the lower half of the Fisher information ``(q, q)`` and the slope of the log-likelihood ``(q,)``."""
    q, n = X.shape
    for a in range(q):
        prior = ridge if a > 0 else 0.0  # the intercept is free: it has the units of the counts
        total = -prior * beta[a]
        for i in range(n):
            total += X[a, i] * slope[i]
        step[a] = total
        for b in range(a + 1):
            total = 0.0
            for i in range(n):
                total += X[a, i] * X[b, i] * weight[i]
            H[a, b] = total
        H[a, a] += prior + TINY


@kernel(fastmath=True)
def judge(gene, X, beta, theta, slope, weight):
    """Return the log-likelihood at ``beta`` and ``theta`` and its first two derivatives in ``theta``.

    Writes its slope in the linear predictor and the Fisher weight of every observation, ``(n,)`` each.
    """
    q, n = X.shape
    total, a = 0.0, np.exp(theta)
    for k in range(n):
        slope[k] = gene.offset[k] + beta[0]
    for k in range(1, q):
        total -= 0.5 * gene.ridge * beta[k] ** 2
        for i in range(n):
            slope[i] += beta[k] * X[k, i]
    if gene.is_binary:
        return total + _binary(gene.y, slope, weight), 0.0, 0.0
    if a < np.exp(LEAST):  # log Gamma of 1 / a would cancel
        return total + _poisson(gene.y, slope, weight), 0.0, 0.0
    return _negative_binomial(gene, theta, total, slope, weight)


@kernel(fastmath=True)
def _negative_binomial(gene, theta, total, slope, weight):
    r, a = np.exp(-theta), np.exp(theta)
    first, second = 0.0, 0.0
    for i in range(len(slope)):
        y, eta = gene.y[i], min(max(slope[i], -HIGHEST), HIGHEST)
        mean = np.exp(eta)
        part = 1.0 / (1.0 + a * mean)
        left, log_part = (y - mean) * part, np.log(part)
        slope[i], weight[i] = left, mean * part
        total += y * (eta + theta) + (y + r) * log_part
        first += log_part - a * left
        second += a * (1.0 - part + a * left * part)
    if gene.width > 0.0:
        base, base2 = digamma(r), trigamma(r)
        for u in range(len(gene.value)):
            if gene.value[u] > 0.0:
                first += gene.times[u] * (digamma(gene.value[u] + r) - base)
                second += gene.times[u] * (trigamma(gene.value[u] + r) - base2)
        away, precision = theta - gene.center, 1.0 / gene.width**2
        total -= 0.5 * away**2 * precision
        second = r * r * second + r * first - precision
        first = -r * first - away * precision
    return total + _rising(gene.value, gene.times, r), first, second


@kernel(fastmath=True)
def _binary(y, slope, weight):
    total = 0.0
    for i in range(len(y)):
        share = 1.0 / (1.0 + np.exp(-min(max(slope[i], -HIGHEST), HIGHEST)))
        seen = 1.0 if y[i] > 0.0 else 0.0
        slope[i], weight[i] = seen - share, share * (1.0 - share)
        total += np.log(1.0 - abs(slope[i]))  # the probability of what was seen
    return total


@kernel(fastmath=True)
def _poisson(y, slope, weight):
    total = 0.0
    for i in range(len(y)):
        eta = min(max(slope[i], -HIGHEST), HIGHEST)
        mean = np.exp(eta)
        slope[i], weight[i] = y[i] - mean, mean
        total += y[i] * eta - mean
    return total


@kernel
def _rising(value, times, r):
    """``sum log Gamma(y + r) / Gamma(r)`` over the counts."""
    total, base = 0.0, lgamma(r)
    for u in range(len(value)):
        if value[u] > 0.0:
            total += times[u] * (lgamma(value[u] + r) - base)
    return total


@kernel
def digamma(x):
    """Return the derivative of ``log Gamma`` at ``x > 0``, to 1e-10."""
    total = 0.0
    while x < 8.0:  # from there on the terms of the series that are left out are below 1e-10
        total -= 1.0 / x
        x += 1.0
    y = 1.0 / (x * x)
    return total + np.log(x) - 0.5 / x - y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y / 132))))


@kernel
def trigamma(x):
    """Return the second derivative of ``log Gamma`` at ``x > 0``, to 1e-10."""
    total = 0.0
    while x < 8.0:
        total += 1.0 / (x * x)
        x += 1.0
    y = 1.0 / (x * x)
    return total + 1.0 / x + 0.5 * y + y / x * (1 / 6 - y * (1 / 30 - y * (1 / 42 - y * (1 / 30 - y * 5 / 66))))


@kernel
def solve_cholesky(H, step):
    """Replace ``step`` by ``H^-1 step`` (lower half of ``H``, overwritten); return ``step' H^-1 step``."""
    q = len(step)
    for a in range(q):
        for b in range(a + 1):
            total = H[a, b]
            for c in range(b):
                total -= H[a, c] * H[b, c]
            # Parents that are copies of one another leave a pivot of rounding errors: a tiny one keeps the step finite.
            H[a, b] = np.sqrt(max(total, 1e-12)) if a == b else total / H[b, b]
        for b in range(a):
            step[a] -= H[a, b] * step[b]
        step[a] /= H[a, a]
    decrement = np.dot(step, step)
    for a in range(q - 1, -1, -1):
        for b in range(a + 1, q):
            step[a] -= H[b, a] * step[b]
        step[a] /= H[a, a]
    return decrement


def score_tests(gene, Z, parents, others, beta, theta):
    """Return the log-likelihood that each of ``others`` would gain by one step from a fit of ``parents``, ``(k,)``.

    Half of Rao's score statistic ``U^2 / V``, with ``U = z' slope`` and ``V`` the Fisher information of ``z`` beyond
    that of the parents, at the fit ``beta`` ``(p + 1,)`` and ``theta``.
    """
    n = len(gene.y)
    slope, weight = np.empty(n), np.empty(n)
    X = np.concatenate([np.ones((1, n)), Z[parents]])
    judge(gene, X, beta, theta, slope, weight)
    candidate = Z[others].astype(np.float64)
    shared = candidate @ (X * weight).T
    own = np.linalg.solve((X * weight) @ X.T + gene.ridge * np.eye(len(X)), shared.T).T
    information = np.square(candidate) @ weight - np.sum(shared * own, axis=1) + gene.ridge
    return 0.5 * np.square(candidate @ slope) / information


def slope_of(gene, Z, parents, beta, theta):
    """Return the slope of the log-likelihood in the predictor of every observation, ``(n,)``: what a fit leaves."""
    slope, weight = np.empty(len(gene.y)), np.empty(len(gene.y))
    judge(gene, np.concatenate([np.ones((1, len(slope))), Z[parents]]), beta, theta, slope, weight)
    return slope
