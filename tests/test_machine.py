"""Devices by name, and a run whose relaxation goes through torch: the network of the threads."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from acyclome import machine
from acyclome.cli.plan import _plan_text
from acyclome.config import Config
from acyclome.core import engine
from acyclome.core.backend import DeviceBackend, ThreadBackend
from acyclome.core.data.search_result import SearchResult
from acyclome.errors import InputError
from acyclome.evaluate.simulate import simulate
from acyclome.io.store import MemoryStore
from acyclome.machine import backend_of
from acyclome.pipeline import session, stages
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.keys import Part
from acyclome.pipeline.resources import estimate
from acyclome.pipeline.task import Runtime, Task

HERE = DeviceBackend(torch.device("cpu"), torch.float64)


@pytest.fixture(scope="module")
def store():
    X = simulate(60, 300, seed=5, standardised=True).X.T
    return MemoryStore(X, [f"g{j}" for j in range(60)], facts={})


@pytest.fixture
def card(monkeypatch):
    """Let the name cuda stand for torch on the processor."""
    monkeypatch.setitem(machine.BACKENDS, "cuda", lambda: HERE)


def empty_dag():
    nothing = np.empty(0)
    return SearchResult(nothing, nothing, nothing, nothing, nothing, nothing, 0.0, 0.0)


def edges(network):
    return set(zip(network.edges["source"], network.edges["target"], strict=True))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_card_auto_is_the_processor_and_cuda_is_refused():
    assert backend_of("auto", threads=2) == backend_of("cpu", threads=2) == ThreadBackend(2)
    with pytest.raises(InputError, match="--device cuda was asked for, but torch sees no CUDA device"):
        backend_of("cuda", threads=1)
    with pytest.raises(InputError, match=r"'gpu'.*auto, cpu or cuda"):
        backend_of("gpu", threads=1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_with_a_card_auto_is_the_card():
    assert (
        backend_of("auto", threads=1)
        == backend_of("cuda", threads=1)
        == DeviceBackend(torch.device("cuda"), torch.float32)
    )


def test_with_a_card_auto_takes_it_except_on_dask(monkeypatch):
    monkeypatch.setattr(machine, "_has_cuda", lambda: True)
    assert backend_of("auto", threads=1) == DeviceBackend(torch.device("cuda"), torch.float32)
    assert backend_of("auto", threads=1, dask="local") == ThreadBackend()
    assert backend_of("cuda", threads=1, dask="local") == DeviceBackend(torch.device("cuda"), torch.float32)


@pytest.mark.skipif(sys.platform != "linux" or torch.cuda.is_available(), reason="this system may have a card")
def test_where_no_card_is_to_be_seen_torch_is_not_even_loaded():
    call = "from acyclome.machine import backend_of; backend_of('auto', threads=1)"
    code = f"import sys; {call}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("resamples", [0, 2])
def test_a_run_on_a_device_finds_the_network_of_the_threads(store, resamples):
    config = Config.from_mapping(
        {"resample": {"resamples": resamples}, "screen": {"max_candidates": 15}, "fit": {"drop_tol": 0.0}}
    )
    tasks = (Task.begin(Dataset.build(store, config), config, Runtime(device=name)) for name in ("cpu", "cuda"))
    one, two = (session.Session(task, {"command": "test", "input": {}}).learn() for task in tasks)
    assert edges(one) == edges(two)
    assert one.n_edges > 40


@pytest.mark.usefixtures("card")
def test_the_shards_of_a_worker_are_relaxed_in_one_call(store, monkeypatch):
    config = Config.from_mapping({"shard": {"shards": 4}, "screen": {"max_candidates": 15}, "fit": {"drop_tol": 0.0}})
    calls = []

    def counted(networks, *given, **more):
        calls.append(len(networks))
        return sharded_together(networks, *given, **more)

    sharded_together = engine.relax_together
    monkeypatch.setattr(engine, "relax_together", counted)
    found = {}
    for name in ("cpu", "cuda"):
        task = Task.begin(Dataset.build(store, config), config, Runtime(device=name))
        with session.Session(task, {}) as current:
            current.screen(), current.shard(), current.fit()
            found[name] = current.merge().to_arrays()
    assert calls == [1, 1, 1, 1, 4]
    np.testing.assert_allclose(found["cuda"]["W"], found["cpu"]["W"], atol=2e-3)
    np.testing.assert_array_equal(found["cuda"]["start"], found["cpu"]["start"])


@pytest.mark.usefixtures("card")
def test_the_parts_of_a_task_compute_where_it_does(store, monkeypatch):
    config = Config().with_options({"resample.resamples": 2})
    used = []
    monkeypatch.setattr(stages, "learn_subsample", lambda *_, backend, **__: used.append(backend) or empty_dag())
    stages.resample(Task.begin(Dataset.build(store, config), config, Runtime(device="cuda", threads=4)), Part(0, 1))
    assert used == [HERE.with_threads(2)] * 2


def test_the_memory_of_the_card_grows_with_genes_and_with_whole_forms_of_h():
    def needed(genes, **fit):
        return estimate(genes, 1000, Config.from_mapping({"fit": fit}), threads=1)["device_memory_gb"]

    assert 0.5 < needed(1000) < needed(10_000) < needed(20_000)
    assert needed(10_000) < 10
    assert needed(2000, acyclicity="expm") > needed(2000) - 1e-9


def test_a_plan_for_the_card_says_how_much_of_its_memory():
    facts = estimate(10_000, 1000, Config(), threads=1)
    assert f"{facts['device_memory_gb']:.1f} GB of the GPU's" in _plan_text(facts, on_card=True)
    assert "card" not in _plan_text(facts, on_card=False)
