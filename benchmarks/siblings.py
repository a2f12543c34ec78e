"""Targets of one regulator joined to one another: networks learned from expression and from activities.

``python -m benchmarks.siblings [--cells 300] [--networks DS1 DS2 DS3]``

Cells of SERGIO's networks (``benchmarks/sergio.py``, logarithms), and hub graphs of 200 genes whose targets
saturate in an activity that strays from expression, without resamples and told no regulator.  Beside ``activity none``
and the default, ``the true activity`` takes the place of the regulators' expression where it is known, and ``told``
has a list of regulators.  ``siblings``: share of the false adjacencies that join two targets of one regulator, beside
that share among all pairs that are not adjacent.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from acyclome import learn
from acyclome.evaluate.kinetics import Hill
from acyclome.evaluate.ranking import aupr
from acyclome.evaluate.simulate import simulate
from benchmarks.problems import METHOD
from benchmarks.regimes import scores
from benchmarks.report import publish
from benchmarks.sergio import DATA_SETS, sergio
from benchmarks.tables import options

SURE = 0.9
STRAYS = (0.0, 0.25, 0.5)


class _Data(NamedTuple):
    name: str
    X: np.ndarray
    edges: tuple[np.ndarray, np.ndarray]
    active: np.ndarray | None  # the same with activity in place of the expression of regulators, where it is known


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", cells=300)
    parser.set_defaults(seeds=[11])
    parser.add_argument("--networks", nargs="+", choices=DATA_SETS, default=["DS1", "DS2"], help="of SERGIO")
    given = parser.parse_args()
    publish("siblings", list(_rows(given)), "python -m benchmarks.siblings", given)


def _rows(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for seed in given.seeds:
        for data in _drawn(given, seed):
            told = np.unique(data.edges[0])
            yield _row(data, data.X, "activity none", seed, threads=given.threads, activity="none")
            yield _row(data, data.X, "default", seed, threads=given.threads)
            if data.active is not None:
                yield _row(data, data.active, "the true activity", seed, threads=given.threads, activity="none")
            yield _row(data, data.X, "default, told", seed, threads=given.threads, told=told)


def _drawn(given: argparse.Namespace, seed: int) -> Iterator[_Data]:
    for name in given.networks:
        cells = sergio(given.data, name, cells=given.cells, seed=seed)
        X = np.log1p(cells.X)
        active = X.copy()
        active[:, cells.regulators] = cells.activity
        yield _Data(f"SERGIO {name}", X, (cells.source, cells.target), active)
    for stray in STRAYS:
        drawn = simulate(200, 1000, graph="hub", standardised=True, mechanism=Hill(activity_noise=stray), seed=seed)
        yield _Data(f"hill, activity noise {stray:g}", drawn.X, (drawn.source, drawn.target), None)


def _row(
    data: _Data, X: np.ndarray, method: str, seed: int, *, threads: int, told: np.ndarray | None = None, **config: str
) -> dict[str, Any]:
    d = X.shape[1]
    genes = [f"gene_{k}" for k in range(d)]
    began = time.process_time()
    network = learn(
        X,
        genes,
        regulators=None if told is None else [genes[k] for k in told],
        resamples=0,
        seed=METHOD + seed,
        threads=threads,
        config=config,
    )
    took = time.process_time() - began
    true = np.zeros((d, d), bool)
    true[data.edges] = True
    sure = network.edges["score"].to_numpy() >= SURE
    right = true[network.source[sure], network.target[sure]]
    place = {gene: k for k, gene in enumerate(genes)}
    ranked = (network.ranking[end].map(place).to_numpy() for end in ("source", "target"))
    area = aupr(network.ranking["rank_score"].to_numpy(), true[tuple(ranked)], n_pairs=d * (d - 1), n_true=true.sum())
    return {
        "data": data.name,
        "method": method,
        "seed": seed,
        **scores(data.edges, (network.source, network.target), d, seed),
        "aupr": area,
        "sure": int(sure.sum()),
        "sure_right": float(right.mean()) if len(right) else np.nan,
        "cpu_seconds": took,
    }


if __name__ == "__main__":
    main()
