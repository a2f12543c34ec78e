"""What a screen takes from the file to all tables: time and memory, as cells and genes grow.

``python -m benchmarks.screen_sizes [--large]``

Sparse counts as in ``benchmarks.screens``, 40 cells of each target and ten times as many controls as targets, at two
counts a gene; ``acyclome run`` with two half-samples on one thread, in a process of its own.  ``planned_mb`` is what
``acyclome plan`` says of it. One of 1,000 genes, 500 targets of 60 cells and 5,000 controls is run as it is offered,
with 20 half-samples on two threads.  With ``--large`` a screen of 8,000 genes, 2,000 targets and 250,000 cells at
10,000 counts each, on two threads and without half-samples, within 8 GB, so that scaled data lie on the disk; otherwise
its plan alone.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata.io import sparse_dataset, write_elem

from acyclome.config import Config
from acyclome.pipeline.resources import estimate
from benchmarks import screens
from benchmarks.report import publish
from benchmarks.tables import options

CELLS, CONTROLS = 40, 10  # of a target; controls for each
COUNTS = 2.0  # of a gene in a cell, in the mean
BLOCK = 5000  # cells drawn at once: 350 MB of 8,889 genes
_RUN = "import sys; from acyclome.cli import main; sys.exit(main())"


class Size(NamedTuple):
    """A screen, and how it is run."""

    genes: int
    targets: int
    cells: int = CELLS
    controls: int | None = None
    depth: int | None = None  # counts of a cell; COUNTS a gene
    resamples: int = 2
    threads: int = 1
    memory: str | None = None

    @property
    def acted(self) -> int:
        """Cells of all targets and controls."""
        return self.targets * self.cells + (self.controls or CONTROLS * self.targets)


SIZES = (Size(500, 62), Size(500, 125), Size(1000, 125))
STATED = Size(1000, 500, cells=60, controls=5_000, resamples=20, threads=2)
LARGE = Size(8000, 2000, cells=115, controls=20_000, depth=10_000, resamples=0, threads=2, memory="8GB")


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "")
    parser.add_argument("--large", action="store_true", help="run the large screen, too (an hour)")
    parser.add_argument("--folder", type=Path, help="keep the screens here, and take those that are here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        rows = [measured_run(size, folder) for size in (*SIZES, STATED)]
        rows.append(measured_run(LARGE, folder) if given.large else _described(LARGE) | _plan(LARGE))
    publish("screen-sizes", rows, "python -m benchmarks.screen_sizes", given)


def measured_run(size: Size, folder: Path) -> dict[str, Any]:
    """Run the command on a screen, which is drawn if the folder has none."""
    path = folder / f"screen_{size.genes}_{size.acted}.h5ad"
    if not path.exists():
        draw(size, path)
    words = ["run", str(path), "--threads", str(size.threads), "--quiet", "--overwrite"]
    words += ["--resamples", str(size.resamples), "--perturbation", "target", "--control", screens.CONTROL]
    words += ["--memory", size.memory] if size.memory else []
    with tempfile.TemporaryDirectory(dir=folder) as out:
        began = time.perf_counter()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", _RUN, *words, "-o", out], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)  # its memory is the largest of all so far, sizes rise
        genes = json.loads((Path(out) / "run.json").read_text())["network"]["n_genes"]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    took = {"seconds": time.perf_counter() - began, "cpu_seconds": cpu, "peak_mb": after.ru_maxrss / 1024}
    return _described(size) | {"genes": genes} | took | _plan(size)


def draw(size: Size, path: Path) -> None:
    """Write a screen, a block of cells at a time."""
    screens.DEPTH = size.depth or round(COUNTS * size.genes)
    screen = screens.Screen(size.genes, 1, targets=size.targets)
    acted = screen.acted_on(controls=size.acted - size.targets * size.cells, cells=size.cells)
    rows = pd.Index([f"c{k}" for k in range(len(acted))])
    with h5py.File(path, "w") as file:
        for start in range(0, len(acted), BLOCK):
            counts = sp.csr_matrix(screen.counts(acted[start : start + BLOCK]).astype(np.float32))
            if start:
                sparse_dataset(file["X"]).append(counts)
            else:
                write_elem(file, "X", counts)
        write_elem(file, "obs", pd.DataFrame({"target": screen.labels(acted)}, rows))
        write_elem(file, "var", pd.DataFrame(index=screen.genes))


def _described(size: Size) -> dict[str, int]:
    return {"genes": size.genes, "cells": size.acted, "targets": size.targets, "resamples": size.resamples}


def _plan(size: Size) -> dict[str, float]:
    asked = {"input.perturbation": "target", "input.control": screens.CONTROL, "resample.resamples": size.resamples}
    plan = estimate(size.genes, size.acted, Config().with_options(asked), threads=size.threads)
    sizes = {"planned_mb": plan["memory_bytes"], "planned_mb_on_disk": plan["spilled_memory_bytes"]}
    return {name: round(value / 2**20) for name, value in sizes.items()} | {"planned_seconds": plan["total_seconds"]}


if __name__ == "__main__":
    main()
