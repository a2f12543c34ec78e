"""How much of each answer goes into a prediction, and how far it misses: both from treatments that were held out.

Of a held-out treatment ``t`` the mean changes ``y_tj`` are known, and answers ``f_tkj`` that never saw it.  The weights
minimize ``sum_t |y_t - w f_t|^2`` with ``w >= 0`` (stacking, Breiman 1996), from sums for each treatment, so that
leaving each out of the weights too costs nothing.  They are drawn towards those of the best answer as it stands, no
change among them, and are taken where that one has a larger error without the treatment in question; an answer that has
to be fitted has to be better than what there is without it by a part of a standard error over the treatments.

What is missed is scaled by ``(v_j + e_tj^2)^1/2``, with ``e`` the error of the mean and ``v_j`` what answers to other
treatments missed beyond it.  The distribution of the scaled misses, each treatment counting once, gives the intervals
(conformal prediction with groups, Dunn, Wasserman and Ramdas 2023, who also give its limit: few treatments say little).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import NamedTuple

import numpy as np

LEAST = 3  # held-out treatments from which a standard error over them says something
PRIOR = 1.0  # treatments, as large as the mean one, on which the best answer as it stands is right
# Standard errors by which a fitted answer has to be better: what weights cost that bring nothing is of the order of
# 1 / K, and 1 gave away what the network knows of a screen with 9 targets, three of them strong.  Asked of the weights
# of answers that need none it cost more than it saved: of simulated screens with 9 to 16 treatments in each of which
# something in common has another size, a fifth missed the best answer as it stands by .5 % or more, and none without.
FIRM = 0.5
POOLED = 5.0  # treatments that the mean over all genes counts as in what is missed of one gene; 2 and 10 did as well
LEVELS = np.append(np.linspace(0.005, 0.995, 199), [0.999, 1.0])
STATED = 0.9  # share whose coverage is recorded
TINY = 1e-12  # of a variance of 1
NOTHING = "no change"


class Profiles(NamedTuple):
    """Treatments and what they did.

    Parameters
    ----------
    observations
        ``(K,)`` observations of each treatment.
    change
        ``(K, d)`` mean change of every gene from where it is untouched, in its own standard deviations.
    error
        ``(K, d)`` standard deviation of that mean, by the variance of genes among observations treated alike.
    """

    observations: np.ndarray
    change: np.ndarray
    error: np.ndarray

    def joined(self, other: Profiles) -> Profiles:
        """Return the treatments of both, one after the other."""
        return Profiles(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Stack:
    """What held-out treatments say of a kind of prediction.

    Parameters
    ----------
    weight
        Of every answer by name; all are 0 where none is better than no change.
    spread
        ``(d,)`` standard deviation of what is missed of every gene beyond the error of the mean.
    reach
        Misses, in units of their scale, below which the shares ``LEVELS`` lie.
    error
        Mean squared error of every answer as it stands, of no change, and of what is ``chosen``, weights fitted without
        the treatment itself.
    coverage
        Share of the changes that lie in the intervals of ``STATED``, their scale found without the treatment itself.
    treatments
        How many were held out.
    """

    weight: dict[str, float]
    spread: np.ndarray
    reach: np.ndarray
    error: dict[str, float]
    coverage: float
    treatments: int

    @property
    def has_skill(self) -> bool:
        """Whether it says anything but no change."""
        return any(self.weight.values())

    def answer(self, answers: Mapping[str, np.ndarray]) -> np.ndarray:
        total = np.zeros(len(self.spread))
        for name, weight in self.weight.items():
            if weight:
                total = total + weight * answers[name]
        return total

    def half_width(self, share: float, *, spread: np.ndarray, error: np.ndarray) -> np.ndarray:
        """Return the half-widths of intervals that hold a share of the changes, ``(d,)``."""
        width: np.ndarray = np.interp(share, LEVELS, self.reach) * np.sqrt(spread**2 + error**2)
        return width


def stack(
    seen: Profiles, answers: Mapping[str, np.ndarray], *, fitted: Mapping[str, np.ndarray], counts: np.ndarray
) -> Stack:
    """Weigh answers by held-out treatments.

    ``answers`` stand for themselves, and are what is to be beaten; those and ``fitted`` get weights. Both are
    ``(K, d)`` each, by name, made without the treatment of the row. ``counts``, ``(K, d)`` bool, leaves targets out.
    """
    names = [*answers, *fitted]
    F = [*answers.values(), *fitted.values()]
    K, k = len(seen.observations), len(names)
    G, b, square = np.zeros((K, k, k)), np.zeros((K, k)), np.zeros(K)
    for t in range(K):
        rows = np.stack([f[t, counts[t]] for f in F]).astype(float)
        y = seen.change[t, counts[t]]
        G[t], b[t], square[t] = rows @ rows.T, rows @ y, y @ y
    size = np.maximum(counts.sum(axis=1), 1)
    bare = {NOTHING: np.zeros((K, k)), **{name: np.tile(np.eye(k)[i], (K, 1)) for i, name in enumerate(answers)}}

    def error(w: np.ndarray) -> np.ndarray:
        missed: np.ndarray = (square - 2 * (w * b).sum(axis=1) + np.einsum("ti,tij,tj->t", w, G, w)) / size
        return missed

    errors = {name: error(w) for name, w in bare.items()}
    best = min(errors, key=lambda name: (float(errors[name].mean()), name != NOTHING))
    chosen, without, least = bare[best][0], bare[best], errors[best]
    weigh = partial(_weights, towards=chosen)
    parts = [some for count in range(1, k + 1) for some in combinations(range(k), count)]
    for is_fitted, firm in ((False, 0.0), (True, FIRM)):
        beaten = least
        for some in (some for some in parts if (max(some) >= len(answers)) == is_fitted):
            each = np.array([weigh(G.sum(axis=0) - G[t], b.sum(axis=0) - b[t], some, n=K - 1) for t in range(K)])
            new = error(each)
            gain = beaten - new
            if new.mean() < least.mean() and gain.mean() > firm * gain.std(ddof=1) / np.sqrt(K):
                chosen, without, least = weigh(G.sum(axis=0), b.sum(axis=0), some, n=K), each, new
    spread, reach, coverage = _misses(seen, F, without, counts=counts)
    return Stack(
        weight=dict(zip(names, chosen.tolist(), strict=True)),
        spread=spread,
        reach=reach,
        error={**{name: float(values.mean()) for name, values in errors.items()}, "chosen": float(least.mean())},
        coverage=coverage,
        treatments=K,
    )


def _weights(G: np.ndarray, b: np.ndarray, some: tuple[int, ...], *, n: int, towards: np.ndarray) -> np.ndarray:
    """Return the weights that ``n`` treatments give to some answers, those of the others being 0, ``(k,)``."""
    from scipy.optimize import nnls  # here: a tenth of the start of a stage

    w, at = np.zeros(len(b)), list(some)
    own = G[np.ix_(at, at)]
    prior = own.diagonal() * PRIOR / max(n, 1) + TINY
    L = np.linalg.cholesky(own + np.diag(prior))
    w[at] = nnls(L.T, np.linalg.solve(L, b[at] + prior * towards[at]))[0]
    return w


def _misses(
    seen: Profiles, F: list[np.ndarray], without: np.ndarray, *, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return spread, reach and coverage of answers whose weights were found without the treatment of each row."""
    missed = seen.change - sum(without[:, i, None] * f for i, f in enumerate(F))
    beyond = np.where(counts, missed**2 - seen.error**2, 0.0)
    total, n = beyond.sum(axis=0), counts.sum(axis=0)
    spread = np.sqrt(_pooled(total, n))
    K = len(missed)
    scaled = []
    for t in range(K):
        scale = np.sqrt(_pooled(total - beyond[t], n - counts[t]) + seen.error[t] ** 2 + TINY)
        scaled.append(np.sort((np.abs(missed[t]) / scale)[counts[t]]))
    reach = np.quantile(np.concatenate(scaled), LEVELS)
    below = np.array([np.searchsorted(u, reach, side="right") / max(len(u), 1) for u in scaled])  # (K, levels)
    others = (below.sum(axis=0) - below) / max(K - 1, 1)
    held = [np.interp(np.interp(STATED, others[t], reach), reach, below[t]) for t in range(K)]
    return spread, reach, float(np.mean(held))


def _pooled(total: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return the mean of what is missed of every gene, drawn to that over all genes, ``(d,)``, never below nothing."""
    everywhere = total.sum() / max(n.sum(), 1)
    return np.maximum((total + POOLED * everywhere) / (n + POOLED), 0.0)
