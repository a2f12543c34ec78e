"""Which edges point the same way in every graph of an interventional equivalence class.

Interventions on a set of genes that holds exactly one end of an edge show its direction.  With the colliders these
edges are known; Meek's rules (1995) carry them on.  For the edges that a family of targets decides, the result is the
interventional essential graph of Hauser and Buhlmann (2012, theorem 18).
"""

from __future__ import annotations

import numpy as np

from acyclome.core.data.interventions import Interventions
from acyclome.core.kernel import kernel


def cut_edges(source: np.ndarray, target: np.ndarray, interventions: Interventions, *, least: int = 1) -> np.ndarray:
    """Say of every edge whether at least ``least`` observations have exactly one of its ends as a target, ``(m,)``."""
    both = _shared(source.astype(np.int64), target.astype(np.int64), interventions.indptr, interventions.row)
    cut: np.ndarray = interventions.counts[source] + interventions.counts[target] - 2 * both >= least
    return cut


@kernel
def _shared(source, target, indptr, row):
    """Observations in which both ends of an edge were targets."""
    both = np.zeros(len(source), np.int64)
    for e in range(len(source)):
        a, b = indptr[source[e]], indptr[target[e]]
        while a < indptr[source[e] + 1] and b < indptr[target[e] + 1]:
            first = min(row[a], row[b])
            of_source, of_target = row[a] == first, row[b] == first
            both[e] += of_source and of_target
            a += of_source
            b += of_target
    return both


@kernel
def apply_meek_rules(source, target, directed, d):
    """Return which edges of a DAG are directed once ``directed`` and all colliders are, by Meek's rules 1 to 3.

    The direction of an edge is never in doubt, only whether all members share it, so a rule marks edges.
    """
    indptr, neighbor, edge = _adjacency(source, target, d)
    done, todo, n = directed.copy(), np.empty(len(source), np.int64), 0
    for e in range(len(source)):
        done[e] = directed[e] or _collides(e, source, target, indptr, neighbor, edge)
        if done[e]:
            todo[n] = e
            n += 1
    at = 0
    while at < n:
        a, b = source[todo[at]], target[todo[at]]
        at += 1
        for k in range(indptr[b], indptr[b + 1]):
            c, e = neighbor[k], edge[k]
            if c == a or done[e]:
                continue
            between = _edge_of(a, c, indptr, neighbor, edge)
            if between < 0:  # rule 1: a -> b - c, a and c apart
                done[e] = source[e] == b
            elif target[e] == b and done[between]:  # rule 2: c -> a -> b, c - b
                done[e] = target[between] == a
            elif target[e] == b:  # rule 3: a -> b <- x, c joined to all three and not directed to a and x
                done[e] = _third(a, b, c, target, indptr, neighbor, edge, done)
            if done[e]:
                todo[n] = e
                n += 1
        for k in range(indptr[a], indptr[a + 1]):  # rule 2 from the first arc: a -> b -> c, a - c
            c, e = neighbor[k], edge[k]
            behind = -1 if done[e] else _edge_of(b, c, indptr, neighbor, edge)
            if behind >= 0 and done[behind] and source[behind] == b:
                done[e] = True
                todo[n] = e
                n += 1
    return done


def arrow_shares(source: np.ndarray, target: np.ndarray, d: int) -> np.ndarray:
    """Say of every edge that can be turned how much of its class has it as it points here, ``(m,)`` from 0 to 1.

    A member of the class has one gene of each chain component, its root, from which all its edges lead away (He, Jia
    and Yu 2015).  Every gene of a component is taken for its root with equal chance, and an edge between two genes
    equally far from the root points either way with equal chance: exact for components that are trees or complete
    graphs, an approximation for others.  Given are only the edges that can be turned, as they point here.
    """
    source, target = source.astype(np.int64), target.astype(np.int64)
    shares: np.ndarray = _shares(source, *_adjacency(source, target, d))
    return shares


@kernel
def _shares(source, indptr, neighbor, edge):
    """Walk outward from every gene; cost: genes times edges, component by component."""
    d = len(indptr) - 1
    points, walks = np.zeros(len(source)), np.zeros(len(source))
    far, reached = np.full(d, -1, np.int64), np.empty(d, np.int64)
    for root in range(d):
        reached[0], n, at, far[root] = root, 1, 0, 0
        while at < n:
            u = reached[at]
            at += 1
            for k in range(indptr[u], indptr[u + 1]):
                v = neighbor[k]
                if far[v] < 0:
                    reached[n], far[v] = v, far[u] + 1
                    n += 1
                if far[v] > far[u]:
                    points[edge[k]] += source[edge[k]] == u
                    walks[edge[k]] += 1.0
                elif far[v] == far[u]:  # met from both ends
                    points[edge[k]] += 0.25  # half a walk, half of it this way
                    walks[edge[k]] += 0.5
        far[reached[:n]] = -1  # what was not reached is clean already
    return points / walks


@kernel
def _adjacency(source, target, d):
    """Return ``(indptr, neighbor, edge)``: the neighbors of every gene, rising, and the edges to them."""
    indptr = np.zeros(d + 1, np.int64)
    for e in range(len(source)):
        indptr[source[e] + 1] += 1
        indptr[target[e] + 1] += 1
    indptr = np.cumsum(indptr)
    neighbor, edge = np.empty(indptr[d], np.int64), np.empty(indptr[d], np.int64)
    next_entry = indptr[:-1].copy()
    for e in range(len(source)):
        for v, u in ((source[e], target[e]), (target[e], source[e])):
            neighbor[next_entry[v]], edge[next_entry[v]] = u, e
            next_entry[v] += 1
    for v in range(d):
        here = slice(indptr[v], indptr[v + 1])
        by = np.argsort(neighbor[here])
        neighbor[here], edge[here] = neighbor[here][by], edge[here][by]
    return indptr, neighbor, edge


@kernel
def _edge_of(u, v, indptr, neighbor, edge):
    """Return the edge between two genes, -1 if there is none."""
    k = indptr[u] + np.searchsorted(neighbor[indptr[u] : indptr[u + 1]], v)
    return edge[k] if k < indptr[u + 1] and neighbor[k] == v else -1


@kernel
def _collides(e, source, target, indptr, neighbor, edge):
    """Say whether another parent of the edge's target is apart from its source."""
    v = target[e]
    for k in range(indptr[v], indptr[v + 1]):
        u = neighbor[k]
        if u != source[e] and target[edge[k]] == v and _edge_of(source[e], u, indptr, neighbor, edge) < 0:
            return True
    return False


@kernel
def _third(a, b, c, target, indptr, neighbor, edge, done):
    """Say whether some ``x -> b``, directed, is apart from ``a`` and joined to ``c`` by an edge still open."""
    for k in range(indptr[b], indptr[b + 1]):
        x = neighbor[k]
        if x != a and x != c and done[edge[k]] and target[edge[k]] == b and _edge_of(a, x, indptr, neighbor, edge) < 0:
            other = _edge_of(c, x, indptr, neighbor, edge)
            if other >= 0 and not done[other]:
                return True
    return False
