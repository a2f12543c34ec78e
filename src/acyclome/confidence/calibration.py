"""How probable it is that an edge is right: a map from what the fit and the resamples say, fitted on simulations.

    P(right) = P(joined) P(arrow | joined)

    logit P(joined) = a + b log(1 + x) + e z             or with resamples    a + b log(1 + x) + c logit s + e z
    logit P(arrow)  = logit q                            or with resamples    b logit q + c logit v

``x`` is the log-likelihood that the edge carries beyond what it has to bring, ``s`` the share of the resamples that
join the two genes, and ``v`` the share of those with this arrow.  ``z`` are signs of common causes that the network
does not have, which join all their targets to one another (:class:`Surroundings`).  ``q`` looks at all observations: 1
where knowledge or an intervention decides; the share of the equivalence class with this arrow where the edge can be
turned; else from the log-likelihood that turning it loses.  A half-sample sees fewer edges than the whole, so ``s`` is
too strict by itself, and ``x`` too kind, since the search took the largest of many.

The coefficients are those of ``python -m benchmarks.calibration --fit``: logistic regressions on linear data with
Gaussian noise, and on data with measurement noise, hidden factors, saturating kinetics or count noise, so that a score
allows for such faults.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from acyclome.confidence.resample import Support
from acyclome.core.graph.essential import arrow_shares

# Constant and slopes, as fitted on seeds 21 and 22; docs/results/confidence.md has seeds 11 to 13.
JOINED = (-0.61, 0.99)
JOINED_VOTED = (0.08, 0.68, 0.22)
COMPELLED = (1.19, 0.70)
ARROW_VOTED = (0.35, 1.17)
# Slopes of log(1 + common neighbours), of the share of edges in triangles, and of residual correlation.
CONFOUNDED = (-0.46, -4.78, -41.2)
CONFOUNDED_VOTED = (-0.41, -4.54, -38.8)
SURE = 0.999  # the most that one look at the direction may say


class Surroundings(NamedTuple):
    """What of a network speaks for common causes that it does not have: they join all their targets to one another.

    Both ends of an edge of a random graph, of ``m`` edges between ``d`` genes, have ``4 m^2 / d^3`` neighbours in
    common, and no more than that says anything.  The mean square of the correlations of ``n`` observations, less its
    expectation, has a standard deviation of ``2 / (n d)`` where nothing is correlated; so much is chance.
    """

    common_neighbors: np.ndarray  # (m,) genes joined to both ends of each edge, beyond those of a random graph
    in_triangles: float  # share of the edges that have any, of those that have none by chance
    residual_correlation: float  # that the network leaves between two genes, beyond chance

    @classmethod
    def of(cls, common_neighbors: np.ndarray, residual_correlation: float, *, n_genes: int, n_obs: int) -> Self:
        expected = 4 * len(common_neighbors) ** 2 / n_genes**3
        share = float(np.mean(common_neighbors > 0)) if len(common_neighbors) else 0.0
        none = float(np.exp(-expected))
        in_triangles = max(1.0 - (1.0 - share) / none, 0.0)
        left = float(np.sqrt(max(residual_correlation**2 - 2.0 / (n_obs * n_genes), 0.0)))
        return cls(np.maximum(common_neighbors - expected, 0.0), in_triangles, left)

    @property
    def features(self) -> np.ndarray:
        """What the regressions see, ``(3, m)``, 0 where nothing speaks for such causes."""
        common = np.log1p(self.common_neighbors)
        everywhere = [np.full(len(common), of_all) for of_all in (self.in_triangles, self.residual_correlation)]
        return np.stack([common, *everywhere])


def joined_probability(
    gain: np.ndarray, support: Support, surroundings: Surroundings | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability that two genes are joined, and that a common cause rather than that explains the pair.

    ``gain`` ``(m,)`` is the log-likelihood that each edge carries, less what it has to bring.  The second, ``(m,)``, is
    the share of the first that ``surroundings`` take, and nan without them.
    """
    x = np.log1p(np.maximum(gain, 0.0))  # required edges may bring less than they have to
    if support.resamples:
        a, b, c = JOINED_VOTED
        logit, slopes = a + b * x + c * logit_of_share(support.stability, support.resamples), CONFOUNDED_VOTED
    else:
        logit, slopes = JOINED[0] + JOINED[1] * x, CONFOUNDED
    alone = probability(logit)
    if surroundings is None:
        return alone, np.full(len(alone), np.nan)
    joined = probability(logit + np.asarray(slopes) @ surroundings.features)
    return joined, 1.0 - joined / alone


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
    arrow = probability(COMPELLED[0] + COMPELLED[1] * np.log1p(np.abs(loss)))
    arrow[~compelled] = arrow_shares(source[~compelled], target[~compelled], n_genes)
    return np.where(decided, 1.0, arrow)


def arrow_probability(alone: np.ndarray, support: Support) -> np.ndarray:
    """Return the probability that joined genes have this arrow, ``(m,)``, from what all observations say of it."""
    if not support.resamples:
        return alone
    q = np.clip(alone, 1.0 - SURE, SURE)  # odds of 1,000 to 1, which votes can still outweigh
    b, c = ARROW_VOTED
    joined = support.stability * support.resamples
    voted = probability(b * np.log(q / (1.0 - q)) + c * logit_of_share(support.direction, joined))
    return np.where(alone == 1.0, 1.0, voted)  # decided by more than this score


def logit_of_share(share: np.ndarray, total: np.ndarray | int) -> np.ndarray:
    """Return the log odds of a share of `total`, half a vote added to either side (Haldane and Anscombe)."""
    return np.log((share * total + 0.5) / ((1.0 - share) * total + 0.5))


def probability(logit: np.ndarray) -> np.ndarray:
    """Return the probability of log odds."""
    return 1.0 / (1.0 + np.exp(-logit))


def log_odds(share: np.ndarray) -> np.ndarray:
    """Return the log odds of a probability, infinite at 0 and 1."""
    with np.errstate(divide="ignore"):
        odds: np.ndarray = np.log(share) - np.log1p(-share)
    return odds
