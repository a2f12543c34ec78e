"""Networks drawn: the neighborhood of a gene, and the hierarchy from causes to effects."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from acyclome.errors import InputError
from acyclome.network import Network
from acyclome.notebook import speaks_python
from acyclome.pl.canvas import PILL, PILL_HEIGHT, legend, link, network_of, new_axes, pill
from acyclome.wording import plural

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

Places = Mapping[Hashable, tuple[float, float]]
COLUMN, ROW = 3.0, 0.27  # inches from one column or row of names to the next
LEVEL, BESIDE = 0.9, 1.45  # of the hierarchy
ACROSS, LINE = 6, 0.55  # genes of a line, which then fits a page on its side, and between lines of one depth


@speaks_python
def neighborhood(
    source: Network | AnnData,
    gene: str,
    *,
    depth: int = 1,
    max_edges: int = 28,
    min_score: float = 0.0,
    min_stability: float = 0.0,
    ax: Axes | None = None,
    key: str = "dag",
    group: str | None = None,
) -> Axes:
    """Draw a gene between its causes (left) and its effects (right).

    An arrow head is a positive effect, a bar a negative one; a dashed line is an edge whose direction the data leave
    open; width and opacity grow with the score.

    Parameters
    ----------
    source
        A Network, or an AnnData in which ``ac.tl.dag`` has written one.
    gene
        The gene in the middle, by its name or symbol.
    depth
        Steps to go against the arrows and along them.
    max_edges
        Edges drawn at most; each step has an equal share of them, and in a step the best by score are drawn.
    min_score, min_stability
        Leave out edges with less.
    ax
        Where to draw; a new figure by default.
    key, group
        Name of the network inside an AnnData, and the group of which it is.

    Raises
    ------
    InputError
        If there is no network under `key`, the gene is not in it, or `depth` or `max_edges` is not positive.

    Examples
    --------
    >>> ac.pl.neighborhood(adata, "SPI1", depth=2).figure.savefig("SPI1.pdf")
    """
    for name, value in (("depth", depth), ("max_edges", max_edges)):
        if value < 1:
            msg = f"{name} is {value}; expected 1 or more."
            raise InputError(msg)
    network = network_of(source, key, group)
    gene = network.find(gene)
    chosen, level, total = _around(
        network, gene, depth, max_edges=max_edges, least={"score": min_score, "stability": min_stability}
    )
    place = _columns(chosen, level)
    heights = [y for _, y in place.values()]
    width = COLUMN * max(max(level.values()) - min(level.values()), 1) + PILL + 0.4
    ax = new_axes(ax, width=width, height=max(heights) - min(heights) + 1.3)
    rows = max(max(heights) - min(heights), ROW)
    _draw(ax, chosen, place, network=network, hub={gene: max(0.45, 0.45 * rows) if len(chosen) else 0.45})
    shown = plural(len(chosen), "edge") if len(chosen) == total else f"the best {len(chosen)} of {total} edges"
    ax.set_title(f"{network.label(gene)}: {shown}", loc="left", fontsize="medium")
    return ax


@speaks_python
def hierarchy(
    source: Network | AnnData,
    *,
    max_genes: int = 30,
    min_score: float = 0.0,
    ax: Axes | None = None,
    key: str = "dag",
    group: str | None = None,
) -> Axes:
    """Draw the genes with the most edges, from causes at the top to effects at the bottom.

    A row is a depth: the longest chain of causes above a gene, in the network that is drawn.

    Parameters
    ----------
    source, ax, key, group
        As of :func:`neighborhood`.
    max_genes
        Genes drawn at most: those with the most edges, and of equals the earlier in the order.
    min_score
        Leave out edges with less.

    Raises
    ------
    InputError
        If there is no network under `key`, or no edge is left.

    Examples
    --------
    >>> ax = ac.pl.hierarchy(adata)
    """
    network = network_of(source, key, group)
    edges = network.edges[network.edges["score"].fillna(0.5) >= min_score]
    order = dict(zip(network.nodes["gene"], network.nodes["order"], strict=True))
    degree = pd.concat([edges["source"], edges["target"]]).value_counts()
    kept = sorted(degree.index, key=lambda name: (-degree[name], order[name]))[:max_genes]
    edges = edges[edges["source"].isin(kept) & edges["target"].isin(kept)]
    if edges.empty:
        msg = f"No edge is left to draw of {network.n_edges} (min_score = {min_score}). Lower it, or draw more genes."
        raise InputError(msg)
    depth: dict[Hashable, int] = {}
    for name in sorted({*edges["source"], *edges["target"]}, key=order.__getitem__):
        above = edges.loc[edges["target"] == name, "source"]
        depth[name] = 1 + max((depth[one] for one in above), default=-1)
    place = rows_of(edges, depth)
    columns, heights = zip(*place.values(), strict=True)
    width = max(columns) - min(columns) + PILL + 0.5
    ax = new_axes(ax, width=width, height=max(heights) - min(heights) + 1.3)
    _draw(ax, edges, place, network=network, upright=True)
    ax.set_title(
        f"{plural(len(edges), 'edge')} among {len(place)} of {len(network.genes)} genes", loc="left", fontsize="medium"
    )
    return ax


def _around(
    network: Network, gene: str, depth: int, *, max_edges: int, least: Mapping[str, float]
) -> tuple[pd.DataFrame, dict[Hashable, int], int]:
    """Return the edges to draw, the level of every gene (causes negative), and how many edges there were."""
    edges = network.edges
    for column, value in least.items():
        edges = edges[edges[column] >= value] if value > 0 else edges  # nan is not
    level: dict[Hashable, int] = {gene: 0}
    fronts: dict[int, list[Hashable]] = {-1: [gene], 1: [gene]}
    kept: list[pd.DataFrame] = []
    total = 0
    for step in range(1, depth + 1):
        found = []
        for side, (near, far) in {-1: ("target", "source"), 1: ("source", "target")}.items():
            ring = edges[edges[near].isin(fronts[side])]
            found.append(ring.assign(_far=ring[far], _level=side * step))
        both = pd.concat(found)
        # A gene keeps the level that it has: edges that would put it elsewhere are left out.
        both = both[both["_far"].map(level).fillna(both["_level"]) == both["_level"]]
        total += len(both)
        share = (max_edges - sum(map(len, kept))) // (depth - step + 1)
        kept.append(_best(both, share))
        for side in fronts:
            fronts[side] = sorted(set(kept[-1].loc[kept[-1]["_level"] == side * step, "_far"]))
            level |= dict.fromkeys(fronts[side], side * step)
    return pd.concat(kept, ignore_index=True), level, total


def _best(edges: pd.DataFrame, room: int) -> pd.DataFrame:
    """Return the best edges by score, of causes and effects alike while there are some of both."""
    ranked = edges.sort_values("score", ascending=False, kind="stable")
    rank = ranked.groupby(ranked["_level"] < 0).cumcount()
    return ranked.iloc[rank.argsort(kind="stable")[:room]].sort_values("score", ascending=False, kind="stable")


def _columns(edges: pd.DataFrame, level: Mapping[Hashable, int]) -> dict[Hashable, tuple[float, float]]:
    """Return the places of genes: a column a level, ordered by the heights that they are joined to, then by weight."""
    place: dict[Hashable, tuple[float, float]] = {name: (0.0, 0.0) for name, step in level.items() if step == 0}
    for column in sorted(set(level.values()) - {0}, key=lambda step: (abs(step), step)):
        near, far = ("target", "source") if column < 0 else ("source", "target")
        ring = edges[edges["_level"] == column]
        height = ring[near].map(lambda name: place[name][1]).astype(float).groupby(ring[far]).mean()
        weight = ring.groupby(far)["weight"].sum()
        # Rounded, since means of the same heights in another order differ in the last digit.
        names = sorted(height.index, key=lambda name: (-round(height[name], 9), -weight[name], str(name)))
        for row, name in enumerate(names):
            place[name] = (COLUMN * column, ROW * ((len(names) - 1) / 2 - row))
    return place


def rows_of(edges: pd.DataFrame, depth: Mapping[Hashable, int]) -> dict[Hashable, tuple[float, float]]:
    """Return the places of genes: a row a depth, of several lines where they are many, each near what is above it."""
    place: dict[Hashable, tuple[float, float]] = {}
    line, height = 0, 0.0
    for row in range(max(depth.values()) + 1):
        names = [name for name, level in depth.items() if level == row]
        above = edges[edges["target"].isin(names)]
        across = above["source"].map(lambda name: place.get(name, (0.0, 0.0))[0])
        middle = across.astype(float).groupby(above["target"]).mean()  # of no edges, pandas 3 makes texts
        names.sort(key=lambda name: (round(float(middle.get(name, 0.0)), 9), str(name)))
        lines = math.ceil(len(names) / ACROSS)
        for part in (names[k::lines] for k in range(lines)):
            for column, name in enumerate(part):
                # Lines are set apart by half a name in turn, so that long edges run between names.
                place[name] = (BESIDE * (column - (len(part) - 1) / 2 + (line % 2 - 0.5) / 2), height)
            line, height = line + 1, height - LINE
        height -= LEVEL - LINE
    return place


def _draw(
    ax: Axes,
    edges: pd.DataFrame,
    place: Places,
    *,
    network: Network,
    hub: Mapping[Hashable, float] | None = None,
    upright: bool = False,
) -> None:
    ax.set_axis_off()
    hub = hub or {}
    columns, heights = zip(*place.values(), strict=True)
    above = max(PILL_HEIGHT, *hub.values()) / 2 if hub else PILL_HEIGHT / 2
    ax.set_xlim(min(columns) - PILL / 2 - 0.1, max(columns) + PILL / 2 + 0.1)
    ax.set_ylim(min(*heights, -above) - 0.2 if hub else min(heights) - 0.25, max(*heights, above) + 0.2)
    for name, at in place.items():
        pill(ax, at, network.label(str(name)), is_hub=name in hub, height=hub.get(name, PILL_HEIGHT))
    for edge in edges.to_dict("records"):
        start, end = place[edge["source"]], place[edge["target"]]
        if upright:
            foot, head = (start[0], start[1] - PILL_HEIGHT / 2), (end[0], end[1] + PILL_HEIGHT / 2)
            link(ax, edge, foot, end=head, upright=True)
            continue
        port = {name: _port(place, at, hub.get(name)) for name, at in ((edge["source"], end), (edge["target"], start))}
        left = (start[0] + PILL / 2, start[1] + port[edge["source"]])
        link(ax, edge, left, end=(end[0] - PILL / 2, end[1] + port[edge["target"]]))
    legend(ax, has_open=bool(edges["reversible"].any()))


def _port(place: Places, other: tuple[float, float], height: float | None) -> float:
    """Return how far from the middle of a hub an edge ends, so that edges are spread over its side."""
    if height is None:
        return 0.0
    furthest = max(abs(y) for _, y in place.values())
    return 0.8 * height / 2 * other[1] / furthest if furthest else 0.0
