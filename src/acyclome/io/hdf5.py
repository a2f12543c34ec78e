"""HDF5 files that are whole or absent, also where the disk fails or a signal comes while they are written."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, TypeVar

from acyclome.io.atomic import write_path

if TYPE_CHECKING:
    import h5py
    from anndata import AnnData

T = TypeVar("T")
_BUFFER = 2**20  # bytes: small files are written at once, and large arrays go by it
_waiting: list[_Signals] = []  # of the file that is being written


@contextmanager
def write_hdf5(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """Yield a new HDF5 file, which gets its name when the block ends well; an InputError says that it cannot be."""
    import h5py

    with write_path(path) as temporary, temporary.open("w+b", buffering=_BUFFER) as stream:
        disk = _Disk(stream)
        try:
            with _Signals(), h5py.File(disk, "w") as handle:
                yield handle
        except Exception:
            if disk.failure is None:
                raise
        if disk.failure is not None:
            raise disk.failure


def write_adata(path: str | os.PathLike[str], adata: AnnData, **options: Any) -> None:
    """Write an AnnData object as h5ad, with ``options`` of its data sets."""
    from anndata.io import write_elem

    for table in (None, *(() if adata.raw is None else (adata.raw.var,))):  # as its own writer does
        adata.strings_to_categoricals(table)
    with write_hdf5(path) as handle:
        write_elem(handle, "/", adata, dataset_kwargs=options)


def heard(items: Iterator[T]) -> Iterator[T]:
    """Yield what is written to an HDF5 file, and hear signals while each is made."""
    while True:
        with _waiting[-1].heard():
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


class _Disk:
    """A file for HDF5 to write to, which keeps the first failure and takes the rest in silence.

    HDF5 tries what it could not write again when any of its objects ends, and each time says so on the error stream.
    What it then reads back has to be what it wrote, for it follows addresses in it.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.failure: OSError | None = None
        self.tell = stream.tell
        self._at = 0
        self._lost: list[tuple[int, bytes]] = []  # small ones, as its own records are; values are not read back

    def seek(self, to: int, whence: int = 0) -> int:
        self._at = self._unless_failed(to, self._stream.seek, to, whence)
        return self._at

    def write(self, content: Any) -> int:
        written = self._unless_failed(len(content), self._stream.write, content)
        if self.failure is not None and len(content) <= _BUFFER:
            self._lost.append((self._at, bytes(content)))
        self._at += len(content)
        return written

    def truncate(self, size: int) -> int:
        return self._unless_failed(size, self._stream.truncate, size)

    def readinto(self, place: Any) -> int:
        found = self._unless_failed(len(place), self._stream.readinto, place)  # type: ignore[attr-defined]
        if self.failure is not None:
            self._recall(memoryview(place).cast("B"))
        self._at += len(place)
        return found

    read = readinto  # by which h5py knows a file

    def flush(self) -> None:
        self._unless_failed(0, self._stream.flush)

    def _recall(self, place: memoryview) -> None:
        place[:] = bytes(len(place))
        with suppress(OSError):
            self._stream.seek(self._at)
            self._stream.readinto(place)  # type: ignore[attr-defined]
        for at, content in self._lost:
            low, high = max(at, self._at), min(at + len(content), self._at + len(place))
            if low < high:
                place[low - self._at : high - self._at] = content[low - at : high - at]

    def _unless_failed(self, answer: int, work: Callable[..., int | None], *given: Any) -> int:
        try:
            return answer if self.failure is not None else work(*given) or 0
        except OSError as error:
            self.failure = error
            return answer


class _Signals:
    """Has signals wait while HDF5 writes, which does not survive an error in a call that it makes of Python."""

    def __init__(self) -> None:
        self._earlier: dict[int, Any] = {}
        self._came: list[int] = []

    def __enter__(self) -> None:
        _waiting.append(self)
        self._wait()

    def __exit__(self, *_: object) -> None:
        _waiting.remove(self)
        self._go_on()

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hear signals in the block, those that came before it too."""
        self._go_on()
        try:
            yield
        finally:
            self._wait()

    def _wait(self) -> None:
        if threading.current_thread() is threading.main_thread():  # the others hear none
            for number in (signal.SIGINT, signal.SIGTERM):
                if callable(signal.getsignal(number)):  # else nobody raises an error
                    self._earlier[number] = signal.signal(number, lambda came, _: self._came.append(came))

    def _go_on(self) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier = {}
        while self._came:
            signal.raise_signal(self._came.pop())
