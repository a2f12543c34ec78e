"""Files that are whole or absent.

A file is written under a temporary name in its own folder, flushed to the disk and renamed, so a reader never meets
half a file and an interrupted writer leaves the previous one untouched. The temporary name carries a mark by which a
later run finds and removes what a killed process left behind.
"""

from __future__ import annotations

import errno
import glob
import json
import os
import platform
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from acyclome.errors import InputError

TEMPORARY_MARK = ".acyclome-part."
FOREIGN_LIFETIME_S = 86_400.0  # whether a process of another host lives cannot be asked; no file takes a day to write
_REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG}
# Disks that fail, and networks to them; also of file systems that can be interrupted.
_FAILURES = {
    errno.EIO,
    errno.EINTR,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.ENOTCONN,
    errno.ENXIO,
    errno.ENODEV,
    errno.EBUSY,
}

UNFINISHED: set[Path] = set()  # files of this process that shall not outlive it


@contextmanager
def write_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary sibling of `path` and rename it to `path` when the block ends well.

    The temporary name keeps the suffixes of `path`, because some writers choose their format by them. An InputError
    says that the folder cannot be created or written to, or that the disk is full.
    """
    target = Path(path)
    check_no_folder(target)
    ensure_writable(target.parent)
    remove_leftovers(target.parent, of=target.name)  # in folders of runs a run removes all
    temporary = target.with_name(temporary_name(target.name))
    UNFINISHED.add(temporary)
    try:
        with _said_of(target.parent):
            yield temporary
            _flush(temporary)
            temporary.replace(target)
    finally:
        with suppress(OSError):  # it has its name, or the next run takes it away
            _discard(temporary)
        UNFINISHED.discard(temporary)
    _flush_folder(target.parent)


@contextmanager
def temporary_folder(folder: str | os.PathLike[str] | None, name: str) -> Iterator[Path]:
    """Give a folder that goes with the block, and with a process that has to leave without the ends of its blocks.

    An InputError says that it cannot be made or written to, or that the disk is full; what cannot be removed, the next
    run takes away.
    """
    with _said_of(Path(folder or tempfile.gettempdir())):
        made = Path(tempfile.mkdtemp(prefix=temporary_name(name), dir=folder))  # a TemporaryDirectory insists for ever
        UNFINISHED.add(made)
        try:
            yield made
        finally:
            with suppress(OSError):
                _discard(made)
            UNFINISHED.discard(made)


@contextmanager
def _said_of(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _REFUSALS | _FAILURES:
            raise cannot_write(folder, error) from error
        raise


def remove_unfinished() -> None:
    """Remove what this process has not finished, where it has to leave without the ends of its blocks."""
    for path in list(UNFINISHED):
        with suppress(OSError):
            _discard(path)


def _discard(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def remove(path: Path) -> None:
    """Remove a file, if it is there; an InputError says that the system does not let it go."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path.parent, error) from error


def check_no_folder(path: Path) -> None:
    """Refuse the name of a folder for a file."""
    if path.is_dir():
        msg = f"Cannot write the file {str(path)!r}: there is a folder of this name. Choose another one."
        raise InputError(msg)


def temporary_name(name: str) -> str:
    """Return a name that says whose it is, so that :func:`remove_leftovers` finds what a killed process left behind."""
    return f"{TEMPORARY_MARK}{_host()}.{os.getpid()}.{os.urandom(4).hex()}.{name}"


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    with write_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write text to `path` atomically, as UTF-8 with unix line ends."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write `content` as indented JSON; numpy numbers and arrays become plain ones, NaN and infinities become null."""
    write_text(path, json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_npz(path: str | os.PathLike[str], arrays: Mapping[str, Any]) -> None:
    """Write arrays to an uncompressed npz file atomically; the same arrays give the same bytes."""
    import numpy as np

    with write_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, value in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))  # the first that zip knows
            with archive.open(entry, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asanyarray(value), allow_pickle=False)


def plain(content: Any) -> Any:
    """Return `content` in what JSON knows: no numpy values, paths, tuples or sets, and None for floats not finite.

    Bytes of names of files that are not UTF-8, which Python keeps as halves of letters, are escaped.
    """
    if isinstance(content, Mapping):
        return {str(key): plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [plain(value) for value in content]
    if isinstance(content, (set, frozenset)):
        return [plain(value) for value in sorted(content)]
    if hasattr(content, "tolist"):  # numbers and arrays of numpy, without an import of it
        return plain(content.tolist())
    if isinstance(content, float):
        return content if content - content == 0 else None  # of NaN and infinities it is NaN
    text = str(content) if isinstance(content, os.PathLike) else content
    if not isinstance(text, str) or text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def ensure_writable(folder: str | os.PathLike[str]) -> Path:
    """Create `folder` if need be and prove that a file can be written in it; return its path."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise cannot_write(folder, error) from error
    return folder


def remove_leftovers(folder: str | os.PathLike[str], *, of: str = "") -> list[str]:
    """Remove temporary files that dead processes have left in `folder`, `of` one file or all; return their names.

    A file of this machine goes when its process is gone. Whether a process of another machine (shared file systems) is
    alive cannot be seen from here, so its files go once they are a day old.
    """
    removed = []
    for path in sorted(Path(folder).glob(f"{TEMPORARY_MARK}*{glob.escape(of)}")):
        if _is_abandoned(path):
            with suppress(OSError):
                _discard(path)
                removed.append(path.name)
    return removed


def _is_abandoned(path: Path) -> bool:
    import psutil

    # A name may have fewer parts: other programs write files of any name.
    host, process, *_ = [*path.name.removeprefix(TEMPORARY_MARK).split("."), ""]
    if host == _host() and process.isdigit():
        return not psutil.pid_exists(int(process))
    with suppress(OSError):
        return time.time() - path.stat().st_mtime > FOREIGN_LIFETIME_S
    return False


def _host() -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in platform.node())[:40] or "host"


def cannot_write(folder: Path, error: OSError) -> InputError:
    """Return what is to be said where the system refuses to write into a folder, or fails to."""
    # Not the words of the error: of HDF5 they are half a screen.
    what = str(error) if error.errno is None else os.strerror(error.errno)
    if error.errno == errno.EEXIST:
        what = (
            f"it is a link to {str(folder.readlink())!r}, which is not there" if folder.is_symlink() else "it is a file"
        )
    if error.errno in _FAILURES:
        advice = "The disk fails, or the network to it, or those of the input. Try again, or choose another folder"
        return InputError(f"Cannot write into the folder {str(folder)!r}: {what}. {advice} (-o FOLDER).")
    return InputError(
        f"Cannot write into the folder {str(folder)!r}: {what}. Expected a folder in which you may "
        "create files, with space left. Choose another one (-o FOLDER), free some space, or ask for the right to write."
    )


def _flush(path: Path) -> None:
    """Push the file's content to the disk before it gets its name; a folder (zarr) is left to the file system."""
    if path.is_dir():
        return
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _flush_folder(folder: Path) -> None:
    """Push the new name to the disk, where folders can be opened (not on Windows)."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
