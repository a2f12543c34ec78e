"""Edges that differ between two groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acyclome.errors import InputError
from acyclome.io.keys import read_joint
from acyclome.network import JointNetworks
from acyclome.notebook import speaks_python
from acyclome.pl.canvas import INK, MINUS, QUIET, bare, new_axes

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes


@speaks_python
def comparison(
    source: JointNetworks | AnnData,
    first: str,
    second: str,
    *,
    max_q: float = 0.05,
    n_names: int = 10,
    ax: Axes | None = None,
    key: str = "dag",
) -> Axes:
    """Draw the weight of every edge in one group against that in another; edges that differ are named.

    Parameters
    ----------
    source
        Groups that were learned together: of ``ac.learn``, or an AnnData in which ``ac.tl.dag(joint=True)`` wrote them.
    first, second
        Labels of the groups.
    max_q
        Share of false discoveries among the edges that are marked.
    n_names
        Edges whose names are written, most different first.
    ax, key
        Where to draw, a new figure by default, and the name of the networks inside an AnnData.

    Raises
    ------
    InputError
        If there is no such network, or a label is not one of the groups.

    Examples
    --------
    >>> ax = ac.pl.comparison(adata, "CD14 Mono", "CD16 Mono", key="types")
    """
    if not 0 < max_q <= 1:
        msg = f"max_q = {max_q}; expected a share above 0, such as 0.05."
        raise InputError(msg)
    joint = source if isinstance(source, JointNetworks) else read_joint(source, key)
    table, network = joint.compare(first, second), joint.shared
    differs = table["q"] <= max_q
    ax = new_axes(ax, width=6.0, height=4.4)
    x, y = f"weight_{first}", f"weight_{second}"
    ends = [table[[x, y]].min().min(), table[[x, y]].max().max()]
    ax.plot(ends, ends, color=QUIET, linewidth=0.7, linestyle=(0, (4, 2.5)), zorder=1)
    ax.scatter(table.loc[~differs, x], table.loc[~differs, y], s=10, color=QUIET, alpha=0.5, linewidth=0, label="alike")
    ax.scatter(table.loc[differs, x], table.loc[differs, y], s=18, color=MINUS, linewidth=0, label=f"q ≤ {max_q:g}")
    named = table[differs].head(n_names).sort_values(y, ascending=False, kind="stable").to_dict("records")
    for place, row in enumerate(named):  # beside the picture, where names do not cover one another
        name = f"{network.label(row['source'])} → {network.label(row['target'])}"
        at = 1.0 - (place + 0.5) / max(len(named), 1)
        line = {"arrowstyle": "-", "color": MINUS, "linewidth": 0.5, "alpha": 0.6}
        ax.annotate(
            name,
            (row[x], row[y]),
            xytext=(1.04, at),
            textcoords="axes fraction",
            fontsize=8,
            color=INK,
            va="center",
            arrowprops=line,
        )
    ax.set(xlabel=f"weight in {first}", ylabel=f"weight in {second}")
    ax.set_title(f"{int(differs.sum())} of {len(table)} edges differ", loc="left", fontsize="medium")
    ax.legend(frameon=False, fontsize=8)
    bare(ax)
    return ax
