"""Files are whole or absent, whatever happens while they are written."""

import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.errors import InputError
from acyclome.io import atomic


def test_failure_inside_the_block_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "edges.tsv"
    atomic.write_text(path, "old\n")
    with pytest.raises(RuntimeError, match="in the middle"):
        write_half_and_fail(path)
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def write_half_and_fail(path):
    with atomic.write_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("in the middle")


def test_the_final_name_appears_only_at_the_end(tmp_path):
    path = tmp_path / "deep" / "edges.tsv.gz"
    with atomic.write_path(path) as temporary:
        temporary.write_bytes(b"x")
        assert not path.exists()
        assert temporary.parent == path.parent
        assert temporary.suffixes[-2:] == [".tsv", ".gz"]
    assert path.read_bytes() == b"x"


def test_leftovers_of_a_dead_process_go_and_those_of_a_living_one_stay(tmp_path):
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    dead = tmp_path / f"{atomic.TEMPORARY_MARK}{atomic._host()}.{child.stdout.strip()}.ab.fit.npz"
    alive = tmp_path / f"{atomic.TEMPORARY_MARK}{atomic._host()}.{os.getpid()}.ab.fit.npz"
    foreign = tmp_path / f"{atomic.TEMPORARY_MARK}elsewhere.1.ab.fit.npz"
    old = tmp_path / f"{atomic.TEMPORARY_MARK}elsewhere.2.ab.fit.npz"
    for path in (dead, alive, foreign, old):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    assert sorted(atomic.remove_leftovers(tmp_path)) == sorted([dead.name, old.name])
    assert alive.exists()
    assert foreign.exists()


def test_a_folder_goes_with_its_block_and_with_a_process_that_leaves_at_once(tmp_path):
    with atomic.temporary_folder(tmp_path, "parts.") as folder:
        (folder / "0").write_text("x")
        atomic.remove_unfinished()
        assert list(tmp_path.iterdir()) == []
        folder.mkdir()
    assert list(tmp_path.iterdir()) == []
    assert folder not in atomic.UNFINISHED


def test_a_killed_writer_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "fit.json"
    atomic.write_text(path, "old")
    code = (
        "import os, signal, sys\nfrom acyclome.io.atomic import write_path\n"
        "with write_path(sys.argv[1]) as t:\n    t.write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode != 0
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    atomic.write_text(tmp_path / "other.json", "new")
    assert len(list(tmp_path.iterdir())) == 3
    atomic.write_text(path, "new")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["fit.json", "other.json"]


def test_a_folder_that_cannot_be_made_is_an_input_error_with_a_way_out(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"Cannot write into the folder .*file/out.*Choose another one"):
        atomic.write_text(tmp_path / "file" / "out" / "edges.tsv", "x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_an_input_error(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="Cannot write into the folder"):
            atomic.ensure_writable(tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_a_full_disk_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="with space left"), atomic.write_path(tmp_path / "x"):
        raise OSError(28, "No space left on device")


def test_other_system_errors_pass_unchanged(tmp_path):
    with pytest.raises(FileNotFoundError), atomic.write_path(tmp_path / "x"):
        (tmp_path / "missing").read_text()


def test_json_takes_numpy_values_and_turns_not_finite_numbers_into_null(tmp_path):
    path = tmp_path / "run.json"
    content = {
        "n": np.int64(3),
        "x": np.float32(0.5),
        "a": np.arange(2),
        "nan": np.nan,
        "inf": [float("inf")],
        "t": (1, True),
        "path": tmp_path,
        7: None,
        "s": {"b", "a"},
    }
    atomic.write_json(path, content)
    assert json.loads(path.read_text()) == {
        "n": 3,
        "x": 0.5,
        "a": [0, 1],
        "nan": None,
        "inf": [None],
        "t": [1, True],
        "path": str(tmp_path),
        "7": None,
        "s": ["a", "b"],
    }


@given(values=st.lists(st.floats(allow_nan=True, width=32), max_size=20))
def test_npz_round_trip_keeps_every_bit(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    array = np.array(values, dtype=np.float32)
    atomic.write_npz(path, {"a": array})
    with np.load(path, allow_pickle=False) as archive:
        assert archive["a"].tobytes() == array.tobytes()


def test_npz_written_twice_has_the_same_bytes(tmp_path):
    for name in ("one.npz", "two.npz"):
        atomic.write_npz(tmp_path / name, {"a": np.arange(5), "b": np.array("text")})
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_npz_refuses_python_objects(tmp_path):
    with pytest.raises(ValueError, match="Object arrays"):
        atomic.write_npz(tmp_path / "a.npz", {"a": np.array([{}], dtype=object)})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_a_temporary_folder_that_cannot_be_written_to_is_said(tmp_path, number):
    with pytest.raises(InputError, match="Cannot write into the folder"), atomic.temporary_folder(tmp_path, "parts."):
        raise OSError(number, os.strerror(number))
    assert list(tmp_path.iterdir()) == []


def test_other_errors_in_a_temporary_folder_are_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError), atomic.temporary_folder(tmp_path, "parts."):
        raise FileNotFoundError(errno.ENOENT, "absent")
