"""Perturb a local optimum: every gene goes first or last for a while, and what is better afterwards stays.

Iterated local search (Lourenco et al. 2003).  Few perturbations pay, and each changes little of the graph.  So some
genes are tried at once, each worker on its own copy of the climb, which goes back to where it was; then the changes
that pay are made on all copies, as far as they concern different genes and close no cycle together.  The rest is tried
again.
"""

from __future__ import annotations

import numpy as np

from acyclome.core.graph.reach import is_ancestor
from acyclome.core.hill_climbing.climb import FIRST, LAST, TOLERANCE, HillClimbing, Snapshot
from acyclome.core.workers import run_on_copies

AT_ONCE = 16  # genes tried from one graph, at most: as many as a machine may have workers
APART = 50  # genes to each that is tried at once: in small networks changes would concern the same ones
WIDE = 150  # children of a hub that stays where it is
FAR = 100.0  # nats, below which a perturbation is given up before the gene is free again

Change = dict[int, Snapshot]


def perturb(climb: HillClimbing, rng: np.random.Generator) -> None:
    """Perturb all genes in a random order, then run to the optimum; no bit depends on the number of threads."""
    d = climb.candidates.n_genes
    copies = [climb, *(climb.copy() for _ in range(climb.threads - 1))]
    order, at_once = rng.permutation(d), min(max(d // APART, 1), AT_ONCE)
    for a in range(0, d, at_once):
        for pin in (FIRST, LAST):
            left = order[a : a + at_once].tolist()
            while left:
                left = _perturb_some(left, pin, copies)
    climb.run_to_optimum()


def _perturb_some(genes: list[int], pin: int, copies: list[HillClimbing]) -> list[int]:
    """Perturb ``genes``, each from the present graph, make the changes that pay, and return who has to try again."""
    changes = run_on_copies(_attempt, [(j, pin) for j in genes], copies)
    changed: set[int] = set()
    again = []
    for j, change in zip(genes, changes, strict=True):
        if change is None:
            continue
        if changed.isdisjoint(change) and _stays_acyclic(copies[0], change):
            changed |= set(change)
            for one in copies:
                one.put(change)
        else:
            again.append(j)
    return again


def _attempt(climb: HillClimbing, j: int, pin: int) -> Change | None:
    """Perturb one gene and go back; return the genes that were rescored as they were then, if that is better."""
    edges = climb.edges_into(j) if pin == FIRST else climb.edges_out_of(j)
    edges = edges[~climb.required[edges]]
    if not 0 < len(edges) <= WIDE:  # it is first or last already, or a hub
        return None
    past: Change = {}
    climb.past, climb.pinned[j] = past, pin
    climb.uproot(edges, j)
    near = set(past)
    climb.run_to_optimum(near)
    climb.pinned[j] = 0  # free again: most of what was lost comes back, if anything does
    if _gain(climb, past) > -FAR:
        climb.run_to_optimum(near)
    climb.past = None  # what follows is no change to be remembered
    change = {k: climb.snapshot(k) for k in past} if _gain(climb, past) > TOLERANCE else None
    climb.put(past)
    return change


def _gain(climb: HillClimbing, past: Change) -> float:
    """Return what the perturbation has gained so far."""
    return float(sum(snapshot.total - climb.total[k] for k, snapshot in past.items()))


def _stays_acyclic(climb: HillClimbing, change: Change) -> bool:
    """Say whether the graph has no cycle with the change."""
    before = {j: climb.snapshot(j) for j in change}
    climb.put(change)
    closed = any(is_ancestor(climb.graph, j, int(i)) for j in change for i in climb.parents(j))
    climb.put(before)
    return not closed
