"""Where the order search stands: keys, what is selected, who is asked again, how to take it all back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from acyclome.core.kernel import kernel
from acyclome.core.order_search.cache import hash_of


class Children(NamedTuple):
    """Children of every gene: ``indptr (d + 1,)``, ``child (nnz,)``, ``edge (nnz,)`` (position in the candidates)."""

    indptr: np.ndarray
    child: np.ndarray
    edge: np.ndarray


class State(NamedTuple):
    """Where the search stands.

    Parameters
    ----------
    key
        ``(d,)`` position of every gene.
    allowed
        ``(nnz,)`` whether the parent stands before its target.
    hash
        ``(d,)`` uint64 hash of the set of candidates that stand before each gene.
    selection
        ``(d,)`` of ``SELECTION``, what is selected.
    queue, queued
        ``(d,)`` ring of genes to be asked again, and whether a gene is in it.
    cursor
        Head and length of the queue; length of the journal and of ``saved``, both -1 while nothing is recorded; how
        often a child had a stake in where its candidate stands, which is what the search takes time for.
    journal, journal_key
        Genes that were moved since the record began, and the keys they had before.
    saved, saved_gene, saved_at
        Selections as they were when the record began, whose they are, and where that of a gene is (-1: untouched).
    """

    key: np.ndarray
    allowed: np.ndarray
    hash: np.ndarray
    selection: np.ndarray
    queue: np.ndarray
    queued: np.ndarray
    cursor: np.ndarray
    journal: np.ndarray
    journal_key: np.ndarray
    saved: np.ndarray
    saved_gene: np.ndarray
    saved_at: np.ndarray


@kernel
def is_before(key, a, b):
    """Say whether gene ``a`` stands before gene ``b``; equal keys stand in the order of the genes."""
    return key[a] < key[b] or (key[a] == key[b] and a < b)


@kernel
def allow(state, e, j, now):
    """Note whether the parent of candidate edge ``e`` stands ``now`` before its target ``j``."""
    if now != state.allowed[e]:
        state.allowed[e] = now
        state.hash[j] ^= hash_of(e)


@kernel
def enqueue(state, j):
    """Have gene ``j`` asked again, once."""
    if not state.queued[j]:
        d = len(state.key)
        state.queued[j] = 1
        state.queue[(state.cursor[0] + state.cursor[1]) % d] = j
        state.cursor[1] += 1


@kernel
def record(state):
    """Begin a record, so that everything from here on can be taken back."""
    state.cursor[2:4] = 0


@kernel
def has_room(n, state):
    """Say whether the record, if there is one, has room for a move of a gene with ``n`` neighbors."""
    is_recorded = state.cursor[2] >= 0
    return not is_recorded or (state.cursor[2] < len(state.journal) and state.cursor[3] + n < len(state.saved))


@kernel
def take_back(state, blocks, children):
    """Bring back every bit of the state as it was when the record began, with an empty queue; end the record."""
    for i in range(state.cursor[2] - 1, -1, -1):  # backwards: a gene may have moved twice
        state.key[state.journal[i]] = state.journal_key[i]
    for i in range(state.cursor[2]):
        j = state.journal[i]
        for e in range(blocks.gene[j].start, blocks.gene[j].start + blocks.gene[j].width):
            allow(state, e, j, is_before(state.key, blocks.parent[e], j))
        for s in range(children.indptr[j], children.indptr[j + 1]):
            allow(state, children.edge[s], children.child[s], is_before(state.key, j, children.child[s]))
    for s in range(state.cursor[3]):
        state.selection[state.saved_gene[s]] = state.saved[s]
    forget_queue(state)
    keep(state)


@kernel
def forget_queue(state):
    while state.cursor[1] > 0:
        state.queued[state.queue[state.cursor[0]]] = 0
        state.cursor[0] = (state.cursor[0] + 1) % len(state.key)
        state.cursor[1] -= 1


@kernel
def keep(state):
    """End the record and keep what was done."""
    for s in range(state.cursor[3]):
        state.saved_at[state.saved_gene[s]] = -1
    state.cursor[2:4] = -1
