"""An order for a graph that is nearly acyclic: go against as little weight as possible.

Greedy heuristic for the feedback arc set (Eades, Lin and Smyth 1993): take sinks and sources first, else the gene whose
outgoing weight exceeds its incoming weight most.
"""

from __future__ import annotations

import heapq

import numpy as np

from acyclome.core.data.candidates import Candidates
from acyclome.core.graph.equivalence import is_dag
from acyclome.core.kernel import kernel


def order_from_weights(source: np.ndarray, target: np.ndarray, weight: np.ndarray, *, tie: np.ndarray) -> np.ndarray:
    """Return a permutation of the genes, ``(d,)``, against which little weight points.

    Parameters
    ----------
    weight
        ``(m,)`` non-negative; pairs must be unique.
    tie
        ``(d,)`` a seeded permutation; decides between equals, so that the column index never does.
    """
    edges = Candidates.from_pairs(source, target, len(tie))
    at = edges.find(source, target)
    flow = np.zeros(edges.n_edges)
    flow[at[at >= 0]] = np.asarray(weight)[at >= 0]
    return _peel(edges.indptr, edges.parent, *edges.children, flow, tie.astype(np.int64))


def least_acyclic(source: np.ndarray, target: np.ndarray, weight: np.ndarray, *, n_genes: int) -> float:
    """Return the least weight from which on the edges have no cycle, ``inf`` if there is none; bisection."""
    level = np.append(np.unique(weight), np.inf)
    low, high = 0, len(level) - 1
    while low < high:
        middle = (low + high) // 2
        kept = weight >= level[middle]
        low, high = (low, middle) if is_dag(source[kept], target[kept], n_genes) else (middle + 1, high)
    return float(level[low])


@kernel
def _rank(j, heap, rank, n_in, into, outof, tie):
    """Rank gene ``j``: sources first, then by incoming less outgoing weight.  Its older entries are out of date."""
    rank[j] = -np.inf if n_in[j] == 0 else into[j] - outof[j]
    heapq.heappush(heap, (rank[j], tie[j], np.int64(j)))


@kernel
def _peel(indptr, parent, out, child, edge, flow, tie):
    d = len(tie)
    into, outof, rank = np.zeros(d), np.zeros(d), np.zeros(d)
    n_in, n_out = np.diff(indptr), np.diff(out)
    for k in range(d):
        for e in range(indptr[k], indptr[k + 1]):
            into[k] += flow[e]
            outof[parent[e]] += flow[e]
    done = np.zeros(d, np.uint8)
    heap = [(np.inf, np.int64(0), np.int64(0)) for _ in range(0)]  # empty, and numba knows of what
    for k in range(d):
        _rank(k, heap, rank, n_in, into, outof, tie)
    sinks = [(tie[k], np.int64(k)) for k in range(d) if n_out[k] == 0]
    heapq.heapify(sinks)
    first, last = np.empty(d, np.int64), np.empty(d, np.int64)
    a, b = 0, 0
    while a + b < d:
        if len(sinks) > 0:  # last, where nothing points against
            _, j = heapq.heappop(sinks)
            if done[j]:
                continue
            last[b] = j
            b += 1
        else:
            key, _, j = heapq.heappop(heap)
            if done[j] or key != rank[j]:  # an older entry
                continue
            first[a] = j
            a += 1
        done[j] = 1
        for e in range(indptr[j], indptr[j + 1]):
            i = parent[e]
            if not done[i]:
                outof[i] -= flow[e]
                n_out[i] -= 1
                if n_out[i] == 0:
                    heapq.heappush(sinks, (tie[i], np.int64(i)))
                else:
                    _rank(i, heap, rank, n_in, into, outof, tie)
        for s in range(out[j], out[j + 1]):
            i = child[s]
            if not done[i]:
                into[i] -= flow[edge[s]]
                n_in[i] -= 1
                _rank(i, heap, rank, n_in, into, outof, tie)
    return np.concatenate((first[:a], last[:b][::-1]))
