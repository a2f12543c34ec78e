"""The pages of results: ``python -m benchmarks.report`` writes all of them anew from the runs.

The words stand in ``benchmarks/pages``, the figures in ``benchmarks/results``.  A page asks for a whole table,
``{{ table("accuracy") }}``, or for one figure, ``{{ figure("dream", "aupr", data="DREAM4 1") }}``: the mean over all
runs that fit.  ``headline.md`` becomes ``benchmarks/RESULTS.md``, ``reliability.md`` and
``time-and-memory.md`` stand in ``docs``, and every other page becomes ``docs/results/NAME.md``.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from benchmarks.measure import machine, revision
from benchmarks.summaries import summary_of
from benchmarks.tables import RESULTS, cell, text

HERE = Path(__file__).parent
TEMPLATES, PAGES = HERE / "pages", HERE.parent / "docs" / "results"
HEADLINE, RELIABILITY = HERE / "RESULTS.md", HERE.parent / "docs" / "reliability.md"
ELSEWHERE = {"headline.md": HEADLINE, "reliability.md": RELIABILITY}
ELSEWHERE["time-and-memory.md"] = HERE.parent / "docs" / "time-and-memory.md"
STAMPS = RESULTS / "stamps.tsv"


def main() -> None:
    """Write all pages, asked for by name."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    write()


def write() -> None:
    """Write all pages from the runs that there are."""
    for path, page in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(page, encoding="utf-8")


def pages() -> dict[Path, str]:
    """Return all pages, by the path where they belong."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    kept = {"undefined": jinja2.StrictUndefined, "keep_trailing_newline": True, "autoescape": False}
    environment = jinja2.Environment(loader=loader, **kept)
    environment.globals |= {"table": table, "figure": figure, "total": total, "share": share, "largest": largest}
    names = sorted(path.name for path in TEMPLATES.glob("*.md"))
    places = {name: ELSEWHERE.get(name, PAGES / name) for name in names}
    made = "<!-- made by python -m benchmarks.report from benchmarks/pages/{}; change that, or the runs -->\n"
    return {path: made.format(name) + environment.get_template(name).render() for name, path in places.items()}


def publish(name: str, rows: Sequence[dict[str, Any]], command: str, given: argparse.Namespace) -> None:
    """Print the table; unless told not to, keep all runs in ``results/NAME.tsv``, and write the pages anew."""
    kept = pd.DataFrame(rows).to_csv(sep="\t", index=False, float_format="%.6g")
    print(text(summary_of(name)(_read(io.StringIO(kept)))))
    if given.no_results:
        return
    (RESULTS / f"{name}.tsv").write_text(kept, encoding="utf-8")
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    stamps = pd.read_csv(STAMPS, sep="\t").set_index("name")
    stamps.loc[name] = [command, today, revision(), machine(getattr(given, "device", "cpu"))]
    stamps.sort_index().to_csv(STAMPS, sep="\t")
    runs_of.cache_clear()
    write()


def table(name: str) -> str:
    """Return a table in markdown, with what was called, when, and on which machine."""
    summary = summary_of(name)
    stamp = pd.read_csv(STAMPS, sep="\t").set_index("name").loc[summary.runs or name]
    said = f"`{stamp['command']}`, {stamp['date']}, commit {stamp['commit']}, {stamp['machine']}"
    return f"{said}\n\n{text(summary(runs_of(summary.runs or name)))}"


def figure(name: str, column: str, *, digits: int = 0, **where: object) -> str:
    """Return one figure: the mean of a column over all runs with these values."""
    mean = float(_runs_with(name, where)[column].mean())
    if digits:
        return f"{mean:.{digits}f}"
    return cell(int(mean) if mean.is_integer() else mean)


def total(name: str, column: str, **where: object) -> str:
    """Return the sum of a column over all runs with these values."""
    return cell(int(_runs_with(name, where)[column].sum()))


def largest(name: str, column: str) -> str:
    """Return the largest value of a column."""
    return cell(float(runs_of(name)[column].max()))


def share(name: str, part: str, whole: str, **where: object) -> str:
    """Return the sum of a column as a share of that of another, over all runs with these values."""
    runs = _runs_with(name, where)
    return cell(float(runs[part].sum() / runs[whole].sum()))


def _runs_with(name: str, where: dict[str, object]) -> pd.DataFrame:
    runs = runs_of(name)
    for key, value in where.items():
        runs = runs[runs[key] == value]
    if runs.empty:
        msg = f"No run of {name} has {where}."
        raise ValueError(msg)
    return runs


@functools.cache
def runs_of(name: str) -> pd.DataFrame:
    """Return the runs of a measurement."""
    return _read(RESULTS / f"{name}.tsv")


def _read(file: Path | io.StringIO) -> pd.DataFrame:
    return pd.read_csv(file, sep="\t", keep_default_na=False, na_values=[""])  # "none" and "-" are answers


if __name__ == "__main__":
    main()
