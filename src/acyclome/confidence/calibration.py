"""How probable it is that an edge is right: a map from what the fit and the resamples say, fitted on simulations.

    P(right) = P(joined) P(arrow | joined)

    logit P(joined) = a + b log(1 + x)                   or with resamples    a + b log(1 + x) + c logit s
    logit P(arrow)  = logit q                            or with resamples    b logit q + c logit v

``x`` is the log-likelihood that the edge carries beyond what it has to bring, ``s`` the share of the resamples that
join the two genes, and ``v`` the share of those with this arrow.  ``q`` looks at all observations: 1 where knowledge or
an intervention decides; the share of the equivalence class with this arrow where the edge can be turned; else from the
log-likelihood that turning it loses.  A half-sample sees fewer edges than the whole, so ``s`` is too strict by itself,
and ``x`` too kind, since the search took the largest of many.

The coefficients are those of ``python -m benchmarks.calibration --fit``: logistic regressions on linear data with
Gaussian noise, some of them with measurement noise or hidden causes, so that a score allows for such faults.
"""

from __future__ import annotations

import numpy as np

from acyclome.confidence.resample import Support
from acyclome.core.graph.essential import arrow_shares

# Constant and slopes, as fitted on seeds 21 and 22; docs/results/confidence.md has seeds 11 to 13.
JOINED = (-1.52, 1.29)
JOINED_VOTED = (-0.32, 0.80, 0.34)
COMPELLED = (1.83, 0.66)
ARROW_VOTED = (0.44, 1.18)
SURE = 0.999  # the most that one look at the direction may say


def joined_probability(gain: np.ndarray, support: Support) -> np.ndarray:
    """Return the probability that two genes are joined, ``(m,)``.

    ``gain`` ``(m,)`` is the log-likelihood that each edge carries, less what it has to bring.
    """
    x = np.log1p(np.maximum(gain, 0.0))  # required edges may bring less than they have to
    if not support.resamples:
        return _logistic(JOINED[0] + JOINED[1] * x)
    a, b, c = JOINED_VOTED
    return _logistic(a + b * x + c * logit_of_share(support.stability, support.resamples))


def arrow_alone(
    source: np.ndarray,
    target: np.ndarray,
    *,
    n_genes: int,
    compelled: np.ndarray,  # (m,) bool, edges that point this way in all of the class
    decided: np.ndarray,  # (m,) bool, directions that knowledge or an intervention decides
    loss: np.ndarray,  # (m,) log-likelihood lost by turning each
) -> np.ndarray:
    """Return what all observations say of every direction, ``(m,)`` from 0 to 1."""
    arrow = _logistic(COMPELLED[0] + COMPELLED[1] * np.log1p(np.abs(loss)))
    arrow[~compelled] = arrow_shares(source[~compelled], target[~compelled], n_genes)
    return np.where(decided, 1.0, arrow)


def arrow_probability(alone: np.ndarray, support: Support) -> np.ndarray:
    """Return the probability that joined genes have this arrow, ``(m,)``, from what all observations say of it."""
    if not support.resamples:
        return alone
    q = np.clip(alone, 1.0 - SURE, SURE)  # odds of 1,000 to 1, which votes can still outweigh
    b, c = ARROW_VOTED
    joined = support.stability * support.resamples
    voted = _logistic(b * np.log(q / (1.0 - q)) + c * logit_of_share(support.direction, joined))
    return np.where(alone == 1.0, 1.0, voted)  # decided by more than this score


def logit_of_share(share: np.ndarray, total: np.ndarray | int) -> np.ndarray:
    """Return the log odds of a share of `total`, half a vote added to either side (Haldane and Anscombe)."""
    return np.log((share * total + 0.5) / ((1.0 - share) * total + 0.5))


def _logistic(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))
