"""Tables of edges and lists of regulators as the programs of the field write them: a form is a row."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.errors import InputError
from acyclome.knowledge.edges import make_prior
from acyclome.knowledge.lists import read_list
from acyclome.knowledge.regulators import find_regulators
from acyclome.knowledge.tables import read_prior

GENES = ["SPI1", "GATA1", "MYC", "TF", "LYZ", "HBB"]


@pytest.mark.parametrize(
    ("name", "text", "names", "said"),
    [
        ("plain.txt", "SPI1\nGATA1\n", ["SPI1", "GATA1"], ""),
        ("header.txt", "gene\nSPI1\n", ["SPI1"], ""),
        ("a header that is a gene.txt", "TF\nSPI1\nGATA1\n", ["SPI1", "GATA1"], "header 'TF', which is a gene too"),
        ("a gene that is a header elsewhere.txt", "SPI1\nTF\n", ["SPI1", "TF"], ""),
        ("a header and the gene.txt", "TF\nSPI1\nTF\n", ["SPI1", "TF"], "header 'TF'"),
        ("one line.csv", "SPI1,GATA1,MYC\n", ["SPI1", "GATA1", "MYC"], "of which a line holds several"),
        ("blanks.txt", "SPI1 GATA1 MYC\n", ["SPI1", "GATA1", "MYC"], "of which a line holds several"),
        ("semicolons.txt", "SPI1; GATA1; MYC", ["SPI1", "GATA1", "MYC"], "of which a line holds several"),
        ("ragged.txt", "SPI1\tGATA1\nMYC\n", ["SPI1", "GATA1", "MYC"], "of which a line holds several"),
        ("notes.tsv", "SPI1\tmyeloid\nGATA1\terythroid\n", ["SPI1", "GATA1"], "the first cells of its lines"),
        (
            "adjacencies.csv",
            "TF,target,importance\nSPI1,LYZ,9.1\nGATA1,HBB,3\n",
            ["SPI1", "GATA1"],
            "below the header 'TF'",
        ),
        ("adjacencies without header.csv", "SPI1,LYZ,9.1\nGATA1,HBB,3\n", ["SPI1", "GATA1"], "the first cells"),
        ("animaltfdb.tsv", "Species\tSymbol\tEnsembl\tFamily\nHs\tSPI1\tENSG1\tETS\n", ["SPI1"], "header 'Symbol'"),
        ("write.csv of R.csv", '"","x"\n"1","SPI1"\n"2","MYC"\n', ["SPI1", "MYC"], "header 'x'"),
        (
            "lambert.csv",
            "Ensembl ID,HGNC symbol,DBD,Is TF?\nE1,SPI1,Ets,Yes\nE2,LYZ,no,No\n",
            ["SPI1"],
            "'HGNC symbol'",
        ),
        ("regulons.txt", "SPI1(+)\nGATA1_(-)\n", ["SPI1", "GATA1"], ""),
        ("regulons.gmt", "SPI1(+)\tna\tLYZ\tMYC\nGATA1\tna\tHBB\n", ["SPI1", "GATA1"], "the names of its sets"),
    ],
)
def test_lists_of_regulators_are_read_in_every_usual_form_and_said(name, text, names, said, tmp_path):
    (tmp_path / name).write_text(text)
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
    for path in (tmp_path / name, tmp_path / f"{name}.gz"):
        listed = read_list(path, GENES)
        assert listed.names == names
        assert bool(listed.notes) == bool(said)
        assert all(said in note for note in listed.notes)
    mask, warnings = find_regulators(GENES, None, tmp_path / name)
    assert [gene for gene, is_one in zip(GENES, mask, strict=True) if is_one] == [
        gene for gene in GENES if gene in names
    ]
    assert len(warnings) == bool(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SPI1\tLYZ\nGATA1\tHBB\n", "a list or a table of edges"),
        ("TF\n", "no gene below it"),
        ("\n#\n", "names no gene"),
    ],
)
def test_lists_that_may_be_something_else_are_refused(text, said, tmp_path):
    (tmp_path / "tf.tsv").write_text(text)
    with pytest.raises(InputError, match=said):
        read_list(tmp_path / "tf.tsv", GENES)


@pytest.mark.parametrize(
    ("name", "text", "rows", "said"),
    [
        ("ours.tsv", "source\ttarget\tweight\nSPI1\tLYZ\t0.5\n", [("SPI1", "LYZ", "", "soft")], ""),
        ("cost.tsv", "source\ttarget\tweight\nSPI1\tLYZ\t-1\n", [("SPI1", "LYZ", "", "soft")], ""),
        (
            "collectri.csv",
            "source,target,weight\nSPI1,LYZ,1\nGATA1,MYC,-1\n",
            [("SPI1", "LYZ", "+", "known"), ("GATA1", "MYC", "-", "known")],
            "only the signs of weights",
        ),
        (
            "dorothea.csv",
            "tf,confidence,target,mor\nSPI1,A,LYZ,0.5\nGATA1,B,MYC,-0.33\n",
            [("SPI1", "LYZ", "+", "known"), ("GATA1", "MYC", "-", "known")],
            "only the signs of weights",
        ),
        (
            "decoupler.csv",
            ",source,confidence,target,weight\n0,SPI1,A,LYZ,0.5\n",
            [("SPI1", "LYZ", "+", "known")],
            "only the signs of weights",
        ),
        ("grn.tsv", "TF\ttarget\timportance\nSPI1\tLYZ\t9.5\n", [("SPI1", "LYZ", "", "known")], "importances"),
        (
            "trrust.tsv",
            "SPI1\tLYZ\tActivation\t123\nGATA1\tMYC\tRepression\t4;5\nMYC\tHBB\tUnknown\t6\n",
            [("SPI1", "LYZ", "+", "known"), ("GATA1", "MYC", "-", "known"), ("MYC", "HBB", "", "known")],
            "",
        ),
        (
            "omnipath.tsv",
            "source_genesymbol\ttarget_genesymbol\nSPI1\tLYZ\n",
            [("SPI1", "LYZ", "", "known")],
            "as source",
        ),
        ("semicolons.csv", "regulator;target\nSPI1;LYZ\n", [("SPI1", "LYZ", "", "known")], "regulator as source"),
        ("blanks.txt", "TF target\nSPI1 LYZ\n", [("SPI1", "LYZ", "", "known")], "tf as source"),
        ("words.tsv", "source\ttarget\tsign\nSPI1\tLYZ\tactivation\n", [("SPI1", "LYZ", "+", "known")], ""),
        (
            "regulons.gmt",
            "SPI1(+)\tna\tLYZ\tMYC\n",
            [("SPI1", "LYZ", "+", "known"), ("SPI1", "MYC", "+", "known")],
            "",
        ),
        (
            "cytoscape.sif",
            "SPI1\tactivates\tLYZ\tMYC\nGATA1 pp HBB\nalone\n",
            [("SPI1", "LYZ", "+", "known"), ("SPI1", "MYC", "+", "known"), ("GATA1", "HBB", "", "known")],
            "",
        ),
        ("r.tsv", '"source"\t"target"\n"1"\t"SPI1"\t"LYZ"\n', [("SPI1", "LYZ", "", "known")], ""),
    ],
)
def test_tables_of_edges_are_read_in_every_usual_form_and_said(name, text, rows, said, tmp_path):
    (tmp_path / name).write_text(text)
    read = read_prior(tmp_path / name)
    assert [tuple(map(str, row)) for row in read[["source", "target", "sign", "kind"]].to_numpy()] == rows
    assert any(said in note for note in read.attrs["notes"]) if said else True


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SPI1\tLYZ\nGATA1\tMYC\n", "its header is SPI1, LYZ"),
        ("source,target\nSPI1,LYZ,extra\n", r"more cells than its header names \(2\), .* begins with 'SPI1'"),
    ],
)
def test_a_table_with_another_header_is_refused_by_what_stands_there(text, said, tmp_path):
    (tmp_path / "k.tsv").write_text(text)
    with pytest.raises(InputError, match=said):
        read_prior(tmp_path / "k.tsv")


def test_a_cell_of_several_genes_is_an_edge_of_each_unless_it_is_the_name_of_one():
    table = pd.DataFrame({"source": ["SPI1|TAL1", "MYC"], "target": ["LYZ; HBB", "a,b"], "kind": ["forbidden"] * 2})
    genes = ["SPI1", "TAL1", "LYZ", "HBB", "MYC", "a,b", "a"]
    prior = make_prior(read_prior(table), genes)
    d = len(genes)
    pairs = [(genes[key % d], genes[key // d]) for key in prior.constraints.forbidden]
    assert sorted(pairs) == [
        (f, t) for f in ("MYC", "SPI1", "TAL1") for t in ("HBB", "LYZ", "a,b") if (f == "MYC") == (t == "a,b")
    ]
    assert prior.warnings == (
        "2 cells of the prior knowledge hold several genes (SPI1|TAL1, LYZ; HBB): each makes an edge of its own.",
    )


def test_kind_and_weight_of_ours_are_kept_to_under_names_of_others():
    table = pd.DataFrame({"TF": ["SPI1"], "target": ["LYZ"], "weight": [0.8], "kind": ["soft"]})
    read = read_prior(table)
    assert (read["kind"].tolist(), read["weight"].tolist()) == (["soft"], [0.8])
    with pytest.raises(InputError, match="a number below 1"):
        read_prior(table.assign(weight=1.0))
    with pytest.raises(InputError, match="sign = 'sideways'"):
        read_prior(pd.DataFrame({"source": ["SPI1"], "target": ["LYZ"], "sign": ["sideways"]}))
    with pytest.raises(InputError, match="knowledge is a dict"):
        read_prior({"source": ["SPI1"]})


def test_a_run_says_how_its_knowledge_was_read():
    X = np.random.default_rng(5).normal(size=(40, 6))
    table = pd.DataFrame({"source": ["SPI1", "GATA1"], "target": ["LYZ", "HBB"], "weight": [1, -1]})
    facts = ac.learn(X, GENES, knowledge=table, resamples=0).facts
    assert any("(2 edges) was read so: only the signs of weights" in text for text in facts["warnings"])
