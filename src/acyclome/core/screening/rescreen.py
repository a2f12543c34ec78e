"""A second look: candidates that only a first network can name.

Around hubs, siblings and children stand in for a missing parent, and no screening by pairs tells them apart.  A first
network does: the genes with many children are offered to every gene again without their siblings, and so are the genes
that still correlate with what a gene's parents leave unexplained (the loss gradient on the excluded pairs).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.constraints import EdgeRules
from acyclome.core.data.dag import Dag
from acyclome.core.data.interventions import leave_out
from acyclome.core.data.moments import Moments
from acyclome.core.screening.screen import ScreenSettings, as_pairs, forward_select, symmetric
from acyclome.core.screening.top import largest
from acyclome.core.workers import run_blocks

HUB_SHARE = 0.1
HUB_CHILDREN = 4
UNEXPLAINED = 8
ROWS = 512


def grow(
    moments: Moments,
    candidates: Candidates,
    dag: Dag,
    settings: ScreenSettings,
    causes: np.ndarray,
    threads: int,
    rules: EdgeRules | None = None,
) -> Candidates:
    """Add the hubs of ``dag`` found by forward selection among hubs, and the strongest excluded gradients.

    Notes
    -----
    Cost: ``d h forward_steps^2 / 2`` for ``h`` hubs, and ``d^2 n`` for the gradients, where correlations are not kept.
    """
    hubs = find_hubs(dag, causes)
    picked = forward_select(moments, hubs, settings.forward_steps, settings.min_gain, threads, rules)
    left = strongest_unexplained(moments, dag, settings.min_gain, causes, threads, rules)
    pairs = [as_pairs(found) for found in (picked, left)]
    source = np.concatenate([candidates.parent, *(s for s, _ in pairs)])
    target = np.concatenate([candidates.target, *(t for _, t in pairs)])
    return symmetric(source, target, moments, causes, settings.max_candidates, rules)


def find_hubs(dag: Dag, causes: np.ndarray) -> np.ndarray:
    """Genes among the tenth with most children, and with at least four."""
    children = np.bincount(dag.source, minlength=len(dag.order))
    last = max(int(HUB_SHARE * len(children)), 1)
    least = max(HUB_CHILDREN, int(np.partition(children, -last)[-last]))
    return np.flatnonzero((children >= least) & causes)


def strongest_unexplained(
    moments: Moments, dag: Dag, min_gain: float, causes: np.ndarray, threads: int, rules: EdgeRules | None = None
) -> np.ndarray:
    """Return for every gene the genes most correlated with its residual, ``(d, 5)`` int32, -1 where too weak."""
    d, n = moments.n_genes, moments.n_effective
    own = moments.own_scale  # from the units of each gene's own observations to those of Z
    weight, rest = dag.weight * own[dag.target] / np.where(own > 0, own, 1.0)[dag.source], dag.rest * own**2
    W = sparse.csr_matrix((weight.astype(moments.Z.dtype), (dag.target, dag.source)), shape=(d, d))
    least = moments.Z.dtype.type(np.sqrt(1.0 - np.exp(-2.0 * min_gain / n)))
    keep = min(UNEXPLAINED, d - 1)
    out = np.full((d, keep), -1, dtype=np.int32)

    every = np.ones(d, dtype=moments.Z.dtype)

    def block(a: int, b: int) -> None:
        if moments.R is not None:
            K = moments.R[a:b] - W[a:b] @ moments.R
        else:
            K = (moments.Z[a:b] - W[a:b] @ moments.Z) @ moments.Z.T / moments.Z.dtype.type(moments.n_obs)
        leave_out(K, moments.Z, W, moments.interventions, a)
        K /= np.sqrt(np.maximum(rest[a:b, None], 1e-6)).astype(K.dtype)
        if rules is not None:
            K[rules.excluded(a, b)] = 0.0
        largest(K, every, ~causes, a, keep, least, out[a:b])

    run_blocks(block, gene_blocks(d, ROWS), threads)
    return out
