"""How many modules: held-out likelihood and stability along a path of numbers, and the elbow of the curve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from acyclome.core.modules.find import (
    LEAST_UNIQUE,
    PRICES,
    Modules,
    Prices,
    Visible,
    agreement,
    cosines,
    fit,
    most_modules,
)
from acyclome.core.modules.rotation import independent_loadings

NUMBERS = (5, 10, 20, 30, 50, 75, 100, 150, 200, 300)
FOLDS = 4  # each leaves out a quarter, so that three quarters of the most modules can still be told apart
SHRINKAGE = 0.1  # of the correlations among modules towards none, so that they have an inverse
IDLE, WORTH = 2, 0.01  # numbers in a row with hardly a gain, at which the path ends, and how little that is
WITHIN = 2.0  # standard errors of the best from which fewer modules are as good


class PathPoint(NamedTuple):
    """One number of modules: how many genes made so many, what they explain, and how far they return."""

    number: int
    n_modules: int
    log_likelihood: float  # mean over observations that were held out, a gene, in nats
    standard_error: float  # of that mean
    explained: float  # mean share of the variance of a gene that modules explain
    stability: float  # mean correlation of loadings with those of the fits that held observations out
    enriched: float = float("nan")  # share of the modules that go with a set
    named_again: float = float("nan")  # share of those that go with it in the fits that held observations out, too
    carried: float = float("nan")  # share of what the network tells of knock-outs that modules can say
    knockouts: float = float("nan")  # the same, with the edges that no module carries
    direct: float = float("nan")  # how many edges these are


@dataclass(frozen=True)
class Judges:
    """What modules are judged by beside their likelihood.

    ``names`` returns the set that each module goes with, ``(K,)``, -1 of none; ``kept`` what they keep of knock-outs.
    """

    names: Callable[[Modules], np.ndarray] | None = None
    kept: Callable[[Modules], tuple[float, float, float]] = lambda _: (float("nan"), float("nan"), float("nan"))

    def say(self, whole: Modules, parts: list[Modules]) -> dict[str, float]:
        """Return the columns of a point, of modules of all observations and those of a part."""
        said = dict(zip(("carried", "knockouts", "direct"), self.kept(whole), strict=True))
        if self.names is None or not whole.n_modules:
            return said
        names = self.names(whole)
        own = np.flatnonzero(names >= 0)
        again = [self._again(whole, names, part)[own] for part in parts]
        return said | {
            "enriched": len(own) / len(names),
            "named_again": float(np.mean(again)) if len(own) else float("nan"),
        }

    def _again(self, whole: Modules, names: np.ndarray, part: Modules) -> np.ndarray:
        """Say which modules have a nearest one among others that goes with the same set, ``(K,)``."""
        if self.names is None or not part.n_modules:
            return np.zeros(len(names), bool)
        same: np.ndarray = self.names(part)[cosines(whole.loadings, part.loadings).argmax(axis=1)] == names
        return same


NOTHING = Judges()


def regularisation_path(
    Z: np.ndarray,
    weight: np.ndarray,
    *,
    visible: Visible,
    seed: int,
    numbers: tuple[int, ...] = NUMBERS,
    judges: Judges = NOTHING,
    prices: Prices = PRICES,
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
        whole, S = _learn(Z, weight, number, visible=visible, prices=prices)
        score, found, parts = np.empty(n), np.zeros((FOLDS, S.shape[1])), []
        for part in range(FOLDS):
            modules, again = _learn(Z[:, fold != part], weight, number, visible=visible, prices=prices)
            score[fold == part] = log_likelihood(Z[:, fold == part], modules) / d
            found[part] = agreement(S, again)
            parts.append(modules)
        error, explained = float(score.std() / np.sqrt(n)), float(np.mean(1.0 - whole.unique))
        held_out, stability = float(score.mean()), float(found.mean())
        said = judges.say(whole, parts)
        points.append(PathPoint(number, whole.n_modules, held_out, error, explained, stability, **said))
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


def _learn(
    Z: np.ndarray, weight: np.ndarray, number: int, *, visible: Visible, prices: Prices
) -> tuple[Modules, np.ndarray]:
    S = independent_loadings(Z * weight[:, None], number)
    return fit(Z, S, visible=visible, stability=np.ones(S.shape[1]), prices=prices), S
