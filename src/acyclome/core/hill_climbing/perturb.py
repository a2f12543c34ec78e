"""Shake a climb that has settled: every gene goes first or last for a while, and what is better afterwards stays.

Few shakes pay, and a shake changes little of the graph.  So some genes are shaken at once, each thread on its own copy
of the climb, which goes back to where it was; then the changes that pay are made on all copies, as far as they concern
different genes and close no cycle together.  The rest is shaken again.
"""

from __future__ import annotations

from queue import SimpleQueue

import numpy as np

from acyclome.core.graph.reach import leads_to
from acyclome.core.hill_climbing.climb import FIRST, LAST, TOLERANCE, Climb, Look
from acyclome.core.workers import run_blocks

AT_ONCE = 16
APART = 50  # genes to each that is shaken at once: in small networks changes would concern the same ones
WIDE = 150  # children of a hub that stays where it is
FAR = 100.0  # nats, below which a shake is given up before the gene is free again

Change = dict[int, Look]


def shake(climb: Climb, rng: np.random.Generator) -> None:
    """Shake all genes in a random order, then settle; no bit depends on the number of threads."""
    d = climb.candidates.n_genes
    lanes = [climb, *(climb.copy() for _ in range(climb.threads - 1))]
    order, at_once = rng.permutation(d), min(max(d // APART, 1), AT_ONCE)
    for a in range(0, d, at_once):
        for rule in (FIRST, LAST):
            left = order[a : a + at_once].tolist()
            while left:
                left = _shake_some(left, rule, lanes)
    climb.settle()


def _shake_some(genes: list[int], rule: int, lanes: list[Climb]) -> list[int]:
    """Shake ``genes``, each from the present graph, make the changes that pay, and return who has to try again."""
    free: SimpleQueue[Climb] = SimpleQueue()
    for lane in lanes:
        free.put(lane)

    def one(j: int) -> Change | None:
        lane = free.get()
        try:
            return _try(lane, j, rule)
        finally:
            free.put(lane)

    changed: set[int] = set()
    again = []
    for j, change in zip(genes, run_blocks(one, [(j,) for j in genes], len(lanes)), strict=True):
        if change is None:
            continue
        if changed.isdisjoint(change) and _stays_acyclic(lanes[0], change):
            changed |= set(change)
            for lane in lanes:
                lane.put(change)
        else:
            again.append(j)
    return again


def _try(climb: Climb, j: int, rule: int) -> Change | None:
    """Shake one gene and go back; return the genes that were looked at as they were then, if that is better."""
    edges = climb.edges_into(j) if rule == FIRST else climb.edges_out_of(j)
    if not 0 < len(edges) <= WIDE:
        return None
    past: Change = {}
    climb.past, climb.rule[j] = past, rule
    climb.uproot(edges, j)
    near = set(past)
    climb.settle(near)
    climb.rule[j] = 0
    if _gain(climb, past) > -FAR:
        climb.settle(near)
    climb.past = None
    change = {k: climb.look_of(k) for k in past} if _gain(climb, past) > TOLERANCE else None
    climb.put(past)
    return change


def _gain(climb: Climb, past: Change) -> float:
    """Return what the shake has gained so far."""
    return float(sum(look.total - climb.total[k] for k, look in past.items()))


def _stays_acyclic(climb: Climb, change: Change) -> bool:
    """Say whether the graph has no cycle with the change."""
    before = {j: climb.look_of(j) for j in change}
    climb.put(change)
    closed = any(leads_to(climb.graph, j, int(i)) for j in change for i in climb.causes(j))
    climb.put(before)
    return not closed
