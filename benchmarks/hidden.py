"""Hidden causes: networks under factors beside the same without any, and independent genes under factors.

``python -m benchmarks.hidden`` learns with default options, without resamples, from networks of the package's simulator
with and without factors, and from the independent one with a tenth of the regulators left out (needs ``--bench``).
``--independent`` counts the genes that get an edge where none causes
another: one edge in 100 genes joins 2 % of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from acyclome.evaluate.factors import NO_FACTORS, Factors
from acyclome.evaluate.simulate import Simulation, simulate
from acyclome.evaluate.trial import figures
from benchmarks.measure import learned, measured
from benchmarks.problems import METHOD, Problem, Protocol, find_bench
from benchmarks.report import publish
from benchmarks.tables import options

SHARED = {
    "5 factors of .5": Factors(5, share=0.5),
    "5 factors of .5, on half": Factors(5, share=0.5, coverage=0.5),
}
NETWORKS = (  # kind, graph, genes, observations
    *(("ER-2", "er", 400, 1000), ("hub", "hub", 400, 1000), ("ER-2", "er", 400, 5000), ("hub", "hub", 400, 5000)),
    *(("ER-2", "er", 2000, 1000), ("hub", "hub", 2000, 1000)),
)
REGULATORS = Protocol("hub", "TF", extras={"hidden": 0.1})
FACTORS = SHARED | {
    "nothing": NO_FACTORS,
    "3 factors of .3 on half": Factors(3, share=0.3, coverage=0.5),
    "2 batches of .4": Factors(2, share=0.4, kind="batch"),
    "depth of .3": Factors(1, share=0.3, kind="depth"),
}
SIZES = ((100, 1000), (500, 1000))  # genes, observations


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "")
    parser.add_argument("--independent", action="store_true", help="measure on independent genes instead")
    given = parser.parse_args()
    name, rows = ("independent", _independent(given)) if given.independent else ("hidden", _networks(given))
    words = ["python -m benchmarks.hidden", *["--independent"] * given.independent, "--seeds", *given.seeds]
    publish(name, list(rows), " ".join(map(str, words)), given)


def _networks(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield a row for each network, of genes that the factors leave their graph."""
    for (name, graph, d, n), seed in product(NETWORKS, given.seeds):
        draw = partial(simulate, d, n, graph=graph, standardised=True, seed=seed)
        for hidden, factors in {"nothing": NO_FACTORS, **SHARED}.items():
            yield {
                "data": name,
                "genes": d,
                "observations": n,
                "hidden": hidden,
                "seed": seed,
                **_found(draw(factors=factors), given, seed),
            }
        if name == REGULATORS.name and find_bench(given.bench):
            problem = REGULATORS.draw(d, n, seed, given.bench)
            row = {"data": name, "genes": d, "observations": n, "hidden": "a tenth of the regulators", "seed": seed}
            yield row | _found(problem, given, seed)


def _found(drawn: Simulation | Problem, given: argparse.Namespace, seed: int) -> dict[str, Any]:
    found, cost = measured(partial(learned, drawn.X, METHOD + seed, given.threads))
    scores = figures((drawn.source, drawn.target), found, drawn.X.shape[1], seed)
    shown = {key: scores[key] for key in ("skeleton", "directed", "precision", "recall")}
    return {"edges": len(found[0]), **shown, "cpu_seconds": cost.row()["cpu_seconds"]}


def _independent(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for (d, n), name, seed in product(SIZES, FACTORS, given.seeds):
        X = simulate(d, n, degree=0.0, factors=FACTORS[name], standardised=True, seed=seed).X
        (source, target), cost = measured(partial(learned, X, METHOD + seed, given.threads))
        row = {"hidden": name, "genes": d, "observations": n, "seed": seed, "edges": len(source)}
        yield row | {"joined": len(np.union1d(source, target)) / d, "cpu_seconds": cost.row()["cpu_seconds"]}


if __name__ == "__main__":
    main()
