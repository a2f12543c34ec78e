"""The workflow on a cluster of SLURM, where there is one: `python -m benchmarks.cluster` tries more of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
ASKED = """
configfile: "config/config.yaml"

module acyclome:
    snakefile: "{snakefile}"
    config: {{**config, "resample_parts": 2}}

use rule * from acyclome

use rule screen_candidates from acyclome with:
    message: "asked: {{resources.mem_mb}} MB, {{resources.runtime}} min"

use rule resample_network from acyclome with:
    message: "asked: {{resources.mem_mb}} MB, {{resources.runtime}} min"
"""
PARTS = [f"resample-{part}-of-2.npz" for part in (1, 2)]


def cancel_one(over: threading.Event, cancelled: list[str]) -> None:
    """Cancel the first job of half-samples that runs."""
    words = ["squeue", "--me", "--noheader", "--states", "running", "--format", "%i %k"]
    while not cancelled and not over.wait(0.3):
        lines = subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()
        cancelled += [line.split()[0] for line in lines if "rule_resample_network" in line][:1]
    for job in cancelled:
        subprocess.run(["scancel", job], check=False)


def test_jobs_ask_for_what_was_foreseen_when_the_data_were_prepared(workplace):
    shutil.copytree(ROOT / ".test", workplace.folder, dirs_exist_ok=True)
    workplace.write("resources/config/toy.yaml", "{}")
    for name in ("prepared.h5", "permuted.h5"):
        workplace.write(f"results/toy/stages/{name}", "")
    jobs = {"screen": {"mb": 10_000, "seconds": 600}, "resample": {"mb": 20_000, "seconds": 6000}}
    workplace.write("results/toy/stages/config.json", json.dumps({"jobs": jobs}))
    snakefile = workplace.write("Snakefile", ASKED.format(snakefile=ROOT / "workflow/Snakefile"))
    wanted = ("results/toy/stages/screen.npz", f"results/toy/stages/{PARTS[0]}")
    answer = workplace.snakemake("-n", "--rerun-triggers", "mtime", "--", *wanted, snakefile=snakefile)
    # A margin of 30% and the two processes of Snakemake; four times the time, of half of the half-samples.
    assert sorted(re.findall(r"asked: (.*)", answer.text)) == ["13500 MB, 55 min", "26500 MB, 215 min"], answer.text


@pytest.mark.workflow
@pytest.mark.usefixtures("slurm")
def test_a_job_that_is_cancelled_is_done_again_to_the_bits_of_the_command_line(workplace):
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="an optional part of the installation")
    shutil.copytree(ROOT / ".test", workplace.folder, dirs_exist_ok=True)
    words = ["--workflow-profile", str(ROOT / "profiles/slurm"), "--slurm-status-command", "squeue"]
    words += ["--slurm-init-seconds-before-status-checks", "1", "--config", "resample_parts=2", "--"]
    over, cancelled = threading.Event(), []
    watch = threading.Thread(target=cancel_one, args=(over, cancelled))
    watch.start()
    try:
        whole = workplace.snakemake(*words, *(f"results/toy/stages/{name}" for name in PARTS))
    finally:
        over.set()
        watch.join()
    assert whole.code == 0, whole.text
    assert len(cancelled) == 1
    assert "CANCELLED" in whole.text
    config = ("--config", "resources/config/toy.yaml", "--threads", "1")
    assert workplace.run("acyclome", "prepare", "data/toy.tsv", "-o", "direct", *config).code == 0
    for part, name in enumerate(PARTS, start=1):
        done = workplace.run("acyclome", "resample", "direct", "--part", str(part), "--parts", "2", "--threads", "1")
        assert done.code == 0, done.text
        with (
            np.load(workplace.folder / f"direct/stages/{name}") as expected,
            np.load(workplace.folder / f"results/toy/stages/{name}") as found,
        ):
            for key in set(expected.files) - {"__header__"}:
                np.testing.assert_array_equal(found[key], expected[key])
