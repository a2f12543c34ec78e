"""What all measurements share: their options, and a table laid out in markdown."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

RESULTS = Path(__file__).parent / "results"
SEEDS = (11, 12, 13, 14, 15)  # what was settled on data was settled on others, see the words of each page


def options(about: str, **defaults: int) -> argparse.ArgumentParser:
    """Return a parser with the options that all measurements share; ``defaults`` become integer options."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--bench", type=Path, default=Path("../shared/bench"), help="folder of another simulator")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the real data sets")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="seeds of the data")
    parser.add_argument("--threads", type=int, default=2, help="threads of our methods")
    parser.add_argument("--no-results", action="store_true", help="print only; leave the runs and the pages alone")
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    return parser


def text(table: pd.DataFrame) -> str:
    """Lay a table out in markdown, columns aligned: three digits for shares, fewer for large numbers."""
    cells = [[str(c) for c in table.columns], *[[cell(v) for v in row] for row in table.itertuples(index=False)]]
    widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    lines = ["| " + " | ".join(word.ljust(w) for word, w in zip(row, widths, strict=True)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def cell(value: object) -> str:
    """Return a value as a reader sees it."""
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
