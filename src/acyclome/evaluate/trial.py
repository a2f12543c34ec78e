"""One method on one problem whose answer is known: how right, how fast, how much memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from acyclome.errors import ConvergenceError, MemoryLimitError
from acyclome.evaluate.accuracy import Edges, graph_scores
from acyclome.evaluate.baselines import sort_and_regress
from acyclome.evaluate.cost import measured

MEMBERS = 0x3E3  # a stream of its own, so that a ceiling does not hang on what was drawn before
FIGURES = {
    "skeleton_f1": "skeleton",
    "class_f1": "class",
    "f1": "directed",
    "precision": "precision",
    "recall": "recall",
    "ceiling": "ceiling",
}
SORTS = {"sort by variance": "variance", "rising R2": "r2", "falling R2": "r2-falling", "random order": "random"}
DONE = "done"


def figures(truth: Edges, found: Edges, d: int, seed: int) -> dict[str, float | bool]:
    """F1 three ways, precision and recall of directed edges, and the ceiling, by the names of the tables."""
    scores = graph_scores(truth, found, d, rng=np.random.default_rng([MEMBERS, seed]))
    return {short: float(scores[name]) for name, short in FIGURES.items()} | {"is_dag": bool(scores["is_dag"])}


def trial(
    work: Callable[[], Edges], truth: Edges, d: int, seed: int, limit: float | None = None
) -> dict[str, float | bool | str | None]:
    """Let a method work in a process of its own, for ``limit`` seconds at most, and score the edges it returns.

    The `figures`, `seconds`, `cpu_seconds`, `peak_mb` and `status`; only a status where the method was ended or failed.
    """
    try:
        found, cost = measured(work, limit)
    except TimeoutError:
        return {"status": f"cut at {limit:g} s"}
    except (MemoryLimitError, ConvergenceError) as error:
        return {"status": type(error).__name__}
    except RuntimeError:
        return {"status": "failed"}
    return {**figures(truth, found, d, seed), **cost.row(), "status": DONE}


def sorted_edges(X: np.ndarray, name: str, seed: int) -> Edges:
    """Sort the genes in the way that `SORTS` has under this name, regress each on those before it."""
    stream = list(SORTS).index(name)
    graph = sort_and_regress(X, SORTS[name], rng=np.random.default_rng([stream, seed]))
    return graph.source, graph.target
