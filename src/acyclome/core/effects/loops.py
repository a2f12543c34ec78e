"""Feedback where experiments show it: pairs of targets of which each acts on the other.

In a graph without circles at most one of the total effects ``i -> j`` and ``j -> i`` is not 0, directly or through any
genes, so a pair whose effects both stand is evidence for a loop (Hyttinen, Eberhardt and Hoyer 2012).  Slopes and
errors are those of :mod:`.doses`, with normal p-values whose errors are widened by how far the middle of all slopes is
wider than chance (an empirical null, Efron 2004).  Without loops, ``m`` of the ``N`` pairs with one effect and the
others with none, a threshold ``t`` for both p-values lets pass by chance

    m t + (N - m) t^2

pairs; ``t`` is where that is ``CHANCE``, ``m`` from the share of p-values above one half (Storey 2002) and two of its
standard errors.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.problem import Problem
from acyclome.core.effects.doses import Instruments
from acyclome.core.workers import run_blocks

CHANCE = 0.01  # pairs that pass in a whole screen without loops
MIDDLE = 0.6744898  # of the absolute value of a normal variable
BLOCK = 32  # targets whose values are read at once
TINY = 1e-12  # of a variance of 1


class Loops(NamedTuple):
    """Effects that go both ways, ``(m,)`` each, both directions of every pair, sets of genes one after the other.

    Parameters
    ----------
    number
        Of the set of genes that such pairs join, from 0.
    source, target, effect, error, p
        Total effect of one target on the other in standard deviations, as measured, its error, and its p-value alone.
    targets, threshold
        How many targets were looked at, and the p-value below which both effects of a pair are.
    """

    number: np.ndarray
    source: np.ndarray
    target: np.ndarray
    effect: np.ndarray
    error: np.ndarray
    p: np.ndarray
    targets: int
    threshold: float


def find_loops(problem: Problem, instruments: Instruments) -> Loops:
    """Find the pairs of targets, each with a known dose, of which each acts on the other."""
    by, doses = instruments.by, instruments.doses
    gene, k = doses.gene, len(doses.gene)
    Z = problem.data.Z

    def slopes(a: int, b: int) -> np.ndarray:
        return doses.slopes(Z[gene[a:b]], gene[a:b], by)

    blocks = gene_blocks(k, BLOCK)
    effect = np.concatenate(run_blocks(slopes, blocks, problem.threads), axis=1) if blocks else np.zeros((0, 0))
    error = np.sqrt(doses.error2[:, None] * by.noise[gene] + TINY)
    p = _p_values(effect / error) if k > 1 else np.ones((k, k))
    threshold = _threshold(p)
    i, j = np.nonzero((p <= threshold) & (threshold >= p.T))
    _, number = connected_components(csr_array((np.ones(len(i)), (i, j)), shape=(k, k)), directed=False)
    number = np.unique(number[i], return_inverse=True)[1].ravel()
    order = np.lexsort([j, i, number])
    i, j = i[order], j[order]
    return Loops(number[order], gene[i], gene[j], effect[i, j], error[i, j], p[i, j], k, threshold)


def _p_values(z: np.ndarray) -> np.ndarray:
    """Return two-sided p-values, 1 on the diagonal, of which the middle of all slopes is not below chance."""
    from scipy.special import ndtr  # here, as in .shifts: few data ask for it

    others = ~np.eye(len(z), dtype=bool)
    wider = max(float(np.median(np.abs(z[others]))) / MIDDLE, 1.0)
    return np.where(others, 2.0 * ndtr(-np.abs(z) / wider), 1.0)


def _threshold(p: np.ndarray) -> float:
    k = len(p)
    pairs, both = k * (k - 1) / 2, k * (k - 1)
    if not pairs:
        return 0.0
    above = int(np.count_nonzero(p[~np.eye(k, dtype=bool)] > 0.5))
    one = float(np.clip(both - 2 * above + 2 * np.sqrt(both), 1.0, pairs))
    none = pairs - one
    return float(2 * CHANCE / (one + np.sqrt(one**2 + 4 * none * CHANCE)))
