"""The command ``score``: a run beside the truth."""

from __future__ import annotations

from pathlib import Path

import click
import cloup

from acyclome.cli.options import FILE, json_flag
from acyclome.cli.output import echo_facts, echo_json, format_table
from acyclome.cli.stages import require_exists, run_folder
from acyclome.errors import InputError

HOW_TO_READ = """\
The method was learned anew from half of the cells; the other half scores all. Every ranking has as many pairs as the
network has edges out of targets. wasserstein: mean distance of the children of a target from control, larger is better.
precision: share of the edges whose child changes (p < .05). false omission rate: share of pairs without a path that
change nevertheless, smaller is better. Mean difference is nearly the measure itself, and needs cells of the target."""


@run_folder
@cloup.option(
    "--truth",
    type=FILE,
    metavar="TSV",
    help="True edges: a table with source and target, or a sif file.",
)
@cloup.option(
    "--interventional",
    is_flag=True,
    help="Score by what acting on genes did, in cells that are not learned from, beside simpler methods.",
)
@cloup.option("--edges", type=click.IntRange(1), metavar="N", help="Edges at most that --interventional scores.")
@cloup.option(
    "--regulators",
    type=FILE,
    metavar="FILE",
    help="Genes that may be causes, one a line, or human or mouse; others are not counted.",
)
@cloup.option("--ignore-genes", metavar="PREFIX", help="Leave out genes whose names start like this.")
@cloup.option("--all-genes", is_flag=True, help="Count pairs of all genes of the run, not only those the truth names.")
@cloup.option("--undirected", is_flag=True, help="Count each pair of the ranking once, whichever way the truth has it.")
@json_flag
def score(
    out: Path,
    *,
    truth: Path | None,
    interventional: bool,
    edges: int | None,
    regulators: Path | None,
    ignore_genes: str | None,
    all_genes: bool,
    undirected: bool,
    json: bool,
) -> None:
    """Compare the network and the ranking of a run with the true edges, or with what acting on genes did."""
    if (truth is None) != interventional:
        msg = (
            "Give --truth TSV to compare with true edges, or --interventional to compare with what acting on genes did."
        )
        raise InputError(msg)
    if truth is None:
        _borne_out(out, edges, json=json)
        return
    from acyclome.cli.truth import read_truth
    from acyclome.evaluate import metrics
    from acyclome.io.networks import read
    from acyclome.knowledge.lists import is_shipped
    from acyclome.knowledge.regulators import read_regulators

    lists = [] if regulators is None or is_shipped(regulators) else [regulators]
    for path in (out, truth, *lists):
        require_exists(path)
    network = read(out)
    true = read_truth(truth)
    genes = list(network.genes)
    if ignore_genes:
        genes = [gene for gene in genes if not gene.startswith(ignore_genes)]
        true = true[~true["source"].str.startswith(ignore_genes) & ~true["target"].str.startswith(ignore_genes)]
    allowed = None if regulators is None else read_regulators(regulators)
    facts = metrics.score_run(
        network.ranking, network.edges, true, genes, allowed, restrict=not all_genes, undirected=undirected
    )
    (echo_json if json else echo_facts)(facts)


def _borne_out(out: Path, edges: int | None, *, json: bool) -> None:
    from acyclome.machine import usable_threads
    from acyclome.pipeline.commands import Runtime, borne_out

    require_exists(out)
    rows = borne_out(out, Runtime(threads=usable_threads(), resume=True), edges)
    if json:
        echo_json({"interventional": rows})
        return
    for scored_by in dict.fromkeys(row["scored by"] for row in rows):
        table = [[value for name, value in row.items() if name != "scored by"] for row in rows]
        kept = [line for line, row in zip(table, rows, strict=True) if row["scored by"] == scored_by]
        click.echo(f"Scored by {scored_by}:")
        click.echo(format_table([name.replace("_", " ") for name in list(rows[0])[1:]], kept) + "\n")
    click.echo(HOW_TO_READ)
