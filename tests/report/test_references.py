"""One file of papers serves the cards of models, the report, the documentation and CITATION.cff."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from acyclome.report.references import CITATION, bibliography, cite, papers

ROOT = Path(__file__).resolve().parents[2]
KEYS = sorted({key for path in (ROOT / "src").rglob("*.py") for key in CITATION.findall(path.read_text("utf-8"))})
SAID = re.compile(r"([A-Z][\w-]+)(?: et al\.| and ([A-Z][\w-]+))?,?\s+\(?((?:19|20)\d\d)\b")


@pytest.mark.parametrize("key", [key for key in KEYS if key != "key"])
def test_every_paper_that_the_package_cites_is_there_and_can_be_found(key):
    entry = papers().entries[key]
    assert {"title", "year"} <= set(entry.fields)
    assert entry.fields["year"] in key
    assert "doi" in entry.fields or "url" in entry.fields


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_every_paper_that_the_documentation_names_is_there(path):
    known = {
        (tuple(person.last_names[0] for person in entry.persons["author"]), entry.fields["year"])
        for entry in papers().entries.values()
    }
    for first, second, year in SAID.findall(path.read_text(encoding="utf-8")):
        names = [(authors, when) for authors, when in known if authors[0] == first and when == year]
        assert [authors for authors, _ in names if not second or authors[1:] == (second,)], (first, second, year)


def test_one_two_and_more_authors_are_named_as_usual():
    text = cite("a [@hyvarinen1998], b [@chen2008]; c [@zheng2018]")
    assert text == "a Hyvärinen, 1998, b Chen and Chen, 2008; c Zheng et al., 2018"


def test_the_bibliography_has_each_paper_once_in_the_order_of_first_use():
    first, second = bibliography("[@zheng2018] and [@chen2008], again [@zheng2018]")
    assert "NO TEARS" in first
    assert '<a href="https://arxiv.org/abs/1803.01422">' in first
    assert "doi.org/10.1093/biomet/asn034" in second


def test_the_citation_file_names_the_paper_of_the_same_title():
    cited = YAML(typ="safe").load(ROOT / "CITATION.cff")["references"]
    titles = {re.sub("[{}]", "", entry.fields["title"]).lower() for entry in papers().entries.values()}
    assert {reference["title"].lower() for reference in cited} <= titles
