"""The command ``score``: a run beside the truth."""

from __future__ import annotations

from pathlib import Path

import cloup

from acyclome.cli.options import FILE, json_flag
from acyclome.cli.output import echo_facts, echo_json
from acyclome.cli.stages import require_exists, run_folder


@run_folder
@cloup.option(
    "--truth",
    type=FILE,
    required=True,
    metavar="TSV",
    help="True edges: a table with source and target, or a sif file.",
)
@cloup.option(
    "--regulators", type=FILE, metavar="FILE", help="Genes that may be causes, one a line; others are not counted."
)
@cloup.option("--ignore-genes", metavar="PREFIX", help="Leave out genes whose names start like this.")
@cloup.option("--all-genes", is_flag=True, help="Count pairs of all genes of the run, not only those the truth names.")
@cloup.option("--undirected", is_flag=True, help="Count each pair of the ranking once, whichever way the truth has it.")
@json_flag
def score(
    out: Path,
    *,
    truth: Path,
    regulators: Path | None,
    ignore_genes: str | None,
    all_genes: bool,
    undirected: bool,
    json: bool,
) -> None:
    """Compare the network and the ranking of a run with the true edges."""
    from acyclome.cli.truth import read_truth
    from acyclome.evaluate import metrics
    from acyclome.io.networks import read
    from acyclome.knowledge.regulators import read_regulators

    for path in filter(None, (out, truth, regulators)):
        require_exists(path)
    network = read(out)
    edges = read_truth(truth)
    genes = list(network.genes)
    if ignore_genes:
        genes = [gene for gene in genes if not gene.startswith(ignore_genes)]
        edges = edges[~edges["source"].str.startswith(ignore_genes) & ~edges["target"].str.startswith(ignore_genes)]
    allowed = None if regulators is None else read_regulators(regulators)
    facts = metrics.score_run(
        network.ranking, network.edges, edges, genes, allowed, restrict=not all_genes, undirected=undirected
    )
    (echo_json if json else echo_facts)(facts)
