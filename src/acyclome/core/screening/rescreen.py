"""Rescreening: candidates that only a first network can name.

Around hubs, siblings and children stand in for a missing parent, and no screening by pairs tells them apart.  A first
network does: the genes with many children are offered to every gene again without their siblings, and so are the genes
that still correlate with what a gene's parents leave unexplained (the loss gradient on the excluded pairs).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.interventions import leave_out
from acyclome.core.data.problem import Problem
from acyclome.core.data.search_result import SearchResult
from acyclome.core.screening.partial_correlation import ROWS
from acyclome.core.screening.screen import ScreenSettings, as_pairs, forward_select, symmetric
from acyclome.core.screening.stepwise import LEAST_RESIDUAL
from acyclome.core.screening.strongest import largest
from acyclome.core.workers import run_blocks

HUB_SHARE = 0.1  # of the genes, those with most children; about as many are transcription factors
HUB_CHILDREN = 4  # that a hub has to have; as it was first written, no other number was tried on record
UNEXPLAINED = 8  # strongest excluded gradients of each gene; how many are enough is on no record


def rescreen(problem: Problem, candidates: Candidates, result: SearchResult, *, settings: ScreenSettings) -> Candidates:
    """Add the hubs of ``result`` found by forward selection among hubs, and the strongest excluded gradients.

    Cost: ``d h forward_steps^2 / 2`` for ``h`` hubs, and ``d^2 n`` for the gradients, where correlations are not kept.
    """
    hubs = find_hubs(result, problem.constraints.sources)
    by_selection = forward_select(problem, hubs, steps=settings.forward_steps, min_gain=settings.min_gain)
    by_residual = strongest_unexplained(problem, result, min_gain=settings.min_gain)
    pairs = [as_pairs(view) for view in (by_selection, by_residual)]
    source = np.concatenate([candidates.parent, *(s for s, _ in pairs)])
    target = np.concatenate([candidates.target, *(t for _, t in pairs)])
    return symmetric(problem, source, target, max_candidates=settings.max_candidates)


def find_hubs(result: SearchResult, sources: np.ndarray) -> np.ndarray:
    """Return the sources among the tenth of the genes with most children, and with at least four."""
    children = np.bincount(result.source, minlength=len(result.order))
    last = max(int(HUB_SHARE * len(children)), 1)
    least = max(HUB_CHILDREN, int(np.partition(children, -last)[-last]))
    return np.flatnonzero((children >= least) & sources)


def strongest_unexplained(problem: Problem, result: SearchResult, *, min_gain: float) -> np.ndarray:
    """Return for every gene the genes most correlated with its residual, ``(d, 8)`` int32, -1 where too weak."""
    data, constraints = problem.data, problem.constraints
    d, n, dtype = data.n_genes, data.n_effective, data.dtype
    own = data.own_scale  # from the units of each gene's own observations to those of Z
    weight = result.weight * own[result.target] / np.where(own > 0, own, 1.0)[result.source]
    residual = result.residual * own**2
    W = sparse.csr_matrix((weight.astype(dtype), (result.target, result.source)), shape=(d, d))
    least = dtype.type(np.sqrt(1.0 - np.exp(-2.0 * min_gain / n)))  # the correlation whose likelihood is min_gain
    keep = min(UNEXPLAINED, d - 1)
    out = np.full((d, keep), -1, dtype=np.int32)
    sources, every = constraints.sources.astype(dtype), np.arange(d)

    def block(a: int, b: int) -> None:
        if data.R is not None:
            K = data.R[a:b] - W[a:b] @ data.R
        else:
            K = (data.Z[a:b] - W[a:b] @ data.Z) @ data.Z.T / dtype.type(data.n_obs)
        leave_out(K, data.beside_R, data.interventions, W=W, a=a)
        K /= np.sqrt(np.maximum(residual[a:b, None], LEAST_RESIDUAL)).astype(K.dtype)
        largest(constraints.without_excluded(K, a, fill=0.0, sources=every), sources, a, keep, least, out[a:b])

    run_blocks(block, gene_blocks(d, ROWS), problem.threads)
    return out
