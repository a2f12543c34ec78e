"""Tables of what is known of edges and tiers, read and checked line by line."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from acyclome.errors import InputError, examples
from acyclome.io.causes import check_beginning
from acyclome.io.declared import check_path
from acyclome.knowledge import foreign
from acyclome.wording import plural

KINDS = ("forbidden", "required", "soft", "known")
TABLE = "the table of knowledge"
COLUMNS = {"source": "", "target": "", "weight": "", "sign": "", "kind": "", "scope": "all"}


def read_prior(
    table: pd.DataFrame | str | os.PathLike[str] | None,
    forbidden: str | os.PathLike[str] | None = None,
    required: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Read what is known of edges into one table with the columns of ``COLUMNS``, ``file`` and ``line``.

    Texts are categories, those of source and target in common: a million edges are compared as small numbers.

    ``table`` is one, or a file with tabs or commas, with the columns source and target; weight, sign (+, -), kind
    (forbidden, required, soft, known) and scope (all, most, or the label of a group) may be there.  Files of edges that
    are all ``forbidden`` or ``required`` have source, target and scope; other columns are not read.  An InputError
    names the line at fault.
    """
    parts = [_part(pd.DataFrame(columns=["source", "target"]), "", "", seen=[])]  # no table at all has the columns too
    notes = []
    for given, kind in ((table, ""), (forbidden, "forbidden"), (required, "required")):
        if given is not None:
            label, rows = _labelled(given)
            recognised = foreign.recognise(rows)
            parts.append(_part(recognised.rows, label, kind, seen=list(map(str, rows.columns))))
            if not len(rows):
                notes.append(f"{label} names no edge: it has a header and no line below it. Nothing is known of it.")
            if recognised.note:
                notes.append(f"{label} ({plural(len(rows), 'edge')}) was read so: {recognised.note}.")
    whole = _checked(_stacked(parts))
    whole.attrs["notes"] = notes
    return whole


def _labelled(given: Any) -> tuple[str, pd.DataFrame]:
    if isinstance(given, pd.DataFrame):
        return TABLE, given
    if not isinstance(given, (str, os.PathLike)):
        msg = f"knowledge is a {type(given).__name__}; expected a pandas DataFrame with source and target, or its file."
        raise InputError(msg)
    return repr(os.fspath(given)), _read(given)


def _part(rows: pd.DataFrame, label: str, kind: str, *, seen: list[str]) -> pd.DataFrame:
    """Return the cells of one table, all of one `kind` if it is given, as categories; `seen` are its own columns."""
    missing = [column for column in ("source", "target") if column not in rows]
    if missing:
        msg = (
            f"{label} has no column {' and no column '.join(missing)}; its header is {examples(seen, 8)}. "
            f"Expected a header line with source and target, and if you like {', '.join(list(COLUMNS)[2:])}."
        )
        raise InputError(msg)
    fixed = {"kind": kind, "weight": "", "sign": ""} if kind else {}
    part = pd.DataFrame(
        {name: _coded(fixed.get(name, rows.get(name, "")), len(rows), blank) for name, blank in COLUMNS.items()}
    )
    first = 1 if label == TABLE else 2  # a file has its header in line 1
    return part.assign(file=_coded(label, len(rows)), line=np.arange(len(rows)) + first)


def _stacked(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Lay tables one under the other; source and target get categories in common."""
    names = union_categoricals([part[name] for name in ("source", "target") for part in parts])
    n = len(names) // 2
    texts = {name: union_categoricals([part[name] for part in parts]) for name in (*list(COLUMNS)[2:], "file")}
    line = np.concatenate([part["line"] for part in parts])
    return pd.DataFrame({"source": names[:n], "target": names[n:], **texts, "line": line})


def with_categories(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with texts of any kind as :func:`read_prior` gives them: categories, those of both ends in common."""
    n = len(rows)
    names = _coded(pd.concat([rows["source"], rows["target"]]), 2 * n)
    texts = {name: _coded(rows[name], n) for name in ("sign", "kind", "scope", "file")}
    return rows.assign(source=names[:n], target=names[n:], **texts)


def origin(row: pd.Series) -> str:
    return f"{row['file']}, line {row['line']}"


def _coded(cells: pd.Series | str, size: int, blank: str = "") -> pd.Categorical[str]:
    """Return cells, or one text for all, without blanks around them; each distinct one is looked at once."""
    if isinstance(cells, str):
        return pd.Categorical.from_codes(np.zeros(size, np.int8), pd.Index([cells or blank], dtype=object))
    codes, distinct = pd.factorize(cells, use_na_sentinel=False)
    stripped = ["" if pd.isna(cell) else str(cell).strip() for cell in distinct]
    places, texts = pd.factorize(np.array([text or blank for text in stripped], object))
    return pd.Categorical.from_codes(places[codes], pd.Index(texts, dtype=object))


def _read(path: str | os.PathLike[str]) -> pd.DataFrame:
    packed = os.fspath(path).endswith(".gz")
    if os.path.isfile(path):  # noqa: PTH113 - False, too, of a name that no system takes
        check_beginning(Path(path), "a table with the columns source and target, tabs or commas between them")
    try:
        check_path(Path(path))
        with gzip.open(path, "rt", encoding="utf-8-sig") if packed else Path(path).open(encoding="utf-8-sig") as lines:
            if ".gmt" in Path(path).suffixes:
                return foreign.from_sets(list(lines))
            if ".sif" in Path(path).suffixes:
                return foreign.from_sif(list(lines))
            first = next((str(line) for line in lines if not line.startswith("#") and line.strip()), "")
        sep = max("\t,;", key=first.count) if any(mark in first for mark in "\t,;") else r"\s+"
        names = foreign.header_of(re.split(sep, first.rstrip("\n")))
        how: dict[str, Any] = {"dtype": "category", "comment": "#", "keep_default_na": False, "encoding": "utf-8-sig"}
        rows = pd.read_csv(path, sep=sep, names=names, header=None if names else 0, **how)
    except (OSError, EOFError, zlib.error, ValueError) as error:  # no file, no text, no table
        reason = getattr(error, "strerror", None) or error
        msg = f"The table {os.fspath(path)!r} cannot be read: {reason}. Expected columns source and target, with tabs."
        raise InputError(msg) from error
    beyond = [str(name) for name in rows.index if not str(name).strip('"').isdigit()]  # row numbers are those of R
    if beyond and not isinstance(rows.index, pd.RangeIndex):
        msg = (
            f"The table {os.fspath(path)!r} has lines with more cells than its header names ({rows.shape[1]}), such as "
            f"that which begins with {beyond[0]!r}. Expected a name for each column; genes of one cell are joined by ;."
        )
        raise InputError(msg)
    return rows


def _checked(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with kinds filled in and weights as numbers; a value that will not do is an error."""
    numbers = pd.to_numeric(pd.Series(rows["weight"].cat.categories), errors="coerce").to_numpy(float)
    weight = pd.Series(numbers[rows["weight"].cat.codes])
    given = rows["kind"].cat.set_categories(["", *KINDS])
    kind = given.mask((given == "") & weight.notna(), "soft").mask((given == "") & weight.isna(), "known")
    wrong = {
        "kind": kind.isna(),
        "sign": ~rows["sign"].isin(["", "+", "-"]),
        "weight": (rows["weight"] != "") & ~(weight < 1) | (kind == "soft") & weight.isna(),
        "target": (rows["source"] == rows["target"]) & kind.isin(["required", "soft"]),
    }
    expected = {
        "kind": f"one of {', '.join(KINDS)}, or nothing",
        "sign": "+, - or nothing",
        "weight": "a number below 1, the share of the cost of the edge that is waived (negative: it costs more)",
        "target": "another gene than the source",
    }
    for column, bad in wrong.items():
        if bad.any():
            row = rows[bad].iloc[0]
            msg = (
                f"{origin(row)}: {column} = {row[column]!r} of {row['source']} -> {row['target']}; "
                f"expected {expected[column]}. {plural(int(bad.sum()), 'such line')}."
            )
            raise InputError(msg)
    return rows.assign(kind=kind, weight=weight)


def read_tiers(path: str | os.PathLike[str]) -> dict[str, int]:
    """Read tiers of genes: a table with the columns gene and tier; no edge goes from a higher to a lower tier."""
    rows = _read(path)
    rows.columns = [str(column).strip().lower() for column in rows.columns]
    if not {"gene", "tier"} <= set(rows.columns):
        msg = f"{os.fspath(path)!r} has the columns {', '.join(rows.columns)}; expected gene and tier."
        raise InputError(msg)
    if not len(rows):
        msg = f"{os.fspath(path)!r} has a header and no gene below it. Name genes with their tiers, or leave it out."
        raise InputError(msg)
    tier = pd.to_numeric(rows["tier"], errors="coerce")
    if (bad := tier.isna() | (tier % 1 != 0)).any():
        row = rows[bad].iloc[0]
        msg = f"{os.fspath(path)!r}: the tier of {row['gene']} is {row['tier']!r}; expected a whole number."
        raise InputError(msg)
    named = pd.DataFrame({"gene": _coded(rows["gene"], len(rows)), "tier": tier.astype(int)}).drop_duplicates()
    if (twice := named["gene"].duplicated()).any():
        msg = f"{os.fspath(path)!r}: {named['gene'][twice].iloc[0]} has more than one tier; expected one of each gene."
        raise InputError(msg)
    return dict(zip(named["gene"], named["tier"].tolist(), strict=True))
