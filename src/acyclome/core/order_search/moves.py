"""Moves of the order search: the score decomposes over genes, so improve the order directly.

An order is a real key per gene.  Moving a gene means giving it a new key between two of its candidate neighbors; only
neighbors notice.  Every gene in turn is offered every place that changes anything and takes the best, until no place is
better.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from acyclome.core.data.constraints import REQUIRED
from acyclome.core.kernel import SHORT, kernel
from acyclome.core.order_search.cache import Memo, mark_of, recall, remember
from acyclome.core.order_search.constrained import choose
from acyclome.core.order_search.select import Work, matters, would_enter
from acyclome.core.order_search.state import allow, enqueue, has_room, is_before

TOLERANCE = 1e-3


class Scratch(NamedTuple):
    """Room for one move: two selection rows, neighbor lists as long as the largest neighborhood, scores met before."""

    work: Work
    trial: np.ndarray
    gene: np.ndarray
    own: np.ndarray
    edge: np.ndarray
    place: np.ndarray
    delta: np.ndarray
    mask: np.ndarray
    memo: Memo


@kernel
def initialize(state, pools, work):
    """Allow every candidate that stands before its target and select the parents of every gene."""
    for j in range(len(state.key)):
        g = pools.gene[j]
        state.mark[j] = mark_of(-1 - j)
        for e in range(g.start, g.start + g.width):
            state.allowed[e] = is_before(state.key, pools.parent[e], j)
            if state.allowed[e]:
                state.mark[j] ^= mark_of(e)
        choose(g, state.allowed[g.start :], pools, work, state.path[j])


@kernel
def list_neighbors(j, state, pools, kids, room):
    """Neighbors of ``j`` by rising key: gene, its index in the pool of ``j`` (or -1), its edge as a child (or -1)."""
    a, b = pools.gene[j].start, pools.gene[j].start + pools.gene[j].width
    s, t = kids.indptr[j], kids.indptr[j + 1]
    n, e, k = 0, a, s
    while e < b or k < t:
        left = pools.parent[e] if e < b else np.int32(2147483647)
        right = kids.child[k] if k < t else np.int32(2147483647)
        room.gene[n] = min(left, right)
        room.own[n] = e - a if left <= right else -1
        room.edge[n] = kids.edge[k] if right <= left else -1
        e += left <= right
        k += right <= left
        n += 1
    for i in range(n):
        room.delta[i] = state.key[room.gene[i]]
    if n > SHORT:
        room.place[:n] = np.argsort(room.delta[:n], kind="mergesort")
        return n
    for i in range(n):
        t = i
        while t > 0 and room.delta[room.place[t - 1]] > room.delta[i]:
            room.place[t] = room.place[t - 1]
            t -= 1
        room.place[t] = i
    return n


@kernel
def _child_deltas(j, n, state, pools, room):
    """Set ``delta[i]``: score of neighbor ``i`` with ``j`` before it, less that with ``j`` after it (0: no child)."""
    cross, gram, relative, q = pools.cross, pools.gram, pools.relative, room.work.single[2]
    for i in range(n):
        room.delta[i] = 0.0
        e = room.edge[i]
        if e < 0:
            continue
        g, p = pools.gene[room.gene[i]], state.path[room.gene[i]]
        now = state.allowed[e]
        if not matters(g, e - g.start, now, cross, gram, relative, q, p):
            continue
        mark = state.mark[room.gene[i]] ^ mark_of(e)
        other = recall(room.memo, mark)
        if np.isnan(other):
            state.allowed[e] = 1 - now
            other = choose(g, state.allowed[g.start :], pools, room.work, room.trial[0])
            state.allowed[e] = now
            remember(room.memo, mark, other)
        room.delta[i] = p.score - other if now else other - p.score


@kernel
def lawful_gaps(j, n, pools, room):
    """Return the first and the last gap of ``j`` that keep it behind its required parents and before its effects."""
    first, last = 0, n
    if not pools.requires:
        return first, last
    start = pools.gene[j].start
    for t in range(n):
        own, edge = room.own[room.place[t]], room.edge[room.place[t]]
        if own >= 0 and pools.known[start + own].kind & REQUIRED:
            first = t + 1
        if edge >= 0 and pools.known[edge].kind & REQUIRED:
            last = min(last, t)
    return first, last


@kernel
def is_lawful(j, key, state, pools, kids):
    """Say whether ``j`` at ``key`` would stand behind its required parents and before its required effects."""
    if not pools.requires:
        return True
    g = pools.gene[j]
    for e in range(g.start, g.start + g.width):
        if pools.known[e].kind & REQUIRED and state.key[pools.parent[e]] >= key:
            return False
    for s in range(kids.indptr[j], kids.indptr[j + 1]):
        if pools.known[kids.edge[s]].kind & REQUIRED and state.key[kids.child[s]] <= key:
            return False
    return True


@kernel
def _best_place(j, n, state, pools, room):
    """Find the best gap of ``j`` among its sorted neighbors; -1 if none is better than the present one."""
    first, last = lawful_gaps(j, n, pools, room)
    cross, gram, relative, q = pools.cross, pools.gram, pools.relative, room.work.single[2]
    g, p, mask = pools.gene[j], room.trial[1], room.mask
    mask[: g.width] = 0
    score, mark, is_behind = choose(g, mask, pools, room.work, p), mark_of(-1 - j), False
    total = score
    for i in range(n):
        total += room.delta[i]
    best, gap, present = total if first == 0 else np.inf, 0, total
    for t in range(n):
        i = room.place[t]
        total -= room.delta[i]
        own = room.own[i]
        if own >= 0:
            mask[own] = 1
            mark ^= mark_of(g.start + own)
            new = recall(room.memo, mark)
            if np.isnan(new):
                changes = is_behind or would_enter(g, own, cross, gram, relative, q, p)
                new = choose(g, mask, pools, room.work, p) if changes else score
                is_behind = False
                remember(room.memo, mark, new)
            else:
                is_behind = True
            total += new - score
            score = new
        if is_before(state.key, room.gene[i], j):
            present = total
        if total < best - TOLERANCE and first <= t + 1 <= last:
            best, gap = total, t + 1
    return gap if best < present - TOLERANCE else -1


@kernel
def _reselect(k, state, pools, room):
    """Select the parents of ``k`` anew, queue it and the candidates that had or have a stake in it; return the gain."""
    g, p = pools.gene[k], state.path[k]
    before = p.score
    if state.cursor[3] >= 0 and state.saved_at[k] < 0:
        at = state.cursor[3]
        state.saved[at], state.saved_gene[at], state.saved_at[k] = state.path[k], k, at
        state.cursor[3] += 1
    _enqueue_stakes(g, p, state, pools, room)
    choose(g, state.allowed[g.start :], pools, room.work, p)
    _enqueue_stakes(g, p, state, pools, room)
    enqueue(state, k)
    return before - p.score


@kernel
def _enqueue_stakes(g, p, state, pools, room):
    """Queue the candidates of gene ``g`` whose change of sides would change its selection ``p``."""
    cross, gram, relative, q = pools.cross, pools.gram, pools.relative, room.work.single[2]
    for i in range(g.width):
        e = g.start + i
        if not state.queued[pools.parent[e]] and matters(g, i, state.allowed[e], cross, gram, relative, q, p):
            enqueue(state, pools.parent[e])


@kernel
def place_gene(j, key, state, pools, kids, room):
    """Give ``j`` a new key, select anew where a change of sides matters, queue all who notice; return the gain."""
    if state.cursor[2] >= 0:
        state.journal[state.cursor[2]] = j
        state.journal_key[state.cursor[2]] = state.key[j]
        state.cursor[2] += 1
    state.key[j] = key
    gain = 0.0
    cross, gram, relative, q = pools.cross, pools.gram, pools.relative, room.work.single[2]
    g, p = pools.gene[j], state.path[j]
    own = False
    for e in range(g.start, g.start + g.width):
        now = is_before(state.key, pools.parent[e], j)
        if now != state.allowed[e]:
            own |= matters(g, e - g.start, state.allowed[e], cross, gram, relative, q, p)
            allow(state, e, j, now)
    if own:
        gain += _reselect(j, state, pools, room)
    for s in range(kids.indptr[j], kids.indptr[j + 1]):
        k, e = kids.child[s], kids.edge[s]
        now = is_before(state.key, j, k)
        if now != state.allowed[e]:
            stake = matters(
                pools.gene[k], e - pools.gene[k].start, state.allowed[e], cross, gram, relative, q, state.path[k]
            )
            allow(state, e, k, now)
            if stake:
                gain += _reselect(k, state, pools, room)
    return gain


@kernel
def key_of_gap(gap, n, state, room, fraction):
    """Return a key inside the gap, nan if it is too narrow for one more."""
    low = state.key[room.gene[room.place[gap - 1]]] if gap > 0 else np.nan
    high = state.key[room.gene[room.place[gap]]] if gap < n else np.nan
    if gap == 0:
        return high - fraction
    if gap == n:
        return low + fraction
    key = low + (high - low) * (0.25 + 0.5 * fraction)
    return key if low < key < high else np.nan


@kernel
def settle(state, pools, kids, room, rng_state, max_moves, widest):
    """Let queued genes take their best places until none is left; return ``(gain, moves, status)``.

    Genes with more than ``widest`` neighbors stay where they are.
    status 1: a gap became too narrow for float64 keys, spread the keys and call again; 2: ``max_moves`` reached; 3: the
    record is full.
    """
    d = len(state.key)
    gain, moves = 0.0, 0
    while state.cursor[1] > 0:
        j = state.queue[state.cursor[0]]
        state.cursor[0] = (state.cursor[0] + 1) % d
        state.cursor[1] -= 1
        state.queued[j] = 0
        n = max(pools.gene[j].width, kids.indptr[j + 1] - kids.indptr[j])
        if n == 0 or n > widest:
            continue
        n = list_neighbors(j, state, pools, kids, room)
        _child_deltas(j, n, state, pools, room)
        gap = _best_place(j, n, state, pools, room)
        if gap < 0:
            continue
        key = key_of_gap(gap, n, state, room, uniform(rng_state))
        if np.isnan(key) or not has_room(n, state):
            enqueue(state, j)
            return gain, moves, 1 if np.isnan(key) else 3
        gain += place_gene(j, key, state, pools, kids, room)
        moves += 1
        if moves >= max_moves:
            return gain, moves, 2
    return gain, moves, 0


@kernel
def uniform(rng_state):
    """Next number in [0, 1) of a splitmix64 stream held in ``rng_state[0]``."""
    rng_state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = rng_state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) / 9007199254740992.0
