"""The selection problem of every gene: correlations of its candidates, and what a parent has to earn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.interventions import own_blocks
from acyclome.core.data.problem import Problem
from acyclome.core.kernel import kernel
from acyclome.core.order_search.negentropy import least_gain
from acyclome.core.workers import run_blocks

BLOCK = 256  # genes that a thread gathers at once: some milliseconds with 50 candidates each
TINY = 1e-300  # above 0: a constant gene has no variance over the common one

GENE = np.dtype(
    [(name, "i8") for name in ("start", "offset", "width", "is_constrained", "row")]
    + [(name, "f8") for name in ("drop", "factor", "penalty")],
    align=True,
)
"""Selection problem of a gene: its ``width`` candidates from ``start``, their ``(width, width)`` block of correlations
from ``offset``; ``drop``, the share (unequal noise) or the amount (equal noise) of residual variance a parent has to
explain; ``factor``, ``n_j / 2`` (unequal) or ``n_j v_j / (2 sigma^2)`` (equal); ``penalty``, the cost of a parent;
``is_constrained``, whether anything is known of its parents beforehand; ``row``, the gene itself."""


class GramBlocks(NamedTuple):
    """The selection problems of all genes.

    Parameters
    ----------
    gene
        ``(d,)`` of ``GENE``.
    parent, cross
        ``(nnz,)`` candidates of all genes, and the correlation of each with its target.
    gram
        Blocks of correlations among the candidates of each gene, one after the other.
    relative
        Whether the noise is unequal.
    constraint
        ``(nnz,)`` of ``CONSTRAINT``, what is known of every edge beforehand.
    has_required
        Whether any edge is required, so that a gene may not stand everywhere.
    Z
        ``(d, n)`` float32, standardized genes; empty where all noise counts as Gaussian.
    least
        Log-likelihood from which noise does not count as Gaussian, see :func:`negentropy.least_gain`.
    target_indptr, target_obs
        ``(d + 1,)`` and ``(m,)``, observations in which each gene was a target, whose noise is not read.
    """

    gene: np.ndarray
    parent: np.ndarray
    cross: np.ndarray
    gram: np.ndarray
    relative: bool
    constraint: np.ndarray
    has_required: bool
    Z: np.ndarray
    least: float
    target_indptr: np.ndarray
    target_obs: np.ndarray


@dataclass(frozen=True)
class ScoreSettings:
    """What is minimized, and how often every gene is perturbed: ``rounds``.

    With ``equal_noise`` all genes have one noise variance; ``gamma`` weighs ``log p`` in the extended BIC; with
    ``non_gaussian`` noise that is measurably not Gaussian counts with its own log-likelihood.
    """

    equal_noise: bool
    gamma: float
    rounds: int
    non_gaussian: bool = False


def build_blocks(
    problem: Problem, candidates: Candidates, *, score: ScoreSettings, variance: np.ndarray | None = None
) -> GramBlocks:
    """Gather each gene's block of correlations, ``sum_j k_j^2`` float64, and its thresholds.

    ``variance``, ``(d,)``, is that of each gene over the common noise variance, for the score with equal noise.
    """
    data, constraints, threads = problem.data, problem.constraints, problem.threads
    counts, relative = candidates.counts, variance is None
    offset = np.append(0, np.cumsum(counts.astype(np.int64) ** 2))
    gram = np.empty(offset[-1])
    cross = data.pairs(candidates.parent, candidates.target).astype(np.float64)

    def gather(a: int, b: int) -> None:
        if data.R is not None:
            _gather(data.R, candidates.indptr, candidates.parent, offset, gram, a, b)
            return
        for j in range(a, b):
            block = data.among(candidates.parent[candidates.indptr[j] : candidates.indptr[j + 1]])
            gram[offset[j] : offset[j + 1]] = block.ravel()

    run_blocks(gather, gene_blocks(len(counts), BLOCK), threads)
    gene = np.zeros(len(counts), dtype=GENE)
    gene["start"], gene["offset"], gene["width"] = candidates.indptr[:-1], offset[:-1], counts
    gene["row"] = np.arange(len(counts))
    if (done := data.interventions).any:
        run_blocks(
            lambda a, b: own_blocks(gene, candidates.parent, cross, gram, data.beside_R, done.indptr, done.row, a, b),
            gene_blocks(len(counts), BLOCK),
            threads,
        )
    n_obs = data.n_own
    # At least one gene to choose among: without any there is no edge that could cost something.
    gene["penalty"] = 0.5 * np.log(n_obs) + score.gamma * np.log(np.maximum(constraints.n_allowed, 1))
    gene["factor"] = n_obs / 2.0 if variance is None else n_obs / 2.0 * variance
    share = gene["penalty"] / np.maximum(gene["factor"], TINY)
    gene["drop"] = 1.0 - np.exp(-share) if relative else share
    constraint, has_required = constraints.on(candidates), bool(len(constraints.required))
    gene["is_constrained"][candidates.target[constraint["kind"] > 0]] = 1
    Z = data.Z.astype(np.float32, copy=False) if score.non_gaussian else np.empty((0, 0), np.float32)
    least = least_gain(data.n_effective, data.n_genes)
    return GramBlocks(
        gene, candidates.parent, cross, gram, relative, constraint, has_required, Z, least, done.indptr, done.row
    )


@kernel
def _gather(R, indptr, parent, offset, gram, first, last):
    for j in range(first, last):
        a, m = indptr[j], indptr[j + 1] - indptr[j]
        at = offset[j]
        for x in range(m):
            row = R[parent[a + x]]
            for y in range(m):
                gram[at + x * m + y] = row[parent[a + y]]
