"""One run at a time in a folder, and a lock that ends with its process."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from acyclome.cli import main
from acyclome.errors import InputError
from acyclome.io.lock import LOCK, part_of_folder, whole_folder

QUICK = ["--resamples", "0", "--validation.checks", "false", "--threads", "1", "-q", "--layer", "X"]
HOLD = """
import sys
from pathlib import Path
from acyclome.io.lock import part_of_folder, whole_folder
with {lock}:
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(lock, folder):
    """Let a process hold a lock of the folder until the block ends."""
    code = HOLD.format(lock=lock.format(folder=f"Path({str(folder)!r})"))
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def prepared(tmp_path):
    X = np.random.default_rng(8).normal(size=(40, 5)).astype(np.float32) + 9
    AnnData(X, var=pd.DataFrame(index=[f"G{j}" for j in range(5)])).write_h5ad(tmp_path / "x.h5ad")
    assert main(["prepare", str(tmp_path / "x.h5ad"), "-o", str(tmp_path / "out"), *QUICK]) == 0
    return tmp_path


def words_of(command, folder):
    out = str(folder / "out")
    return (
        [command, str(folder / "x.h5ad"), "-o", out, *QUICK] if command in ("run", "prepare") else [command, out, "-q"]
    )


@pytest.mark.parametrize(
    ("lock", "refused", "free"),
    [
        ("whole_folder({folder})", ["run", "prepare", "screen", "report"], []),
        ("part_of_folder({folder}, 'screen')", ["run", "prepare", "screen"], ["fit"]),
    ],
)
def test_a_second_run_is_refused_with_the_process_that_is_at_work(lock, refused, free, prepared, capsys):
    assert main(words_of("screen", prepared)) == 0
    with another_process(lock, prepared / "out") as process:
        before = sorted(path.name for path in prepared.rglob("*"))
        for command in refused:
            assert main(words_of(command, prepared)) == 2
            text = capsys.readouterr().err
            assert f"process {process.pid} on " in text
            assert "Another run is at work" in text
        assert sorted(path.name for path in prepared.rglob("*")) == before
        assert [main(words_of(command, prepared)) for command in free] == [0] * len(free)
    # The process was killed, and its file is still there.
    assert (prepared / "out" / LOCK).exists()
    assert main(words_of("run", prepared)) == 0
    assert not (prepared / "out" / LOCK).exists()


def test_parts_share_a_folder_and_leave_nothing(tmp_path):
    with whole_folder(tmp_path), whole_folder(tmp_path):  # a run prepares within its own lock
        assert [path.name for path in tmp_path.iterdir()] == [LOCK]
    assert list(tmp_path.iterdir()) == []
    with another_process("part_of_folder({folder}, 'resample-1-of-2')", tmp_path):
        with part_of_folder(tmp_path, "resample-2-of-2"):
            pass
        with pytest.raises(InputError, match="at work"), part_of_folder(tmp_path, "resample-1-of-2"):
            pass
    with part_of_folder(tmp_path, "resample-1-of-2"):
        pass
    assert list(tmp_path.iterdir()) == []
