"""Ways in, each a few command lines over one folder, and what a folder may hold when one of them was disturbed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from acyclome.io.atomic import TEMPORARY_MARK
from acyclome.io.digested import read_stage
from acyclome.io.lock import LOCK
from acyclome.io.names import RESULTS
from acyclome.io.runs import RunFolder
from acyclome.io.store import Store

GENES, CELLS = 6, 60
SMALL = ("--resamples", "2", "--min-cells", "0", "--threads", "1", "--quiet")
_ACCOUNTS = (".snakemake/", "logs/")  # of Snakemake: what it did and when
OF_THE_RUN = {"stages", "command", "machine", "digest", "seconds", "cost", "input"}  # what differs from run to run


@dataclass(frozen=True)
class Way:
    """Some command lines, in turn.

    Parameters
    ----------
    name
        What is disturbed.
    lines
        Command lines; ``{x}`` is the input, ``{out}`` the folder.
    before
        Command lines that are left alone, before those.
    again
        How a line goes that goes on after it was disturbed: its own words and these.
    """

    name: str
    lines: tuple[tuple[str, ...], ...]
    before: tuple[tuple[str, ...], ...] = ()
    again: tuple[str, ...] = ("--resume",)


RUN = ("run", "{x}", "-o", "{out}", *SMALL)
PREPARE = ("prepare", "{x}", "-o", "{out}", *SMALL)


def _stages(*names: str) -> tuple[tuple[str, ...], ...]:
    return tuple((*name.split(), "{out}", "--threads", "1", "--quiet") for name in names)


IN_PARTS = ("resample --part 1 --parts 2", "resample --part 2 --parts 2")
WAYS = [
    Way("run", (RUN,)),
    Way("run, over another", ((*RUN, "--overwrite"),), ((*RUN, "--seed", "5", "--score.gamma", "0.5"),)),
    Way("run, groups together", ((*RUN, "--group-by", "kind", "--input.joint", "true"),)),
    Way("run, shards", ((*RUN, "--shards", "2"),)),
    Way("run, Dask", ((*RUN, "--threads", "2", "--dask", "local"),)),
    Way("run, shards and Dask", ((*RUN, "--shards", "2", "--threads", "2", "--dask", "local"),)),
    Way("stages", (PREPARE, *_stages("screen", "fit", "order", *IN_PARTS, "network", "report")), again=()),
    Way(
        "stages of shards",
        (
            (*PREPARE, "--shards", "2"),
            *_stages("screen", "shard", "fit --part 1 --parts 2", "fit --part 2 --parts 2", "merge", "order"),
            *_stages(*IN_PARTS, "network"),
        ),
        again=(),
    ),
    Way(
        "results",
        (
            ("explain", "{out}", "--gene", "G1"),
            *_stages("report"),
            ("predict", "{out}", "--knockout", "G1", "-o", "{out}/predicted.tsv"),
            *(("export", "{out}", "-o", f"{{out}}/network.{ending}") for ending in ("gexf", "sif", "csv", "parquet")),
        ),
        (RUN,),
        again=(),
    ),
    Way("data", (("simulate", "-o", "{out}/drawn.h5ad", "--genes", "5", "--observations", "20"),), again=()),
]
WORKFLOW = Way(
    "workflow",
    (("--configfile", "{x}.yaml", "--directory", "{out}"),),
    again=("--rerun-incomplete",),
)


def way_of(name: str) -> Way:
    return next(way for way in (*WAYS, WORKFLOW) if way.name == name)


def draw_input(path: Path) -> None:
    """Write counts of a few cells in two groups, of which some genes depend on others, and a config of the workflow."""
    import anndata
    import pandas as pd

    X = np.random.default_rng(6).poisson(6, size=(CELLS, GENES)).astype(np.float32)
    X[:, 1] += X[:, 0]
    obs = pd.DataFrame({"kind": ["B", "T"] * (CELLS // 2)}, index=[f"c{i}" for i in range(CELLS)])
    anndata.AnnData(X, obs=obs, var=pd.DataFrame(index=[f"G{j}" for j in range(GENES)])).write_h5ad(path)
    path.with_suffix(".tsv").write_text(f"dataset\tpath\nx\t{path}\n", "utf-8")
    options = {"resample": {"resamples": 2}, "prepare": {"min_cells": 0}, "datasets": f"{path.with_suffix('.tsv')}"}
    Path(f"{path}.yaml").write_text(json.dumps(options), "utf-8")


def contents(folder: Path) -> dict[str, Any]:
    """Return what all files of a folder say, by path, without the times and names that differ between two runs."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not is_passing(path)]
    named = {str(path.relative_to(folder)): path for path in paths}
    return {name: _content(path) for name, path in named.items() if not name.startswith(_ACCOUNTS)}


def is_passing(path: Path) -> bool:
    """Say whether a file is one of those that a process takes away at its end, or the next one."""
    return any(part.startswith((TEMPORARY_MARK, LOCK)) for part in path.parts)


def _content(path: Path) -> Any:
    reader = _READERS.get(path.suffix, Path.read_bytes)
    return reader(path)


def _stage(path: Path) -> Any:
    arrays, facts, key = read_stage(path)
    return {name: array.tobytes() for name, array in arrays.items()}, _without_times(facts), key


def _record(path: Path) -> Any:
    return _without_times(json.loads(path.read_text(encoding="utf-8")))


def _h5(path: Path) -> Any:
    with Store.open(path) as store:
        return store.digest, store.facts


def _h5ad(path: Path) -> Any:
    import anndata

    adata = anndata.read_h5ad(path)
    return adata.shape, list(adata.var_names), sorted(adata.uns)


def _page(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    return text.rstrip().endswith("</html>"), len(text) // 5000  # times stand in it


_READERS: Mapping[str, Callable[[Path], Any]] = {
    ".npz": _stage,
    ".json": _record,
    ".h5": _h5,
    ".h5ad": _h5ad,
    ".html": _page,
    ".gz": lambda path: gzip.decompress(path.read_bytes()),
}


def _without_times(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_times(part) for name, part in value.items() if name not in OF_THE_RUN}
    return [_without_times(part) for part in value] if isinstance(value, list) else value


def is_whole_or_empty(folder: Path) -> bool:
    """Say whether the results of every run in a folder are all there, or none can be read."""
    for stages in folder.rglob("stages"):
        run = RunFolder(stages.parent)
        there = {name for name in RESULTS if run.file(name).exists()}
        if "edges.tsv.gz" in there and not {"run.json", "nodes.tsv", "ranking.tsv.gz", "network.h5ad"} <= there:
            return False
    return True
