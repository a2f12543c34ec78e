"""DREAM4 challenge, 100 genes, multifactorial: area under precision and recall of ``ranking.tsv.gz``.

``python -m benchmarks.dream``

Default options, no regulator list, means over the seeds of the method. Beside it: absolute correlation, and figures of
tree ensembles that we measured once on the same files (extra trees as in GENIE3, 100 trees; GRNBoost2).
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from acyclome.cli.truth import read_truth
from benchmarks.rankings import rank_and_score
from benchmarks.tables import means, options, publish

NAN = float("nan")
PEERS = {1: (0.137, 0.114), 2: (0.145, 0.110), 3: (NAN, NAN)}


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "")
    parser.set_defaults(seeds=[1, 2, 3])
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for number, (trees, boosted) in PEERS.items():
        stem = given.data / "dream4" / f"insilico_size100_{number}_multifactorial"
        expression = pd.read_csv(f"{stem}.tsv.gz", sep="\t").rename(lambda row: f"sample_{row}")
        truth = read_truth(stem.with_name(f"{stem.name}_goldstandard.tsv.gz"))
        for seed in given.seeds:
            found = rank_and_score(expression, truth, seed, given.threads)
            rows.append({"data": f"DREAM4 {number}", "seed": seed, **found, "trees": trees, "GRNBoost2": boosted})
    columns = ["aupr", "trees", "GRNBoost2", "correlation_aupr", "auroc", "ranked", "seconds", "cpu_seconds"]
    publish(
        "dream", rows, means(rows, ["data"], shares=["ranked"])[["data", *columns]], "python -m benchmarks.dream", given
    )


if __name__ == "__main__":
    main()
