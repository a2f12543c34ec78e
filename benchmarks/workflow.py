"""The user's own sentence, as one command: an expression file through the Snakemake workflow, with shards and Dask.

``python -m benchmarks.workflow [--d 10000 --n 5000 --shards 8 --device auto]``

The file is made by ``acyclome simulate``. The workflow of this repository then runs on it in a folder of its own, once
for each form of h, from the file to the report; nothing but the config differs from what a user would type, and
``--device cuda`` changes one line of it. What comes out has to be there, whole, a directed acyclic graph, and is
compared with the truth.

Seconds are those of the whole ``snakemake`` call. ``peak_mb`` is the largest memory that the processes of one job held
together, as Snakemake saw it; ``worker_mb`` that of the largest Dask worker, by its own count.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from acyclome import Network, read
from acyclome.evaluate.trial import figures
from acyclome.io.runs import RunFolder
from benchmarks.command import run_command
from benchmarks.report import publish
from benchmarks.tables import options

ROOT = Path(__file__).resolve().parents[1]
FILES = ("edges.tsv.gz", "edges.parquet", "ranking.tsv.gz", "nodes.tsv", "network.h5ad", "report.html", "run.json")


def main() -> None:
    """Measure and write the table."""
    given = _parser().parse_args()
    rows: list[dict[str, Any]] = []
    for seed in given.seeds:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            data = folder / "cells.h5ad"
            size = ("--genes", given.d, "--observations", given.n)
            run_command("simulate", "-o", data, *map(str, size), "--graph", given.kind, "--seed", str(seed))
            rows += [
                {"acyclicity": form, "seed": seed, **_run(data, folder / form, form, given)} for form in given.forms
            ]
    command = f"python -m benchmarks.workflow --d {given.d} --n {given.n} --shards {given.shards}"
    command += f" --device {given.device}" if given.device != "auto" else ""
    publish("workflow", rows, command, given)


def _parser() -> argparse.ArgumentParser:
    parser = options(__doc__ or "", d=10_000, n=5000, shards=8, resamples=0)
    parser.set_defaults(seeds=[11])
    parser.add_argument("--forms", nargs="+", default=["series", "lowrank"], help="forms of h, one run each")
    parser.add_argument("--kind", default="er", help="graph: er, scale-free or hub")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    return parser


def _run(data: Path, folder: Path, form: str, given: argparse.Namespace) -> dict[str, Any]:
    """Run the workflow in its folder; return what it took and how right its network is."""
    (folder / "config").mkdir(parents=True)
    (folder / "config/datasets.tsv").write_text(f"dataset\tpath\ncells\t{data}\n", encoding="utf-8")
    changes = {
        "device": given.device,
        "shard": {"shards": given.shards},
        "resample": {"resamples": given.resamples},
        "fit": {"acyclicity": form},
    }
    (folder / "changes.yaml").write_text(json.dumps(changes), encoding="utf-8")
    cost = _snakemake(folder, given.threads)
    out = folder / "results/cells"
    network = read(out)
    if not isinstance(network, Network):
        msg = "Found a network per group; expected a single one."
        raise TypeError(msg)
    place = {gene: number for number, gene in enumerate(network.genes)}
    truth = pd.read_csv(data.with_suffix(".truth.tsv"), sep="\t")
    ends = [
        tuple(table[end].map(place).to_numpy(np.int64) for end in ("source", "target"))
        for table in (truth, network.edges)
    ]
    found = figures(ends[0], ends[1], len(place), 0)
    whole = all((out / name).is_file() for name in FILES)
    memory = {"peak_mb": _job_memory(folder / "logs/cells"), "worker_mb": _worker_memory(out)}
    return {**found, "edges": network.n_edges, "all_files": whole, **cost, **memory}


def _snakemake(folder: Path, threads: int) -> dict[str, float]:
    """Call Snakemake as a user would; the ``acyclome`` of this Python comes first."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    words = ["-s", str(ROOT / "Snakefile"), "--workflow-profile", "none", "--cores", str(threads)]
    call = [sys.executable, "-m", "snakemake", *words, "--configfile", str(ROOT / "config/config.yaml"), "changes.yaml"]
    began, before = time.perf_counter(), os.times()
    done = subprocess.run(
        call,
        cwd=folder,
        env=os.environ | {"PATH": programs},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    wall, after = time.perf_counter() - began, os.times()
    if done.returncode:
        logs = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("logs/*/*.log")))
        msg = f"The workflow ended with status {done.returncode}:\n{done.stdout}\n{logs}"
        raise RuntimeError(msg)
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"seconds": wall, "cpu_seconds": cpu}


def _job_memory(logs: Path) -> float:
    """Return the largest memory of a job in MB, from what Snakemake wrote of every rule."""
    tables = [pd.read_csv(path, sep="\t", na_values="-") for path in sorted(logs.glob("*.benchmark.tsv"))]
    return float(pd.concat(tables)["max_rss"].max())


def _worker_memory(out: Path) -> float:
    """Return the peak of the largest worker in MB, from what the shards wrote of themselves; NaN without shards."""
    folder = RunFolder(out)
    parts = [folder.read_stage(path.stem)[1] for path in sorted(folder.stage("").glob("fit-*-of-*.npz"))]
    return max((fit["cost"]["peak_memory_mb"] for part in parts for fit in part["fits"]), default=float("nan"))


if __name__ == "__main__":
    main()
