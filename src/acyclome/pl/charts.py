"""Charts of a whole network: how stable its edges are, who regulates most, how the relaxation went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acyclome.errors import InputError
from acyclome.network import Network
from acyclome.notebook import speaks_python
from acyclome.pl.canvas import MINUS, PLUS, QUIET, bare, network_of, new_axes

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

STRONG = 0.8  # score from which on an edge is dark, as the report has it
_SLACK = 1e-6  # shares of resamples that are the same up to rounding


@speaks_python
def edge_stability(
    source: Network | AnnData, *, ax: Axes | None = None, key: str = "dag", group: str | None = None
) -> Axes:
    """Draw how many edges stand at or above each stability.

    Parameters
    ----------
    source
        A Network, or an AnnData in which ``ac.tl.dag`` has written one.
    ax
        Where to draw; a new figure by default.
    key, group
        Name of the network inside an AnnData, and the group of which it is.

    Raises
    ------
    InputError
        If there is no network under `key`, or it was learned with 0 resamples.

    Examples
    --------
    >>> ac.pl.edge_stability(adata).figure.savefig("stability.pdf")
    """
    edges = network_of(source, key, group).edges
    stability = edges["stability"].dropna().to_numpy(dtype=float)
    if not len(stability):
        msg = (
            f"None of the {len(edges)} edges has a stability: the network was learned with 0 resamples, or is empty. "
            "Learn it again with n_resamples=20 or more."
        )
        raise InputError(msg)
    levels = np.unique(np.concatenate([[0.0], stability, [1.0]]))
    counts = [(stability >= level - _SLACK).sum() for level in levels]
    ax = new_axes(ax, width=5.0, height=3.6)
    ax.step(levels, counts, where="pre", color=PLUS, linewidth=1.8)
    ax.fill_between(levels, counts, step="pre", color=PLUS, alpha=0.12, linewidth=0)
    ax.set(xlabel="stability at least", ylabel="edges", xlim=(0, 1), ylim=(0, None))
    bare(ax)
    return ax


@speaks_python
def top_regulators(
    source: Network | AnnData, *, n: int = 20, ax: Axes | None = None, key: str = "dag", group: str | None = None
) -> Axes:
    """Draw the genes with the most effects; the dark part of a bar are edges with a score of 0.8 or more.

    Parameters
    ----------
    source, ax, key, group
        As of :func:`edge_stability`.
    n
        Genes drawn.

    Raises
    ------
    InputError
        If there is no network under `key`, it has no edge, or `n` is not positive.

    Examples
    --------
    >>> ax = ac.pl.top_regulators(adata, n=3)
    """
    network = network_of(source, key, group)
    effects = network.edges["source"].value_counts()
    if n < 1 or effects.empty:
        msg = f"n is {n}; expected 1 or more." if n < 1 else "The network has no edge, so no gene regulates another."
        raise InputError(msg)
    strong = network.edges.loc[network.edges["score"] >= STRONG, "source"].value_counts()
    order = dict(zip(network.nodes["gene"], network.nodes["order"], strict=True))
    ranked = sorted(effects.index, key=lambda gene: (-effects[gene], -strong.get(gene, 0), order[gene]))[:n]
    ax = new_axes(ax, width=5.0, height=0.24 * len(ranked) + 0.8)
    place = np.arange(len(ranked))
    ax.barh(place, [effects[gene] for gene in ranked], color=PLUS, alpha=0.3, label="all")
    ax.barh(place, [strong.get(gene, 0) for gene in ranked], color=PLUS, label=f"score {STRONG:g} or more")
    ax.set_yticks(place, [network.label(gene) for gene in ranked])
    ax.invert_yaxis()
    ax.set(xlabel="effects")
    ax.legend(frameon=False, fontsize=8, loc="lower right")
    bare(ax)
    return ax


@speaks_python
def convergence(
    source: Network | AnnData, *, ax: Axes | None = None, key: str = "dag", group: str | None = None
) -> Axes:
    """Draw the path of the relaxation: the objective, and the acyclicity h, which is 0 without a cycle.

    Parameters
    ----------
    source, ax, key, group
        As of :func:`edge_stability`. The axes that are returned are those of the objective; h is drawn beside it, on a
        logarithmic scale.

    Raises
    ------
    InputError
        If there is no network under `key`, or it was learned without a relaxation.

    Examples
    --------
    >>> ax = ac.pl.convergence(adata)
    """
    network = network_of(source, key, group)
    path = (network.facts.get("fit") or {}).get("convergence") or []
    if not path:
        msg = "The network was learned without a relaxation, whose path would be drawn. Models of lines have one."
        raise InputError(msg)
    ax = new_axes(ax, width=5.0, height=3.2)
    steps = np.arange(1, len(path) + 1)
    ax.plot(steps, [step["objective"] for step in path], color=PLUS, marker="o", markersize=4)
    ax.set(xlabel="step", ylabel="objective")
    ax.yaxis.label.set_color(PLUS)
    ax.set_xticks(steps)
    ax.ticklabel_format(axis="y", useOffset=False)  # which would stand where the first μ does
    bare(ax)
    beside = ax.twinx()
    h = np.array([step["h"] for step in path], dtype=float)
    beside.plot(steps, np.where(h > 0, h, np.nan), color=MINUS, marker="s", markersize=4)
    if (h > 0).any():
        beside.set_yscale("log")
    beside.set_ylabel("acyclicity h", color=MINUS)
    beside.spines["top"].set_visible(False)
    for at, step in zip(steps, path, strict=True):
        if "mu" in step:
            ax.annotate(
                f"μ = {step['mu']:g}",
                (at, 1.02),
                xycoords=("data", "axes fraction"),
                fontsize=7,
                color=QUIET,
                ha="center",
            )
    return ax
