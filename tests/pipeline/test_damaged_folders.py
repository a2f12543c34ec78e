"""Run folders that were damaged, or made to do harm: said in one screen, and no memory of others is read."""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from acyclome.cli import main
from acyclome.errors import InputError
from acyclome.io.kinds import unlike
from acyclome.pipeline.records import Ordered, Resampled, Screened, Sharded


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run of 60 cells and 6 genes. Read-only."""
    folder = tmp_path_factory.mktemp("runs")
    X = np.random.default_rng(6).poisson(6, size=(60, 6)).astype(np.float32)
    X[:, 1] += X[:, 0]
    obs = pd.DataFrame({"p": ["ctrl"] * 50 + ["G2"] * 10}, index=[f"c{i}" for i in range(60)])
    AnnData(X, obs=obs, var=pd.DataFrame(index=[f"G{j}" for j in range(6)])).write_h5ad(folder / "x.h5ad")
    words = ["--resamples", "2", "--min-cells", "0", "--perturbation", "p", "--control", "ctrl", "--threads", "1", "-q"]
    assert main(["run", str(folder / "x.h5ad"), "-o", str(folder / "out"), *words]) == 0
    return folder / "out"


def in_json(name, change):
    def damage(out):
        content = json.loads((out / name).read_text())
        changed = change(content)
        (out / name).write_text(json.dumps(content if changed is None else changed))

    return damage


def in_arrays(name, change):
    def damage(out):
        with np.load(out / "stages" / name) as archive:
            arrays = {key: archive[key] for key in archive.files}
        change(arrays)
        np.savez(out / "stages" / name, **arrays)

    return damage


def in_store(change):
    def damage(out):
        with h5py.File(out / "stages" / "prepared.h5", "a") as handle:
            change(handle)

    return damage


def put(handle, name, values):
    del handle[name]
    handle[name] = values


NOTES = "stages/config.json"
DAMAGES = {
    "notes are a list": (in_json(NOTES, lambda _: [1]), "screen"),
    "notes without a config": (in_json(NOTES, lambda notes: notes.pop("config") and None), "screen"),
    "notes with another config": (in_json(NOTES, lambda notes: notes["config"].update(seed=5)), "screen"),
    "notes whose digest is gone too": (in_json(NOTES, lambda notes: {"config": notes["config"]}), "order"),
    "nested notes": (lambda out: (out / NOTES).write_text("[" * 100_000), "screen"),
    "a record that is a number": (in_json("run.json", lambda _: 5), "report"),
    "a fact of another kind": (
        in_json("run.json", lambda run: run["fit"].update(convergence=[1])),
        "report",
    ),
    "feedback of another kind": (in_json("run.json", lambda run: run.update(feedback={"targets": "many"})), "report"),
    "feedback in no pairs": (in_json("run.json", lambda run: run.update(feedback={"pairs": ["a", "b"]})), "report"),
    "a record that lost a fact": (in_json("run.json", lambda run: run["validation"].pop("rivals") and None), "report"),
    "an array that is gone": (in_arrays("screen.npz", lambda arrays: arrays.pop("parent")), "order"),
    "positions beyond the genes": (in_arrays("screen.npz", lambda arrays: arrays["parent"].fill(10**6)), "order"),
    "a header that is text": (
        in_arrays("screen.npz", lambda arrays: arrays.update(__header__=np.frombuffer(b'"x"', np.uint8))),
        "order",
    ),
    "an order of floats": (
        in_arrays("order.npz", lambda arrays: arrays.update(order=arrays["order"] + 0.5)),
        "network",
    ),
    "half-samples of another shape": (
        in_arrays("resample-1-of-1.npz", lambda arrays: arrays.update(source=arrays["source"][:-1])),
        "network",
    ),
    "a store without names": (in_store(lambda handle: handle.pop("genes")), "screen"),
    "a store without values": (in_store(lambda handle: handle.pop("X")), "screen"),
    "a store of other values": (in_store(lambda handle: put(handle, "X", np.zeros((3, 3)))), "screen"),
    "a store whose record is no JSON": (in_store(lambda handle: put(handle, "facts", "{")), "screen"),
    "a store with a column of the future": (
        in_store(lambda handle: handle["obs/p"].attrs.update({"encoding-type": "future"})),
        "screen",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_said_in_one_screen_with_code_2(name, finished, tmp_path, capsys):
    damage, command = DAMAGES[name]
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    damage(out)
    assert main([command, str(out), "-q"]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert len(error.splitlines()) <= 12
    assert "again" in error or "--resume" in error


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (Screened, {"parent": np.array([0, 9], np.int32)}),
        (Screened, {"parent": np.array([0, -1], np.int32)}),
        (Screened, {"parent": np.array([0.0, 1.0])}),
        (Screened, {"indptr": np.array([0, 5, 2])}),
        (Screened, {"indptr": np.array([0, 1, 7])}),
        (Screened, {"indptr": np.array([0, 3, 2], np.uint8)}),  # whose differences are all positive
        (Screened, {"indptr": np.array([], int)}),
        (Screened, {"more": np.zeros(2)}),
    ],
)
def test_positions_are_looked_at_before_compiled_code_sees_them(kind, change):
    good = {"indptr": np.array([0, 1, 2]), "parent": np.array([1, 0], np.int32)}
    assert kind.checked(good, {}, n_genes=2).candidates.n_edges == 2
    with pytest.raises(InputError, match="Run `acyclome screen` again"):
        kind.checked(good | change, {}, n_genes=2)


@pytest.mark.parametrize("feedback", [[], {"pairs": [[1, 2]]}, {"pairs": [{"set": 1}]}])
def test_facts_that_others_read_are_looked_at(feedback):
    assert unlike({"feedback": feedback}, {"feedback?": Ordered.needs["feedback?"]}).startswith("feedback")


@pytest.mark.parametrize("kind", [Ordered, Resampled, Sharded])
def test_records_without_their_arrays_are_none(kind):
    with pytest.raises(InputError, match="is missing, unknown"):
        kind.checked({}, {}, n_genes=3)
