"""The h5 files that Cell Ranger writes, and CellBender and others after it.

Gene symbols name the genes, as in scanpy. Symbols are no identifiers, and in every 10x annotation some belong to
several genes: these are told apart by their Ensembl id (``SYMBOL_ENSG...``), which the notes of the result say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from acyclome.errors import InputError, examples
from acyclome.io import compressed
from acyclome.io.anndata_files import NOTES_KEY
from acyclome.io.declared import take
from acyclome.io.gene_names import repeated
from acyclome.wording import plural

if TYPE_CHECKING:
    import h5py
    from anndata import AnnData

EXPRESSION = "Gene Expression"
_ARRAYS = ("data", "indices", "indptr", "shape", "barcodes")


def read_tenx_h5(handle: h5py.File) -> AnnData:
    """Read an open Cell Ranger h5 file (version 2 or 3) as cells x genes."""
    names = _matrices(handle)
    if len(names) != 1:
        msg = (
            f"The 10x file {handle.filename!r} holds the genomes {', '.join(names)}. Expected one; write the one "
            "you want to h5ad first: scanpy.read_10x_h5(file, genome=...).write_h5ad(...)."
        )
        raise InputError(msg)
    group = handle[names[0]]
    has_features = "features" in group
    needed = [*_ARRAYS, *([] if has_features else ["genes", "gene_names"])]
    missing = [name for name in needed if name not in group]
    for name in (*needed, *(["features"] if has_features else [])):
        if name in group:
            take(group, name)
    if missing or np.shape(group["shape"]) != (2,):
        msg = f"The 10x file {handle.filename!r} lacks {examples(missing) or 'the extents in shape'}. Write it anew."
        raise InputError(msg)
    n_vars, n_obs = (int(extent) for extent in group["shape"][:])
    arrays = (group["data"], group["indices"], group["indptr"])
    barcodes = _words(group["barcodes"])
    if has_features:
        features = group["features"]
        kinds = _words(features["feature_type"]) if "feature_type" in features else None
        symbols, ids = _words(features["name"]), _words(features["id"])
    else:
        kinds, symbols, ids = None, _words(group["gene_names"]), _words(group["genes"])
    lengths = (len(barcodes), len(symbols), len(ids), len(kinds or ids))
    if lengths != (n_obs, n_vars, n_vars, n_vars):
        msg = (
            f"The 10x file {handle.filename!r} is damaged: its shape says {n_vars:,} genes and {n_obs:,} cells, and it "
            f"names {plural(len(symbols), 'gene')} and {plural(len(barcodes), 'cell')}. Copy it again, or write it "
            "anew."
        )
        raise InputError(msg)
    X = compressed.build(arrays, shape=(n_obs, n_vars), name="matrix")
    return annotated(X, barcodes, symbols, ids=ids, kinds=kinds)


def is_tenx_h5(handle: h5py.File) -> bool:
    """Return whether an open HDF5 file has the arrays of Cell Ranger, whatever else it has."""
    return bool(_matrices(handle))


def annotated(
    X: sp.csr_matrix,
    barcodes: Sequence[str],
    symbols: Sequence[str],
    *,
    ids: Sequence[str],
    kinds: Sequence[str] | None,
    notes: Sequence[str] = (),
) -> AnnData:
    """Return cells x genes under their symbols, without features of other kinds than expression."""
    import pandas as pd
    from anndata import AnnData

    keep = np.array([kind == EXPRESSION for kind in kinds]) if kinds else np.ones(X.shape[1], dtype=bool)
    others = [] if keep.any() else sorted(set(kinds or ()))
    keep = keep if keep.any() else ~keep
    symbols, ids = ([name for name, kept in zip(names, keep, strict=True) if kept] for names in (symbols, ids))
    several = repeated(symbols)
    ambiguous = set(several)
    names = [f"{name}_{key}" if name in ambiguous else name for name, key in zip(symbols, ids, strict=True)]
    var = pd.DataFrame({"gene_ids": ids, "gene_symbol": symbols}, index=pd.Index(names))
    adata = AnnData(X if keep.all() else X[:, keep], obs=pd.DataFrame(index=pd.Index(barcodes)), var=var)
    adata.uns[NOTES_KEY] = [*notes, *_notes(several, int((~keep).sum()), others)]
    return adata


def _notes(several: list[str], n_left_out: int, others: list[str]) -> list[str]:
    notes = []
    if others:
        notes.append(
            f"No feature is gene expression: all are {' or '.join(others)}, and are taken as genes are. For genes, "
            "give the file that has them (filtered_feature_bc_matrix)."
        )
    if several:
        notes.append(
            f"{plural(len(several), 'gene symbol|s belongs|belong')} to several genes ({examples(several)}); "
            "these carry their id in the name."
        )
    if n_left_out:
        notes.append(
            f"{plural(n_left_out, 'feature|s that is|are no gene expression (antibodies, guides ...) was|were')} left "
            "out."
        )
    return notes


def _matrices(handle: h5py.File) -> list[str]:
    """Return the groups that hold a matrix: the one of version 3, or one a genome of version 2."""
    names = [name for name in handle if hasattr(handle[name], "keys") and {"indptr", "barcodes"} <= set(handle[name])]
    return ["matrix"] if "matrix" in names else names


def _words(dataset: Any) -> list[str]:
    if dataset.dtype.kind not in "SO":
        msg = f"{dataset.name} holds {dataset.dtype} where names belong. Expected the arrays that Cell Ranger writes."
        raise InputError(msg)
    return [str(word) for word in dataset.asstr(errors="replace")[:]]
