"""Every family of structural models on data of its own kind, at any size: time, memory and accuracy; the linear beside.

``python -m benchmarks.families [--d 2000] [--families spline glm] [--still]``; nonlinear mechanisms are those of the
independent simulator, counts those of the package's own.  ``--still`` does not shake.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from acyclome.evaluate.simulate import simulate
from benchmarks.counts import LAW, learned_counts
from benchmarks.measure import learned, measured, warm_up_for
from benchmarks.problems import METHOD, Problem, Protocol, find_bench
from benchmarks.tables import means, options, publish

Edges = tuple[np.ndarray, np.ndarray]
CASES = {
    "polynomial": {"mechanism": "gp-add"},
    "sobolev": {"mechanism": "gp-add"},
    "spline": {"mechanism": "gp-rff"},
    "mlp": {"mechanism": "mlp"},
    "lingam": {"noise": "laplace"},
}


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", d=2000, n=1000)
    parser.add_argument("--families", nargs="+", default=[*CASES, "glm"], help="only these of the families")
    parser.add_argument("--still", action="store_true", help="do not shake")
    given = parser.parse_args()
    rows = []
    for family in given.families:
        for seed in given.seeds:
            problem, own = (_counts if family == "glm" else partial(_drawn, family))(given, seed)
            for name, method in ((family, own), ("linear", partial(_learned, problem, given, "linear"))):
                (source, target), cost = measured(method)
                scores = problem.scores(source, target)
                kept = {key: scores[key] for key in ("skeleton", "directed")}
                rows.append({"data": problem.name, "genes": given.d, "model": name, "seed": seed, **kept, **cost.row()})
    words = [f"--d {given.d}", *["--still"] * given.still]
    words += ["--families", *given.families] if len(given.families) <= len(CASES) else []
    shaken = ", not shaken" * given.still
    publish(f"families-{given.d}{'-still' * given.still}", rows, means(rows, ("data", "genes", "model")),
            f"python -m benchmarks.families {' '.join(words)}", given,
            title=f"Families at {given.d:,} genes{shaken}")  # fmt: skip


def _drawn(family: str, given: argparse.Namespace, seed: int) -> tuple[Problem, Callable[[], Edges]]:
    extras: dict[str, Any] = CASES[family]
    share = None if "mechanism" in extras else Protocol("", "ER").parent_share
    problem = Protocol("".join(extras.values()), "ER", parent_share=share, extras=extras).draw(
        given.d, given.n, seed, find_bench(given.bench)
    )
    warm_up_for([{"model": family}, {}])
    return problem, partial(_learned, problem, given, family)


def _counts(given: argparse.Namespace, seed: int) -> tuple[Problem, Callable[[], Edges]]:
    drawn, few = (simulate(d, given.n, noise="negative-binomial", seed=seed) for d in (given.d, 20))
    logs = np.log1p(drawn.X / (1.0 if drawn.size is None else drawn.size)[:, None])
    learned_counts(few, LAW, METHOD, 1)  # compiles
    problem = Problem("negative binomial", seed, logs, drawn.source, drawn.target)
    return problem, partial(learned_counts, drawn, LAW, METHOD + seed, given.threads, 0 if given.still else 1)


def _learned(problem: Problem, given: argparse.Namespace, model: str) -> Edges:
    still = {"score": {"restarts": 0}} if given.still and model != "linear" else {}
    return learned(problem.X, problem.method_seed, given.threads, model=model, **still)


if __name__ == "__main__":
    main()
