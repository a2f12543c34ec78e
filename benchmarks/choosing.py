"""Model auto: what it chooses on data of known make, what it compares, and whether another finds the graph better.

``python -m benchmarks.choosing [--d 20] [--cases mlp gauss counts]``: nonlinear mechanisms and laws of noise of the
independent simulator, and negative binomial counts of the package's own with their size factors.  The truth is looked
at only to score what was learned.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from acyclome import Config
from acyclome.evaluate.simulate import simulate
from acyclome.io.store import MemoryStore
from acyclome.models import model_names
from benchmarks.measure import measured
from benchmarks.problems import METHOD, Problem, Protocol, find_bench
from benchmarks.report import publish
from benchmarks.stores import session_on
from benchmarks.summaries import AUTO
from benchmarks.tables import options

MECHANISMS, NOISES, COUNTS = ("gp-add", "gp-rff", "mim", "mlp"), ("gauss", "exp", "laplace"), "counts"
Learned = tuple[tuple[np.ndarray, np.ndarray], dict[str, Any]]


def main() -> None:
    """Measure and write the tables."""
    parser = options(__doc__ or "", d=20, n=1000)
    parser.add_argument("--cases", nargs="+", default=[*MECHANISMS, *NOISES, COUNTS], help="what the data are made by")
    given = parser.parse_args()
    _warm_up()
    rows = [
        {"case": case, "seed": seed, **row}
        for case in given.cases
        for seed in given.seeds
        for row in _models(*_draw(case, given, seed), METHOD + seed, given.threads)
    ]
    publish("choosing-models", rows, f"python -m benchmarks.choosing --d {given.d}", given)


def _warm_up() -> None:
    drawn = simulate(12, 200, noise="negative-binomial", seed=1)
    store = MemoryStore(drawn.X.T, drawn.genes, obs_columns=pd.DataFrame({"size": drawn.size}))
    for name in (AUTO, *model_names()):
        _learn(store, name, 1, 1, is_counted=True)


def _draw(case: str, given: argparse.Namespace, seed: int) -> tuple[Problem, MemoryStore]:
    """Return a problem, and its data as they are learned from."""
    if case == COUNTS:
        drawn = simulate(given.d, given.n, noise="negative-binomial", seed=seed)
        problem = Problem(case, seed, drawn.X, drawn.source, drawn.target)
        return problem, MemoryStore(drawn.X.T, drawn.genes, obs_columns=pd.DataFrame({"size": drawn.size}))
    if case in NOISES:
        protocol = Protocol(case, "ER", extras={"noise": case})
    else:
        protocol = Protocol(case, "ER", parent_share=None, extras={"mechanism": case})
    problem = protocol.draw(given.d, given.n, seed, find_bench(given.bench))
    return problem, MemoryStore(problem.X.T, [f"gene_{k}" for k in range(given.d)])


def _models(problem: Problem, store: MemoryStore, seed: int, threads: int) -> list[dict[str, Any]]:
    """Learn with model auto, and with every model that it compares; one row each."""
    (edges, choice), cost = measured(partial(_learn, store, AUTO, seed, threads, is_counted=problem.name == COUNTS))
    found = {row["model"]: row for row in choice["compared"]}
    rows = [
        {
            "model": AUTO,
            "chosen": False,
            "choice": choice["name"],
            "directed": problem.scores(*edges)["directed"],
            **cost.row(),
        }
    ]
    for name in (name for name in model_names() if name in found):
        (edges, _), cost = measured(partial(_learn, store, name, seed, threads, is_counted=problem.name == COUNTS))
        held = {key: found[name][key] for key in ("log_density", "behind", "standard_error")}
        rows.append(
            {
                "model": name,
                "chosen": name == choice["name"],
                "choice": choice["name"],
                **held,
                "directed": problem.scores(*edges)["directed"],
                **cost.row(),
            }
        )
    return rows


def _learn(store: MemoryStore, model: str, seed: int, threads: int, *, is_counted: bool) -> Learned:
    """Learn from the data, or for models that do not take counts from ``log(1 + y / s)``."""
    if is_counted and model not in (AUTO, "glm"):
        counts = store.block(0, store.n_vars)
        store = MemoryStore(np.log1p(counts / store.obs_columns["size"].to_numpy()), store.genes)
    config = Config.from_mapping({"model": model, "glm": {"size_factors": "size" if is_counted else "total"}})
    network = session_on(store, config.with_options({"resample.resamples": 0, "seed": seed}), threads).learn()
    place = {gene: k for k, gene in enumerate(network.genes)}
    source, target = (network.edges[end].map(place).to_numpy(np.int64) for end in ("source", "target"))
    return (source, target), network.facts["model"]


if __name__ == "__main__":
    main()
