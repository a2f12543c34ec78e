"""What `acyclome plan` foresees beside what a run takes, on one thread: memory, and processor time.

``python -m benchmarks.plans [--sizes 100x1000x20 ...]``: genes x observations x half-samples.

Times are those of this machine: ``acyclome doctor --speed`` is called first.  ``if_confounded`` is what a run takes if
the look for hidden causes fits many factors, and ``longest`` that beside the run: which it is hangs on the data, and on
no size.  Imports are part of a run and of no plan, so what a run of almost nothing takes is taken off all seconds.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from acyclome.config import Config
from acyclome.pipeline.commands import Runtime, plan
from benchmarks.command import run_command
from benchmarks.report import publish
from benchmarks.tables import options

SIZES = ("100x1000x20", "1000x1000x20", "1000x20000x0", "3000x2000x2", "3000x2000x0", "6000x1000x0")
NOTHING = "20x100x0"  # what it takes is imports, and the smallest steps of everything


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "")
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), help="genes x observations x half-samples")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ACYCLOME_SPEED"] = str(Path(folder) / "speed.json")
        run_command("doctor", "--speed")
        nothing = _run(NOTHING, Path(folder), 1)
        rows = [_run(size, Path(folder), given.seeds[0]) for size in given.sizes]
    for row in rows:
        for name in ("planned_seconds", "if_confounded", "cpu_seconds"):
            row[name] -= nothing[name]
        row["memory"] = row["planned_mb"] / row["peak_mb"]
        row["time"] = row["planned_seconds"] / row["cpu_seconds"]
        row["longest"] = row["if_confounded"] / row["cpu_seconds"]
    publish("plans", rows, "python -m benchmarks.plans", given)


def _run(size: str, folder: Path, seed: int) -> dict[str, Any]:
    genes, observations, resamples = map(int, size.split("x"))
    data = folder / f"{size}.h5ad"
    drawn = ("--genes", str(genes), "--observations", str(observations), "--seed", str(seed))
    run_command("simulate", "-o", data, *drawn)
    config = Config.from_mapping({"resample": {"resamples": resamples}})
    facts = plan(data, config, Runtime(threads=1))
    cost = run_command("run", data, "-o", folder / size, "--resamples", str(resamples), "--threads", "1", "--quiet")
    return {
        "genes": genes,
        "observations": observations,
        "resamples": resamples,
        "planned_mb": facts["memory_bytes"] / 1e6,
        "peak_mb": cost.peak_mb,
        "planned_seconds": facts["total_seconds"],
        "if_confounded": facts["seconds_if_confounded"],
        "cpu_seconds": cost.cpu,
    }


if __name__ == "__main__":
    main()
