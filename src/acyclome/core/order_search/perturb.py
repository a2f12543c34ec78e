"""Perturb an order at a local optimum: iterated local search (Lourenco, Martin and Stutzle 2003), a gene at a time.

One gene goes to a random gap, its neighborhood runs to a local optimum again, and what does not pay is taken back.
Changes that cost nothing are kept, so the search wanders through equivalent orders until one has a way down.

Hardly a perturbation in fifty pays, and each leaves the state as it found it, bit for bit.  So many are tried at once,
each thread on its own copy of the state, and those that pay are repeated one after the other on the original.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.kernel import kernel
from acyclome.core.order_search.gram_blocks import GramBlocks
from acyclome.core.order_search.moves import (
    MoveScratch,
    allowed_gaps,
    insert_gene,
    is_allowed,
    key_of_gap,
    list_neighbors,
    run_to_optimum,
    uniform,
)
from acyclome.core.order_search.state import Children, State, forget_queue, has_room, keep, record, take_back
from acyclome.core.workers import run_on_copies

WIDE = 150  # neighbors from which a gene stays: thousands of children hold a hub where it is
MAX_MOVES = 200  # of one perturbation; one that needs more is given up
NOTHING = 1e-5  # nats that a change may cost and counts as free, above what the sums of the score round to
BATCH = 8  # perturbations that a thread tries between two looks at the queue


def perturb(
    workers: Sequence[tuple[State, MoveScratch]],
    genes: np.ndarray,
    seeds: np.ndarray,
    *,
    blocks: GramBlocks,
    children: Children,
) -> tuple[float, int]:
    """Perturb ``genes``, each with its seed and from the present state, and keep what pays.

    Returns the gain, and how many stakes were weighed for it.

    The first worker has the original, one thread each of the others a copy; before and after all states are the same.
    """

    def batch(worker: tuple[State, MoveScratch], a: int, b: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        return _try(genes[a:b], seeds[a:b], worker[0], blocks, children, worker[1])

    (original, scratch), gain, weighed, changed = workers[0], 0.0, 0, []
    for count, gene, key, stakes in run_on_copies(batch, gene_blocks(len(genes), BATCH), workers):
        weighed += stakes
        stops = np.cumsum(count)[count > 0]
        for a, b in zip(stops - count[count > 0], stops, strict=True):
            gain += _repeat(gene[a:b], key[a:b], original, blocks, children, scratch)
            changed.append(original.saved_gene[: max(original.cursor[3], 0)].copy())
            keep(original)
    for state, _ in workers[1:]:
        state.key[:], state.allowed[:], state.hash[:] = original.key, original.allowed, original.hash
        for some in changed:  # few genes, while a selection has 5 kB
            state.selection[some] = original.selection[some]
    return gain, weighed


@kernel
def _try(genes, seeds, state, blocks, children, scratch):
    """Perturb every gene by itself; return of how many moves each that pays is made, their genes and new keys.

    The last that is returned is how many stakes were weighed, which hangs on nothing but the state and the seeds.
    """
    count = np.zeros(len(genes), np.int64)
    gene, key = np.empty(len(genes) * (MAX_MOVES + 1), np.int64), np.empty(len(genes) * (MAX_MOVES + 1))
    rng_state = np.empty(1, np.uint64)
    at, before = 0, state.cursor[4]
    for t in range(len(genes)):
        rng_state[0] = seeds[t]
        j = genes[t]
        n = max(blocks.gene[j].width, children.indptr[j + 1] - children.indptr[j])
        if n == 0 or n > WIDE:
            continue
        n = list_neighbors(j, state, blocks, children, scratch)
        first, last = allowed_gaps(j, n, blocks, scratch)
        gap = first + int(uniform(rng_state) * (last - first + 1))
        new_key = key_of_gap(gap, n, state, scratch, uniform(rng_state))
        record(state)
        if np.isnan(new_key) or not has_room(n, state):
            keep(state)
            continue
        gain = insert_gene(j, new_key, state, blocks, children, scratch)
        more, _, status = run_to_optimum(state, blocks, children, scratch, rng_state, MAX_MOVES, WIDE)
        if status == 0 and gain + more >= -NOTHING and state.cursor[3] > 0:  # some selection is another one
            count[t] = state.cursor[2]
            for i in range(count[t]):
                gene[at + i] = state.journal[i]
                key[at + i] = state.journal_key[i]
            at = _later_keys(gene, key, at, count[t], state)
        take_back(state, blocks, children)
    return count, gene[:at].copy(), key[:at].copy(), state.cursor[4] - before


@kernel
def _later_keys(gene, key, at, n, state):
    """Replace the key before each move by the key after it; return where the next perturbation goes."""
    for i in range(n):
        key[at + i] = state.key[gene[at + i]]
        for k in range(i + 1, n):
            if state.journal[k] == gene[at + i]:
                key[at + i] = state.journal_key[k]
                break
    return at + n


@kernel
def _repeat(gene, key, state, blocks, children, scratch):
    """Make the moves once more; take them back if, after others, they no longer pay.  The record stays open."""
    record(state)
    gain = 0.0
    for i in range(len(gene)):
        j = gene[i]
        has_place = has_room(blocks.gene[j].width + children.indptr[j + 1] - children.indptr[j], state)
        if not has_place or not is_allowed(j, key[i], state, blocks, children):
            gain = -np.inf
            break
        gain += insert_gene(j, key[i], state, blocks, children, scratch)
    if gain < -NOTHING:
        take_back(state, blocks, children)
        return 0.0
    forget_queue(state)  # who noticed has been asked already, in the trial
    return gain
