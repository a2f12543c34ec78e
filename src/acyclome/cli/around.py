"""The commands around a run: look at a file, foresee the cost, ask about a gene, take the network elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup

from acyclome import wording
from acyclome.cli.options import FILE, RunOptions
from acyclome.cli.output import echo_json, format_table
from acyclome.cli.progress import Progress
from acyclome.cli.stages import input_file, require_exists, run_folder
from acyclome.errors import examples

if TYPE_CHECKING:
    from acyclome.config import Config
    from acyclome.io.expression import Inspection

json_flag = cloup.option(
    "--json", is_flag=True, help="Print the answer for machines, and nothing else, on standard output."
)
FORMAT_NAMES = ("tsv", "parquet", "h5ad", "graphml", "gexf", "sif", "csv", "cpdag", "scenic")
_MAX_COLUMNS = 12  # of the observations; more would push the matrices off the screen


@input_file
@cloup.option("--genes-as", default="columns", metavar="columns|rows", help="Where genes stand in a csv or tsv table.")
@json_flag
def inspect(input_file: Path, genes_as: str, json: bool) -> None:
    """Say what is in an expression file and which matrix to use; nothing is computed or written."""
    from acyclome.config import Config
    from acyclome.io.expression import inspect_expression

    require_exists(input_file)
    orientation = Config(input={"genes_as": genes_as}).input.genes_as
    inspection = inspect_expression(input_file, orientation)
    if json:
        echo_json({"input": str(input_file), **dataclasses.asdict(inspection)})
    else:
        click.echo(_inspection_text(input_file, inspection))


@input_file
def plan(input_file: Path, config: Config, options: RunOptions) -> None:
    """Foresee genes, memory and time of a run, stage by stage, without starting it."""
    from acyclome.pipeline import commands

    require_exists(input_file)
    with Progress(quiet=True) as progress:
        facts = commands.plan(input_file, config, options.runtime(progress))
    if options.json:
        echo_json(facts)
    elif not options.quiet:
        click.echo(_plan_text(facts, on_card=options.device == "cuda"))


@run_folder
@cloup.option("-g", "--gene", required=True, metavar="NAME", help="Gene to explain.")
@json_flag
def explain(out: Path, gene: str, json: bool) -> None:
    """Tell what regulates a gene and what it regulates, and how sure that is."""
    from acyclome.io.runs import read

    network = read(out)
    if json:
        tables = {"parents": network.parents(gene), "children": network.children(gene)}
        node = network.nodes[network.nodes["gene"] == gene].to_dict("records")[0]
        echo_json({**node, **{name: table.to_dict("records") for name, table in tables.items()}})
    else:
        click.echo(network.explain(gene))


@run_folder
@cloup.option("file", "-o", "--output", type=FILE, required=True, metavar="FILE", help="File to write.")
@cloup.option(
    *("format_name", "-f", "--format"),
    metavar="NAME",
    help=f"One of {', '.join(FORMAT_NAMES)}. Default: told by the file's ending.",
)
@cloup.option("-q", "--quiet", is_flag=True, help="Say nothing unless something is wrong.")
def export(out: Path, *, file: Path, format_name: str | None, quiet: bool) -> None:
    """Write the network in a format that other programs open."""
    from acyclome.io import formats
    from acyclome.io.runs import read

    network = read(out)
    formats.export(network, file, format_name)
    if not quiet:
        click.echo(f"{file}: {len(network.genes):,} genes, {network.n_edges:,} edges")


def _inspection_text(path: Path, inspection: Inspection) -> str:
    n_obs, n_vars = inspection.shape
    duplicates = inspection.duplicates
    columns = list(inspection.obs_columns.items())
    lines = [
        f"{path}: {n_obs:,} observations x {n_vars:,} genes",
        "",
        _matrix_table(inspection),
        "",
        f"gene names: {inspection.names}, "
        + (f"{len(duplicates)} repeated ({examples(duplicates)})" if duplicates else "none repeated"),
        *(f"column {name}: {_levels(levels)}" for name, levels in columns[:_MAX_COLUMNS]),
        *([f"... and {len(columns) - _MAX_COLUMNS} more columns"] if len(columns) > _MAX_COLUMNS else []),
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
    return f"{len(levels)} labels ({', '.join(levels[:6])}{', ...' if len(levels) > 6 else ''})"


def _plan_text(facts: Mapping[str, Any], *, on_card: bool) -> str:
    times = {**facts["seconds"], "in all": facts["total_seconds"]}
    size = f"{facts['n_obs']:,} observations x {facts['n_genes']:,} genes, about {facts['memory_gb']:.1f} GB of memory"
    if on_card:
        size += f" and {facts['device_memory_gb']:.1f} GB of the card's"
    rows = [[name, f"about {wording.duration(spent)}"] for name, spent in times.items()]
    return f"{size}\n\n{format_table(['stage', 'time'], rows)}{_models_text(facts.get('models', {}))}"


def _models_text(models: Mapping[str, Mapping[str, float]]) -> str:
    """Say what a run takes with each of the models that may be chosen; empty where one is given."""
    if not models:
        return ""
    rows = [
        [name, f"about {wording.duration(one['total_seconds'])}", f"about {one['memory_gb']:.1f} GB"]
        for name, one in models.items()
    ]
    table = format_table(["model", "in all", "memory"], rows)
    return f"\n\nThe stages above are those of model {next(iter(models))}. Once the data have chosen:\n\n{table}"
