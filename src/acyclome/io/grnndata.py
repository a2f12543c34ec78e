"""To GRnnData and from it: a network of genes as the square matrix ``varp["GRN"]``, rows regulators, columns targets.

It may have cycles, so what comes from there is a table of edges, and what goes there keeps the keys of its network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from scipy import sparse

from acyclome.errors import InputError
from acyclome.io import compressed
from acyclome.io.keys import read_keys
from acyclome.io.objects import check_anndata

if TYPE_CHECKING:
    from anndata import AnnData

SLOT = "GRN"


def to_grnndata(adata: AnnData, key: str = "dag", *, group: str | None = None) -> AnnData:
    """Return a copy of `adata` with the weights of a network in ``varp["GRN"]``.

    ``grnndata.from_anndata`` takes it as it is; :func:`acyclome.get.network` still reads the whole network out of it.

    Parameters
    ----------
    adata
        Object with a network.
    key, group
        As in :func:`acyclome.get.network`.

    Raises
    ------
    InputError
        If there is no such network.

    Examples
    --------
    >>> ac.to_grnndata(adata).varp["GRN"].shape
    (10, 10)
    """
    network = read_keys(adata, key, group)
    at = adata.var_names.get_indexer(pd.Index(network.genes, dtype=object))
    ends = (at[network.source], at[network.target])
    copied = adata.to_memory() if adata.isbacked else adata.copy()
    copied.varp[SLOT] = sparse.csr_matrix((network.edges["weight"], ends), shape=(adata.n_vars, adata.n_vars))
    return copied


def from_grnndata(adata: AnnData) -> pd.DataFrame:
    """Return the edges in ``varp["GRN"]``, strongest first: a table that ``knowledge=`` takes, and decoupler too.

    Parameters
    ----------
    adata
        A ``GRNAnnData``, or any object with a square matrix under that name.

    Returns
    -------
    ``source``, ``target`` and ``weight`` of all entries that are not zero, without edges of a gene to itself.

    Raises
    ------
    InputError
        If there is no such matrix.

    Examples
    --------
    >>> known = ac.from_grnndata(ac.to_grnndata(adata)).assign(kind="known")
    >>> ac.tl.dag(adata, layer="counts", knowledge=known)
    >>> ac.get.edges(adata)["prior"].tolist()
    ['known', 'known', 'known', 'known']
    """
    check_anndata(adata)
    if adata.varp.get(SLOT) is None:
        known = ", ".join(map(repr, adata.varp)) or "none"
        msg = f"adata has no matrix {SLOT!r} in varp, where GRnnData keeps a network; it has {known}."
        raise InputError(msg)
    compressed.check(SLOT, adata.varp[SLOT])
    matrix = sparse.coo_matrix(adata.varp[SLOT])
    is_edge = (matrix.data != 0) & (matrix.row != matrix.col)
    names = adata.var_names.to_numpy(dtype=object)
    edges = pd.DataFrame(
        {"source": names[matrix.row], "target": names[matrix.col], "weight": matrix.data.astype(float)}
    )
    return edges[is_edge].sort_values("weight", key=abs, ascending=False, kind="stable", ignore_index=True)
