"""A folder that is used again tells of its last run only."""

import anndata
import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.io.store import Store
from acyclome.pipeline.commands import Runtime, prepare_stage, run

N_OBS, N_GENES = 40, 6
CONFIG = Config().with_options({"resample.resamples": 2, "prepare.transform": "none"})
RESULTS = {
    "edges.tsv.gz",
    "edges.parquet",
    "ranking.tsv.gz",
    "nodes.tsv",
    "network.h5ad",
    "report.html",
    "run.json",
    "members.parquet",
}


@pytest.fixture
def h5ad(tmp_path):
    X = np.random.default_rng(31).poisson(5.0, (N_OBS, N_GENES)).astype(np.float32)
    obs = pd.DataFrame({"kind": ["B", "T"] * (N_OBS // 2)}, [f"c{i}" for i in range(N_OBS)])
    path = tmp_path / "in.h5ad"
    anndata.AnnData(X, obs=obs, var=pd.DataFrame(index=[f"G{j}" for j in range(N_GENES)])).write_h5ad(path)
    return path


@pytest.fixture
def out(h5ad, tmp_path):
    run(h5ad, tmp_path / "out", CONFIG, Runtime())
    return tmp_path / "out"


def names(folder):
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_other_options_of_the_preparation_remove_what_an_earlier_run_left(h5ad, out):
    (out / "mine.txt").write_text("kept")
    prepare_stage(h5ad, out, CONFIG.with_options({"prepare.min_cells": 3}), runtime=Runtime(resume=True))
    assert names(out) == {"mine.txt"}
    assert names(out / "stages") == {"prepared.h5", "config.json", "permuted.h5"}
    with pytest.raises(InputError, match="no run has ended there"):
        ac.read(out)


def test_other_options_of_later_stages_remove_the_results_and_keep_the_stages(h5ad, out):
    prepare_stage(h5ad, out, CONFIG.with_options({"score.gamma": 0.5}), runtime=Runtime(resume=True))
    assert names(out).isdisjoint(RESULTS)
    assert "screen.npz" in names(out / "stages")


def test_the_same_options_keep_everything(h5ad, out):
    prepare_stage(h5ad, out, CONFIG, runtime=Runtime(resume=True))
    assert names(out) == RESULTS
    assert ac.read(out).facts["status"] == "done"


def test_a_preparation_that_fails_leaves_the_earlier_run_whole(h5ad, out):
    with pytest.raises(InputError, match="nowhere"):
        prepare_stage(h5ad, out, CONFIG.with_options({"input.layer": "nowhere"}), runtime=Runtime())
    assert names(out) == RESULTS
    with Store.open(out / "stages" / "prepared.h5") as store:
        assert store.n_obs == N_OBS


def test_groups_in_the_folder_of_a_run_without_groups_remove_that_run(h5ad, out):
    run(h5ad, out, CONFIG.with_options({"input.group_by": "kind"}), Runtime())
    assert names(out) == {"report.html", "groups.tsv"}
    assert names(out / "stages") == set()
    assert names(out / "B") == RESULTS
    with pytest.raises(InputError, match="one network per group"):
        ac.read(out)
