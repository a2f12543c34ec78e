"""Interventions in data that nobody here made: DREAM4 knockouts and knockdowns, and signalling proteins (Sachs).

``python -m benchmarks.knockouts``

DREAM4, 100 genes, networks 1 to 3: wild type, knockouts and knockdowns of every gene together (201 observations),
default options; area under precision and recall of ``ranking.tsv.gz`` over all ordered pairs. Beside it the same
without labels, and z-scores of the knockouts alone (distance from the gene's mean over the knockouts, in standard
deviations).

Sachs et al. (2005), 11 proteins, 7,466 cells of nine experiments, logarithms; strict directed F1 (a turned edge is an
error) against the consensus network of 17 edges. Once as it is, once with the means of the experiments taken out
(``--covariates condition``).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acyclome.cli.truth import read_truth
from acyclome.evaluate.ranking import ranking_scores, scored_universe
from benchmarks.dream import knocked_out
from benchmarks.measure import measured
from benchmarks.rankings import COLUMNS
from benchmarks.report import publish
from benchmarks.tables import options

if TYPE_CHECKING:
    from anndata import AnnData

NETWORKS = (1, 2, 3)  # of DREAM4, those that lie beside the data
UNTOUCHED = "none"


def main() -> None:
    """Measure and write both tables."""
    parser = options(__doc__ or "")
    parser.set_defaults(seeds=[1, 2, 3])
    given = parser.parse_args()
    command = "python -m benchmarks.knockouts"
    runs = [(number, seed) for number in NETWORKS for seed in given.seeds]
    rows = [row for number, seed in runs for row in dream(given.data, number, seed, given.threads)]
    publish("knockouts", rows, command, given)
    rows = [row for seed in given.seeds for row in sachs(given.data, seed, given.threads)]
    publish("sachs", rows, command, given)


def dream(folder: Path, number: int, seed: int, threads: int) -> list[dict[str, Any]]:
    """Rank the pairs of one DREAM4 network by each method, columns dealt out anew."""
    truth = read_truth(folder / "dream4" / f"insilico_size100_{number}_goldstandard.tsv.gz")
    values, told = knocked_out(folder, number)
    genes = values.columns
    dealt = genes[np.random.default_rng([COLUMNS, seed]).permutation(len(genes))]
    universe = scored_universe(truth, dealt, restrict=False)
    adata = _adata(values[list(dealt)], {"target": [gene or UNTOUCHED for gene in told]})
    out = values[1 : len(genes) + 1]
    row: dict[str, Any] = {"data": f"DREAM4 {number}", "seed": seed}
    z = ((out - out.mean()).abs() / out.std(ddof=0)).to_numpy()
    source, target = np.nonzero(~np.eye(len(genes), dtype=bool))
    scores = ranking_scores(genes[source], genes[target], z[source, target], universe)
    rows = [{**row, "method": "z-scores of the knockouts", "aupr": scores["aupr"], "auroc": scores["auroc"]}]
    for name, key in (("acyclome, no labels", None), ("acyclome", "target")):
        network, cost = measured(partial(learned, adata, key, seed, threads, {}))
        ranking = network["ranking"]
        scores = ranking_scores(ranking["source"], ranking["target"], ranking["rank_score"].to_numpy(), universe)
        rows.append({**row, "method": name, "aupr": scores["aupr"], "auroc": scores["auroc"], **cost.row()})
    return rows


def sachs(folder: Path, seed: int, threads: int) -> list[dict[str, Any]]:
    """Learn the network of the proteins by each road."""
    table = pd.read_csv(folder / "sachs" / "sachs_all_conditions.tsv.gz", sep="\t")
    truth = pd.read_csv(folder / "sachs" / "truth_17edges_bnlearn.tsv", sep="\t")
    true = set(zip(truth["cause"], truth["effect"], strict=True))
    proteins = table.columns[2:]
    dealt = proteins[np.random.default_rng([COLUMNS, seed]).permutation(len(proteins))]
    acted = table["intervention"].str.split(" ").str[0]  # "PIP3 (via PI3K)", "PKC activated"
    values = table[list(dealt)].transform(np.log)
    adata = _adata(values, {"target": acted.tolist(), "condition": table["condition"].tolist()})
    rows = []
    for means_out in (False, True):
        for name, key in (("acyclome, no labels", None), ("acyclome", "target")):
            prepare = {"covariates": ["condition"]} if means_out else {}
            network, cost = measured(partial(learned, adata, key, seed, threads, prepare))
            edges = network["edges"]
            data = "Sachs, means of experiments out" if means_out else "Sachs"
            graded = _graded(edges, true, "") | _graded(edges[edges["score"] >= 0.5], true, "likely_")
            oriented = _graded(edges[edges["oriented_by_intervention"]], true, "oriented_")
            rows.append(
                {
                    "data": data,
                    "method": name,
                    "seed": seed,
                    **graded,
                    "oriented": oriented["oriented_edges"],
                    "oriented_right": oriented["oriented_right"],
                    **cost.row(),
                }
            )
    return rows


def learned(
    adata: AnnData, key: str | None, seed: int, threads: int, prepare: dict[str, Any]
) -> dict[str, pd.DataFrame]:
    """Learn with default options, but for logarithms, which are taken already where they are wanted."""
    from acyclome import get, tl

    config = {"prepare": {"log": False, "normalize": False, **prepare}}
    control = None if key is None else UNTOUCHED
    tl.dag(adata, layer="X", perturbation=key, control=control, random_state=seed, threads=threads, config=config)
    network = get.network(adata)
    return {"edges": network.edges, "ranking": network.ranking}


def _adata(values: pd.DataFrame, obs: dict[str, list[str]]) -> AnnData:
    from anndata import AnnData

    names = [f"observation_{k}" for k in range(len(values))]
    return AnnData(
        values.to_numpy(np.float32), obs=pd.DataFrame(obs, index=names), var=pd.DataFrame(index=list(values.columns))
    )


def _graded(edges: pd.DataFrame, true: set[tuple[str, str]], prefix: str) -> dict[str, float]:
    """Return strict directed F1, skeleton F1, edges, and how many of them are right."""
    found = set(zip(edges["source"], edges["target"], strict=True))
    joined, wanted = {frozenset(pair) for pair in found}, {frozenset(pair) for pair in true}
    return {
        f"{prefix}directed": 2 * len(found & true) / max(len(found) + len(true), 1),
        f"{prefix}skeleton": 2 * len(joined & wanted) / max(len(joined) + len(wanted), 1),
        f"{prefix}edges": len(found),
        f"{prefix}right": len(found & true),
    }


if __name__ == "__main__":
    main()
