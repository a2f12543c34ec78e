"""Tasks and sessions in memory, a file to run on, and whether two runs left the same."""

import anndata
import numpy as np
import pandas as pd
import pytest

from acyclome.config import Config
from acyclome.evaluate.simulate import simulate
from acyclome.io.store import MemoryStore
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.session import Session
from acyclome.pipeline.task import Runtime, Task


class Bench:
    """Makes what stages are given out of arrays and stores, gene by observation."""

    @staticmethod
    def store(X, **facts):
        return MemoryStore(X, [f"g{j}" for j in range(X.shape[0])], facts=facts)

    def task(self, store, config=None, **runtime):
        config = config or Config()
        store = self.store(store) if isinstance(store, np.ndarray) else store
        data = store if isinstance(store, Dataset) else Dataset.build(store, config)
        return Task.begin(data, config, Runtime(**runtime))

    def session(self, store, config=None, **runtime):
        return Session(self.task(store, config, **runtime), {"command": "test", "input": {}})

    @staticmethod
    def same_files(one, two):
        names = ("edges.tsv.gz", "ranking.tsv.gz", "nodes.tsv")
        return [name for name in names if (one / name).read_bytes() != (two / name).read_bytes()] == []


@pytest.fixture(scope="session")
def bench():
    return Bench()


@pytest.fixture(scope="session")
def h5ad(tmp_path_factory):
    simulation = simulate(160, 200, seed=35, standardised=True)
    path = tmp_path_factory.mktemp("input") / "cells.h5ad"
    X = np.ascontiguousarray(simulation.X).astype(np.float32)
    anndata.AnnData(X, var=pd.DataFrame(index=simulation.genes)).write_h5ad(path)
    return path
