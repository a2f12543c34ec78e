"""Files at which the library of HDF5 crashes or works without an end: another process does, and the file is refused."""

import os
import signal
import subprocess
import sys
import time

import h5py
import pytest

from acyclome.errors import InputError
from acyclome.io import probe
from acyclome.io.declared import check_file
from acyclome.io.expression import open_expression

SPIN = "while True: pass"
CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
ASK_FOR_ALL = "raise OSError('memory allocation failed for chunk')"
WALK = """
from acyclome.io import walk
def look(*_):
    {look}
walk.look = look
walk.main()
"""


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "a.h5ad", "w") as handle:
        handle["obs/_index"] = ["a", "b"]
        handle["obs"].attrs["_index"] = "_index"
    return tmp_path / "a.h5ad"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no process to lose")
@pytest.mark.parametrize(
    ("look", "said"),
    [
        (SPIN, "works on it without an end"),
        (CRASH, r"crashes \(SIGSEGV\)"),
        (ASK_FOR_ALL, "asks for more memory than there is"),
    ],
)
@pytest.mark.parametrize("read", [open_expression, check_file])
def test_a_file_that_another_process_does_not_survive_is_refused(read, look, said, path, monkeypatch):
    (path.parent / "walk_of_test.py").write_text(WALK.format(look=look))
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.setattr(probe, "_CPU_S", 0.1)
    monkeypatch.setattr(probe, "_WALK", "walk_of_test")
    with pytest.raises(InputError, match=f"the library of HDF5 {said}"):
        read(path)


def test_the_walk_comes_to_the_end_of_texts_attributes_and_links_that_lead_nowhere(path):
    with h5py.File(path, "a") as handle:
        handle["lost"] = h5py.SoftLink("/nowhere")
        handle["elsewhere"] = h5py.ExternalLink("absent.h5", "/x")
        handle["texts"] = ["a"] * 10
    asked = os.fsencode(path).hex().encode() + b"\n"
    command = [sys.executable, "-P", "-m", probe._WALK, "5"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, input=2 * asked, env=env, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"0\n0\n", b"")


def test_one_process_is_asked_of_many_files_and_another_where_it_ended(path):
    probe._close()
    others = [path.with_name(f"{k}.h5ad") for k in range(3)]
    for other in others:
        other.write_bytes(path.read_bytes())
    probe.check_hdf5(others[0])
    (first,) = probe._kept.values()
    probe.check_hdf5(others[1])
    assert list(probe._kept.values()) == [first]
    first._process.kill()
    probe.check_hdf5(others[2])
    (second,) = probe._kept.values()
    assert second is not first


def test_no_process_with_threads_is_forked(path, monkeypatch):
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("threads may hold locks, and hooks run on what they left"))
    probe._ended.cache_clear()
    probe.check_hdf5(path)


def test_a_disk_that_does_not_answer_says_nothing_of_the_file(path, monkeypatch):
    (path.parent / "walk_of_test.py").write_text("import time\ntime.sleep(60)")
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.setattr(probe, "_WALL_S", 0.1)
    monkeypatch.setattr(probe, "_WALK", "walk_of_test")
    began = time.monotonic()
    probe.check_hdf5(path)
    assert time.monotonic() - began < 30


def test_a_whole_file_passes_and_is_looked_at_once(path, monkeypatch):
    probe.check_hdf5(path)
    monkeypatch.setattr(probe, "_walked", lambda _: pytest.fail("looked at twice"))
    probe.check_hdf5(path)


def test_what_is_no_hdf5_is_left_to_the_reader(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"x" * 100)
    probe.check_hdf5(tmp_path / "a.h5")
    probe.check_hdf5(tmp_path / "absent.h5")
