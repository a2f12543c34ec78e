"""Correlations that skewed genes have by chance.

Two genes that are each seen in ten cells of thousands share a cell or two by accident and correlate at .1 to .2: far
beyond what the Gaussian likelihood, ``n r^2 / 2``, allows for.  The sum ``sum_k x_k y_k`` of independent skewed genes
has third cumulant ``n g_x g_y``; the Poisson law with the same variance and third cumulant has the tail

    log P(r' >= r) ~ -n / m^2 ((1 + m r) log(1 + m r) - m r),   m = g_x g_y,

(Bennett's form), which tends to ``-n r^2 / 2`` for genes without skewness and to ``c log(c / e)`` for rare ones with
``c`` shared cells where ``e`` were expected.  A pair that is worth an edge, or nearly, in the Gaussian light and not in
this one is no candidate.
"""

from __future__ import annotations

import numpy as np

from acyclome.core.data.moments import Moments
from acyclome.core.kernel import kernel

# Of the cost of an edge, in the Gaussian light, from which a pair is looked at in the other one: a pair that is worth
# less becomes no edge anyway, but one beside other parents may be worth somewhat more than alone.  By eye.
NEAR = 0.6
SKEWED = 0.25  # r g_x g_y; below it the two lights differ by less than a tenth


def edge_cost(n_obs: float, n_genes: int) -> float:
    """Evidence a pair of skewed genes has to bring: the extended BIC's cost of an edge."""
    return 0.5 * np.log(n_obs) + np.log(n_genes)


def are_spurious(data: Moments, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Say of every pair whether its correlation is what skewed genes have by chance, ``(m,)`` bool."""
    m = data.skewness[source] * data.skewness[target]
    least = edge_cost(data.n_effective, data.n_genes)
    spurious: np.ndarray = _are_spurious(data.pairs(source, target).astype(float), m, data.n_effective, least)
    return spurious


@kernel(fastmath=True)
def is_doubtful(r, m, n, least):
    """Say whether a correlation is to be judged, as few are: without a branch, so that many are told at once."""
    return (r * m >= SKEWED) & (0.5 * n * r * r >= NEAR * least)


@kernel(fastmath=True)
def is_spurious(r, m, n, least):
    """Judge one correlation ``r`` of genes whose skewnesses have the product ``m``."""
    if not is_doubtful(r, m, n, least):  # nearly all pairs: the logarithm is for few
        return False
    u = r * m
    evidence = n / (m * m) * ((1.0 + u) * np.log1p(u) - u)
    return evidence < least


@kernel
def _are_spurious(r, m, n, least):
    spurious = np.empty(len(r), np.bool_)
    for k in range(len(r)):
        spurious[k] = is_spurious(r[k], m[k], n, least)
    return spurious
