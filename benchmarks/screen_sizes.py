"""What a screen takes from the file to all tables: time and memory, as cells and genes grow.

``python -m benchmarks.screen_sizes``

Sparse counts as in ``benchmarks.screens``, 40 cells of each target and ten times as many controls as targets, at two
counts a gene; ``acyclome run`` with two half-samples on one thread, in a process of its own.  ``planned_mb`` is what
``acyclome plan`` says of it; the last row, of a screen that was not run, is a plan alone, once with all in memory and
once with the scaled data on the disk, which a run does by itself where memory is short.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import scipy.sparse as sp

from acyclome.config import Config
from acyclome.pipeline.resources import estimate
from benchmarks import screens
from benchmarks.report import publish
from benchmarks.tables import options

CELLS, CONTROLS = 40, 10  # of a target; controls for each
COUNTS = 2.0  # of a gene in a cell, in the mean
SIZES = ((500, 62), (500, 125), (1000, 125))  # genes and targets
LARGE = (8000, 250_000, 2000)  # genes, cells and targets
OPTIONS = {"input.perturbation": "target", "input.control": screens.CONTROL, "resample.resamples": 2}
_RUN = "import sys; from acyclome.cli import main; sys.exit(main())"


def main() -> None:
    """Measure and write the table."""
    given = options(__doc__ or "").parse_args()
    rows = [measured_run(d, targets) for d, targets in SIZES]
    d, n, targets = LARGE
    plan = _plan(d, n)
    rows.append({"genes": d, "cells": n, "targets": targets, **plan})
    publish("screen-sizes", rows, "python -m benchmarks.screen_sizes", given)


def measured_run(d: int, targets: int) -> dict[str, Any]:
    """Draw a screen, and run the command on it."""
    screens.TARGETS, screens.CELLS = targets, CELLS
    screens.CONTROLS, screens.DEPTH = CONTROLS * targets, round(COUNTS * d)
    with tempfile.TemporaryDirectory() as folder:
        adata, _ = screens.simulated(d, 1)
        adata.X = sp.csr_matrix(adata.X)
        path = Path(folder) / "screen.h5ad"
        adata.write_h5ad(path)
        words = ["run", str(path), "-o", str(Path(folder) / "out"), "--threads", "1", "--quiet", "--resamples", "2"]
        words += ["--perturbation", "target", "--control", screens.CONTROL]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", _RUN, *words], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)  # its memory is the largest of all so far, sizes rise
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        genes = json.loads((Path(folder) / "out" / "run.json").read_text())["network"]["n_genes"]
    took = {"cpu_seconds": cpu, "peak_mb": after.ru_maxrss / 1024}
    return {"genes": genes, "cells": adata.n_obs, "targets": targets, **took, **_plan(d, adata.n_obs)}


def _plan(d: int, n: int) -> dict[str, float]:
    plan = estimate(d, n, Config().with_options(OPTIONS), threads=1)
    sizes = {"planned_mb": plan["memory_bytes"], "planned_mb_on_disk": plan["spilled_memory_bytes"]}
    return {name: round(value / 2**20) for name, value in sizes.items()} | {"planned_seconds": plan["total_seconds"]}


if __name__ == "__main__":
    main()
