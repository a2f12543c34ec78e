"""Moves of the order search: the score decomposes over genes, so improve the order directly.

An order is a real key per gene.  Moving a gene means giving it a new key between two of its candidate neighbors; only
neighbors notice.  Every gene in turn is offered every gap that changes anything and takes the best, until no gap is
better.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from acyclome.core.data.constraints import REQUIRED
from acyclome.core.kernel import SHORT, kernel
from acyclome.core.order_search.cache import GOLDEN, ScoreCache, hash_of, mixed, recall, remember
from acyclome.core.order_search.constrained import choose
from acyclome.core.order_search.select import Scratch, matters, would_enter
from acyclome.core.order_search.state import allow, enqueue, has_room, is_before

TOLERANCE = 1e-3  # nats that a move has to gain: less is rounding of float32 correlations, and would never end


class MoveScratch(NamedTuple):
    """Scratch of one move: two selections, neighbor lists as long as the largest neighborhood, scores met before."""

    selecting: Scratch
    trial: np.ndarray
    gene: np.ndarray
    candidate: np.ndarray
    edge: np.ndarray
    by_key: np.ndarray
    delta: np.ndarray
    mask: np.ndarray
    cache: ScoreCache


@kernel
def initialize(state, blocks, scratch):
    """Allow every candidate that stands before its target and select the parents of every gene."""
    for j in range(len(state.key)):
        g = blocks.gene[j]
        state.hash[j] = hash_of(-1 - j)
        for e in range(g.start, g.start + g.width):
            state.allowed[e] = is_before(state.key, blocks.parent[e], j)
            if state.allowed[e]:
                state.hash[j] ^= hash_of(e)
        choose(g, state.allowed[g.start :], blocks, scratch, state.selection[j])


@kernel
def list_neighbors(j, state, blocks, children, scratch):
    """List the neighbors of ``j`` by rising key.

    Of each its gene, its number among the candidates of ``j`` (or -1), and its edge as a child of ``j`` (or -1).
    """
    a, b = blocks.gene[j].start, blocks.gene[j].start + blocks.gene[j].width
    s, t = children.indptr[j], children.indptr[j + 1]
    n, e, k = 0, a, s
    while e < b or k < t:
        left = blocks.parent[e] if e < b else np.int32(2147483647)  # behind the last there is the largest int32
        right = children.child[k] if k < t else np.int32(2147483647)
        scratch.gene[n] = min(left, right)
        scratch.candidate[n] = e - a if left <= right else -1
        scratch.edge[n] = children.edge[k] if right <= left else -1
        e += left <= right
        k += right <= left
        n += 1
    for i in range(n):
        scratch.delta[i] = state.key[scratch.gene[i]]
    if n > SHORT:
        scratch.by_key[:n] = np.argsort(scratch.delta[:n], kind="mergesort")
        return n
    for i in range(n):  # insertion: neighbors of a gene are few, and often in order
        t = i
        while t > 0 and scratch.delta[scratch.by_key[t - 1]] > scratch.delta[i]:
            scratch.by_key[t] = scratch.by_key[t - 1]
            t -= 1
        scratch.by_key[t] = i
    return n


@kernel
def _child_deltas(j, n, state, blocks, scratch):
    """Set ``delta[i]``: score of neighbor ``i`` with ``j`` before it, less that with ``j`` after it (0: no child)."""
    cross, gram, relative, q = blocks.cross, blocks.gram, blocks.relative, scratch.selecting.single[2]
    for i in range(n):
        scratch.delta[i] = 0.0
        e = scratch.edge[i]
        if e < 0:
            continue
        g, p = blocks.gene[scratch.gene[i]], state.selection[scratch.gene[i]]
        now = state.allowed[e]
        if not matters(g, e - g.start, now, cross, gram, relative, q, p):  # as nearly always
            continue
        state.cursor[4] += 1
        set_hash = state.hash[scratch.gene[i]] ^ hash_of(e)
        other = recall(scratch.cache, set_hash)
        if np.isnan(other):
            state.allowed[e] = 1 - now
            other = choose(g, state.allowed[g.start :], blocks, scratch.selecting, scratch.trial[0])
            state.allowed[e] = now
            remember(scratch.cache, set_hash, other)
        scratch.delta[i] = p.score - other if now else other - p.score


@kernel
def allowed_gaps(j, n, blocks, scratch):
    """Return the first and the last gap of ``j`` that keep it behind its required parents and before its effects."""
    first, last = 0, n
    if not blocks.has_required:
        return first, last
    start = blocks.gene[j].start
    for t in range(n):
        i, edge = scratch.candidate[scratch.by_key[t]], scratch.edge[scratch.by_key[t]]
        if i >= 0 and blocks.constraint[start + i].kind & REQUIRED:
            first = t + 1
        if edge >= 0 and blocks.constraint[edge].kind & REQUIRED:
            last = min(last, t)
    return first, last


@kernel
def is_allowed(j, key, state, blocks, children):
    """Say whether ``j`` at ``key`` would stand behind its required parents and before its required effects."""
    if not blocks.has_required:
        return True
    g = blocks.gene[j]
    for e in range(g.start, g.start + g.width):
        if blocks.constraint[e].kind & REQUIRED and state.key[blocks.parent[e]] >= key:
            return False
    for s in range(children.indptr[j], children.indptr[j + 1]):
        if blocks.constraint[children.edge[s]].kind & REQUIRED and state.key[children.child[s]] <= key:
            return False
    return True


@kernel
def _best_gap(j, n, state, blocks, scratch):
    """Find the best gap of ``j`` among its sorted neighbors; -1 if none is better than the present one."""
    first, last = allowed_gaps(j, n, blocks, scratch)
    cross, gram, relative, q = blocks.cross, blocks.gram, blocks.relative, scratch.selecting.single[2]
    g, p, mask = blocks.gene[j], scratch.trial[1], scratch.mask
    mask[: g.width] = 0  # from the first gap to the last, one more neighbor stands before j at each
    score, set_hash, is_behind = choose(g, mask, blocks, scratch.selecting, p), hash_of(-1 - j), False
    total = score
    for i in range(n):
        total += scratch.delta[i]
    best, gap, present = total if first == 0 else np.inf, 0, total
    for t in range(n):
        i = scratch.by_key[t]
        total -= scratch.delta[i]
        index = scratch.candidate[i]
        if index >= 0:
            mask[index] = 1
            set_hash ^= hash_of(g.start + index)
            new = recall(scratch.cache, set_hash)
            if np.isnan(new):
                changes = is_behind or would_enter(g, index, cross, gram, relative, q, p)
                new = choose(g, mask, blocks, scratch.selecting, p) if changes else score
                is_behind = False
                remember(scratch.cache, set_hash, new)
            else:
                is_behind = True  # the score was remembered, and the selection is that of an earlier gap
            total += new - score
            score = new
        if is_before(state.key, scratch.gene[i], j):
            present = total
        if total < best - TOLERANCE and first <= t + 1 <= last:
            best, gap = total, t + 1
    return gap if best < present - TOLERANCE else -1


@kernel
def _reselect(k, state, blocks, scratch):
    """Select the parents of ``k`` anew, queue it and the candidates that had or have a stake in it; return the gain."""
    g, p = blocks.gene[k], state.selection[k]
    before = p.score
    if state.cursor[3] >= 0 and state.saved_at[k] < 0:  # as it was before the first change counts
        at = state.cursor[3]
        state.saved[at], state.saved_gene[at], state.saved_at[k] = state.selection[k], k, at
        state.cursor[3] += 1
    _enqueue_stakes(g, p, state, blocks, scratch)
    choose(g, state.allowed[g.start :], blocks, scratch.selecting, p)
    _enqueue_stakes(g, p, state, blocks, scratch)
    enqueue(state, k)
    return before - p.score


@kernel
def _enqueue_stakes(g, p, state, blocks, scratch):
    """Queue the candidates of gene ``g`` whose change of sides would change its selection ``p``."""
    cross, gram, relative, q = blocks.cross, blocks.gram, blocks.relative, scratch.selecting.single[2]
    for i in range(g.width):
        e = g.start + i
        if not state.queued[blocks.parent[e]] and matters(g, i, state.allowed[e], cross, gram, relative, q, p):
            enqueue(state, blocks.parent[e])


@kernel
def insert_gene(j, key, state, blocks, children, scratch):
    """Give ``j`` a new key, select anew where a change of sides matters, queue all who notice; return the gain."""
    if state.cursor[2] >= 0:
        state.journal[state.cursor[2]] = j
        state.journal_key[state.cursor[2]] = state.key[j]
        state.cursor[2] += 1
    state.key[j] = key
    gain = 0.0
    cross, gram, relative, q = blocks.cross, blocks.gram, blocks.relative, scratch.selecting.single[2]
    g, p = blocks.gene[j], state.selection[j]
    changes = False
    for e in range(g.start, g.start + g.width):
        now = is_before(state.key, blocks.parent[e], j)
        if now != state.allowed[e]:
            changes |= matters(g, e - g.start, state.allowed[e], cross, gram, relative, q, p)
            allow(state, e, j, now)
    if changes:
        gain += _reselect(j, state, blocks, scratch)
    for s in range(children.indptr[j], children.indptr[j + 1]):
        k, e = children.child[s], children.edge[s]
        now = is_before(state.key, j, k)
        if now != state.allowed[e]:
            stake = matters(
                blocks.gene[k], e - blocks.gene[k].start, state.allowed[e], cross, gram, relative, q, state.selection[k]
            )
            allow(state, e, k, now)
            if stake:
                gain += _reselect(k, state, blocks, scratch)
    return gain


@kernel
def key_of_gap(gap, n, state, scratch, fraction):
    """Return a key inside the gap, nan if it is too narrow for one more."""
    low = state.key[scratch.gene[scratch.by_key[gap - 1]]] if gap > 0 else np.nan
    high = state.key[scratch.gene[scratch.by_key[gap]]] if gap < n else np.nan
    if gap == 0:
        return high - fraction
    if gap == n:
        return low + fraction
    key = low + (high - low) * (0.25 + 0.5 * fraction)  # the middle half: gaps narrow slowly
    return key if low < key < high else np.nan


@kernel
def run_to_optimum(state, blocks, children, scratch, rng_state, max_moves, widest):
    """Let queued genes go to their best gaps until none is left in the queue; return ``(gain, moves, status)``.

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
        n = max(blocks.gene[j].width, children.indptr[j + 1] - children.indptr[j])
        if n == 0 or n > widest:
            continue
        n = list_neighbors(j, state, blocks, children, scratch)
        _child_deltas(j, n, state, blocks, scratch)
        gap = _best_gap(j, n, state, blocks, scratch)
        if gap < 0:
            continue
        key = key_of_gap(gap, n, state, scratch, uniform(rng_state))
        if np.isnan(key) or not has_room(n, state):
            enqueue(state, j)  # its turn comes again
            return gain, moves, 1 if np.isnan(key) else 3
        gain += insert_gene(j, key, state, blocks, children, scratch)
        moves += 1
        if moves >= max_moves:
            return gain, moves, 2
    return gain, moves, 0


@kernel
def uniform(rng_state):
    """Next number in [0, 1) of a splitmix64 stream held in ``rng_state[0]``."""
    rng_state[0] += GOLDEN
    return np.float64(mixed(rng_state[0]) >> np.uint64(11)) / 9007199254740992.0  # 53 bits of 2^53
