"""Scratch space on the disk, where memory is short: a file without a name, which goes when nobody holds it.

:class:`ScratchRows` has a name, by which other processes read what one has written.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from acyclome.errors import InputError
from acyclome.io.atomic import temporary_name

SCALED = "of scaled data, which do not fit in memory"


def scratch_array(folder: Path, shape: tuple[int, ...], dtype: Any, *, what: str = SCALED) -> np.ndarray:
    """Return an array of zeros whose pages lie in a file in ``folder`` and are in memory only while they are used.

    The disk is asked for all of it at once, so that it cannot be full later, when nobody could say so; ``what`` it is
    for is said where it has no room.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    handle, name = tempfile.mkstemp(prefix=temporary_name("scratch."), dir=folder)
    try:
        with _said_where_full(folder, size, what):
            _claim(handle, size)
            mapped = np.memmap(name, dtype=dtype, mode="r+", shape=shape) if size else np.empty(shape, dtype)
    finally:
        os.close(handle)
        with suppress(PermissionError):  # where a mapped file cannot go yet, the next run removes it
            os.unlink(name)  # noqa: PTH108 - the name came from the system
    return np.asarray(mapped)


@dataclass(frozen=True)
class ScratchRows:
    """Rows of numbers in a file, written and read piece by piece, so that none is in memory for long."""

    path: Path
    length: int  # of a row
    dtype: str

    @classmethod
    def create(cls, path: Path, rows: int, *, length: int, dtype: Any) -> ScratchRows:
        """Make the file, and ask the disk for all of it."""
        size = rows * length * np.dtype(dtype).itemsize
        with _said_where_full(path.parent, size, "of sums over half-samples"), path.open("wb") as handle:
            _claim(handle.fileno(), size)
        return cls(path, length, np.dtype(dtype).str)

    def write(self, row: int, start: int, values: np.ndarray) -> None:
        """Write a part of a row."""
        with self.path.open("r+b") as handle:
            handle.seek((row * self.length + start) * values.itemsize)
            handle.write(np.ascontiguousarray(values, self.dtype).data)

    def read(self, row: int, start: int, size: int) -> np.ndarray:
        """Return a part of a row."""
        offset = (row * self.length + start) * np.dtype(self.dtype).itemsize
        return np.fromfile(self.path, self.dtype, size, offset=offset)


def _claim(handle: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, max(size, 1))


@contextmanager
def _said_where_full(folder: Path, size: int, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        msg = (
            f"{folder} has no room for {size / 2**30:.1f} GB {what}. Free some of the disk, use another folder (-o), "
            "or allow more --memory."
        )
        raise InputError(msg) from error
