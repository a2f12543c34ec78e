"""The answers of the page to "what if" are those of `acyclome predict`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.report.pages import unpacked

from acyclome.io import tables
from acyclome.report import what_if, write_report
from acyclome.report.source import read_run

ROWS = """
  const more = find("#whatif-answer .more");
  if (more) more.click();
  const number = (cell) => (cell.textContent === "–" ? null : Number(cell.textContent.replace("−", "-")));
  const cells = (row) => [row.cells[0].textContent, ...[...row.cells].slice(1).map(number)];
  const rows = all("#whatif-answer tbody tr").map(cells);
  return { rows, note: text("#whatif-note") };
"""


def with_members(folder, resamples: int) -> None:
    """Write resamples whose networks differ: each leaves out a part of the edges and scales the rest."""
    run, rng = read_run(folder), np.random.default_rng(3)
    parts = []
    for member in range(resamples):
        kept = rng.random(len(run.edges)) < 0.8
        weight = run.edges["weight"][kept].to_numpy() * rng.normal(1.0, 0.3, kept.sum())
        parts.append(
            pd.DataFrame(
                {
                    "member": member,
                    "source": run.network.source[kept],
                    "target": run.network.target[kept],
                    "weight": np.round(weight, 4),
                }
            )
        )
    tables.write_parquet(folder / "members.parquet", pd.concat(parts, ignore_index=True), "members")


def with_lowest(folder, lowest: float = -1.25) -> None:
    nodes = pd.read_csv(folder / "nodes.tsv", sep="\t", keep_default_na=False)
    nodes.assign(lowest=lowest).to_csv(folder / "nodes.tsv", sep="\t", index=False)


def same(found: list, expected: pd.DataFrame, acted: str) -> None:
    expected = expected[(expected["change"] != 0) & (expected["gene"] != acted)].set_index("gene")
    assert {row[0] for row in found} == set(expected.index)
    columns = ["change", "low", "high", "agreement"]
    if expected["low"].isna().all():  # no columns of nothing
        columns = columns[:1]
    rows = np.array([[np.nan if value is None else value for value in row[1:]] for row in found], float)
    wanted = expected.loc[[row[0] for row in found], columns].to_numpy(float)
    assert rows == pytest.approx(wanted, abs=0.0051, nan_ok=True)


@pytest.mark.parametrize("resamples", [0, 7, 25])  # 7 say less than 90%, so that intervals are widened
def test_a_knock_out_in_the_browser_is_that_of_the_command_line(ask, build_run, resamples):
    folder = build_run(n_edges=150)
    with_lowest(folder)
    if resamples:
        with_members(folder, resamples)
    network = read_run(folder).network
    gene = network.genes[int(network.nodes["out_degree"].to_numpy().argmax())]
    found = ask(write_report(folder), ROWS, hash=f"#knockout={gene}")
    same(found["rows"], network.predict(knockout=gene), gene)
    assert ("no interval" in found["note"]) == (not resamples)


def test_a_gene_may_be_held_at_a_value(ask, build_run):
    folder = build_run(n_edges=150)
    with_lowest(folder)
    with_members(folder, 20)
    network = read_run(folder).network
    script = 'type("whatif-act", "value"); type("whatif-value", "2.5"); type("whatif-gene", "GENE1");'
    same(ask(write_report(folder), script + ROWS)["rows"], network.predict({"GENE1": 2.5}), "GENE1")


def test_without_a_place_for_a_knock_out_a_value_is_asked_for(ask, build_run):
    said = ask(write_report(build_run()), 'return text("#whatif-note");', hash="#knockout=GENE1")
    assert said == "This network does not know where a knock-out puts GENE1; hold it at a value instead."


def test_what_interventions_measured_is_answered_beforehand(ask, build_run, monkeypatch):
    monkeypatch.setattr(what_if, "ANSWERS", 2)  # the gene with the most effects is the first
    folder = build_run(n_edges=150)
    with_lowest(folder)
    with_members(folder, 20)
    run = read_run(folder)
    gene = run.network.genes[int(run.nodes["out_degree"].to_numpy().argmax())]
    row = {"source": run.network.genes.index(gene), "target": 5, "effect": 0.75, "error": 0.1}
    tables.write_parquet(folder / "effects.parquet", pd.DataFrame([row]), "effects")
    run = read_run(folder)
    carried = what_if.page_answers(run, has_members=True, has_all_edges=True)
    answer = next(one for one in carried["answers"] if one["source"] == row["source"])
    assert unpacked(answer["columns"]["gene"]).tolist() == [5]
    found = ask(write_report(folder), ROWS, hash=f"#knockout={gene}")
    same(found["rows"], run.network.predict(knockout=gene), gene)
    assert "Measured" in found["note"]
