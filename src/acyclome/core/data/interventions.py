"""Interventions: in which observations each gene was acted on, and moments without them.

What is done to gene j replaces its equation, so the observations in which j was a target say nothing about it; as
causes of other genes the very same values count.  So every gene has its own observations, ``n_j = n - t_j``, and with
them its own means, scales and correlations: the shared sums less those over its ``t_j`` excluded columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from scipy import sparse

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.index_maps import positions, row_pointers
from acyclome.core.data.standardized import let_go
from acyclome.core.kernel import kernel

LEAST_OWN = 10  # observations of its own from which a gene gets parents: as few as a whole data set may have
TINY = 1e-10  # of a variance of 1: below it a gene does not vary; sums of 1e4 squares round to 1e-12 in float64
SOURCES = 1024  # looked at before those on a disk go from memory: 1 GB of 250,000 observations
EDGES = 4096  # the same, of which each needs two genes


@dataclass(frozen=True)
class Interventions:
    """Observations in which each gene was a target, CSR by gene, observations rising within a gene.

    Those of gene ``j`` are ``row[indptr[j]:indptr[j + 1]]``; an observation with several targets stands at each of
    them. ``indptr`` is ``(d + 1,)`` int64, ``row`` ``(m,)`` int64, ``n_obs`` counts all observations.
    """

    indptr: np.ndarray
    row: np.ndarray
    n_obs: int

    @classmethod
    def from_pairs(cls, gene: np.ndarray, row: np.ndarray, *, n_genes: int, n_obs: int) -> Self:
        """Build from pairs (gene, observation); repeats fall out."""
        keys = np.unique(np.asarray(gene, np.int64) * n_obs + np.asarray(row, np.int64))
        return cls(row_pointers(keys // max(n_obs, 1), n_genes), keys % max(n_obs, 1), n_obs)

    @classmethod
    def none(cls, *, n_obs: int, n_genes: int) -> Self:
        """Return those of data in which nothing was done."""
        return cls(np.zeros(n_genes + 1, np.int64), np.empty(0, np.int64), n_obs)

    @property
    def any(self) -> bool:
        return len(self.row) > 0

    @cached_property
    def counts(self) -> np.ndarray:
        """Observations in which each gene was a target, ``(d,)``."""
        return np.diff(self.indptr)

    @property
    def gene(self) -> np.ndarray:
        """Gene of every entry of ``row``, ``(m,)``."""
        return np.repeat(np.arange(len(self.indptr) - 1), self.counts)

    @property
    def untouched(self) -> np.ndarray:
        """Observations in which no gene was a target, rising."""
        return np.setdiff1d(np.arange(self.n_obs), self.row)

    def of(self, gene: int) -> np.ndarray:
        """Observations in which ``gene`` was a target."""
        return self.row[self.indptr[gene] : self.indptr[gene + 1]]

    def subset(self, genes: np.ndarray | None = None, rows: np.ndarray | None = None) -> Interventions:
        """Return those on some genes in some observations (all if None), numbered anew in the order given."""
        d = len(self.indptr) - 1
        genes = np.arange(d) if genes is None else genes
        rows = np.arange(self.n_obs) if rows is None else rows
        gene, row = positions(genes, d)[self.gene], positions(rows, self.n_obs)[self.row]
        kept = (gene >= 0) & (row >= 0)
        return Interventions.from_pairs(gene[kept], row[kept], n_genes=len(genes), n_obs=len(rows))

    def strata(self) -> np.ndarray:
        """Return a number for each observation, ``(n,)``; those with the same targets have the same."""
        # splitmix64 (Steele, Lea and Flood 2014) of the genes: sums of different targets are not to be met by chance.
        key = np.arange(1, len(self.indptr), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        combination = np.zeros(self.n_obs, np.uint64)  # sums of 64 random bits for each target
        np.add.at(combination, self.row, (key ^ (key >> np.uint64(31)))[self.gene])
        return np.unique(combination, return_inverse=True)[1]


def own_moments(Z: np.ndarray, interventions: Interventions) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every gene over its own observations, ``(d,)`` each, in the units of ``Z``.

    Rows of ``Z``, ``(d, n)``, have mean 0 and mean square 1, or are all zero.
    """
    d, n = Z.shape
    gene, own = interventions.gene, np.maximum(n - interventions.counts, 1)
    values = Z[gene, interventions.row].astype(np.float64)  # what is left out; all sum to 0, and squares to n
    mean = -np.bincount(gene, values, d) / own
    square = (n - np.bincount(gene, values * values, d)) / own - mean**2
    return mean, np.sqrt(np.where(square > TINY, square, 0.0))


def own_rows(
    C: np.ndarray, Z: np.ndarray, interventions: Interventions, *, genes: np.ndarray, sources: np.ndarray | None
) -> np.ndarray:
    """Correlations of ``genes``, ``(t,)``, with ``sources`` (all if None), each gene's over its own observations.

    ``C``, ``(t, p)``, are the same over all observations.
    """
    place = np.flatnonzero(interventions.counts[genes])
    if not len(place):
        return C
    out, sources = C.copy(), np.arange(len(Z)) if sources is None else sources
    for a, b in gene_blocks(len(sources), SOURCES):
        _own_rows(out[:, a:b], Z, sources[a:b], interventions.indptr, interventions.row, genes, place)
        let_go(Z)
    return out


@kernel(fastmath=True)
def _own_rows(C, Z, sources, indptr, row, genes, place):
    """Write over the rows ``place`` of ``C``; sources come one after the other, so that all of ``Z`` is met once."""
    n, k = Z.shape[1], len(place)
    start = np.zeros(k + 1, np.int64)
    for t in range(k):
        start[t + 1] = start[t] + indptr[genes[place[t]] + 1] - indptr[genes[place[t]]]
    Y, total, variance = np.empty(start[k], Z.dtype), np.zeros(k), np.zeros(k)
    for t in range(k):
        j, own, square = genes[place[t]], n - (start[t + 1] - start[t]), np.float64(n)
        for e in range(start[t], start[t + 1]):  # of its own: rows of Z sum to 0, their squares to n
            Y[e] = Z[j, row[indptr[j] + e - start[t]]]
            total[t] += Y[e]
            square -= Y[e] ** 2
        variance[t] = square / own - (total[t] / own) ** 2 if own >= LEAST_OWN else 0.0  # else none are its parents
    for i in range(len(sources)):
        z = Z[sources[i]]
        for t in range(k):
            first, m = indptr[genes[place[t]]], start[t + 1] - start[t]
            own, sum_i, square_i, cross = n - m, 0.0, np.float64(n), n * np.float64(C[place[t], i])
            for e in range(m):
                x = z[row[first + e]]
                sum_i += x
                square_i -= x**2
                cross -= x * Y[start[t] + e]
            both = variance[t] * (square_i / own - (sum_i / own) ** 2) if variance[t] > 0.0 else 0.0
            C[place[t], i] = (cross / own - total[t] / own * sum_i / own) / np.sqrt(both) if both > TINY else 0.0


@kernel(fastmath=True)
def own_blocks(gene, parent, cross, gram, Z, indptr, row, first, last):
    """Take the excluded observations out of the correlation blocks of the targeted genes ``first`` to ``last``.

    ``n_j C_ab = n R_ab - sum_{r in T_j} z_ar z_br - n_j m_a m_b`` with ``n_j m_a = -sum_{r in T_j} z_ar``, and then
    ``C_ab / sqrt(C_aa C_bb)``; written over the shared correlations in ``gram`` and ``cross``.  A gene with fewer than
    ``LEAST_OWN`` observations of its own gets no parents.
    """
    n = Z.shape[1]
    for j in range(first, last):
        out = row[indptr[j] : indptr[j + 1]]
        if len(out) == 0:
            continue
        m, start, offset, own = gene[j].width, gene[j].start, gene[j].offset, n - len(out)
        if own < LEAST_OWN:
            cross[start : start + m] = 0.0
            continue
        # The values left out of the m candidates and, last, of the gene itself.
        Y, mean, scale = np.empty((m + 1, len(out))), np.empty(m + 1), np.empty(m + 1)
        for a in range(m + 1):
            z = Z[parent[start + a] if a < m else j]
            total, square = 0.0, np.float64(n)
            for r in range(len(out)):
                Y[a, r] = z[out[r]]
                total += Y[a, r]
                square -= Y[a, r] ** 2
            mean[a] = -total / own
            variance = square / own - mean[a] ** 2
            scale[a] = 1.0 / np.sqrt(variance) if variance > TINY else 0.0
        for a in range(m):
            cross[start + a] = _own(n, own, cross[start + a], Y[a], Y[m], mean[a], mean[m]) * scale[a] * scale[m]
            for b in range(a):  # the diagonal stays 1
                at = offset + a * m + b
                gram[at] = _own(n, own, gram[at], Y[a], Y[b], mean[a], mean[b]) * scale[a] * scale[b]
                gram[offset + b * m + a] = gram[at]


@kernel(fastmath=True)
def _own(n, own, r, y, z, mean_y, mean_z):
    """Covariance over the ``own`` observations, from the correlation ``r`` over all and the values left out."""
    total = n * r
    for k in range(len(y)):
        total -= y[k] * z[k]
    return total / own - mean_y * mean_z


def parent_scale(Z: np.ndarray, interventions: Interventions, *, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the scale of each edge's source over the own observations of its target, ``(m,)``, in units of ``Z``."""
    scale = np.ones(len(source))
    for a, b in gene_blocks(len(source), EDGES):
        scale[a:b] = _parent_scale(Z, interventions.indptr, interventions.row, source[a:b], target[a:b])
        let_go(Z)
    return scale


@kernel
def _parent_scale(Z, indptr, row, source, target):
    n = Z.shape[1]
    scale = np.ones(len(source))
    for e in range(len(source)):
        out = row[indptr[target[e]] : indptr[target[e] + 1]]
        own, z = n - len(out), Z[source[e]]
        total, square = 0.0, np.float64(n)
        for r in out:
            total += z[r]
            square -= np.float64(z[r]) ** 2
        scale[e] = np.sqrt(max(square / own - (total / own) ** 2, 0.0))  # rounding may go below 0
    return scale


def leave_out(K: np.ndarray, Z: np.ndarray, interventions: Interventions, *, W: sparse.csr_matrix, a: int) -> None:
    """Take the excluded observations out of ``K = E Z' / n``, residuals ``E = Z - W Z`` of genes ``a, a + 1, ...``.

    ``K``, ``(rows, d)``, is written to; rows of ``W``, ``(d, d)``, are targets.
    """
    place = np.flatnonzero(interventions.counts[a : a + len(K)])
    residuals = []
    for j in (a + place).tolist():
        out, parents = interventions.of(j), slice(W.indptr[j], W.indptr[j + 1])
        residuals.append(Z[j, out] - W.data[parents] @ Z[np.ix_(W.indices[parents], out)])
    if len(place):
        start, residual = interventions.indptr[a + place], np.concatenate(residuals)
        for x, y in gene_blocks(len(Z), SOURCES):
            _leave_out(K[:, x:y], Z[x:y], interventions.row, start, interventions.counts[a + place], residual, place)
            let_go(Z)


@kernel(fastmath=True)
def _leave_out(K, Z, row, start, count, residual, place):
    n = Z.dtype.type(Z.shape[1])
    for i in range(len(Z)):
        z, first = Z[i], 0
        for t in range(len(place)):
            total = Z.dtype.type(0.0)
            for e in range(count[t]):
                total += z[row[start[t] + e]] * residual[first + e]
            K[place[t], i] -= total / n
            first += count[t]
