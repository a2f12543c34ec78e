"""What was done in every observation, and how strongly: the instruments by which total effects are measured.

The effect of a target ``i`` on a gene ``j`` is the slope of ``j`` on ``i`` over the observations ``r`` in which ``i``
alone was a target, both from where they are untouched,

    m_ij = sum_r w_r y_rj / sum_r w_r y_ri,

with an instrument ``w`` that is the dose: what the target itself moved, each observation shrunken towards the mean by
the share of noise in it (knockouts and knockdowns of one gene are two doses; cells with one guide are one).  Weak
instruments, F below 10, say nothing (Staiger and Stock 1997).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.index_maps import locate
from acyclome.core.data.interventions import LEAST_OWN, own_moments
from acyclome.core.data.problem import Problem
from acyclome.core.data.standardized import Standardized
from acyclome.core.effects.shifts import BLOCK, LEAST_UNTOUCHED
from acyclome.core.kernel import kernel
from acyclome.core.workers import run_blocks

LEAST_F = 10.0  # of an instrument (Staiger and Stock 1997)
SEVERAL, STRANGE = -2, -1  # in the place of a gene
TINY = 1e-12  # of a variance of 1, where all observations of a treatment are one


class Treatments(NamedTuple):
    """What was done in every observation: ``kind``, ``(n,)``, the number of the treatment, -1 where nothing was done.

    ``gene``, ``(K,)``, is the only gene that each treatment acts on; ``SEVERAL`` where there are more, ``STRANGE``
    where none of them is measured.
    """

    kind: np.ndarray
    gene: np.ndarray

    @classmethod
    def none(cls, n_obs: int) -> Treatments:
        """Return those of data in which nothing was done."""
        return cls(np.full(n_obs, -1), np.empty(0, np.int64))

    def subset(self, genes: np.ndarray | None = None, rows: np.ndarray | None = None) -> Treatments:
        """Return those of some observations, where only ``genes`` (rising) are measured; None takes all."""
        kind, gene = self.kind if rows is None else self.kind[rows], self.gene
        if genes is not None:
            at = locate(gene, genes)
            gene = np.where(at >= 0, at, np.minimum(gene, STRANGE))
        return Treatments(kind, gene)

    def of(self, number: int) -> np.ndarray:
        return np.flatnonzero(self.kind == number)


class Yardstick(NamedTuple):
    """Where every gene is untouched and its own scale, in units of ``Z``, and its noise in units of that; ``(d,)``."""

    centre: np.ndarray
    scale: np.ndarray
    noise: np.ndarray
    n_centre: int


class Doses(NamedTuple):
    """Targets whose dose is known well enough, ``(k,)``, and of each its observations.

    ``weight`` is ``w`` over what the target moved itself, so that its own slope is 1; ``error2``, ``(k,)``, the
    variance of a slope, over the noise variance of the gene that answers.
    """

    gene: np.ndarray
    rows: list[np.ndarray]
    weight: list[np.ndarray]
    error2: np.ndarray

    def slopes(self, Y: np.ndarray, genes: slice | np.ndarray, by: Yardstick) -> np.ndarray:
        """Return the slopes of ``genes`` on all targets, ``(k, g)``, from their rows ``Y`` of ``Z``, ``(g, n)``."""
        found = np.zeros((len(self.gene), len(Y)))
        if len(self.gene):
            start = np.append(0, np.cumsum([len(rows) for rows in self.rows]))
            _slopes(Y, by.centre[genes], start, np.concatenate(self.rows), np.concatenate(self.weight), found)
        return found / by.scale[genes]


class Instruments(NamedTuple):
    """Treatments, the yardstick by which they are measured, and their doses: passes over all data that many share."""

    treatments: Treatments
    by: Yardstick
    doses: Doses

    @classmethod
    def of(cls, problem: Problem, treatments: Treatments) -> Instruments:
        """Measure what was done."""
        by = yardstick(problem, treatments)
        return cls(treatments, by, find_doses(problem.data.Z, treatments, by))


@kernel
def _slopes(Y, centre, start, row, weight, out):
    for j in range(len(Y)):
        for k in range(len(out)):
            for e in range(start[k], start[k + 1]):
                out[k, j] += weight[e] * (np.float64(Y[j, row[e]]) - centre[j])


def yardstick(problem: Problem, treatments: Treatments) -> Yardstick:
    """Measure the genes where nothing was done, or, where that is hardly anywhere, where they were no target."""
    data = problem.data
    centre, own_scale = own_moments(data.Z, data.interventions)
    n_untouched, n_centre = int(np.count_nonzero(treatments.kind < 0)), data.n_obs
    untouched, noise = _alike(data.standardized, treatments, problem.threads)
    if n_untouched >= LEAST_UNTOUCHED:
        centre, n_centre = untouched / n_untouched, n_untouched
    scale = np.where(own_scale > 0, own_scale, 1.0)
    return Yardstick(centre, scale, noise / scale**2, n_centre)


def find_doses(Z: np.ndarray, treatments: Treatments, by: Yardstick) -> Doses:
    """Find the instrument of every gene that is the only target of a treatment."""
    genes, rows, weights, error2 = [], [], [], []
    order = np.argsort(treatments.kind, kind="stable")
    first = np.searchsorted(treatments.kind[order], np.arange(len(treatments.gene) + 1))
    for number in np.argsort(treatments.gene, kind="stable").tolist():
        gene, at = int(treatments.gene[number]), order[first[number] : first[number + 1]]
        if gene < 0 or not len(at):  # none of it in this part of the data
            continue
        x = (Z[gene, at] - by.centre[gene]) / by.scale[gene]
        if x.mean() ** 2 < LEAST_F * by.noise[gene] * (1 / len(x) + 1 / by.n_centre):
            continue
        # The share of what observations differ in that is no noise; a single one says nothing of it.
        own = 1.0 - by.noise[gene] / max(float(x.var(ddof=1)), TINY) if len(x) > 1 else 0.0
        w = x.mean() + max(own, 0.0) * (x - x.mean())
        moved, spent = float(w @ x), float(w @ w + w.sum() ** 2 / by.n_centre)
        genes.append(gene)
        rows.append(at)
        weights.append(w / moved)
        error2.append(spent / moved**2)
    return Doses(np.array(genes, np.int64), rows, weights, np.array(error2))


def _alike(rows: Standardized, treatments: Treatments, threads: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of every gene over observations in which nothing was done, ``(d,)``, and its noise.

    Noise is its variance among observations that were treated alike, but for those in which it was a target.
    """
    kind = treatments.kind + 1
    size = np.bincount(kind, minlength=len(treatments.gene) + 1)
    gene = np.append(STRANGE, treatments.gene)
    freedom_of = np.where(gene == SEVERAL, 0, np.maximum(size - 1, 0))

    def block(a: int, b: int) -> np.ndarray:
        Y = rows.block(a, b)
        total, square = sums_by_kind(Y, kind, n_kinds=len(size))
        inside = square - total**2 / np.maximum(size, 1)[:, None]
        counts = (gene[:, None] != np.arange(a, b)) & (gene[:, None] != SEVERAL)
        freedom = (freedom_of[:, None] * counts).sum(axis=0)
        variance = (inside * counts).sum(axis=0) / np.maximum(freedom, 1)
        few = freedom < LEAST_OWN
        variance[few] = Y[few].astype(float).var(axis=1)
        return np.stack([total[0], variance])

    untouched, noise = np.concatenate(run_blocks(block, gene_blocks(rows.shape[0], BLOCK), threads), axis=1)
    return untouched, noise


def sums_by_kind(Y: np.ndarray, kind: np.ndarray, *, n_kinds: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums and the sums of squares of genes ``Y`` ``(g, n)`` over every kind of observations, ``(K, g)``.

    Observations of a kind below 0 are in none.
    """
    total, square = np.zeros((2, n_kinds, len(Y)))
    _add_kinds(Y, kind, total, square)
    return total, square


@kernel
def _add_kinds(Y, kind, total, square):
    for j in range(len(Y)):
        for r in range(len(kind)):
            if kind[r] >= 0:
                y = np.float64(Y[j, r])
                total[kind[r], j] += y
                square[kind[r], j] += y * y
