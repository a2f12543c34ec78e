"""The folder of a run: round trips, whole stage files, and advice where a file is missing or damaged."""

import json
import logging
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from pandas.testing import assert_frame_equal

import acyclome as ac
from acyclome._version import __version__
from acyclome.errors import InputError
from acyclome.io.atomic import TEMPORARY_MARK
from acyclome.io.digested import fingerprint
from acyclome.io.names import SHARED, safe_name
from acyclome.io.runs import RunFolder, input_digest

FILES = ["edges.parquet", "edges.tsv.gz", "network.h5ad", "nodes.tsv", "ranking.tsv.gz", "run.json"]
KINDS = st.sampled_from([np.float32, np.float64, np.int32, np.int64, np.bool_])
FACTS = st.dictionaries(
    st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.text(max_size=5), max_size=4
)


@given(
    arrays=st.dictionaries(
        st.from_regex(r"[a-z]{1,6}", fullmatch=True),
        arrays_of.arrays(KINDS, arrays_of.array_shapes(min_side=0)),
        max_size=3,
    ),
    facts=FACTS,
    key=st.text(max_size=8),
)
def test_stage_round_trip_keeps_arrays_facts_and_key(arrays, facts, key, tmp_path_factory):
    run = RunFolder(tmp_path_factory.mktemp("run"))
    run.write_stage("fit", arrays, facts, key=key)
    again, facts_again, key_again = run.read_stage("fit")
    assert facts_again == facts
    assert key_again == key
    assert list(again) == list(arrays)
    for name, array in arrays.items():
        assert again[name].dtype == array.dtype
        assert again[name].shape == array.shape
        assert again[name].tobytes() == array.tobytes()


def test_a_stage_is_done_only_with_the_same_key(tmp_path):
    run = RunFolder.create(tmp_path / "out")
    assert not run.has_stage("fit", "a")
    run.write_stage("fit", {"x": np.arange(3)}, {}, key="a")
    assert run.has_stage("fit", "a")
    assert not run.has_stage("fit", "b")


def test_a_stage_written_twice_has_the_same_bytes(tmp_path):
    run = RunFolder(tmp_path)
    run.write_stage("fit", {"x": np.arange(3), "name": np.array(["a", "bc"])}, {"h": np.float32(0.5)}, key="k")
    first = run.stage("fit.npz").read_bytes()
    run.write_stage("fit", {"x": np.arange(3), "name": np.array(["a", "bc"])}, {"h": np.float32(0.5)}, key="k")
    assert run.stage("fit.npz").read_bytes() == first


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_a_truncated_stage_is_refused_with_advice_and_run_again(tmp_path, share, caplog):
    run = RunFolder(tmp_path)
    run.write_stage("fit", {"x": np.arange(100)}, {}, key="k")
    path = run.stage("fit.npz")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"fit\.npz cannot be read.*Delete it and run with --resume"):
        run.read_stage("fit")
    with caplog.at_level(logging.WARNING):
        assert not run.has_stage("fit", "k")
    assert "run again" in caplog.text


def test_a_flipped_bit_is_noticed(tmp_path):
    run = RunFolder(tmp_path)
    run.write_stage("fit", {"x": np.zeros(1000)}, {}, key="k")
    content = bytearray(run.stage("fit.npz").read_bytes())
    content[len(content) // 2] ^= 1
    run.stage("fit.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"fit\.npz cannot be read"):
        run.read_stage("fit")


def test_foreign_files_are_refused(tmp_path):
    run = RunFolder.create(tmp_path)
    np.savez(run.stage("other.npz"), x=np.arange(3))
    with zipfile.ZipFile(run.stage("zip.npz"), "w") as archive:
        archive.writestr("a.txt", "text")
    np.save(tmp_path / "one.npy", np.arange(3))
    (tmp_path / "one.npy").rename(run.stage("npy.npz"))
    run.stage("text.npz").write_text("hello")
    for name in ("other", "zip", "npy", "text"):
        with pytest.raises(InputError, match=rf"{name}\.npz cannot be read.*another program"):
            run.read_stage(name)


def test_an_array_of_python_objects_is_never_loaded(tmp_path):
    run = RunFolder.create(tmp_path)
    np.savez(run.stage("bad.npz"), __header__=np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read"):
        run.read_stage("bad")


def test_a_stage_that_was_not_run_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"'screen' has not been finished.*--resume"):
        RunFolder(tmp_path).read_stage("screen")


def test_unfinished_files_of_a_killed_run_are_ignored_and_cleaned(tmp_path):
    code = (
        "import os, signal, sys, numpy as np\nfrom acyclome.io import atomic\n"
        "with atomic.write_path(sys.argv[1]) as t:\n    np.savez(t.open('wb'), x=1)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = RunFolder.create(tmp_path / "out")
    subprocess.run([sys.executable, "-c", code, str(run.stage("fit.npz"))], check=False)
    assert [path.name.startswith(TEMPORARY_MARK) for path in run.stage("").iterdir()] == [True]
    assert not run.has_stage("fit", "k")
    RunFolder.create(tmp_path / "out")
    assert list(run.stage("").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="Cannot write into the folder"):
        RunFolder.create(tmp_path / "out")


def test_a_run_that_fails_before_its_first_file_leaves_no_folder(tmp_path):
    with pytest.raises(InputError), RunFolder.begin(tmp_path / "new" / "out"):
        raise InputError
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_fails_later_keeps_its_files_and_one_that_ends_well_its_folder(tmp_path):
    with RunFolder.begin(tmp_path / "out") as run:
        pass
    assert run.stage("").is_dir()
    with pytest.raises(InputError), RunFolder.begin(tmp_path / "again") as run:
        raise InputError(run.write_stage("fit", {}, {}, key="k"))
    assert run.has_stage("fit", "k")


def test_a_folder_that_was_there_stays(tmp_path):
    with pytest.raises(InputError), RunFolder.begin(tmp_path):
        raise InputError
    assert tmp_path.exists()
    assert list(tmp_path.iterdir()) == []


def test_the_object_alone_makes_no_folder(tmp_path):
    run = RunFolder(tmp_path / "out")
    assert run.file("edges.tsv.gz") == tmp_path / "out" / "edges.tsv.gz"
    assert run.stage("config.json") == tmp_path / "out" / "stages" / "config.json"
    assert list(tmp_path.iterdir()) == []


def test_a_network_is_read_back_as_it_was_written(toy_network, tmp_path):
    ac.write(toy_network, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES
    for again in (ac.read(tmp_path / "out"), ac.read(tmp_path / "out" / "network.h5ad")):
        for name in ("edges", "ranking", "nodes"):
            assert_frame_equal(getattr(again, name), getattr(toy_network, name), check_exact=True)
        assert again.facts == toy_network.facts


def test_two_writes_give_the_same_bits(toy_network, tmp_path):
    ac.write(toy_network, tmp_path / "one")
    ac.write(toy_network, tmp_path / "two")
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_failure_while_writing_leaves_the_old_files_whole(toy_network, tmp_path, monkeypatch):
    ac.write(toy_network, tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(InputError, match="with space left"):
        ac.write(toy_network, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_reading_where_there_is_no_network_says_what_is_there(toy_network, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        ac.read(tmp_path / "none")
    with pytest.raises(InputError, match=r"no edges\.tsv\.gz.*--resume"):
        ac.read(tmp_path)
    ac.write(toy_network, tmp_path / "B_cells")
    with pytest.raises(InputError, match=r"one network per group.*B_cells"):
        ac.read(tmp_path)


def test_a_run_without_facts_is_still_read(toy_network, tmp_path):
    RunFolder(tmp_path).write_network(toy_network)
    (tmp_path / "run.json").unlink()
    assert ac.read(tmp_path).facts == {}


def test_the_files_of_a_run_say_their_format_and_those_of_a_later_one_are_refused(toy_network, tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_network(toy_network)
    said = json.loads((tmp_path / "run.json").read_text())
    assert (said["encoding-type"], said["encoding-version"]) == ("acyclome-run", "0.1.0")
    assert folder.read_network().facts == toy_network.facts
    del said["digest"]
    (tmp_path / "run.json").write_text(json.dumps(said | {"encoding-version": "7.0.0", "version": "8.1"}))
    with pytest.raises(InputError, match=r"version 7\.0\.0; .* version 0\.1\.0\. Install .*8\.1"):
        folder.read_network()


def test_a_damaged_run_json_is_an_input_error(tmp_path):
    (tmp_path / "run.json").write_text('{"seed": 1')
    with pytest.raises(InputError, match=r"run\.json cannot be read"):
        RunFolder(tmp_path).read_run_json()


@given(st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=2, unique=True))
def test_labels_of_groups_become_names_that_any_file_system_takes(labels):
    names = [safe_name(label) for label in labels]
    assert names[0] != names[1]
    assert all(
        name and set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-")
        for name in names
    )
    assert all(not name.startswith(".") for name in names)


def test_plain_labels_keep_their_name():
    assert safe_name("CD4+_T-cells.2") == "CD4+_T-cells.2"
    assert safe_name("T/NK").startswith("T_NK-")
    assert len({safe_name("x" * 300 + end) for end in "ab"}) == 2
    assert all(len(safe_name(letter * 300)) < 120 for letter in "xβ")
    for file in ("stages", "run.json", "edges.tsv.gz", "Report.html"):  # of the run that holds the groups
        assert safe_name(file) != file
    assert RunFolder("out").group("T/NK").path.parent.name == "out"


def test_names_of_files_that_are_no_utf_8_are_taken(tmp_path, toy_network):
    name = os.fsdecode(b"d\xe9j\xe0.h5ad")
    RunFolder(tmp_path).write_run_json({"input": {"path": name}})
    assert RunFolder(tmp_path).read_run_json()["input"]["path"] == r"d\udce9j\udce0.h5ad"
    out = tmp_path / os.fsdecode(b"\xf6")
    ac.write(toy_network, out)
    assert ac.read(out).genes == toy_network.genes
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_text("x")
    assert len(input_digest(tmp_path / "in")) == 32


def test_fingerprints_follow_content_and_nothing_else():
    array = np.arange(6).reshape(2, 3)
    assert fingerprint({"a": 1, "b": (2, 3)}, array) == fingerprint({"b": [2, 3], "a": 1}, array.copy(order="F"))
    others = [
        fingerprint({"a": 1}),
        fingerprint({"a": 2}),
        fingerprint(array),
        fingerprint(array.T),
        fingerprint("a", "b"),
        fingerprint("ab"),
        fingerprint(array.astype(float)),
        fingerprint(),
    ]
    assert len(set(others)) == len(others)


def test_a_folder_that_is_the_input_is_not_written_into(tmp_path):
    for out in (tmp_path / "x.zarr", tmp_path / "x.zarr" / "a" / "out"):
        (tmp_path / "x.zarr").mkdir(exist_ok=True)
        with pytest.raises(InputError, match=r"lies in .*x\.zarr.* folder beside it"):
            RunFolder(out).check_apart(tmp_path / "x.zarr", "The input")
    RunFolder(tmp_path / "x.zarr.out").check_apart(tmp_path / "x.zarr", "The input")


def test_a_finished_network_is_said_where_it_would_be_replaced(tmp_path, toy_network):
    (tmp_path / "x.csv").write_text("data")
    asked = {"input": {"group": None}, "seed": 0}
    out, one = RunFolder(tmp_path / "out"), RunFolder(tmp_path / "out" / "one")
    assert not out.is_finished(asked, tmp_path / "x.csv")
    one.write_network(toy_network)
    with pytest.raises(InputError, match=r"one' holds the finished network of another run.* add --overwrite"):
        one.is_finished(asked, tmp_path / "x.csv")
    about = {"version": __version__, "input": {"digest": input_digest(tmp_path / "x.csv")}}
    notes = {"command": [], "config": {**asked, "input": {"group": "B"}}, "key": "", "cost": {}, **about}
    one.stage(".").mkdir()
    RunFolder(out.path / SHARED).path.mkdir()
    (out.path / SHARED / "edges.tsv.gz").touch()
    one.write_notes(notes)
    assert out.is_finished(asked, tmp_path / "x.csv")
    assert one.is_finished(asked, tmp_path / "x.csv")
    with pytest.raises(InputError, match=r"the finished networks of groups \(one, shared\)"):
        out.is_finished({**asked, "seed": 1}, tmp_path / "x.csv")
    one.write_notes({**notes, "version": "0.0.1"})
    with pytest.raises(InputError, match="of other data, options or version"):
        one.is_finished(asked, tmp_path / "x.csv")
    one.write_notes(notes)
    (tmp_path / "x.csv").write_text("other data")
    with pytest.raises(InputError, match="of other data, options or version"):
        one.is_finished(asked, tmp_path / "x.csv")
    one.file("edges.tsv.gz").unlink()
    assert not one.is_finished(asked, tmp_path / "x.csv")
