"""DAGMA (Bello et al. 2022) rerun beside ours: ER-2, weights .5 to 2, equal noise, 100 genes.

``python -m benchmarks.dagma`` (needs ``pip install -c constraints.txt -e '.[bench]'``)

Raw data of this kind give the order away in their variances; standardised data do not. DAGMA runs with its own
settings. Ours with equal noise is what raw benchmarks assume; the default must give the same graph on raw and on
standardised data.
"""

from __future__ import annotations

import contextlib
import io
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import Cost, learned, measured, warm_up
from benchmarks.problems import Problem, Protocol, find_bench
from benchmarks.tables import HERE, means, options, publish

PROTOCOL = Protocol("raw", "ER", standardised=False, parent_share=None)
PEER = "DAGMA"
LAMBDA1 = 0.03


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", d=100, n=1000)
    parser.add_argument("--keep-peer", action="store_true", help="take DAGMA's rows from the last run of this size")
    given = parser.parse_args()
    kept = _last(HERE / "results" / "dagma.tsv", given.d) if given.keep_peer else []
    bench = find_bench(given.bench)
    warm_up()
    rows: list[dict[str, Any]] = list(kept)
    for seed in given.seeds:
        problem = PROTOCOL.draw(given.d, given.n, seed, bench)
        rows += _ours(problem, given.threads)
        if not kept:
            rows += _peers(problem)
    rows.sort(key=lambda row: (str(row["data"]), str(row["method"]), int(row["seed"])))
    names = ["data", "method", "skeleton", "class", "directed", "ceiling", "seconds", "cpu_seconds", "peak_mb"]
    table = means(rows, ("data", "method"))[[*names, "edges_unlike_raw"]]
    publish("dagma", rows, table, f"python -m benchmarks.dagma --d {given.d}", given)


def _ours(problem: Problem, threads: int) -> list[dict[str, Any]]:
    rows = []
    found = {}
    for data, noise in (("raw", "equal"), ("raw", "unequal"), ("standardised", "unequal")):
        X = problem.X if data == "raw" else problem.standardised().X
        edges, cost = measured(partial(learned, X, problem.method_seed, threads, score={"noise": noise}))
        found[data, noise] = set(zip(*(end.tolist() for end in edges), strict=True))
        name = "acyclome, default" if noise == "unequal" else "acyclome, equal noise"
        unlike = len(found[data, noise] ^ found["raw", noise]) if data != "raw" else float("nan")
        rows.append(_row(problem, data, name, edges, cost) | {"edges_unlike_raw": unlike})
    return rows


def _peers(problem: Problem) -> list[dict[str, Any]]:
    rows = []
    for data, X in (("raw", problem.X), ("standardised", problem.standardised().X)):
        edges, cost = measured(partial(_dagma, X))
        rows.append(_row(problem, data, PEER, edges, cost) | {"edges_unlike_raw": float("nan")})
    return rows


def _dagma(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from dagma.linear import DagmaLinear  # type: ignore[import-untyped]

    with contextlib.redirect_stderr(io.StringIO()):
        W = DagmaLinear(loss_type="l2").fit(X.copy(), lambda1=LAMBDA1)
    source, target = np.nonzero(W)
    return source, target


def _row(problem: Problem, data: str, method: str, edges: tuple[np.ndarray, np.ndarray], cost: Cost) -> dict[str, Any]:
    size = {"d": problem.d, "data": data, "method": method, "seed": problem.seed}
    return size | problem.scores(*edges) | cost.row()


def _last(path: Path, d: int) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    table = pd.read_csv(path, sep="\t")
    kept = table[(table["method"] == PEER) & (table["d"] == d)].drop(columns="same_graph_as_raw", errors="ignore")
    return [{str(name): value for name, value in row.items()} for row in kept.to_dict("records")]


if __name__ == "__main__":
    main()
