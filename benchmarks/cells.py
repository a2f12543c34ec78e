"""Cost by the number of cells: what a linear network of many takes, and the moments of 21 networks beside one.

``python -m benchmarks.cells [--cells 30000 100000 300000] [--genes 30000] [--top 5000] [--folder FOLDER]``
``python -m benchmarks.cells --only-moments --cells 100000 --top 15000``

Cells are those of ``acyclome simulate --atlas``: the first of a larger file are those of a smaller one, and files that
are in the folder are taken as they are.  Every stage runs in a process of its own, without resamples, without checks
and without the search for hidden causes, which looks at a sample whatever the number of cells.  Moments of half-samples
are measured up to ``--halved`` cells.  Floors are what the products of all pairs of genes take at the speed of one
matrix product, and what reading the file takes, measured beside.  What ``plan`` foresees is that of this machine
(``acyclome doctor --speed``), and without imports.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from acyclome.confidence.resample import plan_subsamples
from acyclome.core.data.moments import correlations, scale_genes
from acyclome.core.data.standardized import Standardized
from acyclome.io.store import Store
from acyclome.pipeline.halves import add_up
from benchmarks.command import run_command
from benchmarks.measure import measured
from benchmarks.report import publish
from benchmarks.tables import options

RESAMPLES = 20
STAGES = "screen", "fit", "order"
PLAIN = ("--resamples", "0", "--confounding", "none", "--activity", "none", "--validation.checks", "false")


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", genes=30_000, top=5_000, halved=100_000)
    parser.add_argument("--cells", type=int, nargs="+", default=[30_000, 100_000, 300_000], help="sizes of the data")
    parser.add_argument("--folder", type=Path, help="where files of cells lie or are left; a temporary one if absent")
    parser.add_argument("--only-moments", action="store_true", help="of one network and of 21, of prepared cells")
    parser.set_defaults(seeds=[1], threads=1)
    given = parser.parse_args()
    rows = []
    with _folder(given.folder) as folder, tempfile.TemporaryDirectory() as speed:
        os.environ["ACYCLOME_SPEED"] = str(Path(speed) / "speed.json")
        run_command("doctor", "--speed")
        for n_cells in given.cells:
            for seed in given.seeds:
                path = folder / f"cells-{n_cells}-{given.genes}-{seed}.h5ad"
                if not path.exists():
                    size = ("--genes", given.genes, "--observations", n_cells, "--factors", 3, "--seed", seed)
                    run_command("simulate", "--atlas", "-o", path, *map(str, size))
                asked = {"top": given.top, "threads": given.threads}
                if given.only_moments:
                    rows.append(_prepared(path, seed, **asked))
                else:
                    rows.append(_row(path, seed, **asked, is_halved=n_cells <= given.halved))
    publish("cells-moments" if given.only_moments else "cells", rows, "python -m benchmarks.cells", given)


@contextlib.contextmanager
def _folder(asked: Path | None) -> Iterator[Path]:
    if asked is not None:
        asked.mkdir(parents=True, exist_ok=True)
        yield asked
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _row(path: Path, seed: int, *, top: int, threads: int, is_halved: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"cells": int(path.stem.split("-")[1]), "seed": seed}
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "run"
        asked = (*PLAIN, *map(str, ("--threads", threads, "--seed", seed, "--n-top-genes", top)))
        calls = {"inspect": ("inspect", path), "plan": ("plan", path, *asked, "--json")}
        calls["prepare"] = ("prepare", path, "-o", out, *asked, "--quiet")
        calls |= {stage: (stage, out, "--threads", threads, "--quiet") for stage in STAGES}
        for stage, words in calls.items():
            cost = run_command(*map(str, words), answer=Path(name) / "answer" if stage == "plan" else None)
            row |= {f"{stage}_cpu_s": cost.cpu, f"{stage}_peak_mb": cost.peak_mb}
        row |= _foreseen(json.loads((Path(name) / "answer").read_text(encoding="utf-8")), row)
        store = out / "stages" / "prepared.h5"
        with Store.open(store) as opened:
            row |= {"all_cpu_s": sum(spent for name, spent in row.items() if name.endswith("_cpu_s"))}
            row |= {"genes": opened.n_vars, "floor_s": opened.n_vars**2 / 2 * opened.n_obs / _rate()}
        if is_halved:
            row |= _moments(store, Path(name), seed, threads=threads)
    began = time.perf_counter()
    with path.open("rb") as stream:
        while stream.read(1 << 24):
            pass
    return row | {"reading_s": time.perf_counter() - began}


def _foreseen(plan: dict[str, Any], row: dict[str, Any]) -> dict[str, float]:
    """Return what the plan says of memory, and of the seconds of what is measured, beside the largest peak of it."""
    seconds = sum(plan["seconds"][stage] for stage in ("prepare", "confounding", *STAGES))
    peak = max(row[f"{stage}_peak_mb"] for stage in ("prepare", *STAGES))
    return {"planned_s": seconds, "planned_mb": plan["memory_bytes"] / 1e6, "peak_mb": peak}


def _prepared(path: Path, seed: int, *, top: int, threads: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "run"
        asked = (*PLAIN, *map(str, ("--threads", threads, "--seed", seed, "--n-top-genes", top)))
        run_command("prepare", path, "-o", out, *asked, "--quiet")
        store = out / "stages" / "prepared.h5"
        with Store.open(store) as opened:
            sizes = {"cells": opened.n_obs, "genes": opened.n_vars}
        return sizes | _moments(store, Path(name), seed, threads=threads)


def _moments(store: Path, folder: Path, seed: int, *, threads: int) -> dict[str, float]:
    """Measure the moments of one network, and of that with ``RESAMPLES`` half-samples."""
    one = measured(partial(_one, store, threads=threads))[1]
    all_of_them = measured(partial(_all, store, folder, seed, threads=threads))[1]
    row = {"moments_cpu_s": one.cpu, "moments_of_21_cpu_s": all_of_them.cpu, "ratio": all_of_them.cpu / one.cpu}
    return row | {"moments_peak_mb": max(one.peak_mb or 0.0, all_of_them.peak_mb or 0.0)}


def _one(store: Path, *, threads: int) -> None:
    with Store.open(store) as opened:
        correlations(_scaled(opened, threads), threads)


def _all(store: Path, folder: Path, seed: int, *, threads: int) -> None:
    with Store.open(store) as opened:
        add_up(
            _scaled(opened, threads),
            plan_subsamples(opened.n_obs, RESAMPLES, fraction=0.5, seed=seed),
            folder,
            threads=threads,
        )


def _scaled(opened: Store, threads: int) -> Standardized:
    return scale_genes(opened.block, opened.n_vars, threads=threads, slabs=opened.slabs).standardized


def _rate() -> float:
    """Multiplications of one core in a second, in a product of the size of a tile."""
    A = np.random.default_rng(1).standard_normal((1024, 8192), dtype=np.float32)
    A @ A.T
    began = time.process_time()
    A @ A.T
    return len(A) ** 2 * A.shape[1] / (time.process_time() - began)


if __name__ == "__main__":
    main()
