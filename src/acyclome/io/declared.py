"""What a file declares to hold, compared with what it stores and with the memory there is, before anything is read.

A few bytes can declare a petabyte: arrays of HDF5 and zarr whose chunks were never written, text that was packed a
thousandfold. Nothing is allocated before this was looked at.
"""

from __future__ import annotations

import functools
import io
import stat
from pathlib import Path
from typing import Any

from acyclome.errors import InputError, MemoryLimitError
from acyclome.io.probe import check_hdf5

_DENSE = 50  # times the memory a dense matrix may have on the disk: it is read in blocks, and may be nearly all zeros
_SLACK = 2**30  # bytes that may be declared whatever is stored: a file of zeros is small
_DEEPEST = 12  # of groups in groups; AnnData has three
_PACKED = 10_000  # more no compression in use makes of anything but an array of one value


@functools.cache
def memory_limit() -> int:
    """Return the bytes that one array may take: all that the machine has."""
    import psutil  # not through acyclome.machine, which loads the kernels

    return int(psutil.virtual_memory().total)


def check_path(path: Path) -> None:
    """Refuse what is neither a file nor a folder: a pipe or a device may have no end.

    Raises
    ------
    InputError
        If the path leads to something else, or through links in a circle.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        msg = f"{str(path)!r} cannot be opened: {error.strerror}. Check the name, and where links lead."
        raise InputError(msg) from error
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        msg = f"{str(path)!r} is a pipe or a device. Expected a file or a folder; write into a file what it gives."
        raise InputError(msg)


def check_folder(path: Path) -> None:
    """Refuse a folder that holds something else than files and folders of its own.

    Raises
    ------
    InputError
        If a part is a pipe or device, or a link that leads out of the folder.
    """
    root = path.resolve()
    for part in path.rglob("*"):
        check_path(part)
        if part.is_symlink() and not part.resolve().is_relative_to(root):
            msg = f"{str(part)!r} is a link to {str(part.resolve())!r}, outside the folder. Copy what it leads to."
            raise InputError(msg)


def check_array(array: Any, name: str) -> None:
    """Refuse an array of HDF5 or zarr that declares more than memory takes, or than its file can hold.

    Raises
    ------
    MemoryLimitError
        If it, or one of its chunks, is larger than the memory of the machine.
    InputError
        If it declares ten thousand times the bytes that are stored, and more than a gigabyte.
    """
    if array.shape is None:  # of HDF5, where there is nothing at all
        return
    width = max(array.dtype.itemsize, 1)
    size = width * _product(array.shape)
    chunks = getattr(array, "shards", None) or array.chunks
    limit = memory_limit()
    largest = max(size // (_DENSE if len(array.shape) > 1 else 1), width * _product(chunks or ()))
    if largest > limit:
        shape = " x ".join(f"{extent:,}" for extent in array.shape)
        msg = (
            f"{name} declares {shape} values, {size / 2**30:,.0f} GB; this machine has {limit / 2**30:.0f} GB. If the "
            "data are not that large, the file is damaged; else use a machine with more memory, or fewer observations."
        )
        raise MemoryLimitError(msg)
    stored = _stored(array)
    if stored is not None and size > max(_SLACK, _PACKED * stored):
        msg = (
            f"{name} declares {size / 2**30:,.1f} GB, and the file stores {stored:,} bytes of it. Expected the values "
            "themselves: the file is damaged, or was never finished. Write it anew."
        )
        raise InputError(msg)


def check_file(path: Path) -> None:
    """Refuse an HDF5 file of which an array declares too much, or lies in another file.

    Raises
    ------
    MemoryLimitError, InputError
        As :func:`check_array` and :func:`take`; also if it is no file.
    OSError
        If it is not HDF5, or damaged.
    """
    import h5py

    check_path(path)
    check_hdf5(path)
    try:
        with h5py.File(path, "r") as handle:
            for name in handle:
                take(handle, name)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:  # of h5py, where what is there cannot be opened
        if isinstance(error, InputError):
            raise
        msg = f"a part of it cannot be opened: {str(error)[:200]}"
        raise OSError(msg) from error


def take(group: Any, key: str, name: str = "") -> Any:
    """Return a member of a group of HDF5 or zarr of which every array was checked, and lies in this file.

    Raises
    ------
    MemoryLimitError, InputError
        As :func:`check_array`; also if a part is a link to another file, or parts contain one another.
    """
    name = name or key
    check_link(group, key, name)
    node = group[key]
    _check_tree(node, name, 0)
    return node


def _check_tree(node: Any, name: str, depth: int) -> None:
    if not hasattr(node, "keys"):
        check_array(node, name)
        if getattr(node, "external", None) or getattr(node, "is_virtual", False):
            raise InputError(_elsewhere(name))
        return
    if depth > _DEEPEST:
        msg = (
            f"{name[:60]} ... nests deeper than any file of expression: its links run in a circle. Write the file anew."
        )
        raise InputError(msg)
    for key in node:
        check_link(node, key, f"{name}/{key}")
        _check_tree(node[key], f"{name}/{key}", depth + 1)


def check_link(group: Any, key: str, name: str) -> None:
    """Refuse a member of HDF5 that is a link to another file, before it is followed; zarr has no links."""
    if hasattr(group, "id") and type(group.get(key, getlink=True)).__name__ == "ExternalLink":
        raise InputError(_elsewhere(name))


def _elsewhere(name: str) -> str:
    return f"{name} lies in another file, to which this one links. Expected all in one file: h5repack makes that."


def _product(extents: Any) -> int:
    size = 1
    for extent in extents:
        size *= int(extent)
    return size


def _stored(array: Any) -> int | None:
    identity: Any = getattr(array, "id", None)  # of HDF5; zarr leaves chunks of zeros unwritten, and so says nothing
    return int(identity.get_storage_size()) if hasattr(identity, "get_storage_size") else None


class LimitedStream(io.RawIOBase):
    """A stream of text, which ends with an error where it gives more than memory takes, or something else."""

    def __init__(self, stream: Any, name: str) -> None:
        super().__init__()
        self._stream, self._name = stream, name
        self._left = memory_limit()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        if b"\0" in data:  # at which parsers in C end a cell, so that 7 may be all of 7008
            msg = "it holds a zero byte, so it is no text"
            raise ValueError(msg)
        self._left -= len(data)
        if self._left < 0:
            msg = f"{self._name} holds more text than this machine has memory. Use a machine with more, or h5ad."
            raise MemoryLimitError(msg)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()
