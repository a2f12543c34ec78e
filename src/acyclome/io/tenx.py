"""The two formats that Cell Ranger writes: one h5 file, or a folder of matrix, features and barcodes.

Gene symbols name the genes, as in scanpy. Symbols are no identifiers, and in every 10x annotation some belong to
several genes: these are told apart by their Ensembl id (``SYMBOL_ENSG...``), which the notes of the result say.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from acyclome.errors import InputError, examples
from acyclome.io.gene_names import repeated

if TYPE_CHECKING:
    import h5py
    from anndata import AnnData

NOTES_KEY = "acyclome_notes"
EXPRESSION = "Gene Expression"
_PARTS = {"matrix": "matrix.mtx", "features": "features.tsv or genes.tsv", "barcodes": "barcodes.tsv"}


def read_tenx_h5(handle: h5py.File) -> AnnData:
    """Read an open Cell Ranger h5 file (version 2 or 3) as cells x genes."""
    group = handle["matrix"] if "matrix" in handle else _only_genome(handle)
    arrays = (group["data"][:], group["indices"][:], group["indptr"][:])
    n_vars, n_obs = group["shape"][:]
    X = sp.csr_matrix(arrays, shape=(int(n_obs), int(n_vars)))
    barcodes = _words(group["barcodes"])
    if "features" not in group:
        return _annotated(X, barcodes, _words(group["gene_names"]), ids=_words(group["genes"]), kinds=None)
    features = group["features"]
    kinds = _words(features["feature_type"]) if "feature_type" in features else None
    return _annotated(X, barcodes, _words(features["name"]), ids=_words(features["id"]), kinds=kinds)


def is_tenx_h5(handle: h5py.File) -> bool:
    """Return whether an open HDF5 file has the arrays of Cell Ranger."""
    groups = [handle[name] for name in handle]
    return bool(groups) and all(hasattr(group, "keys") and {"indptr", "barcodes"} <= set(group) for group in groups)


def read_tenx_folder(folder: Path) -> AnnData:
    """Read a folder with ``matrix.mtx``, ``features.tsv`` (or ``genes.tsv``) and ``barcodes.tsv``, gzipped or not."""
    from scipy.io import mmread

    files = {name: _only_file(folder, name) for name in _PARTS}
    try:
        X = sp.csr_matrix(mmread(str(files["matrix"])).T)
        features, barcodes = _lines(files["features"]), [line[0] for line in _lines(files["barcodes"])]
    except (OSError, EOFError, ValueError) as error:
        msg = f"Cannot read the 10x folder {str(folder)!r}: {error}. Expected Matrix Market and tab-separated files."
        raise InputError(msg) from error
    if X.shape != (len(barcodes), len(features)):
        msg = (
            f"The files in {str(folder)!r} do not belong together: the matrix has {X.shape[1]} genes and {X.shape[0]} "
            f"cells, {files['features'].name} has {len(features)} lines and {files['barcodes'].name} {len(barcodes)}. "
            "Copy the three files of one Cell Ranger run."
        )
        raise InputError(msg)
    kinds = [line[2] for line in features] if features and len(features[0]) > 2 else None
    return _annotated(
        X, barcodes, [line[min(1, len(line) - 1)] for line in features], ids=[line[0] for line in features], kinds=kinds
    )


def _annotated(
    X: sp.csr_matrix, barcodes: Sequence[str], symbols: Sequence[str], *, ids: Sequence[str], kinds: list[str] | None
) -> AnnData:
    import pandas as pd
    from anndata import AnnData

    keep = np.array([kind == EXPRESSION for kind in kinds]) if kinds else np.ones(X.shape[1], dtype=bool)
    keep = keep if keep.any() else ~keep
    symbols, ids = ([name for name, kept in zip(names, keep, strict=True) if kept] for names in (symbols, ids))
    several = repeated(symbols)
    ambiguous = set(several)
    names = [f"{name}_{key}" if name in ambiguous else name for name, key in zip(symbols, ids, strict=True)]
    var = pd.DataFrame({"gene_ids": ids, "gene_symbol": symbols}, index=pd.Index(names))
    adata = AnnData(X if keep.all() else X[:, keep], obs=pd.DataFrame(index=pd.Index(barcodes)), var=var)
    adata.uns[NOTES_KEY] = _notes(several, int((~keep).sum()))
    return adata


def _notes(several: list[str], n_left_out: int) -> list[str]:
    notes = []
    if several:
        notes.append(
            f"{len(several)} gene symbols belong to several genes ({examples(several)}); "
            "these carry their id in the name."
        )
    if n_left_out:
        notes.append(f"{n_left_out} features that are no gene expression (antibodies, guides ...) were left out.")
    return notes


def _only_genome(handle: h5py.File) -> Any:
    names = list(handle)
    if len(names) != 1:
        msg = (
            f"The 10x file {handle.filename!r} holds the genomes {', '.join(names)}. Expected one; write the one "
            "you want to h5ad first: scanpy.read_10x_h5(file, genome=...).write_h5ad(...)."
        )
        raise InputError(msg)
    return handle[names[0]]


def _only_file(folder: Path, part: str) -> Path:
    stems = [stem.strip() for stem in _PARTS[part].split(" or ")]
    paths = sorted(path for stem in stems for path in (*folder.glob(f"*{stem}"), *folder.glob(f"*{stem}.gz")))
    if len(paths) != 1:
        names = ", ".join(path.name for path in paths) or "none"
        msg = (
            f"The folder {str(folder)!r} should hold one file {_PARTS[part]} (or .gz); found {names}. Expected the "
            "output of Cell Ranger (matrix, features and barcodes), an h5ad or zarr file, or a csv or tsv table."
        )
        raise InputError(msg)
    return paths[0]


def _lines(path: Path) -> list[list[str]]:
    opener = gzip.open if path.suffix == ".gz" else Path.open
    with opener(path, "rt", encoding="utf-8") as stream:
        return [line.rstrip("\r\n").split("\t") for line in stream if line.strip()]


def _words(dataset: h5py.Dataset) -> list[str]:
    return [str(word) for word in dataset.asstr()[:]]
