"""How well targets that were held out are found again from what acting on them did; see core.effects.identification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.search_result import SearchResult
from acyclome.core.effects.doses import yardstick
from acyclome.core.effects.identification import (
    ACTIVITY,
    EFFECTS,
    OWN,
    TRANSCRIPT,
    fit_of_effects,
    learn_weights,
    own_evidence,
    thresholded,
)
from acyclome.core.effects.profiles import profiles_of
from acyclome.core.effects.total import responses
from acyclome.pipeline.task import Task

BLOCK = 256  # candidates at once: 20 MB of total effects at 10,000 genes
MOST = 200  # targets that are looked for, which tell two weights well enough


def identify(task: Task, dags: Sequence[SearchResult], parts: Sequence[np.ndarray]) -> dict[str, Any]:
    """Look for the targets of every part with the network that never saw them; by what was acted on."""
    asked = [part[:: _every(parts)] for part in parts]
    number = np.repeat(np.arange(len(asked)), [len(part) for part in asked])
    genes = np.concatenate(asked)
    change, error = _changes(task, genes)
    each, drawn = np.arange(len(genes)), thresholded(change, error)
    hidden = drawn.copy()
    hidden[each, genes] = 0.0  # as where a drug binds the protein and leaves its transcript alone
    found = {}
    for acts_on, seen in ((TRANSCRIPT, drawn), (ACTIVITY, hidden)):
        fit = [_fits(dag, seen[number == k]) for k, dag in enumerate(dags)]
        features = {OWN: own_evidence(change, error), EFFECTS: -np.log1p(-np.concatenate(fit))}
        features[OWN][each, genes] *= acts_on == TRANSCRIPT
        found[acts_on] = learn_weights(features, genes, number, acts_on=acts_on)
    return found


def _every(parts: Sequence[np.ndarray]) -> int:
    return -(-sum(map(len, parts)) // MOST)


def _changes(task: Task, genes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what acting on each of the genes alone did to all, and the errors, ``(k, d)`` each."""
    problem, treatments = task.bare, task.data.treatments
    seen = profiles_of(problem, treatments, yardstick(problem, treatments))
    place = {int(gene): k for k, gene in enumerate(treatments.gene)}
    rows = [place[int(gene)] for gene in genes]
    return seen.change[rows], seen.error[rows]


def _fits(dag: SearchResult, change: np.ndarray) -> np.ndarray:
    """Return how well the total effects of every gene fit changes, ``(k, d)``."""

    def block(a: int, b: int) -> np.ndarray:
        genes = np.arange(a, b)
        T = responses(dag.source, dag.target, dag.weight, order=dag.order, genes=genes)
        return fit_of_effects(change, T, genes)

    return np.concatenate([block(a, b) for a, b in gene_blocks(change.shape[1], BLOCK)], axis=1)
