"""The commands that compute, from a small file to a network."""

import json

import pytest

from acyclome.errors import InputError

AS_IT_IS = [f"--prepare.{option}" for option in ("normalize=false", "log=false", "transform=none")]
WORDS = ["--threads", "1", "--resamples", "2", *AS_IT_IS]


@pytest.fixture(scope="module")
def expression(tmp_path_factory):
    """Simulated expression of 30 genes in 200 cells; its truth lies beside it."""
    from acyclome.cli import main

    path = tmp_path_factory.mktemp("data") / "small.h5ad"
    assert main(["simulate", "-o", str(path), "--genes", "30", "--observations", "200", "--seed", "3"]) == 0
    return path


def test_run_for_machines_prints_json_and_nothing_else(expression, tmp_path, acyclome):
    code, text, error = acyclome("run", expression, "-o", tmp_path / "out", *WORDS, "--json", "--quiet")
    assert (code, error) == (0, "")
    facts = json.loads(text)
    assert facts["status"] == "done"
    assert facts["genes"] == 30
    assert facts["is_dag"] is True
    assert facts["edges"] > 10
    assert (tmp_path / "out" / "report.html").stat().st_size > 0


def test_run_tells_what_came_out_and_what_comes_next(expression, tmp_path, acyclome):
    code, text, error = acyclome("run", expression, "-o", tmp_path / "out", *WORDS)
    assert code == 0
    assert "30 genes" in text
    assert "a directed acyclic graph" in text
    assert text.count("\n  acyclome ") == 2
    assert "done in" in error


def test_a_kind_of_file_that_is_not_known_is_refused_before_anything_is_begun(tmp_path, acyclome):
    (tmp_path / "x.foo").write_text("a")
    code, text, error = acyclome("run", tmp_path / "x.foo", "-o", tmp_path / "out")
    assert (code, text) == (2, "")
    assert error.startswith("Error: The format of 'x.foo'")
    assert [path.name for path in tmp_path.iterdir()] == ["x.foo"]


def test_quiet_is_silent(expression, tmp_path, acyclome):
    assert acyclome("run", expression, "-o", tmp_path / "out", *WORDS, "--quiet") == (0, "", "")


def test_the_stages_give_the_bits_of_the_whole_run(expression, tmp_path, acyclome):
    whole, steps = tmp_path / "whole", tmp_path / "steps"
    assert acyclome("run", expression, "-o", whole, *WORDS, "--quiet")[0] == 0
    assert acyclome("prepare", expression, "-o", steps, *WORDS, "--quiet") == (0, "", "")
    for stage in (
        ["screen"],
        ["fit"],
        ["order"],
        ["resample", "--part", 1, "--parts", 2],
        ["resample", "--part", 2, "--parts", 2],
    ):
        code, text, error = acyclome(stage[0], steps, *stage[1:], "--threads", "1", "--quiet", "--json")
        assert (code, error) == (0, "")
        assert json.loads(text)["stage"] == stage[0]
    for stage in ("network", "report"):
        assert acyclome(stage, steps, "--quiet") == (0, "", "")
    for name in ("edges.tsv.gz", "ranking.tsv.gz", "nodes.tsv"):
        assert (whole / name).read_bytes() == (steps / name).read_bytes(), name


def test_a_simulated_network_is_found_again(expression, tmp_path, acyclome):
    assert acyclome("run", expression, "-o", tmp_path / "out", *WORDS, "--quiet")[0] == 0
    code, text, _ = acyclome("score", tmp_path / "out", "--truth", expression.with_suffix(".truth.tsv"), "--json")
    assert code == 0
    assert json.loads(text)["skeleton_f1"] > 0.7


def test_a_stage_before_its_turn_says_which_one_comes_first(expression, tmp_path, acyclome):
    assert acyclome("prepare", expression, "-o", tmp_path / "out", *WORDS, "--quiet")[0] == 0
    code, _, error = acyclome("order", tmp_path / "out", "--quiet")
    assert code == 2
    assert "screen" in error or "fit" in error


def test_plan_foresees_a_run_without_starting_it(expression, acyclome):
    code, text, error = acyclome("plan", expression, *WORDS, "--json")
    assert (code, error) == (0, "")
    assert json.loads(text)
    assert [path.name for path in expression.parent.iterdir() if path.is_dir()] == []
    assert acyclome("plan", expression, *WORDS)[0] == 0


def test_a_report_that_cannot_be_made_is_a_warning_and_loses_nothing(expression, tmp_path, acyclome, monkeypatch):
    def refuse(folder):
        msg = f"No report can be made of {str(folder)!r}."
        raise InputError(msg)

    monkeypatch.setattr("acyclome.report.write_report", refuse)
    out = tmp_path / "a b"
    code, text, error = acyclome("run", expression, "-o", out, *WORDS)
    assert (code, (out / "edges.tsv.gz").exists(), (out / "report.html").exists()) == (0, True, False)
    assert f"acyclome report '{out}'" in error
    assert "None" not in text
    assert acyclome("report", out)[0] == 2  # asked for by itself
    monkeypatch.undo()
    assert acyclome("report", out, "--quiet") == (0, "", "")
    assert (out / "report.html").exists()


def test_one_network_for_every_label_of_a_column(expression, tmp_path, acyclome):
    import anndata

    adata = anndata.read_h5ad(expression)
    adata.obs["kind"] = ["B/naive", "T"] * (adata.n_obs // 2)
    adata.write_h5ad(tmp_path / "in.h5ad")
    words = ["run", tmp_path / "in.h5ad", "-o", tmp_path / "out", *WORDS, "--group-by", "kind"]
    code, text, _ = acyclome(*words, "--json", "--quiet")
    assert code == 0
    groups = json.loads(text)["groups"]
    assert set(groups) == {"B/naive", "T"}
    folders = {label: facts["out"] for label, facts in groups.items()}
    assert len(set(folders.values())) == 2
    for folder in folders.values():
        code, text, _ = acyclome("explain", folder, "--gene", "G01", "--json")
        assert code == 0
        assert json.loads(text)["gene"] == "G01"
