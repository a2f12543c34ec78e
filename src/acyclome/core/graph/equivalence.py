"""Markov equivalence classes of sparse directed acyclic graphs.

Edges are two integer arrays, `source[e] -> target[e]`; nothing here is d x d. The compelled edges come from
Chickering's labelling, which passes once over the genes in a topological order, so that hubs with thousands of
children cost no more than the sum of the parents looked at.
"""

from __future__ import annotations

import numpy as np

from acyclome.core.graph.essential import apply_meek_rules
from acyclome.core.kernel import kernel


def topological_order(source: np.ndarray, target: np.ndarray, d: int) -> np.ndarray:
    """Sort the genes so that every edge points forward (Kahn's peeling, O(d + m)).

    Ties are resolved by index: never use this order as the start of a search.

    Raises
    ------
    ValueError
        If the edges close a directed cycle, or do not describe a simple graph on d genes.
    """
    source, target = _checked(source, target, d)
    order = _peel(source, target, d)
    if order.size < d:
        msg = f"The graph has a directed cycle: {d - order.size} of {d} genes lie on one or behind one."
        raise ValueError(msg)
    return order


def is_dag(source: np.ndarray, target: np.ndarray, d: int) -> bool:
    """Tell whether the edges, on genes 0 to d - 1, close no directed cycle; a self loop is one."""
    source, target = _in_range(source, target, d)
    return _peel(source, target, d).size == d


def cpdag(source: np.ndarray, target: np.ndarray, d: int, *, directed: np.ndarray | None = None) -> np.ndarray:
    """Mark the edges that point the same way in every member of the Markov equivalence class.

    The labelling of D. M. Chickering, "A transformational characterization of equivalent Bayesian network
    structures" (1995), section 5: exact, O(d + sum of parents looked at).  With ``directed``, (m,) bool, edges whose
    direction interventions show, such as :func:`essential.cut_edges` finds, the class is the interventional one (Hauser
    and Buhlmann 2012).

    Returns
    -------
    Boolean of shape (m,): True where the edge is compelled, False where it can be turned.

    Raises
    ------
    ValueError
        If the graph is cyclic, or has repeated edges or indices out of range.
    """
    order = topological_order(source, target, d)
    source, target = _checked(source, target, d)
    if directed is not None and directed.any():
        compelled: np.ndarray = apply_meek_rules(source, target, directed, d)
        return compelled
    return _label(source, target, order)


def random_member(
    source: np.ndarray, target: np.ndarray, d: int, *, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a member of the Markov equivalence class of a directed acyclic graph.

    Every chain component is oriented along a maximum cardinality search with a random root and random ties, which
    makes no new v-structure and no cycle. Every member can come up, though not all with the same chance. Row e of the
    result is the same pair as row e of the input, turned or not.
    """
    reversible = ~cpdag(source, target, d)
    source, target = _checked(source, target, d)
    here = np.concatenate([source[reversible], target[reversible]])
    there = np.concatenate([target[reversible], source[reversible]])
    indptr, entry = _group(here, d)
    rank = _search_rank(indptr, there[entry], rng.permutation(d), rng.random(d))
    turn = reversible & (rank[source] > rank[target])
    return np.where(turn, target, source), np.where(turn, source, target)


def _in_range(source: np.ndarray, target: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray]:
    source = np.ascontiguousarray(source, dtype=np.int64)
    target = np.ascontiguousarray(target, dtype=np.int64)
    if source.ndim != 1 or source.shape != target.shape:
        msg = f"source and target must be two vectors of one length, found shapes {source.shape} and {target.shape}."
        raise ValueError(msg)
    if source.size and (min(source.min(), target.min()) < 0 or max(source.max(), target.max()) >= d):
        msg = f"Edges must join genes 0 to {d - 1}; the given ones reach outside."
        raise ValueError(msg)
    return source, target


def _checked(source: np.ndarray, target: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray]:
    source, target = _in_range(source, target, d)
    repeated = source.size - np.unique(source * d + target).size
    if repeated:
        msg = f"{repeated} of {source.size} edges are given more than once; drop the repetitions."
        raise ValueError(msg)
    return source, target


@kernel
def _group(key: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Sort by counting: entries with key k are `entry[indptr[k]:indptr[k + 1]]`, in their old order."""
    indptr = np.zeros(d + 1, np.int64)
    for k in key:
        indptr[k + 1] += 1
    for k in range(d):
        indptr[k + 1] += indptr[k]
    next_entry = indptr[:-1].copy()
    entry = np.empty(key.size, np.int64)
    for e in range(key.size):
        entry[next_entry[key[e]]] = e
        next_entry[key[e]] += 1
    return indptr, entry


@kernel
def _peel(source: np.ndarray, target: np.ndarray, d: int) -> np.ndarray:
    indptr, edge = _group(source, d)
    waiting = np.zeros(d, np.int64)
    for t in target:
        waiting[t] += 1
    order = np.empty(d, np.int64)
    end = 0
    for v in range(d):
        if waiting[v] == 0:
            order[end] = v
            end += 1
    start = 0
    while start < end:
        v = order[start]
        start += 1
        for e in edge[indptr[v] : indptr[v + 1]]:
            waiting[target[e]] -= 1
            if waiting[target[e]] == 0:
                order[end] = target[e]
                end += 1
    return order[:end]


@kernel
def _label(source: np.ndarray, target: np.ndarray, order: np.ndarray) -> np.ndarray:
    d = order.size
    indptr, edge = _group(target, d)
    rank = np.empty(d, np.int64)
    rank[order] = np.arange(d)
    compelled = np.zeros(source.size, np.bool_)
    into_y = np.full(d, -1, np.int64)  # edge w -> y of the y at hand; stale entries end elsewhere
    before_x = np.full(d, -1, np.int64)  # stamped with y where w is a parent of x
    for y in order:
        edges_y = edge[indptr[y] : indptr[y + 1]]
        if edges_y.size == 0:
            continue
        x = source[edges_y[0]]  # to be the last of the parents in the order
        for e in edges_y:
            into_y[source[e]] = e
            if rank[source[e]] > rank[x]:
                x = source[e]
        everything = False
        for f in edge[indptr[x] : indptr[x + 1]]:
            w = source[f]
            before_x[w] = y
            if compelled[f]:
                if into_y[w] < 0 or target[into_y[w]] != y:
                    everything = True
                else:
                    compelled[into_y[w]] = True
        for e in edges_y:
            everything = everything or (source[e] != x and before_x[source[e]] != y)
        if everything:
            compelled[edges_y] = True
    return compelled


@kernel
def _search_rank(indptr: np.ndarray, neighbor: np.ndarray, start: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Maximum cardinality search with random ties; `queue` holds the unvisited genes, sorted by visited neighbors."""
    d = start.size
    queue = start.copy()
    position = np.empty(d, np.int64)
    position[queue] = np.arange(d)
    weight = np.zeros(d, np.int64)  # -1 once visited
    begin = np.zeros(d + 1, np.int64)  # begin[w]: where the genes of weight w start in the queue, for w <= top
    rank = np.empty(d, np.int64)
    top = 0
    for step in range(d):
        size = d - step
        while begin[top] >= size:  # no unvisited gene has so many visited neighbors
            top -= 1
        v = queue[begin[top] + int(uniform[step] * (size - begin[top]))]
        _swap(queue, position, position[v], size - 1)
        rank[v] = step
        weight[v] = -1
        size -= 1
        for u in neighbor[indptr[v] : indptr[v + 1]]:
            w = weight[u]
            if w < 0:
                continue
            if w == top:
                top += 1
                begin[top] = size
            begin[w + 1] -= 1
            _swap(queue, position, position[u], begin[w + 1])
            weight[u] = w + 1
    return rank


@kernel
def _swap(queue: np.ndarray, position: np.ndarray, i: int, j: int) -> None:
    a, b = queue[i], queue[j]
    queue[i], queue[j] = b, a
    position[a], position[b] = j, i
