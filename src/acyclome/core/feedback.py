"""An order for a graph that is nearly acyclic: go against as little weight as possible.

Greedy heuristic for the feedback arc set (Eades, Lin and Smyth 1993): take sinks and sources first, else the gene whose
outgoing weight exceeds its incoming weight most.
"""

from __future__ import annotations

import heapq

import numpy as np
from numba import njit

from acyclome.core.layout import from_pairs


def order_from_weights(source: np.ndarray, target: np.ndarray, weight: np.ndarray, tie: np.ndarray) -> np.ndarray:
    """Return a permutation of the genes, ``(d,)``, against which little weight points.

    Parameters
    ----------
    weight
        ``(m,)`` non-negative; pairs must be unique.
    tie
        ``(d,)`` a seeded permutation; decides between equals, so that the column index never does.
    """
    edges = from_pairs(source, target, len(tie))
    at = edges.find(source, target)
    flow = np.zeros(edges.n_edges)
    flow[at[at >= 0]] = np.asarray(weight)[at >= 0]
    return _peel(edges.indptr, edges.parent, *edges.transpose(), flow, tie.astype(np.int64))


@njit(cache=True, nogil=True)
def _peel(indptr, parent, out, child, edge, flow, tie):  # type: ignore[no-untyped-def]
    d = len(tie)
    into, outof = np.zeros(d), np.zeros(d)
    n_in, n_out = np.diff(indptr), np.diff(out)
    for j in range(d):
        for e in range(indptr[j], indptr[j + 1]):
            into[j] += flow[e]
            outof[parent[e]] += flow[e]
    done = np.zeros(d, np.uint8)
    heap = [(into[j] - outof[j], tie[j], np.int64(j)) for j in range(d)]
    for j in range(d):
        if n_in[j] == 0:
            heap[j] = (-np.inf, tie[j], np.int64(j))
        elif n_out[j] == 0:
            heap[j] = (np.inf, tie[j], np.int64(j))
    heapq.heapify(heap)
    sinks = [(np.int64(tie[j]), np.int64(j)) for j in range(d) if n_out[j] == 0]
    first, last = np.empty(d, np.int64), np.empty(d, np.int64)
    a, b = 0, 0
    while a + b < d:
        j = -1
        if len(sinks) > 0:
            j = sinks.pop()[1]
            if done[j]:
                continue
            last[b] = j
            b += 1
        else:
            j = heapq.heappop(heap)[2]
            if done[j]:
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
                    sinks.append((np.int64(tie[i]), np.int64(i)))
                else:
                    heapq.heappush(heap, (-np.inf if n_in[i] == 0 else into[i] - outof[i], tie[i], np.int64(i)))
        for s in range(out[j], out[j + 1]):
            i = child[s]
            if not done[i]:
                into[i] -= flow[edge[s]]
                n_in[i] -= 1
                heapq.heappush(heap, (-np.inf if n_in[i] == 0 else into[i] - outof[i], tie[i], np.int64(i)))
    return np.concatenate((first[:a], last[:b][::-1]))
