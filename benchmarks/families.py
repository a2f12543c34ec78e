"""Every family of structural models on data of its own kind, at any size: time, memory and accuracy; the linear beside.

``python -m benchmarks.families [--d 2000] [--families spline glm] [--still]``; nonlinear mechanisms are those of the
independent simulator, counts those of the package's own.  ``--still`` does not shake.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from acyclome.evaluate.simulate import simulate
from benchmarks.counts import LAW, learned_counts
from benchmarks.measure import learned, measured, warm_up_for
from benchmarks.problems import METHOD, Problem, Protocol, find_bench
from benchmarks.report import publish
from benchmarks.tables import SEEDS, options

Edges = tuple[np.ndarray, np.ndarray]
COUNTS = "negative binomial"
CASES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "gp-rff": ({"mechanism": "gp-rff"}, ("polynomial", "sobolev", "spline")),
    "mlp": ({"mechanism": "mlp"}, ("mlp",)),
    "laplace": ({"noise": "laplace"}, ("lingam",)),
    COUNTS: ({}, ("glm",)),
}
FAMILIES = [model for _, models in CASES.values() for model in models]


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", d=2000, n=1000)
    parser.add_argument("--families", nargs="+", default=FAMILIES, choices=FAMILIES, help="only these of the families")
    parser.add_argument("--still", action="store_true", help="do not shake")
    given = parser.parse_args()
    rows = []
    for case, (extras, models) in CASES.items():
        chosen = [model for model in models if model in given.families]
        for seed in given.seeds if chosen else ():
            problem, counted = _counts(given, seed) if case == COUNTS else (_drawn(case, extras, given, seed), None)
            for name, method in _methods(problem, chosen, given, counted):
                edges, cost = measured(method)
                scores = {key: problem.scores(*edges)[key] for key in ("skeleton", "directed")}
                rows.append({"data": case, "genes": given.d, "model": name, "seed": seed, **scores, **cost.row()})
    words = [f"--d {given.d}", *["--still"] * given.still]
    words += ["--families", *given.families] if given.families != FAMILIES else []
    words += ["--seeds", *map(str, given.seeds)] if given.seeds != list(SEEDS) else []
    publish(f"families-{given.d}", rows, f"python -m benchmarks.families {' '.join(words)}", given)


def _methods(
    problem: Problem, models: list[str], given: argparse.Namespace, counted: Callable[[], Edges] | None
) -> Iterator[tuple[str, Callable[[], Edges]]]:
    """Yield the families and the linear model, ready and warm."""
    still = {"search": {"perturbations": 0}} if given.still else {}
    for model in [*models, "linear"]:
        config = {"model": model, **(still if model != "linear" else {})}
        warm_up_for([config] * (model != "glm"))
        ours = partial(learned, problem.X, problem.method_seed, given.threads, **config)
        yield model, counted if model == "glm" and counted else ours


def _drawn(case: str, extras: dict[str, Any], given: argparse.Namespace, seed: int) -> Problem:
    share = None if "mechanism" in extras else Protocol("", "ER").parent_share
    return Protocol(case, "ER", parent_share=share, extras=extras).draw(given.d, given.n, seed, find_bench(given.bench))


def _counts(given: argparse.Namespace, seed: int) -> tuple[Problem, Callable[[], Edges]]:
    drawn, few = (simulate(d, given.n, noise="negative-binomial", seed=seed) for d in (given.d, 20))
    logs = np.log1p(drawn.X / (1.0 if drawn.size is None else drawn.size)[:, None])
    learned_counts(few, LAW, METHOD, 1)  # compiles
    problem = Problem(COUNTS, seed, logs, drawn.source, drawn.target)
    return problem, partial(learned_counts, drawn, LAW, METHOD + seed, given.threads, 0 if given.still else 1)


if __name__ == "__main__":
    main()
