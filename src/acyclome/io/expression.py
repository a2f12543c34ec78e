"""Reading of expression files: h5ad, zarr, MuData, 10x (h5 or folder), csv and tsv; always as observations x genes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from acyclome.errors import AcyclomeError, InputError
from acyclome.io import anndata_files, causes, matrix_market, tenx, text_head, text_matrix
from acyclome.io.declared import check_file, check_folder, check_path
from acyclome.io.gene_names import lies_on_its_side
from acyclome.io.inspection import Inspection, inspect
from acyclome.io.probe import check_hdf5
from acyclome.io.strangers import are_no_genes, left_out
from acyclome.wording import plural

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Inspection", "inspect_expression", "open_expression"]

_FORMATS = "h5ad, zarr, 10x h5, a 10x folder (matrix.mtx, features.tsv, barcodes.tsv), csv or tsv (plain or .gz)"
_CONVERTIBLE = {
    ".loom": "Convert it: anndata.io.read_loom(file).write_h5ad('data.h5ad').",
    ".rds": "Write it from R as h5ad (zellkonverter::writeH5AD, or SeuratDisk) or as csv.",
    ".rda": "Write it from R as h5ad (zellkonverter::writeH5AD) or as csv.",
    ".h5seurat": "Convert it in R: SeuratDisk::Convert(file, dest = 'h5ad').",
    **dict.fromkeys((".zip", ".gz", ".tar", ".tgz", ".bz2", ".xz", ".7z"), "Unpack it, and name what was in it."),
    ".xlsx": "Save the sheet as csv.",
    ".parquet": "Write it as csv: pandas.read_parquet(file).to_csv('data.csv').",
}
_HDF5 = (".h5ad", ".h5", ".hdf5", ".h5mu")


def inspect_expression(path: str | os.PathLike[str], genes_as: Literal["columns", "rows"] = "columns") -> Inspection:
    """Say what is in an expression file: its matrices, names and annotations, and which matrix to use."""
    return inspect(open_expression(path, genes_as))


def open_expression(path: str | os.PathLike[str], genes_as: Literal["columns", "rows"] = "columns") -> AnnData:
    """Open an expression file with all its matrices; those of h5ad and zarr stay on disk until they are used."""
    read, path = find_reader(path), Path(path)
    with _quietly():
        adata = _without_strangers(read(path, genes_as))
    genes, observations = adata.var_names.astype(str).tolist(), adata.obs_names.astype(str).tolist()
    if min(adata.shape) == 0:
        msg = (
            f"{str(path)!r} is empty: {plural(adata.n_obs, 'observation')} x {plural(adata.n_vars, 'gene')}. Expected "
            "at least ten observations of two genes; check the step that wrote the file."
        )
        raise InputError(msg)
    if lies_on_its_side(observations, genes):
        way_out = "Transpose it: read it with anndata, then adata.T.write_h5ad('transposed.h5ad')."
        raise InputError(text_matrix.sideways(path, observations, genes, way_out=way_out))
    return adata


def find_reader(path: str | os.PathLike[str]) -> Callable[[Path, Literal["columns", "rows"]], AnnData]:
    """Return what reads an expression file, by its ending; refuse one that is not there or of no known kind."""
    path = Path(path)
    if not os.path.lexists(path):  # which says no, not an error, of a name that no file can have
        msg = f"There is no file {str(path)!r} (looked in {Path.cwd()}). Expected an expression file: {_FORMATS}."
        raise InputError(msg)
    check_path(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if path.is_dir():
        return lambda path, _: _open_folder(path)
    if suffixes[-1:] and suffixes[-1] in _HDF5:
        return lambda path, _: _open_hdf5(path)
    if ".mtx" in suffixes[-2:]:
        return lambda path, _: matrix_market.read_mtx(path)
    if set(suffixes[-2:] if suffixes[-1:] == [".gz"] else suffixes[-1:]) & set(text_head.SUFFIXES):
        return text_matrix.read_text_matrix
    way_out = _CONVERTIBLE.get(path.suffix.lower(), "Convert it to one of these, or give the file its proper ending.")
    msg = f"The format of {path.name!r} is not known by its ending. Expected {_FORMATS}. {way_out}"
    raise InputError(msg)


def _without_strangers(adata: AnnData) -> AnnData:
    """Leave out what is no gene where the values are in memory, so that nothing judges the matrix by it.

    Of a file that is read when it is used the preparation leaves it out.
    """
    import numpy as np
    import scipy.sparse as sp

    note = left_out(adata.var_names.astype(str))
    if not note or not (isinstance(adata.X, np.ndarray) or sp.issparse(adata.X)):
        return adata
    notes = [*adata.uns.get(anndata_files.NOTES_KEY, []), note]
    adata = adata[:, ~np.array(are_no_genes(adata.var_names.astype(str)))].copy()
    adata.uns[anndata_files.NOTES_KEY] = notes
    return adata


def _open_folder(path: Path) -> AnnData:
    check_folder(path)
    is_zarr = path.suffix == ".zarr" or any((path / name).exists() for name in ("zarr.json", ".zgroup", ".zattrs"))
    return _open_zarr(path) if is_zarr else matrix_market.read_folder(path)


def _open_hdf5(path: Path) -> AnnData:
    import h5py

    check_hdf5(path)
    with _reading(path):
        handle = h5py.File(path, "r")
        kind = handle.attrs.get("encoding-type")
        if kind == "MuData" or (path.suffix == ".h5mu" and "mod" in handle):
            return anndata_files.read_modality(handle)
        if anndata_files.is_anndata(handle):
            return _read_h5ad(path, handle)
        if tenx.is_tenx_h5(handle):
            return tenx.read_tenx_h5(handle)
        what = f"holds {kind}" if kind else "holds neither AnnData nor the arrays of 10x"
        if "molecule_info" in path.name or "molecules" in handle:
            what = "lists molecules, not cells x genes; beside it is filtered_feature_bc_matrix.h5, which is meant here"
        msg = f"{str(path)!r} is an HDF5 file that {what}. Expected {_FORMATS}."
        raise InputError(msg)


def _read_h5ad(path: Path, handle: Any) -> AnnData:
    if hasattr(handle["var"], "keys"):
        return anndata_files.read_anndata(handle)
    import anndata

    check_file(path)  # obs and var are tables of one array each: before anndata 0.7, which reads all that is there
    return anndata.read_h5ad(path)


def _open_zarr(path: Path) -> AnnData:
    import zarr

    with _reading(path):
        group = zarr.open_group(path, mode="r")
        if anndata_files.is_anndata(group):
            return anndata_files.read_anndata(group)
        if "mod" in group:
            return anndata_files.read_modality(group)
        tables = [f"tables/{name}" for name in group["tables"]] if "tables" in group else []
        way_out = f"Name the table of SpatialData that you want: {path / tables[0]}." if tables else ""
        msg = f"{str(path)!r} is a zarr folder without obs and var. Expected {_FORMATS}. {way_out}".rstrip()
        raise InputError(msg)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what h5py, zarr and anndata raise on damaged and foreign files, which has no base, into one screen."""
    try:
        yield
    except (AcyclomeError, MemoryError):
        raise
    except Exception as error:
        raise causes.unreadable(path, error, _FORMATS) from error


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence what anndata says about names that repeat and about old files; names are checked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
