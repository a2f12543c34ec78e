"""What acting on genes says of pairs: how far it moves every other gene, and how much of that no third gene explains.

The reference of a gene is every other observation in which it was no target.  Observations in which the source alone
was a target count by their dose (:mod:`.doses`), so that a knockdown is believed half as much as a knockout.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.index_maps import positions
from acyclome.core.data.interventions import LEAST_OWN, Interventions, own_moments
from acyclome.core.data.problem import Problem
from acyclome.core.effects.doses import Doses
from acyclome.core.effects.mediation import share_beyond
from acyclome.core.workers import run_blocks

TINY = 1e-12  # of a variance of 1, where all values are one
BLOCK, VALUES = 128, 1 << 22  # genes, and their values, that a thread takes at once: 32 MB in float64


class Effects(NamedTuple):
    """Log-likelihoods ``(nnz,)`` that acting on the source of each pair adds about its target; 0 if nothing was done.

    ``source`` and ``target`` are further pairs, ``(m,)``, whose gains, ``more``, pay for an edge, unless another gene
    explains a part of them.
    """

    gain: np.ndarray
    source: np.ndarray
    target: np.ndarray
    more: np.ndarray


def effects_on_pairs(problem: Problem, doses: Doses, *, pairs: Candidates, least: np.ndarray) -> Effects:
    """Say of every pair how far acting on its source shifts its target; find others where it does.

    ``-n_j/2 log(1 - r^2)`` with ``r`` the correlation of gene ``j``, over the observations in which it was no target,
    with ``u``, the dose of gene ``i`` in each, 0 where it was no target: the likelihood ratio of a shift of the mean in
    proportion to the dose, with pooled variance.  Of gains of ``least``, ``(d,)`` by target, and more, the share that
    no other target explains is left; ``least`` is also that of a pair that is not among ``pairs``.
    """
    data, targets = problem.data, problem.data.interventions
    d, n = data.n_genes, data.n_obs
    acted = np.flatnonzero((targets.counts > 0) & problem.constraints.sources)
    position = positions(acted, d)
    touched = sparse.csr_matrix((np.ones(len(targets.row), np.float32), targets.row, targets.indptr), shape=(d, n))
    dose = _doses(targets, doses)[acted]
    squared = dose.multiply(dose).tocsr()
    dose_sum, square_sum = dose.sum(axis=1).A1, squared.sum(axis=1).A1
    mean, own_scale = own_moments(data.Z, targets)

    def block(a: int, b: int) -> tuple[np.ndarray, ...]:
        scale = np.where(own_scale[a:b] > 0, own_scale[a:b], 1.0)
        Y = (data.Z[a:b] - mean[a:b, None]) / scale[:, None]
        Y[touched[a:b].nonzero()] = 0.0
        total = (dose @ Y.T).T
        own = (n - targets.counts[a:b])[:, None]
        left = dose_sum - (touched[a:b] @ dose.T).toarray()
        spread = square_sum - (touched[a:b] @ squared.T).toarray() - left**2 / np.maximum(own, 1)
        told = (spread > TINY) & (own >= LEAST_OWN)
        effect = np.where(told, total / np.sqrt(np.where(told, spread, 1.0)), 0.0)
        effect[acted == np.arange(a, b)[:, None]] = 0.0
        gain = -0.5 * data.n_own[a:b, None] * np.log1p(-np.minimum(effect**2 / np.maximum(own, 1), 1.0 - TINY))
        at = slice(pairs.indptr[a], pairs.indptr[b])
        row, column = np.repeat(np.arange(b - a), pairs.counts[a:b]), position[pairs.parent[at]]
        known = column >= 0
        asked = np.zeros((2, len(row)))
        asked[:, known] = gain[row[known], column[known]], effect[row[known], column[known]]
        gain[row[known], column[known]] = 0.0
        j, i = np.nonzero((gain > 0.0) & (gain >= least[a:b, None]))  # an edge may cost nothing
        return *asked, acted[i], j + a, gain[j, i], effect[j, i]

    size = max(1, min(BLOCK, VALUES // max(n, 1)))
    parts = run_blocks(block, gene_blocks(d, size), problem.threads)
    gain, effect, source, target, more, further = (np.concatenate(part) for part in zip(*parts, strict=True))
    firm = np.flatnonzero((gain > 0.0) & (gain >= least[pairs.target]))
    beyond = share_beyond(
        np.append(pairs.parent[firm], source),
        np.append(pairs.target[firm], target),
        np.append(effect[firm], further),
        own=_own(problem, doses, mean=mean, own_scale=own_scale),
        threads=problem.threads,
    )
    gain[firm] *= beyond[: len(firm)]
    return Effects(gain, source, target, more * beyond[len(firm) :])


def _doses(targets: Interventions, doses: Doses) -> sparse.csr_matrix:
    """Return how strongly every gene was acted on in every observation, ``(d, n)``, 1 in the mean of its own.

    It is 1 throughout where no dose is known.
    """
    value = np.ones(len(targets.row))
    for gene, rows, weight in zip(doses.gene.tolist(), doses.rows, doses.weight, strict=True):
        start = targets.indptr[gene]
        value[start + np.searchsorted(targets.of(gene), rows)] = weight / weight.mean()
    return sparse.csr_matrix((value, targets.row, targets.indptr), shape=(len(targets.indptr) - 1, targets.n_obs))


def _own(problem: Problem, doses: Doses, *, mean: np.ndarray, own_scale: np.ndarray) -> np.ndarray:
    """Return the effect on every gene of acting on itself, as those on others are measured; 0 where it is not known."""
    own, Z = np.zeros(problem.n_genes), problem.data.Z
    for gene, rows, weight in zip(doses.gene.tolist(), doses.rows, doses.weight, strict=True):
        x = (Z[gene, rows] - mean[gene]) / max(own_scale[gene], TINY)
        own[gene] = np.sign(weight.mean()) * (weight @ x) / np.sqrt(weight @ weight)  # doses are above 0
    return own
