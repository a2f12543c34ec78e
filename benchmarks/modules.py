"""Modules: those that were drawn, and regulons of bacteria, beside independent components and k-means.

``python -m benchmarks.modules [--pymodulon WHEEL]``

Drawn ones are those of ``acyclome.evaluate.modules``, 500 observations. Regulons are all regulators of the curated
network with five genes or more; a module counts as enriched below a false discovery rate of .01, a regulon as recovered
where a module has an F1 of .5 with it. What is measured on PRECISE was settled on DREAM5 and B. subtilis.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import acyclome as ac
from acyclome.config import Config
from acyclome.core.backend import ThreadBackend
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.moments import correlate, scale_genes
from acyclome.core.data.problem import Problem
from acyclome.core.modules.enrichment import enrichment, overlaps
from acyclome.core.modules.find import Modules, Visible, find_modules, gene_weights
from acyclome.core.modules.graph import find_graph, left_of_edges
from acyclome.core.modules.knockouts import Kept, Knockouts
from acyclome.core.modules.path import Judges, elbow, regularisation_path
from acyclome.core.workers import one_blas_thread
from acyclome.evaluate.modules import ModuleSimulation, simulate_modules
from acyclome.pipeline.engine_settings import engine_settings
from benchmarks.networks import Known, compendium_sets, known_networks
from benchmarks.report import publish
from benchmarks.tables import options

DRAWN = ((300, 10), (3000, 10), (3000, 30))
PATHS = ("DREAM5 E. coli", "PRECISE E. coli")
OBSERVATIONS, ASKED, COMPONENTS, CLUSTERS = 500, 200, 92, (92, 300)  # the last three as published, or as rivals need
RATE, RECOVERED, LEAST = 0.01, 0.5, 5
ROUNDS, RIDGE = 10, 1e-6  # of fits to effects: on DREAM5 forty rounds keep .776 where ten keep .772
SETTINGS = engine_settings(Config.from_mapping({"fit": {"relax": False}}))


def main() -> None:
    """Measure and write the tables."""
    parser = options(__doc__ or "")
    parser.add_argument("--pymodulon", type=Path, help="wheel of pymodulon, with B. subtilis and PRECISE")
    parser.add_argument("--only", choices=("modules", "regulons", "path"), help="one of the tables")
    given = parser.parse_args()
    with one_blas_thread():
        if given.only in (None, "modules"):
            rows = [drawn(d, K, seed) for d, K in DRAWN for seed in given.seeds]
            publish("modules", rows, "python -m benchmarks.modules --only modules", given)
        if given.only in (None, "regulons"):
            compendia = compendium_sets(given.data, given.pymodulon)
            found = [row for name, X, sets in compendia for row in regulons(name, X, sets)]
            publish("regulons", found, "python -m benchmarks.modules --only regulons --pymodulon WHEEL", given)
        if given.only in (None, "path"):
            known = (read() for read in known_networks(given.data, given.pymodulon))
            found = [row for one in known if one.name in PATHS for row in path_rows(one)]
            publish("module-path", found, "python -m benchmarks.modules --only path --pymodulon WHEEL", given)


def drawn(d: int, n_modules: int, seed: int) -> dict[str, Any]:
    """Learn the number of modules, the modules and their graph; compare with what was drawn."""
    from sklearn.metrics import adjusted_rand_score

    s = simulate_modules(d, OBSERVATIONS, n_modules=n_modules, seed=seed)
    Z = np.ascontiguousarray(s.X.T)
    began = time.process_time()
    data = correlate(scale_genes(lambda a, b: Z[a:b], d, lost=0, threads=1), 1)
    none, weight = Visible.none(d), gene_weights(data.Z, np.ones(d))
    number = elbow(regularisation_path(data.Z, weight, visible=none, seed=seed))
    found = find_modules(data.Z, weight, number, visible=none, seed=seed)
    problem = Problem(data, Constraints.none(d), ThreadBackend(1))
    graph, nodes = find_graph(problem, found, settings=SETTINGS, seed=seed)
    took = time.process_time() - began
    K = found.n_modules
    true = np.abs(np.corrcoef(found.scores, s.activity.T)[:K, K:]).argmax(axis=1)
    source, target = nodes[graph.source], nodes[graph.target]
    both, acts = (source >= d) & (target >= d), (source < d) & (target >= d)
    among = set(zip(true[source[both] - d].tolist(), true[target[both] - d].tolist(), strict=True))
    acting = set(zip(source[acts].tolist(), true[target[acts] - d].tolist(), strict=True))
    regulators = set(zip(s.regulator.tolist(), range(n_modules), strict=True))
    inside = s.module >= 0
    row = {"d": d, "drawn": n_modules, "seed": seed, "learned": K}
    row["rand"] = adjusted_rand_score(s.module[inside], found.main[inside])
    row |= {
        "f1": f1(among, set(zip(s.source.tolist(), s.target.tolist(), strict=True))),
        "regulators": f1(acting, regulators),
    }
    return row | gene_level(s, problem, found, acting=acting, seed=seed) | {"cpu_seconds": took}


def gene_level(
    s: ModuleSimulation, problem: Problem, found: Modules, *, acting: set[tuple[int, int]], seed: int
) -> dict[str, float]:
    """Return F1 of edges among genes, of a network alone and with what its modules carry; of few genes alone."""
    d = len(s.genes)
    if d > DRAWN[0][0]:
        return {"genes_alone": np.nan, "genes_with": np.nan}
    network = ac.learn(s.X, s.genes, n_resamples=0, random_state=seed, threads=1)
    edges = (network.source, network.target)
    left = left_of_edges(problem.data, found, edges) > 0.5 * np.log(OBSERVATIONS) + np.log(d)
    K = found.n_modules
    true = np.abs(np.corrcoef(found.scores, s.activity.T)[:K, K:]).argmax(axis=1)
    moved = [(gene, true[k]) for gene, k in zip(*np.nonzero(found.loadings), strict=True)]
    carried = {(r, int(gene)) for r, k in acting for gene, at in moved if at == k and gene != r}
    name = {gene: k for k, gene in enumerate(s.genes)}
    truth = {(name[a], name[b]) for a, b in zip(s.edges["source"], s.edges["target"], strict=True)}
    alone = set(zip(edges[0].tolist(), edges[1].tolist(), strict=True))
    direct = set(zip(edges[0][left].tolist(), edges[1][left].tolist(), strict=True))
    return {"genes_alone": f1(alone, truth), "genes_with": f1(direct | carried, truth)}


def f1(found: set[Any], true: set[Any]) -> float:
    """Return the harmonic mean of precision and recall."""
    return 2 * len(found & true) / max(len(found) + len(true), 1)


def regulons(name: str, expression: pd.DataFrame, sets: dict[str, set[str]]) -> Iterator[dict[str, Any]]:
    """Score modules of a compendium, learned and half of them visible, and simple methods."""
    X = expression.to_numpy(float)
    d, genes = X.shape[1], expression.columns
    scale = X.std(axis=0)
    Z = np.ascontiguousarray(((X - X.mean(axis=0)) / np.maximum(scale, 1e-12)).T)
    known = {regulator: genes.isin(list(own)) for regulator, own in sets.items()}
    S = np.column_stack([own for own in known.values() if own.sum() >= LEAST])
    weight, none = gene_weights(Z, scale), Visible.none(d)

    def learned(number: int, visible: Visible = none) -> np.ndarray:
        return find_modules(Z, weight, number, visible=visible, seed=0).members

    chosen = elbow(regularisation_path(Z, weight, visible=none, seed=0))
    methods: dict[str, Callable[[], np.ndarray]] = {
        f"modules, {ASKED} at most": lambda: learned(ASKED),
        f"modules, auto ({chosen})": lambda: learned(chosen),
        f"independent components, {COMPONENTS}": lambda: components(X),
        **{f"k-means, {K}": lambda K=K: clusters(Z, K) for K in CLUSTERS},  # type: ignore[misc]
    }
    for method, learn in methods.items():
        began = time.process_time()
        M = learn()
        yield {"data": name, "method": method, **scores(M, S), "cpu_seconds": time.process_time() - began}
    whole = learned(ASKED)
    for half in range(2):
        seen, others = Visible(S[:, half::2]), S[:, 1 - half :: 2]
        for method, M in (("none", whole), ("the other half", learned(ASKED, seen))):
            yield {"data": name, "method": f"half {half + 1} of the regulons, visible: {method}", **scores(M, others)}


def path_rows(known: Known) -> Iterator[dict[str, Any]]:
    """Follow the path of a compendium whose network any gene may act in, or those on the list of regulators alone."""
    X = known.expression.to_numpy(float)
    scale, genes = X.std(axis=0), known.expression.columns
    Z = np.ascontiguousarray(((X - X.mean(axis=0)) / np.maximum(scale, 1e-12)).T)
    data = correlate(scale_genes(lambda a, b: Z[a:b], len(Z), lost=0, threads=1), 1)
    regulons = [genes.isin(own) for _, own in known.truth.groupby("source")["target"]]
    S = np.column_stack([own for own in regulons if own.sum() >= LEAST])

    def names(modules: Modules) -> np.ndarray:
        q = enrichment(modules.members, S)[1]
        return np.where(q.min(axis=1) < RATE, q.argmin(axis=1), -1)

    for said, causes in (("any gene", None), ("regulators", known.regulators)):
        network = ac.learn(X, genes, regulators=causes, n_resamples=0, random_state=0, threads=1)
        price = 0.5 * np.log(len(X)) + np.log((len(causes) if causes else len(Z)) - 1) + np.zeros(len(Z))
        edges = (network.source, network.target, network.edges["weight"].to_numpy(float))
        knocked = Knockouts(*edges, order=network.order, price=price)
        weight, also = gene_weights(data.Z, scale), list[dict[str, float]]()

        def kept(modules: Modules, knocked: Knockouts = knocked, also: list[dict[str, float]] = also) -> Kept:
            also.append(fitted(knocked.effects, modules.loadings))
            return knocked.kept(data, modules)

        judges = Judges(names, kept)
        path = regularisation_path(data.Z, weight, visible=Visible.none(len(Z)), seed=0, judges=judges)
        for point, more in zip(path, also, strict=True):
            row = {"data": known.name, "acts": said, "edges": len(edges[0]), "knocked": len(knocked.genes)}
            yield row | point._asdict() | more | {"best": best_of(knocked.effects, point.n_modules)}


def fitted(T: np.ndarray, loadings: np.ndarray) -> dict[str, float]:
    """Return how many links modules have, and the share of effects ``(k, d)`` with weights of these fitted to them.

    ``by_chance``: as many links, of other genes.
    """
    others = loadings[np.random.default_rng(0).permutation(len(loadings))]
    shares = {"fitted": _kept_by(T, loadings != 0), "by_chance": _kept_by(T, others != 0)}
    return {"links": np.count_nonzero(loadings), **shares}


def _kept_by(T: np.ndarray, own: np.ndarray) -> float:
    """Return the share by alternating least squares of effects on shifts times patterns, 0 where not ``own``."""
    P = own.astype(float)
    for _ in range(ROUNDS):
        P /= np.maximum(np.linalg.norm(P, axis=0), 1e-300)
        shifts = T @ np.linalg.solve(P.T @ P + RIDGE * np.eye(P.shape[1]), P.T).T
        gram, cross, P = shifts.T @ shifts, T.T @ shifts, np.zeros(own.shape)
        gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
        for gene in np.flatnonzero(own.any(axis=1)):
            at = np.flatnonzero(own[gene])
            P[gene, at] = np.linalg.solve(gram[np.ix_(at, at)], cross[gene, at])
    basis = np.linalg.svd(P, full_matrices=False)[0]
    return float(np.sum((T @ basis) ** 2) / np.sum(T**2))


def best_of(T: np.ndarray, number: int) -> float:
    """Return the share of the squares of effects ``(k, d)`` that the best so many directions keep."""
    squares = np.linalg.eigvalsh(T @ T.T)[::-1]
    return float(squares[:number].sum() / squares.sum())


def scores(M: np.ndarray, S: np.ndarray) -> dict[str, float]:
    """Return how many modules there are and are enriched, and how many regulons of how many are recovered."""
    M = M[:, M.any(axis=0)]
    best = overlaps(M, S).max(axis=0)
    enriched = enrichment(M, S)[1].min(axis=1) < RATE
    row = {"modules": M.shape[1], "enriched": float(enriched.mean()), "regulons": S.shape[1]}
    return row | {"recovered": int(np.sum(best >= RECOVERED)), "mean_f1": float(best.mean())}


def components(X: np.ndarray) -> np.ndarray:
    """Return independent components over genes, cut where what is left of each looks Gaussian, as iModulons are."""
    from scipy.stats import normaltest
    from sklearn.decomposition import FastICA

    most = min(COMPONENTS, len(X) // 2)
    S = FastICA(most, random_state=0, whiten="unit-variance", max_iter=300, tol=1e-3).fit_transform((X - X.mean(0)).T)
    out = np.zeros(S.shape, bool)
    for s, own in zip(S.T, out.T, strict=True):
        line, cut = np.argsort(-np.abs(s)), 0
        while cut < len(s) - 20 and normaltest(s[line[cut:]]).statistic > 550:  # the default of pymodulon
            cut += 1
        own[line[:cut]] = True
    return out


def clusters(Z: np.ndarray, number: int) -> np.ndarray:
    """Return clusters of genes by k-means."""
    from sklearn.cluster import KMeans

    label = KMeans(number, n_init=1, random_state=0).fit_predict(Z)
    return np.asarray(label[:, None] == np.arange(number))


if __name__ == "__main__":
    main()
