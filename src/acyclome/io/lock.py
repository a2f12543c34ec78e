"""One run at a time in a folder: two would mix their files.

A lock of the operating system (flock) on a file in the folder, which ends with its process however that dies, so that
there are none to be taken away by hand. A run has the folder for itself; stages share it, each part of each once.
"""

from __future__ import annotations

import errno
import logging
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from acyclome.errors import InputError
from acyclome.io.atomic import UNFINISHED, cannot_write, ensure_writable

logger = logging.getLogger(__name__)
LOCK = ".acyclome-lock"
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL}  # of file systems that know none
_held: set[Path] = set()  # by this process: a run prepares its folder within its own lock


@contextmanager
def whole_folder(folder: Path) -> Iterator[None]:
    """Have a folder, which is there, for this process alone; an InputError says who is at work in it."""
    with _lock(folder, LOCK, is_shared=False):
        yield


@contextmanager
def part_of_folder(folder: Path, what: str) -> Iterator[None]:
    """Share a folder with the other parts of a run, while no process does the same part, and none a whole run."""
    with ExitStack() as stack:
        ensure_writable(folder)
        stack.enter_context(_lock(folder, LOCK, is_shared=True))
        stack.enter_context(_lock(folder, f"{LOCK}.{what}", is_shared=False))
        yield


@contextmanager
def _lock(folder: Path, name: str, *, is_shared: bool) -> Iterator[None]:
    path = (folder / name).resolve()
    if path in _held or sys.platform == "win32":  # where there is no flock
        yield
        return
    import fcntl

    try:
        descriptor = _acquire(path, fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX)
    except OSError as error:
        raise cannot_write(folder, error) from error
    _held.add(path)
    try:
        yield
    finally:
        _held.discard(path)
        _release(path, descriptor, is_shared=is_shared)


def _acquire(path: Path, how: int) -> int:
    import fcntl

    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace") or "another process"
            os.close(descriptor)
            raise InputError(_refusal(path, holder)) from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                os.close(descriptor)
                raise
            logger.warning("The file system of %s knows no locks; see that no other run writes there.", path.parent)
            return descriptor
        if not _is_at(path, descriptor):
            os.close(descriptor)  # whoever had it took the file away; that of today is another
            continue
        try:
            UNFINISHED.update(() if how == fcntl.LOCK_SH else (path,))  # others may still need what is shared
            holder = f"process {os.getpid()} on {platform.node() or 'this machine'}, since {time.strftime('%F %T')}"
            with suppress(OSError):  # a full disk still locks, and only says less of by whom
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, holder.encode(), 0)
        except BaseException:  # a signal
            _release(path, descriptor, is_shared=how == fcntl.LOCK_SH)
            raise
        return descriptor


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _release(path: Path, descriptor: int, *, is_shared: bool) -> None:
    import fcntl

    with suppress(OSError):
        if is_shared:  # others may still need it
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    UNFINISHED.discard(path)
    with suppress(OSError):  # it is the system's all the same
        os.close(descriptor)


def _refusal(path: Path, holder: str) -> str:
    return (
        f"Another run is at work in the folder {str(path.parent)!r}: {holder}. Two at a time would mix their "
        "files. Wait until it has ended, end it, or give another folder (-o FOLDER)."
    )
