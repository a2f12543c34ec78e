"""How far interventions shift genes: their targets, to see whether they did anything, and all others.

The reference is what was left untouched, or every other observation where that is fewer than ``LEAST_UNTOUCHED``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from acyclome.core.interventions import Targets
from acyclome.core.moments import Moments

LEAST_UNTOUCHED = 3
DOUBT = 0.01
TINY = 1e-12


class OwnShifts(NamedTuple):
    """What happened to the targets themselves.

    Parameters
    ----------
    gene
        ``(k,)`` genes that were targets.
    size
        ``(k,)`` observations in which each was.
    shift
        ``(k,)`` change of its mean, in standard deviations of its own observations.
    p
        ``(k,)`` two-sided p-value of the change (t test with pooled variance, which needs one observation only).
    """

    gene: np.ndarray
    size: np.ndarray
    shift: np.ndarray
    p: np.ndarray

    @property
    def is_seen(self) -> np.ndarray:
        """Whether the change of the target itself is more than chance, ``(k,)``."""
        return self.p < DOUBT


def own_shifts(moments: Moments, targets: Targets) -> OwnShifts:
    """Compare every target in the observations in which it was one with the reference."""
    Z, n = moments.Z, moments.n_obs
    gene = np.flatnonzero(targets.counts)
    d, count = moments.n_genes, targets.counts[gene].astype(float)
    values, at = Z[targets.gene, targets.row].astype(float), targets.gene
    total, square = np.bincount(at, values, d)[gene], np.bincount(at, values**2, d)[gene]
    untouched = targets.untouched
    if len(untouched) >= LEAST_UNTOUCHED:
        quiet = Z[np.ix_(gene, untouched)].astype(float)
        others, rest, size = quiet.sum(axis=1), (quiet**2).sum(axis=1), np.full(len(gene), float(len(untouched)))
    else:
        others, rest, size = -total, n - square, n - count
    size = np.maximum(size, 1.0)
    shift, freedom = total / count - others / size, np.maximum(count + size - 2, 1.0)
    inside = square - total**2 / count + rest - others**2 / size
    error = np.sqrt(np.maximum(inside, TINY) / freedom * (1 / count + 1 / size))
    spread = np.ones(d) if moments.spread is None else moments.spread
    p = 2 * stdtr(freedom, -np.abs(shift) / error)
    return OwnShifts(gene, targets.counts[gene], shift / np.where(spread[gene] > 0, spread[gene], 1.0), p)
