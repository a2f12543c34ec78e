"""What all measurements share: warm kernels, our own call, the machine and the commit.

Calls are measured by :func:`acyclome.evaluate.cost.measured`, in a fork of a process that has compiled everything.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from acyclome.cli.methods import learned, warm_up
from acyclome.evaluate import cost
from acyclome.evaluate.cost import Cost, measured
from acyclome.evaluate.simulate import simulate

HERE = Path(__file__).resolve().parents[1]

__all__ = ["Cost", "learned", "machine", "measured", "revision", "warm_up", "warm_up_for"]


def warm_up_for(configs: Iterable[Mapping[str, Any]]) -> None:
    """Compile what these options call, on data that have edges: what is done with edges is compiled too."""
    X = simulate(12, 300, noise="exp", seed=3, standardised=True).X
    for config in configs:
        learned(X, 1, 1, **config)


def machine(device: str = "cpu") -> str:
    """Describe this machine in one line: cores, processor, memory, and the GPU if one was asked for."""
    if device != "cuda":
        return f"{cost.machine()}, no GPU used"
    import torch

    return f"{cost.machine()}, {torch.cuda.get_device_name()}"


def revision(here: Path = HERE) -> str:
    """Return the commit that is checked out in a folder, with a plus where the package's files differ from it."""

    def ask(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=False).stdout.strip()

    return (ask("rev-parse", "--short", "HEAD") or "unknown") + "+" * bool(ask("status", "--porcelain", ":/src"))
