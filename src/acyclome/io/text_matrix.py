"""Expression in csv and tsv files, compressed or not: numbers, with names in the first line and the first column."""

from __future__ import annotations

import csv
import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from acyclome.errors import InputError, examples
from acyclome.io.gene_names import heads_names, lies_on_its_side

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

SUFFIXES = (".csv", ".tsv", ".tab", ".txt")
_SEPARATORS = {".csv": ",;\t", ".tsv": "\t,;", ".tab": "\t,;", ".txt": "\t,; "}


class _Head(NamedTuple):
    """How a table begins: its separator, the cells of its first line, and how many cells the second line has."""

    separator: str
    first: list[str]
    width: int
    second: list[str]


def read_text_matrix(path: Path, genes_as: Literal["columns", "rows"]) -> AnnData:
    """Read a table of numbers as observations x genes, as the names in its first line and column say."""
    import pandas as pd

    head = _read_head(path)
    has_index = _has_index(head)
    columns = head.first[1:] if has_index and len(head.first) == head.width else head.first
    try:
        table = pd.read_csv(path, sep=head.separator, header=None, skiprows=1, low_memory=False, encoding="utf-8-sig")
    except (pd.errors.ParserError, UnicodeDecodeError, OSError, EOFError, zlib.error) as error:
        raise InputError(_unreadable(path, str(error))) from error
    index = table.iloc[:, 0].astype(str).tolist() if has_index else [str(row) for row in range(len(table))]
    table = table.iloc[:, 1:] if has_index else table
    if table.shape[1] != len(columns):
        reason = f"the first line names {len(columns)} columns, the lines hold {table.shape[1]}"
        raise InputError(_unreadable(path, reason))
    X = _numbers(path, table, index, columns=columns)
    _check_side(path, genes_as, index, columns=columns, corner=head.first[0] if has_index else "")
    return _annotated(X, index, columns) if genes_as == "columns" else _annotated(X.T, columns, index)


def _read_head(path: Path) -> _Head:
    suffix = next((one for one in reversed(path.suffixes) if one.lower() in _SEPARATORS), ".txt").lower()
    try:
        opener = gzip.open if path.suffix.lower() == ".gz" else Path.open
        with opener(path, "rt", encoding="utf-8-sig", newline="") as stream:
            lines = [stream.readline(), stream.readline()]
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise InputError(_unreadable(path, str(error))) from error
    if not lines[1].strip():
        raise InputError(_unreadable(path, "it has fewer than two lines"))
    separator = next((mark for mark in _SEPARATORS[suffix] if mark in lines[1].strip()), _SEPARATORS[suffix][0])
    first, second = (next(csv.reader([line.rstrip("\r\n")], delimiter=separator)) for line in lines)
    return _Head(separator, [cell.strip() for cell in first], len(second), second)


def _has_index(head: _Head) -> bool:
    """Return whether the first column holds names: it has no or an index-like header, or its cell is no number."""
    return len(head.first) == head.width - 1 or heads_names(head.first[0]) or not _is_number(head.second[0])


def _numbers(path: Path, table: pd.DataFrame, index: list[str], *, columns: list[str]) -> np.ndarray:
    """Return the cells as float32; text among them, and numbers where names belong, are refused."""
    if all(_is_number(name) and "." in name for name in columns):
        raise InputError(_unreadable(path, f"its first line holds numbers ({examples(columns, 3)}) instead of names"))
    text = [column for column, kind in enumerate(table.dtypes) if kind.kind not in "biufc"]
    if text:
        column = table.iloc[:, text[0]]
        row = next(row for row, cell in enumerate(column) if isinstance(cell, str) and not _is_number(cell))
        more = f", and in {len(text) - 1} further columns" if len(text) > 1 else ""
        msg = (
            f"{str(path)!r} holds text among its numbers: {column.iloc[row]!r} in the row {index[row]!r}, column "
            f"{columns[text[0]]!r}{more}. Expected numbers everywhere but in the first line and the first column. "
            "Remove annotation columns (cell types belong into the obs of an h5ad file); write decimals with a point."
        )
        raise InputError(msg)
    return np.ascontiguousarray(table.to_numpy(dtype=np.float32))


def _check_side(path: Path, genes_as: str, index: list[str], *, columns: list[str], corner: str) -> None:
    if genes_as == "columns" and lies_on_its_side(index, columns, corner):
        raise InputError(
            sideways(path, index, columns, way_out="Use --genes-as rows (genes_as: rows in the configuration).")
        )
    if genes_as == "rows" and lies_on_its_side(columns, index):
        raise InputError(sideways(path, columns, index, way_out="Leave out --genes-as rows."))


def sideways(path: object, observations: list[str], genes: list[str], *, way_out: str) -> str:
    return (
        f"{str(path)!r} seems transposed: read like this, its {len(observations):,} observations are named "
        f"{examples(observations)} and its {len(genes):,} genes {examples(genes)}. Expected observations (cells, "
        f"samples) that are described by genes; the network would be one of cells. {way_out}"
    )


def _annotated(X: np.ndarray, observations: list[str], genes: list[str]) -> AnnData:
    import pandas as pd
    from anndata import AnnData

    return AnnData(X, obs=pd.DataFrame(index=pd.Index(observations)), var=pd.DataFrame(index=pd.Index(genes)))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _unreadable(path: Path, reason: str) -> str:
    return (
        f"Cannot read {str(path)!r} as a table of expression: {reason}. Expected names in the first line and the first "
        "column and numbers elsewhere, separated by commas (.csv) or tabs (.tsv), plain or compressed (.gz)."
    )
