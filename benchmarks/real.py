"""Known networks of living cells, and of simulators of them: the ranking and the sure edges, beside simple methods.

``python -m benchmarks.real [--pymodulon WHEEL]``

Default options. Where a list of regulators is known all methods get it, and the pairs of DREAM5 are scored: a regulator
with a target in the truth, and a gene that it names; else all pairs of genes that it names. Beside it: absolute
correlation and partial correlation shrunken by .9, of the data as they are and trimmed; a random forest and boosted
trees for every gene, where genes x sources x observations are ``--trees`` at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from acyclome.core.data.deconfounding import trim
from acyclome.core.workers import one_blas_thread
from acyclome.evaluate.ranking import Universe, aupr, scored_universe
from benchmarks.networks import Known, known_networks
from benchmarks.rankings import learn_by_command
from benchmarks.report import publish
from benchmarks.tables import options

SHRINKAGE = 0.9  # the best of three values tried on the compendia, for the sake of the rival
SURE, FIRST = 0.9, 1000
TREES = 100


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", trees=2_000_000)
    parser.set_defaults(seeds=[1])
    parser.add_argument("--pymodulon", type=Path, help="wheel of pymodulon, with B. subtilis and PRECISE")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for read in known_networks(given.data, given.pymodulon):
        known = read()
        for seed in given.seeds:
            rows += [
                {"data": known.name, "seed": seed} | row for row in compare(known, seed, given.threads, given.trees)
            ]
    publish("real", rows, "python -m benchmarks.real --pymodulon WHEEL", given)  # at the end: pages name all sets


def compare(known: Known, seed: int, threads: int, most: int) -> Iterator[dict[str, Any]]:
    """Score acyclome and all simple methods on one set."""
    universe = scored_universe(known.truth, known.expression.columns, regulators=known.regulators, restrict=True)
    network, cost = learn_by_command(known.expression, seed, threads, regulators=known.regulators)
    ranking, edges = network.ranking, network.edges
    s, t, kept = universe.inside(ranking["source"], ranking["target"])
    row = judged(universe, s, t, ranking["rank_score"].to_numpy()[kept])
    sure = edges[edges["score"] >= SURE]
    s, t, _ = universe.inside(sure["source"], sure["target"])
    right = is_true(universe, s, t)
    row |= {"sure": len(s), "sure_right": float(right.mean()) if len(s) else np.nan}
    yield {"method": "acyclome", **row, "cpu_seconds": cost.cpu}
    X = known.expression.to_numpy(float)
    X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-12)
    sources = np.flatnonzero(known.expression.columns.isin(known.regulators or known.expression.columns))
    s, t = (
        part.ravel() for part in np.meshgrid(np.flatnonzero(universe.is_source), np.flatnonzero(universe.is_target))
    )
    s, t = s[s != t], t[s != t]
    for method, score in METHODS.items():
        began = time.process_time()
        if method in ("random forest", "boosted trees") and X.size * len(sources) > most:
            yield {"method": method}
            continue
        with one_blas_thread():
            found = score(X, sources)
        took = time.process_time() - began
        yield {"method": method, **judged(universe, s, t, found[t, s]), "cpu_seconds": took}


def judged(universe: Universe, s: np.ndarray, t: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """Return the area under precision and recall over that of chance, and the precision of the first 1,000."""
    label, n_true = is_true(universe, s, t), len(np.unique(universe.target * len(universe.genes) + universe.source))
    area = aupr(score, label, n_pairs=universe.n_pairs, n_true=n_true)
    first = np.argsort(-score, kind="stable")[:FIRST]
    return {"over_chance": area * universe.n_pairs / n_true, "first_1000": float(label[first].mean())}


def is_true(universe: Universe, s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Say which pairs are true."""
    d = len(universe.genes)
    return np.isin(t * d + s, universe.target * d + universe.source)


def correlation(X: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Return absolute correlations, target by source."""
    return np.abs(X.T @ X) / len(X)


def partial_correlation(X: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Return absolute partial correlations of shrunken correlations."""
    R = X.T @ X / len(X)
    K = np.linalg.inv((1 - SHRINKAGE) * R + SHRINKAGE * np.eye(len(R)))
    return np.abs(K) / np.sqrt(np.outer(K.diagonal(), K.diagonal()))


def trimmed(score: Any, X: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Score data whose singular values are capped at their median."""
    return np.asarray(score(trim(np.ascontiguousarray(X.T)).T, sources))


def trees(kind: str, X: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Regress every gene on all sources, and return their importance: GENIE3 with fewer trees, or GRNBoost2 alike."""
    from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor

    out = np.zeros((X.shape[1], X.shape[1]))
    for j in range(X.shape[1]):
        others = sources[sources != j]
        if kind == "forest":
            fit = RandomForestRegressor(TREES, max_features="sqrt", random_state=j)
        else:
            fit = GradientBoostingRegressor(n_estimators=TREES, max_features=0.1, subsample=0.9, random_state=j)
        out[j, others] = fit.fit(X[:, others], X[:, j]).feature_importances_
    return out


METHODS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "correlation": correlation,
    "partial correlation": partial_correlation,
    "correlation, trimmed": partial(trimmed, correlation),
    "partial correlation, trimmed": partial(trimmed, partial_correlation),
    "random forest": partial(trees, "forest"),
    "boosted trees": partial(trees, "boosted"),
}


if __name__ == "__main__":
    main()
