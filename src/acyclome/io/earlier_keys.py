"""Networks as version 0.1.0 wrote them into AnnData: a matrix in ``varp`` for every column of the edges."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from acyclome.errors import InputError
from acyclome.io import compressed
from acyclome.network import Network, best_first
from acyclome.network.build import node_table

if TYPE_CHECKING:
    from anndata import AnnData

_ON_EDGES = {
    **dict.fromkeys(("score", "confounded", "stability", "direction", "reversal_loss", "noise_evidence"), float),
    **dict.fromkeys(("reversible", "settled"), bool),
}
IN_VAR = ("used", "depth", "is_regulator", "r2", "noise_scale", "lowest")


def holds(adata: AnnData, key: str) -> bool:
    facts = adata.uns.get(key)
    return hasattr(facts, "get") and (
        facts.get("encoding-version") == "0.1.0" or ("groups" in facts and "encoding-type" not in facts)
    )


def names(adata: AnnData, key: str) -> list[str]:
    return [name for name in (key, f"{key}_rank_score", *(f"{key}_{part}" for part in _ON_EDGES)) if name in adata.varp]


def read(adata: AnnData, key: str, group: str | None) -> Network:
    facts = adata.uns[key]
    if "groups" in facts:
        known = {label: name for name, label in dict(facts["groups"]).items()}
        if group not in known:
            msg = f"adata holds one network per group under {key!r}. Give one of {', '.join(sorted(known))} as group=."
            raise InputError(msg)
        return read(adata, f"{key}_{known[group]}", None)
    used = np.flatnonzero(adata.var[f"{key}_used"].to_numpy(dtype=bool))
    genes = adata.var_names.to_numpy(dtype=object)[used]
    for name in names(adata, key):
        compressed.check(name, adata.varp[name])
    kept = {name: sparse.csr_matrix(adata.varp[name])[used][:, used].tocoo() for name in names(adata, key)}
    weight = kept[key]
    source, target = weight.row, weight.col
    edges = pd.DataFrame({"source": genes[source], "target": genes[target], "weight": weight.data})
    edges["sign"] = np.where(edges["weight"] >= 0, "+", "-").astype(object)
    for column, kind in _ON_EDGES.items():
        values = _aligned(kept.get(f"{key}_{column}"), weight)
        edges[column] = values if kind is float else np.nan_to_num(values).astype(bool)
    known = {(source, target): prior for source, target, prior in json.loads(facts.get("priors", "[]"))}
    edges["prior"] = [known.get(pair, "") for pair in zip(edges["source"], edges["target"], strict=True)]
    order = np.argsort(adata.var[f"{key}_order"].to_numpy()[used], kind="stable")
    nodes = node_table(genes, source, target, order=order)
    for column in IN_VAR[2:]:
        nodes[column] = adata.var[f"{key}_{column}"].to_numpy()[used] if f"{key}_{column}" in adata.var else np.nan
    rank = kept.get(f"{key}_rank_score", sparse.coo_matrix((len(genes), len(genes))))
    ranking = pd.DataFrame({"source": genes[rank.row], "target": genes[rank.col], "rank_score": rank.data})
    return Network(best_first(edges), best_first(ranking), nodes, json.loads(facts["facts"]))


def _aligned(matrix: sparse.coo_matrix | None, pattern: sparse.coo_matrix) -> np.ndarray:
    """Return the stored numbers of `matrix` at the entries of `pattern`, NaN where it stores none."""
    if matrix is None:
        return np.full(pattern.nnz, np.nan)
    d = pattern.shape[0]
    stored = pd.Series(matrix.data.astype(float), index=matrix.row.astype(np.int64) * d + matrix.col)
    return stored.reindex(pattern.row.astype(np.int64) * d + pattern.col).to_numpy()
