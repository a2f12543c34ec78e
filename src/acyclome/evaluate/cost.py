"""Time and peak memory of one call, taken in a process of its own.

The process is a fork of one that has imported and compiled everything, so neither counts. Its peak memory is that of
all it holds: interpreter, libraries and the data come to some 0.15 GB before any method starts.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acyclome.errors import AcyclomeError
from acyclome.machine import machine_memory, peak_memory_mb


@dataclass(frozen=True)
class Cost:
    """What a call took."""

    wall: float  # seconds
    cpu: float  # seconds, all threads
    peak_mb: float | None  # None where the system does not say

    def row(self) -> dict[str, float | None]:
        return {"seconds": self.wall, "cpu_seconds": self.cpu, "peak_mb": self.peak_mb}


def measured(work: Callable[[], Any], limit: float | None = None) -> tuple[Any, Cost]:
    """Call `work` in a forked process; return what it returns, which has to travel between processes, and the cost.

    Raises TimeoutError after `limit` seconds (None waits), the AcyclomeError that the call raised, and RuntimeError for
    all other failures, whose traceback is on the error stream.
    """
    context = multiprocessing.get_context("fork")  # a fresh process would import and compile everything again
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_send, args=(work, there))
    child.start()
    there.close()
    try:
        if not here.poll(limit):
            msg = f"The call was ended after {limit:g} seconds."
            raise TimeoutError(msg)
        result, cost = here.recv()
    except EOFError:
        msg = "The measured call failed; see its traceback above."
        raise RuntimeError(msg) from None
    finally:
        child.kill()  # it has answered, or nobody waits for the answer any more
        child.join()
        here.close()
    if cost is None:
        raise result
    return result, cost


def _send(work: Callable[[], Any], there: Any) -> None:
    # The parent's streams may belong to a bar, whose lock another thread may have held when this process began.
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    began, used = time.perf_counter(), time.process_time()
    try:
        result = work()
    except AcyclomeError as error:
        there.send((error, None))
        return
    cost = Cost(time.perf_counter() - began, time.process_time() - used, peak_memory_mb())
    there.send((result, cost))


def machine() -> str:
    """Describe this machine in one line: cores, processor, memory."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    size = f"{machine_memory() / 2**30:.0f} GiB"
    return f"{os.cpu_count()} cores, {names[0] if names else platform.machine()}, {size}"
