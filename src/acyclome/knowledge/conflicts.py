"""Constraints that contradict one another, found before anything is fitted; the smallest set that does is shown."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from acyclome.core.data.constraints import Constraints
from acyclome.core.order_search.select import MAX_PARENTS
from acyclome.errors import InputError
from acyclome.knowledge.tables import origin

if TYPE_CHECKING:
    import pandas as pd


def check_signs(signs: pd.DataFrame) -> None:
    twice = signs[signs.duplicated("key", keep=False)].sort_values("key")
    if len(twice):
        _refuse("has both signs", twice.iloc[:2])


def check_constraints(known: Constraints, rows: pd.DataFrame, genes: Sequence[str]) -> None:
    """Check that constraints can hold together; else an InputError shows the ``rows`` of the tables behind them.

    A required edge may not be forbidden, run from a higher to a lower tier or from a gene that may be no cause, nor
    close a cycle with others, and no gene may have more required causes than the score can hold.
    """
    d = known.n_genes
    # What most conditions require is a soft edge here, which may give way.
    asked = rows[(rows["kind"] == "required") & (rows["scope"] != "most")].drop_duplicates("key")
    both = np.intersect1d(known.required, known.forbidden, assume_unique=True)
    if len(both):
        told = rows[(rows["key"] == both[0]) & rows["kind"].isin(["required", "forbidden"])]
        _refuse("is required and forbidden", told.drop_duplicates("kind"))
    source, target = known.required % d, known.required // d
    if (bad := ~known.sources[source]).any():
        _refuse("is required, and its source is not on the list of regulators", _rows(asked, known.required[bad][:1]))
    if (bad := known.tier[source] > known.tier[target]).any():
        _refuse("is required, and runs from a higher to a lower tier", _rows(asked, known.required[bad][:1]))
    cycle = _shortest_cycle(source, target, d)
    if cycle:
        keys = np.array([b * d + a for a, b in zip(cycle, [*cycle[1:], cycle[0]], strict=True)])
        names = " -> ".join(genes[k] for k in [*cycle, cycle[0]])
        _refuse(f"closes a cycle of required edges, {names}", _rows(asked, keys))
    many = np.bincount(target, minlength=1)
    if many.max(initial=0) > MAX_PARENTS:
        gene = genes[int(many.argmax())]
        msg = f"{many.max()} causes of {gene} are required; it can have at most {MAX_PARENTS}. Make some of them soft."
        raise InputError(msg)


def _rows(asked: pd.DataFrame, keys: np.ndarray) -> pd.DataFrame:
    return asked.set_index("key").loc[keys].reset_index()


def _refuse(what: str, rows: pd.DataFrame) -> None:
    first = rows.iloc[0]
    lines = [
        f"  {row['source']} -> {row['target']} {row['kind']} {row['sign']}".rstrip() + f"   ({origin(row)})\n"
        for _, row in rows.iterrows()
    ]
    msg = (
        f"The prior knowledge contradicts itself: {first['source']} -> {first['target']} {what}.\n{''.join(lines)}"
        "Take one of these lines out, or make it soft (kind soft, with a weight)."
    )
    raise InputError(msg)


def _shortest_cycle(source: np.ndarray, target: np.ndarray, d: int) -> list[int]:
    """Return the genes of a shortest directed cycle in order; empty without one."""
    graph = csr_array((np.ones(len(source)), (source, target)), shape=(d, d))
    _, component = connected_components(graph, connection="strong")
    inside = component[source] == component[target]  # no other edge lies on a cycle
    children: dict[int, list[int]] = {}
    for a, b in zip(source[inside].tolist(), target[inside].tolist(), strict=True):
        children.setdefault(a, []).append(b)
    best: list[int] = []
    for start in children:
        best = _way_back(start, children, len(best) or d + 1) or best
    return best


def _way_back(start: int, children: dict[int, list[int]], below: int) -> list[int]:
    """Return the shortest cycle through ``start`` if it has fewer than ``below`` genes; else nothing."""
    came: dict[int, int] = {}
    ends = deque([(start, 1)])
    while ends:
        gene, length = ends.popleft()
        if length >= below:  # breadth first, so all that follow are as long
            return []
        for child in children.get(gene, []):
            if child == start:
                way = [gene]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1]
            if child not in came:
                came[child] = gene
                ends.append((child, length + 1))
    return []
