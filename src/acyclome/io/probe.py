"""HDF5 files opened by another process first: the library waits for ever, or crashes, on some that are damaged.

It is in C and holds the lock of the interpreter, so that neither a timer nor Ctrl-C would be heard. The other process
(:mod:`.walk`) starts afresh, in a tenth of a second: a fork of one that has threads inherits locks that they hold and
what they have half done, and runs the hooks of all libraries upon it. It is kept for the files that follow soon.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from acyclome.errors import InputError
from acyclome.io.walk import NO_MEMORY

_WALK = "acyclome.io.walk"
_CPU_S = 5.0  # for one member, or a hundred thousand texts of one, which take a tenth of it
_WALL_S = 600.0  # more waits for the disk than for the processor
_GONE = 1  # exit code of one that ended before it was asked
_kept: dict[int, _Walker] = {}  # by process, whose forks have its pipes


def check_hdf5(path: Path) -> None:
    """Refuse a file at which the library of HDF5 crashes, or on whose members it works without an end.

    Raises
    ------
    InputError
        If the process that opened it did not live. That the file is none of HDF5, or cannot be read, is not said here.
    """
    if not hasattr(signal, "setitimer") or not sys.executable:  # Windows; a Python inside of another program
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
    """Return what became of a process that walked through a file, nothing if it came to the end of it."""
    code = _walked(path)
    if code < 0:
        return "works on it without an end" if -code == signal.SIGPROF else f"crashes ({signal.Signals(-code).name})"
    return "asks for more memory than there is" if code == NO_MEMORY else ""


def _walked(path: str) -> int:
    """Return 0 once a process has walked through a file, or what that ended with: negative for a signal."""
    how = [sys.executable, "-P", "-m", _WALK, str(_CPU_S)], os.pathsep.join(one or os.curdir for one in sys.path)
    kept = _kept.pop(os.getpid(), None)  # taken out, so that no other thread asks it
    if kept is not None and kept.how == how and kept.ask(path) == 0:
        _keep(kept)
        return 0
    if kept is not None:  # it may have gone, or another file has left it without its senses
        kept.close()
    fresh = _Walker(*how)
    code = fresh.ask(path)
    if code:
        fresh.close()
    else:
        _keep(fresh)
    return code


def _keep(walker: _Walker) -> None:
    if _kept.setdefault(os.getpid(), walker) is not walker:
        walker.close()


class _Walker:
    """A process that walks through files."""

    def __init__(self, command: list[str], modules: str) -> None:
        self.how = command, modules
        pipe, quiet = subprocess.PIPE, subprocess.DEVNULL  # also for what the C library says of damaged memory
        found = {**os.environ, "PYTHONPATH": modules}
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=quiet, env=found)

    def ask(self, path: str) -> int:
        """Return 0 after a walk, also if the disk does not answer, or what the process ended with."""
        asked, answer = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answer is not None
        try:
            with suppress(BrokenPipeError):
                asked.write(os.fsencode(path).hex().encode() + b"\n")
                asked.flush()
            if select.select([answer], [], [], _WALL_S)[0]:
                return 0 if answer.readline() else self._process.wait() or _GONE
        except BaseException:
            self.close()
            raise
        self._process.kill()  # the next file is for another
        return 0

    def close(self) -> None:
        self._process.kill()
        with suppress(OSError):  # what it was asked last may still wait in the pipe
            self._process.communicate()


@atexit.register
def _close() -> None:
    if walker := _kept.pop(os.getpid(), None):
        walker.close()
