"""The workflow for real, on a small simulated data set: results, report, and the bits of the command line."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

N_OBS, N_GENES = 200, 40


def simulated_table() -> str:
    """Return a table of cells x genes in which every gene follows from the one before it."""
    rng = np.random.default_rng(20)
    X = rng.normal(size=(N_OBS, N_GENES))
    for gene in range(1, N_GENES):
        X[:, gene] = 0.7 * X[:, gene - 1] + 0.7 * X[:, gene]
    X = np.round(np.maximum(X + 3.0, 0.0), 4)
    lines = ["cell\t" + "\t".join(f"G{gene}" for gene in range(N_GENES))]
    lines += [f"c{cell}\t" + "\t".join(map(str, row)) for cell, row in enumerate(X)]
    return "\n".join(lines) + "\n"


@pytest.mark.workflow
def test_a_run_ends_with_a_dag_a_report_and_the_bits_of_the_command_line(workplace):
    workplace.write("toy.tsv", simulated_table())
    workplace.write("config/datasets.tsv", "dataset\tpath\ntoy\ttoy.tsv\n")
    plain = "prepare: {normalize: false, log: false}\n"
    workplace.write("shards.yaml", f"{plain}resample: {{resamples: 0}}\nshard: {{shards: 2}}\n")
    workplace.write("small.yaml", f"{plain}resample: {{resamples: 4}}\n")

    cut = workplace.snakemake("--cores", "2", "--configfile", "shards.yaml", "--", "results/toy/stages/fit.npz")
    assert cut.code == 0, cut.text
    assert "shards" in (workplace.folder / "logs/toy/merge.log").read_text(encoding="utf-8")

    whole = workplace.snakemake("--cores", "2", "--configfile", "small.yaml")
    logs = "\n".join(path.read_text(encoding="utf-8") for path in sorted((workplace.folder / "logs/toy").glob("*.log")))
    assert whole.code == 0, f"{whole.text}\n{logs}"
    out = workplace.folder / "results/toy"
    facts = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert facts["status"] == "done"
    assert facts["network"]["is_dag"] is True
    assert facts["resample"]["resamples"] == 4
    assert "shards" not in facts
    edges = gzip.decompress((out / "edges.tsv.gz").read_bytes()).decode().splitlines()
    assert len(edges) > N_GENES / 2
    assert b"<html" in (out / "report.html").read_bytes()
    benchmark = (workplace.folder / "logs/toy/screen.benchmark.tsv").read_text(encoding="utf-8")
    assert "max_rss" in benchmark

    again = workplace.snakemake("-n", "--configfile", "small.yaml")
    assert "Nothing to be done" in again.text, again.text

    summary = workplace.snakemake("--configfile", "small.yaml", "--report", "report.zip")
    assert summary.code == 0, summary.text
    assert (workplace.folder / "report.zip").stat().st_size < 5e6

    direct = workplace.acyclome(
        "run", "toy.tsv", "-o", "direct", "--config", "resources/config/toy.yaml", "--threads", "1"
    )
    assert direct.code == 0, direct.text
    for name in ("edges.tsv.gz", "ranking.tsv.gz", "nodes.tsv"):
        assert (workplace.folder / "direct" / name).read_bytes() == (out / name).read_bytes(), name
