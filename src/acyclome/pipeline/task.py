"""What every stage is given: a data set, the options, and how to compute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np

from acyclome.config import Config
from acyclome.core.backend import Backend
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.core.effects.doses import Instruments
from acyclome.core.engine import EngineSettings
from acyclome.core.workers import one_blas_thread
from acyclome.machine import backend_of, peak_memory_mb
from acyclome.pipeline.correlations import moments_of
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.engine_settings import engine_settings
from acyclome.pipeline.resources import check_memory

Progress = Callable[[str, float, str], None]
Tell = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Runtime:
    """How a run is carried out; nothing here can change its result, but for rounding on a device."""

    threads: int = 1  # of this machine
    memory: int | None = None  # bytes; None for what the machine has
    device: str = "auto"  # cpu, cuda, or auto for the card if there is one, which correlates, screens and relaxes
    resume: bool = False  # keeps finished stages whose inputs are the same
    progress: Progress | None = None  # called with stage, share done and a message
    tell: Tell | None = None  # called with what should be known of the data, as soon as it is
    # Called with the seconds that a plan gives the stages of a network, which network it is, and how many there are.
    expect: Callable[[Mapping[str, float], int, int], None] | None = None
    # None for threads, local, the address of a cluster that sees the files of the run, or slurm (pipeline.clusters).
    dask: str | None = None

    def report(self, stage: str, done: float, message: str = "") -> None:
        if self.progress is not None:
            self.progress(stage, done, message)

    def warn(self, texts: Iterable[str]) -> None:
        if self.tell is not None:
            for text in texts:
                self.tell(text)


@dataclass(frozen=True)
class Task:
    """A data set, the options, and how to compute; what all stages ask of it is computed once."""

    data: Dataset
    config: Config
    runtime: Runtime
    backend: Backend
    scratch: Path | None = None  # folder on whose disk scaled data lie; None where they fit into memory
    is_part: bool = False  # only some shards are computed, so only what they need is asked of the memory
    kept: Path | None = None  # file in which stages of a run leave correlations for one another

    @classmethod
    def begin(cls, data: Dataset, config: Config, runtime: Runtime, *, is_part: bool = False) -> Self:
        """Find the device, and refuse a run that needs more memory than it may take."""
        # A card screens by correlations of its own, which those of latent expression are not.
        device = "cpu" if data.is_latent else runtime.device
        backend = backend_of(device, threads=runtime.threads, dask=runtime.dask)
        if runtime.dask == "local" and not backend.can_partition:  # workers on this machine would share its one card
            runtime = replace(runtime, dask=None)
        spills = check_memory(
            data.n_genes,
            data.n_obs,
            config,
            threads=runtime.threads,
            memory=runtime.memory,
            is_part=is_part,
            has_disk=data.store.folder is not None,
        )
        return cls(data.under(config), config, runtime, backend, data.store.folder if spills else None, is_part)

    @cached_property
    def scaled(self) -> Moments:
        return self.data.scaled(self.backend.threads, self.scratch)

    @cached_property
    def moments(self) -> Moments:
        return moments_of(self.data, self.scaled, self.backend, scratch=self.scratch, kept=self.kept)

    @property
    def problem(self) -> Problem:
        return Problem(self.moments, self.data.constraints, self.backend)

    @property
    def bare(self) -> Problem:
        """The problem without the correlations."""
        return Problem(self.scaled, self.data.constraints, self.backend)

    @cached_property
    def instruments(self) -> Instruments:
        """What was done in every observation, and how strongly."""
        return Instruments.of(self.bare, self.data.treatments)

    @cached_property
    def settings(self) -> EngineSettings:
        return engine_settings(self.config, shows_errors=self.data.shows_errors)

    def report(self, stage: str, done: float, message: str = "") -> None:
        self.runtime.report(stage, done, message)

    def backend_of_part(self, parts: int) -> Backend:
        """Return where each of some parts that run side by side is computed."""
        return self.backend.with_threads(1 if self.runtime.dask else max(self.backend.threads // max(parts, 1), 1))


def measured(work: Callable[[], T]) -> tuple[T, dict[str, Any]]:
    """Run a stage; return what it returns, its seconds, and the peak memory of the process so far.

    Matrix products run on one thread each, because their bits depend on how many share them.
    """
    began = time.perf_counter()
    with one_blas_thread():
        result = work()
    return result, {"seconds": round(time.perf_counter() - began, 3), "peak_memory_mb": peak_memory_mb()}


def seed_of(config: Config, stage: str) -> int:
    """Give every stage a seed of its own, which is never that of simulated data."""
    label = int.from_bytes(stage.encode(), "little") % 2**32
    # The middle word is that of no stream of evaluate.simulate, so data and methods never draw alike.
    return int(np.random.SeedSequence([config.seed, 0xACC10, label]).generate_state(1)[0])
