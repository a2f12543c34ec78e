"""Reading of expression files: h5ad, zarr, 10x (h5 or folder), csv and tsv; always as observations x genes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from acyclome.errors import InputError
from acyclome.io import tenx, text_matrix
from acyclome.io.gene_names import lies_on_its_side
from acyclome.io.inspection import Inspection, inspect

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Inspection", "inspect_expression", "open_expression"]

_FORMATS = "h5ad, zarr, 10x h5, a 10x folder (matrix.mtx, features.tsv, barcodes.tsv), csv or tsv (plain or .gz)"
_CONVERTIBLE = {
    ".loom": "Convert it: anndata.io.read_loom(file).write_h5ad('data.h5ad').",
    ".rds": "Write it from R as h5ad (zellkonverter::writeH5AD, or SeuratDisk) or as csv.",
    ".rda": "Write it from R as h5ad (zellkonverter::writeH5AD) or as csv.",
    ".xlsx": "Save the sheet as csv.",
}
# What h5py, zarr and anndata raise on files that are cut short, of other versions, or of other programs.
_BROKEN = (KeyError, TypeError, ValueError, IndexError, OSError, AttributeError, NotImplementedError)


def inspect_expression(path: str | os.PathLike[str], genes_as: Literal["columns", "rows"] = "columns") -> Inspection:
    """Say what is in an expression file: its matrices, names and annotations, and which matrix to use."""
    return inspect(open_expression(path, genes_as))


def open_expression(path: str | os.PathLike[str], genes_as: Literal["columns", "rows"] = "columns") -> AnnData:
    """Open an expression file with all its matrices; those of h5ad and zarr stay on disk until they are used."""
    path = Path(path)
    if not path.exists():
        msg = f"There is no file {str(path)!r} (looked in {Path.cwd()}). Expected an expression file: {_FORMATS}."
        raise InputError(msg)
    with _quietly():
        adata = _open(path, genes_as)
    genes, observations = adata.var_names.astype(str).tolist(), adata.obs_names.astype(str).tolist()
    if min(adata.shape) == 0:
        msg = (
            f"{str(path)!r} is empty: {adata.n_obs} observations x {adata.n_vars} genes. Expected at least ten "
            "observations of two genes; check the step that wrote the file."
        )
        raise InputError(msg)
    if lies_on_its_side(observations, genes):
        way_out = "Transpose it: read it with anndata, then adata.T.write_h5ad('transposed.h5ad')."
        raise InputError(text_matrix.sideways(path, observations, genes, way_out=way_out))
    return adata


def _open(path: Path, genes_as: Literal["columns", "rows"]) -> AnnData:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if path.is_dir():
        is_zarr = path.suffix == ".zarr" or any((path / name).exists() for name in ("zarr.json", ".zgroup", ".zattrs"))
        return _open_zarr(path) if is_zarr else tenx.read_tenx_folder(path)
    if suffixes[-1:] in ([".h5ad"], [".h5"], [".hdf5"]):
        return _open_hdf5(path)
    if ".mtx" in suffixes[-2:]:
        return tenx.read_tenx_folder(path.parent)
    if set(suffixes[-2:] if suffixes[-1:] == [".gz"] else suffixes[-1:]) & set(text_matrix.SUFFIXES):
        return text_matrix.read_text_matrix(path, genes_as)
    way_out = _CONVERTIBLE.get(path.suffix.lower(), "Convert it to one of these, or give the file its proper ending.")
    msg = f"The format of {path.name!r} is not known by its ending. Expected {_FORMATS}. {way_out}"
    raise InputError(msg)


def _open_hdf5(path: Path) -> AnnData:
    import anndata
    import h5py

    try:
        handle = h5py.File(path, "r")
        kind = handle.attrs.get("encoding-type")
        if kind == "anndata":
            return _from_group(handle)
        if {"obs", "var"} <= set(handle):  # of an older anndata, which the reader of today still knows
            return anndata.read_h5ad(path)
        if tenx.is_tenx_h5(handle):
            return tenx.read_tenx_h5(handle)
    except _BROKEN as error:
        raise InputError(_unreadable(path, error)) from error
    what = f"holds {kind}" if kind else "holds neither AnnData nor the arrays of 10x"
    msg = f"{str(path)!r} is an HDF5 file that {what}. Expected {_FORMATS}."
    raise InputError(msg)


def _open_zarr(path: Path) -> AnnData:
    import zarr

    try:
        return _from_group(zarr.open_group(path, mode="r"))
    except _BROKEN as error:
        raise InputError(_unreadable(path, error)) from error


def _from_group(group: Any) -> AnnData:
    """Return an AnnData over an open h5ad or zarr file whose matrices are read when they are used."""
    import anndata
    from anndata.io import read_elem, sparse_dataset

    def lazy(element: Any) -> Any:
        return sparse_dataset(element) if hasattr(element, "keys") else element  # sparse ones are groups of arrays

    obs, var = read_elem(group["obs"]), read_elem(group["var"])
    layers = {name: lazy(group["layers"][name]) for name in group["layers"]} if "layers" in group else {}
    has_raw = "raw" in group and hasattr(group["raw"], "keys")  # zarr holds an empty array where there is no raw
    raw = {"X": lazy(group["raw"]["X"]), "var": read_elem(group["raw"]["var"])} if has_raw else None
    has_x = "X" in group and getattr(group["X"], "shape", None) != ()  # a scalar stands where there is none
    return anndata.AnnData(lazy(group["X"]) if has_x else None, obs=obs, var=var, layers=layers, raw=raw)


def _unreadable(path: Path, error: Exception) -> str:
    return (
        f"Cannot read {str(path)!r}: {error}. Expected {_FORMATS}. The file may be cut short (copy it again), or "
        "written by a newer anndata (update it)."
    )


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence what anndata says about names that repeat and about old files; names are checked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
