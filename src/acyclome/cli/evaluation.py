"""The commands that know the truth: ``simulate`` makes it, ``score`` compares a run with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup

from acyclome.cli.options import FILE, json_flag
from acyclome.cli.output import echo_facts, echo_json
from acyclome.cli.stages import require_exists, run_folder
from acyclome.errors import InputError

if TYPE_CHECKING:
    from acyclome.evaluate.simulate import Simulation


@cloup.option("-o", "--output", type=FILE, required=True, metavar="FILE", help="To write; its name ends in .h5ad.")
@cloup.option("--genes", default=100, metavar="N", help="Number of genes, at least 2.")
@cloup.option("--observations", default=1000, metavar="N", help="Number of cells or samples, at least 2.")
@cloup.option(
    *("--graph",),
    default="er",
    metavar="er|scale-free|hub",
    help="Edges anywhere, with few big causes, or like gene regulation.",
)
@cloup.option("--degree", default=2.0, metavar="X", help="Edges per gene.")
@cloup.option(
    *("--noise",),
    default="gauss",
    metavar="NAME",
    help="Law of the noise: gauss, exp, gumbel, uniform, laplace; or negative-binomial: counts.",
)
@cloup.option(
    "--measurement-noise", default=0.0, metavar="X", help="Error of what is observed, as a share of each gene's sd."
)
@cloup.option(
    "--hidden", default=0.0, metavar="X", help="Share of the causes that is left out of the file, from 0 to below 1."
)
@cloup.option("standardised", "--standardize", is_flag=True, help="Bring every gene to mean 0 and variance 1.")
@cloup.option("--seed", default=0, type=click.IntRange(0), help="Seed of every random draw.")
@json_flag
def simulate(*, output: Path, genes: int, observations: int, json: bool, **settings: Any) -> None:
    """Write simulated expression (FILE.h5ad) and, beside it, the network it came from (FILE.truth.tsv)."""
    facts = _simulate(output, (genes, observations), settings)
    (echo_json if json else echo_facts)(facts)


def _simulate(output: Path, size: tuple[int, int], settings: dict[str, Any]) -> dict[str, Any]:
    from acyclome.evaluate import simulate as simulation

    if output.suffix != ".h5ad":
        msg = f"Simulated data are written as AnnData; {output.name!r} must end in .h5ad, such as {output.stem}.h5ad."
        raise InputError(msg)
    try:
        drawn = simulation.simulate(*size, **settings)
    except ValueError as error:
        msg = f"This cannot be simulated: {error} See `acyclome simulate --help`."
        raise InputError(msg) from error
    counts = {"genes": len(drawn.genes), "observations": len(drawn.X), "edges": len(drawn.source)}
    return counts | {key: str(path) for key, path in _write_simulation(drawn, output, settings).items()}


def _write_simulation(drawn: Simulation, output: Path, settings: dict[str, Any]) -> dict[str, Path]:
    import anndata
    import numpy as np
    import pandas as pd

    from acyclome.io.atomic import write_path, write_text
    from acyclome.io.tables import write_tsv

    var = pd.DataFrame(index=pd.Index(drawn.genes, name="gene"))
    obs = pd.DataFrame(index=[f"C{cell}" for cell in range(len(drawn.X))])
    if drawn.size is not None:
        obs["size_factor"] = drawn.size
    X = np.ascontiguousarray(drawn.X, dtype=np.float32)  # as prepared data are, with half the file
    adata = anndata.AnnData(X, obs=obs, var=var, uns={"simulation": settings})
    files = {"expression": output, "truth": output.with_suffix(".truth.tsv")}
    if drawn.regulators is not None:
        files["regulators"] = output.with_suffix(".regulators.txt")
        write_text(files["regulators"], "".join(f"{drawn.genes[gene]}\n" for gene in drawn.regulators))
    write_tsv(files["truth"], drawn.edges[["source", "target", "weight"]])
    with write_path(output) as temporary:
        adata.write_h5ad(temporary)
    return files


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
    from acyclome.io.runs import read
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
