"""The command ``modules``: a finished run as some modules with names and a graph, and the ways from gene to gene."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cloup

from acyclome.cli.options import FILE, RunOptions
from acyclome.cli.output import echo_json, format_table, say
from acyclome.cli.progress import Progress
from acyclome.cli.stages import require_exists, run_folder
from acyclome.errors import InputError

if TYPE_CHECKING:
    from acyclome.network.modules import ModuleNetwork


@run_folder
@cloup.option("--gene-sets", type=FILE, metavar="GMT", help="Sets by which modules are named: pathways, regulons.")
@cloup.option("--visible", type=FILE, metavar="GMT", help="Sets of which each is followed by a module of its own.")
@cloup.option(
    "--modules",
    "number",
    default="auto",
    metavar="auto|N",
    help="How many to learn at most; auto: the fewest within two standard errors of the best held-out likelihood.",
)
@cloup.option("--price-loadings", type=float, metavar="X", help="Price of a link to a gene; of itself 1.")
@cloup.option("--price-edges", type=float, metavar="X", help="Price of an edge into a module; of itself 1.")
@cloup.option("--price-outside", type=float, metavar="X", help="Price of a link from outside a --visible set; 3.")
@cloup.option("--gene", metavar="NAME", help="Show the ways from a gene that is knocked out, over modules, to others.")
@cloup.option("--to", metavar="NAME", help="With --gene: the gene at the end of the ways.")
@cloup.option("--top", default=20, type=click.IntRange(1), metavar="N", help="Modules, or ways, to show.")
def modules(
    out: Path,
    *,
    gene_sets: Path | None,
    visible: Path | None,
    number: str,
    price_loadings: float | None,
    price_edges: float | None,
    price_outside: float | None,
    gene: str | None,
    to: str | None,
    top: int,
    options: RunOptions,
) -> None:
    """Learn modules of genes and the graph among them, of a finished run; with --gene, ask those that were learned.

    Writes modules.tsv, module_edges.tsv and module_path.tsv into the folder.
    """
    require_exists(out)
    given = {"loadings": price_loadings, "edges": price_edges, "outside": price_outside}
    prices = {name: price for name, price in given.items() if price is not None}
    if to is not None and gene is None:
        msg = "--to names the end of ways, and --gene their beginning is missing. Give both."
        raise InputError(msg)
    if gene is not None:
        _check_only_asked(
            learns={"--gene-sets": gene_sets, "--visible": visible, "--modules": number != "auto"}, prices=prices
        )
        _ways(out, gene, to, top=top, json=options.json)
        return
    from acyclome.pipeline.modules import modules_of_run
    from acyclome.pipeline.modules_asked import Asked, priced

    for path in filter(None, (gene_sets, visible)):
        require_exists(path)
    asked = Asked(int(number) if number.isdecimal() else number, gene_sets, visible, priced(prices))
    with Progress(quiet=options.quiet) as progress:
        found = modules_of_run(out, asked, options.runtime(progress))
    if options.json:
        tables = {"modules": found.modules, "path": found.path}
        echo_json({name: table.to_dict("records") for name, table in tables.items()})
    elif not options.quiet:
        _show(found, out, top=top)


def _show(found: ModuleNetwork, out: Path, *, top: int) -> None:
    columns = ["module", "name", "n_genes", "variance", "stability", "regulators", "enriched"]
    shown = found.modules.head(top)[columns]
    regulators = [";".join(map(found.label, text.split(";"))) for text in shown["regulators"]]
    shown = shown.assign(name=shown["name"].map(found.label), regulators=regulators)
    say(format_table(columns, [[_cell(value) for value in row] for row in shown.values]))
    say(f"{found!r}. {out / 'modules.tsv'} has them all.")


def _check_only_asked(*, learns: Mapping[str, object], prices: Mapping[str, float]) -> None:
    """Refuse options of learning beside a question to what was learned, which they would not change."""
    given = [*(name for name, value in learns.items() if value), *(f"--price-{name}" for name in prices)]
    if given:
        msg = f"--gene asks modules that were learned, and {given[0]} is for learning them. Give one after the other."
        raise InputError(msg)


def _ways(out: Path, gene: str, to: str | None, *, top: int, json: bool) -> None:
    from acyclome.io.runs import RunFolder

    found = RunFolder(out).read_modules()
    table = found.routes(gene, to, limit=top)
    if json:
        echo_json({"routes": table.to_dict("records")})
        return
    if table.empty:
        say(f"No way leads from {gene} over modules{'' if to is None else f' to {to}'}.")
        return
    effects = [f"{effect:+.3f}" for effect in table["effect"]]
    say(format_table(["route", "effect"], [list(row) for row in zip(table["route"], effects, strict=True)]))
    say("effect: standard deviations of the last gene for one of the first; effects of several ways add up.")


def _cell(value: object) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
