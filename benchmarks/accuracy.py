"""Accuracy on standardised simulations, every baseline at the same size and seed beside it.

``python -m benchmarks.accuracy [--d 2000] [--protocols hub] [--methods acyclome "falling R2"]``
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial

import numpy as np

from acyclome.evaluate.baselines import correlation_ranking
from acyclome.evaluate.trial import SORTS, sorted_edges
from benchmarks.measure import learned, measured, warm_up
from benchmarks.problems import Problem, Protocol, find_bench
from benchmarks.report import publish
from benchmarks.tables import options

PROTOCOLS = (
    Protocol("ER-2", "ER"),
    Protocol("SF-out", "SF-out"),
    Protocol("hub", "TF"),
    Protocol("hub, measurement noise .3", "TF", extras={"measurement_noise": 0.3}),
    Protocol("hub, 10% hidden causes", "TF", extras={"hidden": 0.1}),
)
D = 2000  # where every method still ends in seconds
Method = Callable[[Problem], tuple[np.ndarray, np.ndarray]]


def methods(threads: int) -> dict[str, Method]:
    """Return what is measured, by name."""
    found: dict[str, Method] = {"acyclome": lambda p: learned(p.X, p.method_seed, threads)}
    found |= {name: partial(_sorted, name=name) for name in SORTS}
    return found | {"correlation": _strongest_pairs}


def main() -> None:
    """Measure and write the table."""
    parser, known = options(__doc__ or "", d=D, n=1000), methods(1)
    parser.add_argument("--protocols", nargs="+", default=[p.name for p in PROTOCOLS], help="only these of the data")
    parser.add_argument("--methods", nargs="+", default=list(known), help="only these of the methods")
    given = parser.parse_args()
    bench = find_bench(given.bench)
    warm_up()
    rows = []
    for protocol in (p for p in PROTOCOLS if p.name in given.protocols):
        for seed in given.seeds:
            problem = protocol.draw(given.d, given.n, seed, bench)
            for name, method in ((n, m) for n, m in methods(given.threads).items() if n in given.methods):
                (source, target), cost = measured(partial(method, problem))
                scores = problem.scores(source, target)
                rows.append({"data": protocol.name, "method": name, "seed": seed, **scores, **cost.row()})
    words = [f"--d {given.d}"]
    words += [shlex.join(["--protocols", *given.protocols])] * (len(given.protocols) < len(PROTOCOLS))
    words += [shlex.join(["--methods", *given.methods])] * (len(given.methods) < len(known))
    name = "accuracy" if given.d == D else f"accuracy-{given.d}"
    publish(name, rows, f"python -m benchmarks.accuracy {' '.join(words)}", given)


def _sorted(problem: Problem, name: str) -> tuple[np.ndarray, np.ndarray]:
    return sorted_edges(problem.X, name, problem.method_seed)


def _strongest_pairs(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """As many of the most correlated pairs as there are true edges (more than a method may know), in a random order."""
    source, target, score = correlation_ranking(problem.X)
    place = np.random.default_rng(problem.method_seed).permutation(problem.d)
    forward = np.flatnonzero(place[source] < place[target])
    best = forward[np.argsort(-score[forward], kind="stable")[: len(problem.source)]]
    return source[best], target[best]


if __name__ == "__main__":
    main()
