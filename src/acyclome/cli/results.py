"""The commands that ask a finished run: about a gene, about effects, and "what if"."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import cloup

from acyclome.cli.options import FILE, json_flag
from acyclome.cli.output import echo_json, format_table, say
from acyclome.cli.stages import run_folder
from acyclome.errors import InputError


@run_folder
@cloup.option("-g", "--gene", required=True, metavar="NAME", help="Gene to explain.")
@json_flag
def explain(out: Path, gene: str, json: bool) -> None:
    """Tell what regulates a gene and what it regulates, and how sure that is."""
    from acyclome.io.networks import read

    network = read(out)
    if json:
        tables = {"parents": network.parents(gene), "children": network.children(gene)}
        node = network.nodes[network.nodes["gene"] == gene].to_dict("records")[0]
        echo_json({**node, **{name: table.to_dict("records") for name, table in tables.items()}})
    else:
        say(network.explain(gene))


@run_folder
@cloup.option("genes", "-g", "--gene", multiple=True, metavar="NAME", help="Gene to move. Repeatable. Default: all.")
@cloup.option("--least", default=0.05, metavar="X", help="Smallest effect that is listed, in sd per sd.")
@cloup.option("--interval", default=0.9, metavar="X", help="Share of the effects between low and high.")
@cloup.option("file", "-o", "--output", type=FILE, metavar="FILE", help="Write all of them to a tsv table.")
@cloup.option("--top", default=20, type=click.IntRange(1), help="Effects to show.")
@cloup.option(
    "--descendants",
    is_flag=True,
    help="List all genes that paths lead to, nearest first, however small the effect, and no others.",
)
@json_flag
def effects(
    out: Path,
    *,
    genes: Sequence[str],
    least: float,
    interval: float,
    file: Path | None,
    top: int,
    descendants: bool,
    json: bool,
) -> None:
    """List what genes do to one another in total: as experiments measured it, else along the paths of the network."""
    from acyclome.io.networks import read
    from acyclome.io.runs import RunFolder
    from acyclome.io.tables import write_tsv

    network = read(out)
    table = network.total_effects(list(genes) or None, least=least, interval=interval, descendants=descendants)
    if file is not None:
        RunFolder(out).check_apart(file, "The file")
        write_tsv(file, table)
    if json:
        echo_json({"effects": table.to_dict("records")})
        return
    rows = [[_number(value) if isinstance(value, float) else value for value in row] for row in table.head(top).values]
    say(format_table(list(table.columns), rows))
    listed = "genes that paths lead to" if descendants else f"effects of {least} or more"
    say(f"{len(table):,} {listed}; units: standard deviations, per standard deviation.")


@run_folder
@cloup.option(
    "fixed",
    "--set",
    multiple=True,
    metavar="GENE=VALUE",
    help="Hold a gene at a value, in sd from its mean. Repeatable.",
)
@cloup.option(
    "--shift", multiple=True, metavar="GENE=AMOUNT", help="Add to a gene, in sd, its causes act on. Repeatable."
)
@cloup.option("--knockout", multiple=True, metavar="GENE", help="Hold a gene where no expression puts it. Repeatable.")
@cloup.option(
    "--perturb", multiple=True, metavar="TARGET", help="Act on a target as the screen in the data does. Repeatable."
)
@cloup.option("--interval", default=0.9, metavar="X", help="Share of the changes between low and high.")
@cloup.option("file", "-o", "--output", type=FILE, metavar="FILE", help="Write all genes to a tsv table.")
@cloup.option("--top", default=20, type=click.IntRange(1), help="Genes to show.")
@json_flag
def predict(
    out: Path,
    *,
    fixed: Sequence[str],
    shift: Sequence[str],
    knockout: Sequence[str],
    perturb: Sequence[str],
    interval: float,
    file: Path | None,
    top: int,
    json: bool,
) -> None:
    """Predict how every gene changes when some are set, shifted or knocked out."""
    from acyclome.io.networks import read
    from acyclome.io.runs import RunFolder
    from acyclome.io.tables import write_tsv
    from acyclome.network.predict import statement

    values, shifts = _values(fixed, "--set"), _values(shift, "--shift")
    table = read(out).predict(values, shifts, list(knockout), perturb=list(perturb), interval=interval)
    if file is not None:
        RunFolder(out).check_apart(file, "The file")
        write_tsv(file, table)
    if json:
        echo_json({"changes": table.to_dict("records"), "checked": table.attrs})
        return
    numbers = ["change", "low", "high", "agreement"]
    shown = table[table["change"] != 0].head(top)
    rows = [[str(row["gene"]), *(_number(row[name]) for name in numbers)] for row in shown.to_dict("records")]
    say(format_table(["gene", *numbers], rows))
    say(f"{int((table['change'] != 0).sum()):,} of {len(table):,} genes change; units: standard deviations.")
    say(statement(table))


@run_folder
@cloup.option("--before", type=FILE, required=True, metavar="FILE", help="Expression before, as the run's own file.")
@cloup.option("--after", type=FILE, required=True, metavar="FILE", help="Expression after something was done.")
@cloup.option(
    "--acts-on",
    type=click.Choice(["transcript", "activity"]),
    default="transcript",
    help="transcript: what was done changes its target's own expression (knock-down). activity: it need not (a drug).",
)
@cloup.option("file", "-o", "--output", type=FILE, metavar="FILE", help="Write all genes to a tsv table.")
@cloup.option("--top", default=20, type=click.IntRange(1), help="Genes to show.")
@json_flag
def blame(out: Path, *, before: Path, after: Path, acts_on: str, file: Path | None, top: int, json: bool) -> None:
    """Rank genes by how probable it is that acting on them made the difference between two files."""
    from acyclome.io.expression import open_expression
    from acyclome.io.networks import read
    from acyclome.io.runs import RunFolder
    from acyclome.io.tables import write_tsv
    from acyclome.network.blame import blame as blamed
    from acyclome.network.blame import blame_statement
    from acyclome.prepare.alike import prepare_alike

    network = read(out)
    tables = [prepare_alike(open_expression(path), network.facts, network.genes) for path in (before, after)]
    table = network.with_symbols(blamed(network, *tables, acts_on=acts_on))
    if file is not None:
        RunFolder(out).check_apart(file, "The file")
        write_tsv(file, table)
    if json:
        echo_json({"targets": table.to_dict("records"), "checked": table.attrs["checked"]})
        return
    rows = [
        [str(row["gene"]), f"{row['probability']:.3f}", _number(row["change"]), f"{row['fit']:.3f}"]
        for row in table.head(top).to_dict("records")
    ]
    say(format_table(["gene", "probability", "change", "fit"], rows))
    say(blame_statement(table))


def _values(given: Sequence[str], option: str) -> dict[str, float]:
    """Read GENE=VALUE; the last equals sign counts, since names of genes may hold others."""
    values: dict[str, float] = {}
    for text in given:
        gene, _, value = text.rpartition("=")
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not gene or number != number or gene in values:  # NaN too is no value
            msg = f"{option} {text}: expected GENE=VALUE with a number, each gene once, such as {option} SPI1=-2."
            raise InputError(msg)
        values[gene] = number
    return values


def _number(value: float) -> str:
    return "" if value != value else f"{value:+.3f}"
