"""SynTReN sets of the NO-BEARS paper: area under precision and recall of ``ranking.tsv.gz``, beside the published.

``python -m benchmarks.syntren [--models linear polynomial]``

Default options, no regulator list; background genes (``bgr_``) are left out, as the paper does. Means over the seeds of
the method. The published figures are read from the result files beside the data.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pandas as pd

from acyclome.cli.truth import read_truth
from benchmarks.rankings import rank_and_score
from benchmarks.report import publish
from benchmarks.tables import options

SETS = tuple(
    f"{name}_{size}"
    for name in ("DAG1", "EColi")
    for size in ("d100_n100", "d100_n500", "d100_n1000", "d300_n100", "d300_n500")
)
BACKGROUND = "bgr_"
PUBLISHED = {"NO-BEARS": "NOBEARS_benchmark_result.csv", "NOTEARS": "NOTEARS_benchmark_result.csv"}


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "")
    parser.set_defaults(seeds=[1, 2, 3])
    parser.add_argument("--models", nargs="+", default=["linear", "polynomial"], help="structural models")
    given = parser.parse_args()
    folder = given.data / "syntren_nobears"
    rows: list[dict[str, Any]] = []
    for name in SETS:
        expression, truth = read_set(folder, name)
        for model, seed in itertools.product(given.models, given.seeds):
            found = rank_and_score(expression, truth, seed, given.threads, model=model)
            rows.append({"data": name, "model": model, "seed": seed, **found, **_published(folder, name)})
    publish("syntren", rows, "python -m benchmarks.syntren", given)


def read_set(folder: Path, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return observations x genes, and the true edges, background left out of both."""
    table = pd.read_csv(folder / f"{name}_maxExpr1_dataset.txt.gz", sep="\t", index_col=0)
    table = table[~table.index.str.startswith(BACKGROUND)]
    truth = read_truth(folder / f"{name}_network.sif")
    return table.T, truth[truth["source"].isin(table.index) & truth["target"].isin(table.index)]


def _published(folder: Path, name: str) -> dict[str, float]:
    found = {}
    for method, file in PUBLISHED.items():
        table = pd.read_csv(folder / file).set_index("experiment")["aupr"]
        found[method] = float(table.get(f"syntern/{name}", float("nan")))
    return found


if __name__ == "__main__":
    main()
