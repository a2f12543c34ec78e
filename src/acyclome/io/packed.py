"""A network as nested mappings of arrays and texts, which h5ad and zarr files keep as they are.

Ends of edges are positions among the genes of the network, and its genes are numbers that whoever packs it gives them;
columns that say nothing are left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from acyclome.core.effects.total import ANY
from acyclome.io.atomic import plain
from acyclome.network import EDGE_COLUMNS, NODE_COLUMNS, Network, under_names_of_today
from acyclome.network.build import UNKNOWN, node_table
from acyclome.network.tables import EFFECT_COLUMNS, MEMBER_COLUMNS, TREATMENT_COLUMNS

Packed = dict[str, Any]
_EXTRA = {"members": MEMBER_COLUMNS, "effects": EFFECT_COLUMNS}
_ENDS = ("source", "target")
_ON_EDGES = {name: kind for name, kind in EDGE_COLUMNS.items() if name not in (*_ENDS, "sign")}
_FOLLOW = frozenset({"gene", "depth", "in_degree", "out_degree"})  # columns of genes that are known of the edges
_ON_GENES = {name: kind for name, kind in NODE_COLUMNS.items() if name not in _FOLLOW}


def pack(network: Network, numbers: np.ndarray) -> Packed:
    """Return what the network is made of; `numbers` ``(d,)`` are those of its genes."""
    at = pd.Index(network.genes)
    packed: Packed = {
        "is_dag": network.is_dag,
        "n_genes": len(network.genes),
        "n_edges": network.n_edges,
        "nodes": {"gene": np.asarray(numbers, np.int32), **_telling(network.nodes, _ON_GENES)},
        "edges": _positions(network.edges, at) | _telling(network.edges, _ON_EDGES),
        "ranking": _positions(network.ranking, at) | {"rank_score": network.ranking["rank_score"].to_numpy()},
        "facts": json.dumps(plain(network.facts), ensure_ascii=False),  # for h5ad keeps no None and no list of mappings
    }
    for part, columns in _EXTRA.items():
        if (table := getattr(network, part)) is not None:
            packed[part] = {name: table[name].to_numpy(_small(kind)) for name, kind in columns.items()}
    if network.treatments is not None:
        packed["treatments"] = _pack_treatments(network.treatments, network.genes)
    return packed


def unpack(packed: Mapping[str, Any], names: np.ndarray, kept: np.ndarray) -> Network:
    """Return the network among the genes that are kept ``(d,)`` bool, which are called `names`."""
    edges, ranking = (_among(packed[part], kept) for part in ("edges", "ranking"))
    edges = under_names_of_today(edges, _ON_EDGES)
    source, target = edges["source"].to_numpy(), edges["target"].to_numpy()
    weight = edges["weight"].to_numpy()
    known = {name: edges.get(name, UNKNOWN[kind]) for name, kind in _ON_EDGES.items()}
    ends = {"source": names[source], "target": names[target], "sign": np.where(weight >= 0, "+", "-").astype(object)}
    order = np.argsort(np.asarray(packed["nodes"]["order"])[kept], kind="stable")
    about = {name: packed["nodes"].get(name) for name in _ON_GENES if name != "order"}
    return Network(
        pd.DataFrame(ends, index=edges.index).assign(**known),
        pd.DataFrame({name: names[ranking[name]] for name in _ENDS}).assign(rank_score=ranking["rank_score"]),
        node_table(names, source, target, order=order).assign(
            **{n: UNKNOWN[_ON_GENES[n]] if v is None else np.asarray(v)[kept] for n, v in about.items()}
        ),
        json.loads(str(packed["facts"])),
        **{part: _among(packed[part], kept, columns) for part, columns in _EXTRA.items() if part in packed},
        treatments=_unpack_treatments(packed["treatments"], names, kept) if "treatments" in packed else None,
    )


def _pack_treatments(table: pd.DataFrame, genes: list[str]) -> Packed:
    """Return treatments as matrices, a row each; those of which the network said something are marked."""
    asked = np.array([len(values) > 0 for values in table["network"]], bool)
    packed: Packed = {
        "targets": table["targets"].to_numpy(object),
        "observations": table["observations"].to_numpy(np.int64),
        "asked": asked,
        "genes": np.array(genes, object),  # by which targets are named
    }
    for name in ("change", "error", "network"):
        rows = [np.asarray(values) for values in table.loc[asked if name == "network" else slice(None), name]]
        packed[name] = np.array(rows) if rows else np.empty((0, len(genes)))
    return packed


def _unpack_treatments(packed: Mapping[str, Any], names: np.ndarray, kept: np.ndarray) -> pd.DataFrame:
    today = dict(zip(np.asarray(packed["genes"], object)[kept], names, strict=True))
    targets = [";".join(today.get(name, name) for name in str(text).split(";")) for text in packed["targets"]]
    parts = {name: list(np.asarray(packed[name])[:, kept]) for name in ("change", "error", "network")}
    said = iter(parts["network"])
    empty = np.empty(0, np.asarray(packed["network"]).dtype)
    network = [next(said) if is_asked else empty for is_asked in np.asarray(packed["asked"])]
    table = {"targets": targets, "observations": np.asarray(packed["observations"]), **parts, "network": network}
    return pd.DataFrame(table)[list(TREATMENT_COLUMNS)].astype({"targets": object})


def _positions(table: pd.DataFrame, at: pd.Index) -> dict[str, np.ndarray]:
    return {name: at.get_indexer(pd.Index(table[name])).astype(np.int32) for name in _ENDS}


def _telling(table: pd.DataFrame, columns: Mapping[str, type]) -> dict[str, np.ndarray]:
    """Return the columns that say something: weights and all that has a value which is not that of the unknown."""
    told = {}
    for name, kind in columns.items():
        values = table[name].to_numpy(object if kind is str else _small(kind))
        if kind is int or name == "weight" or pd.notna(values[values != UNKNOWN[kind]]).any():
            told[name] = values
    return told


def _small(kind: type) -> Any:
    return np.int32 if kind is int else kind  # positions: half of their bytes


def _among(packed: Mapping[str, Any], kept: np.ndarray, columns: Mapping[str, type] | None = None) -> pd.DataFrame:
    """Return a table without the rows whose ends are gone, of these columns or of all, its ends renumbered."""
    table = pd.DataFrame({name: np.asarray(values) for name, values in packed.items()})
    table = table if columns is None else table[list(columns)].astype(columns)
    if kept.all():
        return table
    number = np.append(np.where(kept, np.cumsum(kept) - 1, ANY), ANY)  # the last: of ANY itself
    is_left = kept[table["target"]] & (np.append(kept, True)[table["source"]])
    left = table[is_left].assign(**{name: number[table.loc[is_left, name]] for name in _ENDS})
    if "member" in table:  # a resample without edges stands there all the same
        empty = np.setdiff1d(table["member"], left["member"])
        left = pd.concat([left, pd.DataFrame({"member": empty, "source": 0, "target": 0, "weight": 0.0})])
    return left.reset_index(drop=True)
