"""The page as a whole: it says what the tables say, needs nothing from outside, and nothing breaks it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from tests.report.pages import unpacked

from acyclome.errors import InputError
from acyclome.io import tables
from acyclome.report import payload, sample, summary, write_report
from acyclome.report.source import read_run

NASTY = ["</script><script>alert(1)</script>", "<b>A</b>", '"quoted"', "A&amp;B", "{{ 7 * 7 }}", "NA", "nan", "gène'é"]


class Page(HTMLParser):
    """Tags with their attributes, and the text of the page by the id of the element around it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.ids: list[str] = []
        self.text: dict[str, str] = {}
        self._stack: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found))
        if "id" in found:
            self.ids.append(found["id"])
        if tag not in {"meta", "link", "input", "br"}:
            self._stack.append(found.get("id", ""))

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        self.handle_data(" ")
        self._stack.pop()

    def handle_data(self, data):
        for name in filter(None, self._stack):
            self.text[name] = self.text.get(name, "") + data


def read(folder) -> Page:
    return Page(write_report(folder).read_text(encoding="utf-8"))


def embedded(page: Page) -> dict:
    return json.loads(page.text["network"])


def table(folder, name) -> pd.DataFrame:
    return pd.read_csv(folder / name, sep="\t", keep_default_na=False)


def test_the_numbers_are_those_of_the_tables(build_run):
    folder = build_run(n_edges=120)
    page, edges = read(folder), table(folder, "edges.tsv.gz")
    summary = " ".join(page.text["summary"].split())
    assert "Genes 40 of 51 in the file" in summary
    assert "Observations 700 of 707 in the file" in summary
    assert "Edges 120 3.0 per gene" in summary
    assert f"Reversible {round(100 * edges['reversible'].mean())}%" in summary
    assert f"Median stability {edges['stability'].median():.2f} over 20 resamples" in summary
    assert "Acyclic yes" in summary
    assert "1.2 s" in page.text["learning"]
    assert "2.0 GB" in page.text["learning"]
    assert "ranks 240 pairs" in " ".join(page.text["ranking"].split())


def test_the_page_carries_every_edge_of_a_small_network(build_run):
    folder = build_run()
    data, edges, nodes = embedded(read(folder)), table(folder, "edges.tsv.gz"), table(folder, "nodes.tsv")
    carried = {name: unpacked(column) for name, column in data["edges"].items()}
    assert data["genes"] == list(nodes["gene"])
    assert [data["genes"][index] for index in carried["source"]] == list(edges["source"])
    assert [data["genes"][index] for index in carried["target"]] == list(edges["target"])
    for column in ("weight", "score", "stability", "direction"):
        assert carried[column] == pytest.approx(edges[column].to_numpy(float), abs=1e-9)
    assert unpacked(data["nodes"]["effects"]).tolist() == list(nodes["out_degree"])


def test_a_large_network_is_carried_in_part(build_run, monkeypatch):
    monkeypatch.setattr(payload, "EMBEDDED_EDGES", 100)
    page = read(build_run(n_edges=110))
    assert len(unpacked(embedded(page)["edges"]["source"])) == 100
    assert "the 100 best of 110 edges" in " ".join(page.text["edges"].split())


def test_a_page_of_twenty_thousand_genes_with_all_it_can_carry_is_under_five_megabytes(build_run):
    # By what a gene and an edge take here, with names as long as those of Ensembl and symbols as long.
    folder = build_run([f"ENSG{number:011d}" for number in range(400)], 1_000)
    page = write_report(folder).read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="network">(.*?)</script>', page).group(1))

    def each(part: str, rows: int) -> float:
        return len(json.dumps(data[part])) / rows

    fixed = len(page) - len(json.dumps(data))
    per_gene = each("nodes", 400) + 2 * each("genes", 400) + each("next", 400)
    packed = 4 / 3  # of base64
    values = packed * sample.BYTES
    members = packed * 8 * payload.EMBEDDED_MEMBERS  # one byte for the resample, two genes and a weight in seven
    assert fixed + 20_000 * per_gene + payload.EMBEDDED_EDGES * each("edges", 1_000) + values + members < 5e6


def test_top_regulators_are_the_genes_with_most_effects(build_run):
    folder = build_run()
    nodes, page = table(folder, "nodes.tsv"), read(folder)
    drawn = re.search(r"Causes and effects of (\w+)", page.text["explore"]).group(1)
    top = nodes.set_index("gene").loc[drawn]
    assert top["out_degree"] == nodes["out_degree"].max()
    assert re.search(
        rf"{drawn} {top['out_degree']} \d+ {top['in_degree']} {top['depth']} ",
        " ".join(page.text["regulators"].split()),
    )


def test_nothing_is_fetched(build_run):
    page = read(build_run())
    for tag, attributes in page.tags:
        for name in ("src", "href", "data", "action", "poster", "xlink:href"):
            address = attributes.get(name) or ""
            assert tag == "a" or not re.match(r"(https?:)?//", address), (tag, address)
    text = (build_run() / "report.html").read_text()
    assert "@import" not in text
    assert "url(" not in text
    assert "fetch(" not in text
    policy = next(attributes["content"] for tag, attributes in page.tags if attributes.get("http-equiv"))
    assert "default-src 'none'" in policy


def test_ids_are_unique_and_every_inner_link_leads_somewhere(build_run):
    page = read(build_run())
    assert len(page.ids) == len(set(page.ids))
    inner = {
        attributes["href"][1:] for tag, attributes in page.tags if tag == "a" and attributes["href"].startswith("#")
    }
    assert inner <= set(page.ids)


def test_nasty_names_stay_text(build_run):
    genes = NASTY + [f"GENE{number}" for number in range(12)]
    folder = build_run(genes, 60, change=lambda facts: facts["warnings"].append("<img src=x onerror=alert(2)>"))
    page = read(folder)
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert [tag for tag, _ in page.tags].count("b") == 0
    assert [tag for tag, _ in page.tags].count("img") == 0
    assert set(NASTY) <= set(embedded(page)["genes"])
    assert "{{ 7 * 7 }}" in page.text["regulators"] + page.text["edges"] + page.text["explore"]
    assert "<img src=x" in page.text["summary"]


def test_the_same_files_give_the_same_bytes(build_run):
    folder = build_run()
    first = write_report(folder).read_bytes()
    assert write_report(folder).read_bytes() == first


def test_zero_resamples_are_said(build_run):
    page = read(build_run(resamples=0))
    assert "not measured: 0 resamples" in page.text["summary"]
    assert "0 resamples" in page.text["confidence"]
    assert "False ones expected" not in page.text["confidence"]
    assert "Stability" not in page.text["edge-table"]
    assert "No resampling was done" in page.text["methods-text"]
    assert "stability" not in embedded(page)["edges"]


@pytest.mark.parametrize("name", ["edges.tsv.gz", "ranking.tsv.gz", "nodes.tsv", "run.json"])
def test_a_missing_file_is_named_with_advice(build_run, name):
    folder = build_run()
    (folder / name).unlink()
    with pytest.raises(InputError, match=re.escape(name)) as caught:
        write_report(folder)
    assert "--resume" in str(caught.value)
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize("name", ["edges.tsv.gz", "ranking.tsv.gz", "nodes.tsv", "run.json"])
def test_a_damaged_file_is_named(build_run, name):
    folder = build_run()
    (folder / name).write_bytes(b"\x1f\x8b not what it was")
    with pytest.raises(InputError, match=re.escape(name)):
        write_report(folder)


@pytest.mark.parametrize("gone", [("config",), ("stages", "warnings")])
def test_a_record_that_is_not_of_a_run_is_refused_with_what_it_lacks(build_run, gone):
    folder = build_run(change=lambda facts: [facts.pop(name) for name in gone])
    with pytest.raises(InputError, match=", ".join(f"{name} in run.json" for name in gone)):
        write_report(folder)


def test_stages_stand_in_the_order_in_which_they_ran(build_run):
    def sort(facts):
        costs = {name: {"seconds": 1.0} for name in ("validation", "resample-1-of-2", "confounding", "own", "screen")}
        facts["stages"] = dict(sorted((facts["stages"] | costs).items()))

    shown = [stage["name"] for stage in summary.stages(read_run(build_run(change=sort)))]
    assert shown == ["prepare", "confounding", "screen", "fit", "resample-1-of-2", "validation", "own"]


def test_stages_that_were_left_out_leave_gaps(build_run):
    def thin(facts):
        for key in ("screen", "fit", "resample", "validation"):
            del facts[key]

    page = read(build_run(change=thin))
    assert "120 edges among 40 genes" in page.text["summary"]


def test_an_empty_network_is_said(build_run):
    folder = build_run()
    for name in ("edges.tsv.gz", "ranking.tsv.gz"):
        table(folder, name).head(0).to_csv(folder / name, sep="\t", index=False)
    nodes = table(folder, "nodes.tsv").assign(in_degree=0, out_degree=0, depth=0)
    nodes.to_csv(folder / "nodes.tsv", sep="\t", index=False)
    page = read(folder)
    assert "The network has no edge" in page.text["summary"]
    assert "No gene has an effect" in page.text["regulators"]


def test_edges_against_the_order_give_no_report(build_run):
    folder = build_run()
    nodes = table(folder, "nodes.tsv")
    nodes.assign(order=nodes["order"].max() - nodes["order"]).to_csv(folder / "nodes.tsv", sep="\t", index=False)
    with pytest.raises(InputError, match="against the order"):
        write_report(folder)


def test_interventions_are_told_in_the_methods_with_their_source(build_run):
    def act(facts):
        facts["perturbation"] = {"targets": 3, "observations": {"targeted": 60, "untouched": 1640}}

    page, plain = (write_report(build_run(change=change)).read_text(encoding="utf-8") for change in (act, None))
    assert "3 genes had been targets of interventions in 60 observations (1,640 were untouched)" in page
    assert "jmlr.org/papers/v13/hauser12a.html" in page
    assert "interventions" not in plain.split('id="methods-text"')[1].split("References")[0]


@pytest.mark.parametrize(
    ("confounding", "said"),
    [
        (
            {"method": "factors", "factors": [{"variance": 0.2}, {"variance": 0.1}]},
            "2 hidden common causes, with 30% of",
        ),
        (
            {"method": "none", "factors": [], "activity": {"regulators": {"A": 0.8, "B": 0.5}, "gain": 3.0}},
            "Of 2 regulators the activity that their targets show",
        ),
        ({"method": "trim", "factors": []}, "Singular values of the standardised matrix were capped at their median"),
        ({"method": "none", "factors": [], "residual_correlation": 0.01}, "none was clear enough to be taken out"),
    ],
)
def test_what_was_done_about_hidden_causes_is_told_in_the_methods(build_run, confounding, said):
    page = write_report(build_run(change=lambda facts: facts.update(confounding=confounding))).read_text("utf-8")
    assert said in page
    assert ("Ćevid" in page) == (confounding["method"] == "trim")


def test_what_speaks_for_the_network_is_said_with_its_warning_signs(build_run):
    said = " ".join(read(build_run()).text["validation"].split())
    assert "90% of the pairs, 85% of their directions" in said
    assert "sorting gives most of the pairs, and their directions. It is here." in said
    assert "9.5 nats per observation over no edge" in said
    assert "with genes in a random order it is 8.0" in said
    assert "about 0.4 of 120 edges" in said
    assert said.count("It is here.") == 1
    assert "These data have no interventions" in said
    assert "No known edges were given" in said


def test_interventions_and_known_edges_are_judged_beside_chance(build_run):
    def change(facts):
        facts["prediction"] = {
            "single, by the network": {
                "held_out": 25,
                "weights": {"mean of the other perturbations": 0.5, "network": 0.4},
                "squared_error": {"no change": 1.0, "mean of the other perturbations": 0.7, "chosen": 0.8},
                "coverage_of_90": 0.91,
            }
        }
        facts["validation"]["known"] = {
            "known": 50.0,
            "edges": 120.0,
            "found": 7.0,
            "turned": 2.0,
            "found_by_chance": 1.5,
            "turned_by_chance": 1.0,
        }

    said = " ".join(read(build_run(change=change)).text["validation"].split())
    assert "80% of the squared error of no change" in said
    assert "of the mean effect of the others. It is here." in said
    assert "7 of 50 known edges" in said
    assert "or as many reversed. It is not here." in said


def test_predictions_stand_beside_simpler_answers_with_their_coverage(build_run):
    def change(facts):
        facts["prediction"] = {
            "single": {
                "held_out": 25,
                "weights": {"mean of the other perturbations": 0.0},
                "squared_error": {"no change": 0.02, "mean of the other perturbations": 0.03, "chosen": 0.02},
                "coverage_of_90": 0.91,
            }
        }

    said = " ".join(read(build_run(change=change)).text["validation"].split())
    assert "single 25 no change 100% no change 100%, mean of the other perturbations 150% 91%" in said
    assert "Predictions of perturbations" not in read(build_run()).text["validation"]


def test_a_run_without_checks_says_so(build_run):
    def change(facts):
        del facts["validation"]
        facts["config"]["validation"]["checks"] = False

    said = " ".join(read(build_run(change=change)).text["validation"].split())
    assert said.count("The checks were switched off (validation.checks).") == 4


def test_edges_oriented_by_intervention_are_marked_in_the_table(build_run):
    folder = build_run()
    assert "By intervention" not in read(folder).text["edge-table"]
    edges = table(folder, "edges.tsv.gz")
    edges["oriented_by_intervention"] = edges["source"] == edges["source"][0]
    tables.write_tsv(folder / "edges.tsv.gz", edges)
    page = read(folder)
    assert (
        unpacked(embedded(page)["edges"]["oriented_by_intervention"]).tolist()
        == edges["oriented_by_intervention"].astype(int).tolist()
    )
    assert "By intervention" in page.text["edge-table"]
    assert page.text["edge-table"].split().count("yes") > 0


@pytest.mark.parametrize(
    ("method", "said"), [("totals", "divided by their totals"), ("none", "do not vary"), ("depth", "was taken out")]
)
def test_what_was_done_about_depth_is_told_in_the_methods(build_run, method, said):
    step = {"step": "normalize", "what": "", "method": method, "effective_genes": 17.4}
    page = write_report(build_run(change=lambda facts: facts["prepare"].update(steps=[step]))).read_text("utf-8")
    assert said in page
    assert ("As 17 genes carry the totals" in page) == (method != "totals")


def test_what_counts_are_worth_as_scores_is_told_in_the_methods(build_run):
    def change(facts):
        facts["config"].setdefault("prepare", {})["transform"] = "latent"
        facts["screen"]["n_effective"] = 312.4
        facts.setdefault("order", {})["refined"] = True

    page = write_report(build_run(change=change)).read_text("utf-8")
    assert "worth 312 observations without noise" in page
    assert all(author in page for author in ("Aitchison", "Jöreskog", "Sörbom", "structural"))


def test_a_list_of_the_package_is_cited(build_run):
    def change(facts):
        facts["config"].setdefault("knowledge", {})["regulators"] = "mouse"

    page = write_report(build_run(change=change)).read_text("utf-8")
    assert "Only mouse transcription factors with a profile in JASPAR 2026" in page
    assert "Rauluseviciute" in page
    assert "of the list of mouse transcription factors could be causes" in page


def test_warning_signs_of_the_checks_stand_in_the_header(build_run):
    said = " ".join(read(build_run(change=lambda facts: facts["warnings"].append("Beware."))).text["summary"].split())
    assert "2 warnings Does sorting alone give this network? 90% of the pairs, 85% of their directions" in said
    assert "Beware." in said
