"""The command ``inspect``: what is in a file, before anything is computed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cloup

from acyclome.cli.options import FILE, json_flag
from acyclome.cli.output import echo_json, format_table, say
from acyclome.cli.stages import input_file, require_exists
from acyclome.errors import InputError, examples
from acyclome.wording import plural

if TYPE_CHECKING:
    from acyclome.io.expression import Inspection

_MAX_COLUMNS = 12  # of the observations; more would push the matrices off the screen


@input_file
@cloup.option("--genes-as", default="columns", metavar="columns|rows", help="Where genes stand in a csv or tsv table.")
@cloup.option(
    "column",
    "--groups",
    metavar="COLUMN",
    help="List instead the groups of this column, each with the folder that a run with --group-by gives it.",
)
@cloup.option("file", "-o", "--output", type=FILE, metavar="FILE", help="Of --groups: write them to a tsv table.")
@json_flag
def inspect(input_file: Path, *, genes_as: str, column: str | None, file: Path | None, json: bool) -> None:
    """Say what is in an expression file and which matrix to use; nothing is computed."""
    from acyclome.config import Config
    from acyclome.io.expression import inspect_expression

    require_exists(input_file)
    orientation = Config(input={"genes_as": genes_as}).input.genes_as  # refuses other words as `run` does
    if column is not None:
        _list_groups(input_file, orientation, column, file=file, as_json=json)
        return
    if file is not None:
        msg = "--output goes with --groups COLUMN, whose table it is; leave it out, or send --json into a file."
        raise InputError(msg)
    inspection = inspect_expression(input_file, orientation)
    if json:
        echo_json({"input": str(input_file), **dataclasses.asdict(inspection)})
    else:
        say(_inspection_text(input_file, inspection))


def _list_groups(
    path: Path, genes_as: Literal["columns", "rows"], column: str, *, file: Path | None, as_json: bool
) -> None:
    from acyclome.io.run_tables import groups_table
    from acyclome.io.tables import write_tsv
    from acyclome.pipeline.commands import group_sizes

    table = groups_table(group_sizes(path, column, genes_as))
    if file is not None:
        write_tsv(file, table)
    if as_json:
        echo_json({"input": str(path), "groups": table.to_dict("records")})
    else:
        say(format_table(list(table.columns), table.to_numpy().tolist()))


def _inspection_text(path: Path, inspection: Inspection) -> str:
    n_obs, n_vars = inspection.shape
    duplicates = inspection.duplicates
    columns = list(inspection.obs_columns.items())
    lines = [
        f"{path}: {plural(n_obs, 'observation')} x {plural(n_vars, 'gene')}",
        "",
        _matrix_table(inspection),
        "",
        f"gene names: {inspection.names}, "
        + (f"{len(duplicates)} repeated ({examples(duplicates)})" if duplicates else "none repeated"),
        *(f"column {name}: {_levels(levels)}" for name, levels in columns[:_MAX_COLUMNS]),
        *([f"... and {plural(len(columns) - _MAX_COLUMNS, 'more column')}"] if len(columns) > _MAX_COLUMNS else []),
        *(f"warning: {text}" for text in inspection.warnings),
        "",
        f"Use --layer {inspection.recommended}: {inspection.why}",
    ]
    return "\n".join(lines)


def _matrix_table(inspection: Inspection) -> str:
    header = ["matrix", "kind", "genes", "dtype", "sparse", "NaN", "infinite", "zeros", "min", "max", "why"]
    rows = [
        [
            *(item.name, item.kind, item.n_vars, item.dtype, item.sparse, item.nan, item.infinite),
            *(f"{item.zeros:.0%}", item.min, item.max, item.note),
        ]
        for item in inspection.matrices
    ]
    return format_table(header, rows)


def _levels(levels: list[str] | str) -> str:
    if isinstance(levels, str):
        return levels
    return f"{plural(len(levels), 'label')} ({', '.join(levels[:6])}{', ...' if len(levels) > 6 else ''})"
