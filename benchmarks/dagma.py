"""DAGMA (Bello et al. 2022) rerun beside ours: ER-2, weights .5 to 2, equal noise, 100 genes.

``python -m benchmarks.dagma`` (needs ``pip install -c constraints.txt -e '.[bench]'``);
``python -m benchmarks.dagma --d 300 --equal-only`` leaves the standardised data and our default out.

Raw data of this kind give the order away in their variances; standardised data do not. DAGMA runs with its own
settings. Ours with equal noise is what raw benchmarks assume; the default must give the same graph on raw and on
standardised data. ``times_ours`` is the processor time over that of ours with equal noise.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from acyclome.evaluate.peers import PEERS
from benchmarks.measure import Cost, learned, measured, warm_up
from benchmarks.problems import Problem, Protocol, find_bench
from benchmarks.report import publish
from benchmarks.summaries import EQUAL_NOISE
from benchmarks.tables import RESULTS, options

PROTOCOL = Protocol("raw", "ER", standardised=False, parent_share=None)
PEER = "DAGMA"
WAYS = (("raw", "equal"), ("raw", "unequal"), ("standardised", "unequal"))


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", d=100, n=1000)
    parser.add_argument("--keep-peer", action="store_true", help="take DAGMA's rows from the last run of this size")
    parser.add_argument("--equal-only", action="store_true", help="raw data only, and of ours only with equal noise")
    given = parser.parse_args()
    name = "dagma" if given.d == 100 else f"dagma-{given.d}"
    kept = _last(RESULTS / f"{name}.tsv", given.d) if given.keep_peer else []
    bench = find_bench(given.bench)
    warm_up()
    rows: list[dict[str, Any]] = list(kept)
    for seed in given.seeds:
        problem = PROTOCOL.draw(given.d, given.n, seed, bench)
        rows += _ours(problem, given.threads, WAYS[: 1 if given.equal_only else None])
        if not kept:
            rows += _peers(problem, ("raw",) if given.equal_only else ("raw", "standardised"))
    rows.sort(key=lambda row: (str(row["data"]), str(row["method"]), int(row["seed"])))
    publish(name, rows, f"python -m benchmarks.dagma --d {given.d}" + " --equal-only" * given.equal_only, given)


def _ours(problem: Problem, threads: int, ways: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    rows = []
    found = {}
    for data, noise in ways:
        X = problem.X if data == "raw" else problem.standardised().X
        edges, cost = measured(partial(learned, X, problem.method_seed, threads, score={"noise": noise}))
        found[data, noise] = set(zip(*(end.tolist() for end in edges), strict=True))
        name = "acyclome, default" if noise == "unequal" else EQUAL_NOISE
        unlike = len(found[data, noise] ^ found["raw", noise]) if data != "raw" else float("nan")
        rows.append(_row(problem, data, name, edges, cost) | {"edges_unlike_raw": unlike})
    return rows


def _peers(problem: Problem, scalings: tuple[str, ...]) -> list[dict[str, Any]]:
    rows = []
    for data in scalings:
        X = problem.X if data == "raw" else problem.standardised().X
        edges, cost = measured(partial(PEERS[PEER].edges, X))
        rows.append(_row(problem, data, PEER, edges, cost) | {"edges_unlike_raw": float("nan")})
    return rows


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
