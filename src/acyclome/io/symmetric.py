"""Symmetric matrices on the disk, with what they were made of: the upper triangle alone, some rows at a time.

A file that was made of something else, was damaged, or is of another kind is as good as none.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from acyclome.errors import AcyclomeError
from acyclome.io.declared import check_file
from acyclome.io.hdf5 import heard, write_hdf5

if TYPE_CHECKING:
    import h5py

logger = logging.getLogger(__name__)
ENCODING_TYPE, ENCODING_VERSION = "acyclome-symmetric", "1"
ROWS = 1024  # that are together in the file: 120 MB at 30,000 columns


def write_symmetric(path: Path, R: np.ndarray, key: str) -> None:
    """Write a symmetric matrix, whole or not at all, in half of its memory; ``key`` says what it was made of."""
    with write_hdf5(path) as handle:
        for name, rows in heard(_upper(R)):
            dataset = handle.create_dataset(name, data=rows)
            dataset.attrs["digest"] = _digest(rows)
        attributes = {"encoding-type": ENCODING_TYPE, "encoding-version": ENCODING_VERSION, "key": key}
        handle.attrs.update(attributes)


def read_symmetric(path: Path, key: str, *, size: int, dtype: Any) -> np.ndarray | None:
    """Return the matrix ``(size, size)`` that was written with this key; None, with a warning if damaged, else."""
    import h5py

    if not path.exists():
        return None
    try:
        check_file(path)
        with h5py.File(path, "r") as handle:
            kinds = [handle.attrs.get(name) for name in ("encoding-type", "encoding-version", "key")]
            return _read(handle, size, np.dtype(dtype)) if kinds == [ENCODING_TYPE, ENCODING_VERSION, key] else None
    except (AcyclomeError, OSError, KeyError, ValueError, RuntimeError, TypeError) as error:
        logger.warning("%s is damaged, or was changed by another program (%s). It is made anew.", path, error)
        return None


def _upper(R: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Give rows, each from the first column of their number on."""
    for a in range(0, len(R), ROWS):
        yield str(a), np.ascontiguousarray(R[a : a + ROWS, a:])


def _read(handle: h5py.File, size: int, dtype: np.dtype) -> np.ndarray:
    R = np.empty((size, size), dtype)
    for a in range(0, size, ROWS):
        part, b = handle[str(a)], min(a + ROWS, size)
        if (getattr(part, "shape", None), getattr(part, "dtype", None)) != ((b - a, size - a), dtype):
            msg = f"its rows {a} to {b} are not those of {size} by {size} numbers"
            raise ValueError(msg)
        rows = part[:]
        if _digest(rows) != part.attrs["digest"]:
            msg = f"its rows {a} to {b} are not what was written"
            raise ValueError(msg)
        R[a:b, a:] = rows
        R[b:, a:b] = rows[:, b - a :].T
    return R


def _digest(rows: np.ndarray) -> str:
    return hashlib.sha256(rows.data).hexdigest()
