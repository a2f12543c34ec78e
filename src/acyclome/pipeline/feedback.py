"""Feedback among targets, as what is recorded of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from acyclome.core.effects.loops import find_loops
from acyclome.errors import examples
from acyclome.network.feedback import PAIR
from acyclome.pipeline.task import Task
from acyclome.wording import plural


def look_for_feedback(task: Task) -> dict[str, Any]:
    """Return the pairs of targets that act on one another by name, and how strict the search was."""
    loops, genes = find_loops(task.bare, task.instruments), task.data.store.genes
    each = (loops.number, loops.source, loops.target, loops.effect, loops.error, loops.p)
    columns = zip(*(column.tolist() for column in each), strict=True)
    rows = [(k, genes[i], genes[j], *numbers) for k, i, j, *numbers in columns]
    pairs = [dict(zip(PAIR, row, strict=True)) for row in rows]
    return {"targets": loops.targets, "threshold": loops.threshold, "pairs": pairs}


def feedback_warnings(order: Mapping[str, Any]) -> list[str]:
    """Return what is to be said of genes that act on one another, from the facts of the search."""
    pairs = order.get("feedback", {}).get("pairs", [])
    if not pairs:
        return []
    named = examples(list(dict.fromkeys(" and ".join(sorted((row["source"], row["target"]))) for row in pairs)))
    return [
        f"Experiments show feedback: {plural(len(pairs) // 2, 'pair|s of targets acts|act')} on one another ({named}). "
        "The network has no circles, so at most one direction of each is in it; feedback.tsv has both."
    ]
