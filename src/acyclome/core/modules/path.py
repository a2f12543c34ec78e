"""How many modules: held-out likelihood and stability along a path of numbers, and the elbow of the curve."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from acyclome.core.modules.find import LEAST_UNIQUE, Modules, Visible, agreement, fit, most_modules
from acyclome.core.modules.rotation import independent_loadings, scores_of

NUMBERS = (5, 10, 20, 30, 50, 75, 100, 150, 200, 300)
FOLDS = 4  # each leaves out a quarter, so that three quarters of the most modules can still be told apart
SHRINKAGE = 0.1  # of the correlations among modules towards none, so that they have an inverse
IDLE, WORTH = 2, 0.01  # numbers in a row with hardly a gain, at which the path ends, and how little that is
WITHIN = 2.0  # standard errors of the best from which fewer modules are as good


class PathPoint(NamedTuple):
    """One number of modules: how many genes made so many, their likelihood, and how far they return."""

    number: int
    n_modules: int
    log_likelihood: float  # mean over observations that were held out, a gene, in nats
    standard_error: float  # of that mean
    explained: float  # mean share of the variance of a gene that modules explain
    stability: float  # mean correlation of loadings with those of the fits that held observations out
    enriched: float  # share of the modules that go with a set, as the caller judges


def regularisation_path(
    Z: np.ndarray,
    weight: np.ndarray,
    *,
    visible: Visible,
    seed: int,
    numbers: tuple[int, ...] = NUMBERS,
    judge: Callable[[Modules], float] = lambda _: float("nan"),
    progress: Callable[[float], None] = lambda _: None,
) -> list[PathPoint]:
    """Fit modules of each number to three quarters of the observations, and score the rest; ``Z`` is ``(d, n)``.

    The path ends where two numbers in a row bring less than a hundredth of what the path has gained so far.
    """
    d, n = Z.shape
    fold = np.random.default_rng(seed).permutation(n) % FOLDS
    most = most_modules(int(np.sum(fold != 0)))
    numbers = tuple(number for number in numbers if number <= most) or (most,)
    points: list[PathPoint] = []
    for at, number in enumerate(numbers):
        whole, S = _learn(Z, weight, number, visible=visible)
        score, found = np.empty(n), np.zeros((FOLDS, S.shape[1]))
        for part in range(FOLDS):
            modules, again = _learn(Z[:, fold != part], weight, number, visible=visible)
            score[fold == part] = log_likelihood(Z[:, fold == part], modules) / d
            found[part] = agreement(S, again)
        error, explained = float(score.std() / np.sqrt(n)), float(np.mean(1.0 - whole.unique))
        held_out, stability = float(score.mean()), float(found.mean())
        points.append(PathPoint(number, whole.n_modules, held_out, error, explained, stability, judge(whole)))
        progress((at + 1) / len(numbers))
        if not _still_rises(points):
            break
    return points


def _still_rises(path: list[PathPoint]) -> bool:
    if len(path) <= IDLE:
        return True
    score = [point.log_likelihood for point in path]
    before = max(score[:-IDLE])
    return max(score[-IDLE:]) - before > IDLE * WORTH * (before - score[0])


def elbow(path: list[PathPoint]) -> int:
    """Return the smallest number whose held-out likelihood is within two standard errors of the best."""
    best = max(path, key=lambda point: point.log_likelihood)
    least = best.log_likelihood - WITHIN * best.standard_error
    return next(point.number for point in path if point.log_likelihood >= least)


def log_likelihood(Z: np.ndarray, modules: Modules) -> np.ndarray:
    """Return the log-likelihood of each observation, columns of ``(d, n)``, with activities integrated out."""
    L, psi, K = modules.loadings, np.maximum(modules.unique, LEAST_UNIQUE), modules.n_modules
    if not K:
        return -0.5 * np.sum(Z**2 / psi[:, None] + np.log(2.0 * np.pi * psi)[:, None], axis=0)
    A = modules.scores / np.maximum(modules.scores.std(axis=1, keepdims=True), 1e-12)
    prior = (1.0 - SHRINKAGE) * (A @ A.T) / A.shape[1] + SHRINKAGE * np.eye(K)
    weighed = L.T / psi
    precision = np.linalg.inv(prior) + weighed @ L
    given = weighed @ Z
    squares = np.sum(Z**2 / psi[:, None], axis=0) - np.sum(given * np.linalg.solve(precision, given), axis=0)
    logs = np.log(2.0 * np.pi * psi).sum() + np.linalg.slogdet(precision)[1] + np.linalg.slogdet(prior)[1]
    out: np.ndarray = -0.5 * (squares + logs)
    return out


def _learn(Z: np.ndarray, weight: np.ndarray, number: int, *, visible: Visible) -> tuple[Modules, np.ndarray]:
    S = independent_loadings(Z * weight[:, None], number)
    return fit(Z, scores_of(Z, S), visible=visible, stability=np.ones(S.shape[1])), S
