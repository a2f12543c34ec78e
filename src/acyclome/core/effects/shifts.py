"""How far interventions shift genes: their targets, to see whether they did anything, and all others.

For the targets themselves the reference is what was left untouched, or every other observation where that is fewer than
``LEAST_UNTOUCHED``.  For the effects on others it is every other observation in which the other gene was no target.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import stdtr

from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.index_maps import positions
from acyclome.core.data.interventions import LEAST_OWN, own_moments
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.core.workers import run_blocks

LEAST_UNTOUCHED = 3  # observations, which have a variance and a degree of freedom to spare
DOUBT = 0.01  # p-value from which a target did not change measurably
FIRM = 1.0  # standard deviations, see OwnShifts.is_firm
TINY = 1e-12  # of a variance of 1, where all values are one
BLOCK, VALUES = 128, 1 << 22  # genes, and their values, that a thread takes at once: 32 MB in float64


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


class Effects(NamedTuple):
    """Log-likelihoods ``(nnz,)`` that acting on the source of each pair adds about its target; 0 if nothing was done.

    ``source`` and ``target`` are further pairs, ``(m,)``, whose gains, ``more``, pay for an edge.
    """

    gain: np.ndarray
    source: np.ndarray
    target: np.ndarray
    more: np.ndarray


def total_effects(problem: Problem, pairs: Candidates, *, least: np.ndarray) -> Effects:
    """Say of every pair how far acting on its source shifts its target, directly or not; find others where it does.

    ``-n_j/2 log(1 - r^2)`` with ``r`` the correlation of gene ``j``, over the observations in which it was no target,
    with the indicator of gene ``i`` being one; with ``S`` the sum of its standardized values over the ``t`` of them in
    which ``i`` was, ``r^2 = S^2 / (t (n_j - t))``.  That is the likelihood ratio of a shift of the mean with pooled
    variance.  ``least``, ``(d,)``, is the least gain, by target, of a pair that is not among ``pairs``.
    """
    data, targets = problem.data, problem.data.interventions
    d, n = data.n_genes, data.n_obs
    acted = np.flatnonzero((targets.counts > 0) & problem.constraints.sources)
    position = positions(acted, d)
    touched = sparse.csr_matrix((np.ones(len(targets.row), np.float32), targets.row, targets.indptr), shape=(d, n))
    mean, own_scale = own_moments(data.Z, targets)

    def block(a: int, b: int) -> tuple[np.ndarray, ...]:
        scale = np.where(own_scale[a:b] > 0, own_scale[a:b], 1.0)
        Y = (data.Z[a:b] - mean[a:b, None]) / scale[:, None]
        Y[touched[a:b].nonzero()] = 0.0
        total = (touched[acted] @ Y.T).T
        count = targets.counts[acted] - (touched[a:b] @ touched[acted].T).toarray()
        others = (n - targets.counts[a:b])[:, None] - count
        r2 = np.where((count > 0) & (others >= LEAST_OWN), total**2 / np.maximum(count * others, 1.0), 0.0)
        gain = -0.5 * data.n_own[a:b, None] * np.log1p(-np.minimum(r2, 1.0 - TINY))
        at = slice(pairs.indptr[a], pairs.indptr[b])
        row, column = np.repeat(np.arange(b - a), pairs.counts[a:b]), position[pairs.parent[at]]
        told = column >= 0
        asked = np.zeros(len(row))
        asked[told] = gain[row[told], column[told]]
        gain[row[told], column[told]] = 0.0
        gain[acted == np.arange(a, b)[:, None]] = 0.0
        j, i = np.nonzero((gain > 0.0) & (gain >= least[a:b, None]))  # an edge may cost nothing
        return asked, acted[i], j + a, gain[j, i]

    size = max(1, min(BLOCK, VALUES // max(n, 1)))
    effects = run_blocks(block, gene_blocks(d, size), problem.threads)
    return Effects(*(np.concatenate(part) for part in zip(*effects, strict=True)))
