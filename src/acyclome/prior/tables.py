"""Tables of what is known of edges and tiers, read and checked line by line."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd

from acyclome.errors import InputError

KINDS = ("forbidden", "required", "soft", "known")
COLUMNS = {"source": "", "target": "", "weight": "", "sign": "", "kind": "", "scope": "all"}


def read_prior(
    table: pd.DataFrame | str | os.PathLike[str] | None,
    forbidden: str | os.PathLike[str] | None = None,
    required: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Read what is known of edges into one table with the columns of ``COLUMNS``, ``file`` and ``line``.

    Parameters
    ----------
    table
        A table, or a file with tabs or commas, with the columns source and target; weight, sign (+, -), kind
        (forbidden, required, soft, known) and scope (all, most, or the label of a group) may be there.
    forbidden, required
        Files of edges that are all of this kind; other columns than source, target and scope are not read.

    Raises
    ------
    InputError
        If a file cannot be read, a column is missing, or a value is none of those allowed; the line is named.
    """
    parts = []
    for given, kind in ((table, ""), (forbidden, "forbidden"), (required, "required")):
        if given is None:
            continue
        label = "the table of knowledge" if isinstance(given, pd.DataFrame) else repr(os.fspath(given))
        rows = given.copy() if isinstance(given, pd.DataFrame) else _read(given)
        rows.columns = [str(column).strip().lower() for column in rows.columns]
        missing = [column for column in ("source", "target") if column not in rows]
        if missing:
            msg = (
                f"{label} has no column {' and no column '.join(missing)}; it has {', '.join(rows.columns)}. "
                f"Expected a header line with source and target, and if you like {', '.join(list(COLUMNS)[2:])}."
            )
            raise InputError(msg)
        rows = rows.assign(kind=kind, weight="", sign="") if kind else rows
        texts = {name: _texts(rows[name]) if name in rows else "" for name in COLUMNS}
        first = 1 if isinstance(given, pd.DataFrame) else 2
        lines = {"file": label, "line": np.arange(len(rows)) + first}
        parts.append(pd.DataFrame({**texts, **lines}, index=range(len(rows))))
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*COLUMNS, "file", "line"])
    whole["scope"] = whole["scope"].where(whole["scope"] != "", COLUMNS["scope"])
    return _checked(whole)


def origin(row: pd.Series) -> str:
    """Say where a row came from."""
    return f"{row['file']}, line {row['line']}"


def _texts(column: pd.Series) -> np.ndarray:
    """Return the cells as texts without blanks around them; each distinct one is looked at once."""
    codes, cells = pd.factorize(column, use_na_sentinel=False)
    texts = np.array(["" if pd.isna(cell) else str(cell).strip() for cell in cells], object)
    return texts[codes] if len(texts) else np.empty(0, object)


def _read(path: str | os.PathLike[str]) -> pd.DataFrame:
    packed = os.fspath(path).endswith(".gz")
    try:
        with gzip.open(path, "rt") if packed else Path(path).open(encoding="utf-8-sig") as lines:
            header = next((str(line) for line in lines if not line.startswith("#")), "")
        sep = "\t" if "\t" in header else ","
        return pd.read_csv(path, sep=sep, dtype=str, comment="#", keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # no file, no text, no table
        reason = getattr(error, "strerror", None) or error
        msg = f"The table {os.fspath(path)!r} cannot be read: {reason}. Expected columns source and target, with tabs."
        raise InputError(msg) from error


def _checked(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with kinds filled in and weights as numbers; a value that will not do is an error."""
    weight = pd.to_numeric(rows["weight"], errors="coerce")
    kind = rows["kind"].where(rows["kind"] != "", np.where(weight.notna(), "soft", "known"))
    wrong = {
        "kind": ~kind.isin(KINDS),
        "sign": ~rows["sign"].isin(["", "+", "-"]),
        "weight": (rows["weight"] != "") & ~(weight < 1) | (kind == "soft") & weight.isna(),
        "target": (rows["source"] == rows["target"]) & kind.isin(["required", "soft"]),
    }
    expected = {
        "kind": f"one of {', '.join(KINDS)}, or nothing",
        "sign": "+, - or nothing",
        "weight": "a number below 1, the share of the price of the edge that is waived (negative: it costs more)",
        "target": "another gene than the source",
    }
    for column, bad in wrong.items():
        if bad.any():
            row = rows[bad].iloc[0]
            msg = (
                f"{origin(row)}: {column} = {row[column]!r} of {row['source']} -> {row['target']}; "
                f"expected {expected[column]}. {int(bad.sum())} such lines."
            )
            raise InputError(msg)
    return rows.assign(kind=kind, weight=weight)


def read_tiers(path: str | os.PathLike[str]) -> dict[str, int]:
    """Read tiers of genes: a table with the columns gene and tier; no edge goes from a higher to a lower tier.

    Raises
    ------
    InputError
        If the file cannot be read, or a tier is no whole number.
    """
    rows = _read(path)
    rows.columns = [str(column).strip().lower() for column in rows.columns]
    if not {"gene", "tier"} <= set(rows.columns):
        msg = f"{os.fspath(path)!r} has the columns {', '.join(rows.columns)}; expected gene and tier."
        raise InputError(msg)
    tier = pd.to_numeric(rows["tier"], errors="coerce")
    if (bad := tier.isna() | (tier % 1 != 0)).any():
        row = rows[bad].iloc[0]
        msg = f"{os.fspath(path)!r}: the tier of {row['gene']} is {row['tier']!r}; expected a whole number."
        raise InputError(msg)
    named = pd.DataFrame({"gene": _texts(rows["gene"]), "tier": tier.astype(int)}).drop_duplicates()
    if (twice := named["gene"].duplicated()).any():
        msg = f"{os.fspath(path)!r}: {named['gene'][twice].iloc[0]} has more than one tier; expected one of each gene."
        raise InputError(msg)
    return dict(zip(named["gene"], named["tier"].tolist(), strict=True))
