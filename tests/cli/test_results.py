"""The commands beside a run: explain, export, score, simulate, demo data, inspect."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest

from acyclome.cli import export, output, stages
from acyclome.io.names import safe_name


@pytest.fixture
def folder(tmp_path, toy_network):
    from acyclome.io.networks import write

    path = tmp_path / "out"
    write(toy_network, path)
    return path


def test_explain_tells_what_the_network_says_of_a_gene(folder, toy_network, acyclome):
    code, text, error = acyclome("explain", folder, "--gene", "SPI1")
    assert (code, error) == (0, "")
    assert text.rstrip("\n") == toy_network.explain("SPI1").rstrip("\n")


def test_explain_for_machines_gives_the_rows_of_the_tables(folder, acyclome):
    code, text, _ = acyclome("explain", folder, "--gene", "SPI1", "--json")
    found = json.loads(text)
    assert code == 0
    assert [row["source"] for row in found["parents"]] == ["CEBPA"]
    assert [row["target"] for row in found["children"]] == ["LYZ"]
    assert found["gene"] == "SPI1"


def test_explain_offers_the_nearest_name(folder, acyclome):
    code, text, error = acyclome("explain", folder, "--gene", "spi1")
    assert (code, text) == (2, "")
    assert "Did you mean SPI1" in error


def test_a_folder_without_a_network_is_refused(tmp_path, acyclome):
    code, _, error = acyclome("explain", tmp_path / "nothing", "--gene", "SPI1")
    assert code == 2
    assert "nothing" in error


def test_a_folder_of_groups_names_the_groups(tmp_path, toy_network, acyclome):
    from acyclome.io.networks import write

    for label in ("B_cell", "T_cell"):
        write(toy_network, tmp_path / "out" / label)
    code, _, error = acyclome("explain", tmp_path / "out", "--gene", "SPI1")
    assert code == 2
    assert "B_cell, T_cell" in error


def test_the_formats_of_the_help_are_those_of_the_writer():
    from acyclome.io.formats import FORMATS

    assert tuple(FORMATS) == export.FORMAT_NAMES


@pytest.mark.parametrize("name", ["sif", "graphml", "tsv"])
def test_export_writes_the_file_that_was_asked_for(name, folder, tmp_path, acyclome):
    path = tmp_path / f"net.{name}"
    code, text, error = acyclome("export", folder, "--format", name, "-o", path)
    assert (code, error) == (0, "")
    assert text == f"{path}: 5 genes, 4 edges\n"
    assert path.stat().st_size > 0


def test_export_to_an_unknown_format_lists_the_known_ones_and_writes_nothing(folder, tmp_path, acyclome):
    code, _, error = acyclome("export", folder, "--format", "visio", "-o", tmp_path / "net.x")
    assert code == 2
    assert "graphml" in error
    assert not (tmp_path / "net.x").exists()


def test_descendants_of_a_gene_are_listed_nearest_first(folder, acyclome):
    code, text, _ = acyclome("effects", folder, "-g", "CEBPA", "--descendants", "--json")
    rows = json.loads(text)["effects"]
    assert code == 0
    assert [(row["target"], row["steps"], row["direct"]) for row in rows] == [("SPI1", 1, 0.5), ("LYZ", 1, -0.25)]
    assert rows[1]["effect"] == pytest.approx(0.5 * 0.8 - 0.25)


def test_the_gene_that_was_hit_is_blamed_from_two_files(folder, tmp_path, acyclome):
    rng = np.random.default_rng(4)
    files = [tmp_path / name for name in ("before.csv", "after.csv")]
    for path, less in zip(files, (0.0, 5.0), strict=True):
        values = pd.DataFrame(
            rng.normal(size=(12, 5)), [f"c{k}" for k in range(12)], ["SPI1", "CEBPA", "LYZ", "GATA1", "HBB"]
        )
        values["CEBPA"] -= less
        values["SPI1"] -= 0.5 * less
        values.rename("c{}".format).to_csv(path)
    asked = ("blame", folder, "--before", files[0], "--after", files[1])
    code, text, _ = acyclome(*asked, "--json")
    assert code == 0
    assert json.loads(text)["targets"][0]["gene"] == "CEBPA"
    code, text, _ = acyclome(*asked)
    assert "CEBPA" in text.splitlines()[2]
    assert "Not checked" in text


def test_the_report_is_shown_in_a_browser_or_its_place_is_told(tmp_path, monkeypatch, capsys):
    import webbrowser

    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda page: opened.append(page) or len(opened) == 1)
    for _ in range(2):
        stages.show_page(tmp_path / "report.html")
    assert opened == [(tmp_path / "report.html").as_uri()] * 2
    assert capsys.readouterr().err.startswith("No browser was found here. Open /")


def test_several_formats_go_into_the_folder_of_the_run_or_into_another(folder, tmp_path, acyclome):
    code, text, _ = acyclome("export", folder, "--format", "graphml,scenic,gmt", "--json")
    files = [folder / name for name in ("network.graphml", "network.scenic.csv", "network.gmt")]
    assert code == 0
    assert [entry["file"] for entry in json.loads(text)["files"]] == [str(file) for file in files]
    assert all(file.stat().st_size for file in files)
    assert acyclome("export", folder, "--format", "tsv,cx2", "-o", tmp_path / "new", "--quiet") == (0, "", "")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["network.cx2", "network.tsv"]


@pytest.mark.parametrize(
    ("words", "edges"),
    [
        (["--min-confidence", 0.9], {"SPI1 LYZ", "GATA1 HBB"}),
        (["--genes", "SPI1, CEBPA"], {"CEBPA SPI1"}),
        (["--genes", "list.txt"], {"CEBPA SPI1", "SPI1 LYZ", "CEBPA LYZ"}),
        (["--regulators", "SPI1"], {"SPI1 LYZ"}),
        (["--regulators", "human", "--min-confidence", 0.55], {"SPI1 LYZ", "GATA1 HBB", "CEBPA SPI1"}),
    ],
)
def test_a_part_of_the_network_is_exported(folder, tmp_path, acyclome, monkeypatch, words, edges):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("SPI1\nCEBPA\nLYZ\nNOBODY\n")
    assert acyclome("export", folder, "-o", "part.tsv", *words)[0] == 0
    found = pd.read_csv("part.tsv", sep="\t")
    assert set(found["source"] + " " + found["target"]) == edges


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "needs a file"),
        (["--genes", "spi1", "-o", "x.tsv"], "Did you mean SPI1"),
        (["--format", "gml,visio"], "'visio' names no format"),
        (["--format", "h5ad"], "one would replace the other"),
        (["--min-confidence", "2", "-o", "x.tsv"], "--min-confidence"),
    ],
)
def test_what_cannot_be_exported_is_refused_before_a_file_is_written(
    folder, tmp_path, acyclome, monkeypatch, words, said
):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    code, _, error = acyclome("export", folder, *words)
    assert (code, said in " ".join(error.split())) == (2, True), error
    assert sorted(tmp_path.rglob("*")) == before


def test_the_score_of_a_network_against_itself_is_perfect(folder, tmp_path, toy_network, acyclome):
    truth = tmp_path / "truth.tsv"
    toy_network.edges[["source", "target", "weight"]].to_csv(truth, sep="\t", index=False)
    code, text, _ = acyclome("score", folder, "--truth", truth, "--json")
    found = json.loads(text)
    assert code == 0
    assert (found["precision"], found["recall"], found["shd"], found["sign_agreement"]) == (1.0, 1.0, 0, 1.0)


def test_genes_that_are_ignored_do_not_count(folder, tmp_path, acyclome):
    truth = tmp_path / "truth.tsv"
    truth.write_text("source\ttarget\nCEBPA\tSPI1\nHBB\tGATA1\n")
    scores = [
        json.loads(acyclome("score", folder, "--truth", truth, "--json", *words)[1])
        for words in ([], ["--ignore-genes", "HB"])
    ]
    assert [found["n_true"] for found in scores] == [2, 1]


def test_pairs_of_other_genes_than_regulators_do_not_count(folder, tmp_path, acyclome, monkeypatch):
    monkeypatch.chdir(tmp_path)
    truth = tmp_path / "truth.tsv"
    truth.write_text("source\ttarget\nCEBPA\tSPI1\nHBB\tGATA1\n")
    code, text, _ = acyclome("score", folder, "--truth", truth, "--json", "--regulators", "human")
    assert (code, json.loads(text)["n_true"]) == (0, 1)  # HBB is no transcription factor


def test_a_truth_of_other_genes_is_bad_input(folder, tmp_path, acyclome):
    truth = tmp_path / "truth.tsv"
    truth.write_text("source\ttarget\nENSG01\tENSG02\n")
    code, _, error = acyclome("score", folder, "--truth", truth)
    assert code == 2
    assert "ENSG01" in error
    assert "CEBPA" in error


def test_a_simulation_is_written_with_its_truth_and_repeats_bit_for_bit(tmp_path, acyclome):
    texts = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.h5ad"
        code, text, _ = acyclome(
            "simulate", "-o", path, "--genes", 30, "--observations", 40, "--graph", "hub", "--seed", 5, "--json"
        )
        assert code == 0
        texts.append([path.read_bytes(), path.with_suffix(".truth.tsv").read_bytes()])
        facts = json.loads(text)
    assert texts[0] == texts[1]
    adata = anndata.read_h5ad(path)
    truth = pd.read_csv(path.with_suffix(".truth.tsv"), sep="\t")
    listed = path.with_suffix(".regulators.txt").read_text().split()
    assert adata.shape == (facts["observations"], facts["genes"]) == (40, 30)
    assert list(truth.columns) == ["source", "target", "weight"]
    assert len(truth) == facts["edges"]
    assert set(truth["source"]) <= set(listed) <= set(adata.var_names)


def test_a_simulation_that_cannot_be_drawn_says_why(tmp_path, acyclome):
    code, _, error = acyclome("simulate", "-o", tmp_path / "x.h5ad", "--graph", "tree")
    assert code == 2
    assert "scale-free" in error
    assert list(tmp_path.iterdir()) == []


def test_the_demo_data_keep_the_scaled_and_the_log_normalised_values(tmp_path, acyclome):
    code, text, error = acyclome("demo", "--data-only", tmp_path / "demo.h5ad")
    adata = anndata.read_h5ad(tmp_path / "demo.h5ad")
    assert (code, error) == (0, "")
    assert "700 cells x 765 genes" in text
    assert adata.shape == adata.raw.shape == (700, 765)
    assert adata.X.min() < 0 <= adata.raw.X.min()
    assert "bulk_labels" in adata.obs


def test_inspect_says_which_matrix_to_use(tmp_path, acyclome):
    counts = np.random.default_rng(1).poisson(1.0, size=(50, 20)).astype(np.float32)
    adata = anndata.AnnData(np.log1p(counts), layers={"counts": counts}, obs={"cluster": ["a", "b"] * 25})
    adata.write_h5ad(tmp_path / "x.h5ad")
    code, text, error = acyclome("inspect", tmp_path / "x.h5ad")
    assert (code, error) == (0, "")
    assert "50 observations x 20 genes" in text
    assert "--layer counts" in text
    assert "cluster" in text
    code, text, _ = acyclome("inspect", tmp_path / "x.h5ad", "--json")
    assert code == 0
    assert json.loads(text)["recommended"] == "counts"


def test_inspect_lists_the_groups_of_a_column_with_their_folders(tmp_path, acyclome):
    obs = {"cluster": ["B", "T/NK", "T/NK"] * 10, "few": ["a"] * 29 + ["b"]}
    anndata.AnnData(np.ones((30, 3), np.float32), obs=obs).write_h5ad(tmp_path / "x.h5ad")
    table = tmp_path / "groups.tsv"
    code, text, _ = acyclome("inspect", tmp_path / "x.h5ad", "--groups", "cluster", "-o", table, "--json")
    rows = [["B", "B", 10], ["T/NK", safe_name("T/NK"), 20]]
    assert code == 0
    assert [list(row.values()) for row in json.loads(text)["groups"]] == rows
    assert pd.read_csv(table, sep="\t").to_numpy().tolist() == rows
    code, _, error = acyclome("inspect", tmp_path / "x.h5ad", "--groups", "few")
    assert (code, "b (1)" in error) == (2, True)
    assert acyclome("inspect", tmp_path / "x.h5ad", "-o", table)[0] == 2


def test_tables_align_their_columns_and_cut_long_cells():
    text = output.format_table(["name", "n"], [["a", 1_000], ["b" * 99, None]])
    lines = text.splitlines()
    assert lines[0].index("n", 4) == lines[2].index("1,000")
    assert lines[3].startswith("b" * 87 + "...")
    assert lines[3].endswith("-")


@pytest.mark.parametrize(
    ("value", "text"), [(True, "yes"), (1234, "1,234"), (0.123456, "0.1235"), (None, "-"), ("a", "a")]
)
def test_values_are_written_as_people_write_them(value, text):
    assert output.format_value(value) == text
