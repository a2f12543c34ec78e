"""Runs on stores in memory, which carry more than arrays do: size factors, names of observations."""

from __future__ import annotations

from acyclome.config import Config
from acyclome.io.store import MemoryStore
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.session import Session
from acyclome.pipeline.task import Runtime, Task


def session_on(store: MemoryStore, config: Config, threads: int) -> Session:
    """Begin a run on the processors of this machine, whose records stay in memory."""
    task = Task.begin(Dataset.build(store, config), config, Runtime(threads=threads, device="cpu"))
    return Session(task, {"command": "benchmarks", "input": {}})
