"""Genes and edges asked about in a real browser: tables, evidence, addresses, filters."""

from __future__ import annotations

import pandas as pd
import pytest

from acyclome.io import tables
from acyclome.report import write_report
from acyclome.report.source import read_run


def best(folder) -> pd.Series:
    return read_run(folder).edges.iloc[0]


def test_all_effects_of_a_gene_stand_in_a_table_that_opens_their_evidence(ask, build_run):
    folder = build_run(n_edges=200)
    nodes = read_run(folder).nodes
    hub = nodes.loc[nodes["out_degree"].idxmax()]
    found = ask(
        write_report(folder),
        f"""
        type("explore-gene", "{hub["gene"]}");
        find("#explore-effects .more").click();
        const effects = all("#explore-effects tbody tr").length;
        find("#explore-effects tbody a[href^='#edge=']").click();
        return {{ effects, hash: location.hash, note: text("#evidence-note") }};
        """,
    )
    edges = read_run(folder).network.children(hub["gene"])
    first = edges.iloc[0]
    assert found["effects"] == hub["out_degree"] == len(edges)
    assert found["hash"] == f"#edge={hub['gene']}&to={first['target']}"
    assert found["note"].startswith(f"{hub['gene']} {'→' if first['weight'] >= 0 else '⊣'} {first['target']}: weight")


def test_evidence_tells_of_resamples_reversal_and_competing_causes(ask, build_run, with_values):
    folder = build_run(n_edges=200)
    X, edge, run = with_values(folder), best(folder), read_run(folder)
    found = ask(
        write_report(folder),
        """
        const counts = all("#evidence-figure .hex title").map((title) => parseInt(title.textContent));
        const rows = all("#evidence-others tbody tr").map((row) => [...row.cells].map((cell) => cell.textContent));
        return { said: text("#evidence-facts"), shown: counts.reduce((a, b) => a + b, 0), rows };
        """,
        hash=f"#edge={edge['source']}&to={edge['target']}",
    )
    joined = round(edge["stability"] * 20)
    same = round(edge["direction"] * joined)
    assert f"Of 20 resamples {same} this way, {joined - same} reversed, {20 - joined} not joined." in found["said"]
    assert f"Reversing it costs {edge['reversal_loss']:.1f} nats" in found["said"]
    assert "None was given for this pair." in found["said"]
    assert found["shown"] == X.shape[1]
    others = [cause for cause in run.network.parents(edge["target"])["source"] if cause != edge["source"]]
    assert [row[0] for row in found["rows"] if row[1] == "cause"][:10] == others[:10]


def test_what_interventions_said_of_an_edge_is_told(ask, build_run):
    folder = build_run()
    edges = pd.read_csv(folder / "edges.tsv.gz", sep="\t", keep_default_na=False)
    told = {"direct_effect": 0.4, "direct_error": 0.05, "instrument_evidence": [-4.0] + [2.0] * (len(edges) - 1)}
    tables.write_tsv(folder / "edges.tsv.gz", edges.assign(**told))
    genes = read_run(folder).network.genes
    source, target = (genes.index(edges[end][0]) for end in ("source", "target"))
    effects = pd.DataFrame([{"source": source, "target": target, "effect": 0.75, "error": 0.1}])
    tables.write_parquet(folder / "effects.parquet", effects, "effects")
    said = """
      const answers = [text("#evidence-facts")];
      find("#edge-table tbody tr:nth-child(2) a[href^='#edge=']").click();
      return [...answers, text("#evidence-facts")];
    """
    first, second = ask(write_report(folder), said)
    assert f"Acting on {edges['source'][0]} moved {edges['target'][0]} by 0.75 ± 0.10 (direct or not)." in first
    assert "Beyond what runs through other genes: 0.40 ± 0.05. That refutes the arrow: 4.0 nats." in first
    assert "That speaks for the arrow: 2.0 nats." in second


def test_without_values_the_page_says_where_they_are(ask, build_run):
    said = ask(write_report(build_run()), 'return text("#evidence-figure");')
    assert "stages/prepared.h5" in said


def test_addresses_open_genes_and_back_leads_to_the_one_before(ask, build_run):
    folder = build_run()
    found = ask(
        write_report(folder),
        """
        const hub = () => text("#explore-picture .hub-name");
        const first = hub();
        find("#edge-table td.gene[data-gene=GENE0] a").click();
        const second = [hub(), location.hash];
        history.back();
        await pause();
        const third = hub();
        location.hash = "#gene=gene11";
        await pause();
        const fourth = hub();
        location.hash = "#gene=nobody";
        await pause();
        return { first, second, third, fourth, note: text("#explore-note") };
        """,
        hash="#gene=GENE7",
    )
    assert found == {
        "first": "GENE7",
        "second": ["GENE0", "#gene=GENE0"],
        "third": "GENE7",
        "fourth": "GENE11",
        "note": "No gene of this network is called like that.",
    }


@pytest.mark.parametrize("resamples", [20, 0])
def test_filters_keep_the_edges_they_name(ask, build_run, resamples):
    folder = build_run(n_edges=150, resamples=resamples)
    edges = read_run(folder).edges
    found = ask(
        write_report(folder),
        f"""
        const shown = () => text("#edge-place").replace(/.* of /, "");
        const answers = [];
        type("edge-sign", "-1"); answers.push(shown());
        type("edge-score", "0.7"); answers.push(shown());
        if ({resamples}) {{ type("edge-stability", "0.9"); answers.push(shown()); }}
        find("#edge-form button[type=reset]").click(); await pause(); answers.push(shown());
        type("edge-list", "gene0, GENE1\\nnobody"); answers.push(shown(), text("#edge-list-note"));
        type("edge-list-role", "either"); answers.push(shown());
        return answers;
        """,
    )
    lowers = edges[edges["weight"] < 0]
    sure = lowers[lowers["score"] >= 0.7]
    steady = [str(int((sure["stability"] >= 0.9 - 1e-6).sum()))] if resamples else []
    two = ["GENE0", "GENE1"]
    of_list = edges["source"].isin(two)
    assert found == [
        *(str(len(lowers)), str(len(sure)), *steady, "150"),
        *(str(of_list.sum()), "2 genes of the list are in the network"),
        str((of_list | edges["target"].isin(two)).sum()),
    ]


def test_genes_are_found_by_a_part_of_a_name_or_a_symbol(ask, build_run):
    folder = build_run(n_edges=60)
    nodes = pd.read_csv(folder / "nodes.tsv", sep="\t", keep_default_na=False)
    nodes.insert(1, "symbol", [f"SYM{k}" for k in range(len(nodes))])
    nodes.to_csv(folder / "nodes.tsv", sep="\t", index=False)
    found = ask(
        write_report(folder),
        """
        const offered = (value) => {
          type("explore-gene", value, "input");
          return all("#explore-names option").map((one) => one.value);
        };
        const answers = [offered("YM1"), offered("ene23"), offered("zzz")];
        type("explore-gene", "sym9");
        return [...answers, text("#explore-picture .hub-name"), text("#explore-note"), location.hash];
        """,
    )
    assert found[0] == ["SYM1", *(f"SYM{k}" for k in range(10, 20))]
    assert found[1:4] == [["SYM23"], [], "SYM9"]
    assert found[4].startswith("GENE9. Depth")
    assert found[5] == "#gene=GENE9"


def test_saved_pictures_stand_alone_and_saved_rows_are_those_of_the_file(ask, build_run):
    folder = build_run(n_edges=60)
    edges = read_run(folder).edges
    found = ask(
        write_report(folder),
        """
        const saved = [];
        URL.createObjectURL = (blob) => { saved.push(blob); return "data:,"; };
        find("#explore-picture .save").click();
        all("#explore-picture .save")[1].click();
        find("#edge-save").click();
        for (let k = 0; k < 60 && saved.length < 3; k++) {
          await pause();  // idle time, in which a canvas becomes a file
          for (let task = 0; task < 500; task++) await turn();
        }
        const kinds = saved.map((blob) => blob.type);
        const texts = await Promise.all(saved.filter((blob) => blob.type !== "image/png").map((blob) => blob.text()));
        return { kinds: kinds.sort(), picture: texts[0], rows: texts[1] };
        """,
    )
    assert found["kinds"] == ["image/png", "image/svg+xml", "text/tab-separated-values"]
    assert "var(" not in found["picture"]
    assert "class=" not in found["picture"]
    lines = [line.split("\t") for line in found["rows"].splitlines()]
    assert [line[:2] for line in lines[1:]] == edges[["source", "target"]].to_numpy().tolist()
    weights = [float(line[lines[0].index("weight")]) for line in lines[1:]]
    assert weights == pytest.approx(list(edges["weight"]), abs=1e-9)
