"""Files at which the library of HDF5 crashes or works without an end: the child does, and the file is refused."""

import os
import signal
import time

import h5py
import pytest

from acyclome.errors import InputError
from acyclome.io import probe
from acyclome.io.declared import check_file
from acyclome.io.expression import open_expression


def spin(_):
    while True:
        time.process_time()


def crash(_):
    os.kill(os.getpid(), signal.SIGSEGV)


def ask_for_all(_):
    raise OSError("memory allocation failed for chunk")


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "a.h5ad", "w") as handle:
        handle["obs/_index"] = ["a", "b"]
        handle["obs"].attrs["_index"] = "_index"
    return tmp_path / "a.h5ad"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no child to lose")
@pytest.mark.parametrize(
    ("look", "said"),
    [
        (spin, "works on it without an end"),
        (crash, r"crashes \(SIGSEGV\)"),
        (ask_for_all, "asks for more memory than there is"),
    ],
)
@pytest.mark.parametrize("read", [open_expression, check_file])
def test_a_file_that_a_child_does_not_survive_is_refused(read, look, said, path, monkeypatch):
    monkeypatch.setattr(probe, "_CPU_S", 0.1)
    monkeypatch.setattr(probe, "_look", look)
    with pytest.raises(InputError, match=f"the library of HDF5 {said}"):
        read(path)


def test_a_whole_file_passes_and_is_looked_at_once(path, monkeypatch):
    probe.check_hdf5(path)
    monkeypatch.setattr(probe, "_waited", lambda _: pytest.fail("looked at twice"))
    probe.check_hdf5(path)


def test_what_is_no_hdf5_is_left_to_the_reader(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"x" * 100)
    probe.check_hdf5(tmp_path / "a.h5")
    probe.check_hdf5(tmp_path / "absent.h5")
