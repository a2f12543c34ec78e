"""Results that cannot be written are refused before anything is learned; every way to lose them is a row."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.cli import main
from acyclome.errors import InputError
from acyclome.pipeline import session

N_OBS, N_GENES = 60, 6


def objects(n_obs=N_OBS, **obs):
    X = np.random.default_rng(3).normal(size=(n_obs, N_GENES)).astype(np.float32) + 9
    table = pd.DataFrame({name: labels * (n_obs // len(labels)) for name, labels in obs.items()})
    table.index = [f"c{i}" for i in range(n_obs)]
    return anndata.AnnData(X, obs=table, var=pd.DataFrame(index=[f"G{j}" for j in range(N_GENES)]))


@pytest.fixture
def untaught(monkeypatch):
    """Nothing can be learned: what is refused now is refused before."""

    def learn(_):
        pytest.fail("learned first")

    monkeypatch.setattr(session.Session, "learn", learn)


def with_raw(_):
    adata = objects()
    adata.raw = adata.copy()
    return adata[:, :4].copy()


def backed(folder):
    objects().write_h5ad(folder / "b.h5ad")
    return anndata.read_h5ad(folder / "b.h5ad", backed="r")


@pytest.mark.parametrize(
    ("make", "options", "text"),
    [
        (with_raw, {"layer": "raw"}, r"2 of 6 genes .*raw.* 'G4'.*to_adata"),
        (backed, {"copy": True}, r"backed by .*to_memory"),
        (lambda folder: backed(folder)[:50], {}, r"backed by .*a view.*to_memory"),
        (lambda _: objects(), {"key_added": "a/b"}, "cannot be a key"),
        (lambda _: objects(), {"key_added": 1}, "cannot be a key"),
    ],
)
@pytest.mark.usefixtures("untaught")
def test_an_object_that_cannot_take_the_network_is_refused_before_it_is_learned(make, options, text, tmp_path):
    with pytest.raises(InputError, match=text):
        ac.tl.dag(make(tmp_path), **{"layer": "X", "resamples": 0, "threads": 1, **options})


def test_a_backed_object_takes_the_network(tmp_path):
    adata = backed(tmp_path)
    ac.tl.dag(adata, layer="X", resamples=0, threads=1)
    assert ac.get.network(adata).genes == [f"G{j}" for j in ac.get.nodes(adata)["gene"].str[1:].astype(int)]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["run", "x.h5ad", "-o", "file"], "Cannot write into the folder 'file'"),
        (["run", "x.h5ad", "-o", "file/out"], "Cannot write into the folder"),
        (["run", "x.h5ad", "-o", ""], "it is empty"),
        (["run", "x.h5ad", "-o", "x" * 300], "cannot be the name of a file"),
        (["run", "x" * 300, "-o", "out"], "cannot be the name of a file"),
        (["prepare", "x.h5ad", "-o", "out", "--group-by", "g"], "network of every label"),
        (["prepare", "x.h5ad", "-o", "out", "--group-by", "g", "--input.joint", "true"], "joint"),
        (["simulate", "-o", "folder"], ".h5ad"),
        (["simulate", "-o", "folder.h5ad"], "there is a folder of this name"),
        (["demo", "--data-only", "folder.h5ad"], "there is a folder of this name"),
    ],
)
@pytest.mark.usefixtures("untaught")
def test_a_place_that_cannot_take_the_results_is_refused_before_they_are_made(
    words, text, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    objects(g=["a", "b"]).write_h5ad("x.h5ad")
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.h5ad").mkdir()
    assert main(words) == 2
    assert text in " ".join(capsys.readouterr().err.split())
    assert {path.name for path in tmp_path.iterdir()} <= {"x.h5ad", "file", "folder.h5ad"}
    assert list((tmp_path / "folder.h5ad").iterdir()) == []


def test_a_group_may_be_called_anything(tmp_path, capsys):
    labels = ["b", "stages", "run.json", "differential", "edges.tsv.gz", "x" * 300, "../up", "α/β", " "]
    objects(12 * len(labels), g=labels).write_h5ad(tmp_path / "x.h5ad")
    quick = ["--resamples", "0", "--validation.checks", "false", "--threads", "1", "-q", "--layer", "X"]
    for again in ([], ["--resume"]):
        words = ["run", str(tmp_path / "x.h5ad"), "-o", str(tmp_path / "out" / "a"), "--group-by", "g", *quick, *again]
        assert main(words) == 0, capsys.readouterr().err
    for label in labels:
        folder = ac.io.runs.RunFolder(tmp_path / "out" / "a").group(label).path
        assert folder.parent == tmp_path / "out" / "a"
        assert ac.read(folder).facts["input"]["group"] == label
    assert {path.name for path in tmp_path.iterdir()} == {"x.h5ad", "out"}


@pytest.mark.parametrize("place", ["network.h5ad", "report.html", "stages/x.h5ad"])
@pytest.mark.parametrize("command", ["run", "prepare"])
def test_an_input_that_a_run_would_replace_is_refused_and_stays(command, place, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stages").mkdir()
    objects().write_h5ad(tmp_path / place)
    before = (tmp_path / place).read_bytes()
    assert main([command, place, "-o", "."]) == 2
    assert "replace the other" in " ".join(capsys.readouterr().err.split())
    assert (tmp_path / place).read_bytes() == before


def test_an_export_replaces_no_file_of_the_run(tmp_path, capsys, toy_network):
    ac.write(toy_network, tmp_path / "out")
    before = (tmp_path / "out" / "edges.tsv.gz").read_bytes()
    assert main(["export", str(tmp_path / "out"), "-f", "sif", "-o", str(tmp_path / "out" / "edges.tsv.gz")]) == 2
    assert "replace the other" in " ".join(capsys.readouterr().err.split())
    assert (tmp_path / "out" / "edges.tsv.gz").read_bytes() == before
    assert main(["export", str(tmp_path / "out"), "-o", str(tmp_path / "out" / "edges.sif"), "-q"]) == 0


def test_names_that_no_file_can_have_are_said_to_be_not_there():
    with pytest.raises(InputError, match="does not exist"):
        ac.read("x" * 300)
    with pytest.raises(InputError, match="there is no file of this name"):
        ac.learn(objects().X, regulators="SPI1," * 100, resamples=0)
