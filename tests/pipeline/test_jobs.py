"""What the workflow asks a cluster for, stage by stage: the plan of a run, cut along its jobs."""

import json

import pytest

from acyclome.config import Config
from acyclome.pipeline.commands import prepare_stage
from acyclome.pipeline.jobs import job_needs
from acyclome.pipeline.resources import BASE_BYTES, LOOKED, estimate
from acyclome.pipeline.task import Runtime

STAGES = ["screen", "fit", "order", "resample", "network"]


@pytest.mark.parametrize("options", [{}, {"shard.shards": 8}, {"model": "auto"}, {"resample.resamples": 0}])
def test_every_stage_that_learns_has_its_memory_and_its_time(options):
    found = job_needs(2000, 1000, Config().with_options(options))
    assert list(found) == STAGES
    assert all(one["mb"] > 100 and one["seconds"] >= 0 for one in found.values())


def test_a_job_of_half_samples_holds_one_at_a_time():
    config = Config().with_options({"resample.resamples": 20})
    found, alone = job_needs(5000, 1000, config), estimate(5000, 1000, config, threads=1)
    assert found["resample"]["mb"] == round(alone["memory_bytes"] / 1e6)
    assert found["resample"]["seconds"] == alone["seconds"]["resample"]


def test_jobs_of_shards_hold_as_many_as_they_have_threads():
    config = Config().with_options({"shard.shards": 4, "resample.resamples": 0})
    found, whole = job_needs(20_000, 1000, config), estimate(20_000, 1000, config, threads=8)
    own = whole["shard_memory_bytes"] - BASE_BYTES
    assert found["fit"]["mb"] == round((BASE_BYTES + 4 * own) / 1e6)


def test_preparation_leaves_what_jobs_need_beside_the_data(h5ad, tmp_path):
    config = Config().with_options({"resample.resamples": 2, "prepare.transform": "none"})
    prepare_stage(h5ad, tmp_path, config, runtime=Runtime())
    notes = json.loads((tmp_path / "stages/config.json").read_text(encoding="utf-8"))
    assert notes["jobs"] == job_needs(160, 200, config)
    prepare_stage(h5ad, tmp_path, config, runtime=Runtime(resume=True))
    assert json.loads((tmp_path / "stages/config.json").read_text(encoding="utf-8"))["jobs"] == notes["jobs"]


def test_hidden_causes_are_looked_for_with_copies_of_the_data_beside():
    taken = {
        how: estimate(1000, 20_000, Config().with_options({"confounding": how, "resample.resamples": 0}), threads=1)
        for how in ("auto", "none")
    }
    copies = (taken["auto"]["memory_bytes"] - taken["none"]["memory_bytes"]) / (8 * 1000 * 20_000)
    assert 3 < copies <= LOOKED
