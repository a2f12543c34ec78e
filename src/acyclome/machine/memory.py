"""Memory: what this machine has, and what this process took."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path


def machine_memory() -> int | None:
    """Return the bytes of memory of this machine, or None where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def peak_memory_mb() -> float | None:
    """Peak memory of this process so far; None where the system does not say.

    Linux lets a process inherit the peak of the one that started it in ``ru_maxrss``, but not in ``VmHWM``.
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
