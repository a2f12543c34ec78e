"""What interventions say about the direction of each edge, and where they decide it.

Turning an edge round costs likelihood.  The part of it that interventions bring is the cost over each gene's own
observations less the cost over those in which neither end was a target: zero where no intervention tells the ends
apart, and all of it where the rest of the data cannot tell.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from acyclome.core.data.dag import Dag
from acyclome.core.data.interventions import LEAST_OWN, Interventions
from acyclome.core.data.moments import Moments
from acyclome.core.directions.reversal import reversal_losses
from acyclome.core.effects.shifts import OwnShifts, own_shifts
from acyclome.core.graph.essential import cut_edges
from acyclome.core.kernel import kernel

ODDS = float(np.log(99.0))
LEAST_CUTS = 2
TINY = 1e-300


class Directions(NamedTuple):
    """What is known of the directions of the edges.

    Parameters
    ----------
    loss
        ``(m,)`` log-likelihood lost by turning each edge round.
    settled
        ``(m,)`` bool, where an intervention decides.
    shifts
        What happened to the targets themselves; None without interventions.
    noise
        ``(m,)`` log-likelihood by which noise that is not Gaussian speaks for each direction; None if it was not asked.
    """

    loss: np.ndarray
    settled: np.ndarray
    shifts: OwnShifts | None
    noise: np.ndarray | None = None


def directions(data: Moments, dag: Dag, *, equal_noise: bool = False) -> Directions:
    """Weigh the direction of every edge, by interventions too where there are some."""
    if not data.interventions.any:
        loss = reversal_losses(data, dag, equal_noise=equal_noise)
        return Directions(loss, np.zeros(len(loss), bool), None)
    loss, gain = own_reversal_losses(data, dag, equal_noise=equal_noise)
    shifts = own_shifts(data)
    works = np.zeros(data.n_genes, bool)
    works[shifts.gene[shifts.is_firm]] = True
    return Directions(loss, settled_edges(dag, data.interventions, gain, works), shifts)


def own_reversal_losses(data: Moments, dag: Dag, *, equal_noise: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihood lost by turning each edge ``i -> j`` round, and the part that interventions bring, ``(m,)`` each.

    ``n_j/2 (log v_j(P_j - i) - log v_j(P_j)) + n_i/2 (log v_i(P_i + j) - log v_i(P_i))`` with ``v_k(S)`` the residual
    variance of ``k`` given ``S`` over the observations in which ``k`` was no target; for the second, less the same over
    those in which neither ``i`` nor ``j`` was.  Equal noise as in :func:`reversal.reversal_losses`.
    """
    d = len(dag.order)
    by_target = np.argsort(dag.target, kind="stable")
    indptr = np.zeros(d + 1, dtype=np.int64)
    np.cumsum(np.bincount(dag.target, minlength=d), out=indptr[1:])
    R = np.empty((0, 0), data.Z.dtype) if data.R is None else data.R
    weight = np.empty(0)
    if equal_noise:
        own, spread = data.scale, data.own_scale
        sigma2 = max(data.mean_over_genes(own**2 * dag.rest), TINY)
        weight = np.where(spread > 0, own / np.where(spread > 0, spread, 1.0), 0.0) ** 2 / sigma2
    lost = data.n_obs - data.n_effective
    loss, gain = np.empty(len(dag.source)), np.empty(len(dag.source))
    parent = dag.source[by_target].astype(np.int64)
    done = data.interventions
    loss[by_target], gain[by_target] = _reversals(R, data.Z, weight, indptr, parent, done.indptr, done.row, lost)
    return loss, gain


def settled_edges(dag: Dag, interventions: Interventions, gain: np.ndarray, works: np.ndarray) -> np.ndarray:
    """Say where interventions decide the direction, ``(m,)`` bool.

    At least two observations have exactly one end as a target, no end was a target to little effect, and interventions
    speak for the direction as it is with odds of 99 to 1.

    Parameters
    ----------
    gain
        ``(m,)`` log-likelihood for the direction that interventions bring.
    works
        ``(d,)`` bool, genes whose own expression changed firmly where they were targets.
    """
    sound = works | (interventions.counts == 0)
    cut = cut_edges(dag.source, dag.target, interventions, LEAST_CUTS)
    found: np.ndarray = cut & sound[dag.source] & sound[dag.target] & (gain >= ODDS)
    return found


@kernel
def _reversals(R, Z, weight, indptr, parent, start, row, lost):
    loss, gain = np.empty(len(parent)), np.empty(len(parent))
    n = Z.shape[1]
    for j in range(len(indptr) - 1):
        own = parent[indptr[j] : indptr[j + 1]]
        without_j = row[start[j] : start[j + 1]]
        for e in range(indptr[j], indptr[j + 1]):
            i = parent[e]
            theirs, fewer, without_i = parent[indptr[i] : indptr[i + 1]], own[own != i], row[start[i] : start[i + 1]]
            more = np.append(theirs, np.int64(j))
            at_j = _difference(R, Z, weight, j, fewer, own, without_j)
            at_i = _difference(R, Z, weight, i, more, theirs, without_i)
            loss[e] = _half(n - len(without_j), lost) * at_j + _half(n - len(without_i), lost) * at_i
            gain[e] = 0.0
            if len(without_i) + len(without_j) == 0:
                continue
            neither = np.unique(np.append(without_i, without_j))
            gain[e] = loss[e]
            if n - len(neither) >= LEAST_OWN:
                at_j = _difference(R, Z, weight, j, fewer, own, neither)
                at_i = _difference(R, Z, weight, i, more, theirs, neither)
                gain[e] -= _half(n - len(neither), lost) * (at_j + at_i)
    return loss, gain


@kernel
def _half(n, lost):
    return max(n - lost, 2.0) / 2.0


@kernel
def _difference(R, Z, weight, k, now, before, out):
    """Cost of gene ``k`` given ``now`` less that given ``before``, without the observations ``out``."""
    if Z.shape[1] - len(out) < LEAST_OWN:
        return 0.0
    return _cost(R, Z, weight, k, now, out) - _cost(R, Z, weight, k, before, out)


@kernel
def _cost(R, Z, weight, k, given, out):
    """Log of the variance of ``k`` that the genes ``given`` leave, or with ``weight`` its multiple of that variance."""
    s, n = len(given), Z.shape[1]
    own = n - len(out)
    genes = np.append(given, np.int64(k))
    Y = np.empty((s + 1, len(out)))
    for a in range(s + 1):
        for r in range(len(out)):
            Y[a, r] = Z[genes[a], out[r]]
    L = np.zeros((s + 1, s + 1))
    for a in range(s + 1):
        x = genes[a]
        for b in range(a + 1):
            y = genes[b]
            total = np.float64(R[x, y]) * n if len(R) else np.float64(np.dot(Z[x], Z[y]))
            total = (total - np.dot(Y[a], Y[b])) / own - Y[a].sum() / own * (Y[b].sum() / own)
            scale = total if a == b else 0.0
            for c in range(b):
                total -= L[a, c] * L[b, c]
            if a == b:
                L[a, a] = np.sqrt(max(total, 1e-9 * max(scale, 1e-9)))
            else:
                L[a, b] = total / L[b, b]
    return weight[k] * L[s, s] ** 2 if len(weight) else 2.0 * np.log(L[s, s])
