"""What all figures share: where the network comes from, axes, colours, and edges between names."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from acyclome.io.keys import read_keys
from acyclome.network import Network

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

PLUS, MINUS, INK, QUIET = "#1a6a9c", "#b8500f", "#1f2328", "#8a9099"
PILL, PILL_HEIGHT = 1.3, 0.21  # inches, as the coordinates are where no axes are given; names of 16 letters fit
DASHES = (0, (4, 2.5))
BAR = 0.05  # inches before a name
NAME_LENGTH = 16


def network_of(source: Network | AnnData, key: str, group: str | None) -> Network:
    return source if isinstance(source, Network) else read_keys(source, key, group)


def new_axes(ax: Axes | None, *, width: float, height: float) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt  # slow to load, for nothing where axes are given

    _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax


def bare(ax: Axes) -> None:
    """Leave only the axes at which numbers are read."""
    ax.spines[["top", "right"]].set_visible(False)


def pill(ax: Axes, at: tuple[float, float], name: str, *, is_hub: bool = False, height: float = PILL_HEIGHT) -> None:
    """Draw the name of a gene in its box, with its middle at a place."""
    from matplotlib.patches import FancyBboxPatch

    x, y = at
    style = f"round,pad=0,rounding_size={min(height, PILL_HEIGHT) / 2}"
    face, edge = (INK, INK) if is_hub else ("white", QUIET)
    corner = (x - PILL / 2, y - height / 2)
    box = FancyBboxPatch(corner, PILL, height, boxstyle=style, facecolor=face, edgecolor=edge, linewidth=0.7, zorder=3)
    ax.add_patch(box)
    short = name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"
    ink: dict[str, Any] = {"color": "white", "fontsize": 9, "fontweight": "bold"} if is_hub else {"color": INK}
    ax.text(x, y, short, ha="center", va="center", zorder=4, **{"fontsize": 8, **ink})


def link(
    ax: Axes,
    edge: Mapping[Hashable, Any],
    start: tuple[float, float],
    *,
    end: tuple[float, float],
    upright: bool = False,
) -> None:
    """Draw an edge, with a head (+) or a bar (-) at its end; it leaves and arrives level, or `upright`."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    is_positive = edge["weight"] >= 0
    score = float(np.clip(edge["score"], 0, 1)) if np.isfinite(edge["score"]) else 0.5  # unknown: between all others
    (x1, y1), (x2, y2) = start, end
    if not is_positive:  # so that the bar stands before the name
        x2, y2 = (x2, y2 + BAR) if upright else (x2 - BAR, y2)
    bend = 0.45 * (y2 - y1 if upright else x2 - x1)
    ways = [(x1, y1 + bend), (x2, y2 - bend)] if upright else [(x1 + bend, y1), (x2 - bend, y2)]
    path = Path([start, *ways, (x2, y2)], [Path.MOVETO, *[Path.CURVE4] * 3])
    arrow = FancyArrowPatch(
        path=path,
        arrowstyle="-|>,head_length=0.5,head_width=0.22" if is_positive else "|-|,widthA=0,widthB=0.35",
        mutation_scale=9,
        color=PLUS if is_positive else MINUS,
        alpha=0.35 + 0.65 * score,  # an edge that is hardly there can still be seen
        linewidth=0.7 + 1.5 * score,
        linestyle=DASHES if edge["reversible"] else "-",
        shrinkA=0,
        shrinkB=1,
        zorder=2,
    )
    arrow.set_gid(f"{edge['source']} -> {edge['target']}")
    ax.add_patch(arrow)


def legend(ax: Axes, *, has_open: bool) -> None:
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=PLUS, marker=">", markersize=4, label="raises"),
        Line2D([], [], color=MINUS, marker="|", markersize=6, markeredgewidth=1.5, label="lowers"),
    ]
    if has_open:
        lines.append(Line2D([], [], color=QUIET, linestyle=DASHES, label="direction open"))
    ax.legend(handles=lines, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=len(lines), frameon=False, fontsize=8)
