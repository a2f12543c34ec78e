"""The page for everybody: screen readers, keys, phones and paper."""

from __future__ import annotations

from importlib.resources import files

import pytest

from acyclome.report import write_report

DARK = ("--blink-settings=preferredColorScheme=0",)
# What reaches over the right edge of the page though nothing scrolls there.
WIDE = """
  const scrolls = (part) => part.closest(".scroll, nav ol, pre");
  const wide = all("main *").filter((part) => part.getBoundingClientRect().right > innerWidth + 1 && !scrolls(part));
  return { page: document.documentElement.scrollWidth, wide: wide.map((part) => part.outerHTML.slice(0, 80)) };
"""


def full(build_run, with_values):
    folder = build_run(["A" * 40, "ENSG00000090382", *(f"GENE{k}" for k in range(18))], n_edges=60)
    with_values(folder)
    return write_report(folder)


@pytest.mark.parametrize(
    ("flags", "rules"), [((), "{}"), (DARK, '{ runOnly: ["color-contrast"] }')], ids=["light", "dark"]
)
def test_axe_finds_nothing_that_keeps_people_out(ask, build_run, with_values, flags, rules):
    pytest.importorskip("axe_core_python", reason="axe-core is not installed; it comes with the extra test")
    axe = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    report = "violations.map((one) => [one.impact, one.id, one.nodes[0].html])"
    script = f"{axe};return (await axe.run(document, {rules})).{report};"
    found = ask(full(build_run, with_values), script, flags=flags)
    assert found == []


def test_a_phone_of_390_pixels_shows_the_whole_width_and_both_sides_of_a_gene(ask, build_run, with_values):
    pills = 'all("#explore-picture .pill").map((part) => part.getBoundingClientRect())'
    whole = f"{pills}.every((pill) => pill.left >= 0 && pill.right <= 391)"
    found = ask(full(build_run, with_values), WIDE.replace("return {", f"return {{ whole: {whole},"), width=390)
    assert found["page"] <= 390
    assert found["wide"] == []
    assert found["whole"]


def test_nothing_is_cut_on_paper(ask, build_run, with_values):
    path = full(build_run, with_values)
    printed = path.with_name("printed.html")
    text = path.read_text(encoding="utf-8")
    assert text.count("@media print") == 1
    printed.write_text(text.replace("@media print", "@media all"), encoding="utf-8")
    script = WIDE.replace('".scroll, nav ol, pre"', '"nav ol"')
    # The room of A4 between the margins of the style sheet, 178 mm at 96 pixels an inch.
    assert ask(printed, script, width=673)["wide"] == []


def test_keys_reach_what_a_mouse_does(ask, build_run, with_values):
    script = """
      const focusable = all("a[href], button, input, select, textarea, summary, [tabindex='0']");
      const isNamed = (part) => part.labels?.length || part.textContent.trim();
      const unnamed = all("button, input, select, textarea").filter((part) => !isNamed(part));
      find("#edge-table [data-key=weight] button").click();
      return {
        genes: all("td.gene").filter((cell) => !cell.querySelector("a")).length,
        skip: focusable[0].textContent,
        headers: all("#edge-table th[data-key]").filter((head) => !head.querySelector("button")).length,
        sorted: find("#edge-table th[data-key=weight]").getAttribute("aria-sort"),
        unnamed: unnamed.map((part) => part.outerHTML),
      };
    """
    assert ask(full(build_run, with_values), script) == {
        "genes": 0,
        "skip": "To the content",
        "headers": 0,
        "sorted": "descending",
        "unnamed": [],
    }
