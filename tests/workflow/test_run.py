"""The workflow for real, on the small data set of .test: results, report, and the bits of the command line."""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

TRIED = Path(__file__).resolve().parents[2] / ".test"
N_OBS, N_GENES = 100, 20


def simulated_table() -> str:
    """Return a table of cells x genes in which every gene follows from the one before it."""
    rng = np.random.default_rng(20)
    X = rng.normal(size=(N_OBS, N_GENES))
    for gene in range(1, N_GENES):
        X[:, gene] = 0.7 * X[:, gene - 1] + 0.7 * X[:, gene]
    X = np.round(np.maximum(X + 3.0, 0.0), 3)
    lines = ["cell\t" + "\t".join(f"G{gene}" for gene in range(N_GENES))]
    lines += [f"c{cell}\t" + "\t".join(map(str, row)) for cell, row in enumerate(X)]
    return "\n".join(lines) + "\n"


def test_the_small_data_set_is_drawn_from_its_seed():
    assert (TRIED / "data/toy.tsv").read_text(encoding="utf-8") == simulated_table()


@pytest.mark.workflow
def test_a_run_ends_with_a_dag_a_report_and_the_bits_of_the_command_line(workplace):
    shutil.copytree(TRIED, workplace.folder, dirs_exist_ok=True)
    wanted = ["results/toy/report.html", "results/toy/figures/edges.html"]
    words = ("-s", str(TRIED.parent / "Snakefile"), "--workflow-profile", "none", "--cores", "2")
    whole = workplace.run(sys.executable, "-m", "snakemake", *words, "--", *wanted)
    logs = "\n".join(path.read_text(encoding="utf-8") for path in sorted((workplace.folder / "logs").rglob("*.log")))
    assert whole.code == 0, f"{whole.text}\n{logs}"
    out = workplace.folder / "results/toy"
    facts = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert facts["status"] == "done"
    assert facts["network"]["is_dag"] is True
    assert facts["resample"]["resamples"] == 2
    edges = gzip.decompress((out / "edges.tsv.gz").read_bytes()).decode().splitlines()
    assert len(edges) > N_GENES / 2
    assert b"<html" in (out / "report.html").read_bytes()
    benchmark = (workplace.folder / "logs/toy/screen.benchmark.tsv").read_text(encoding="utf-8")
    assert "max_rss" in benchmark

    again = workplace.snakemake("-n", "--", *wanted)
    assert "Nothing to be done" in again.text, again.text

    summary = workplace.snakemake("--report", "report.zip", "--", *wanted)
    assert summary.code == 0, summary.text
    assert (workplace.folder / "report.zip").stat().st_size < 5e6

    words = ("--config", "resources/config/toy.yaml", "--threads", "1")
    direct = workplace.run("acyclome", "run", "data/toy.tsv", "-o", "direct", *words)
    assert direct.code == 0, direct.text
    for name in ("edges.tsv.gz", "ranking.tsv.gz", "nodes.tsv"):
        assert (workplace.folder / "direct" / name).read_bytes() == (out / name).read_bytes(), name
