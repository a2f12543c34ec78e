"""What would happen if: predictions as a heatmap, and over an embedding of the cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from acyclome.errors import InputError, examples
from acyclome.network import Network
from acyclome.notebook import speaks_python
from acyclome.pl.canvas import bare, network_of, new_axes
from acyclome.wording import plural

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

COLOURS = "RdBu_r"  # red rises, blue falls, white stays
MOST_CELLS = 50_000  # points of which a picture shows more only as a blot


@speaks_python
def prediction(
    source: Network | AnnData,
    knockout: Sequence[str],
    *,
    n_genes: int = 25,
    ax: Axes | None = None,
    key: str = "dag",
    group: str | None = None,
) -> Axes:
    """Draw how genes change when each of some others is knocked out: one row a knock-out, one column a gene.

    Parameters
    ----------
    source
        A Network, or an AnnData in which ``ac.tl.dag`` has written one.
    knockout
        Genes, each knocked out by itself.
    n_genes
        Columns: genes with the largest change in any row, but for the one that is knocked out there.
    ax, key, group
        As of :func:`acyclome.pl.neighborhood`.

    Raises
    ------
    InputError
        If there is no network under `key`, a gene is not in it, or none is given.

    Examples
    --------
    >>> ax = ac.pl.prediction(adata, ["SPI1", "GATA1"])
    """
    network = network_of(source, key, group)
    names = [knockout] if isinstance(knockout, str) else list(knockout)
    if not names:
        msg = "No gene is knocked out; give one or more, such as knockout=['SPI1']."
        raise InputError(msg)
    genes = [network.find(name) for name in names]
    rows = {gene: network.predict(knockout=gene).set_index("gene")["change"] for gene in genes}
    table = pd.DataFrame(rows).T
    others = table.copy()
    for gene in genes:
        others.loc[gene, gene] = 0.0
    size = others.abs().max()
    columns = size[size > 0].sort_values(ascending=False, kind="stable").index[:n_genes]
    if columns.empty:
        msg = f"No gene but those that are knocked out changes ({examples(names)}): they have no effect in the network."
        raise InputError(msg)
    shown = table[columns]
    most = float(others[columns].abs().to_numpy().max())
    ax = new_axes(ax, width=0.26 * len(columns) + 2.2, height=0.3 * len(genes) + 1.4)
    picture = ax.imshow(shown.to_numpy(), cmap=COLOURS, vmin=-most, vmax=most, aspect="auto")
    ax.set_yticks(range(len(genes)), [network.label(gene) for gene in genes])
    ax.set_xticks(range(len(columns)), [network.label(str(gene)) for gene in columns], rotation=90, fontsize=8)
    ax.set_ylabel("knocked out")
    ax.figure.colorbar(picture, ax=ax, label="change (sd)", shrink=0.9)
    return ax


@speaks_python
def embedding(
    adata: AnnData,
    gene: str,
    *,
    basis: str = "umap",
    layer: str | None = None,
    ax: Axes | None = None,
    key: str = "dag",
    group: str | None = None,
) -> Axes:
    """Colour cells by how like they are to the state after a knock-out of a gene, as the network predicts it.

    The colour of a cell is the mean of its expression over the genes that change, each in standard deviations from its
    mean and weighted by the predicted change: red cells are where the knock-out would lead, blue ones where it leads
    away from.

    Parameters
    ----------
    adata
        Object with a network and an embedding.
    gene
        The gene that is knocked out.
    basis
        Name of the embedding, of ``obsm["X_umap"]`` or ``obsm["umap"]``.
    layer
        Expression to take; X by default.
    ax, key, group
        As of :func:`acyclome.pl.neighborhood`.

    Raises
    ------
    InputError
        If there is no network, embedding or layer of these names, or the gene is not in the network.

    Examples
    --------
    >>> ax = ac.pl.embedding(adata, "GATA1", layer="counts")
    """
    slot = next((name for name in (f"X_{basis}", basis) if name in adata.obsm), None)
    if slot is None or (layer is not None and layer not in adata.layers):
        there, what = (adata.obsm, f"embedding {basis!r}") if slot is None else (adata.layers, f"layer {layer!r}")
        msg = f"adata has no {what}; it has {examples(list(there), 10) or 'none'}."
        raise InputError(msg)
    network = network_of(adata, key, group)
    gene = network.find(gene)
    changes = network.predict(knockout=gene).set_index("gene")["change"]
    changes = changes[(changes != 0) & (changes.index != gene)]
    if changes.empty:
        msg = f"{network.label(gene)} has no effect in this network, so its knock-out leads nowhere."
        raise InputError(msg)
    part = adata[:, changes.index]
    X = part.X if layer is None else part.layers[layer]
    X = np.asarray(X.todense() if hasattr(X, "todense") else X, dtype=float)
    spread = X.std(axis=0)
    Z = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    likeness = Z @ changes.to_numpy() / np.abs(changes).sum()
    step = max(1, -(-len(likeness) // MOST_CELLS))
    shown = np.argsort(np.abs(likeness), kind="stable")[::step]  # what says most lies on top
    most = float(np.quantile(np.abs(likeness), 0.99)) or 1.0
    ax = new_axes(ax, width=5.2, height=4.2)
    x, y = np.asarray(adata.obsm[slot])[shown, :2].T
    points = ax.scatter(x, y, c=likeness[shown], cmap=COLOURS, s=6, linewidth=0, rasterized=True)
    points.set_clim(-most, most)
    ax.set(xticks=[], yticks=[], xlabel=f"{basis.upper()} 1", ylabel=f"{basis.upper()} 2")
    ax.set_title(f"knock-out of {network.label(gene)}, {plural(len(changes), 'gene')}", loc="left", fontsize="medium")
    ax.figure.colorbar(points, ax=ax, label="likeness to the knock-out", shrink=0.8)
    bare(ax)
    return ax
