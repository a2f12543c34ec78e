"""HDF5 files opened by a child first: the library waits for ever, or crashes, on some that are damaged.

It is in C and holds the lock of the interpreter, so that neither a timer nor Ctrl-C would be heard. The child walks
through all members and their texts, and does nothing else. On systems other than Linux a process that has threads
cannot be forked safely, and files are opened as they are.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import time
import warnings
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from acyclome.errors import InputError, is_of_memory

_CPU_S = 5.0  # for one member, or a hundred thousand texts of one, which take a tenth of it
_TEXTS = 100_000
_WALL_S = 600.0  # more waits for the disk than for the processor
_NO_MEMORY = 3  # exit code of a child


def check_hdf5(path: Path) -> None:
    """Refuse a file at which the library of HDF5 crashes, or on whose members it works without an end.

    Raises
    ------
    InputError
        If the child that opened it did not live. That the file is none of HDF5, or cannot be read, is not said here.
    """
    if sys.platform != "linux":
        return
    with suppress(OSError):
        status = path.stat()
        ended = _ended(os.fspath(path), status.st_ino, status.st_size, status.st_mtime_ns)
        if ended:
            msg = (
                f"Cannot read {str(path)!r}: the library of HDF5 {ended}. Expected a whole HDF5 file. It is damaged: "
                "copy it again, or have the program that wrote it write it anew."
            )
            raise InputError(msg)


@lru_cache(maxsize=64)  # a run opens its input several times
def _ended(path: str, *_: int) -> str:
    """Return what became of a child that walked through a file, nothing if it came to the end of it."""
    import h5py  # noqa: F401 - not by the child, which it would take longer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that threads may hold locks: h5py lets go of its own
        child = os.fork()
    if not child:
        os._exit(_walked(path))
    status = _waited(child)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return "works on it without an end" if number == signal.SIGPROF else f"crashes ({signal.Signals(number).name})"
    return "asks for more memory than there is" if os.WEXITSTATUS(status) == _NO_MEMORY else ""


def _walked(path: str) -> int:
    """Walk through a file, and return the exit code: that a member cannot be read is found out by who reads it."""
    try:
        _walk(path)
    except BaseException as error:  # noqa: BLE001 - of a process that ends here
        return _NO_MEMORY if is_of_memory(error) else 0
    return 0


def _waited(child: int) -> int:
    """Return the status with which a child ended, 0 if it was not there to be waited for any longer."""
    began = time.monotonic()
    try:
        while (waited := time.monotonic() - began) < _WALL_S:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return status
            time.sleep(min(max(waited / 8, 0.001), 0.05))  # most children end within some hundredths of a second
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    os.kill(child, signal.SIGKILL)  # a disk that does not answer says nothing of the file
    os.waitpid(child, 0)
    return 0


def _walk(path: str) -> None:
    """Look at every member of a file, each within a time of its own, whose end is that of the process."""
    import h5py

    faulthandler.disable()  # a crash is told by the parent, in a line
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)  # what the C library says of memory that it finds damaged
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # to which the parent answers
    signal.setitimer(signal.ITIMER_PROF, _CPU_S)
    with h5py.File(path, "r") as handle:
        _look(handle)
        handle.visititems(lambda _, node: _look(node))


def _look(node: Any) -> None:
    signal.setitimer(signal.ITIMER_PROF, _CPU_S)
    for name in node.attrs:
        with suppress(Exception):
            node.attrs[name]
    if getattr(node, "dtype", None) is None or node.dtype.kind != "O":
        return
    for start in range(0, len(node) if node.shape else 0, _TEXTS):
        signal.setitimer(signal.ITIMER_PROF, _CPU_S)
        with suppress(Exception):
            node[start : start + _TEXTS]
