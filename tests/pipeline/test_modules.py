"""Facts about modules of a run: one answer from every door, names, regulators, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import acyclome as ac
from acyclome.cli import main
from acyclome.errors import DataWarning, InputError
from acyclome.evaluate.modules import simulate_modules
from acyclome.network.modules import ACTS, AMONG, DIRECT, MOVES
from acyclome.pipeline.modules_asked import Asked, priced


@pytest.fixture(scope="module")
def drawn():
    return simulate_modules(80, 300, n_modules=5, degree=1.0, direct=0.1, seed=8)


@pytest.fixture(scope="module")
def gmt(drawn, tmp_path_factory):
    path = tmp_path_factory.mktemp("sets") / "true.gmt"
    names = np.array(drawn.genes)
    path.write_text("".join("\t".join([f"S{k}", "", *names[drawn.module == k]]) + "\n" for k in range(5)))
    return path


@pytest.fixture(scope="module")
def out(drawn, tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    cells = [f"c{i}" for i in range(len(drawn.X))]
    AnnData(pd.DataFrame(drawn.X, cells, drawn.genes)).write_h5ad(folder / "x.h5ad")
    words = ["--resamples", "0", "--validation.checks", "false", "--transform", "none", "--min-cells", "0"]
    words += ["--confounding", "none", "--activity", "none", "--threads", "1", "-q"]
    assert main(["run", str(folder / "x.h5ad"), "-o", str(folder / "out"), *words]) == 0
    return folder / "out"


@pytest.fixture(scope="module")
def learned(out, gmt):
    assert main(["modules", str(out), "--gene-sets", str(gmt), "--threads", "1", "-q"]) == 0
    return ac.get.modules(out)


def test_modules_are_named_by_the_sets_that_were_drawn(learned):
    assert sorted(learned.modules["name"]) == [f"S{k}" for k in range(5)]
    assert learned.modules["f1"].min() > 0.7
    assert learned.modules["variance"].is_monotonic_decreasing


def test_the_report_shows_modules_their_edges_and_the_curve(out, learned):
    page = (out / "report.html").read_text()
    section = page[page.index('<section id="modules">') :]
    assert "5 modules of genes" in section
    assert "<td>M001</td>" in section
    assert "<td>taken</td>" in section


def test_the_number_comes_from_the_path_which_is_kept(learned):
    chosen = learned.path[learned.path["chosen"]]
    assert chosen["n_modules"].tolist() == [5]
    assert chosen["enriched"].tolist() == [1.0]
    assert chosen["named_again"].tolist() == [1.0]
    assert (learned.path["carried"] <= learned.path["knockouts"]).all()
    assert learned.path["direct"].between(1, 200).all()
    assert chosen["direct"].iloc[0] == learned.path["direct"].min()  # of modules that are right


def test_edges_that_no_module_carries_are_the_direct_ones(drawn, learned):
    direct = learned.edges[learned.edges["kind"] == DIRECT]
    found = {frozenset(pair) for pair in zip(direct["source"], direct["target"], strict=True)}
    true = {frozenset((drawn.genes[a], drawn.genes[b])) for a, b in drawn.direct}
    assert len(found & true) >= 0.6 * len(true)


def test_no_gene_acts_on_a_module_that_moves_it(learned):
    pairs = {kind: learned.edges[learned.edges["kind"] == kind] for kind in (ACTS, MOVES)}
    acts = set(zip(pairs[ACTS]["source"], pairs[ACTS]["target"], strict=True))
    moved = set(zip(pairs[MOVES]["target"], pairs[MOVES]["source"], strict=True))
    assert acts
    assert not acts & moved


def test_an_object_has_the_modules_of_the_command_line(drawn, learned, gmt, tmp_path):
    odd = tmp_path / "odd.gmt"
    odd.write_text(f"{gmt.read_text()}odd\t\t{drawn.genes[0]}\tunknown\n")
    cells = [f"c{i}" for i in range(len(drawn.X))]
    adata = AnnData(pd.DataFrame(drawn.X, cells, drawn.genes))
    config = {"prepare": {"transform": "none", "min_cells": 0}, "confounding": "none", "activity": "none"}
    ac.tl.dag(adata, n_resamples=0, config=config)
    ac.tl.modules(adata, gene_sets=gmt)
    again = ac.get.modules(adata)
    pd.testing.assert_frame_equal(again.modules, learned.modules, check_dtype=False)
    assert adata.obsm["dag_modules"].shape == (300, 5)
    with pytest.raises(InputError, match="prices has 'edge'; expected some of loadings, edges, outside"):
        ac.tl.modules(adata, prices={"edge": 2.0})
    with pytest.warns(DataWarning, match=r"1 of 6 sets .* have fewer than 3 genes of the data and are left out: odd"):
        ac.tl.modules(adata, n_modules=5, gene_sets=odd, prices={"edges": 100.0})
    assert sum(ac.get.modules(adata).edges["kind"] == AMONG) < sum(learned.edges["kind"] == AMONG)


def test_modules_of_groups_are_learned_one_by_one_and_go_with_their_network(drawn):
    cells = [f"c{i}" for i in range(len(drawn.X))]
    adata = AnnData(pd.DataFrame(drawn.X, cells, drawn.genes))
    adata.obs["half"] = np.where(np.arange(len(cells)) < 150, "first", "last")
    config = {"prepare": {"transform": "none", "min_cells": 0}, "confounding": "none", "activity": "none"}
    ac.tl.dag(adata, groupby="half", n_resamples=0, config=config)
    with pytest.raises(InputError, match="one network per group"):
        ac.tl.modules(adata, n_modules=5)
    ac.tl.modules(adata, n_modules=5, group="last")
    assert len(ac.get.modules(adata, group="last").modules)
    assert np.isnan(adata.obsm["dag_last_modules"]).all(axis=1).tolist() == [True] * 150 + [False] * 150
    with pytest.raises(InputError, match=r"ac\.tl\.modules\(adata, key='dag', group='first'\)"):
        ac.get.modules(adata, group="first")
    ac.tl.dag(adata, groupby="half", n_resamples=0, config=config)
    assert "dag_last_modules" not in {*adata.uns, *adata.obsm}  # they were those of an earlier network


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"number": True}, "modules is True; expected auto, or a number"),
        ({"number": np.int64(301)}, "expected auto, or a number from 0"),
        ({"prices": {"edges": True}}, "The price of edges is True; expected a number"),
        ({"gene_sets": {"S0": ["G01"]}}, "gene_sets is a dict; expected the path of a gmt file"),
        ({"visible": ["G01"]}, "visible is a list; expected the path of a gmt file"),
    ],
)
def test_what_python_cannot_ask_is_refused(given, said):
    with pytest.raises(InputError, match=said):
        Asked(given.pop("number", 5), prices=priced(given.pop("prices", {})), **given).check()


def test_visible_modules_follow_their_sets_and_others_are_learned(out, gmt, tmp_path):
    half = tmp_path / "half.gmt"
    half.write_text("".join(gmt.read_text().splitlines(keepends=True)[:2]))
    words = ["--gene-sets", str(gmt), "--visible", str(half), "--modules", "5", "--threads", "1", "-q"]
    assert main(["modules", str(out), *words]) == 0
    found = ac.get.modules(out)
    assert sorted(filter(None, found.modules["set"])) == ["S0", "S1"]
    assert sorted(found.modules["name"]) == [f"S{k}" for k in range(5)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--modules", "many"], "modules is 'many'; expected auto, or a number from 0"),
        (["--modules", "0"], "none is visible"),
        (["--price-edges", "-1"], "The price of edges is -1.0; expected a number of 0 or more"),
        (["--to", "G01"], "--gene their beginning is missing"),
        (["--gene", "G01", "--modules", "5"], "--modules is for learning them"),
        (["--gene", "G01", "--price-edges", "2"], "--price-edges is for learning them"),
        (["--gene", "NOPE"], "There is no gene 'NOPE' in the graph of modules"),
        (["--top", "0"], "0 is not in the range x>=1"),
        (["--gene-sets", "gone.gmt"], "There is no file 'gone.gmt'"),
    ],
)
def test_what_cannot_be_asked_is_refused(out, capsys, words, said):
    assert main(["modules", str(out), *words]) == 2
    assert said in capsys.readouterr().err.replace("\n  ", " ")


def test_ways_from_a_regulator_are_shown(out, learned, capsys):
    gene = learned.edges.loc[learned.edges["kind"] == ACTS, "source"].iloc[0]
    assert main(["modules", str(out), "--gene", gene, "--top", "3"]) == 0
    said = capsys.readouterr().out
    assert f"{gene} -> M0" in said
    assert "effects of several ways add up" in said
    assert main(["modules", str(out), "--gene", "M001", "--top", "1"]) == 0  # a module can be where a way begins
    assert "M001 (" in capsys.readouterr().out


def test_genes_are_asked_for_and_shown_by_their_symbols(drawn, tmp_path, capsys):
    ids = [f"ENSG{k:011d}" for k in range(len(drawn.genes))]
    adata = AnnData(pd.DataFrame(drawn.X, [f"c{i}" for i in range(len(drawn.X))], ids))
    adata.var["gene_symbol"] = symbols = [f"TF{k}" for k in range(len(ids))]
    adata.write_h5ad(tmp_path / "x.h5ad")
    out, words = str(tmp_path / "out"), ["--transform", "none", "--min-cells", "0", "--threads", "1", "-q"]
    words += ["--confounding", "none", "--activity", "none", "--resamples", "0", "--validation.checks", "false"]
    assert main(["run", str(tmp_path / "x.h5ad"), "-o", out, *words]) == 0
    assert main(["modules", out, "--modules", "5", "--threads", "1"]) == 0
    assert "ENSG" not in capsys.readouterr().out
    acts = ac.get.modules(out).edges.query("kind == @ACTS")["source"].iloc[0]
    symbol = symbols[ids.index(acts)]
    assert main(["modules", out, "--gene", symbol]) == 0
    assert f"{symbol} -> M0" in capsys.readouterr().out
    assert ac.get.modules(out).routes(symbol)["route"].str.startswith(f"{symbol} -> M0").all()


def test_links_from_outside_a_set_are_listed_by_the_module_that_follows_it(drawn, out, gmt, tmp_path):
    short, own = tmp_path / "short.gmt", np.flatnonzero(drawn.module == 0)
    left_out = own[np.abs(drawn.loadings[own, 0]).argmax()]
    short.write_text("\t".join(["S0", "", *(drawn.genes[g] for g in own if g != left_out)]) + "\n")
    words = ["--visible", str(short), "--modules", "0", "--threads", "1", "-q"]
    assert main(["modules", str(out), *words]) == 0
    found = ac.get.modules(out)
    marked = found.edges[found.edges["outside"]]
    assert found.modules["outside"].tolist() == [";".join(marked["target"])]
    assert drawn.genes[left_out] in found.modules["outside"].iloc[0].split(";")
