"""Shake an order that has settled.

One gene goes to a random place, its neighborhood settles again, and what does not pay is taken back.  Changes that cost
nothing are kept, so the search wanders through equivalent orders until one has a way down.

Hardly a shake in fifty pays, and each leaves the state as it found it, bit for bit.  So many are tried at once, each
thread on its own copy of the state, and those that pay are repeated one after the other on the original.
"""

from __future__ import annotations

from queue import SimpleQueue

import numpy as np

from acyclome.core.kernel import kernel
from acyclome.core.order_search.moves import (
    Scratch,
    is_lawful,
    key_of_gap,
    lawful_gaps,
    list_neighbors,
    place_gene,
    settle,
    uniform,
)
from acyclome.core.order_search.select import Pools
from acyclome.core.order_search.state import Neighbors, State, has_room, keep, record, take_back
from acyclome.core.workers import run_blocks

WIDE = 150
MAX_MOVES = 200
FREE = 1e-5
CHUNK = 8


class Lanes:
    """The state and its copies, one for each thread; between two calls all of them are the same.

    Parameters
    ----------
    state, room
        The original and its scratch.
    copies
        Further pairs of them.
    """

    def __init__(self, state: State, room: Scratch, copies: list[tuple[State, Scratch]]) -> None:
        self.state, self.room, self.copies = state, room, copies

    def shake(self, genes: np.ndarray, seeds: np.ndarray, pools: Pools, kids: Neighbors) -> float:
        """Shake ``genes``, each with its seed and from the present state, and keep what pays; return the gain."""
        free: SimpleQueue[tuple[State, Scratch]] = SimpleQueue()
        for lane in [(self.state, self.room), *self.copies]:
            free.put(lane)

        def chunk(a: int, b: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            state, room = free.get()
            try:
                return _try(genes[a:b], seeds[a:b], state, pools, kids, room)
            finally:
                free.put((state, room))

        cuts = [(a, min(a + CHUNK, len(genes))) for a in range(0, len(genes), CHUNK)]
        gain, changed = 0.0, []
        for count, gene, key in run_blocks(chunk, cuts, 1 + len(self.copies)):
            stops = np.cumsum(count)[count > 0]
            for a, b in zip(stops - count[count > 0], stops, strict=True):
                gain += _repeat(gene[a:b], key[a:b], self.state, pools, kids, self.room)
                changed.append(self.state.saved_gene[: max(self.state.cursor[3], 0)].copy())
                keep(self.state)
        for state, _ in self.copies:
            state.key[:] = self.state.key
            state.allowed[:] = self.state.allowed
            state.mark[:] = self.state.mark
            for genes in changed:
                state.path[genes] = self.state.path[genes]
        return gain


@kernel
def _try(genes, seeds, state, pools, kids, room):
    """Shake every gene by itself; return how many moves each shake that pays is made of, their genes and new keys.

    Genes with more than ``WIDE`` neighbors stay: thousands of children hold a hub where it is.
    """
    count = np.zeros(len(genes), np.int64)
    gene, key = np.empty(len(genes) * (MAX_MOVES + 1), np.int64), np.empty(len(genes) * (MAX_MOVES + 1))
    rng_state = np.empty(1, np.uint64)
    at = 0
    for t in range(len(genes)):
        rng_state[0] = seeds[t]
        j = genes[t]
        n = max(pools.gene[j].width, kids.indptr[j + 1] - kids.indptr[j])
        if n == 0 or n > WIDE:
            continue
        n = list_neighbors(j, state, pools, kids, room)
        first, last = lawful_gaps(j, n, pools, room)
        gap = first + int(uniform(rng_state) * (last - first + 1))
        place = key_of_gap(gap, n, state, room, uniform(rng_state))
        record(state)
        if np.isnan(place) or not has_room(n, state):
            keep(state)
            continue
        gain = place_gene(j, place, state, pools, kids, room)
        more, _, status = settle(state, pools, kids, room, rng_state, MAX_MOVES, WIDE)
        if status == 0 and gain + more >= -FREE and state.cursor[3] > 0:
            count[t] = state.cursor[2]
            for i in range(count[t]):
                gene[at + i] = state.journal[i]
                key[at + i] = state.journal_key[i]
            at = _later_keys(gene, key, at, count[t], state)
        take_back(state, pools, kids)
    return count, gene[:at].copy(), key[:at].copy()


@kernel
def _later_keys(gene, key, at, n, state):
    """Replace the key before each move by the key after it; return where the next shake goes."""
    for i in range(n):
        key[at + i] = state.key[gene[at + i]]
        for k in range(i + 1, n):
            if state.journal[k] == gene[at + i]:
                key[at + i] = state.journal_key[k]
                break
    return at + n


@kernel
def _repeat(gene, key, state, pools, kids, room):
    """Make the moves once more; take them back if, after others, they no longer pay.  The record stays open."""
    record(state)
    gain = 0.0
    for i in range(len(gene)):
        j = gene[i]
        room_left = has_room(pools.gene[j].width + kids.indptr[j + 1] - kids.indptr[j], state)
        if not room_left or not is_lawful(j, key[i], state, pools, kids):
            gain = -np.inf
            break
        gain += place_gene(j, key[i], state, pools, kids, room)
    if gain < -FREE:
        take_back(state, pools, kids)
        return 0.0
    while state.cursor[1] > 0:  # who noticed has looked already, in the trial
        state.queued[state.queue[state.cursor[0]]] = 0
        state.cursor[0] = (state.cursor[0] + 1) % len(state.key)
        state.cursor[1] -= 1
    return gain
