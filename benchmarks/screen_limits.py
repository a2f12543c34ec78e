"""What a ranking of the edges of a screen can reach at most, given the truth: beside what methods reach.

``python -m benchmarks.screen_limits``

The simulated screen of ``benchmarks.screens``, of which edges and total effects are known.  Rankings that know the
truth, in whole or in part, are scored as methods are, by cells that no method was learned from; the false omission
rate here is that over ``OMITTED`` pairs a target, of all that no path joins, so that its standard error is .0015.
``all true effects`` are no ranking: every pair is taken of which acting on the one moves the other at all; what is
omitted is nothing then, and what the test calls different of it, chance.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order
from scipy.stats import mannwhitneyu, wasserstein_distance

from acyclome.config import Config
from acyclome.core.backend import ThreadBackend
from acyclome.evaluate.interventional import CONTROL, LEVEL, Cells, Edges, halves
from acyclome.io.store import Store
from acyclome.pipeline.commands import Runtime, prepare_stage
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.interventional import SEEN, learn_halves
from benchmarks import screens
from benchmarks.report import publish
from benchmarks.tables import options

OMITTED = 40  # pairs of each target


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", d=1000)
    parser.set_defaults(seeds=[1])
    given = parser.parse_args()
    rows = [row for seed in given.seeds for row in limits(given.d, seed, threads=given.threads)]
    publish("screen-limits", rows, "python -m benchmarks.screen_limits", given)


def limits(d: int, seed: int, *, threads: int) -> list[dict[str, Any]]:
    """Score methods and what knows the truth."""
    adata, screen = screens.drawn(d, seed)
    genes, true = list(screen.genes), screen.edges()
    asked = {"input.perturbation": "target", "input.control": screens.CONTROL, "seed": seed}
    with TemporaryDirectory() as folder:
        path, out, config = Path(folder) / "screen.h5ad", Path(folder) / "out", Config().with_options(asked)
        adata.write_h5ad(path)
        prepare_stage(path, out, config, runtime=Runtime(threads=threads))
        with Store.open(out / "stages" / "prepared.h5") as store:
            if store.genes != genes:
                msg = "Genes were filtered out, so that places in the truth are others. Draw more cells."
                raise ValueError(msg)
            data = Dataset.build(store, config)
            cells, trials = learn_halves(data, config, seed=seed, backend=ThreadBackend(threads), edges=screens.EDGES)
            learn, _ = halves(data.treatments.kind, np.random.default_rng([seed, 0]))  # as learn_halves deals them
            Z = data.subset(rows=learn).scaled(threads).Z
    networks = next(trial for trial in trials if trial.scored_by == SEEN).networks
    place = {gene: k for k, gene in enumerate(genes)}
    graph = np.array([(place[i], place[j]) for i, j in sorted(true)]).T
    seen = _mean_difference(Cells(Z, _gene(data, learn)), screen.effects()[0])
    networks |= _oracles(graph, *screen.effects(), seen=seen, scored=_mean_difference(cells, screen.effects()[0]))
    joined = set(zip(*graph.tolist(), strict=True))
    test = partial(_scores, cells, seed=seed, targets=screen.effects()[0])
    return [
        {"seed": seed, "ranking": name, **test(edges, direct=joined, skip=skip)}
        for name, edges, skip in [*((name, edges, None) for name, edges in networks.items()), _all(screen)]
    ]


def _all(screen: screens.Screen) -> tuple[str, Edges, np.ndarray]:
    """Return all pairs with a true effect, which are omitted from what is omitted."""
    targets, total = screen.effects()
    moved = (total != 0) & (np.arange(total.shape[1]) != targets[:, None])
    row, gene = np.nonzero(moved)
    return "all true effects", (targets[row], gene), moved


def _gene(data: Dataset, rows: np.ndarray) -> np.ndarray:
    return np.append(data.treatments.gene, CONTROL)[data.treatments.kind[rows]]


def _mean_difference(cells: Cells, targets: np.ndarray) -> np.ndarray:
    """Return how far the mean of every gene is from that of controls, ``(k, d)``."""
    control = cells.values[:, cells.gene == CONTROL].mean(axis=1)
    return np.abs([cells.values[:, cells.gene == target].mean(axis=1) - control for target in targets])


def _oracles(
    graph: np.ndarray, targets: np.ndarray, total: np.ndarray, *, seen: np.ndarray, scored: np.ndarray
) -> dict[str, Edges]:
    """Return rankings that know the truth: edges and effects, in part and as cells show them."""
    d = total.shape[1]
    own = np.arange(d) == targets[:, None]
    effect = np.where(own, 0.0, np.abs(total))
    edge = np.zeros((len(targets), d), bool)
    of_targets = np.isin(graph[0], targets)
    edge[np.searchsorted(targets, graph[0][of_targets]), graph[1][of_targets]] = True

    def best(value: np.ndarray) -> Edges:
        first = np.argsort(-np.where(own, -1.0, value), axis=None, kind="stable")[: screens.EDGES]
        return targets[first // d], first % d

    return {
        screens.TRUTH: (graph[0], graph[1]),
        "true edges, then true effects": best(effect + edge * effect.max()),
        "largest true effects": best(effect),
        "mean difference, of pairs with a true effect": best(np.where(effect > 0, seen, -1.0)),
        "mean difference of the cells that score": best(scored),
    }


def _scores(
    cells: Cells,
    edges: Edges,
    *,
    seed: int,
    targets: np.ndarray,
    direct: set[tuple[int, int]],
    skip: np.ndarray | None,
) -> dict[str, float]:
    """Score edges out of targets, and pairs that they omit: what no path joins, or what is not to be skipped."""
    counts = np.isin(edges[0], targets)
    source, target = edges[0][counts], edges[1][counts]
    rng, d = np.random.default_rng([seed, 2]), len(cells.values)
    graph = csr_array((np.ones(len(edges[0])), edges), shape=(d, d))
    control = cells.values[:, cells.gene == CONTROL]
    far, p, missed = np.zeros(len(source)), np.ones(len(source)), []
    for k, gene in enumerate(targets.tolist()):
        acted = cells.values[:, cells.gene == gene]
        here = np.flatnonzero(source == gene) if skip is None else np.empty(0, np.int64)
        if len(here):
            far[here] = [wasserstein_distance(acted[j], control[j]) for j in target[here]]
            p[here] = mannwhitneyu(acted[target[here]], control[target[here]], axis=1, method="asymptotic").pvalue
        reached = np.zeros(d, bool)
        reached[breadth_first_order(graph, gene, return_predecessors=False)] = True
        out = np.flatnonzero(~(reached if skip is None else skip[k] | (np.arange(d) == gene)))
        out = rng.choice(out, min(OMITTED, len(out)), replace=False)
        missed.append(mannwhitneyu(acted[out], control[out], axis=1, method="asymptotic").pvalue < LEVEL)
    found = {"edges": float(len(source)), "false_omission_rate": float(np.concatenate(missed).mean())}
    if skip is not None:
        return found
    right = [pair in direct for pair in zip(source.tolist(), target.tolist(), strict=True)]
    return found | {
        "wasserstein": float(far.mean()),
        "precision": float((p < LEVEL).mean()),
        "direct": float(np.mean(right)),
        "direct_edges": float(np.sum(right)),
    }


if __name__ == "__main__":
    main()
