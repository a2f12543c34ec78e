"""Pruning as in CAM (Buehlmann, Peters and Ernest 2014): of a gene's parents those that an additive model needs."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from acyclome.core.data.basis import expand
from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.expansions import BSplines
from acyclome.core.data.moments import Moments
from acyclome.core.workers import run_blocks
from acyclome.models.curves.local_score import fit_terms, smoothness
from acyclome.models.own_rows import OwnRows

LEVEL = 1e-3  # as in the papers of CAM and of GraN-DAG
TERMS = 8  # as of model spline
BLOCK = 16  # genes that a thread takes in a row


def prune(data: Moments, edges: Candidates, *, threads: int) -> np.ndarray:
    """Say which edges stay, ``(m,)`` bool: those without which the fit of their target is worse at ``LEVEL``.

    A gene is fitted to the curves of all its parents at once, and without each in turn; ``2 log`` of the likelihood
    ratio is compared with chi-square, whose degrees of freedom are those by which the fits differ.
    """
    basis, penalty = expand(data.Z, BSplines(TERMS), threads), np.array(smoothness(TERMS))
    keep = np.ones(edges.n_edges, bool)

    def block(a: int, b: int) -> None:
        for j in range(a, b):
            into = slice(int(edges.indptr[j]), int(edges.indptr[j + 1]))
            keep[into] = _needed(data, j, basis[edges.parent[into]], penalty=penalty)

    run_blocks(block, gene_blocks(edges.n_genes, BLOCK), threads)
    return keep


def _needed(data: Moments, j: int, terms: np.ndarray, *, penalty: np.ndarray) -> np.ndarray:
    """Say which of the parents of gene ``j``, of curves ``terms (p, terms, n)``, are needed, ``(p,)`` bool."""
    own, p = OwnRows.of(data, j), len(terms)
    y, F = own.within(own.response(data.Z[j])), own.within(terms)
    likelihood, free = _fit(F, y, penalty, n=own.n_effective)
    needed = np.ones(p, bool)
    for k in range(p):
        less, fewer = _fit(np.delete(F, k, axis=0), y, penalty, n=own.n_effective)
        # The best penalties of two fits may differ, and then less by more than one curve, or by less than a line.
        needed[k] = chi2.sf(2.0 * (likelihood - less), max(free - fewer, 1.0)) < LEVEL
    return needed


def _fit(F: np.ndarray, y: np.ndarray, penalty: np.ndarray, *, n: float) -> tuple[float, float]:
    """Return log-likelihood over that of no parents, and degrees of freedom, of the penalty with the least BIC."""
    if len(F) == 0:
        return 0.0, 0.0
    cost, free, _ = (part[0] for part in fit_terms(F.reshape(1, -1, F.shape[2]), y, np.tile(penalty, len(F)), n))
    best = int(np.argmin(cost))
    return free[best] / 2 * np.log(n) - cost[best], free[best]
