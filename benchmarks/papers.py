"""The tables of papers, each remade by the workflow as ``make paper NAME=...`` does, and kept for the page of them.

``python -m benchmarks.papers [--papers dream4 gran-dag]``
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from benchmarks.report import publish
from benchmarks.tables import options

ROOT = Path(__file__).resolve().parents[1]
SHEETS = ROOT / "workflow/papers/sheets"


def main() -> None:
    """Run the papers, and write their tables."""
    names = sorted(path.stem for path in SHEETS.glob("*.tsv"))
    parser = options(__doc__ or "")
    parser.add_argument("--papers", nargs="+", default=names, choices=names, help="papers to remake")
    given = parser.parse_args()
    for name in given.papers:
        with tempfile.TemporaryDirectory() as folder:
            remake(name, Path(folder), data=given.data.resolve(), bench=given.bench.resolve(), cores=given.threads)
            rows = pd.read_csv(Path(folder) / f"results/papers/{name}.tsv", sep="\t").to_dict("records")
        publish(f"paper-{name}", rows, f"make paper NAME={name}", given)


def remake(name: str, folder: Path, *, data: Path, bench: Path, cores: int) -> None:
    """Make the table of a paper in a folder."""
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    words = ["--snakefile", str(ROOT / "workflow/papers/Snakefile"), "--workflow-profile", "none", "--quiet", "all"]
    words += ["--directory", str(folder), "--cores", str(cores)]
    words += ["--config", f"name={name}", f"data={data}", f"bench={bench}"]
    environment = os.environ | {"PATH": paths, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "snakemake", *words], env=environment, check=True)


if __name__ == "__main__":
    main()
