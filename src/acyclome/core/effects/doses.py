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
from scipy import sparse

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.index_maps import locate
from acyclome.core.data.interventions import LEAST_OWN, own_moments
from acyclome.core.data.problem import Problem
from acyclome.core.effects.shifts import BLOCK, LEAST_UNTOUCHED
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


def yardstick(problem: Problem, treatments: Treatments) -> Yardstick:
    """Measure the genes where nothing was done, or, where that is hardly anywhere, where they were no target."""
    data = problem.data
    centre, own_scale = own_moments(data.Z, data.interventions)
    untouched, n_centre = np.flatnonzero(treatments.kind < 0), data.n_obs
    if len(untouched) >= LEAST_UNTOUCHED:
        centre, n_centre = data.Z[:, untouched].mean(axis=1, dtype=float), len(untouched)
    scale = np.where(own_scale > 0, own_scale, 1.0)
    return Yardstick(centre, scale, _noise(data.Z, treatments, problem.threads) / scale**2, n_centre)


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


def _noise(Z: np.ndarray, treatments: Treatments, threads: int) -> np.ndarray:
    """Variance of every gene among observations that were treated alike, ``(d,)``, but for those it was a target in."""
    kind, n = treatments.kind + 1, Z.shape[1]
    size = np.bincount(kind, minlength=len(treatments.gene) + 1)
    group = sparse.csr_matrix((np.ones(n), (kind, np.arange(n))), (len(size), n))
    gene = np.append(STRANGE, treatments.gene)
    freedom_of = np.where(gene == SEVERAL, 0, np.maximum(size - 1, 0))

    def block(a: int, b: int) -> np.ndarray:
        Y = Z[a:b].T.astype(float)
        inside = group @ Y**2 - (group @ Y) ** 2 / np.maximum(size, 1)[:, None]
        counts = (gene[:, None] != np.arange(a, b)) & (gene[:, None] != SEVERAL)
        freedom = (freedom_of[:, None] * counts).sum(axis=0)
        variance = (inside * counts).sum(axis=0) / np.maximum(freedom, 1)
        return np.where(freedom >= LEAST_OWN, variance, Y.var(axis=0))

    return np.concatenate(run_blocks(block, gene_blocks(len(Z), BLOCK), threads))
