"""Sets of genes in the gmt form of MSigDB and Enrichr: a line a set, its name, a remark, and its genes, with tabs."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from acyclome.errors import InputError, examples
from acyclome.io.causes import check_beginning
from acyclome.io.declared import check_path
from acyclome.knowledge.regulators import likely_reason

FEWEST = 3  # genes of the data in a set that counts: of two nothing says that they move together
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
    names, columns, few, found = [], [], [], set[str]()
    for number, line in enumerate(_lines(Path(path)), 1):
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) < 3:
            msg = f"Line {number} of {os.fspath(path)!r} has {len(cells)} cells; expected {FORM}."
            raise InputError(msg)
        found |= {cell for cell in cells[2:] if cell}
        column = np.zeros(len(genes), bool)
        column[[k for cell in cells[2:] for k in place.get(cell, [])]] = True
        if column.sum() >= FEWEST:
            names.append(cells[0])
            columns.append(column)
        else:
            few.append(cells[0])
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        msg = f"Sets of {os.fspath(path)!r} share a name: {examples(twice)}. Expected one line a set."
        raise InputError(msg)
    if not names:
        reason = likely_reason(genes, sorted(found)) or "Give sets of the same kind of names."
        msg = (
            f"No set of {os.fspath(path)!r} has {FEWEST} genes of the data. It names {examples(sorted(found), 3)}, the "
            f"data have {examples(genes, 3)}. {reason}"
        )
        raise InputError(msg)
    return GeneSets(names, np.column_stack(columns), _notes(path, few, of=len(few) + len(names)))


def _notes(path: str | os.PathLike[str], few: list[str], *, of: int) -> tuple[str, ...]:
    if not few:
        return ()
    said = f"have fewer than {FEWEST} genes of the data and are left out: {examples(few)}"
    return (f"{len(few)} of {of} sets of {os.fspath(path)!r} {said}.",)


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
