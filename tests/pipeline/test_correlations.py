"""Correlations are made once for the folder of a run, and are the same bits as those that are made anew."""

import shutil
from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from tests.core.data.cells import draw_cells

from acyclome.config import Config
from acyclome.core.data import standardized
from acyclome.core.data.confounders import Deconfounding
from acyclome.errors import InputError
from acyclome.io.names import CORRELATIONS
from acyclome.pipeline import correlations as module
from acyclome.pipeline.commands import Runtime, prepare_stage, run, run_stage
from acyclome.pipeline.dataset import Dataset

CONFIG = Config.from_mapping({"resample": {"resamples": 2}, "validation": {"checks": False}})
RUNTIME = Runtime(threads=1)
STAGES = ("screen", "fit", "order", "resample", "network")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("input") / "cells.h5ad"
    X = sp.csr_matrix(draw_cells(40, 600, level=0.5, seed=29).astype(np.float32)[9:].T)
    obs = pd.DataFrame({"kind": ["a", "b"] * 300}, [f"c{i}" for i in range(600)])
    anndata.AnnData(X, obs, pd.DataFrame(index=[f"G{k}" for k in range(31)])).write_h5ad(path)
    return path


@pytest.fixture(autouse=True)
def formed(monkeypatch):
    """Keep correlations of few genes too; give the numbers of genes that were correlated as a whole."""
    made, correlate = [], Dataset.correlate
    monkeypatch.setattr(module, "LEAST", 0.0)
    monkeypatch.setattr(
        Dataset, "correlate", lambda data, *given: (made.append(data.n_obs), correlate(data, *given))[1]
    )
    return made


def learned(path, out, config=CONFIG, *, between=lambda _: None):
    """Learn stage by stage, each in a session of its own; return bytes of the tables."""
    prepare_stage(path, out, config, runtime=RUNTIME)
    for stage in STAGES:
        between(out / "stages" / CORRELATIONS)
        run_stage(stage, out, RUNTIME)
    return tables(out)


def tables(out):
    return {name: (out / name).read_bytes() for name in ("edges.tsv.gz", "ranking.tsv.gz", "nodes.tsv")}


@pytest.mark.parametrize("held", [0, 1 << 30])
def test_stages_make_them_once_and_have_the_bits_of_stages_that_make_them_anew(
    path, tmp_path, monkeypatch, formed, held
):
    monkeypatch.setattr(standardized, "HELD_BYTES", held)
    kept = learned(path, tmp_path / "kept")
    assert formed.count(600) == 1
    assert not (tmp_path / "kept/stages" / CORRELATIONS).exists()  # when the network stands
    monkeypatch.setattr(module, "LEAST", np.inf)
    assert kept == learned(path, tmp_path / "anew")
    assert formed.count(600) > 3
    run(path, tmp_path / "run", CONFIG, RUNTIME)
    assert kept == tables(tmp_path / "run")


def test_a_run_leaves_them_to_the_one_that_goes_on_with_it(path, tmp_path, monkeypatch, formed):
    def stop(stage, done, _):
        if stage == "resample" and done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(path, tmp_path / "out", CONFIG, replace(RUNTIME, progress=stop))
    assert (tmp_path / "out/stages" / CORRELATIONS).exists()
    run(path, tmp_path / "out", CONFIG, replace(RUNTIME, resume=True))
    assert formed.count(600) == 1
    run(path, tmp_path / "whole", CONFIG, RUNTIME)
    assert tables(tmp_path / "out") == tables(tmp_path / "whole")


def test_damaged_ones_are_made_anew(path, tmp_path, caplog):
    def damage(kept):
        if kept.exists():
            content = bytearray(kept.read_bytes())
            content[len(content) // 2] ^= 1
            kept.write_bytes(content)

    assert learned(path, tmp_path / "damaged", between=damage) == learned(path, tmp_path / "whole")
    assert "made anew" in caplog.text


def test_those_of_other_data_are_made_anew_and_go_with_the_prepared_data(path, tmp_path, formed):
    others = CONFIG.with_options({"prepare.min_cells": 300, "input.group": "a", "input.group_by": "kind"})
    prepare_stage(path, tmp_path / "other", others, runtime=RUNTIME)
    run_stage("screen", tmp_path / "other", RUNTIME)
    foreign = tmp_path / "foreign.h5"
    shutil.copy(tmp_path / "other/stages" / CORRELATIONS, foreign)
    prepare_stage(path, tmp_path / "other", CONFIG, runtime=RUNTIME)
    assert not (tmp_path / "other/stages" / CORRELATIONS).exists()

    def put(kept):
        if not kept.exists():
            shutil.copy(foreign, kept)

    assert learned(path, tmp_path / "put", between=put) == learned(path, tmp_path / "whole")
    assert formed.count(600) == 2


def test_what_is_taken_out_of_the_genes_is_part_of_what_they_were_made_of(bench, tmp_path):
    data = bench.task(draw_cells(40, 300, level=0.5, seed=30)).data
    scores = np.random.default_rng(72).standard_normal((2, 300))
    several = [data, *(data.without(Deconfounding(scores[:k])) for k in (1, 2))]
    several.append(data.without(Deconfounding(scores[:0], trims=True)))
    several.append(data.without(Deconfounding(scores[:0], regulators=np.array([3]), activity=scores[:1])))
    assert len({module._made_of(one) for one in several}) == 5


def test_a_disk_without_much_room_keeps_none_and_one_that_fails_ends_no_run(path, tmp_path, monkeypatch, caplog):
    expected = learned(path, tmp_path / "kept")
    free = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: free._replace(free=2 * 31 * 31 * 8))
        none = []
        assert expected == learned(path, tmp_path / "little", between=lambda kept: none.append(kept.exists()))
        assert not any(none)
    assert caplog.text == ""

    def full(*_):
        msg = "Cannot write: no space left."
        raise InputError(msg)

    monkeypatch.setattr(module, "write_symmetric", full)
    assert expected == learned(path, tmp_path / "full")
    assert "Correlations of genes are not kept" in caplog.text
