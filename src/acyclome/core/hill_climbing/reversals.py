"""What a local score says of the direction of each edge, and what of it interventions bring."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.interventions import LEAST_OWN
from acyclome.core.data.moments import Moments
from acyclome.core.graph.reach import is_ancestor
from acyclome.core.hill_climbing.climb import HillClimbing
from acyclome.core.hill_climbing.score import PenalizedScore
from acyclome.core.workers import run_blocks

OPEN = 3.0  # log odds, 20 to 1, below which a direction is left open
BLOCK = 4  # edges that a thread weighs in a row; each takes four fits


class Reversals(NamedTuple):
    """What turning each edge round would do, ``(m,)`` each.

    Parameters
    ----------
    loss
        Score lost, all other edges held.
    by_intervention
        What of it is due to interventions: the loss over each gene's own observations, less that over the observations
        in which neither end was a target; all of it where these are too few.
    is_open
        Whether the data leave the direction open, and no path decides it.
    """

    loss: np.ndarray
    by_intervention: np.ndarray
    is_open: np.ndarray


def weigh_reversals(
    climb: HillClimbing, score: PenalizedScore, data: Moments, *, source: np.ndarray, target: np.ndarray
) -> Reversals:
    """Weigh the edges ``source -> target`` of a graph; signs that edges have to have do not bind a turned one."""
    loss, gain = np.empty(len(source)), np.zeros(len(source))
    is_open = np.zeros(len(source), bool)

    def weigh(i: int, j: int, scores: Callable[[int, np.ndarray], np.ndarray]) -> float:
        at_j, at_i = climb.parents(j), climb.parents(i)
        fewer, more = at_j[at_j != i], np.sort(np.append(at_i, j))
        now = scores(j, at_j[None])[0] + scores(i, at_i[None])[0]
        return float(scores(j, fewer[None])[0] + scores(i, more[None])[0] - now)

    def block(a: int, b: int) -> None:
        for e in range(a, b):
            i, j = int(source[e]), int(target[e])
            loss[e] = weigh(i, j, climb.cache.scores)
            if not np.isfinite(loss[e]):
                loss[e] = weigh(i, j, score.unrestricted)
            is_open[e] = abs(loss[e]) < OPEN and not is_ancestor(climb.graph, i, j, without=(i, j))
            out = np.union1d(data.interventions.of(i), data.interventions.of(j))
            if len(out):
                gain[e] = loss[e]
                if data.n_obs - len(out) >= LEAST_OWN:
                    rows = np.delete(np.arange(data.n_obs), out)
                    gain[e] -= weigh(i, j, partial(score.unrestricted, rows=rows))

    run_blocks(block, gene_blocks(len(source), BLOCK), climb.threads)
    return Reversals(loss, gain, is_open)
