"""Figures for a notebook: the neighborhood of a gene and the stability of the edges, drawn on matplotlib axes.

Every function takes a :class:`~acyclome.network.Network` or an AnnData with its keys, draws into `ax` or into a new
figure, and returns the axes. The layout is computed, not relaxed, so the same network gives the same picture.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acyclome.errors import InputError
from acyclome.io.keys import read_keys
from acyclome.network import Network

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

PLUS, MINUS, INK, QUIET = "#1a6a9c", "#b8500f", "#1f2328", "#8a9099"
_SLACK = 1e-6  # shares of resamples that are the same up to rounding


def neighborhood(
    source: Network | AnnData,
    gene: str,
    *,
    depth: int = 1,
    max_edges: int = 40,
    ax: Axes | None = None,
    key: str = "dag",
) -> Axes:
    """Draw a gene between its causes (left) and its effects (right).

    An arrow head is a positive effect, a bar a negative one; a dashed line is an edge whose direction the data leave
    open; width and opacity grow with the score.

    Parameters
    ----------
    source
        A Network, or an AnnData in which ``ac.tl.dag`` has written one.
    gene
        The gene in the middle.
    depth
        Steps to go against the arrows and along them.
    max_edges
        Edges drawn at most: nearer steps first, within a step the best by score.
    ax
        Where to draw; a new figure by default.
    key
        Name of the network inside an AnnData.

    Raises
    ------
    InputError
        If there is no network under `key`, the gene is not in it, or `depth` or `max_edges` is not positive.
    """
    for name, value in (("depth", depth), ("max_edges", max_edges)):
        if value < 1:
            msg = f"{name} is {value}; expected 1 or more."
            raise InputError(msg)
    network = _network(source, key)
    gene = network.find(gene)
    chosen, level, total = _around(network, gene, depth, max_edges=max_edges)
    position = _positions(chosen, level)
    ax = _axes(ax, width=2.6 * max(len(set(level.values())), 2), rows=max(pd.Series(level).value_counts()))
    _draw_graph(ax, chosen, position, gene=gene, symbols=network.symbols)
    shown = f"{len(chosen)} edges" if len(chosen) == total else f"the best {len(chosen)} of {total} edges"
    ax.set_title(f"{network.label(gene)}: {shown}", loc="left", fontsize="medium")
    return ax


def edge_stability(source: Network | AnnData, *, ax: Axes | None = None, key: str = "dag") -> Axes:
    """Draw how many edges stand at or above each stability.

    Parameters
    ----------
    source
        A Network, or an AnnData in which ``ac.tl.dag`` has written one.
    ax
        Where to draw; a new figure by default.
    key
        Name of the network inside an AnnData.

    Raises
    ------
    InputError
        If there is no network under `key`, or it was learned with 0 resamples.
    """
    edges = _network(source, key).edges
    stability = edges["stability"].dropna().to_numpy(dtype=float)
    if not len(stability):
        msg = (
            f"None of the {len(edges)} edges has a stability: the network was learned with 0 resamples, or is empty. "
            "Learn it again with resamples=20 or more."
        )
        raise InputError(msg)
    levels = np.unique(np.concatenate([[0.0], stability, [1.0]]))
    counts = [(stability >= level - _SLACK).sum() for level in levels]
    ax = _axes(ax, width=5.0, rows=10)
    ax.step(levels, counts, where="pre", color=PLUS, linewidth=1.8)
    ax.fill_between(levels, counts, step="pre", color=PLUS, alpha=0.12, linewidth=0)
    ax.set(xlabel="stability at least", ylabel="edges", xlim=(0, 1), ylim=(0, None))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _network(source: Network | AnnData, key: str) -> Network:
    return source if isinstance(source, Network) else read_keys(source, key)


def _around(
    network: Network, gene: str, depth: int, *, max_edges: int
) -> tuple[pd.DataFrame, dict[Hashable, int], int]:
    """Return the edges to draw, the level of every gene (causes negative), and how many edges there were."""
    sides = {-1: ("source", network.parents), 1: ("target", network.children)}
    level: dict[Hashable, int] = {gene: 0}
    fronts = {side: [gene] for side in sides}
    kept: list[pd.DataFrame] = []
    total = 0
    for step in range(1, depth + 1):
        found = [_leveled(of(name), far, side * step) for side, (far, of) in sides.items() for name in fronts[side]]
        if not found:  # no gene at the last step has anything beyond it
            break
        ring = pd.concat(found)
        # A gene keeps the level that it has: edges that would put it elsewhere are left out.
        ring = ring[ring["_far"].map(level).fillna(ring["_level"]) == ring["_level"]]
        total += len(ring)
        room = max_edges - sum(map(len, kept))
        kept.append(ring.sort_values("score", ascending=False, kind="stable").head(room))
        for side in sides:
            fronts[side] = sorted(set(kept[-1].loc[kept[-1]["_level"] == side * step, "_far"]))
            level |= dict.fromkeys(fronts[side], side * step)
    return pd.concat(kept, ignore_index=True), level, total


def _leveled(edges: pd.DataFrame, far: str, level: int) -> pd.DataFrame:
    return edges.assign(_far=edges[far], _level=level)


def _positions(edges: pd.DataFrame, level: dict[Hashable, int]) -> dict[Hashable, tuple[float, float]]:
    """Return x and y of every gene: a column for each level, ordered by the heights it is joined to, then by weight."""
    position: dict[Hashable, tuple[float, float]] = {name: (0.0, 0.0) for name, step in level.items() if step == 0}
    for column in sorted(set(level.values()) - {0}, key=lambda step: (abs(step), step)):
        near, far = ("target", "source") if column < 0 else ("source", "target")
        ring = edges[edges["_level"] == column]
        height = ring[near].map(lambda name: position[name][1]).groupby(ring[far]).mean()
        weight = ring.groupby(far)["weight"].sum()
        # Rounded, since means of the same heights in another order differ in the last digit.
        names = sorted(height.index, key=lambda name: (-round(height[name], 9), -weight[name], str(name)))
        for row, name in enumerate(names):
            position[name] = (float(column), (len(names) - 1) / 2 - row)
    return position


def _axes(ax: Axes | None, *, width: float, rows: int) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt  # slow to load, for nothing where axes are given

    _, ax = plt.subplots(figsize=(width, max(1.8, 0.3 * rows + 0.8)), layout="constrained")
    return ax


def _draw_graph(
    ax: Axes,
    edges: pd.DataFrame,
    position: dict[Hashable, tuple[float, float]],
    *,
    gene: str,
    symbols: Mapping[str, str],
) -> None:
    """Draw names first, so that every edge can run from the edge of one name to the edge of the other."""
    ax.set_axis_off()
    columns, heights = zip(*position.values(), strict=True)
    # Names are as wide as they are: margins by eye, so that those at the rim stay inside.
    ax.set_xlim(min(columns) - 0.4, max(columns) + 0.4)
    ax.set_ylim(min(heights) - 0.8, max(heights) + 0.8)
    names = {}
    for name, (x, y) in position.items():
        is_hub = name == gene
        box = {"facecolor": INK, "edgecolor": INK} if is_hub else {"facecolor": "white", "edgecolor": QUIET}
        box["boxstyle"] = "round,pad=0.35"
        ink: dict[str, Any] = {"fontsize": 9, "color": "white"} if is_hub else {"fontsize": 8, "color": INK}
        names[name] = ax.text(
            x, y, symbols.get(str(name), str(name)), ha="center", va="center", bbox=box, zorder=3, **ink
        )
    for edge in edges.to_dict("records"):
        _draw_edge(ax, edge, names)
    _legend(ax, has_open=bool(edges["reversible"].any()))


def _legend(ax: Axes, *, has_open: bool) -> None:
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=PLUS, marker=">", markersize=4, label="positive"),
        Line2D([], [], color=MINUS, marker="|", markersize=6, markeredgewidth=1.5, label="negative"),
    ]
    if has_open:
        lines.append(Line2D([], [], color=QUIET, linestyle=(0, (4, 2.5)), label="direction open"))
    ax.legend(handles=lines, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=len(lines), frameon=False, fontsize=8)


def _draw_edge(ax: Axes, edge: dict[Hashable, Any], names: dict[Hashable, Any]) -> None:
    is_positive = edge["weight"] >= 0
    score = float(np.clip(edge["score"], 0, 1)) if np.isfinite(edge["score"]) else 0.5  # unknown: between all others
    ax.annotate(
        "",
        xy=(0, 0.5),
        xycoords=names[edge["target"]],
        xytext=(1, 0.5),
        textcoords=names[edge["source"]],
        arrowprops={
            "arrowstyle": "-|>" if is_positive else "-[,widthB=0.35,lengthB=0",
            "mutation_scale": 10,
            "color": PLUS if is_positive else MINUS,
            "alpha": 0.35 + 0.65 * score,  # an edge that is hardly there can still be seen
            "linewidth": 0.7 + 1.3 * score,
            "linestyle": (0, (4, 2.5)) if edge["reversible"] else "-",
            "shrinkA": 5,
            "shrinkB": 6,
        },
    )
