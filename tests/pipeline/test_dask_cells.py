"""Many cells on Dask: the bits of one thread, however much is read at once, whoever works and whoever dies."""

import multiprocessing
import os
import signal
from dataclasses import replace
from multiprocessing import forkserver

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from tests.core.data.cells import draw_cells

from acyclome.config import Config
from acyclome.core.data import standardized
from acyclome.io import slabs, store, store_writer
from acyclome.io.store import Store
from acyclome.pipeline.commands import Runtime, prepare_stage, run_stage

distributed = pytest.importorskip("distributed", reason="Dask is an optional part of the installation")
dask = pytest.importorskip("dask")

N, D, SLAB = 700, 60, 64
CONFIG = Config.from_mapping(
    {"resample": {"resamples": 6}, "prepare": {"transform": "none", "min_cells": 1}, "confounding": "none"}
)
# What a worker runs as it starts, and again in place of one that died: all data are large, and slabs are small.
LARGE = f"""
from acyclome.core.data import standardized
from acyclome.io import slabs, store, store_writer

def dask_setup(worker):
    standardized.HELD_BYTES = 1_000
    for module in (slabs, store, store_writer):
        module.SLAB = {SLAB}
"""


@pytest.fixture
def small_slabs(monkeypatch):
    monkeypatch.setattr(standardized, "HELD_BYTES", 1_000)
    for module in (slabs, store, store_writer):
        monkeypatch.setattr(module, "SLAB", SLAB)


@pytest.fixture
def cluster(tmp_path):
    """Give a cluster of one process, forked off one that has loaded what it would load."""
    preload = tmp_path / "large.py"
    preload.write_text(LARGE, encoding="utf-8")
    multiprocessing.set_forkserver_preload(["distributed", "acyclome.pipeline.commands"])
    forkserver.ensure_running()
    words = {"threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": 0, "preload": [str(preload)]}
    with (
        dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}),
        distributed.LocalCluster(n_workers=1, **words) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("input") / "cells.h5ad"
    X = draw_cells(D, N, level=-1.0, seed=28).astype(np.float32)
    X = sp.csr_matrix(X[np.ptp(X, axis=1) > 0].T)
    anndata.AnnData(X, var=pd.DataFrame(index=[f"G{k}" for k in range(X.shape[1])])).write_h5ad(path)
    return path


def until_resampled(path, out, runtime):
    """Prepare, screen and resample; return what is kept of it."""
    prepare_stage(path, out, CONFIG, runtime=replace(runtime, dask=None))
    for stage in ("screen", "resample"):
        run_stage(stage, out, runtime)
    with Store.open(out / "stages" / "prepared.h5") as prepared:
        found = {"digest": prepared.digest, "slabs": len(list(prepared.slabs()))}
    for name in ("screen.npz", "resample-1-of-1.npz"):
        with np.load(out / "stages" / name) as arrays:
            found |= {f"{name} {part}": arrays[part] for part in arrays.files if part != "__header__"}
    return found


def test_the_bits_of_many_cells_hang_neither_on_what_is_read_at_once_nor_on_workers_and_their_death(
    path, cluster, small_slabs, tmp_path, monkeypatch
):
    expected, killed = until_resampled(path, tmp_path / "here", Runtime(threads=1)), []
    assert expected["slabs"] == -(-N // SLAB)

    def kill_one(stage, done, _):
        if stage == "resample" and 0 < done < 1 and count == 3 and not killed:
            with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
                killed.append(next(iter(client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    for count, at_once in ((1, 300), (2, 5_000), (3, 2**24)):
        monkeypatch.setattr(slabs, "_READ", at_once)
        cluster.scale(count)
        cluster.wait_for_workers(count)
        runtime = Runtime(dask=cluster.scheduler_address, progress=kill_one)
        found = until_resampled(path, tmp_path / f"on {count}", runtime)
        assert found.keys() == expected.keys()
        for name, values in found.items():
            np.testing.assert_array_equal(values, expected[name], err_msg=f"{name} on {count}")
    assert len(killed) == 1
