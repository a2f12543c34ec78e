"""Counts of latent networks: logarithms, and what counts tell of the expression behind them.

``python -m benchmarks.latent [--n 4000]`` draws linear networks (ER-2 with 300 genes, hubs with 200) and counts of
their values at several depths.  Model linear, its other options at their defaults, no resamples, knows the counts
alone: as logarithms at equal totals, or with ``prepare.transform: latent``; ``values`` are the latent ones, never seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from acyclome.cli.methods import learned
from acyclome.evaluate.simulate import Simulation, simulate
from acyclome.evaluate.trial import figures
from acyclome.evaluate.umi import DispersedUmi, Umi, normalized
from benchmarks.measure import measured
from benchmarks.problems import METHOD
from benchmarks.report import publish
from benchmarks.tables import options

GRAPHS: dict[str, dict[str, Any]] = {"ER-2": {"d": 300, "graph": "er"}, "hub": {"d": 200, "graph": "hub"}}
COUNTED = {
    "no edges, .5 to 20": Umi((0.5, 20.0)),
    ".1 to 3": Umi((0.1, 3.0)),
    ".5 to 5": Umi((0.5, 5.0)),
    ".5 to 5, negative binomial": DispersedUmi((0.5, 5.0)),
    "5 to 50": Umi((5.0, 50.0)),
}
SHOWN = ("skeleton", "directed", "precision", "recall")


def main() -> None:
    """Measure and write the table."""
    given = options(__doc__ or "", n=4000).parse_args()
    rows = [row for seed in given.seeds for row in _rows(seed, given.n, given.threads)]
    publish("latent", rows, "python -m benchmarks.latent", given)


def _rows(seed: int, n: int, threads: int) -> Iterator[dict[str, Any]]:
    for graph, settings in GRAPHS.items():
        for depth, observation in COUNTED.items():
            is_null = depth.startswith("no edges")
            if is_null and graph != "ER-2":
                continue
            degree = 0.0 if is_null else 2.0
            drawn = simulate(n=n, degree=degree, observation=observation, seed=seed, **settings)
            for method, X, config in _methods(drawn):
                found, cost = measured(partial(learned, X, METHOD + seed, threads, **config))
                scores = {} if is_null else figures((drawn.source, drawn.target), found, len(drawn.genes), seed)
                yield {
                    "graph": graph,
                    "mean counts": depth,
                    "method": method,
                    "seed": seed,
                    "edges": len(found[0]),
                    **{name: float(scores.get(name, float("nan"))) for name in SHOWN},
                    "cpu_seconds": cost.row()["cpu_seconds"],
                }


def _methods(drawn: Simulation) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    if drawn.latent is None or drawn.counts is None:
        msg = "The simulator gave no counts of latent values."
        raise TypeError(msg)
    yield "values", drawn.latent, {}
    yield "logarithms", normalized(drawn.counts.T).T, {}
    yield "latent", drawn.counts, {"prepare": {"transform": "latent"}}


if __name__ == "__main__":
    main()
