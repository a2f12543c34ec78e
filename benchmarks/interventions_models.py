"""Interventions where effects are curves, or genes are counts: what labels add to the models made for these.

``python -m benchmarks.interventions_models [--d 100] [--models glm spline mlp]``

ER-2, 1,000 observations without and 20 with an intervention on every gene, one at a time.  Functions are those of the
independent simulator, drawn once for all observations; an intervention sets a gene to -2 of its own standard
deviations.  Counts are negative binomial; an intervention leaves a tenth of the mean, whatever the causes say.  Three
ways as in ``benchmarks.interventions``: without these observations, with them but without their labels, and with both.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from acyclome.config import Config
from acyclome.evaluate.counts import DISPERSIONS, MEANS, SIZE_SPREAD
from acyclome.io.store import MemoryStore
from benchmarks.interventions import Found, scores
from benchmarks.measure import measured, warm_up_for
from benchmarks.problems import COLUMNS, SHARE, Problem, load
from benchmarks.report import publish
from benchmarks.stores import session_on
from benchmarks.tables import options

MECHANISMS = {"glm": "counts", "spline": "gp-add", "mlp": "mlp"}
TIMES, SET_TO, KNOCKED_DOWN = 20, -2.0, 0.1
DRAWS = 0xAC7ED  # stream of functions, noise and counts here, apart from those of the simulator's own draws


class Drawn:
    """One data set: values ``(n, d)``, the target of every observation, -1 for none, and size factors of counts."""

    def __init__(self, problem: Problem, target: np.ndarray, size: np.ndarray | None) -> None:
        self.problem, self.target, self.size = problem, target, size

    def without_interventions(self) -> Drawn:
        """Return the observations in which nothing was done."""
        quiet, p = self.target < 0, self.problem
        return Drawn(
            Problem(p.name, p.seed, p.X[quiet], p.source, p.target),
            self.target[quiet],
            None if self.size is None else self.size[quiet],
        )


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", d=100, n=1000)
    parser.add_argument("--models", nargs="+", default=list(MECHANISMS), choices=list(MECHANISMS), help="only these")
    given = parser.parse_args()
    warm_up_for({"model": model} for model in given.models if model != "glm")
    words = [f"--d {given.d}", *(["--models", *given.models] if given.models != list(MECHANISMS) else [])]
    command = f"python -m benchmarks.interventions_models {' '.join(words)}"
    publish("interventions-models", list(_rows(given)), command, given)


def _rows(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for model in given.models:
        for seed in given.seeds:
            drawn = draw(given, MECHANISMS[model], seed)
            for road, data, told in (
                ("observations only", drawn.without_interventions(), False),
                ("interventions, no labels", drawn, False),
                ("interventions, labels", drawn, True),
            ):
                found, cost = measured(partial(learned, data, model, told=told, threads=given.threads))
                row = {"data": MECHANISMS[model], "model": model, "road": road, "seed": seed}
                row |= {**scores(data.problem, found), **cost.row()}
                yield row


def draw(given: argparse.Namespace, mechanism: str, seed: int) -> Drawn:
    """Draw one data set, columns dealt out anew."""
    outside = load(given.bench / "simulate.py")
    edges, order, _ = outside.make_graph(given.d, 2.0, "ER", seed)
    target = np.concatenate([np.full(given.n, -1), np.repeat(np.arange(given.d), TIMES)])
    rng = np.random.default_rng([DRAWS, seed])
    size = None
    if mechanism == "counts":
        X, size = _counts(edges, order, target, rng)
    else:
        X = _functions(edges, order, target, rng, partial(outside._mechanism, mechanism))
        X = (X - X[target < 0].mean(axis=0)) / X[target < 0].std(axis=0)
    place = np.random.default_rng([COLUMNS, seed]).permutation(given.d)
    problem = Problem(mechanism, seed, X[:, np.argsort(place)], place[edges[:, 0]], place[edges[:, 1]])
    return Drawn(problem, np.where(target >= 0, place[target], -1), size)


def _functions(
    edges: np.ndarray, order: np.ndarray, target: np.ndarray, rng: np.random.Generator, mechanism: Any
) -> np.ndarray:
    """Draw genes along the order, one function of the causes for all observations, noise of unit variance."""
    quiet, X = target < 0, np.empty((len(target), len(order)))
    for j in order:
        parents = edges[edges[:, 1] == j, 0]
        signal = mechanism(X[:, parents], rng) if len(parents) else 0.0
        X[:, j] = signal + rng.standard_normal(len(target))
        mean, deviation, acted = X[quiet, j].mean(), X[quiet, j].std(), target == j
        X[acted, j] = mean + deviation * (SET_TO + 0.1 * rng.standard_normal(acted.sum()))
    return X


def _counts(
    edges: np.ndarray, order: np.ndarray, target: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw counts along the order by the law of :mod:`acyclome.evaluate.counts`, and the size factors."""
    n, d, quiet = len(target), len(order), target < 0
    size = np.exp(SIZE_SPREAD * rng.standard_normal(n) - SIZE_SPREAD**2 / 2)
    Y, Z = np.empty((n, d)), np.empty((n, d))
    for j in order:
        parents, base = edges[edges[:, 1] == j, 0], np.log(MEANS[0]) + np.log(MEANS[1] / MEANS[0]) * rng.random()
        dispersion, effect = rng.uniform(*DISPERSIONS), np.zeros(n)
        if len(parents):
            effect = Z[:, parents] @ (rng.uniform(0.5, 2.0, len(parents)) * rng.choice([-1.0, 1.0], len(parents)))
            effect *= rng.uniform(*SHARE) / effect[quiet].std()
        mean = size * np.exp(base + np.where(target == j, np.log(KNOCKED_DOWN), effect))
        Y[:, j] = rng.negative_binomial(1.0 / dispersion, 1.0 / (1.0 + dispersion * mean))
        seen = np.log1p(Y[:, j] / size)
        Z[:, j] = (seen - seen[quiet].mean()) / seen[quiet].std()
    return Y, size


def learned(drawn: Drawn, model: str, *, told: bool, threads: int) -> Found:
    """Learn without resamples; counts with their true size factors."""
    problem = drawn.problem
    genes = [f"gene_{k + 1}" for k in range(problem.d)]
    columns: dict[str, Any] = {"target": [genes[k] if k >= 0 else "" for k in drawn.target]}
    config: dict[str, Any] = {"model": model, "seed": problem.method_seed, "resample": {"resamples": 0}}
    if told:
        config["input"] = {"perturbation": "target"}
    if drawn.size is not None:
        columns["size"] = drawn.size
        config["glm"] = {"size_factors": "size"}
    store = MemoryStore(problem.X.T, genes, obs_columns=pd.DataFrame(columns))
    network = session_on(store, Config.from_mapping(config), threads).learn()
    marks = (network.edges[name].to_numpy(bool) for name in ("oriented_by_intervention", "reversible"))
    return Found(network.source, network.target, *marks)


if __name__ == "__main__":
    main()
