"""Twelve wrong inputs: each gives one screen that says what was found and how to go on, and nothing half-written.

The command line is called in this process. "No write permission" is a results folder whose parent is a plain file,
because the system refuses nothing else to a superuser.
"""

import json
from dataclasses import dataclass, field

import anndata
import numpy as np
import pandas as pd
import pytest

from acyclome.cli import main
from acyclome.io.atomic import TEMPORARY_MARK

N_OBS, N_VARS, SEED = 60, 24, 7
SCREEN_LINES = 25
RESULTS = {"edges.tsv.gz", "edges.parquet", "ranking.tsv.gz", "nodes.tsv", "network.h5ad", "report.html"}


def good():
    """Return counts of 60 cells and 24 genes of which nothing can be said against."""
    rng = np.random.default_rng(SEED)
    depth = rng.uniform(0.5, 2.0, size=(N_OBS, 1))
    counts = rng.poisson(depth * rng.uniform(1.0, 6.0, size=N_VARS)).astype(np.float32)
    obs = pd.DataFrame(
        {"label": pd.Categorical(["B", "T"] * (N_OBS // 2), ["B", "NK", "T"])}, [f"cell{i}" for i in range(N_OBS)]
    )
    return anndata.AnnData(counts, obs=obs, var=pd.DataFrame(index=[f"GENE{j}" for j in range(N_VARS)]))


@dataclass
class Case:
    """An input file, the options used with it, and words that the answer must contain (one of each group)."""

    adata: anndata.AnnData
    words: list = field(default_factory=list)
    found: tuple = ()
    way_out: tuple = ()


def transposed(_):
    rng = np.random.default_rng(SEED)
    adata = good().T
    adata.var_names = ["".join(rng.choice(list("ACGT"), 16)) + "-1" for _ in range(adata.n_vars)]
    return Case(adata, found=("transposed", "barcodes"), way_out=("--genes-as", ".T"))


def not_a_number(_):
    adata = good()
    adata.X[3, 5] = adata.X[9, 5] = np.nan
    return Case(adata, found=("NaN", "missing"), way_out=("GENE5",))


def infinite(_):
    adata = good()
    adata.X[3, 5] = np.inf
    return Case(adata, found=("infinit", "inf"), way_out=("GENE5",))


def all_zero_gene(_):
    adata = good()
    adata.X[:, 5] = 0
    return Case(adata, ["--min-cells", "0"], found=("GENE5",), way_out=("--min-cells", "min_cells"))


def constant_gene(_):
    adata = good()
    adata.X = np.log1p(adata.X)
    adata.X[:, 5] = 1.5
    return Case(adata, ["--min-cells", "0"], found=("GENE5",), way_out=("--min-cells", "min_cells"))


def duplicate_names(_):
    adata = good()
    adata.var_names = ["GENE1" if j == 7 else name for j, name in enumerate(adata.var_names)]
    return Case(adata, found=("GENE1",), way_out=("unique",))


def empty_group(_):
    return Case(good(), ["--group-by", "label", "--input.group", "NK"], found=("NK",), way_out=("B, T", "B (", "'B'"))


def regulators_that_match_nothing(folder):
    (folder / "tf.txt").write_text("".join(f"ENSG{i:011d}\n" for i in range(30)))
    return Case(good(), ["--regulators", folder / "tf.txt"], found=("ENSG00000000000",), way_out=("Ensembl",))


def wrong_layer(_):
    adata = good()
    adata.layers["counts"] = adata.X.copy()
    return Case(adata, ["--layer", "count"], found=("'count'", "count"), way_out=("counts",))


def three_cells(_):
    return Case(good()[:3].copy(), found=("3 ",), way_out=("at least", "more", "fewer"))


FILES = [
    transposed,
    not_a_number,
    infinite,
    all_zero_gene,
    constant_gene,
    duplicate_names,
    empty_group,
    regulators_that_match_nothing,
    wrong_layer,
    three_cells,
]


def call(capsys, *words):
    code = main([str(word) for word in words])
    output = capsys.readouterr()
    return code, output.out, output.err


def assert_one_screen(code, text, error):
    assert code == 2, error
    assert text == ""
    assert "Traceback" not in error
    assert 0 < len(error.splitlines()) <= SCREEN_LINES


def assert_nothing_half_written(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert [path.name for path in files if TEMPORARY_MARK in path.name] == []
    assert RESULTS.isdisjoint(path.name for path in files)
    for path in files:
        if path.suffix == ".json":
            json.loads(path.read_text())


@pytest.mark.filterwarnings("ignore:Variable names are not unique")
@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_a_wrong_file_is_answered_with_one_screen_and_a_way_out(make, tmp_path, capsys):
    case = make(tmp_path)
    case.adata.write_h5ad(tmp_path / "in.h5ad")
    words = [
        "run",
        tmp_path / "in.h5ad",
        "-o",
        tmp_path / "out",
        "--resamples",
        "0",
        "--threads",
        "1",
        "--quiet",
        *case.words,
    ]
    answer = call(capsys, *words)
    assert_one_screen(*answer)
    assert any(word in answer[2] for word in case.found), answer[2]
    assert any(word in answer[2] for word in case.way_out), answer[2]
    assert_nothing_half_written(tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"not an expression file", b"\x89HDF\r\n\x1a\n" + bytes(100)])
@pytest.mark.parametrize("ending", ["h5ad", "h5", "tsv.gz", "docx"])
def test_an_unreadable_file_is_answered_with_one_screen(content, ending, tmp_path, capsys):
    path = tmp_path / f"in.{ending}"
    path.write_bytes(content)
    answer = call(capsys, "run", path, "-o", tmp_path / "out", "--quiet")
    assert_one_screen(*answer)
    assert path.name in answer[2]
    assert_nothing_half_written(tmp_path / "out")


def test_a_file_that_broke_off_is_answered_with_one_screen(tmp_path, capsys):
    good().write_h5ad(tmp_path / "whole.h5ad")
    content = (tmp_path / "whole.h5ad").read_bytes()
    (tmp_path / "in.h5ad").write_bytes(content[: len(content) // 2])
    answer = call(capsys, "run", tmp_path / "in.h5ad", "-o", tmp_path / "out", "--quiet")
    assert_one_screen(*answer)
    assert_nothing_half_written(tmp_path / "out")


def test_a_missing_file_is_answered_with_the_nearest_name(tmp_path, capsys):
    good().write_h5ad(tmp_path / "pbmc.h5ad")
    answer = call(capsys, "run", tmp_path / "pbcm.h5ad", "-o", tmp_path / "out")
    assert_one_screen(*answer)
    assert "Did you mean pbmc.h5ad" in answer[2]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", [[], ["--group-by", "half"]])
@pytest.mark.parametrize("table", ["half,a,b\nc1,x,1,2\nc2,y,1,oops\n", "half,a,a\nc1,x,1,2\nc2,y,1,3\n"])
def test_a_table_that_cannot_be_read_leaves_no_folder(table, words, tmp_path, capsys):
    (tmp_path / "in.csv").write_text(table)
    assert_one_screen(*call(capsys, "run", tmp_path / "in.csv", "-o", tmp_path / "out", *words))
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_answered_before_any_work(tmp_path, capsys):
    good().write_h5ad(tmp_path / "in.h5ad")
    (tmp_path / "file").write_text("in the way")
    answer = call(capsys, "run", tmp_path / "in.h5ad", "-o", tmp_path / "file" / "out", "--quiet")
    assert_one_screen(*answer)
    assert "-o" in answer[2]
    assert (tmp_path / "file").read_text() == "in the way"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "in.h5ad"]


@pytest.mark.parametrize(("column", "hint"), [("labl", "label"), ("nothing_like_it", "label")])
def test_a_grouping_column_that_is_not_there_is_answered_with_those_that_are(column, hint, tmp_path, capsys):
    good().write_h5ad(tmp_path / "in.h5ad")
    answer = call(capsys, "run", tmp_path / "in.h5ad", "-o", tmp_path / "out", "--group-by", column, "--quiet")
    assert_one_screen(*answer)
    assert hint in answer[2]
    assert_nothing_half_written(tmp_path / "out")


def test_the_default_filter_drops_an_all_zero_gene_and_says_so(tmp_path, capsys):
    case = all_zero_gene(tmp_path)
    case.adata.write_h5ad(tmp_path / "in.h5ad")
    words = ["prepare", tmp_path / "in.h5ad", "-o", tmp_path / "out", "--threads", "1", "--json", "--quiet"]
    code, text, error = call(capsys, *words)
    assert (code, error) == (0, "")
    facts = json.loads(text)
    assert facts["n_vars"] == N_VARS - 1
    assert any("min_cells" in json.dumps(step) or "fewer than" in json.dumps(step) for step in facts["steps"])


def test_a_constant_gene_is_refused_under_the_default_filter_too(tmp_path, capsys):
    case = constant_gene(tmp_path)
    case.adata.write_h5ad(tmp_path / "in.h5ad")
    answer = call(capsys, "run", tmp_path / "in.h5ad", "-o", tmp_path / "out", "--quiet")
    assert_one_screen(*answer)
    assert "GENE5" in answer[2]
    assert_nothing_half_written(tmp_path / "out")
