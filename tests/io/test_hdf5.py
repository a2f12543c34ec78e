"""HDF5 files are whole or absent: also on a full disk, and when a signal comes in the middle."""

import errno
import gc
import io
import signal

import h5py
import numpy as np
import pytest

from acyclome.errors import InputError
from acyclome.io.hdf5 import _Disk, heard, write_hdf5


def test_a_disk_that_fills_up_is_said_once_and_nothing_is_left(tmp_path, monkeypatch, capfd):
    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    class Full(io.BufferedRandom):
        write = flush = full

    monkeypatch.setattr(type(tmp_path), "open", lambda path, *_, **__: Full(io.FileIO(path, "w+")))

    def write():
        with write_hdf5(tmp_path / "a.h5") as handle:
            handle["x"] = np.zeros(100_000)
            handle["name"] = np.array(["a"] * 1000, dtype=object)

    with pytest.raises(InputError, match="with space left"):
        write()
    gc.collect()  # what of HDF5 is still there would speak now
    assert "HDF5" not in "".join(capfd.readouterr())
    assert list(tmp_path.iterdir()) == []


def test_what_a_failed_disk_did_not_take_is_read_back_as_it_was_written(tmp_path):
    class Full(io.BufferedRandom):
        def write(self, content):
            if self.tell() >= 8:
                raise OSError(errno.ENOSPC, "full")
            return super().write(content)

    with Full(io.FileIO(tmp_path / "a", "w+")) as stream:
        disk, place = _Disk(stream), bytearray(b"\xff" * 20)
        for at, content in ((0, b"12345678"), (8, b"abcdefgh"), (10, b"CD")):
            disk.seek(at)
            disk.write(content)
        disk.seek(4)
        disk.readinto(place)
    assert bytes(place) == b"5678abCDefgh" + bytes(8)
    assert disk.failure.errno == errno.ENOSPC


def test_signals_wait_until_the_file_is_closed(tmp_path):
    def write():
        with write_hdf5(tmp_path / "a.h5") as handle:
            signal.raise_signal(signal.SIGINT)
            handle["x"] = 1
            (tmp_path / "reached").touch()

    with pytest.raises(KeyboardInterrupt):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["reached"]


def test_signals_are_heard_while_blocks_are_made(tmp_path):
    made = []

    def blocks():
        for number in range(3):
            made.append(number)
            yield number

    def write():
        with write_hdf5(tmp_path / "a.h5"):
            for number in heard(blocks()):
                if number == 1:
                    signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        write()
    assert made == [0, 1]


def test_what_is_written_is_read_back(tmp_path):
    with write_hdf5(tmp_path / "a.h5") as handle:
        handle["x"] = np.arange(5)
    with h5py.File(tmp_path / "a.h5") as handle:
        assert handle["x"][:].tolist() == [0, 1, 2, 3, 4]
