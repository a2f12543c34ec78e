"""What turning an edge round costs, what of it interventions bring, and where they decide the direction.

Turning an edge round costs likelihood.  The part of it that interventions bring is the cost over each gene's own
observations less the cost over those in which neither end was a target: zero where no intervention tells the ends
apart, and all of it where the rest of the data cannot tell.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.index_maps import row_pointers
from acyclome.core.data.interventions import LEAST_OWN, Interventions
from acyclome.core.data.moments import Moments
from acyclome.core.data.search_result import SearchResult
from acyclome.core.effects.shifts import OwnShifts, own_shifts
from acyclome.core.graph.essential import cut_edges
from acyclome.core.kernel import kernel

ODDS = float(np.log(99.0))  # from which interventions decide: of decided directions one in 100 may be wrong
# Genes looked at before those on a disk go from memory: 2 GB of 250,000 observations with four parents each.
BLOCK = 512
LEAST_CUTS = 2  # one observation may be an outlier, whatever its likelihood
FLOOR = 1e-9  # of a residual variance, as a share of the variance: what rounding leaves of a copy of a parent
TINY = 1e-300  # above 0: where the parents leave nothing


class Directions(NamedTuple):
    """Log-likelihood lost by turning each edge round, ``(m,)``, where an intervention decides, and what targets did.

    ``noise``, ``(m,)``, is the log-likelihood by which noise that is not Gaussian speaks for each direction; None if it
    was not asked.
    """

    loss: np.ndarray
    oriented_by_intervention: np.ndarray
    shifts: OwnShifts
    noise: np.ndarray | None = None


def directions(data: Moments, result: SearchResult, *, equal_noise: bool = False) -> Directions:
    """Weigh the direction of every edge, by interventions too where there are some."""
    shifts = own_shifts(data)
    loss, gain = result.reversal_loss, result.intervention_gain
    if loss is None or gain is None:  # no local score has weighed them
        loss, gain = reversal_losses(data, result, equal_noise=equal_noise)
    works = np.zeros(data.n_genes, bool)
    works[shifts.gene[shifts.is_firm]] = True
    return Directions(loss, orient_by_interventions(result, data.interventions, gain=gain, works=works), shifts)


def reversal_losses(data: Moments, result: SearchResult, *, equal_noise: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihood lost by turning each edge ``i -> j`` round, and the part that interventions bring, ``(m,)`` each.

    All other edges held, ``n_j/2 (log v_j(P_j - i) - log v_j(P_j)) + n_i/2 (log v_i(P_i + j) - log v_i(P_i))`` with
    ``v_k(S)`` the residual variance of ``k`` given ``S`` over the observations in which ``k`` was no target; for the
    second, less the same over those in which neither ``i`` nor ``j`` was.  Zero for covered edges (Chickering 1995) of
    data without interventions, whose reversal no linear Gaussian data can tell.  Negative values are possible: an edge
    may stand as it does because its reversal would close a cycle.  With equal noise ``n / (2 sigma^2) s_k^2 v_k`` takes
    the place of ``n/2 log v_k``, and covered edges lose too.
    """
    by_target = np.argsort(result.target, kind="stable")
    indptr = row_pointers(result.target, result.n_genes)
    R = np.empty((0, 0), data.dtype) if data.R is None else data.R
    weight = np.empty(0)
    if equal_noise:
        sigma2 = max(data.mean_over_genes(data.scale**2 * result.residual), TINY)
        own = data.own_scale
        weight = np.where(own > 0, data.scale / np.where(own > 0, own, 1.0), 0.0) ** 2 / sigma2
    done, lost = data.interventions, data.n_obs - data.n_effective
    found = np.zeros((2, result.n_edges))
    parent = result.source[by_target].astype(np.int64)
    for a, b in gene_blocks(result.n_genes, BLOCK):  # between which genes on a disk go from memory
        _reversals(R, data.beside_R, weight, indptr, parent, done.indptr, done.row, lost, a, b, found[0], found[1])
    loss, gain = np.empty((2, result.n_edges))
    loss[by_target], gain[by_target] = found
    return loss, gain


def orient_by_interventions(
    result: SearchResult, interventions: Interventions, *, gain: np.ndarray, works: np.ndarray
) -> np.ndarray:
    """Say where interventions decide the direction, ``(m,)`` bool.

    At least two observations have exactly one end as a target, no end was a target to little effect, and interventions
    speak for the direction as it is with odds of 99 to 1.  ``gain``, ``(m,)``, is the log-likelihood that they bring
    for it; ``works``, ``(d,)``, says which genes changed firmly themselves where they were targets.
    """
    sound = works | (interventions.counts == 0)
    cut = cut_edges(result.source, result.target, interventions, least=LEAST_CUTS)
    oriented: np.ndarray = cut & sound[result.source] & sound[result.target] & (gain >= ODDS)
    return oriented


def own_evidence(data: Moments, i: int, j: int, *, given: np.ndarray) -> float:
    """Return what own observations say for the covered edge ``i -> j``, of a gene ``i`` with the parents ``given``.

    The loss of turning it as in :func:`reversal_losses`; nothing where neither was a target.
    """
    done, lost = data.interventions, data.n_obs - data.n_effective
    out_i, out_j = done.of(i), done.of(j)
    if len(out_i) + len(out_j) == 0:  # turning a covered edge costs nothing then
        return 0.0
    R = np.empty((0, 0), data.dtype) if data.R is None else data.R
    given, none = given.astype(np.int64), np.empty(0)
    at_j = _difference(R, data.beside_R, none, j, given, np.append(given, i), out_j)
    at_i = _difference(R, data.beside_R, none, i, np.append(given, j), given, out_i)
    return float(_half(data.n_obs - len(out_j), lost) * at_j + _half(data.n_obs - len(out_i), lost) * at_i)


@kernel
def _reversals(R, Z, weight, indptr, parent, start, row, lost, first, last, loss, gain):
    """Write loss and gain of the edges into genes ``first`` to ``last``; gains are 0 before."""
    n, acted = Z.shape[1], len(row) > 0
    for j in range(first, last):
        parents_j, without_j = parent[indptr[j] : indptr[j + 1]], row[start[j] : start[j + 1]]
        for e in range(indptr[j], indptr[j + 1]):
            i = parent[e]
            parents_i, without_i = parent[indptr[i] : indptr[i + 1]], row[start[i] : start[i + 1]]
            fewer, more = parents_j[parents_j != i], np.append(parents_i, np.int64(j))
            if not acted:  # all over the same observations: sums less to round
                now = _cost(R, Z, weight, j, parents_j, row, acted) + _cost(R, Z, weight, i, parents_i, row, acted)
                turned = _cost(R, Z, weight, j, fewer, row, acted) + _cost(R, Z, weight, i, more, row, acted)
                loss[e] = _half(n, lost) * (turned - now)
                continue
            at_j = _difference(R, Z, weight, j, fewer, parents_j, without_j)
            at_i = _difference(R, Z, weight, i, more, parents_i, without_i)
            loss[e] = _half(n - len(without_j), lost) * at_j + _half(n - len(without_i), lost) * at_i
            if len(without_i) + len(without_j) == 0:
                continue
            neither = np.unique(np.append(without_i, without_j))
            gain[e] = loss[e]
            if n - len(neither) >= LEAST_OWN:  # else all of it is theirs
                at_j = _difference(R, Z, weight, j, fewer, parents_j, neither)
                at_i = _difference(R, Z, weight, i, more, parents_i, neither)
                gain[e] -= _half(n - len(neither), lost) * (at_j + at_i)


@kernel
def _half(n, lost):
    return max(n - lost, 2.0) / 2.0  # 2 as in Moments.n_own


@kernel
def _difference(R, Z, weight, k, now, before, out):
    """Cost of gene ``k`` given ``now`` less that given ``before``, without the observations ``out``."""
    if Z.shape[1] - len(out) < LEAST_OWN:
        return 0.0
    return _cost(R, Z, weight, k, now, out, True) - _cost(R, Z, weight, k, before, out, True)


@kernel
def _cost(R, Z, weight, k, given, out, acted):
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
            total = np.float64(R[x, y]) if len(R) else np.float64(np.dot(Z[x], Z[y]) / n)
            if acted:
                total = (total * n - np.dot(Y[a], Y[b])) / own - Y[a].sum() / own * (Y[b].sum() / own)
            scale = total if a == b else 0.0  # the variance before others are taken out of it
            for c in range(b):
                total -= L[a, c] * L[b, c]
            if a == b:
                L[a, a] = np.sqrt(max(total, FLOOR * max(scale, FLOOR)))
            else:
                L[a, b] = total / L[b, b]
    return weight[k] * L[s, s] ** 2 if len(weight) else 2.0 * np.log(L[s, s])
