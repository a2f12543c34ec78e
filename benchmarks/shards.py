"""A network in eight shards on two Dask workers, against the same network in one piece.

``python -m benchmarks.shards [--d 10000 --shards 8 --workers 2]``

How near the two come to the truth, and how much memory a worker takes against the run in one piece. The order search
over all genes comes after the shards and takes what it takes in one piece; it is in ``peak_mb``, not in ``worker_mb``.
A third row is a run of the shards in which one worker is killed in the middle: ``same_bits`` says whether its files are
those of the run that was left alone. Peaks are those that the stages and the workers have written of themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd

from acyclome import Network, read
from acyclome.io.runs import RunFolder
from acyclome.pipeline.commands import Runtime, run_stage
from benchmarks.command import run_command
from benchmarks.problems import Problem, Protocol, find_bench
from benchmarks.report import publish
from benchmarks.tables import options

PROTOCOLS = {"ER-2": Protocol("ER-2", "ER"), "hub": Protocol("hub", "TF")}
RESULTS = ("edges.tsv.gz", "ranking.tsv.gz", "nodes.tsv")
WHOLE, CUT, KILLED = "in one piece", "in shards", "in shards, a worker killed"


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", d=10_000, n=1000, shards=8, workers=2)
    parser.set_defaults(seeds=[11])
    parser.add_argument("--data-kinds", nargs="+", default=list(PROTOCOLS), choices=list(PROTOCOLS))
    given = parser.parse_args()
    bench = find_bench(given.bench)
    rows: list[dict[str, Any]] = []
    for kind in given.data_kinds:
        for seed in given.seeds:
            problem = PROTOCOLS[kind].draw(given.d, given.n, seed, bench)
            with tempfile.TemporaryDirectory() as folder:
                rows += _runs(problem, Path(folder), given)
    command = f"python -m benchmarks.shards --d {given.d} --shards {given.shards} --workers {given.workers}"
    publish("shards", rows, command, given)


def _runs(problem: Problem, folder: Path, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Run in one piece, in shards, and in shards with a death among the workers."""
    data, whole, cut, killed = (folder / name for name in ("cells.h5ad", "whole", "cut", "killed"))
    names = [f"G{gene}" for gene in range(problem.d)]
    cells = anndata.AnnData(np.ascontiguousarray(problem.X, dtype=np.float32), var=pd.DataFrame(index=names))
    cells.write_h5ad(data)
    shared = ("--resamples", "0", "--prepare.transform", "none", "--threads", str(given.workers), "--quiet")
    in_shards = ("--shards", str(given.shards), "--dask", "local")
    rows = []
    for road, out, words in ((WHOLE, whole, ()), (CUT, cut, in_shards)):
        cost = run_command("run", data, "-o", out, *shared, *words)
        rows.append(_row(problem, road, out, cost.wall, None))
    began = time.perf_counter()
    _with_a_death(cut, killed, given.workers)
    same = all((killed / name).read_bytes() == (cut / name).read_bytes() for name in RESULTS)
    return [*rows, _row(problem, KILLED, killed, time.perf_counter() - began, same)]


def _with_a_death(finished: Path, out: Path, workers: int) -> None:
    """Fit the shards of a finished run anew, kill a worker when the first shard is done, and go on to the network."""
    from distributed import Client, LocalCluster

    shutil.copytree(finished / "stages", out / "stages")
    for path in [*out.glob("stages/fit*"), *out.glob("stages/order*")]:
        path.unlink()
    dead: list[int] = []
    with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0", memory_limit=0) as cluster:
        address = cluster.scheduler_address

        def kill_one(stage: str, done: float, _: str) -> None:
            if stage == "fit" and 0 < done < 1 and not dead:
                with Client(address, set_as_default=False) as client:
                    dead.append(next(iter(client.run(os.getpid).values())))
                os.kill(dead[0], signal.SIGKILL)

        run_stage("fit", out, Runtime(threads=workers, dask=address, progress=kill_one))
    if not dead:
        msg = "No worker was killed: all shards came at once. Use more shards."
        raise RuntimeError(msg)
    for stage in ("merge", "order", "network"):
        run_stage(stage, out, Runtime(threads=workers))


def _row(problem: Problem, road: str, out: Path, seconds: float, same_bits: bool | None) -> dict[str, Any]:
    network = read(out)
    if not isinstance(network, Network):
        msg = "Found a network per group; expected a single one."
        raise TypeError(msg)
    source, target = (network.edges[end].str[1:].to_numpy(np.int64) for end in ("source", "target"))
    scores = problem.scores(source, target)
    row = {"data": problem.name, "road": road, "seed": problem.seed, **scores, "seconds": seconds}
    return row | _memory(out, is_own=road != KILLED) | {"same_bits": same_bits}


def _memory(out: Path, *, is_own: bool) -> dict[str, float]:
    """Return the peak of the run's own process (NaN where it is that of this measurement) and of a worker, in MB."""
    stages = json.loads((out / "run.json").read_text(encoding="utf-8"))["stages"]
    folder = RunFolder(out)
    parts = [folder.read_stage(path.stem)[1] for path in sorted(folder.stage("").glob("fit-*-of-*.npz"))]
    nan = float("nan")
    workers = [fit["cost"]["peak_memory_mb"] for part in parts for fit in part["fits"]]
    own = [cost["peak_memory_mb"] for cost in stages.values() if cost]
    return {"peak_mb": max(own, default=nan) if is_own else nan, "worker_mb": max(workers, default=nan)}


if __name__ == "__main__":
    main()
