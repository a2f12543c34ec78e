"""The command ``figures``: the figures of a network for a paper, and its tables for a browser."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup

from acyclome.cli.options import FILE, json_flag
from acyclome.cli.output import echo_json, say
from acyclome.cli.stages import run_folder
from acyclome.errors import InputError
from acyclome.wording import plural

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from acyclome.network import Network

FIGURES = ("top_regulators", "hierarchy", "edge_stability", "convergence")  # of acyclome.pl, which draw a whole network
MOST_ROWS = 500  # of a table: more nobody reads, and edges.tsv.gz has them
_ENDINGS = ("svg", "pdf", "png")
# Texts stay texts, so that they can be edited; names inside an svg are drawn from this salt, not from the time.
_STYLE = {"svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "acyclome"}
_UNDATED: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 1.5em; color: #222 }}
table {{ border-collapse: collapse }}
th, td {{ padding: .2em .8em; text-align: left; border-bottom: 1px solid #ddd; font-variant-numeric: tabular-nums }}
th {{ position: sticky; top: 0; background: #fff }}
</style></head><body><h1>{title}</h1><p>{about}</p>
{table}
</body></html>
"""


@run_folder
@cloup.option("folder", "-o", "--output", type=FILE, metavar="FOLDER", help="Where to write. Default: OUT/figures.")
@cloup.option("ending", "--format", type=click.Choice(_ENDINGS), default="svg", help="Kind of the figures.")
@json_flag
def figures(out: Path, *, folder: Path | None, ending: str, json: bool) -> None:
    """Draw the figures of a network, with texts that can be edited, and write its tables as pages."""
    from acyclome.io.atomic import write_text
    from acyclome.io.networks import read

    network, place = read(out), folder or out / "figures"
    files = [place / f"{name}.{ending}" for name in FIGURES]
    for name, file in zip(FIGURES, files, strict=True):
        _draw(name, network, file)
    tables = {"edges": _told(network.with_symbols(network.edges)), "genes": _told(network.nodes)}
    for name, table in tables.items():
        files.append(place / f"{name}.html")
        write_text(files[-1], _page(f"{name.capitalize()} of {out.name}", table))
    if json:
        echo_json({"files": [str(file) for file in files]})
    else:
        say("\n".join(str(file) for file in files))


def _draw(name: str, network: Network, file: Path) -> None:
    """Draw a figure into a file; where there is nothing to draw, the figure says why."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    from acyclome import pl
    from acyclome.io.atomic import write_path

    with mpl.rc_context(_STYLE):
        draw: Callable[[Network], Axes] = getattr(pl, name)
        try:
            draw(network)
        except InputError as error:
            ax = plt.subplots(figsize=(5.0, 2.0))[1]
            ax.text(0.5, 0.5, textwrap.fill(str(error), 50), ha="center", va="center")
            ax.set_axis_off()
        kind = file.suffix[1:]
        with write_path(file) as temporary:
            plt.savefig(temporary, format=kind, metadata=_UNDATED[kind], dpi=150)
        plt.close()


def _told(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without the columns in which nothing stands."""
    return table.loc[:, (table.notna() & (table != "")).any()]


def _page(title: str, table: pd.DataFrame) -> str:
    shown = (
        f"The first {MOST_ROWS:,} of {len(table):,} rows."
        if len(table) > MOST_ROWS
        else f"{plural(len(table), 'row')}."
    )
    rows = table.head(MOST_ROWS).to_html(index=False, border=0, float_format="{:.3g}".format, na_rep="")
    return _PAGE.format(title=html.escape(title), about=shown, table=rows)
