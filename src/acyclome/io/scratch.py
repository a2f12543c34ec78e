"""Scratch space on the disk, where memory is short: a file without a name, which goes when nobody holds it."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from acyclome.errors import InputError
from acyclome.io.atomic import temporary_name


def scratch_array(folder: Path, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array of zeros whose pages lie in a file in ``folder`` and are in memory only while they are used.

    The disk is asked for all of it at once, so that it cannot be full later, when nobody could say so.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    handle, name = tempfile.mkstemp(prefix=temporary_name("scratch."), dir=folder)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle, 0, max(size, 1))
        mapped = np.memmap(name, dtype=dtype, mode="r+", shape=shape) if size else np.empty(shape, dtype)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        msg = (
            f"{folder} has no room for {size / 2**30:.1f} GB of scaled data, which do not fit in memory. Free some "
            "of the disk, use another folder (-o), or allow more --memory."
        )
        raise InputError(msg) from error
    finally:
        os.close(handle)
        with suppress(PermissionError):  # where a mapped file cannot go yet, the next run removes it
            os.unlink(name)  # noqa: PTH108 - the name came from the system
    return np.asarray(mapped)
