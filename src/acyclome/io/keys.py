"""A network inside an AnnData object: numbers on edges in ``varp``, facts on genes in ``var``, the rest in ``uns``.

Rows are sources and columns targets. Every number of the edge table has its own matrix, so a network follows the genes
when the object is subset, and is read back without any other file. Genes that took no part have empty rows and columns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from acyclome._version import __version__
from acyclome.errors import InputError
from acyclome.io.atomic import plain
from acyclome.network import EDGE_COLUMNS, NODE_COLUMNS, Network, best_first
from acyclome.network.build import node_table

if TYPE_CHECKING:
    from anndata import AnnData

ENCODING_TYPE = "acyclome-network"
ENCODING_VERSION = "0.1.0"
_ON_EDGES = (
    "score",
    "confounded",
    "stability",
    "direction",
    "reversible",
    "reversal_loss",
    "settled",
    "noise_evidence",
)
_ABSENT = {"order": -1, "depth": -1, "in_degree": 0, "out_degree": 0, "is_regulator": False}  # no NaN: ints stay so


def to_anndata(network: Network) -> AnnData:
    from anndata import AnnData

    adata = AnnData(var=pd.DataFrame(index=pd.Index(network.genes, dtype=object)))
    write_keys(adata, network)
    return adata


def write_keys(adata: AnnData, network: Network, key: str = "dag") -> None:
    """Write a network into `adata` under `key`; other keys stay as they are."""
    check_key(adata, key)
    at_column = _columns_of(adata, network.genes)
    for name in _names(adata, key):
        del adata.varp[name]
    at = (at_column[network.source], at_column[network.target])
    adata.varp[key] = _matrix(network.edges["weight"], at, adata.n_vars)
    for column in _ON_EDGES:
        values = network.edges[column]
        # What says nothing of any edge takes no matrix; score is always there, for uns names its key.
        if column == "score" or (values.any() if values.dtype == bool else values.notna().any()):
            adata.varp[f"{key}_{column}"] = _matrix(values, at, adata.n_vars)
    column_of = dict(zip(network.genes, at_column, strict=True))
    source, target = (network.ranking[end].map(column_of).to_numpy(dtype=np.int64) for end in ("source", "target"))
    adata.varp[f"{key}_rank_score"] = _matrix(network.ranking["rank_score"], (source, target), adata.n_vars)
    _write_nodes(adata, network, key, at_column=at_column)
    adata.uns[key] = _facts(network, key)


def read_keys(adata: AnnData, key: str = "dag") -> Network:
    """Return the network that `adata` holds under `key`.

    After a subset of the genes it is the network among those left: order, depth and degrees are those of the remainder.
    """
    facts = _encoded(adata, key)
    used = np.flatnonzero(adata.var[f"{key}_used"].to_numpy(dtype=bool))
    genes = np.asarray(adata.var_names, dtype=object)[used]
    order = np.argsort(adata.var[f"{key}_order"].to_numpy()[used], kind="stable")
    kept = {name: sparse.csr_matrix(adata.varp[name])[used][:, used] for name in _names(adata, key)}
    weight = kept[key].tocoo()
    source, target = weight.row, weight.col
    edges = pd.DataFrame({"source": genes[source], "target": genes[target], "weight": weight.data})
    edges["sign"] = np.where(edges["weight"] >= 0, "+", "-").astype(object)
    for column in _ON_EDGES:
        values = _aligned(kept.get(f"{key}_{column}"), weight)
        edges[column] = values if EDGE_COLUMNS[column] is float else np.nan_to_num(values).astype(bool)
    known = {(source, target): prior for source, target, prior in json.loads(facts.get("priors", "[]"))}
    edges["prior"] = [known.get(pair, "") for pair in zip(edges["source"], edges["target"], strict=True)]
    nodes = node_table(genes, source, target, order=order)
    for column in ("is_regulator", "r2", "noise_scale"):
        nodes[column] = adata.var[f"{key}_{column}"].to_numpy()[used].astype(NODE_COLUMNS[column])
    return Network(best_first(edges), _ranking(kept.get(f"{key}_rank_score"), genes), nodes, json.loads(facts["facts"]))


def check_key(adata: AnnData, key: str) -> None:
    """Raise an InputError unless a network can be written into `adata` under `key`."""
    if not isinstance(key, str) or "/" in key or not key:
        msg = f"{key!r} cannot be a key: h5ad files refuse slashes and empty names. Choose one such as 'dag'."
        raise InputError(msg)
    if not adata.var_names.is_unique:
        msg = "Names in adata.var_names are repeated, so genes cannot be told apart. Run adata.var_names_make_unique()."
        raise InputError(msg)


def check_changeable(adata: AnnData, *, copy: bool) -> None:
    """Refuse an object whose values stay in its file, where a copy of them would have to be made."""
    if adata.isbacked and (copy or adata.is_view):
        what = "copied (copy=True)" if copy else "changed, for it is a part of another (a view)"
        way_out = "Read it first: adata = adata.to_memory()."
        msg = f"adata is backed by {str(adata.filename)!r} and cannot be {what}. {way_out}"
        raise InputError(msg)


def check_apart(keys: Mapping[str, str]) -> None:
    """Refuse keys of several networks, by label, of which one names what another has of its own (a and a_score)."""
    owner = dict(zip(keys.values(), keys, strict=True))
    for label, key in keys.items():
        for part in (*_ON_EDGES, "rank_score"):
            other = owner.get(f"{key}_{part}")
            if other is not None:
                msg = (
                    f"The groups {label!r} and {other!r} cannot be written beside one another: {key}_{part} would be "
                    f"both the {part} of the first and the network of the second. Rename one of the labels."
                )
                raise InputError(msg)


def check_genes(adata: AnnData, genes: Sequence[str]) -> None:
    """Refuse genes that have no column in the object, as where raw has more of them than X."""
    strange = [gene for gene in genes if gene not in adata.var_names]
    if strange:
        msg = (
            f"{len(strange)} of {len(genes)} genes that were read (of adata.raw) are not among those of X, such as "
            f"{strange[0]!r}, so what is found cannot be written into adata. Take adata.raw.to_adata(), or layer='X'."
        )
        raise InputError(msg)


def _columns_of(adata: AnnData, genes: list[str]) -> np.ndarray:
    at_column = adata.var_names.get_indexer(pd.Index(genes, dtype=object))
    if (at_column < 0).any():
        strange = [gene for gene, index in zip(genes, at_column, strict=True) if index < 0]
        msg = (
            f"{len(strange)} of {len(genes)} genes of the network are not in adata.var_names, such as {strange[0]!r}. "
            "Write it into the object it was learned from."
        )
        raise InputError(msg)
    return at_column


def _matrix(values: pd.Series, at: tuple[np.ndarray, np.ndarray], d: int) -> sparse.csr_matrix:
    numbers = values.to_numpy(dtype=np.int8 if values.dtype == bool else np.float64)
    return sparse.csr_matrix((numbers, at), shape=(d, d))


def _write_nodes(adata: AnnData, network: Network, key: str, *, at_column: np.ndarray) -> None:
    used = np.zeros(adata.n_vars, dtype=bool)
    used[at_column] = True
    adata.var[f"{key}_used"] = used
    for column in NODE_COLUMNS:
        if column != "gene":
            values = network.nodes[column].to_numpy()
            whole = np.full(adata.n_vars, _ABSENT.get(column, np.nan), dtype=values.dtype)
            whole[at_column] = values
            adata.var[f"{key}_{column}"] = whole


def _facts(network: Network, key: str) -> dict[str, Any]:
    priors = network.edges[network.edges["prior"] != ""]
    return {
        "encoding-type": ENCODING_TYPE,
        "encoding-version": ENCODING_VERSION,
        "acyclome": __version__,
        "orientation": "row = source (cause), column = target (effect)",
        "is_dag": network.is_dag,
        "n_genes": len(network.genes),
        "n_edges": network.n_edges,
        "weights_key": key,
        "score_key": f"{key}_score",
        # As texts, for h5ad keeps no None and no list of dictionaries.
        "facts": json.dumps(plain(network.facts), ensure_ascii=False),
        "priors": json.dumps(priors[["source", "target", "prior"]].to_numpy().tolist(), ensure_ascii=False),
    }


def _encoded(adata: AnnData, key: str) -> dict[str, Any]:
    facts = adata.uns.get(key)
    if hasattr(facts, "get") and facts.get("encoding-type") == ENCODING_TYPE and key in adata.varp:
        return dict(facts)
    known = [name for name in adata.uns if hasattr(adata.uns[name], "get") and "encoding-type" in adata.uns[name]]
    advice = f"Networks are under {', '.join(map(repr, known))}." if known else "Run acyclome.tl.dag(adata) first."
    msg = f"adata holds no network under the key {key!r}. {advice}"
    raise InputError(msg)


def _names(adata: AnnData, key: str) -> list[str]:
    return [name for name in (key, f"{key}_rank_score", *(f"{key}_{part}" for part in _ON_EDGES)) if name in adata.varp]


def _aligned(matrix: sparse.csr_matrix | None, pattern: sparse.coo_matrix) -> np.ndarray:
    """Return the stored numbers of `matrix` at the entries of `pattern`, NaN where it stores none."""
    if matrix is None:
        return np.full(pattern.nnz, np.nan)
    d = pattern.shape[0]
    stored = matrix.tocoo()
    codes = stored.row.astype(np.int64) * d + stored.col
    wanted = pattern.row.astype(np.int64) * d + pattern.col
    return pd.Series(stored.data.astype(float), index=codes).reindex(wanted).to_numpy()


def _ranking(matrix: sparse.csr_matrix | None, genes: np.ndarray) -> pd.DataFrame:
    stored = sparse.coo_matrix((len(genes), len(genes))) if matrix is None else matrix.tocoo()
    return best_first(
        pd.DataFrame({"source": genes[stored.row], "target": genes[stored.col], "rank_score": stored.data})
    )
