"""Networks inside an AnnData object: whole in ``uns[key]``, their weights in ``varp``, the order of genes in ``var``.

``uns[key]`` is a packed network; of groups it has an entry each, and what they share is itself.  ``var[key + "_gene"]``
numbers the genes as they stood when it was written: networks follow them when the object is subset or sorted, or its
genes are renamed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from acyclome._version import __version__
from acyclome.errors import InputError, examples
from acyclome.io import earlier_keys
from acyclome.io.gene_names import repeated
from acyclome.io.names import SHARED, safe_name
from acyclome.io.objects import check_anndata
from acyclome.io.packed import pack, unpack
from acyclome.network import JointNetworks, Network

if TYPE_CHECKING:
    from anndata import AnnData

ENCODING_TYPE = "acyclome-network"
ENCODING_VERSION = "0.2.0"  # 0.1.0 had a matrix in varp for every column of the edges
# And what stands at genes that took no part.
_IN_VAR = {"order": np.int32(-1), "in_degree": np.int32(0), "out_degree": np.int32(0), "is_regulator": np.False_}
_TESTS = ("shared", "difference", "z", "p", "q")  # columns of differential edges that are not of one group


def to_anndata(network: Network) -> AnnData:
    from anndata import AnnData

    adata = AnnData(var=pd.DataFrame(index=pd.Index(network.genes, dtype=object)))
    write_keys(adata, network)
    return adata


def write_keys(adata: AnnData, networks: Network | Mapping[str, Network], key: str = "dag") -> None:
    """Write a network, or those of groups by their labels, into `adata` under `key`; other keys stay as they are."""
    check_key(adata, key)
    groups = {} if isinstance(networks, Network) else dict(networks)
    whole = networks if isinstance(networks, Network) else getattr(networks, "shared", None)
    at = {label: _columns_of(adata, network.genes) for label, network in [(None, whole), *groups.items()] if network}
    _remove(adata, key)
    adata.var[f"{key}_gene"] = np.arange(adata.n_vars, dtype=np.int32)
    written: dict[str, Any] = {
        "encoding-type": ENCODING_TYPE,
        "encoding-version": ENCODING_VERSION,
        "acyclome": __version__,
        "orientation": "row = source (cause), column = target (effect)",
        "gene_key": f"{key}_gene",
    }
    if whole is not None:
        written |= _write(adata, whole, at[None], name=key)
        for column, absent in _IN_VAR.items():
            values = np.full(adata.n_vars, absent)
            values[at[None]] = whole.nodes[column]
            adata.var[f"{key}_{column}"] = values
    for label, network in groups.items():
        entry = _write(adata, network, at[label], name=f"{key}_{safe_name(label)}")
        written.setdefault("groups", {})[safe_name(label)] = {"label": label, **entry}
    if isinstance(networks, JointNetworks):
        written["differential"] = _pack_differential(networks.differential, adata)
    adata.uns[key] = written


def read_keys(adata: AnnData, key: str = "dag", group: str | None = None) -> Network:
    """Return the network that `adata` holds under `key`, of a group if there are any; `shared` is what they share.

    After a subset of the genes it is the network among those left: order, depth and degrees are those of the remainder.
    """
    check_anndata(adata)
    if earlier_keys.holds(adata, key):
        return earlier_keys.read(adata, key, group)
    facts = _encoded(adata, key)
    groups = {entry["label"]: entry for entry in facts.get("groups", {}).values()}
    known = groups | ({SHARED if groups else None: facts} if "edges" in facts else {})
    if group not in known:
        labels = ", ".join(sorted(groups)) or "none"
        said = "one network per group" if group is None else f"no network of the group {group!r}"
        msg = f"adata holds {said} under the key {key!r}. Groups there: {labels}. Give one of them as group=."
        raise InputError(msg)
    at = _places(adata, facts["gene_key"], np.asarray(known[group]["nodes"]["gene"]))
    return unpack(known[group], adata.var_names.to_numpy(dtype=object)[at[at >= 0]], at >= 0)


def read_joint(adata: AnnData, key: str = "dag") -> JointNetworks:
    """Return all networks of groups that were learned together."""
    differential = read_differential(adata, key)
    labels = [entry["label"] for entry in adata.uns[key]["groups"].values()]
    networks = {label: read_keys(adata, key, label) for label in labels}
    return JointNetworks(networks, read_keys(adata, key, SHARED), differential)


def read_differential(adata: AnnData, key: str = "dag") -> pd.DataFrame:
    """Return the differential edges of groups that were learned together, as in :class:`JointNetworks`."""
    check_anndata(adata)
    facts = _encoded(adata, key)
    if "differential" not in facts:
        msg = (
            f"adata holds no differential edges under the key {key!r}: its groups were not learned together. "
            "Learn them with acyclome.tl.dag(adata, groupby=COLUMN, joint=True)."
        )
        raise InputError(msg)
    packed = facts["differential"]
    places = {end: _places(adata, facts["gene_key"], np.asarray(packed[end])) for end in ("source", "target")}
    left = (places["source"] >= 0) & (places["target"] >= 0)
    names = adata.var_names.to_numpy(dtype=object)
    columns = {end: names[at[left]] for end, at in places.items()} | {"shared": np.asarray(packed["shared"])[left]}
    for part in ("weight", "error"):
        values = np.asarray(packed[part])[left]
        columns |= {f"{part}_{label}": values[:, g] for g, label in enumerate(packed["labels"])}
    return pd.DataFrame(columns | {name: np.asarray(packed[name])[left] for name in _TESTS})


def check_key(adata: AnnData, key: str) -> None:
    """Raise an InputError unless a network can be written into `adata` under `key`."""
    check_anndata(adata)
    if not isinstance(key, str) or "/" in key or not key:
        msg = f"{key!r} cannot be a key: h5ad files refuse slashes and empty names. Choose one such as 'dag'."
        raise InputError(msg)
    if not adata.var_names.is_unique:
        names = examples(repeated(adata.var_names.astype(str)))
        msg = f"Names in adata.var_names are repeated: {names}. Genes are told by name: adata.var_names_make_unique()."
        raise InputError(msg)


def check_changeable(adata: AnnData, *, copy: bool) -> None:
    """Refuse an object whose values stay in its file, where a copy of them would have to be made."""
    check_anndata(adata)
    if adata.isbacked and (copy or adata.is_view):
        what = "copied (copy=True)" if copy else "changed, for it is a part of another (a view)"
        way_out = "Read it first: adata = adata.to_memory()."
        msg = f"adata is backed by {str(adata.filename)!r} and cannot be {what}. {way_out}"
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


def _write(adata: AnnData, network: Network, at: np.ndarray, *, name: str) -> dict[str, Any]:
    """Write the weights of a network under a name into varp; return its entry."""
    ends = (at[network.source], at[network.target])
    adata.varp[name] = sparse.csr_matrix((network.edges["weight"], ends), shape=(adata.n_vars, adata.n_vars))
    return {"weights_key": name, **pack(network, at)}


def _pack_differential(table: pd.DataFrame, adata: AnnData) -> dict[str, Any]:
    """Return the table with its groups side by side, for a label may hold what no name of a column may."""
    labels = [name.removeprefix("weight_") for name in map(str, table) if name.startswith("weight_")]
    packed: dict[str, Any] = {end: adata.var_names.get_indexer(pd.Index(table[end])) for end in ("source", "target")}
    for part in ("weight", "error"):
        packed[part] = table[[f"{part}_{label}" for label in labels]].to_numpy(float)
    return {"labels": np.array(labels, dtype=object), **packed, **{name: table[name].to_numpy() for name in _TESTS}}


def modules_key(key: str, group: str | None = None) -> str:
    """Return where the modules of a network are, in ``uns`` and ``obsm``."""
    return f"{key}_modules" if group is None else f"{key}_{safe_name(group)}_modules"


def _remove(adata: AnnData, key: str) -> None:
    """Remove what an earlier network left under the key, and modules that were learned beside it."""
    facts = adata.uns.get(key)
    if not _is_encoded(facts):
        return
    for name in (modules_key(key), *(modules_key(key, folder) for folder in facts.get("groups", {}))):
        for part in (adata.uns, adata.obsm):
            part.pop(name, None)
    entries = [facts, *facts.get("groups", {}).values()]
    names = [entry["weights_key"] for entry in entries if hasattr(entry, "get") and "weights_key" in entry]
    for name in {*names, *earlier_keys.names(adata, key)} & set(adata.varp):
        del adata.varp[name]
    for column in {f"{key}_{name}" for name in (*_IN_VAR, *earlier_keys.IN_VAR)} & set(adata.var):
        del adata.var[column]


def _is_encoded(facts: Any) -> bool:
    return hasattr(facts, "get") and facts.get("encoding-type") == ENCODING_TYPE


def _encoded(adata: AnnData, key: str) -> Mapping[str, Any]:
    facts: Mapping[str, Any] = adata.uns.get(key, {})
    if not _is_encoded(facts):
        known = [name for name in adata.uns if _is_encoded(adata.uns[name])]
        advice = f"Networks are under {', '.join(map(repr, known))}." if known else "Run acyclome.tl.dag(adata) first."
        msg = f"adata holds no network under the key {key!r}. {advice}"
        raise InputError(msg)
    if facts["encoding-version"] != ENCODING_VERSION:
        msg = (
            f"The network under the key {key!r} was written by acyclome {facts.get('acyclome')} in the form "
            f"{facts['encoding-version']}; this version reads {ENCODING_VERSION}. Install that version, or a later one."
        )
        raise InputError(msg)
    return facts


def _places(adata: AnnData, column: str, numbers: np.ndarray) -> np.ndarray:
    """Return where genes with these numbers stand in the object, -1 for those that are gone."""
    here = adata.var[column] if column in adata.var else pd.Series([np.nan])
    if here.dtype.kind not in "iu" or here.duplicated().any():
        msg = (
            f"adata.var has no column {column!r} with a number for every gene, which says where the genes of the "
            "network stand. It is lost where objects are joined: read the network of one of them, before."
        )
        raise InputError(msg)
    return pd.Index(here.to_numpy()).get_indexer(pd.Index(numbers))
