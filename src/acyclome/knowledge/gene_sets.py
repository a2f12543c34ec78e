"""Sets of genes in the gmt form of MSigDB and Enrichr: a line a set, its name, a remark, and its genes, with tabs."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from acyclome.errors import InputError, examples
from acyclome.io.causes import check_beginning
from acyclome.io.declared import check_path
from acyclome.knowledge.regulators import likely_reason
from acyclome.wording import plural

FEWEST = 3  # genes of the data in a set that counts: of two nothing says that they move together
_WEIGHT = re.compile(r",[-+]?\d+(\.\d*)?([eE][-+]?\d+)?$")  # which Enrichr writes behind genes
FORM = "a gmt file: on every line a name, a remark and genes, with tabs between"


class GeneSets(NamedTuple):
    """Names of sets, which genes of the data each has, ``(d, s)`` bool, and what should be known of those left out."""

    names: list[str]
    sets: np.ndarray
    notes: tuple[str, ...] = ()

    @classmethod
    def none(cls, n_genes: int) -> GeneSets:
        return cls([], np.zeros((n_genes, 0), bool))


def read_gene_sets(
    path: str | os.PathLike[str] | None, genes: Sequence[str], *, symbols: Mapping[str, str] | None = None
) -> GeneSets:
    """Read the sets of a file as far as their genes are in the data, by name or ``symbols`` of names; None has none.

    Raises
    ------
    InputError
        If the file cannot be read, is no gmt, or no set has ``FEWEST`` genes of the data.
    """
    if path is None:
        return GeneSets.none(len(genes))
    place = {gene: [k] for k, gene in enumerate(genes)}
    for gene, symbol in (symbols or {}).items():
        if symbol != gene:
            place.setdefault(symbol, []).extend(place[gene])
    names, columns, few, found, unread = [], [], [], set[str](), list[str]()
    for number, line in enumerate(_lines(Path(path)), 1):
        name, remark, own = _cells(line, f"Line {number} of {os.fspath(path)!r}")
        found |= own
        unread += [remark] if remark in place and remark not in own else []
        column = np.zeros(len(genes), bool)
        column[[k for gene in own for k in place.get(gene, [])]] = True
        if column.sum() >= FEWEST:
            names.append(name)
            columns.append(column)
        else:
            few.append(name)
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        msg = f"Sets of {os.fspath(path)!r} share a name: {examples(twice)}. Expected one line a set."
        raise InputError(msg)
    if not names:
        is_known = any(gene in place for gene in found)
        advice = "Sets of fewer say nothing of modules." if is_known else "Give sets of the same kind of names."
        msg = (
            f"No set of {os.fspath(path)!r} has {FEWEST} genes of the data. It names {examples(sorted(found), 3)}, the "
            f"data have {examples(genes, 3)}. {likely_reason(genes, sorted(found)) or advice}"
        )
        raise InputError(msg)
    return GeneSets(names, np.column_stack(columns), tuple(_notes(path, few, unread, of=len(few) + len(names))))


def _cells(line: str, where: str) -> tuple[str, str, set[str]]:
    """Return name, remark and genes of a line."""
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) < 3 or not cells[0]:
        what = f"has {plural(len(cells), 'cell')}" if len(cells) < 3 else "names no set"
        msg = f"{where} {what}; expected {FORM}."
        raise InputError(msg)
    return cells[0], cells[1], {_WEIGHT.sub("", cell) for cell in cells[2:] if cell}


def _notes(path: str | os.PathLike[str], few: list[str], unread: list[str], *, of: int) -> Iterator[str]:
    if few:
        said = f"have fewer than {FEWEST} genes of the data and are left out: {examples(few)}"
        yield f"{len(few)} of {of} sets of {os.fspath(path)!r} {said}."
    if unread:
        said = "a gene of the data where a gmt file has its remark, which is not read as a gene of the set"
        yield f"{len(unread)} of {of} sets of {os.fspath(path)!r} have {said}: {examples(unread)}."


def _lines(path: Path) -> list[str]:
    if path.is_file():
        check_beginning(path, FORM, may_be_packed=True)
    try:
        check_path(path)
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        msg = f"The gene sets {os.fspath(path)!r} cannot be read: {str(said).rstrip('.')}. Expected {FORM}."
        raise InputError(msg) from error
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        msg = f"The gene sets {os.fspath(path)!r} are empty; expected {FORM}."
        raise InputError(msg)
    return lines
