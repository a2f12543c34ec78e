"""Tasks and sessions in memory."""

import numpy as np
import pytest

from acyclome.config import Config
from acyclome.io.store import MemoryStore
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.session import Session
from acyclome.pipeline.task import Runtime, Task


class Bench:
    """Makes what stages are given out of arrays and stores, gene by observation."""

    @staticmethod
    def store(X, **facts):
        return MemoryStore(X, [f"g{j}" for j in range(len(X))], facts=facts)

    def task(self, store, config=None, **runtime):
        config = config or Config()
        store = self.store(store) if isinstance(store, np.ndarray) else store
        data = store if isinstance(store, Dataset) else Dataset.build(store, config)
        return Task.begin(data, config, Runtime(**runtime))

    def session(self, store, config=None, **runtime):
        return Session(self.task(store, config, **runtime), {"command": "test", "input": {}})


@pytest.fixture(scope="session")
def bench():
    return Bench()
