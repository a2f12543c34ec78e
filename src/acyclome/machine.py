"""What the machine has: threads, memory, what this process took of it, and its card by the names of ``--device``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from numbers import Integral
from pathlib import Path
from typing import Any

import psutil

from acyclome.core.backend import Backend, DeviceBackend, ThreadBackend
from acyclome.errors import InputError

CARDS = ("nvidia[0-9]*", "dxg")  # under /dev: of the driver, and of the driver that Windows lends to Linux


def usable_threads() -> int:
    """Return the number of processors this process may use, the quota of a container counted."""
    from joblib import cpu_count  # 0.1 s to load

    return int(cpu_count())


def threads_asked(threads: Any) -> int:
    """Return the number of threads that a caller gave, for None that of :func:`usable_threads`; refuse what is none."""
    if threads is None:
        return usable_threads()
    if isinstance(threads, bool) or not isinstance(threads, Integral) or threads < 1:
        msg = f"threads = {threads!r}; expected a whole number from 1, or None for all that this process may use."
        raise InputError(msg)
    return int(threads)


def machine_memory() -> int:
    return int(psutil.virtual_memory().total)


def free_memory() -> int:
    """Return the bytes of memory that new work can have without anything being swapped."""
    return int(psutil.virtual_memory().available)


def peak_memory_mb() -> float | None:
    """Peak memory of this process so far; None where the system does not say.

    Linux lets a process inherit the peak of the one that started it in ``ru_maxrss``, but not in ``VmHWM``; psutil has
    a peak on Windows alone.
    """
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return round(int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**10, 1)
    try:
        import resource
    except ImportError:
        return None
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)


def check_device(device: str) -> None:
    if device not in BACKENDS:
        msg = f"The device {device!r} is unknown; expected auto, cpu or cuda."
        raise InputError(msg)


def backend_of(device: str, *, threads: int, dask: str | None = None) -> Backend:
    """Return where ``auto``, ``cpu`` or ``cuda`` computes; on Dask, ``auto`` stays with the processors."""
    check_device(device)
    # Workers may be machines of another kind.
    return BACKENDS["cpu" if device == "auto" and dask is not None else device]().with_threads(threads)


def _cuda() -> Backend:
    if not _has_cuda():
        msg = "--device cuda was asked for, but torch sees no CUDA device here. Use --device cpu, or auto."
        raise InputError(msg)
    import torch

    return DeviceBackend(torch.device("cuda"), torch.float32)


def _has_cuda() -> bool:
    """Ask torch, which takes a second to load, only where the system shows a card at all."""
    if sys.platform == "linux" and not any(any(Path("/dev").glob(name)) for name in CARDS):
        return False
    import torch

    return torch.cuda.is_available()


BACKENDS: dict[str, Callable[[], Backend]] = {
    "auto": lambda: _cuda() if _has_cuda() else ThreadBackend(),
    "cpu": ThreadBackend,
    "cuda": _cuda,
}
