"""The tables of a network as files: tab-separated text, compressed or not, and parquet.

Floats are written with the shortest digits that give back the same number, booleans as true and false, what is unknown
as an empty cell. Compressed files carry neither a time nor a name, so the same table gives the same bytes.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from acyclome._version import __version__
from acyclome.errors import InputError
from acyclome.io.atomic import write_bytes, write_path
from acyclome.network import LATER, under_names_of_today

ENCODING_VERSION = "0.1.0"
_GZIP_LEVEL = 6  # of gzip itself; written here because the default of Python, 9, takes longer for hardly less


def write_tsv(path: str | os.PathLike[str], table: pd.DataFrame, separator: str = "\t") -> None:
    """Write a table as text; compressed if the name ends in ``.gz``."""
    words = table.copy()
    for column in table.select_dtypes("bool").columns:
        words[column] = table[column].map({True: "true", False: "false"})
    content = words.to_csv(None, sep=separator, index=False, lineterminator="\n").encode("utf-8")
    packed = gzip.compress(content, _GZIP_LEVEL, mtime=0) if Path(path).suffix == ".gz" else content
    write_bytes(path, packed)


def read_tsv(path: str | os.PathLike[str], columns: Mapping[str, type]) -> pd.DataFrame:
    """Read a table that :func:`write_tsv` has written, with the columns in their kinds."""
    try:
        # As text: pandas would round floats by its own parser, and take genes called NA or nan for missing.
        table = pd.read_csv(path, sep="\t", dtype=object, keep_default_na=False, na_filter=False, encoding="utf-8")
        table = under_names_of_today(table, columns)
        there = {name: kind for name, kind in columns.items() if name in table or name not in LATER}
        return pd.DataFrame({name: _column(table[name], kind) for name, kind in there.items()}, columns=list(there))
    except FileNotFoundError as error:
        msg = f"{os.fspath(path)} is missing. A finished run has it: let the run end, or name the folder that holds it."
        raise InputError(msg) from error
    except KeyError as error:
        msg = f"{os.fspath(path)} has no column {error}; expected {', '.join(columns)}."
        raise InputError(msg) from error
    except (OSError, EOFError, ValueError, OverflowError, zlib.error) as error:
        raise InputError(_damaged(path, error)) from error


def write_parquet(path: str | os.PathLike[str], table: pd.DataFrame, kind: str) -> None:
    """Write a table as parquet; `kind` names what it holds in the file's own facts."""
    import pyarrow as pa
    from pyarrow import parquet

    facts = {"encoding-type": f"acyclome-{kind}", "encoding-version": ENCODING_VERSION, "acyclome": __version__}
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(facts)
    # Opened here, as pyarrow takes no name of a file that is not UTF-8.
    with write_path(path) as temporary, temporary.open("wb") as stream:
        parquet.write_table(arrow, stream, compression="zstd")


def read_parquet(path: str | os.PathLike[str], kind: str, columns: Mapping[str, type]) -> pd.DataFrame:
    """Read a table that :func:`write_parquet` has written."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with Path(path).open("rb") as stream:
            arrow = parquet.read_table(stream)
        found = (arrow.schema.metadata or {}).get(b"encoding-type", b"no encoding-type").decode()
        absent = [name for name in columns if name not in arrow.column_names]
    except FileNotFoundError as error:
        msg = f"{os.fspath(path)} is missing. A finished run has it: let the run end, or name the folder that holds it."
        raise InputError(msg) from error
    except (OSError, ValueError, pa.ArrowException) as error:  # names that are no text among them
        raise InputError(_damaged(path, error)) from error
    if found != f"acyclome-{kind}":
        msg = f"{os.fspath(path)} holds {found}; expected acyclome-{kind}, as written by acyclome."
        raise InputError(msg)
    if absent:
        raise InputError(_damaged(path, f"it has no column {absent[0]}"))
    texts = {name: object for name, kind in columns.items() if kind is str}  # pandas from 3 on has a type of its own
    return arrow.to_pandas()[list(columns)].astype(texts)


def _column(texts: pd.Series, kind: type) -> pd.Series:
    if kind is bool:
        return texts.map({"true": True, "false": False}).astype(bool)
    if kind is float:
        return pd.Series([float(text) if text else float("nan") for text in texts], dtype=float)
    return texts.astype(object if kind is str else kind)


def _damaged(path: str | os.PathLike[str], error: Exception | str) -> str:
    return (
        f"{os.fspath(path)} cannot be read: {error}. It was changed or copied incompletely, for acyclome writes files "
        "whole or not at all. Copy it again, or delete it and run with --resume."
    )
