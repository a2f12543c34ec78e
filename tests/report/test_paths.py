"""Paths between two genes, common causes, and links that lead outside."""

from __future__ import annotations

import math
from itertools import pairwise

import networkx as nx
import pytest

from acyclome.report import write_report
from acyclome.report.source import read_run

ROWS = """
  const more = find("#paths-answer .more");
  if (more) more.click();
  const cells = (row) => [...row.cells].map((cell) => cell.textContent);
  return { rows: all("#paths-answer tbody tr").map(cells), note: text("#paths-note") };
"""


def graph(run) -> nx.DiGraph:
    made = nx.DiGraph()
    for edge in run.edges.to_dict("records"):
        made.add_edge(edge["source"], edge["target"], cost=-math.log(edge["score"]), weight=edge["weight"])
    return made


def ends(made: nx.DiGraph, least: int) -> tuple[str, str, list[list[str]]]:
    """Two genes with several paths between them, and these, surest first."""
    for source in made:
        for target in nx.descendants(made, source):
            paths = [list(path) for path in nx.all_simple_paths(made, source, target)]
            if least <= len(paths) <= 20:
                return source, target, sorted(paths, key=lambda path: nx.path_weight(made, path, "cost"))
    raise AssertionError


def test_paths_are_all_of_the_network_surest_first(ask, build_run):
    folder = build_run(n_edges=70)
    made = graph(read_run(folder))
    source, target, paths = ends(made, least=4)
    found = ask(write_report(folder), ROWS, hash=f"#path={source}&to={target}")
    named = [row[0].replace("⊣", "→").split(" → ") for row in found["rows"]]
    assert sorted(named) == sorted(paths)
    scores = [float(row[3]) for row in found["rows"]]
    assert scores == pytest.approx([math.exp(-nx.path_weight(made, path, "cost")) for path in paths], abs=0.0051)
    total = sum(math.prod(made[a][b]["weight"] for a, b in pairwise(path)) for path in paths)
    said = float(found["note"].split(" gives ")[1].split(" of ")[0].replace("−", "-"))
    assert said == pytest.approx(total, abs=0.0051)


def test_a_path_that_leads_back_is_told(ask, build_run):
    folder = build_run(n_edges=70)
    source, target, paths = ends(graph(read_run(folder)), least=2)
    found = ask(write_report(folder), ROWS, hash=f"#path={target}&to={source}")
    assert f"No path leads there, but back: {len(paths)} paths from {source} to {target}." in found["note"]


def test_without_a_path_common_causes_are_told(ask, build_run):
    folder = build_run(n_edges=70)
    made = graph(read_run(folder))
    above = {gene: nx.ancestors(made, gene) for gene in made}
    apart = [(a, b) for a in sorted(made) for b in sorted(made) if a < b and a not in above[b] and b not in above[a]]
    a, b = next(pair for pair in apart if 1 <= len(above[pair[0]] & above[pair[1]]) <= 20)
    found = ask(write_report(folder), ROWS, hash=f"#path={a}&to={b}")
    assert {row[0] for row in found["rows"]} == above[a] & above[b]
    assert "common cause" in found["note"]


def test_genes_have_links_to_other_pages_by_id_or_by_name(ask, build_run):
    genes = ["ENSG00000090382", "ENSG00000090383.7"] + [f"GENE{number}" for number in range(38)]
    script = """
      const links = () => all("#explore-note a[target]").map((link) => link.href);
      const answers = [links()];
      for (const gene of ["ENSG00000090383.7", "GENE3"]) { type("explore-gene", gene); answers.push(links()); }
      return answers;
    """
    assert ask(write_report(build_run(genes)), script, hash="#gene=ENSG00000090382") == [
        [
            "https://www.ensembl.org/id/ENSG00000090382",
            "https://www.uniprot.org/uniprotkb?query=xref:ensembl-ENSG00000090382",
        ],
        [
            "https://www.ensembl.org/id/ENSG00000090383",
            "https://www.uniprot.org/uniprotkb?query=xref:ensembl-ENSG00000090383",
        ],
        [
            "https://www.ensembl.org/Multi/Search/Results?q=GENE3;site=ensembl",
            "https://www.uniprot.org/uniprotkb?query=gene:GENE3",
        ],
    ]


def test_second_neighbours_are_those_of_the_graph(ask, build_run):
    folder = build_run(n_edges=70)
    made = graph(read_run(folder))
    gene = max(made, key=lambda one: len({far for near in made[one] for far in made[near]}))
    script = """
      find("#explore-second").open = true;
      await pause();
      for (const more of all("#explore-second .more")) more.click();
      const first = (row) => row.cells[0].textContent;
      return all("#explore-second table").map((table) => [...table.tBodies[0].rows].map(first));
    """
    tables = ask(write_report(folder), script, hash=f"#gene={gene}")
    assert set(tables[-1]) == {far for near in made[gene] for far in made[near]}
