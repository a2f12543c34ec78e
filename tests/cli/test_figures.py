"""Figures and tables of a network as files."""

import json
import re

import pytest

from acyclome.cli import figures
from acyclome.network import Network


@pytest.fixture(scope="module")
def folder(tmp_path_factory, toy_network):
    from acyclome.io.networks import write

    path = tmp_path_factory.mktemp("figures") / "out"
    write(toy_network, path)
    return path


def test_all_figures_and_tables_are_written_with_the_same_bytes_each_time(folder, tmp_path, acyclome):
    names = [f"{name}.svg" for name in figures.FIGURES] + ["edges.html", "genes.html"]
    code, text, _ = acyclome("figures", folder, "--json")
    assert code == 0
    assert json.loads(text)["files"] == [str(folder / "figures" / name) for name in names]
    assert acyclome("figures", folder, "-o", tmp_path)[0] == 0
    for name in names:
        assert (tmp_path / name).read_bytes() == (folder / "figures" / name).read_bytes(), name


def test_texts_of_figures_are_texts_and_a_figure_without_a_subject_says_so(folder):
    drawn = (folder / "figures" / "top_regulators.svg").read_text(encoding="utf-8")
    assert re.search(r"<text[^>]*>CEBPA</text>", drawn)
    empty = (folder / "figures" / "convergence.svg").read_text(encoding="utf-8")
    assert "learned without a relaxation" in empty


def test_tables_show_the_best_rows_and_escape_what_names_hold(toy_network, monkeypatch):
    monkeypatch.setattr(figures, "MOST_ROWS", 2)
    network = Network(
        *(table.replace("SPI1", "<b>") for table in (toy_network.edges, toy_network.ranking, toy_network.nodes))
    )
    page = figures._page("Edges & more", figures._told(network.edges))
    assert "<h1>Edges &amp; more</h1><p>The first 2 of 4 rows.</p>" in page
    assert page.count("<tr") == 3
    assert "&lt;b&gt;" in page
    assert "prior" not in page
