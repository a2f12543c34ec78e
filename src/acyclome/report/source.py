"""What the report is made of: the tables and facts of one run folder, read and checked."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acyclome.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "edges.tsv.gz": ("source", "target", "weight", "score"),
    "ranking.tsv.gz": ("source", "target", "rank_score"),
    "nodes.tsv": ("gene", "order", "depth", "in_degree", "out_degree"),
}
NAMES = ("source", "target", "gene", "sign", "prior")
OPTIONAL_NUMBERS = ("stability", "direction", "reversal_loss")
RANKING_HEAD = 20


@dataclass(frozen=True)
class Run:
    """The content of a run folder that the report shows.

    Parameters
    ----------
    folder
        Where it was read from.
    edges
        The network, best edge first; numbers missing from the file are NaN.
    ranking
        The first candidate edges of the ranking.
    n_ranked
        How many candidate edges the whole ranking has.
    nodes
        One row for each gene.
    facts
        ``run.json`` as it is.
    """

    folder: Path
    edges: pd.DataFrame
    ranking: pd.DataFrame
    n_ranked: int
    nodes: pd.DataFrame
    facts: Mapping[str, Any]

    def fact(self, path: str, default: Any = None) -> Any:
        """Return the fact at a path with dots (``resample.resamples``), or `default` where it is absent or null."""
        value: Any = self.facts
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return default if value is None else value

    def option(self, path: str, default: Any = None) -> Any:
        """Return an option of the run by its path in the configuration."""
        return self.fact(f"config.{path}", default)

    @property
    def resamples(self) -> int:
        """Number of resamples the stability rests on."""
        return int(self.fact("resample.resamples", self.option("resample.resamples", 0)))

    @property
    def has_stability(self) -> bool:
        """Whether stability was measured."""
        return self.resamples > 0 and bool(self.edges["stability"].notna().any())

    @property
    def is_dag(self) -> bool:
        """Whether every edge runs forward in the order of ``nodes.tsv``, which proves that there is no cycle."""
        place = self.nodes.set_index("gene")["order"]
        start, end = (self.edges[side].map(place) for side in ("source", "target"))
        return bool((start < end).all()) and bool(place.is_unique)


def read_run(folder: Path) -> Run:
    """Read the files of a finished run.

    Raises
    ------
    InputError
        If a file is missing, cannot be read, or lacks a column.
    """
    folder = Path(folder)
    _expect_files(folder)
    edges = _fill_edges(_read_table(folder / "edges.tsv.gz"))
    ranking = _read_table(folder / "ranking.tsv.gz", rows=RANKING_HEAD)
    nodes = _read_table(folder / "nodes.tsv")
    return Run(folder, edges, ranking, _count_rows(folder / "ranking.tsv.gz"), nodes, _read_facts(folder / "run.json"))


def _expect_files(folder: Path) -> None:
    missing = [name for name in (*COLUMNS, "run.json") if not (folder / name).is_file()]
    if missing:
        msg = (
            f"The folder {str(folder)!r} has no {', '.join(missing)}. A report is made from the files of a finished "
            f"run; finish it with `acyclome run INPUT -o {folder} --resume`, or name the folder of another run."
        )
        raise InputError(msg)


def _read_table(path: Path, rows: int | None = None) -> pd.DataFrame:
    """Read a table; a gene may be called NA or nan, so names are never taken for missing values."""
    import pandas as pd

    try:
        header = pd.read_csv(path, sep="\t", nrows=0).columns
        empty = {column: [""] for column in header if column not in NAMES}
        texts = dict.fromkeys(NAMES, str)
        table = pd.read_csv(path, sep="\t", dtype=texts, keep_default_na=False, na_values=empty, nrows=rows)
    except (OSError, EOFError, UnicodeDecodeError, ValueError) as error:
        raise InputError(_unreadable(path, error)) from error
    absent = [column for column in COLUMNS[path.name] if column not in table]
    if absent:
        raise InputError(_unreadable(path, f"it lacks the column {', '.join(absent)}"))
    return table


def _fill_edges(edges: pd.DataFrame) -> pd.DataFrame:
    """Return the edges with every column the report looks at."""
    import numpy as np

    numbers = {name: np.nan for name in OPTIONAL_NUMBERS if name not in edges}
    filled = edges.assign(**numbers)
    filled["reversible"] = [str(value).lower() == "true" for value in edges.get("reversible", [False] * len(edges))]
    return filled


def _count_rows(path: Path) -> int:
    with gzip.open(path, "rb") as stream:
        lines = sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
    return max(lines - 1, 0)


def _read_facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(_unreadable(path, error)) from error
    if not isinstance(facts, dict):
        raise InputError(_unreadable(path, f"it holds a {type(facts).__name__} instead of an object with keys"))
    return facts


def _unreadable(path: Path, reason: object) -> str:
    return (
        f"The file {path.name} in {str(path.parent)!r} cannot be used: {reason}. Expected the file that acyclome "
        "writes at the end of a run; write it again with `acyclome network`, or start the run anew."
    )
