"""Lists of genes in the forms of the field: one a line, several in a line, a column of a table, the sets of a gmt file.

What a file is can only be told beside the genes of the data: ``TF`` heads a column, and is transferrin too. Where the
form is not the plain one, what was read is said.
"""

from __future__ import annotations

import csv
import gzip
import os
import re
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from acyclome.errors import InputError, examples
from acyclome.io.causes import check_beginning
from acyclome.io.declared import check_path
from acyclome.options.sections import SHIPPED_REGULATORS
from acyclome.wording import plural

# Heads of columns that hold regulators, likelier ones first; then those of tables about genes of every kind.
_HEADS = (
    *("tf", "tfs", "tf_name", "tf name", "transcription factor", "transcription_factor", "regulator", "regulators"),
    *("source", "symbol", "gene_symbol", "gene symbol", "hgnc symbol", "hgnc_symbol", "gene_name", "gene name", "gene"),
    *("genes", "geneid", "gene_id", "gene id", "ensembl", "ensembl id", "ensembl_id", "name", "names", "id", "x", "v1"),
)
# Lists that come with the package, by what names them; each says at its head where it is from.
SHIPPED = {name: Path(__file__).with_name("transcription_factors") / f"{name}.txt" for name in SHIPPED_REGULATORS}
_REGULON = re.compile(r"[ _]*\([-+]\)$")  # of pySCENIC: SPI1(+)
_IS_TF = "is tf?"  # column of the list of Lambert et al. 2018, which has the genes that are none too


class Listed(NamedTuple):
    """Names in the order of the file, each once, and what is to be said of how they were read."""

    names: list[str]
    notes: tuple[str, ...] = ()


def is_shipped(path: str | os.PathLike[str]) -> bool:
    """Return whether a path names a list that comes with the package: human or mouse, if there is no such file."""
    return os.fspath(path) in SHIPPED and not os.path.exists(path)  # noqa: PTH110 - False of what no system takes


def read_list(path: str | os.PathLike[str], genes: Collection[str] = ()) -> Listed:
    """Read a list of genes; ``#`` begins a comment, repeats are dropped; ``genes`` are those of the data."""
    known, file = frozenset(genes), Path(path)
    rows = _read(path, known)
    if ".gmt" in file.suffixes:
        names, note = [row[0] for row in rows], "the names of its sets"
    elif any(cell.casefold() in _HEADS for cell in rows[0]):
        names, note = _column(rows, known)
    else:
        names, note = _without_header(rows, known, os.fspath(path))
    names = [bare if name not in known and (bare := _REGULON.sub("", name)) else name for name in names]
    names = list(dict.fromkeys(filter(None, names)))
    if not names:
        msg = f"The list of regulators {os.fspath(path)!r} has a header and no gene below it; expected one gene a line."
        raise InputError(msg)
    said = (
        f"Of the list of regulators {file.name} were read {note}: {plural(len(names), 'name')}, {examples(names, 3)}."
    )
    return Listed(names, (said,) if note else ())


def check_list(path: str | os.PathLike[str]) -> None:
    """Raise an InputError if a list cannot be read, or names nothing."""
    _read(path, frozenset())


def _read(path: str | os.PathLike[str], known: frozenset[str]) -> list[list[str]]:
    at = SHIPPED[os.fspath(path)] if is_shipped(path) else path
    lines = [cut for line in _text(at).splitlines() if (cut := line.split("#")[0].strip())]
    rows = _rows(lines, known)
    if not rows:
        msg = f"The list of regulators {os.fspath(path)!r} names no gene; expected one gene a line."
        raise InputError(msg)
    return rows


def _text(path: str | os.PathLike[str]) -> str:
    if os.path.isfile(path):  # noqa: PTH113 - False, too, of a name that no system takes
        check_beginning(Path(path), "a text file with one gene a line", may_be_packed=True)
    try:
        check_path(Path(path))
        raw = Path(path).read_bytes()
        return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")  # Excel writes a mark
    except (OSError, EOFError, zlib.error, ValueError) as error:
        said = next((text for each in (error, error.__cause__) if (text := getattr(each, "strerror", None))), error)
        msg = (
            f"The list of regulators {os.fspath(path)!r} cannot be read: {str(said).rstrip('.')}. "
            "Expected a text file with one gene a line."
        )
        raise InputError(msg) from error


def _rows(lines: Sequence[str], known: frozenset[str]) -> list[list[str]]:
    """Return the cells of every line, cut at its tabs, else semicolons, commas, or blanks between names of genes."""
    rows = []
    for line in lines:
        mark = next((mark for mark in "\t;," if mark in line), "")
        words = line.split()
        if mark:
            cells = next(csv.reader([line], delimiter=mark, skipinitialspace=True))
        elif len(words) > 1 and line not in known and sum(word in known for word in words) * 2 > len(words):
            cells = words
        else:
            cells = [line]
        cells = [cell.strip().strip('"') for cell in cells]
        while cells and not cells[-1]:
            cells.pop()
        rows += [cells] if cells else []
    return rows


def _column(rows: list[list[str]], known: frozenset[str]) -> tuple[list[str], str]:
    """Return what stands below the likeliest head, or below the one that has more of the genes if that has none."""
    first, body = [cell.casefold() for cell in rows[0]], rows[1:]
    if _IS_TF in first:
        at = first.index(_IS_TF)
        body = [row for row in body if len(row) > at and row[at].casefold() == "yes"]
    heads = sorted({head for head in first if head in _HEADS}, key=_HEADS.index)
    columns = {head: [row[at] for row in body if len(row) > at] for head in heads for at in [first.index(head)]}
    best = heads[0]
    if known.isdisjoint(columns[best]):
        best = max(heads, key=lambda head: len(known.intersection(columns[head])))
    name = rows[0][first.index(best)]
    if name in known:
        return columns[best], f"what stands below the header {name!r}, which is a gene too and is not meant"
    return columns[best], "" if len(first) == 1 else f"what stands below the header {name!r}"


def _without_header(rows: list[list[str]], known: frozenset[str], path: str) -> tuple[list[str], str]:
    """Return the first cells of a table without a header, or all cells where a line holds several names."""
    cells = [cell for row in rows for cell in row]
    others = [cell for row in rows for cell in row[1:]]
    is_ragged = len({len(row) for row in rows}) > 1
    has_names = len(rows) == 1 or sum(cell in known for cell in others) * 2 > len(others)
    if not others:
        return cells, ""
    if has_names and (len(rows) == 1 or is_ragged):
        return cells, "all names, of which a line holds several"
    if has_names and not any(_is_number(cell) for cell in others):
        msg = (
            f"Every line of the list of regulators {path!r} holds {plural(len(rows[0]), 'gene')}, the first "
            f"{' and '.join(rows[0])}. It may be a list or a table of edges: write one gene a line, or a header such "
            "as TF and target."
        )
        raise InputError(msg)
    return [row[0] for row in rows], "the first cells of its lines"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
