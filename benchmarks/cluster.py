"""The workflow on a SLURM cluster, with jobs that are cancelled, run out of time, and run out of memory.

``python -m benchmarks.cluster [--partition main] [--account NAME] [--status squeue] [--arrays]``

Two data sets, one of two groups and one in shards, are learned by the jobs of `profiles/slurm`, and by the command line
on this machine; ``same_bits`` says whether their networks are the same files. One job is cancelled once its first
half-samples are kept, one stands still until its time limit strikes, one is given less memory than it takes: each comes
to its end by the retries of the profile. One is preempted once its first half-samples are kept (SIGTERM, and back into
the queue), and goes on from these under its own number. It needs ``sbatch``, and nodes whose processes it may stop: a
cluster on this machine, such as the throw-away one of docs/cluster.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import psutil

from acyclome.evaluate.simulate import simulate
from benchmarks.command import run_command
from benchmarks.report import publish
from benchmarks.tables import options

ROOT = Path(__file__).resolve().parents[1]
GENES, CELLS = 60, 400  # small: what is tried are the jobs, most of which start Python and little else
SHORT_MB = 400  # less than a screening and Snakemake take together; twice that is enough
RESULTS = ("edges.tsv.gz", "ranking.tsv.gz", "nodes.tsv")
PREEMPTED = "preempted.txt"  # the number of the job that was, and its log
NETWORKS = ("cells/A", "cells/B", "cut")
CONFIG = {
    "dask": None,
    "resample_parts": 2,
    "shard_parts": 2,
    "confounding": "none",
    "prepare": {"transform": "none", "normalize": False, "log": False},
    "validation": {"checks": False},
}


@dataclass
class Disturbance:
    """What is done to the first process of a job whose command line has these words, once it is time."""

    words: str
    act: Callable[[psutil.Process], None]
    is_time: Callable[[], bool] = lambda: True
    job: str = ""  # of SLURM, once it is done

    def look(self) -> None:
        """Disturb the job, if it is there."""
        for process, command in _commands():
            if not self.job and re.search(self.words, command) and self.is_time():
                self.job = _job_of(process)
                self.act(process)


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", resamples=60)
    parser.add_argument("--partition", default="main", help="of the cluster")
    parser.add_argument("--account", help="of the cluster, where it keeps accounts")
    parser.add_argument("--status", default="squeue", help="command that knows the states of jobs: sacct or squeue")
    parser.add_argument("--arrays", action="store_true", help="half-samples and shards are submitted as job arrays")
    parser.add_argument("--folder", type=Path, help="kept, to look at; otherwise a temporary one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.folder or Path(temporary)).resolve()
        if not (folder / "results").exists():
            trial(folder, given)
        rows = outcome(folder)
    arrays = given.arrays
    publish("cluster" + "-arrays" * arrays, rows, "python -m benchmarks.cluster" + " --arrays" * arrays, given)


def trial(folder: Path, given: argparse.Namespace) -> None:
    """Learn on this machine and on the cluster, the jobs of the cluster disturbed."""
    write_inputs(folder, given.resamples)
    config = folder / "options.yaml"
    science = {key: value for key, value in CONFIG.items() if isinstance(value, dict) or key == "confounding"}
    config.write_text(json.dumps(science), encoding="utf-8")
    shared = ("--config", config, "--threads", str(given.threads), "--quiet", "--resamples")
    run_command("run", folder / "cells.h5ad", "-o", folder / "here/cells", *shared, "4", "--group-by", "kind")
    whole = (*shared, str(given.resamples), "--shards", "4")
    run_command("run", folder / "cut.h5ad", "-o", folder / "here/cut", *whole)
    kept = lambda: [path.name for path in folder.glob(f"results/cut/stages/resample-*-of-{given.resamples}.npz")]  # noqa: E731
    has = lambda part: any(int(name.split("-")[1]) % 2 == part % 2 for name in kept())  # noqa: E731
    snakemake(
        folder,
        given,
        [
            Disturbance(r"acyclome resample \S*results/cut .*--part 1 ", _cancel, partial(has, 1)),
            Disturbance(r"acyclome resample \S*results/cut .*--part 2 ", partial(_preempt, folder), partial(has, 2)),
            Disturbance(r"acyclome order \S*results/cells/A ", _stand_still),
        ],
    )


def outcome(folder: Path) -> list[dict[str, Any]]:
    """Return the jobs that SLURM ended before they were done, and at last how many there were and what came out."""
    log = (folder / "snakemake.log").read_text(encoding="utf-8")
    failed = (
        r"Error in rule (\w+):\n +message: SLURM-job '(\d+(?:_\d+)?)' failed, SLURM status is: '(\w+)'"
        r"(?:.*\n)*? +log: ([^\s,]+)"
    )
    rows = []
    for rule, job, state, of_job in re.findall(failed, log):
        said = "".join(path.read_text(encoding="utf-8") for path in (folder / ".snakemake").rglob(f"{job}.log"))
        state += ", memory" * ("memory limit" in said)  # which SLURM without accounts calls a failure
        rows.append({"rule": rule, "job": job, "state": state, "kept": _kept(folder / of_job)})
    job, of_job = (folder / PREEMPTED).read_text(encoding="utf-8").split()
    state = "PREEMPTED, same job again"
    rows.append({"rule": "resample_network", "job": job, "state": state, "kept": _kept(folder / of_job)})
    jobs = len(set(re.findall(r"submitted with SLURM jobid (\d+)", log)))
    jobs += sum(int(last) for last in re.findall(r"The individual task IDs are 1-(\d+)", log))
    began, ended = ((folder / name).stat().st_mtime for name in ("options.yaml", "snakemake.log"))
    minutes = round((ended - began) / 60)
    end = {"rule": "all", "job": f"{jobs} jobs", "state": f"done after {minutes} min", "same_bits": same_bits(folder)}
    return [*rows, end]


def _kept(log: Path) -> str:
    """Return what the last attempt of a job went on from."""
    kept = re.findall(r"(\d+) are kept", log.read_text(encoding="utf-8"))
    return f"{kept[0]} half-samples" if kept else ""


def same_bits(folder: Path) -> bool:
    """Return whether the networks of the two ways are the same files."""
    names = [f"{network}/{name}" for network in NETWORKS for name in RESULTS]
    return all((folder / "here" / name).read_bytes() == (folder / "results" / name).read_bytes() for name in names)


def write_inputs(place: Path, resamples: int) -> None:
    """Write the two data sets and the config of the workflow into a folder."""
    (place / "config").mkdir(parents=True, exist_ok=True)
    for name, seed in (("cells", 1), ("cut", 2)):
        cells = anndata.AnnData(simulate(GENES, CELLS, seed=seed).X.astype(np.float32))
        cells.var_names = [f"G{gene}" for gene in range(GENES)]
        cells.obs = pd.DataFrame({"kind": np.where(np.arange(CELLS) % 2, "A", "B")}, index=cells.obs_names)
        cells.write_h5ad(place / f"{name}.h5ad")
    rows = "dataset\tpath\tgroup_by\tshards\tresamples\ncells\tcells.h5ad\tkind\t\t4\n"
    (place / "config/datasets.tsv").write_text(f"{rows}cut\tcut.h5ad\t\t4\t{resamples}\n", encoding="utf-8")
    (place / "config/config.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")


def snakemake(place: Path, given: argparse.Namespace, disturbed: list[Disturbance]) -> float:
    """Run the workflow on the cluster, its jobs disturbed; return its seconds."""
    words = ["--workflow-profile", str(ROOT / "profiles/slurm"), "--slurm-status-command", given.status]
    words += ["--slurm-init-seconds-before-status-checks", "2", "--slurm-keep-successful-logs"]
    words += ["--slurm-array-jobs", "resample_network,fit_shards"] if given.arrays else []
    # The limits of two rules are such that one of their jobs breaks them; processors as a small cluster has them.
    words += ["--set-threads", *(f"{rule}=1" for rule in ("screen_candidates", "fit_network", "fit_shards"))]
    words += ["order_genes=1", "--set-resources", f"screen_candidates:mem_mb={SHORT_MB} * attempt"]
    words += ["order_genes:runtime=attempt", "--default-resources", f"slurm_partition={given.partition}"]
    words += [f"slurm_account={given.account}"] if given.account else []
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    call = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), *words]
    began, over = time.perf_counter(), threading.Event()
    watch = threading.Thread(target=_watch, args=(disturbed, over))
    watch.start()
    try:
        with (place / "snakemake.log").open("w", encoding="utf-8") as log:
            environment = os.environ | {"PATH": paths, "OMP_NUM_THREADS": "1"}
            done = subprocess.run(call, cwd=place, env=environment, stdout=log, stderr=log, check=False)
    finally:
        over.set()
        watch.join()
    if done.returncode:
        msg = f"Snakemake ended with {done.returncode}; see {place / 'snakemake.log'}."
        raise RuntimeError(msg)
    return time.perf_counter() - began


def _watch(disturbed: list[Disturbance], over: threading.Event) -> None:
    while not over.wait(0.2):
        for one in disturbed:
            with suppress(psutil.Error, KeyError):  # ended meanwhile, or no job
                one.look()


def _commands() -> Iterator[tuple[psutil.Process, str]]:
    """Give the processes of ``acyclome``, and not the shells that begin them."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if len(words) > 1 and words[1].endswith("/acyclome"):
            yield process, " ".join(["acyclome", *words[2:]])


def _job_of(process: psutil.Process) -> str:
    """Return the job of a process, one of its array: the number of one of them is that of the array."""
    known = process.environ()
    array, task = known.get("SLURM_ARRAY_JOB_ID"), known.get("SLURM_ARRAY_TASK_ID")
    return known["SLURM_JOB_ID"] if array is None else f"{array}_{task}"


def _cancel(process: psutil.Process) -> None:
    subprocess.run(["scancel", _job_of(process)], check=True)


def _preempt(folder: Path, process: psutil.Process) -> None:
    """Do what SLURM does to a job whose place another takes: SIGTERM, and back into the queue."""
    job, words = _job_of(process), process.cmdline()
    part, parts = (words[words.index(name) + 1] for name in ("--part", "--parts"))
    (folder / PREEMPTED).write_text(f"{job} logs/cut/resample-{part}-of-{parts}.log", encoding="utf-8")
    subprocess.run(["scontrol", "requeue", job], check=True)


def _stand_still(process: psutil.Process) -> None:
    process.send_signal(signal.SIGSTOP)


if __name__ == "__main__":
    main()
