"""The picture of the scaling curve: time and memory against genes, projections dotted and called so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

CURVE, DONE = "ER-2", "done"
CUBIC = 3.0  # a step of a dense matrix function; number of steps taken as constant, which is kind
TIMES = {
    0.01: "10 ms",
    1.0: "1 s",
    60.0: "1 min",
    3600.0: "1 hour",
    86400.0: "1 day",
    2.63e6: "1 month",
    3.16e7: "1 year",
    3.16e9: "100 years",
}
MEMORIES = {100.0: "100 MB", 1000.0: "1 GB", 10_000.0: "10 GB", 100_000.0: "100 GB"}
GREY = "#6b6b6b"


@dataclass(frozen=True)
class Line:
    """How one method is drawn."""

    method: str
    label: str
    color: str
    marker: str
    width: float
    is_peer: bool = False
    lift: float = 0.0  # of its name, in points


LINES = (
    Line("falling R2", "sort and regress", "#a5a5a5", "s", 1.0),
    Line("NOTEARS", "NOTEARS", "#009e73", "^", 1.2, is_peer=True, lift=6.0),
    Line("DAGMA", "DAGMA", "#d55e00", "D", 1.2, is_peer=True, lift=-6.0),
    Line("acyclome", "acyclome", "#0b4f8a", "o", 2.2),
)


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw the runs of ``results/scaling.tsv`` into a file of any kind that matplotlib writes."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    table = table[(table["data"] == CURVE) & (table["status"] == DONE)]
    largest = float(table["d"].max())
    style = {"font.family": "sans-serif", "font.size": 9, "axes.linewidth": 0.7, "svg.fonttype": "none"}
    with plt.rc_context(style):
        figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.3), layout="constrained")
        for line in LINES:
            found = table[table["method"] == line.method].groupby("d")[["cpu_seconds", "peak_mb"]].mean()
            if len(found):
                _curve(left, found["cpu_seconds"], line, largest)
                _curve(right, found["peak_mb"], line, None)
        _axes(left, "a", "processor time", TIMES)
        _axes(right, "b", "peak memory of the process", MEMORIES)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=200)
        plt.close(figure)


def projection(found: pd.Series, largest: float) -> pd.Series | None:
    """Continue a curve that ends before `largest`: through its last two sizes, as a cube where there is one alone."""
    last = float(found.index[-1])
    if last >= largest:
        return None
    power = CUBIC
    if len(found) > 1:
        (d0, t0), (d1, t1) = found.iloc[-2:].items()
        power = float(np.log(t1 / t0) / np.log(float(d1) / float(d0)))
    d = np.geomspace(last, largest, 20)
    return pd.Series(found.iloc[-1] * (d / last) ** power, index=d)


def _curve(axes: Any, found: pd.Series, line: Line, largest: float | None) -> None:
    """Draw what was measured; for a peer, what it would take up to `largest` (None: no projection, no name)."""
    axes.plot(found.index, found, color=line.color, marker=line.marker, lw=line.width, ms=4.5, mew=0, zorder=3)
    end = found
    further = projection(found, largest) if line.is_peer and largest is not None else None
    if further is not None:
        axes.plot(further.index, further, color=line.color, ls=":", lw=1.2)
        end = further
    if largest is None and line.is_peer:
        return
    label = line.label if further is None else f"{line.label}, projected"
    at, beside = (end.index[-1], end.iloc[-1]), (6, line.lift)
    axes.annotate(
        label,
        at,
        xytext=beside,
        textcoords="offset points",
        color=line.color,
        va="center",
        fontweight="bold" if line.width > 2 else "normal",
        annotation_clip=False,
    )


def _axes(axes: Any, letter: str, title: str, ticks: dict[float, str]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.set(xscale="log", yscale="log", xlabel="genes")
    low, high = axes.get_ylim()
    shown = {value: text for value, text in ticks.items() if low <= value <= high}
    axes.set_yticks(list(shown), labels=list(shown.values()))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(FixedLocator([10.0**power for power in range(1, 7)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda d, _: f"{d:,.0f}"))
    axes.margins(x=0.06)
    axes.grid(visible=True, which="major", color="#e6e6e6", lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(which="both", color=GREY, labelcolor="#333333", length=3)
    axes.set_title(title, loc="left", fontsize=9.5)
    axes.annotate(
        letter,
        (0, 1),
        xytext=(-34, 12),
        xycoords="axes fraction",
        textcoords="offset points",
        fontweight="bold",
        fontsize=11,
        va="center",
    )
