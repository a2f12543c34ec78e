"""Expression in csv and tsv files, compressed or not: numbers, with names in the first line and the first column.

What programs and spreadsheets put beside the numbers is left out, and said so: lines of comment above, columns that
annotate genes or count rows, columns and lines without anything in them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from acyclome.errors import InputError, examples
from acyclome.io import causes
from acyclome.io.anndata_files import NOTES_KEY
from acyclome.io.gene_names import heads_names, lies_on_its_side
from acyclome.io.strangers import annotates_genes, is_no_observation, may_annotate_genes
from acyclome.io.text_head import BROKEN, EXPECTED, Head, is_number, open_bytes, read_head
from acyclome.wording import plural

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+")


@dataclass
class _Table:
    """Cells with the names of their rows and columns, and what was left out of them."""

    cells: pd.DataFrame
    rows: list[str]
    columns: list[str]
    corner: str
    notes: list[str] = field(default_factory=list)

    def drop(self, axis: int, gone: np.ndarray, reason: str) -> None:
        """Leave out rows (0) or columns (1), and say so."""
        names = self.columns if axis else self.rows
        if gone.any():
            shown = examples([name or "(no name)" for name, is_gone in zip(names, gone, strict=True) if is_gone])
            what = "columns" if axis else "lines"
            self.notes.append(f"{int(gone.sum())} {what} left out, {reason}: {shown}.")
            names[:] = [name for name, is_gone in zip(names, gone, strict=True) if not is_gone]
            self.cells = self.cells.loc[:, ~gone] if axis else self.cells.loc[~gone]


def read_text_matrix(path: Path, genes_as: Literal["columns", "rows"]) -> AnnData:
    """Read a table of numbers as observations x genes, as the names in its first line and column say."""
    table = _read_table(path)
    _leave_out_empty(table)
    _leave_out_counters(table)
    if genes_as == "rows":
        _leave_out_annotations(table)
    _check_side(path, genes_as, table)
    X = _numbers(path, table)
    n_axis = 0 if genes_as == "columns" else 1
    observations = table.rows if genes_as == "columns" else table.columns
    strange = np.array([is_no_observation(name) for name in observations], dtype=bool)
    X = np.compress(~strange, X, axis=n_axis)
    table.drop(n_axis, strange, "sums and measures of genes rather than observations")
    return _annotated(X, table, is_turned=genes_as == "rows")


def _read_table(path: Path) -> _Table:
    import pandas as pd

    head = read_head(path)
    columns = head.first[1:] if head.has_index and len(head.first) == len(head.second) else head.first
    cells, notes = _read_cells(path, head, "."), []
    if head.separator != ",":
        commas = [cell for cell in _texts(cells.iloc[:, int(head.has_index) :]) if _COMMA_NUMBER.fullmatch(cell)]
        if commas and all(_THOUSANDS.fullmatch(cell) for cell in commas):
            reason = f"{commas[0]!r} can be a thousand and some, or one and some"
            raise causes.unreadable(path, reason, f"{EXPECTED}; decimals with a point, thousands without a mark")
        if commas:
            cells = _read_cells(path, head, ",")
            notes.append(f"Numbers with a comma were read as decimals ({examples(commas, 2)}).")
    index = (
        [str(cell).strip() for cell in cells.iloc[:, 0]] if head.has_index else [str(row) for row in range(len(cells))]
    )
    if len(head.first) < len(head.second) and len(set(index)) < len(index) and all(map(is_number, index)):
        reason = (
            f"the first line names {plural(len(head.first), 'column')}, the lines hold {len(head.second)}, the first "
            "no names"
        )
        raise causes.unreadable(path, reason, EXPECTED)
    cells = cells.iloc[:, 1:] if head.has_index else cells
    if cells.shape[1] != len(columns):
        reason = f"the first line names {plural(len(columns), 'column')}, the lines hold {cells.shape[1]}"
        raise causes.unreadable(path, reason, EXPECTED)
    corner = head.first[0] if head.has_index else ""
    return _Table(pd.DataFrame(cells), index, list(columns), corner, notes)


def _read_cells(path: Path, head: Head, decimal: str) -> pd.DataFrame:
    import pandas as pd

    # As they stand: NA may be a gene, 007 a sample. After a blank: pandas 3 looks for NA in what a converter gives.
    names = {0: " {}".format} if head.has_index else {}
    try:
        with open_bytes(path) as stream:
            return pd.read_csv(
                stream,
                sep=head.separator,
                header=None,
                skiprows=head.skipped + 1,
                low_memory=False,
                encoding="utf-8-sig",
                converters=names,
                decimal=decimal,
            )
    except BROKEN as error:
        raise causes.unreadable(path, error, EXPECTED) from error


def _texts(cells: pd.DataFrame) -> list[str]:
    columns = [column for _, column in cells.items() if column.dtype.kind == "O"]
    return [cell for column in columns for cell in column if isinstance(cell, str)]


def _leave_out_empty(table: _Table) -> None:
    """Leave out what spreadsheets write beyond the table: columns and lines without name and values."""
    nothing = table.cells.isna().to_numpy()
    bare = [re.fullmatch(r"|Unnamed: \d+", name) is not None for name in table.columns]
    table.drop(1, np.array(bare, bool) & nothing.all(axis=0), "empty")
    unnamed = np.array([name == "" for name in table.rows], dtype=bool)
    table.drop(0, unnamed & table.cells.isna().to_numpy().all(axis=1), "empty")


def _leave_out_counters(table: _Table) -> None:
    """Leave out columns that count the lines; names that count them make way for those in the next column."""
    n = len(table.rows)
    lines = [np.arange(n), np.arange(1, n + 1)]
    counts = [
        column.dtype.kind in "iuf" and n > 2 and any(np.array_equal(column, line) for line in lines)
        for _, column in table.cells.items()
    ]
    table.drop(1, np.array(counts, dtype=bool), "they count the lines")
    is_counted = any(table.rows == line.astype(str).tolist() for line in lines)
    if is_counted and table.columns and table.cells.dtypes.iloc[0].kind == "O":
        column = table.cells.iloc[:, 0]
        is_named = column.is_unique or heads_names(table.columns[0])
        if is_named and column.notna().all() and not any(is_number(str(cell)) for cell in column):
            table.corner, table.rows = table.columns[0], [str(cell).strip() for cell in column]
            table.columns, table.cells = table.columns[1:], table.cells.iloc[:, 1:]


def _leave_out_annotations(table: _Table) -> None:
    """Leave out columns that say something of genes: by their header, or as none of their cells is a number."""
    text = np.array(
        [
            column.dtype.kind == "O" and not any(is_number(str(cell)) for cell in column)
            for _, column in table.cells.items()
        ],
        dtype=bool,
    )
    known = np.array([annotates_genes(name) for name in table.columns], dtype=bool)
    maybe = np.array([may_annotate_genes(name) for name in table.columns], dtype=bool) & ~text
    sure = known | text | _are_fractions(table, maybe, among=~(known | text | maybe))
    for line in (np.arange(len(sure)), np.arange(len(sure))[::-1]):  # a block at either side, with one that is sure
        block = line[: int(np.argmin([*(sure | maybe)[line], False]))]
        sure[block] |= sure[block].any()
    kept = [name for name, is_kept in zip(table.columns, maybe & ~sure, strict=True) if is_kept]
    if kept:
        table.notes.append(f"{examples(kept)} hold numbers beside no annotation of genes: read as observations.")
    table.drop(1, sure, "annotations of genes rather than observations")


def _are_fractions(table: _Table, which: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Return which columns hold fractions where all those `among` which they stand hold whole numbers."""
    whole = [column.dtype.kind in "iuf" and bool((column % 1 == 0).all()) for _, column in table.cells.items()]
    are_counts = among.any() and np.array(whole, bool)[among].all()
    return which & ~np.array(whole, bool) & are_counts


def _numbers(path: Path, table: _Table) -> np.ndarray:
    """Return the cells as float32; text among them, and numbers where names belong, are refused."""
    columns = table.columns
    if columns and all(is_number(name) and "." in name for name in columns):
        reason = f"its first line holds numbers ({examples(columns, 3)}) instead of names"
        raise causes.unreadable(path, reason, EXPECTED)
    text = [column for column, kind in enumerate(table.cells.dtypes) if kind.kind not in "biuf"]
    if text:
        column = table.cells.iloc[:, text[0]]
        # Of a table with decimal commas, whose other cells stand as text beside the one that is none.
        cells = (
            (row, cell)
            for row, cell in enumerate(column)
            if not (cell != cell or is_number(str(cell)) or _COMMA_NUMBER.fullmatch(str(cell)))
        )
        row, cell = next(cells, (0, column.iloc[0]))
        more = f", and in {plural(len(text) - 1, 'further column')}" if len(text) > 1 else ""
        msg = (
            f"{str(path)!r} holds text among its numbers: {str(cell)[:40]!r} in the row {table.rows[row]!r}, column "
            f"{columns[text[0]]!r}{more}. Expected numbers everywhere but in the first line and the first column. "
            "Remove annotation columns (cell types belong into the obs of an h5ad file); write decimals with a point, "
            "and thousands without a mark."
        )
        raise InputError(msg)
    with np.errstate(over="ignore"):
        X = np.ascontiguousarray(table.cells.to_numpy(dtype=np.float32))
    _check_range(path, table, X)
    return X


def _check_range(path: Path, table: _Table, X: np.ndarray) -> None:
    if not np.isinf(X).any():
        return
    values = table.cells.to_numpy(dtype=np.float64)
    beyond = np.isinf(X) & np.isfinite(values)
    if beyond.any():
        row, column = np.unravel_index(int(np.argmax(beyond)), X.shape)
        msg = (
            f"{str(path)!r} holds {values[row, column]:g} in the row {table.rows[row]!r}, column "
            f"{table.columns[column]!r}. Expected values below {np.finfo(np.float32).max:.1e}."
        )
        raise InputError(msg)


def _check_side(path: Path, genes_as: str, table: _Table) -> None:
    index, columns = table.rows, table.columns
    if genes_as == "columns" and lies_on_its_side(index, columns, table.corner):
        raise InputError(
            sideways(path, index, columns, way_out="Use --genes-as rows (genes_as: rows in the configuration).")
        )
    if genes_as == "rows" and lies_on_its_side(columns, index):
        raise InputError(sideways(path, columns, index, way_out="Leave out --genes-as rows."))


def sideways(path: object, observations: list[str], genes: list[str], *, way_out: str) -> str:
    return (
        f"{str(path)!r} seems transposed: read like this, its {plural(len(observations), 'observation|s is|are')} "
        f"named {examples(observations)} and its {plural(len(genes), 'gene')} {examples(genes)}. Expected observations "
        f"(cells, samples) that are described by genes; the network would be one of cells. {way_out}"
    )


def _annotated(X: np.ndarray, table: _Table, *, is_turned: bool) -> AnnData:
    import pandas as pd
    from anndata import AnnData

    observations, genes = (table.columns, table.rows) if is_turned else (table.rows, table.columns)
    X = np.ascontiguousarray(X.T) if is_turned else X
    adata = AnnData(X, obs=pd.DataFrame(index=pd.Index(observations)), var=pd.DataFrame(index=pd.Index(genes)))
    adata.uns[NOTES_KEY] = list(table.notes)
    return adata
