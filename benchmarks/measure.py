"""Time and peak memory of one call, taken in a process of its own.

The process is a fork of one that has imported and compiled everything, so neither counts. Peak memory is that of the
whole process: interpreter, libraries and the data come to some 0.15 GB before any method starts.
"""

from __future__ import annotations

import multiprocessing
import platform
import resource
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Cost:
    """What a call took."""

    wall: float  # seconds
    cpu: float  # seconds, all threads
    peak_mb: float

    def row(self) -> dict[str, float]:
        """Return the figures by the names of the tables."""
        return {"seconds": self.wall, "cpu_seconds": self.cpu, "peak_mb": self.peak_mb}


def measured(work: Callable[[], Any]) -> tuple[Any, Cost]:
    """Call ``work`` in a forked process; return what it returns, and the cost.

    Raises
    ------
    RuntimeError
        If the call failed; its traceback is on the screen.
    """
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_send, args=(work, there))
    child.start()
    there.close()
    try:
        found: tuple[Any, Cost] = here.recv()
    except EOFError:
        msg = "The measured call failed; see its traceback above."
        raise RuntimeError(msg) from None
    finally:
        child.join()
    return found


def _send(work: Callable[[], Any], there: Any) -> None:
    began, used = time.perf_counter(), time.process_time()
    result = work()
    wall, cpu = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    there.send((result, Cost(wall, cpu, peak)))


def learned(X: np.ndarray, seed: int, threads: int, **config: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Learn the network of ``X`` without resamples; return its edges as columns of ``X``, ``(m,)`` each."""
    from acyclome import Network, learn

    network = learn(X, resamples=0, seed=seed, threads=threads, config=config)
    if not isinstance(network, Network):
        msg = "Found a network per group; expected a single one."
        raise TypeError(msg)
    place = {gene: k for k, gene in enumerate(network.genes)}
    edges = network.edges
    return edges["source"].map(place).to_numpy(np.int64), edges["target"].map(place).to_numpy(np.int64)


@cache
def warm_up() -> None:
    """Compile every kernel once, or load it from the cache, for both scores."""
    from benchmarks.problems import Protocol

    small = Protocol("warm up", "ER").draw(60, 200, 3, None)
    for noise in ("unequal", "equal"):
        learned(small.X, 1, 1, score={"noise": noise})


def machine() -> str:
    """Describe this machine in one line: cores, processor, memory."""
    cores = multiprocessing.cpu_count()
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    memory = Path("/proc/meminfo").read_text().split()[1]
    return f"{cores} cores, {names[0] if names else platform.machine()}, {int(memory) / 2**20:.0f} GiB, no GPU used"


def revision() -> str:
    """Return the commit that is checked out, with a plus where the package's files differ from it."""
    here = Path(__file__).resolve().parents[1]

    def ask(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=False).stdout.strip()

    return (ask("rev-parse", "--short", "HEAD") or "unknown") + "+" * bool(ask("status", "--porcelain", "src"))
