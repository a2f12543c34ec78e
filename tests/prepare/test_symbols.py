"""Symbols beside ids: found, read into every list and table, and shown."""

import json

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import acyclome as ac
from acyclome.cli import main
from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.knowledge.interventions import find_targets
from acyclome.knowledge.symbols import Translator, as_symbols
from acyclome.prepare.symbols import find_symbols

IDS = [f"ENSG{k:011d}" for k in range(6)]
SYMBOLS = ["SPI1", "LYZ", "CST3", "GATA1", "HBB", "KLF1"]
PLAIN = {"prepare": {"normalize": False, "log": False, "transform": "none", "min_cells": 0}}


def drawn(**columns):
    """Return an object in which SPI1 drives LYZ, which drives CST3, by Ensembl ids."""
    from anndata import AnnData

    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 6))
    X[:, 1] += 1.5 * X[:, 0]
    X[:, 2] += 1.5 * X[:, 1]
    obs = pd.DataFrame({"guide": ["NT", "SPI1", "sgGATA1-2"] * 100}, index=[f"c{k}" for k in range(300)])
    return AnnData((X + 20).astype(np.float32), obs=obs, var=pd.DataFrame(columns, index=IDS))


def learn(adata, **options):
    ac.tl.dag(adata, **{"layer": "X", "resamples": 0, "config": PLAIN, "threads": 1, **options})
    return ac.get.network(adata)


@pytest.mark.parametrize("column", ["gene_symbol", "feature_name", "Symbol", "gene_symbols"])
def test_a_column_of_symbols_is_found_beside_ensembl_ids(column):
    adata = drawn(**{"chromosome": ["1"] * 6, column: SYMBOLS})
    assert find_symbols(adata, Config().input, IDS[:2]) == dict(zip(IDS[:2], SYMBOLS[:2], strict=True))


def test_other_names_and_other_columns_have_no_symbols_beside():
    assert find_symbols(drawn(gene_symbol=IDS), Config().input, IDS) == {}
    assert find_symbols(drawn(biotype=SYMBOLS), Config().input, IDS) == {}
    adata = drawn(gene_symbol=SYMBOLS)
    assert find_symbols(adata, Config().with_options({"input.gene_names": "none"}).input, IDS) == {}
    adata.var_names = [f"row{k}" for k in range(6)]
    assert find_symbols(adata, Config().input, list(adata.var_names)) == {}
    asked = Config().with_options({"input.gene_names": "gene_symbol"})
    assert find_symbols(adata, asked.input, ["row1"]) == {"row1": "LYZ"}


def test_a_column_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(InputError, match=r"no column 'symbol' \(gene_names\); they have biotype"):
        learn(drawn(biotype=SYMBOLS), gene_names="symbol")


def test_gaps_and_repeats_among_symbols_are_kept_apart():
    symbols = find_symbols(drawn(gene_symbol=["A1BG", None, "", "A1BG", "HBB", IDS[5]]), Config().input, IDS)
    assert symbols == {IDS[0]: "A1BG", IDS[3]: "A1BG", IDS[4]: "HBB"}
    reader = Translator(IDS, symbols)
    assert reader.all_of(["A1BG", "HBB", IDS[0], "X"]) == [IDS[0], IDS[3], IDS[4], IDS[0], "X"]
    assert as_symbols(IDS, symbols) == ["A1BG", IDS[1], IDS[2], IDS[3], "HBB", IDS[5]]


def test_tables_searches_and_predictions_take_both_names():
    chain = pd.DataFrame({"source": ["SPI1", "LYZ"], "target": ["LYZ", "CST3"], "kind": "required"})
    net = learn(adata := drawn(gene_symbol=SYMBOLS), resamples=2, knowledge=chain)
    assert net.nodes["symbol"].tolist() == SYMBOLS
    edges = ac.get.edges(adata, sources="SPI1")
    assert edges[["source", "target", "source_symbol", "target_symbol"]].to_numpy().tolist() == [
        [IDS[0], IDS[1], "SPI1", "LYZ"]
    ]
    assert net.find("LYZ") == IDS[1]
    assert_frame_equal(net.children("SPI1"), net.children(IDS[0]))
    page = net.explain("LYZ")
    assert page == net.explain(IDS[1])
    assert f"LYZ ({IDS[1]}): 1 cause and 1 effect" in page
    assert "\n  SPI1 " in page
    predicted = net.predict(knockout="SPI1")
    assert predicted["symbol"].tolist()[:3] == ["SPI1", "LYZ", "CST3"]
    assert_frame_equal(predicted, net.predict(knockout=IDS[0]))
    with pytest.raises(InputError, match=r"'SPI2' is not among the 6 genes .* Did you mean SPI1"):
        net.predict(set={"SPI2": 1.0})


def test_a_symbol_of_two_genes_asks_which():
    net = learn(drawn(gene_symbol=["SPI1", "LYZ", "LYZ", "GATA1", "HBB", "KLF1"]))
    with pytest.raises(InputError, match=f"LYZ is the symbol of 2 genes; name one of them: {IDS[1]}, {IDS[2]}"):
        net.explain("LYZ")


def test_lists_of_regulators_and_tables_of_edges_may_be_in_symbols():
    adata = drawn(gene_symbol=SYMBOLS)
    net = learn(adata, regulators=["SPI1", "LYZ"])
    assert net.nodes.loc[net.nodes["is_regulator"], "symbol"].tolist() == ["SPI1", "LYZ"]
    known = pd.DataFrame({"source": ["HBB", IDS[0]], "target": ["KLF1", "LYZ"], "kind": ["required", "forbidden"]})
    pairs = set(zip(*(learn(adata, knowledge=known).edges[end] for end in ("source", "target")), strict=True))
    assert (IDS[4], IDS[5]) in pairs
    assert (IDS[0], IDS[1]) not in pairs


def test_labels_of_perturbations_may_be_in_symbols():
    adata = drawn(gene_symbol=SYMBOLS)
    symbols = dict(zip(IDS, SYMBOLS, strict=True))
    found = find_targets(adata.obs, "guide", "NT", genes=IDS, symbols=symbols)
    assert [len(found.interventions.of(j)) for j in range(6)] == [100, 0, 0, 100, 0, 0]
    by_ids = adata.obs["guide"].map({"NT": "NT", "SPI1": IDS[0], "sgGATA1-2": IDS[3]}).to_frame()
    again = find_targets(by_ids, "guide", "NT", genes=IDS, symbols=symbols)
    assert again.interventions.row.tolist() == found.interventions.row.tolist()
    assert found.facts["read_as"] == {"sgGATA1-2": ["GATA1"]}
    glued = adata.obs["guide"].map({"NT": "NT", "SPI1": "sgSPI1+NT", "sgGATA1-2": "GATA1g2"}).to_frame()
    by_guides = find_targets(glued, "guide", "NT", genes=IDS, symbols=symbols)
    assert by_guides.interventions.row.tolist() == found.interventions.row.tolist()


def test_screens_labelled_in_symbols_are_predicted_from():
    adata = drawn(gene_symbol=SYMBOLS)
    adata.X[1::3, 0] -= 3.0
    net = learn(adata, perturbation="guide", control="NT")
    assert set(net.treatments["targets"]) == {IDS[0], IDS[3]}
    moved = net.predict(perturb="SPI1").set_index("symbol")["change"]
    assert moved["SPI1"] < -1.0


def test_a_run_over_files_shows_symbols_in_tables_exports_and_the_report(tmp_path):
    drawn(gene_symbol=SYMBOLS).write_h5ad(tmp_path / "in.h5ad")
    words = "--prepare.normalize false --prepare.log false --prepare.transform none --resamples 2 --threads 1 --quiet"
    assert main(["run", str(tmp_path / "in.h5ad"), "-o", str(tmp_path / "out"), *words.split()]) == 0
    table = pd.read_csv(tmp_path / "out" / "edges.tsv.gz", sep="\t")
    assert set(table["source_symbol"]) <= set(SYMBOLS)
    assert ac.read(tmp_path / "out").symbols == ac.read(tmp_path / "out" / "network.h5ad").symbols
    page = (tmp_path / "out" / "report.html").read_text()
    assert f'data-gene="{IDS[0]}">SPI1</td>' in page
    carried = json.loads(page.split('id="network">')[1].split("</script>")[0])
    assert carried["symbols"] == SYMBOLS
    ac.write(ac.read(tmp_path / "out"), tmp_path / "net.graphml")
    assert ">SPI1<" in (tmp_path / "net.graphml").read_text()
