"""Reading the true edges of a network: tables with a header, gold standards of the DREAM challenges, and sif files."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import TYPE_CHECKING

from acyclome.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_NAMES = {
    "source": ("source", "cause", "parent", "regulator", "tf", "gene1", "from"),
    "target": ("target", "effect", "child", "gene2", "to"),
    "sign": ("sign", "weight", "type", "coefficient"),
}
# Of sif files; SynTReN writes ac and re.
_RELATION_SIGNS = {"ac": "+", "re": "-", "activates": "+", "inhibits": "-", "+": "+", "-": "-"}
_Row = tuple[str, str, str]


def read_truth(path: Path) -> pd.DataFrame:
    """Read true edges as a table with the columns source, target and sign (+, -, a signed number, or empty).

    With a header the columns are found by name (source and target, or words that mean so). Without one, two columns are
    source and target, a third of 0 and 1 marks the true rows (DREAM); in ``.sif`` the relation stands between.
    """
    import pandas as pd

    rows = _read_rows(path)
    if ".sif" in path.suffixes:
        edges = _from_sif(rows)
    else:
        columns = {kind: _find(rows[0], names) for kind, names in _NAMES.items()} if rows else {}
        has_header = columns.get("source") is not None and columns.get("target") is not None
        edges = _from_header(rows[1:], columns) if has_header else _from_columns(rows)
    if not edges:
        first = " | ".join(rows[0][:6]) if rows else "nothing"
        msg = (
            f"No true edge was found in {path}; its first line reads: {first}. Expected a table whose header names "
            "source and target, two columns without a header, source target 0|1 (DREAM), or a .sif file."
        )
        raise InputError(msg)
    return pd.DataFrame(edges, columns=["source", "target", "sign"])


def _read_rows(path: Path) -> list[list[str]]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")  # Excel writes the mark
    except (OSError, EOFError, UnicodeDecodeError) as error:
        msg = f"The true edges in {path} cannot be read: {error}. Expected a text table, plain or packed with gzip."
        raise InputError(msg) from error
    first = text.split("\n", 1)[0]
    delimiter = next((sign for sign in ("\t", ",", ";") if sign in first), None)  # tabs first: names may hold commas
    if delimiter is None:
        rows = [line.split() for line in text.splitlines()]
    else:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
    return [row for row in rows if any(row) and not row[0].startswith("#")]


def _find(header: list[str], names: tuple[str, ...]) -> int | None:
    folded = [cell.casefold() for cell in header]
    return next((folded.index(name) for name in names if name in folded), None)


def _from_header(rows: list[list[str]], columns: dict[str, int | None]) -> list[_Row]:
    source, target, sign = columns["source"], columns["target"], columns["sign"]
    if source is None or target is None:
        return []
    wide = [row for row in rows if len(row) > max(source, target)]
    return [(row[source], row[target], row[sign] if sign is not None and len(row) > sign else "") for row in wide]


def _from_columns(rows: list[list[str]]) -> list[_Row]:
    wide = [row for row in rows if len(row) > 1]
    marks = {row[2] for row in wide if len(row) > 2}
    if marks and marks <= {"0", "1"}:  # of DREAM, whose lists have every possible pair
        return [(row[0], row[1], "") for row in wide if len(row) > 2 and row[2] == "1"]
    return [(row[0], row[1], row[2] if len(row) > 2 else "") for row in wide]


def _from_sif(rows: list[list[str]]) -> list[_Row]:
    return [(row[0], target, _RELATION_SIGNS.get(row[1].casefold(), "")) for row in rows for target in row[2:]]
