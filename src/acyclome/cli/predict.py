"""The command that answers "what if"."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acyclome.cli.around import JsonFlag
from acyclome.cli.output import echo_json, format_table
from acyclome.cli.stages import RunFolderArgument
from acyclome.errors import InputError


def predict(
    out: RunFolderArgument,
    held: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="GENE=VALUE", help="Hold a gene at a value, in sd from its mean. Repeatable."),
    ] = None,
    shift: Annotated[
        list[str] | None,
        typer.Option("--shift", metavar="GENE=AMOUNT", help="Add to a gene, in sd, its causes act on. Repeatable."),
    ] = None,
    knockout: Annotated[
        list[str] | None,
        typer.Option("--knockout", metavar="GENE", help="Hold a gene where no expression puts it. Repeatable."),
    ] = None,
    interval: Annotated[float, typer.Option(help="Share of the resamples between low and high.")] = 0.9,
    file: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write all genes to a tsv table.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Genes to show.")] = 20,
    json: JsonFlag = False,
) -> None:
    """Predict how every gene changes when some are set, shifted or knocked out."""
    from acyclome.io.runs import read
    from acyclome.io.tables import write_tsv

    table = read(out).predict(_values(held, "--set"), _values(shift, "--shift"), knockout, interval=interval)
    if file is not None:
        write_tsv(file, table)
    if json:
        echo_json({"changes": table.to_dict("records")})
        return
    shown = table[table["change"] != 0].head(top)
    rows = [[str(row.pop("gene")), *map(_number, row.values())] for row in shown.to_dict("records")]
    typer.echo(format_table(list(table.columns), rows))
    typer.echo(f"{int((table['change'] != 0).sum()):,} of {len(table):,} genes change; units: standard deviations.")


def _values(given: list[str] | None, option: str) -> dict[str, float]:
    """Read GENE=VALUE; the last equals sign counts, since names of genes may hold others."""
    found: dict[str, float] = {}
    for text in given or []:
        gene, _, value = text.rpartition("=")
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not gene or number != number or gene in found:
            msg = f"{option} {text}: expected GENE=VALUE with a number, each gene once, such as {option} SPI1=-2."
            raise InputError(msg)
        found[gene] = number
    return found


def _number(value: float) -> str:
    return "" if value != value else f"{value:+.3f}"
