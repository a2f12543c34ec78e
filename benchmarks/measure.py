"""What all measurements share: warm kernels, our own call, the machine and the commit.

Calls are measured by :func:`acyclome.evaluate.cost.measured`, in a fork of a process that has compiled everything.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from acyclome.cli.contest import learned, warm_up
from acyclome.evaluate import cost
from acyclome.evaluate.cost import Cost, measured

__all__ = ["Cost", "learned", "machine", "measured", "revision", "warm_up"]


def machine(device: str = "cpu") -> str:
    """Describe this machine in one line: cores, processor, memory, and the GPU if one was asked for."""
    if device != "cuda":
        return f"{cost.machine()}, no GPU used"
    import torch

    return f"{cost.machine()}, {torch.cuda.get_device_name()}"


def revision() -> str:
    """Return the commit that is checked out, with a plus where the package's files differ from it."""
    here = Path(__file__).resolve().parents[1]

    def ask(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=False).stdout.strip()

    return (ask("rev-parse", "--short", "HEAD") or "unknown") + "+" * bool(ask("status", "--porcelain", "src"))
