"""How time, memory and accuracy grow from 100 to 100,000 genes, peers and baselines beside.

``python -m benchmarks.scaling`` measures (peers need ``pip install -c constraints.txt -e '.[bench]'``);
``python -m benchmarks.scaling --figure docs/scaling.png`` draws the curve from the last table and measures nothing.

The curve is ER-2, standardised, 1,000 observations. Beside it stand hub graphs, scale-free graphs with the hubs as
causes, and ER-4 with more observations. A peer that was cut at ``--limit`` is not tried at larger sizes. Every row is
saved as soon as it is there; ``--resume`` keeps those that the same commit has measured.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from acyclome.evaluate.accuracy import Edges
from acyclome.evaluate.peers import PEERS
from acyclome.evaluate.trial import DONE, SORTS, sorted_edges, trial
from benchmarks.measure import learned, revision, warm_up
from benchmarks.problems import Problem, Protocol, find_bench
from benchmarks.report import publish
from benchmarks.tables import RESULTS, options

RUNS = RESULTS / "scaling.tsv"
CURVE = "ER-2"
OURS = "acyclome"
# Three times as many at each step, to the size of a genome with its isoforms.
SIZES = (100, 300, 1000, 3000, 10_000, 30_000, 100_000)
KEY = ["data", "d", "n", "method", "seed"]


@dataclass(frozen=True)
class Size:
    """Data of one kind and size."""

    protocol: Protocol
    d: int
    n: int
    has_peers: bool = False


def main() -> None:
    """Measure and write the table, or draw the figure."""
    given = _parser().parse_args()
    if given.figure is not None:
        from benchmarks.scaling_figure import draw

        draw(pd.read_csv(RUNS, sep="\t"), given.figure)
        return
    rows = _kept(given) if given.resume else []
    warm_up()
    for row in _measure(given, {tuple(row[name] for name in KEY) for row in rows}):
        rows.append(row)
        print(", ".join(f"{name} {row[name]}" for name in (*KEY, "status")), flush=True)
        if not given.no_results:
            pd.DataFrame(rows).to_csv(RUNS, sep="\t", index=False, float_format="%.6g")
    publish("scaling", rows, _command(given), given)


def _parser() -> argparse.ArgumentParser:
    parser = options(__doc__ or "", n=1000)
    add = parser.add_argument
    add("--sizes", type=int, nargs="*", default=list(SIZES), help="numbers of genes of the curve")
    add("--others", type=int, default=10_000, help="genes of the hub and scale-free graphs; 0 leaves them out")
    add("--dense", type=int, nargs=2, default=[4000, 10_000], metavar=("D", "N"), help="ER-4; 0 0 leaves it out")
    add("--one-seed-from", type=int, default=10_000, help="from this number of genes on only the first seed")
    add("--peer-seeds", type=int, default=1, help="seeds on which peers run")
    add("--sorts-to", type=int, default=10_000, help="largest d of the baselines that sort: they hold d x d matrices")
    add("--peers", nargs="*", default=list(PEERS), choices=list(PEERS), help="peers to run where installed")
    add("--limit", type=float, default=600.0, help="seconds after which a peer or baseline is ended")
    add("--resume", action="store_true", help="keep the rows of results/scaling.tsv that this commit has measured")
    add("--figure", type=Path, help="draw results/scaling.tsv into this file and measure nothing")
    return parser


def _sizes(given: argparse.Namespace) -> Iterator[Size]:
    for d in given.sizes:
        yield Size(Protocol(CURVE, "ER"), d, given.n, has_peers=True)
    if given.others:
        yield Size(Protocol("hub", "TF"), given.others, given.n)
        yield Size(Protocol("SF-out", "SF-out"), given.others, given.n)
    if all(given.dense):
        yield Size(Protocol("ER-4", "ER", degree=4.0), *given.dense)


def _measure(given: argparse.Namespace, done: set[tuple]) -> Iterator[dict[str, Any]]:
    """Yield a row for every trial; a problem is drawn once for all methods."""
    bench, commit = find_bench(given.bench), revision()
    cut: dict[str, int] = {}  # peers that did not finish, and at which size
    for size in _sizes(given):
        for turn, seed in enumerate(given.seeds[: 1 if size.d >= given.one_seed_from else None]):
            problem = size.protocol.draw(size.d, size.n, seed, bench)
            for name, work in _methods(problem, size, given).items():
                row = {"data": size.protocol.name, "d": size.d, "n": size.n, "method": name, "seed": seed}
                is_peer = name in PEERS
                if tuple(row.values()) in done or (is_peer and (turn >= given.peer_seeds or cut.get(name) == size.d)):
                    continue
                if is_peer and not PEERS[name].is_installed:
                    found: dict[str, Any] = {"status": "not installed"}
                elif name in cut:
                    found = {"status": f"not tried, see {cut[name]:,}"}
                else:
                    found = trial(work, problem.truth, problem.d, seed, None if name == OURS else given.limit)
                if is_peer and found["status"] != DONE:
                    cut.setdefault(name, size.d)
                yield row | found | {"commit": commit}


def _methods(problem: Problem, size: Size, given: argparse.Namespace) -> dict[str, Callable[[], Edges]]:
    found: dict[str, Callable[[], Edges]]
    found = {OURS: partial(learned, problem.X, problem.method_seed, given.threads)}
    if size.d <= given.sorts_to:
        found |= {name: partial(sorted_edges, problem.X, name, problem.method_seed) for name in SORTS}
    if size.has_peers:
        found |= {name: partial(PEERS[name].edges, problem.X) for name in given.peers}
    return found


def _kept(given: argparse.Namespace) -> list[dict[str, Any]]:
    if not RUNS.exists():
        return []
    table = pd.read_csv(RUNS, sep="\t")
    asked = {(size.protocol.name, size.d, size.n) for size in _sizes(given)}
    rows = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    tried = [row for row in rows if row["commit"] == revision() and row["status"] == DONE]
    return [row for row in tried if (row["data"], row["d"], row["n"]) in asked and row["seed"] in given.seeds]


def _command(given: argparse.Namespace) -> str:
    sizes = "" if tuple(given.sizes) == SIZES else f" --sizes {' '.join(map(str, given.sizes))}"
    return f"python -m benchmarks.scaling --limit {given.limit:g}{sizes}"


if __name__ == "__main__":
    main()
