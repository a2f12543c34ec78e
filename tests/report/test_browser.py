"""The page in a real browser, opened from a file, without a network."""

from __future__ import annotations

import re

import pytest

from acyclome.report import write_report


@pytest.mark.parametrize("resamples", [20, 0])
def test_the_page_opens_without_console_errors(browse, build_run, resamples):
    genes = ["</script>", "<b>A</b>"] + [f"GENE{number}" for number in range(38)]
    dom, console = browse(write_report(build_run(genes, resamples=resamples)))
    assert console == []
    assert "1 to 25 of 120" in dom
    assert 'class="live"' in dom


def test_a_network_without_an_edge_opens_without_console_errors(browse, build_run):
    dom, console = browse(write_report(build_run(n_edges=0)))
    assert console == []
    assert "no edge matches" in dom


def test_searching_sorting_and_exploring_work(browse, build_run):
    script = """
      const search = document.getElementById("edge-search");
      search.value = "gene7";
      search.dispatchEvent(new Event("input"));
      const weight = document.querySelector("[data-key=weight]");
      weight.click();
      const rows = [...document.querySelectorAll("#edge-table tbody tr")];
      const cells = rows.map((row) => [...row.cells].map((cell) => cell.textContent));
      const weights = cells.map((row) => Number(row[2].slice(2).replace("−", "-")));
      const found = cells.every((row) => row[0].startsWith("GENE7") || row[1].startsWith("GENE7"));
      const falling = weights.every((value, index) => index === 0 || value <= weights[index - 1]);
      document.querySelector("#edge-table td.gene").click();
      const drawn = document.querySelector("#explore-picture .hub-name").textContent === cells[0][0];
      document.title = `found ${found} falling ${falling} drawn ${drawn} rows ${cells.length > 0}`;
    """
    dom, console = browse(write_report(build_run()), script)
    assert console == []
    assert "<title>found true falling true drawn true rows true</title>" in dom


def test_the_browser_draws_the_picture_that_stands_in_the_page(browse, build_run):
    path = write_report(build_run())
    static = re.search(r'<div id="explore-picture">(.*?)</div>', path.read_text(encoding="utf-8"), re.DOTALL).group(1)
    dom, _ = browse(path)
    drawn = re.search(r'<div id="explore-picture">(.*?</svg>)', dom, re.DOTALL).group(1)

    def content(picture: str) -> list[str]:
        return re.findall(r">([^<>]+)<", picture)

    def measures(picture: str) -> list[float]:
        rects = [re.search(r'\by="([^"]+)"', rect).group(1) for rect in re.findall(r"<rect[^>]*>", picture)]
        return [float(value) for value in rects]

    assert sorted(content(drawn)) == sorted(content(static))
    assert sorted(measures(drawn)) == pytest.approx(sorted(measures(static)), abs=0.01)
