"""The limit on memory: what was asked for, else what the machine has; told as soon as the sizes are known."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import anndata
import numpy as np
import pandas as pd
import psutil
import pytest

import acyclome as ac
from acyclome.config import Config
from acyclome.core.data.moments import WHOLE_GENES
from acyclome.core.data.standardized import Standardized, let_go
from acyclome.errors import InputError, MemoryLimitError
from acyclome.io.atomic import TEMPORARY_MARK
from acyclome.io.scratch import scratch_array
from acyclome.pipeline import dataset
from acyclome.pipeline.commands import Runtime, prepare_stage, run
from acyclome.pipeline.resources import estimate

N_OBS, N_GENES = 40, 6


@pytest.fixture
def small_machine(monkeypatch):
    """Let the machine have one megabyte."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=2**20))


@pytest.fixture
def h5ad(tmp_path):
    X = np.random.default_rng(51).poisson(5.0, (N_OBS, N_GENES)).astype(np.float32)
    path = tmp_path / "in.h5ad"
    genes = [f"G{j}" for j in range(N_GENES)]
    obs = pd.DataFrame({"target": np.array([*genes[:4], *["control"] * 6])[np.arange(N_OBS) % 10]})
    obs.index = obs.index.astype(str)
    anndata.AnnData(X, obs, pd.DataFrame(index=genes)).write_h5ad(path)
    return path


def test_a_run_that_the_machine_cannot_hold_is_refused_without_a_limit(small_machine):
    X = np.random.default_rng(52).normal(size=(N_OBS, N_GENES))
    with pytest.raises(MemoryLimitError, match="this machine has"):
        ac.learn(X, resamples=0, threads=1)


def test_a_limit_that_was_asked_for_holds_and_not_the_size_of_the_machine(bench, small_machine):
    X = np.random.default_rng(52).normal(size=(N_OBS, N_GENES))
    assert bench.task(X.T, memory=2**40).scratch is None


def test_the_preparation_tells_at_its_end_and_is_kept(h5ad, tmp_path):
    with pytest.raises(MemoryLimitError, match="--memory allows"):
        prepare_stage(h5ad, tmp_path / "out", Config(), runtime=Runtime(memory=2**20))
    kept = prepare_stage(h5ad, tmp_path / "out", Config(), runtime=Runtime(memory=2**40, resume=True))
    assert kept == {"kept": True}


def test_the_plan_of_a_screen_counts_the_networks_that_never_see_a_part_of_the_targets():
    screen = Config().with_options({"input.perturbation": "target", "confounding": "none"})
    without = screen.with_options({"input.perturbation": None})
    plans = [estimate(2000, 50_000, one, threads=1) for one in (screen, without)]
    more = plans[0]["memory_bytes"] - plans[1]["memory_bytes"]
    assert more == pytest.approx(8 * 2000 * 50_000 * (0.8 - 0.5), rel=0.01)  # four fifths of the cells, not a half
    assert plans[0]["seconds"]["held_out"] > 0
    assert "held_out" not in plans[1]["seconds"]


def test_correlations_that_are_never_held_do_not_count():
    config = Config.from_mapping({"resample": {"resamples": 0}})
    below, above = (estimate(d, 1000, config, threads=2)["memory_bytes"] for d in (WHOLE_GENES, WHOLE_GENES + 1))
    assert 0.9 < (below - above) / (4 * WHOLE_GENES**2) <= 1.0
    assert estimate(100_000, 1000, config, threads=2)["memory_bytes"] < 8e9


@pytest.mark.parametrize("column", [None, "target"])
def test_scaled_data_that_do_not_fit_lie_on_the_disk_and_no_bit_changes(h5ad, tmp_path, monkeypatch, column):
    asked = {
        "resample": {"resamples": 2},
        "validation": {"checks": False},
        "prepare": {"min_cells": 1},
        "input": {"perturbation": column, "control": column and "control"},
    }
    config = Config.from_mapping(asked)
    facts = estimate(N_GENES, N_OBS, config, threads=1)
    between = (facts["memory_bytes"] + facts["spilled_memory_bytes"]) // 2
    made = []
    monkeypatch.setattr(dataset, "scratch_array", lambda *args: made.append(scratch_array(*args)) or made[-1])
    for name, memory in (("whole", None), ("spilled", between)):
        run(h5ad, tmp_path / name, config, Runtime(memory=memory))
    assert len(made) >= 3
    for name in ("edges.tsv.gz", "ranking.tsv.gz", "nodes.tsv"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "spilled" / name).read_bytes()
    assert not [path for path in (tmp_path / "spilled" / "stages").iterdir() if path.name.startswith(TEMPORARY_MARK)]


def test_genes_on_the_disk_are_whole_again_after_they_were_let_go(tmp_path):
    Z = np.random.default_rng(53).normal(size=(50, 1000))
    rows = Standardized(lambda a, b: Z[a:b], Z.shape, Z.dtype, lambda: scratch_array(tmp_path, Z.shape, Z.dtype))
    assert not Standardized.of(Z).is_on_disk
    held = rows.whole
    assert rows.is_on_disk
    let_go(held[3:])
    np.testing.assert_array_equal(held, Z)
    np.testing.assert_array_equal(rows.block(7, 9), Z[7:9])


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells how much of a file is in memory")
def test_what_lies_on_the_disk_is_in_memory_only_while_it_is_used(tmp_path):
    Z = scratch_array(tmp_path, (64, 4096), np.float64)
    Z[:] = 1.0

    def resident():
        maps = Path("/proc/self/smaps").read_text().split(str(tmp_path))[1]
        return int(maps.split("Rss:")[1].split()[0])

    assert resident() >= Z.nbytes // 1024
    let_go(Z)
    assert resident() == 0
    assert (Z == 1.0).all()
    some = Standardized.of(Z).columns(np.arange(0, 4096, 13))  # which lie on all pages
    assert resident() == 0
    in_memory = Standardized.of(np.ones(Z.shape)).columns(np.arange(0, 4096, 13))
    assert (some == in_memory).all()
    assert some.strides == in_memory.strides  # products of one layout have the bits of another only by chance


def test_a_full_disk_is_an_error_on_one_screen(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(InputError, match="has no room for"):
        scratch_array(tmp_path, (10, 10), np.float32)
    assert not list(tmp_path.iterdir())


def test_memory_of_a_linear_network_does_not_grow_with_the_observations():
    few, many = (estimate(6000, n, Config(), threads=1)["memory_bytes"] for n in (100_000, 1_000_000))
    assert many - few < 1e9
    curves = Config.from_mapping({"model": "spline"})
    assert estimate(6000, 1_000_000, curves, threads=1)["memory_bytes"] > 4 * 6000 * 1_000_000
