"""Matrix Market files beside the names of their genes and cells, as most counting programs write them.

A matrix belongs to those files of its folder whose names begin as its own does: ``GSM1_matrix.mtx`` to
``GSM1_features.tsv`` and ``GSM1_barcodes.tsv``, ``UniqueAndMult-EM.mtx`` to ``features.tsv`` and ``barcodes.tsv``.
"""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from acyclome.errors import AcyclomeError, InputError, MemoryLimitError
from acyclome.io import causes, tenx
from acyclome.io.declared import LimitedStream, check_path, memory_limit
from acyclome.wording import plural

if TYPE_CHECKING:
    from anndata import AnnData

_EXPECTED = "a Matrix Market file (.mtx or .mtx.gz) with features.tsv and barcodes.tsv beside it"
# How the names of the files end: Cell Ranger 3 and STARsolo, Cell Ranger 2, kallisto bustools, alevin-fry, Expression
# Atlas, and what people hand in to GEO.
_GENES = ("features.tsv", "genes.tsv", ".genes.txt", "_cols.txt", ".mtx_rows", "features.txt", "genes.txt")
_CELLS = ("barcodes.tsv", ".barcodes.txt", "_rows.txt", ".mtx_cols", "barcodes.txt", "cells.tsv")
_SYMBOLS = (".genes.names.txt",)  # of kallisto, line by line those of .genes.txt
_CELLS_BY_ROW = (
    ".genes.txt",
    "_cols.txt",
)  # which write cells x genes; extents tell it unless they are one
_AROUND = ' \r\n"'  # names as R writes them have quotes
_LONGEST = 2**20  # bytes of a line of comment; Cell Ranger writes what it was called with
_LEAST_LINE = 4  # bytes of an entry: two indices of one digit, a blank, an end of line
_PACKED = 1100  # times, at most, gzip makes a text smaller
_ENTRY = 24  # bytes of memory: two indices and a value, before they are sorted into rows
_BROKEN = (OSError, EOFError, ValueError, OverflowError, TypeError, zlib.error)


class _Head(NamedTuple):
    """What the first lines of a Matrix Market file declare."""

    layout: str  # coordinate, or array: all values, column by column
    kind: str  # integer, real or pattern
    n_rows: int
    n_columns: int
    n_entries: int


class _Files(NamedTuple):
    matrix: Path
    genes: Path
    cells: Path
    symbols: Path | None


def read_folder(folder: Path) -> AnnData:
    """Read the one matrix of a folder; of several the one that is called ``matrix.mtx``."""
    found = sorted(path for path in folder.iterdir() if _without_gz(path).endswith(".mtx"))
    plain = [path for path in found if _without_gz(path) == "matrix.mtx"]
    chosen = found if len(found) == 1 else plain
    if len(chosen) != 1:
        names = ", ".join(path.name for path in found[:12]) or "none"
        # As outs of Cell Ranger, which holds folders of matrices and files with the same.
        inside = [*sorted({path.parent for path in folder.glob("*/*.mtx*")}), *sorted(folder.glob("*_matrix.h5"))]
        advice = (
            f"Name the one you want, such as {(found or inside)[0]}."
            if found or inside
            else "Expected the output of Cell Ranger or the like."
        )
        msg = f"The folder {str(folder)!r} should hold one file matrix.mtx (or .gz); found {names}. {advice}"
        raise InputError(msg)
    return read_mtx(chosen[0])


def read_mtx(path: Path) -> AnnData:
    """Read a Matrix Market file as cells x genes, with the names that stand beside it.

    Raises
    ------
    InputError
        If names are absent or not as many as the matrix has rows and columns, or a file is damaged.
    """
    files = _files(path)
    features, cells = _lines(files.genes), [line[0] for line in _lines(files.cells)]
    try:
        with _open(path) as stream:
            head = _read_head(stream)
            is_turned = _check_extents(files, head, (len(features), len(cells)))
            X = _read_matrix(stream, head)
    except AcyclomeError:
        raise
    except _BROKEN as error:
        raise causes.unreadable(path, error, _EXPECTED) from error
    X = X if is_turned else X.T.tocsr()
    notes = []
    kinds = None
    if any(len(line) > 2 for line in features):
        kinds = [line[2] if len(line) > 2 else tenx.EXPRESSION for line in features]
        bare = [line[0] for line in features if len(line) < 3]
        if bare:
            notes.append(
                f"{plural(len(bare), 'line')} of {files.genes.name} without a kind ({bare[0]} ...), read as gene "
                "expression."
            )
    symbols = [line[min(1, len(line) - 1)] for line in features]
    if files.symbols is not None and len(named := _lines(files.symbols)) == len(features):
        symbols = [line[0] for line in named]
    return tenx.annotated(X, cells, symbols, ids=[line[0] for line in features], kinds=kinds, notes=notes)


def _files(path: Path) -> _Files:
    genes, cells = _beside(path, _GENES), _beside(path, _CELLS)
    if genes is None or cells is None:
        absent = " and ".join(
            word for word, file in (("features.tsv (or genes.tsv)", genes), ("barcodes.tsv", cells)) if file is None
        )
        msg = (
            f"Beside {str(path)!r} there is no {absent} whose name begins as that of the matrix does. Expected the "
            "names of its genes and of its cells, one a line. Copy the files of one run into a folder of its own."
        )
        raise InputError(msg)
    return _Files(path, genes, cells, _beside(path, _SYMBOLS))


def _beside(path: Path, endings: tuple[str, ...]) -> Path | None:
    """Return the file beside a matrix that shares the longest beginning with it and has one of the endings."""
    stem = _without_gz(path).removesuffix(".mtx")
    found: dict[str, list[Path]] = {}
    for file in sorted(path.parent.iterdir()):
        name = _without_gz(file)
        ending = next((ending for ending in endings if name.endswith(ending)), None)
        if ending is not None and stem.startswith(name.removesuffix(ending)):
            found.setdefault(name.removesuffix(ending), []).append(file)
    if not found:
        return None
    nearest = found[max(found, key=len)]
    if len(nearest) > 1:
        names = ", ".join(file.name for file in nearest)
        msg = f"Beside {str(path)!r} there are {names}; expected one of them. Move the others elsewhere."
        raise InputError(msg)
    return nearest[0]


def _check_extents(files: _Files, head: _Head, names: tuple[int, int]) -> bool:
    """Return whether cells are rows; refuse a matrix that is not of these names, or larger than file and memory."""
    layout, _, n_rows, n_columns, n_entries = head
    n_genes, n_cells = names
    by_row = files.genes.name.removesuffix(".gz").endswith(_CELLS_BY_ROW)
    fits = [turned for turned in (by_row, not by_row) if (n_rows, n_columns) == _extents(n_genes, n_cells, turned)]
    if not fits:
        msg = (
            f"The files in {str(files.matrix.parent)!r} do not belong together: {files.matrix.name} has {n_rows:,} "
            f"rows and {plural(n_columns, 'column')}, {files.genes.name} {plural(n_genes, 'line')} and "
            f"{files.cells.name} {n_cells:,}. Copy the three files of one run; a first line that is a header has to go."
        )
        raise InputError(msg)
    size = files.matrix.stat().st_size * (_PACKED if files.matrix.suffix == ".gz" else 1)
    if n_entries * (_LEAST_LINE if layout == "coordinate" else 2) > size:
        msg = f"it declares {plural(n_entries, 'entry|entries')}, more than it can hold"
        raise ValueError(msg)
    needed = _ENTRY * n_entries
    if needed > memory_limit():
        msg = (
            f"{files.matrix} has {plural(n_entries, 'entry|entries')}, {needed / 2**30:.0f} GB; this machine has less "
            "memory."
        )
        raise MemoryLimitError(msg)
    return fits[0]


def _extents(n_genes: int, n_cells: int, is_turned: bool) -> tuple[int, int]:
    return (n_cells, n_genes) if is_turned else (n_genes, n_cells)


def _read_head(stream: Any) -> _Head:
    words = stream.readline(_LONGEST).decode("ascii", errors="replace").lower().split()
    if words[:2] != ["%%matrixmarket", "matrix"] or words[2:3] not in (["coordinate"], ["array"]):
        msg = "its first line is not that of a Matrix Market file"
        raise ValueError(msg)
    layout, kind, symmetry = (*words[2:5], "", "")[:3]
    if kind not in ("integer", "unsigned-integer", "real", "double", "pattern") or symmetry != "general":
        msg = f"it holds {kind} numbers of a {symmetry} matrix, which those of genes and cells are not"
        raise ValueError(msg)
    line = b"%"
    while line and (line.startswith(b"%") or not line.strip()):
        line = stream.readline(_LONGEST)
    extents = [int(word) for word in line.split()]
    if len(extents) != (3 if layout == "coordinate" else 2) or min(extents) < 0:
        msg = "the line below its comments does not tell rows, columns and entries"
        raise ValueError(msg)
    return _Head(layout, kind, *(extents if layout == "coordinate" else [*extents, extents[0] * extents[1]]))


def _read_matrix(stream: Any, head: _Head) -> sp.csr_matrix:
    """Read the entries, each of which must be what the head says it is.

    The parser of scipy reads 1 from 1.5 or 1,5 under an integer head, and crashes at zero bytes and at a last line
    without an end.
    """
    import pandas as pd

    shape = (head.n_rows, head.n_columns)
    if head.n_entries == 0:
        return sp.csr_matrix(shape)
    value = "int64" if head.kind.endswith("integer") else "float64"
    kinds = {"coordinate": ["int64", "int64", *([] if head.kind == "pattern" else [value])], "array": [value]}[
        head.layout
    ]
    cells = pd.read_csv(
        stream, sep=r"\s+", header=None, dtype=dict(enumerate(kinds)), low_memory=False, na_filter=False
    )
    if cells.shape != (head.n_entries, len(kinds)):
        found = f"{cells.shape[0]:,} lines of {cells.shape[1]} cells"
        msg = f"it declares {head.n_entries:,} entries of {len(kinds)} cells, and has {found}"
        raise ValueError(msg)
    columns = [cells[name].to_numpy() for name in cells]
    if head.layout == "array":
        return sp.csr_matrix(columns[0].reshape(shape, order="F"))
    rows, places = columns[0] - 1, columns[1] - 1
    if min(rows.min(), places.min()) < 0 or rows.max() >= shape[0] or places.max() >= shape[1]:
        msg = f"its entries lie outside of {shape[0]:,} rows and {shape[1]:,} columns, counted from 1"
        raise ValueError(msg)
    values = np.ones(len(rows), dtype=np.int64) if head.kind == "pattern" else columns[2]
    X = sp.csr_matrix((values, (rows, places)), shape=shape)
    if X.nnz < head.n_entries:
        msg = f"{head.n_entries - X.nnz:,} of its entries are given twice"
        raise ValueError(msg)
    return X


def _open(path: Path) -> io.BufferedReader:
    stream = gzip.GzipFile(path, "rb") if path.suffix == ".gz" else path.open("rb")
    return io.BufferedReader(LimitedStream(stream, repr(str(path))))


def _without_gz(path: Path) -> str:
    return path.name.removesuffix(".gz")


def _lines(path: Path) -> list[list[str]]:
    check_path(path)
    opener = gzip.open if path.suffix == ".gz" else Path.open
    try:
        with opener(path, "rt", encoding="utf-8") as stream:
            return [[cell.strip(_AROUND) for cell in line.split("\t")] for line in stream if line.strip()]
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise causes.unreadable(path, error, "names, one a line, the columns apart by tabs") from error
