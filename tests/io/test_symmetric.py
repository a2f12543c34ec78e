"""A symmetric matrix comes back as it was written, or not at all."""

import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from acyclome.errors import InputError
from acyclome.io import symmetric
from acyclome.io.atomic import remove_leftovers
from acyclome.io.symmetric import read_symmetric, write_symmetric

SIZE = 70


@pytest.fixture
def R(monkeypatch):
    monkeypatch.setattr(symmetric, "ROWS", 32)  # so that there are three parts
    A = np.random.default_rng(71).standard_normal((SIZE, SIZE)).astype(np.float32)
    return A + A.T


def read(path, key="made of", size=SIZE, dtype=np.float32):
    return read_symmetric(path, key, size=size, dtype=dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 1, 32, SIZE])
def test_every_bit_comes_back_from_half_of_the_bytes(R, dtype, size, tmp_path):
    part = R[:size, :size].astype(dtype)
    write_symmetric(tmp_path / "R.h5", part, "made of")
    found = read(tmp_path / "R.h5", size=size, dtype=dtype)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, part)


def test_rows_that_meet_at_the_diagonal_are_stored_once(monkeypatch, tmp_path):
    monkeypatch.setattr(symmetric, "ROWS", 16)
    write_symmetric(tmp_path / "R.h5", np.eye(800), "")
    assert (tmp_path / "R.h5").stat().st_size < 0.55 * 8 * 800**2


def test_what_was_made_of_something_else_is_none_and_so_is_what_is_not_there(R, tmp_path, caplog):
    assert read(tmp_path / "R.h5") is None
    write_symmetric(tmp_path / "R.h5", R, "made of")
    assert read(tmp_path / "R.h5", key="of others") is None
    with h5py.File(tmp_path / "foreign.h5", "w") as handle:
        handle["0"] = R
    assert read(tmp_path / "foreign.h5") is None
    assert caplog.text == ""


def bit(path):
    with h5py.File(path, "a") as handle:
        handle["32"][3, 4] += 1e-3


def digest(path):
    with h5py.File(path, "a") as handle:
        del handle["0"].attrs["digest"]


def part(path):
    with h5py.File(path, "a") as handle:
        del handle["64"]


def shape(path):
    with h5py.File(path, "a") as handle:
        del handle["64"]
        handle["64"] = np.zeros((60, 60), np.float32)


def empty(path):
    with h5py.File(path, "a") as handle:
        del handle["64"]
        handle["64"] = h5py.Empty(np.float32)


def folder(path):
    with h5py.File(path, "a") as handle:
        del handle["64"]
        handle.create_group("64")


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def text(path):
    path.write_text("no HDF5")


def petabyte(path):
    with h5py.File(path, "a") as handle:
        del handle["64"]
        handle.create_dataset("64", (2**25, 2**25), np.float32, chunks=(1, 2**20))


@pytest.mark.parametrize("damage", [bit, digest, part, shape, empty, folder, cut, text, petabyte])
def test_what_was_damaged_is_none_and_said_in_a_line(damage, R, tmp_path, caplog):
    write_symmetric(tmp_path / "R.h5", R, "made of")
    damage(tmp_path / "R.h5")
    assert read(tmp_path / "R.h5") is None
    assert len(caplog.records) == 1
    assert "made anew" in caplog.text


def test_a_process_that_is_killed_while_it_writes_leaves_what_was_there_and_what_it_began_goes(R, tmp_path):
    write_symmetric(tmp_path / "R.h5", R, "made of")
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nimport numpy as np\nfrom acyclome.io import symmetric\n"
        "symmetric.ROWS, whole = 32, symmetric._digest\n"
        "def half(rows):\n    len(rows) < 32 and os.kill(os.getpid(), signal.SIGKILL)\n    return whole(rows)\n"
        "symmetric._digest = half\nsymmetric.write_symmetric(Path(sys.argv[1]), np.eye(70), 'made of')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / "R.h5")], check=False, timeout=60)
    assert ended.returncode < 0
    assert len(list(tmp_path.iterdir())) == 2
    np.testing.assert_array_equal(read(tmp_path / "R.h5"), R)
    assert len(remove_leftovers(tmp_path)) == 1


def test_a_full_disk_is_said_and_nothing_is_left(R, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="with space left"):
        write_symmetric(tmp_path / "R.h5", R, "made of")
    assert list(tmp_path.iterdir()) == []
