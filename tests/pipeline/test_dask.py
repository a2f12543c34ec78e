"""Shards and resamples on Dask: the bits of threads, whoever works, joins or dies."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from multiprocessing import forkserver

import numpy as np
import pytest

from acyclome.cli import main
from acyclome.config import Config
from acyclome.core import engine
from acyclome.core.backend import ThreadBackend
from acyclome.core.workers import one_blas_thread
from acyclome.pipeline.commands import Runtime, prepare_stage, run, run_stage
from acyclome.pipeline.executor import dask_client, relaxing_workers
from acyclome.pipeline.records import Screened
from acyclome.pipeline.session import Session
from acyclome.pipeline.task import seed_of

distributed = pytest.importorskip("distributed", reason="Dask is an optional part of the installation")
dask = pytest.importorskip("dask")

CONFIG = Config.from_mapping({"resample": {"resamples": 2}, "prepare": {"transform": "none"}, "shard": {"shards": 6}})


@pytest.fixture(scope="module", autouse=True)
def workers_have_loaded():
    """Fork workers off a process that has loaded what they would load, which Dask does where it is told to."""
    multiprocessing.set_forkserver_preload(["distributed", "acyclome.pipeline.stages", "torch"])
    forkserver.ensure_running()
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        yield


@pytest.fixture(scope="module")
def finished(h5ad, tmp_path_factory):
    """Return the folder of an undisturbed run on one thread."""
    out = tmp_path_factory.mktemp("run") / "out"
    run(h5ad, out, CONFIG, Runtime(threads=1))
    return out


@pytest.fixture(scope="module")
def cluster():
    """Return a cluster of two processes, such as a user may have running."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit=0) as found:
        yield found


def arrays_of(path):
    with np.load(path) as found:
        return {name: found[name] for name in found.files if name != "__header__"}


def kill_one(cluster):
    """Kill a worker's process; its nanny starts another."""
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        pid = next(iter(client.run(os.getpid).values()))
    os.kill(pid, signal.SIGKILL)
    return pid


def until_fit(h5ad, out):
    prepare_stage(h5ad, out, CONFIG, runtime=Runtime())
    for stage in ("screen", "shard"):
        run_stage(stage, out, Runtime())


def assert_same_stage(name, one, two):
    found, expected = (arrays_of(folder / "stages" / name) for folder in (one, two))
    assert found.keys() == expected.keys()
    for key in found:
        np.testing.assert_array_equal(found[key], expected[key])


def test_a_run_on_workers_started_here_gives_the_bits_of_threads(bench, h5ad, finished, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("{resample: {resamples: 2}, prepare: {transform: none}, shard: {shards: 6}}")
    words = ["--config", config, "--dask", "local", "--threads", "2", "--quiet"]
    assert main([str(word) for word in ["run", h5ad, "-o", tmp_path / "out", *words]]) == 0
    assert bench.same_files(tmp_path / "out", finished)


def test_a_cluster_that_is_there_is_joined_and_left_running(h5ad, finished, tmp_path, cluster):
    until_fit(h5ad, tmp_path)
    runtime = Runtime(dask=cluster.scheduler_address)
    run_stage("fit", tmp_path, runtime)
    run_stage("resample", tmp_path, runtime)
    assert_same_stage("fit-1-of-1.npz", tmp_path, finished)
    assert_same_stage("resample-1-of-1.npz", tmp_path, finished)
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        assert len(client.scheduler_info()["workers"]) == 2


def test_a_worker_killed_in_the_middle_changes_nothing(h5ad, finished, tmp_path, cluster):
    until_fit(h5ad, tmp_path)
    killed = []

    def kill_the_first(stage, done, message):
        if stage == "fit" and 0 < done < 1 and not killed:
            killed.append(kill_one(cluster))

    run_stage("fit", tmp_path, Runtime(dask=cluster.scheduler_address, progress=kill_the_first))
    assert len(killed) == 1
    assert_same_stage("fit-1-of-1.npz", tmp_path, finished)


def test_without_shards_the_relaxation_goes_in_parts_and_a_killed_worker_changes_no_bit(
    h5ad, tmp_path, cluster, monkeypatch
):
    whole, dealt = tmp_path / "whole", tmp_path / "dealt"
    config = CONFIG.with_options({"shard.shards": 0})
    for out, runtime in ((whole, Runtime()), (dealt, Runtime(dask=cluster.scheduler_address))):
        prepare_stage(h5ad, out, config, runtime=runtime)
        run_stage("screen", out, runtime)
        run_stage("fit", out, runtime)
    assert_same_stage("fit.npz", dealt, whole)
    killed, steps = [], []

    def kill_on_the_way(workers, work, handles, arguments):
        steps.append(work)
        if len(steps) == 12:
            killed.append(kill_one(cluster))
        return each(workers, work, handles, arguments)

    with Session.open(dealt, Runtime()) as current, relaxing_workers(cluster.scheduler_address, 1, dealt) as workers:
        each = type(workers).each
        monkeypatch.setattr(type(workers), "each", kill_on_the_way)
        task, seed = current.task, seed_of(config, "fit")
        candidates = Screened(**arrays_of(dealt / "stages" / "screen.npz")).candidates
        with one_blas_thread():
            problem = replace(task.problem, backend=ThreadBackend(workers=workers))
            start, relaxed = engine.relax(problem, candidates, task.settings, seed=seed)
    assert len(killed) == 1
    assert len(steps) > 20
    expected = arrays_of(whole / "stages/fit.npz")
    np.testing.assert_array_equal(start, expected["start"])
    np.testing.assert_array_equal(relaxed.W, expected["W"])
    assert not list(dealt.glob(".parts-*"))


def work_that_is_cut_short():
    with dask_client("local", 1) as client:
        waiting = [client.submit(time.sleep, 1, pure=False) for _ in range(3)]
        threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        client.gather(waiting)


def test_work_that_is_cut_short_ends_without_a_word_of_dask(capfd):
    with pytest.raises(KeyboardInterrupt):
        work_that_is_cut_short()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nowhere", "ftp://here:1"])
def test_an_address_at_which_nobody_answers_is_named_on_one_screen(h5ad, tmp_path, capsys, monkeypatch, address):
    monkeypatch.setattr("acyclome.pipeline.clusters.ANSWER_SECONDS", 1)
    until_fit(h5ad, tmp_path)
    assert main(["fit", str(tmp_path), "--dask", address, "--quiet"]) == 2
    error = capsys.readouterr().err
    assert address in error
    assert "dask scheduler" in " ".join(error.split())
    assert "Traceback" not in error
    assert len(error.splitlines()) <= 24


def test_without_dask_the_answer_says_what_to_install(h5ad, tmp_path, capsys, monkeypatch):
    until_fit(h5ad, tmp_path)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["fit", str(tmp_path), "--dask", "local", "--quiet"]) == 2
    assert 'pip install "acyclome[dask]"' in " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("slurm")
def test_workers_that_are_jobs_of_slurm_may_be_cancelled_and_come_to_the_end_of_their_life(
    bench, h5ad, finished, tmp_path
):
    pytest.importorskip("dask_jobqueue", reason="an optional part of the installation")
    jobs = f"acyclome-{os.getpid()}"
    keys = tmp_path / "workers.yaml"
    keys.write_text(
        "jobqueue:\n"
        f"  slurm: {{name: {jobs}, cores: 1, memory: 1500MB, log-directory: {tmp_path}/logs, walltime: '00:05:00',\n"
        "    worker-extra-args: [--host, 127.0.0.1, --lifetime, 20s, --lifetime-stagger, 4s],\n"
        "    scheduler-options: {host: 127.0.0.1, dashboard_address: null}}\n"
        "distributed: {adaptive: {minimum: 2, maximum: 2}}\n",
        encoding="utf-8",
    )
    cancelled = []

    def cancel_one(stage, done, _):
        if stage == "fit" and 0 < done < 1 and not cancelled:
            words = ["squeue", "--noheader", "--name", jobs, "--states", "running", "--format", "%i"]
            running = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
            cancelled.extend(running[:1])
            subprocess.run(["scancel", *running[:1]], check=True)

    run(h5ad, tmp_path / "out", CONFIG, Runtime(threads=1, dask=str(keys), progress=cancel_one))
    assert len(cancelled) == 1
    assert bench.same_files(tmp_path / "out", finished)
