"""Shake an order that has settled.

One gene goes to a random place, its neighborhood settles again, and what does not pay is undone.  Changes that cost
nothing are kept, so the search wanders through equivalent orders until one has a way down.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from acyclome.core.moves import TOLERANCE, key_of_gap, list_neighbors, place_gene, settle, uniform

WIDE = 150
MAX_MOVES = 2000
FREE = 1e-5


@njit(nogil=True, cache=True)
def shake(trials, genes, state, pools, kids, room, rng_state, size):  # type: ignore[no-untyped-def]
    """Shake ``genes`` one after the other, ``size`` neighbors at a time; return ``(gain, kept, tried)``.

    Genes with more than ``WIDE`` neighbors stay: thousands of children hold a hub where it is.
    """
    gain, kept = 0.0, 0
    for t in range(trials):
        state.cursor[2] = 0
        j = genes[t]
        change = 0.0
        for _ in range(size):
            n = pools.gene[j].width + kids.indptr[j + 1] - kids.indptr[j]
            if n == 0 or n > WIDE:
                break
            n = list_neighbors(j, state, pools, kids, room)
            gap = int(uniform(rng_state) * (n + 1))
            key = key_of_gap(gap, n, state, room, uniform(rng_state))
            if np.isnan(key):
                return gain, kept, t
            nxt = room.gene[int(uniform(rng_state) * n)]
            change += place_gene(j, key, state, pools, kids, room)
            j = nxt
        more, _, status = settle(state, pools, kids, room, rng_state, MAX_MOVES, WIDE)
        change += more
        if change < -FREE or status != 0:
            _undo(state, pools, kids, room)
            if status == 1:
                return gain, kept, t
        else:
            gain += change
            kept += change > TOLERANCE
    return gain, kept, trials


@njit(nogil=True, cache=True)
def _undo(state, pools, kids, room):  # type: ignore[no-untyped-def]
    """Take the moves of the journal back, last first, and forget what they queued."""
    for i in range(state.cursor[2] - 1, -1, -1):
        j, key = state.journal[i], state.journal_key[i]
        keep = state.cursor[2]
        place_gene(j, key, state, pools, kids, room)
        state.cursor[2] = keep
    d = len(state.key)
    while state.cursor[1] > 0:
        state.queued[state.queue[state.cursor[0]]] = 0
        state.cursor[0] = (state.cursor[0] + 1) % d
        state.cursor[1] -= 1
    state.cursor[2] = 0
