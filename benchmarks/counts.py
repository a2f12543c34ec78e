"""Counts: the model glm beside the linear one, curves and the sort-and-regress baselines; held-out counts of cells.

``python -m benchmarks.counts [--d 20] [--methods ...]`` draws negative binomial networks with the package's simulator
(``acyclome.evaluate.counts``); all methods know the size factors, those that fit no counts take ``log(1 + y / s)``.
``--cells`` learns on half of the blood cells (PBMC, 11,139 genes) and says how probable the counts of the other are.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from acyclome import Config, Network, learn
from acyclome.evaluate.baselines import sort_and_regress
from acyclome.evaluate.simulate import Simulation, simulate
from acyclome.io.expression import open_expression
from acyclome.io.store import MemoryStore
from acyclome.models.glm.card import LAWS, structural_model
from acyclome.prepare import prepare
from benchmarks.heldout_counts import count_log_likelihood, log_normal_log_likelihood
from benchmarks.measure import learned, measured
from benchmarks.problems import METHOD, Problem
from benchmarks.report import publish
from benchmarks.stores import session_on
from benchmarks.tables import options

FILE = "singlecell/pbmc3k_raw_counts.h5ad"
HALVES = 0x4A1F  # a stream of its own: which cells are learned from
FIELD_TOTAL = 10_000.0  # of an observation, before the logarithm of the linear model
LAW = "negative_binomial"
SORTS = {"rising variance": "variance", "rising R2": "r2", "falling R2": "r2-falling", "random order": "random"}
Edges = tuple[np.ndarray, np.ndarray]


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", d=20, n=1000)
    parser.add_argument("--methods", nargs="+", default=[], help="only these of the methods; empty: all")
    parser.add_argument("--cells", action="store_true", help="measure on the cells instead")
    given = parser.parse_args()
    if given.cells:
        rows = [_cells(given, seed) for seed in given.seeds[:1]]
        publish("counts-cells", rows, "python -m benchmarks.counts --cells", given)
        return
    rows = [row for seed in given.seeds for row in _simulated(given, seed)]
    publish("counts", rows, f"python -m benchmarks.counts --d {given.d}", given)


def _simulated(given: argparse.Namespace, seed: int) -> list[dict[str, Any]]:
    drawn = simulate(given.d, given.n, noise="negative-binomial", seed=seed)
    if drawn.size is None:
        msg = "The simulator gave no size factors."
        raise TypeError(msg)
    logs = np.log1p(drawn.X / drawn.size[:, None])
    problem = Problem("counts", seed, logs, drawn.source, drawn.target)
    methods = {f"glm, {law}": partial(learned_counts, drawn, law, METHOD + seed, given.threads) for law in LAWS}
    for model in ("linear", "sobolev", "mlp"):
        methods[f"{model}, on logarithms"] = partial(learned, logs, METHOD + seed, given.threads, model=model)
    methods |= {name: partial(_sorted, logs, key, METHOD + seed) for name, key in SORTS.items()}
    rows = []
    for name, method in methods.items():
        if given.methods and name.split(",")[0] not in given.methods:
            continue
        if seed == given.seeds[0]:
            method()  # warm
        (source, target), cost = measured(method)
        scores = problem.scores(source, target)
        kept = {key: scores[key] for key in ("skeleton", "directed")}
        rows.append({"genes": given.d, "method": name, "seed": seed, "edges": len(source), **kept, **cost.row()})
    return rows


def learned_counts(drawn: Simulation, law: str, seed: int, threads: int, perturbations: int = 1) -> Edges:
    """Learn edges with model glm from simulated counts and the true size factors, without resamples."""
    store = MemoryStore(drawn.X.T, drawn.genes, obs_columns=pd.DataFrame({"size": drawn.size}))
    return _edges(_learn_counts(store, law, "size", seed, threads, perturbations))


def _learn_counts(store: MemoryStore, law: str, size: str, seed: int, threads: int, perturbations: int) -> Network:
    config = Config.from_mapping({"model": "glm", "glm": {"family": law, "size_factors": size}})
    chosen = config.with_options({"resample.resamples": 0, "seed": seed, "search.perturbations": perturbations})
    return session_on(store, chosen, threads).learn()


def _sorted(X: np.ndarray, key: str, seed: int) -> Edges:
    found = sort_and_regress(X, key, rng=np.random.default_rng([1, seed]))
    return found.source, found.target


def _edges(network: Network) -> Edges:
    place = {gene: k for k, gene in enumerate(network.genes)}
    source, target = (network.edges[end].map(place).to_numpy(np.int64) for end in ("source", "target"))
    return source, target


def _cells(given: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Learn on a random half of the cells; nats per cell of the other, over genes that vary in both."""
    prepared = prepare(open_expression(given.data / FILE), Config.from_mapping({"model": "glm"}))
    X = np.asarray(prepared.X.toarray() if sp.issparse(prepared.X) else prepared.X).T
    totals = X.sum(axis=1, dtype=np.float64)
    half = np.random.default_rng([HALVES, seed]).permutation(len(X)) < len(X) // 2
    seen = np.flatnonzero((np.ptp(X[half], axis=0) > 0) & (np.ptp(X[~half], axis=0) > 0))
    train, test = X[half][:, seen], X[~half][:, seen]
    size, other = totals[half] / totals[half].mean(), totals[~half] / totals[half].mean()
    store = MemoryStore(sp.csr_matrix(train.T), [str(gene) for gene in seen])
    network, cost = measured(partial(_learn_counts, store, LAW, "total", seed, given.threads, perturbations=0))
    counted = _edges(network)
    per_field = totals / FIELD_TOTAL
    logs = np.log1p(train / per_field[half][:, None])
    straight = _edges(_linear(logs, seed, given.threads))
    nothing = np.empty(0, np.int64), np.empty(0, np.int64)
    counts = partial(
        count_log_likelihood,
        (train, size),
        (test, other),
        model=structural_model(Config(glm={"family": LAW})),
        threads=given.threads,
    )
    normal = partial(log_normal_log_likelihood, (train, per_field[half]), (test, per_field[~half]))
    return {
        "seed": seed,
        "genes": len(seen),
        "edges_glm": len(counted[0]),
        "edges_linear": len(straight[0]),
        **cost.row(),
        "glm": counts(*counted).sum(),
        "glm_independent": counts(*nothing).sum(),
        "glm_on_linear_graph": counts(*straight).sum(),
        "linear": normal(*straight).sum(),
        "linear_independent": normal(*nothing).sum(),
    }


def _linear(logs: np.ndarray, seed: int, threads: int) -> Network:
    network = learn(logs, n_resamples=0, random_state=seed, threads=threads)
    if not isinstance(network, Network):
        msg = "Found a network per group; expected a single one."
        raise TypeError(msg)
    return network


if __name__ == "__main__":
    main()
