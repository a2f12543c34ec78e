"""Networks out of AnnData objects, as tables or as a :class:`~acyclome.network.Network`."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING

from acyclome.io.keys import read_differential, read_keys
from acyclome.io.module_keys import read_modules
from acyclome.io.runs import RunFolder
from acyclome.network.asked import names_of
from acyclome.network.explain import check_any_known
from acyclome.notebook import speaks_python

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from acyclome.network import Network
    from acyclome.network.modules import ModuleNetwork

__all__ = ["differential", "edges", "modules", "network", "nodes"]


@speaks_python
def network(adata: AnnData, key: str = "dag", *, group: str | None = None) -> Network:
    """Return the network that :func:`acyclome.tl.dag` has written into `adata`.

    Parameters
    ----------
    adata
        Object with a network. If genes were left out since, the network among those left comes back.
    key
        The ``key_added`` of the call.
    group
        Label of the group, if the call had ``groupby``; ``"shared"``: the network that groups learned together share.

    Raises
    ------
    InputError
        If there is no network under the key, or none of the group; those that exist are named.

    Examples
    --------
    >>> ac.get.network(adata)
    Network of 10 genes and 4 edges
    >>> ac.get.network(adata, "types", group="CD16 Mono").children("SPI1")["target"].tolist()
    ['CST3', 'LYZ']
    """
    return read_keys(adata, key, group)


@speaks_python
def edges(
    adata: AnnData,
    key: str = "dag",
    *,
    group: str | None = None,
    sources: Collection[str] | None = None,
    targets: Collection[str] | None = None,
    min_score: float | None = None,
    min_stability: float | None = None,
) -> pd.DataFrame:
    """Return the edges of a network, best first, with the columns of ``edges.tsv.gz``, symbols of genes among them.

    Parameters
    ----------
    adata, key, group
        As in :func:`network`.
    sources, targets
        Keep only edges out of, or into, these genes, by name or symbol.
    min_score, min_stability
        Keep only edges with at least this much; edges without the number fall out.

    Raises
    ------
    InputError
        As in :func:`network`; if not one of the sources, or of the targets, is a gene of the network.

    Examples
    --------
    >>> ac.get.edges(adata, min_stability=0.8)[["source", "target", "weight", "reversible"]].round(2)
      source target  weight  reversible
    0   KLF1    HBB   -0.89       False
    1   SPI1    LYZ    0.73       False
    2   SPI1   CST3    0.44       False
    3  GATA1   KLF1    0.74        True
    """
    found = network(adata, key, group=group)
    table = found.with_symbols(found.edges)
    for column, wanted in (("source", sources), ("target", targets)):
        if wanted is not None:
            names = names_of(wanted, f"{column}s")
            check_any_known(names, found.genes, found.symbols.values())
            table = table[table[column].isin(names) | table[column].map(found.symbols).isin(names)]
    for column, least in (("score", min_score), ("stability", min_stability)):
        if least is not None:
            table = table[table[column] >= least]  # nan is not
    return table.reset_index(drop=True)


@speaks_python
def nodes(adata: AnnData, key: str = "dag", *, group: str | None = None) -> pd.DataFrame:
    """Return the genes of a network with the columns of ``nodes.tsv``.

    Parameters
    ----------
    adata, key, group
        As in :func:`network`.

    Raises
    ------
    InputError
        As in :func:`network`.

    Examples
    --------
    >>> ac.get.nodes(adata).set_index("gene").loc["KLF1", ["in_degree", "out_degree", "is_regulator"]]
    in_degree          1
    out_degree         1
    is_regulator    True
    Name: KLF1, dtype: object
    """
    return network(adata, key, group=group).nodes


@speaks_python
def differential(adata: AnnData, key: str = "dag") -> pd.DataFrame:
    """Return the edges that differ between groups that were learned together, most different first.

    Parameters
    ----------
    adata, key
        As in :func:`network`.

    Returns
    -------
    The table of :class:`~acyclome.network.JointNetworks`: ``weight_LABEL`` and ``error_LABEL`` of every group, and the
    test of whether they are all the same (``z``, ``p``, ``q``).

    Raises
    ------
    InputError
        If there is no network under the key, or its groups were not learned together.

    Examples
    --------
    >>> ac.get.differential(adata, "types").query("q < 0.05")[["source", "target", "difference"]].round(2)
      source target  difference
    0   SPI1   CST3        0.95
    """
    return read_differential(adata, key)


@speaks_python
def modules(source: AnnData | str | os.PathLike[str], key: str = "dag", *, group: str | None = None) -> ModuleNetwork:
    """Return the modules that :func:`acyclome.tl.modules` wrote, or ``acyclome modules`` into the folder of a run.

    Parameters
    ----------
    source
        An object with modules, or the folder of a run.
    key, group
        Those of the call, of an object.

    Raises
    ------
    InputError
        If no modules are there.

    Examples
    --------
    >>> ac.get.modules(modular).routes("G00")["target"].tolist()[:2]
    ['G23', 'G33']
    """
    if isinstance(source, (str, os.PathLike)):
        return RunFolder(source).read_modules()
    return read_modules(source, key, group)


def __dir__() -> list[str]:
    return __all__
