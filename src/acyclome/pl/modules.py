"""The graph of modules drawn: modules in rows from causes to effects, with the genes that act on them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

import pandas as pd

from acyclome.errors import InputError
from acyclome.io.module_keys import read_modules
from acyclome.network.modules import ACTS, AMONG, ModuleNetwork
from acyclome.notebook import speaks_python
from acyclome.pl.canvas import PILL, PILL_HEIGHT, link, new_axes, pill
from acyclome.pl.graphs import rows_of
from acyclome.wording import plural

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


@speaks_python
def modules(
    source: ModuleNetwork | AnnData,
    key: str = "dag",
    *,
    group: str | None = None,
    max_modules: int = 30,
    regulators: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw the modules with the most edges, from causes at the top to effects at the bottom.

    A row is a depth: the longest chain above a module among what is drawn. Arrow heads raise, bars lower; the width
    grows with the effect.

    Parameters
    ----------
    source
        What :func:`acyclome.get.modules` returns, or an object whose modules these are.
    key, group
        As of :func:`acyclome.get.modules`, of an object.
    max_modules
        Modules drawn at most.
    regulators
        Whether genes that act on modules are drawn.
    ax
        Where to draw; a new figure by default.

    Raises
    ------
    InputError
        If there is no edge to draw.

    Examples
    --------
    >>> ax = ac.pl.modules(ac.get.modules(modular))
    """
    found = source if isinstance(source, ModuleNetwork) else read_modules(source, key, group)
    edges = found.edges[found.edges["kind"].isin([AMONG, ACTS] if regulators else [AMONG])]
    degree = pd.concat([edges["source"], edges["target"]]).value_counts()
    kept = sorted(found.names, key=lambda name: (-degree.get(name, 0), name))[:max_modules]
    among = edges["kind"] == AMONG
    edges = edges[edges["target"].isin(kept) & (edges["source"].isin(kept) | ~among)]
    if edges.empty:
        msg = "There is no edge among modules to draw, and no gene that acts on one. Nothing was drawn."
        raise InputError(msg)
    depth = _depths(edges)
    place = rows_of(edges, depth)
    columns, heights = zip(*place.values(), strict=True)
    ax = new_axes(ax, width=max(columns) - min(columns) + PILL + 0.5, height=max(heights) - min(heights) + 1.3)
    ax.set_axis_off()
    ax.set_xlim(min(columns) - PILL / 2 - 0.1, max(columns) + PILL / 2 + 0.1)
    ax.set_ylim(min(heights) - 0.4, max(heights) + 0.4)
    for name, at in place.items():
        pill(ax, at, found.label(found.names.get(str(name), str(name))), is_hub=name in found.names)
    for edge in edges.to_dict("records"):
        (x, y), (u, v) = place[edge["source"]], place[edge["target"]]
        drawn = {**edge, "score": min(abs(edge["weight"]), 1.0), "reversible": False}
        link(ax, drawn, (x, y - PILL_HEIGHT / 2), end=(u, v + PILL_HEIGHT / 2), upright=True)
    ax.set_title(f"{plural(len(edges), 'edge')} among modules and genes", loc="left", fontsize="medium")
    return ax


def _depths(edges: pd.DataFrame) -> dict[Hashable, int]:
    """Return the length of the longest chain above each node; the graph is acyclic, so this ends."""
    depth: dict[Hashable, int] = dict.fromkeys([*edges["source"], *edges["target"]], 0)
    for _ in range(len(depth)):
        before = dict(depth)
        for source, target in zip(edges["source"], edges["target"], strict=True):
            depth[target] = max(depth[target], depth[source] + 1)
        if depth == before:
            break
    return depth
