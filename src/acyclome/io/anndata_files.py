"""AnnData as h5ad, zarr and MuData files hold it: what is learned from is read, the rest is left where it is.

Only obs, var, X, layers and raw are looked at; matrices stay on the disk until they are used. A column, a layer or raw
that this anndata cannot read, as it is of another version or damaged, is left out with a note, for most runs do not
need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from acyclome.errors import AcyclomeError, InputError, MemoryLimitError, examples
from acyclome.io.declared import check_link, memory_limit, take
from acyclome.io.gene_names import are_row_numbers

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

NOTES_KEY = "acyclome_notes"
# Columns of var by which cellxgene, Seurat, scanpy and Monocle name genes, the surest first.
_NAME_COLUMNS = (
    *("_index", "index", "features", "feature_name", "gene_name", "gene_names", "gene_symbol", "gene_symbols"),
    *("gene_short_name", "symbol", "symbols", "gene", "genes", "name", "names", "feature_id", "gene_id", "gene_ids"),
    *("ensembl_id", "ensembl", "id", "Accession"),
)
_CATEGORIES = 500_000  # of a column; more are barcodes, if anything, and may lie in as many pieces
_PIECES = 10_000  # of the names of a zarr folder, each a file of its own; of a million cells there are ten
_NAME_BYTES = 64  # of a name in Python, at the least: 49 of the text itself, 8 of the reference to it
_EXPRESSION = ("rna", "gex", "gene expression", "transcriptome", "expression", "mrna")  # modalities of MuData


def is_anndata(group: Any) -> bool:
    """Return whether an open file or group holds obs and var."""
    return {"obs", "var"} <= set(group)


def read_anndata(group: Any) -> AnnData:
    """Return an AnnData over an open h5ad or zarr file; ``uns`` has the notes on what was left out."""
    import anndata

    notes: list[str] = []
    obs, var = _frame(group, "obs", notes), _named(_frame(group, "var", notes), "var", notes)
    shape = (len(obs), len(var))
    X = _matrix(group, "X", shape, notes=notes) if _has_x(group) else None
    has_layers = "layers" in group and hasattr(group["layers"], "keys")  # an array there would be read one by one
    layers = dict(_layers(group["layers"], "", shape, notes=notes)) if has_layers else {}
    adata = anndata.AnnData(X, obs=obs, var=var, layers=layers, raw=_raw(group, len(obs), notes))
    if X is None and not layers and adata.raw is None:
        msg = f"The file holds no matrix that can be read. {' '.join(notes) or 'X, layers and raw are absent.'}"
        raise InputError(msg)
    adata.uns[NOTES_KEY] = notes
    return adata


def read_modality(group: Any) -> AnnData:
    """Return the modality of gene expression of an open MuData file.

    Raises
    ------
    InputError
        If there is none, or several that could be it.
    """
    modalities = group.get("mod", {}) if hasattr(group, "get") else {}
    names = [name for name in modalities if hasattr(modalities[name], "keys") and is_anndata(modalities[name])]
    found = [name for name in names if name.lower() in _EXPRESSION] or (names if len(names) == 1 else [])
    if len(found) != 1:
        msg = (
            f"The file is MuData, with the modalities {examples(names, 12) or 'none'}. Expected one of gene "
            "expression, called rna. Take the one you want: mudata.read_h5mu(file)[name].write_h5ad('rna.h5ad')."
        )
        raise InputError(msg)
    adata = read_anndata(modalities[found[0]])
    adata.uns[NOTES_KEY] = [f"The file is MuData; of it the modality {found[0]} was read.", *adata.uns[NOTES_KEY]]
    return adata


def _has_x(group: Any) -> bool:
    check_link(group, "X", "X")
    return "X" in group and getattr(group["X"], "shape", None) != ()  # a scalar stands where there is none


def _layers(group: Any, prefix: str, shape: tuple[int, int], *, notes: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield the layers; those in groups of their own, which names with a slash make, by their path."""
    for key in group:
        name = f"{prefix}{key}"
        if hasattr(group[key], "keys") and "indptr" not in group[key] and "encoding-type" not in group[key].attrs:
            yield from _layers(group[key], f"{name}/", shape, notes=notes)
            continue
        matrix = _matrix(group, key, shape, notes=notes, name=f"layer {name}")
        if matrix is not None:
            yield name, matrix


def _raw(group: Any, n_obs: int, notes: list[str]) -> dict[str, Any] | None:
    if "raw" not in group or not hasattr(group["raw"], "keys"):  # zarr holds an empty array where there is no raw
        return None
    raw = group["raw"]
    try:
        var = _named(_frame(raw, "var", notes), "raw/var", notes)
    except (InputError, KeyError) as error:
        notes.append(f"raw cannot be read and was left out: {error}")
        return None
    X = _matrix(raw, "X", (n_obs, len(var)), notes=notes, name="raw") if "X" in raw else None
    return None if X is None else {"X": X, "var": var}


def _matrix(group: Any, key: str, shape: tuple[int, int], *, notes: list[str], name: str = "") -> Any:
    """Return a matrix on the disk, or None with a note where it is of a kind that cannot be read."""
    from anndata.io import sparse_dataset

    name = name or key
    try:
        node = take(group, key, name)
        matrix = sparse_dataset(node) if hasattr(node, "keys") else node  # sparse ones are groups of arrays
        found, kind = tuple(matrix.shape), matrix.dtype.kind
    except AcyclomeError:
        raise
    except Exception as error:  # noqa: BLE001 - what h5py, zarr and anndata raise on foreign elements has no base
        notes.append(f"{name} cannot be read and was left out: {_brief(error)}.")
        return None
    if found == shape and kind in "biuf":
        return matrix
    what = f"holds {matrix.dtype}" if found == shape else f"has the shape {found} where {shape} belongs"
    notes.append(f"{name} {what}, and was left out.")
    return None


def _frame(group: Any, key: str, notes: list[str]) -> pd.DataFrame:
    """Return obs or var; column by column where one of them is of a kind that anndata cannot read."""
    import pandas as pd
    from anndata.io import read_elem

    node = take(group, key)
    n_names = _check_names(node, key)
    rows = {name: _rows(node[name]) for name in node} if hasattr(node, "keys") else {}
    if all(found in (n_names, None) for found in rows.values()):
        try:
            frame = read_elem(node)
            if isinstance(frame, pd.DataFrame):
                return frame
        except Exception:  # noqa: BLE001 - as above; which column it was is found below
            pass
    index = _index(node, key)
    columns = {}
    for name in [str(name) for name in node.attrs.get("column-order", [])]:
        if rows.get(name) not in (n_names, None):  # a few bytes may declare so many that reading would not end
            notes.append(f"The column {name!r} of {key} has {rows[name]:,} rows, not {n_names:,}, and was left out.")
            continue
        try:
            column = _column(node, name)
            columns[name] = pd.Series(column, index=index) if len(column) == len(index) else None
        except Exception as error:  # noqa: BLE001 - as above
            notes.append(f"The column {name!r} of {key} cannot be read and was left out: {_brief(error)}.")
    return pd.DataFrame({name: column for name, column in columns.items() if column is not None}, index=index)


def _rows(member: Any) -> int | None:
    """Return how many values a column declares, categories without end too; None where none of its arrays tells."""
    if hasattr(member, "keys") and (getattr(member.get("categories"), "shape", None) or (0,))[0] > _CATEGORIES:
        return int(member["categories"].shape[0])
    shape = getattr(_by_row(member), "shape", None)
    return int(shape[0]) if shape else None


def _by_row(member: Any) -> Any:
    """Return what has a value for each row: an array itself, codes of categories, texts and numbers with gaps."""
    for part in ("codes", "values"):
        if hasattr(member, "keys") and part in member:
            return _by_row(member[part])
    return member


def _check_names(node: Any, key: str) -> int | None:
    """Return how many names there are; refuse a table of them, each value of which is read by itself, and too many."""
    name = node.attrs.get("_index", "_index") if hasattr(node, "keys") else None
    names = node if name is None else _by_row(node.get(name))  # a group of texts with gaps, from anndata 0.13 on
    shape = getattr(names, "shape", None) or ()
    if len(shape) > 1:
        extents = " x ".join(f"{extent:,}" for extent in shape)
        msg = f"The names of {key} ({name!r}) are a table of {extents} values. Expected one name a row; write it anew."
        raise InputError(msg)
    if name is None and not getattr(node.dtype, "names", None):  # before 0.7, AnnData wrote a table with fields
        msg = f"{key} is an array of {node.dtype}. Expected a table of columns, as anndata writes it; write it anew."
        raise InputError(msg)
    if getattr(names, "nchunks", 0) > _PIECES:  # of zarr; those that are absent are looked for, one by one
        msg = f"The names of {key} ({name!r}) lie in {names.nchunks:,} pieces. Is the file damaged? Write it anew."
        raise InputError(msg)
    if shape and shape[0] * _NAME_BYTES > memory_limit():
        msg = f"{key} declares {shape[0]:,} names, more than the memory of this machine takes. Is the file damaged?"
        raise MemoryLimitError(msg)
    return int(shape[0]) if shape else None


def _index(node: Any, key: str) -> pd.Index:
    import pandas as pd
    from anndata.io import read_elem

    said = node.attrs.get("_index", "_index")
    for name in (said, "_index", "index"):
        if name in node and hasattr(_by_row(node[name]), "shape"):
            try:
                texts = np.ravel(np.asarray(read_elem(node[name]))).tolist()  # at once: one by one is slow
            except Exception as error:  # as above
                msg = f"The names of {key} ({name!r}) cannot be read: {_brief(error)}. Write the file anew."
                raise InputError(msg) from error
            return pd.Index([text.decode() if isinstance(text, bytes) else str(text) for text in texts])
    msg = f"{key} has no names ({said!r} is absent). Expected obs and var with an index, as anndata writes them."
    raise InputError(msg)


def _column(node: Any, name: str) -> Any:
    import pandas as pd
    from anndata.io import read_elem

    if "categories" not in node[name].attrs:
        return read_elem(node[name])
    categories = read_elem(node[node[name].attrs["categories"]])  # of anndata before 0.8
    return pd.Categorical.from_codes(read_elem(node[name]), categories)


def _named(frame: pd.DataFrame, key: str, notes: list[str]) -> pd.DataFrame:
    """Return genes under the names that a column has, where the index only counts rows."""
    index = frame.index.astype(str).tolist()
    if not are_row_numbers(index):
        return frame
    for name in _NAME_COLUMNS:
        if name in frame and frame[name].notna().all() and frame[name].is_unique:
            names = frame[name].astype(str).tolist()
            if not are_row_numbers(names):
                notes.append(f"The index of {key} counts rows; its column {name!r} names the genes.")
                return frame.set_axis(names, axis=0)
    return frame


def _brief(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")[:200] if str(error).strip() else type(error).__name__
