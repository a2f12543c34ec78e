"""Networks out of AnnData objects, as tables or as a :class:`~acyclome.network.Network`."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from acyclome.errors import InputError
from acyclome.io.keys import read_keys

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from acyclome.network import Network


def network(adata: AnnData, key: str = "dag", *, group: str | None = None) -> Network:
    """Return the network that :func:`acyclome.tl.dag` has written into `adata`.

    Parameters
    ----------
    adata
        Object with a network. If genes were left out since, the network among those left comes back.
    key
        The ``key_added`` of the call.
    group
        Label of the group, if the call had ``groupby``.

    Raises
    ------
    InputError
        If there is no network under the key, or none of the group; those that exist are named.
    """
    return read_keys(adata, _key_of(adata, key, group))


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
    """Return the edges of a network, best first, with the columns of ``edges.tsv.gz``.

    Parameters
    ----------
    adata, key, group
        As in :func:`network`.
    sources, targets
        Keep only edges out of, or into, these genes.
    min_score, min_stability
        Keep only edges with at least this much; edges without the number fall out.

    Raises
    ------
    InputError
        As in :func:`network`.
    """
    table = network(adata, key, group=group).edges
    for column, wanted in (("source", sources), ("target", targets)):
        if wanted is not None:
            names = {wanted} if isinstance(wanted, str) else set(wanted)
            table = table[table[column].isin(names)]
    for column, least in (("score", min_score), ("stability", min_stability)):
        if least is not None:
            table = table[table[column] >= least]  # nan is not
    return table.reset_index(drop=True)


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
    """
    return network(adata, key, group=group).nodes


def _key_of(adata: AnnData, key: str, group: str | None) -> str:
    """Return the key of the network of a group; the entry of the call says which groups it had."""
    facts = adata.uns.get(key)
    # Another package may have put anything under the key, which read_keys refuses in its words.
    groups = dict(facts["groups"]) if hasattr(facts, "get") and "groups" in facts else {}
    if group is None and not groups:
        return key
    names = [name for name, label in groups.items() if label == group]
    if not names:
        labels = ", ".join(sorted(groups.values())) or "none"
        said = "one network per group" if group is None else f"no network of the group {group!r}"
        msg = f"adata holds {said} under the key {key!r}. Groups there: {labels}. Give one of them as group=."
        raise InputError(msg)
    return f"{key}_{names[0]}"
