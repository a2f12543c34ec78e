"""What noise that is not Gaussian says about directions, and the turning of edges that it decides.

In ``i -> j`` the noise of ``j`` is independent of ``i``; fitted the wrong way round both residuals mix two noises and
come closer to Gaussian (Hyvarinen and Smith 2013).  Edges whose turning leaves the Gaussian likelihood as it is, the
covered ones (Chickering 1995), lead to every other graph of the equivalence class; so they are turned one by one.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from acyclome.core.data.candidates import Candidates
from acyclome.core.data.moments import Moments, own_correlations
from acyclome.core.data.problem import Problem
from acyclome.core.data.search_result import SearchResult
from acyclome.core.directions.interventional import own_evidence
from acyclome.core.graph.reach import sort_genes
from acyclome.core.kernel import kernel
from acyclome.core.order_search.negentropy import least_gain, noise_gain

ODDS = 3.0  # log odds, 20 to 1, from which a direction counts as decided
TINY = 1e-9  # of a variance of 1: the ridge of blocks with a copy in them, and what a perfect fit leaves

Weigh = Callable[[int, int, np.ndarray], float]


def noise_evidence(data: Moments, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Log-likelihood ratio of the noise for each edge ``i -> j`` of a DAG over its reversal, ``(m,)``.

    ``g_i(P_i) + g_j(P_i + i) - g_j(P_i) - g_i(P_i + j)`` with ``g_k(S)`` what the noise of ``k`` given ``S``, over its
    own observations, gains by not being Gaussian, zero where it is not measurably so (:func:`negentropy.least_gain`),
    and ``P_i`` the parents of ``i``.  Zero for Gaussian data; the loss of likelihood itself for covered edges.
    """
    edges = Candidates.from_pairs(source, target, data.n_genes)
    of = _Evidence.on(data)
    parts = [edges.parent[edges.indptr[i] : edges.indptr[i + 1]] for i in source]
    return np.array([of(int(i), int(j), P) for i, j, P in zip(source, target, parts, strict=True)], dtype=float)


@dataclass(frozen=True)
class _Evidence:
    """The evidence of the noise for one edge after the other."""

    data: Moments
    Z: np.ndarray
    least: float
    residual: np.ndarray

    @classmethod
    def on(cls, data: Moments) -> Self:
        Z = data.Z.astype(np.float32, copy=False)
        least = least_gain(data.n_effective, data.n_genes)
        return cls(data, Z, least, np.empty(data.n_obs, np.float32))

    def __call__(self, i: int, j: int, given: np.ndarray) -> float:
        done, n = self.data.interventions, self.data.n_effective
        out_i, out_j = done.of(i), done.of(j)
        own = max(n - len(out_i), 2.0), max(n - len(out_j), 2.0)  # 2 as in Moments.n_own
        L = np.empty((len(given) + 2, len(given) + 1))
        return float(_evidence(self.Z, i, j, given.astype(np.int32), out_i, out_j, own, self.least, self.residual, L))


@kernel
def _evidence(Z, i, j, given, out_i, out_j, own, least, residual, L):
    more, n_i, n_j = np.append(given, np.int32(i)), own[0], own[1]
    gain = noise_gain(Z, i, given, out_i, n_i, least, residual, L)
    with_i = noise_gain(Z, j, more, out_j, n_j, least, residual, L)
    gain += with_i - noise_gain(Z, j, given, out_j, n_j, least, residual, L)
    more[-1] = j
    return gain - noise_gain(Z, i, more, out_i, n_i, least, residual, L)


def turn_by_noise(problem: Problem, result: SearchResult) -> SearchResult:
    """Turn covered edges, most evidence first, until the noise speaks against none of them with odds of 20 to 1.

    The graph stays in its equivalence class, so no Gaussian likelihood changes, unless one end was a target; what that
    says counts with the noise.  Edges that are known beforehand stay, and so do all of a gene with a signed parent,
    whose weight would be another one with other parents.
    """
    may_turn = problem.constraints.leave_open(result.source, result.target)
    edges = result.target.astype(np.int64) * result.n_genes + result.source
    is_bound = np.zeros(result.n_genes, bool)
    is_bound[result.target[np.isin(edges, problem.constraints.signed)]] = True
    may_turn &= ~(is_bound[result.source] | is_bound[result.target])
    parents: list[set[int]] = [set() for _ in result.order]
    beside: list[set[int]] = [set() for _ in result.order]
    for i, j, may in zip(result.source.tolist(), result.target.tolist(), may_turn.tolist(), strict=True):
        parents[j].add(i)
        if may:
            beside[i].add(j)
            beside[j].add(i)
    noise, data = _Evidence.on(problem.data), problem.data

    def evidence(i: int, j: int, given: np.ndarray) -> float:
        return noise(i, j, given) + own_evidence(data, i, j, given=given)

    changed = _turn(evidence, parents, beside)
    return _refitted(data, result, parents=parents, changed=changed) if changed else result


def _turn(evidence: Weigh, parents: list[set[int]], beside: list[set[int]]) -> set[int]:
    """Turn edges in ``parents``; return the genes whose parents are others now.

    ``beside`` has the genes that a gene is joined to by an edge that may turn.
    """
    queue: list[tuple[float, int, int]] = []
    changed: set[int] = set()

    def weigh(i: int, j: int) -> float:
        """Evidence for ``i -> j``; none where there is no such edge, or turning it would leave the class."""
        is_covered = i in parents[j] and parents[j] - {i} == parents[i]
        return evidence(i, j, np.array(sorted(parents[i]))) if is_covered else 0.0

    def ask(pairs: Iterable[tuple[int, int]]) -> None:
        for i, j in pairs:
            if (weight := weigh(i, j)) < -ODDS:
                heapq.heappush(queue, (weight, i, j))

    ask((i, j) for j, near in enumerate(beside) for i in sorted(near))
    while queue:
        weight, i, j = heapq.heappop(queue)
        if weigh(i, j) != weight:  # out of date: a parent of either has turned since
            continue
        parents[j].remove(i)
        parents[i].add(j)
        changed |= {i, j}
        ask((a, b) for x in (i, j) for y in sorted(beside[x]) for a, b in ((x, y), (y, x)))
    return changed


def _refitted(data: Moments, result: SearchResult, *, parents: list[set[int]], changed: set[int]) -> SearchResult:
    """Return the DAG with other parents of the ``changed`` genes."""
    pairs = zip(result.source.tolist(), result.target.tolist(), strict=True)
    turned = np.array([i not in parents[j] for i, j in pairs])
    source, target = np.where(turned, result.target, result.source), np.where(turned, result.source, result.target)
    weight, loss, residual = result.weight.copy(), result.loss.copy(), result.residual.copy()
    for j in sorted(changed):
        at = np.flatnonzero(target == j)
        R, scale = own_correlations(data, np.append(source[at], j), j)
        V = np.linalg.inv(R[:-1, :-1] + TINY * np.eye(len(at)))
        slope = V @ R[:-1, -1]
        residual[j] = max(1.0 - float(slope @ R[:-1, -1]), TINY)
        loss[at] = data.n_own[j] / 2 * np.log1p(slope**2 / V.diagonal() / residual[j])
        weight[at] = slope * data.own_scale[source[at]] / np.where(scale[:-1] > 0, scale[:-1], 1.0)
    order = sort_genes(source, target, result.order).astype(np.int32)
    return replace(result, source=source, target=target, weight=weight, loss=loss, order=order, residual=residual)
