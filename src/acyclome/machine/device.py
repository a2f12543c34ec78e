"""Devices by name: what ``--device`` says, as the place where the core computes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from acyclome.core.backend import OnDevice, OnThreads, Place
from acyclome.errors import InputError

CARDS = ("nvidia[0-9]*", "dxg")  # under /dev: of the driver, and of the driver that Windows lends to Linux


def check_device(device: str) -> None:
    """Refuse a name other than ``auto``, ``cpu`` and ``cuda``.

    Raises
    ------
    InputError
        If the name is unknown.
    """
    if device not in PLACES:
        msg = f"The device {device!r} is unknown; expected auto, cpu or cuda."
        raise InputError(msg)


def place_of(device: str, dask: str | None = None) -> Place:
    """Return where ``auto``, ``cpu`` or ``cuda`` computes.

    Parameters
    ----------
    dask
        Where pieces run. On Dask, ``auto`` stays with the processors, because workers may be machines of another kind.

    Raises
    ------
    InputError
        If the name is unknown, or there is no CUDA device.
    """
    check_device(device)
    return PLACES["cpu" if device == "auto" and dask is not None else device]()


def _auto() -> Place:
    return _cuda() if _has_cuda() else OnThreads()


def _cuda() -> Place:
    if not _has_cuda():
        msg = "--device cuda was asked for, but torch sees no CUDA device here. Use --device cpu, or auto."
        raise InputError(msg)
    import torch

    return OnDevice(torch.device("cuda"), torch.float32)


def _has_cuda() -> bool:
    """Ask torch, which takes a second to load, only where the system shows a card at all."""
    if sys.platform == "linux" and not any(any(Path("/dev").glob(name)) for name in CARDS):
        return False
    import torch

    found: bool = torch.cuda.is_available()
    return found


PLACES: dict[str, Callable[[], Place]] = {"auto": _auto, "cpu": OnThreads, "cuda": _cuda}
