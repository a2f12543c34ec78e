"""Jobs of SLURM as workers of Dask: what is refused and how, and a run on a cluster where there is one."""

import os
import subprocess
import sys

import pytest

from acyclome.errors import InputError
from acyclome.pipeline.clusters import whole_run
from acyclome.pipeline.executor import run_parts
from acyclome.pipeline.task import Runtime

JOBS = "{jobqueue: {slurm: {cores: 1, memory: 1GB}}, distributed: {adaptive: {minimum: 1, maximum: 2}}}"


def written(folder, text):
    path = folder / "workers.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def refused(asked):
    with pytest.raises(InputError) as error, whole_run(Runtime(dask=asked)):
        pass
    assert len(str(error.value).splitlines()) <= 20
    return str(error.value)


@pytest.mark.parametrize("asked", [None, "local", "tcp://node1:8786"])
def test_what_is_no_job_of_slurm_goes_on_as_it_is(asked):
    runtime = Runtime(dask=asked)
    with whole_run(runtime) as given:
        assert given is runtime


def test_without_jobqueue_the_answer_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    assert 'pip install "acyclome[slurm]"' in refused("slurm")


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "no key jobqueue"), ("{jobqueue: 3}", "no key jobqueue"), ("{a: [", "Expected a YAML file")],
)
def test_a_file_without_the_keys_of_jobqueue_is_shown_one_that_has_them(tmp_path, text, said):
    pytest.importorskip("dask_jobqueue", reason="an optional part of the installation")
    answer = refused(written(tmp_path, text))
    assert said in answer
    assert "walltime" in answer


@pytest.mark.parametrize("limits", ["{}", "{minimum: 3, maximum: 2}", "{maximum: many}", "{maximum: 0}"])
def test_how_many_workers_there_are_to_be_has_to_be_said(tmp_path, limits):
    pytest.importorskip("dask_jobqueue", reason="an optional part of the installation")
    text = f"{{jobqueue: {{slurm: {{cores: 1, memory: 1GB}}}}, distributed: {{adaptive: {limits}}}}}"
    assert "distributed.adaptive" in refused(written(tmp_path, text))


def test_what_slurm_does_not_take_is_said_in_its_own_words(tmp_path, monkeypatch):
    pytest.importorskip("dask_jobqueue", reason="an optional part of the installation")

    def answer(*_, **__):
        return subprocess.CompletedProcess([], 1, "", "sbatch: error: invalid partition specified: nowhere")

    monkeypatch.setattr("acyclome.pipeline.clusters.subprocess.run", answer)
    assert "invalid partition specified" in refused(written(tmp_path, JOBS))


def times_a_thousand(part):
    return [part] * 1000


def test_through_the_scheduler_go_numbers_and_paths_alone_named_after_their_stage(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="Dask is an optional part of the installation")
    sent = []
    submit = distributed.Client.submit

    def noted(client, work, *given, **how):
        future = submit(client, work, *given, **how)
        sent.append((future.key, work, given))
        return future

    monkeypatch.setattr(distributed.Client, "submit", noted)
    cluster = distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=":0")
    with cluster:
        how = {"threads": 1, "finished": lambda _: None, "dask": cluster.scheduler_address, "folder": tmp_path}
        found = run_parts(times_a_thousand, ["a" * 1000, "b" * 1000], name="resample", **how)
    assert found == [["a" * 1000] * 1000, ["b" * 1000] * 1000]
    assert [given for _, _, given in sent] == [(0,), (1,)]
    assert all(key.startswith("resample-") for key, _, _ in sent)
    assert not list(tmp_path.iterdir())
    assert os.fspath(tmp_path) in str(sent[0][1])
