"""Tables of the measurements: every run as a row of a TSV, the means as text and as a section of RESULTS.md."""

from __future__ import annotations

import argparse
import datetime
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from acyclome.evaluate.trial import DONE
from benchmarks.measure import machine, revision

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
SEEDS = (11, 12, 13, 14, 15)


def options(about: str, **defaults: int) -> argparse.ArgumentParser:
    """Return a parser with the options that all measurements share; ``defaults`` become integer options."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--bench", type=Path, default=Path("../shared/bench"), help="folder of another simulator")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the real data sets")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="seeds of the data")
    parser.add_argument("--threads", type=int, default=2, help="threads of our methods")
    parser.add_argument("--no-results", action="store_true", help="print only; leave RESULTS.md and the TSV alone")
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    return parser


def means(rows: Sequence[dict[str, Any]], by: Sequence[str], *, shares: Sequence[str] = ()) -> pd.DataFrame:
    """Average the runs over seeds; columns in ``shares`` become "how many of how many"."""
    table = pd.DataFrame(rows)
    groups = table.groupby(list(by), sort=False)
    numbers = [c for c in table.columns if c not in {*by, *shares, "seed"} and pd.api.types.is_numeric_dtype(table[c])]
    numbers = [c for c in numbers if not pd.api.types.is_bool_dtype(table[c])]
    result = groups[numbers].mean()
    for name in shares:
        result[name] = [f"{int(part[name].sum())} of {len(part)}" for _, part in groups]
    return result.reset_index()


def statuses(rows: Sequence[dict[str, Any]], table: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """Say for every line of a table of means how many of its runs are done, and what became of the others."""
    found = []
    for key in table[list(by)].itertuples(index=False):
        said = [row["status"] for row in rows if tuple(row[name] for name in by) == tuple(key)]
        done = [f"{said.count(DONE)} done"] if DONE in said else []
        found.append(", ".join([*done, *dict.fromkeys(word for word in said if word != DONE)]))
    return found


def text(table: pd.DataFrame) -> str:
    """Lay a table out in markdown, columns aligned: three digits for shares, fewer for large numbers."""
    cells = [[str(c) for c in table.columns], *[[_cell(v) for v in row] for row in table.itertuples(index=False)]]
    widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def publish(
    name: str,
    rows: Sequence[dict[str, Any]],
    summary: pd.DataFrame,
    command: str,
    given: argparse.Namespace,
    *,
    title: str | None = None,
) -> None:
    """Print the summary; unless told not to, keep all runs in ``results/NAME.tsv`` and renew RESULTS.md.

    A section that is not there yet goes to the end of the page, under its title.
    """
    body = text(summary)
    print(body)
    if given.no_results:
        return
    (HERE / "results").mkdir(exist_ok=True)
    pd.DataFrame(rows).to_csv(HERE / "results" / f"{name}.tsv", sep="\t", index=False, float_format="%.6g")
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    stamp = f"`{command}`, {today}, commit {revision()}, {machine(getattr(given, 'device', 'cpu'))}"
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    section = f"{begin}\n{stamp}\n\n{body}\n{end}"
    heading = f"\n## {title}\n" if title else ""
    page = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else "# Results\n"
    where = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    page = where.sub(lambda _: section, page) if where.search(page) else f"{page}{heading}\n{section}\n"
    RESULTS.write_text(page, encoding="utf-8")


def _cell(value: object) -> str:
    if isinstance(value, str | bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        return str(value)
    if isinstance(value, float | np.floating) and np.isnan(value):
        return "-"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    size = abs(float(value))
    if float(value).is_integer() and size >= 1:
        return f"{int(value):,}"
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.3f}" if size >= 1e-3 or size == 0 else f"{value:.1e}"
