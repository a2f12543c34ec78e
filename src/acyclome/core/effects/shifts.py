"""How far interventions shift their own targets, to see whether they did anything.

The reference is what was left untouched, or every other observation where that is fewer than ``LEAST_UNTOUCHED``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.moments import Moments

LEAST_UNTOUCHED = 3  # observations, which have a variance and a degree of freedom to spare
DOUBT = 0.01  # p-value from which a target did not change measurably
FIRM = 1.0  # standard deviations, see OwnShifts.is_firm
TINY = 1e-12  # of a variance of 1, where all values are one
BLOCK = 128  # genes at once


class OwnShifts(NamedTuple):
    """What happened to the targets themselves, ``(k,)`` each: the ``size`` observations in which a gene was one.

    ``shift`` is the change of its mean, in standard deviations of its own observations; ``p`` two-sided, from a t test
    with pooled variance, which needs one observation only; ``left`` the share of the observations that are its own.
    """

    gene: np.ndarray
    size: np.ndarray
    shift: np.ndarray
    p: np.ndarray
    left: np.ndarray

    @property
    def is_seen(self) -> np.ndarray:
        """Whether the change of the target itself is more than chance, ``(k,)``."""
        return self.p < DOUBT

    @property
    def is_firm(self) -> np.ndarray:
        """Whether it is also at least as large as the spread of the target, ``(k,)``.

        An intervention that only moves its target by ``s`` standard deviations, and leaves its equation as it is, makes
        a cause of the target look like its effect while ``s`` is small: with the share ``q`` of the observations under
        it, weak causes until ``s = 1 / (1 - q)``, stronger ones not as long.
        """
        return self.is_seen & (np.abs(self.shift) * self.left >= FIRM)


def own_shifts(data: Moments) -> OwnShifts:
    """Compare every target in the observations in which it was one with the reference."""
    from scipy.special import stdtr  # here: of data without experiments a stage never asks for it

    Z, n, targets = data.beside_R, data.n_obs, data.interventions
    gene = np.flatnonzero(targets.counts)
    d, count = data.n_genes, targets.counts[gene].astype(float)
    values, at = Z[targets.gene, targets.row].astype(float), targets.gene
    total, square = np.bincount(at, values, d)[gene], np.bincount(at, values**2, d)[gene]
    untouched = targets.untouched
    others, squares, size = -total, n - square, n - count  # rows of Z sum to 0, their squares to n
    if len(untouched) >= LEAST_UNTOUCHED:
        size = np.full(len(gene), float(len(untouched)))
        for a, b in gene_blocks(len(gene), BLOCK):
            quiet = Z[np.ix_(gene[a:b], untouched)].astype(float)
            others[a:b], squares[a:b] = quiet.sum(axis=1), (quiet**2).sum(axis=1)
    size = np.maximum(size, 1.0)
    shift, freedom = total / count - others / size, np.maximum(count + size - 2, 1.0)
    inside = square - total**2 / count + squares - others**2 / size
    error = np.sqrt(np.maximum(inside, TINY) / freedom * (1 / count + 1 / size))
    own_scale = data.own_scale[gene]
    p = 2 * stdtr(freedom, -np.abs(shift) / error)
    shift /= np.where(own_scale > 0, own_scale, 1.0)
    return OwnShifts(gene, targets.counts[gene], shift, p, 1.0 - count / n)
