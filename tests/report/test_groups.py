"""The page that stands beside the folders of several groups."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from tests.report.test_document import Page

from acyclome.io import tables
from acyclome.report import groups, write_report
from acyclome.report.source import read_run

LABELS = {"A": 3, "T/NK": 4}  # and the seeds of their networks


@pytest.fixture
def build_groups(build_run, tmp_path):
    """Write a folder with two groups, and what they share and how they differ where they were learned together."""

    def build(is_joint: bool):
        out = tmp_path / "groups"
        out.mkdir()
        for label, seed in LABELS.items():

            def change(facts, label=label):
                facts["config"]["input"].update(group_by="cell_type", group=label)

            folder = build_run(n_edges=60, seed=seed, change=change)
            shutil.move(folder, out / label.replace("/", "_"))
        if is_joint:
            shutil.move(build_run(n_edges=60, seed=9), out / "shared")
            tables.write_tsv(out / "differential.tsv.gz", differential())
        return out

    return build


def differential() -> pd.DataFrame:
    rows = pd.DataFrame({"source": ["GENE1", "GENE2", "GENE3"], "target": ["GENE4", "</script>", "GENE6"]})
    rows["shared"] = [True, False, True]
    for label, weights in zip(LABELS, ([0.1, 0.2, 0.3], [-0.9, 0.7, np.nan]), strict=True):
        rows[f"weight_{label}"], rows[f"error_{label}"] = weights, 0.05
    return rows.assign(difference=[1.0, 0.5, 0.0], z=[9.0, 3.0, 0.0], p=[1e-9, 0.01, 1.0], q=[1e-8, 0.04, 1.0])


def test_groups_stand_beside_one_another(build_groups):
    out = build_groups(is_joint=False)
    text = write_report(out).read_text(encoding="utf-8")
    said = " ".join(Page(text).text["summary"].split())
    assert "2 groups, each with a network of its own." in said
    assert "A 700 40 60" in said
    assert "T/NK 700 40 60" in said
    assert 'href="T_NK/report.html"' in text
    assert "--input.joint true" in text


def test_edges_in_common_are_shares_of_those_of_either(build_groups):
    found = groups.read_groups(build_groups(is_joint=False))
    pairs = [set(zip(run.edges["source"], run.edges["target"], strict=True)) for run in found.runs.values()]
    shown = groups.context(found)
    assert shown["overlap"][0]["cells"][1]["depth"] == f"{len(pairs[0] & pairs[1]) / len(pairs[0] | pairs[1]):.2f}"
    in_both, in_one = len(pairs[0] & pairs[1]), len(pairs[0] ^ pairs[1])
    assert shown["held"] == [{"groups": "1", "edges": str(in_one)}, {"groups": "2", "edges": str(in_both)}]


def test_top_regulators_lead_to_the_gene_in_each_group(build_groups):
    found = groups.read_groups(build_groups(is_joint=False))
    first = groups.context(found)["regulators"][0]
    most = max(int(run.nodes["out_degree"].max()) for run in found.runs.values())
    assert max(int(cell["effects"]) for cell in first["cells"]) == most
    assert [cell["page"] for cell in first["cells"]] == [
        f"{name}/report.html#gene={first['gene']}" for name in ("A", "T_NK")
    ]


def test_differences_are_filtered_in_the_browser(ask, build_groups):
    out = build_groups(is_joint=True)
    found = ask(
        write_report(out),
        """
        const cells = (row) => [...row.cells].map((cell) => cell.textContent);
        const rows = () => all("#difference-rows tbody tr").map(cells);
        const answers = [rows()];
        type("difference-group", "A"); answers.push(text("#difference-note"));
        type("difference-group", ""); type("difference-q", "1"); answers.push(rows()[2]);
        type("difference-search", "ene1"); answers.push(rows().length);
        return { answers, said: text("#differences p"), page: find("a[href='shared/report.html']") !== null };
        """,
    )
    first, none, last, searched = found["answers"]
    assert first == [
        ["GENE1", "GENE4", "→ 0.10 ± 0.05", "⊣ −0.90 ± 0.05", "1.00", "1×10^−8", "yes"],
        ["GENE2", "</script>", "→ 0.20 ± 0.05", "→ 0.70 ± 0.05", "0.50", "0.040", "no"],
    ]
    assert (none, searched) == ("0 rows", 1)
    assert last == ["GENE3", "GENE6", "→ 0.30 ± 0.05", "–", "0.00", "1.000", "yes"]
    assert "2 edges differ" in found["said"]
    assert found["page"]


def test_folders_of_an_earlier_run_are_no_groups_of_this_one(build_groups):
    out = build_groups(is_joint=True)
    shutil.copytree(out / "A", out / "elsewhere")
    tables.write_tsv(out / "groups.tsv", pd.DataFrame({"label": ["A", "T/NK"], "folder": ["A", "T_NK"]}))
    assert [path.name for path in groups.group_folders(out)] == ["A", "T_NK", "shared"]
    (out / "differential.tsv.gz").unlink()
    assert [path.name for path in groups.group_folders(out)] == ["A", "T_NK"]


def test_the_folder_of_one_network_has_no_groups(build_run):
    folder = build_run()
    (folder / "inner").mkdir()
    shutil.copy(folder / "edges.tsv.gz", folder / "inner")
    assert groups.group_folders(folder) == []
    assert read_run(folder).folder == folder
