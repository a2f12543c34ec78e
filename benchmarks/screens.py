"""Screens scored by cells that no method was learned from: two simulated ones, and ECCITE-seq (Papalexi et al. 2021).

``python -m benchmarks.screens [simulated] [kinetic] [real]``

simulated: 1,000 of 1,111 genes (the others are hidden causes), random graph of two causes a gene, log expression with
a standard deviation of .5, 500 targets of 60 cells each, knocked down to 30%, and 5,000 control cells; UMI counts,
10,000 a cell on average, spread by .35. The generator stands here, not in the package.

kinetic: the 1,200 genes of E. coli of SERGIO in nine types of cells (``benchmarks.sergio``), each of the 127 regulators
knocked down to 30% of its production in 60 cells, and 1,270 control cells; counts of the same depths.

real: 9 measured targets; what acts on other genes is left out.

Measures of CausalBench (``acyclome score --interventional``), for 1,000 edges at most; ``direct`` is the share of those
edges that are in the true graph, which is scored too, as what can be had. The test calls 5% of pairs different of which
nothing is: no false omission rate gets below .05 by more than chance.

identified: which of all genes was acted on, by networks that never saw that; with its transcript hidden (``activity``).
"""

from __future__ import annotations

from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acyclome.config import Config
from acyclome.core.backend import ThreadBackend
from acyclome.core.effects.identification import EFFECTS, OWN
from acyclome.evaluate.interventional import interventional_scores
from acyclome.io.store import Store
from acyclome.pipeline.commands import Runtime, prepare_stage
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.held_out import hold_out
from acyclome.pipeline.interventional import learn_halves
from acyclome.pipeline.task import Task
from benchmarks.measure import measured
from benchmarks.report import publish
from benchmarks.sergio import screen
from benchmarks.tables import options

if TYPE_CHECKING:
    from anndata import AnnData

CONTROL, TRUTH = "control", "the true graph"
EDGES = 1000
HIDDEN, TARGETS, CELLS, CONTROLS = 0.1, 500, 60, 5000
LEFT = 0.3  # of the expression of a target
SPREAD = 0.5  # of log expression
DEPTH, DEPTH_SPREAD = 10_000, 0.35
KINETIC_TARGETS = 127  # regulators of the network of SERGIO
_SALT = 0x5C4E


def main() -> None:
    """Measure and write the tables asked for."""
    parser = options(__doc__ or "", d=1000)
    parser.set_defaults(seeds=[1])
    parser.add_argument("parts", nargs="*", default=["simulated", "kinetic", "real"])
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    drawn_by = {
        "simulated": ("simulated", lambda seed: simulated(given.d, seed)),
        "kinetic": ("kinetics of SERGIO", lambda seed: kinetic(given.data, seed)),
        "real": ("THP-1, ECCITE-seq", lambda _: (real(given.data), set())),
    }
    for name, seed in product(given.parts, given.seeds):
        data, draw = drawn_by[name]
        adata, true = draw(seed)
        for table, part in zip((rows, found), scored(adata, true, seed=seed, threads=given.threads), strict=True):
            table += [{"data": data, "seed": seed, **row} for row in part]
    publish("identified", found, "python -m benchmarks.screens", given)
    publish("screens", rows, "python -m benchmarks.screens", given)


def scored(
    adata: AnnData, true: set[tuple[str, str]], *, seed: int, threads: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Score every method, find the true ones among the edges that count, and the targets that were held out."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path, out = Path(folder) / "screen.h5ad", Path(folder) / "out"
        adata.write_h5ad(path)
        config = Config().with_options({"input.perturbation": "target", "input.control": CONTROL, "seed": seed})
        prepare_stage(path, out, config, runtime=Runtime(threads=threads))
        with Store.open(out / "stages" / "prepared.h5") as store:
            dataset = Dataset.build(store, config)
            learn = partial(learn_halves, dataset, config, seed=seed, backend=ThreadBackend(threads), edges=EDGES)
            (cells, trials), cost = measured(learn)
            found = identified(Task.begin(dataset, config, Runtime(threads=threads)))
    genes = dataset.store.genes
    rows = []
    place = {gene: k for k, gene in enumerate(genes)}
    known = [(place[i], place[j]) for i, j in sorted(true) if i in place and j in place]
    graph = np.array(known, np.int64).reshape(-1, 2).T
    for trial in trials:
        if known:
            trial.networks[TRUTH] = graph[0], graph[1]
        for method, scores in interventional_scores(cells, trial.networks, sources=trial.asked, seed=seed).items():
            source, target = (end[np.isin(trial.networks[method][0], trial.asked)] for end in trial.networks[method])
            pairs = zip(source, target, strict=True)
            direct = np.mean([(genes[i], genes[j]) in true for i, j in pairs]) if true else np.nan
            rows.append({"scored_by": trial.scored_by, "method": method, **scores})
            rows[-1] |= {"direct": float(direct), "cpu_seconds": cost.cpu}
    return rows, found


def identified(task: Task) -> list[dict[str, Any]]:
    """Say how often targets that were held out are found again from what acting on them did."""
    rows = []
    for acts_on, found in hold_out(task).facts["identification"].items():
        for method in ("chosen", "largest change", "chance"):
            weight = found["weight"] if method == "chosen" else {}
            rows.append({"acts_on": acts_on, "method": method, "targets": found["targets"], **found[method]})
            rows[-1] |= {f"weight of {name}": weight.get(name, np.nan) for name in (OWN, EFFECTS)}
    return rows


def real(folder: Path) -> AnnData:
    """Return the counts with the target of each cell."""
    from anndata import read_h5ad

    adata = read_h5ad(folder / "perturb" / "papalexi_eccite_thp1_counts.h5ad")
    adata.obs["target"] = adata.obs["top_target"].astype(str).replace("non-targeting", CONTROL).to_numpy()
    return adata


class Screen:
    """Draws the counts of a screen, a block of cells at a time; controls of the first block set the scales."""

    def __init__(self, d: int, seed: int, *, targets: int) -> None:
        self._rng = rng = np.random.default_rng([_SALT, seed])
        whole = round(d / (1 - HIDDEN))
        self._order = order = rng.permutation(whole)
        self._W = W = np.zeros((whole, whole))
        edges = 0
        while edges < 2 * whole:
            a, b = np.sort(rng.integers(0, whole, 2))
            if a != b:
                edges += W[order[a], order[b]] == 0.0
                W[order[a], order[b]] = rng.choice([-1, 1]) * rng.uniform(0.3, 0.8)
        self._seen = np.sort(rng.permutation(whole)[:d])
        self._targets = rng.choice(self._seen, targets, replace=False)
        self._names = np.array([f"gene_{j}" for j in range(whole)])
        self._level: np.ndarray | None = None
        self._scales: dict[int, tuple[float, float, float]] = {}

    def acted_on(self, *, controls: int, cells: int) -> np.ndarray:
        """Return the target of each cell, -1 in controls, ``(n,)``."""
        return np.concatenate([np.full(controls, -1), np.repeat(self._targets, cells)])

    @property
    def genes(self) -> np.ndarray:
        """The names of the genes seen, ``(d,)``."""
        return self._names[self._seen]

    def labels(self, acted: np.ndarray) -> np.ndarray:
        """Return what is written of the target of each cell, ``(n,)``."""
        return np.where(acted < 0, CONTROL, self._names[acted])

    def edges(self) -> set[tuple[str, str]]:
        """Return the edges between genes that are seen."""
        seen, names = set(self._seen.tolist()), self._names
        return {(names[i], names[j]) for i, j in zip(*np.nonzero(self._W), strict=True) if {i, j} <= seen}

    def effects(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the targets, rising, among the genes seen, and what one unit of each moves all of these, ``(k, d)``.

        Units are standard deviations of log expression; hidden genes stand between, too.
        """
        deviation = np.array([self._scales[j][2] for j in range(len(self._W))])
        total = np.linalg.inv(np.eye(len(self._W)) - self._W / deviation)
        targets = np.sort(self._targets)
        return np.searchsorted(self._seen, targets), total[np.ix_(targets, self._seen)]

    def counts(self, acted: np.ndarray) -> np.ndarray:
        """Draw the counts of cells, ``(n, d)``."""
        counts: np.ndarray = self._rng.poisson(self._expected(acted))[:, self._seen]
        return counts

    def _expected(self, acted: np.ndarray) -> np.ndarray:
        """Return the expected counts, ``(n, genes)``; a knock-down takes a share of what its cells would have."""
        n, d, rng, W = len(acted), len(self._W), self._rng, self._W
        if self._level is None:
            self._level = rng.normal(1.0, 1.0, d)
        log = np.zeros((n, d), np.float32)
        for j in self._order:
            causes = np.flatnonzero(W[:, j])
            value = log[:, causes] @ W[causes, j]
            log[:, j] = self._scaled(j, value, acted)
        expected = np.exp(SPREAD * log + self._level)
        depth = DEPTH * np.exp(rng.normal(0.0, DEPTH_SPREAD, n))
        shares: np.ndarray = expected / expected.sum(axis=1, keepdims=True) * depth[:, None]
        return shares

    def _scaled(self, j: int, caused: np.ndarray, acted: np.ndarray) -> np.ndarray:
        """Add the noise of a gene, and scale it to what controls of the first block have."""
        control, noise = acted < 0, self._rng.normal(size=len(acted))
        if j not in self._scales:
            spread = np.sqrt(max(1.0, 0.5 * float(caused[control].var())))
            value = (caused + noise * spread)[control]
            self._scales[j] = spread, value.mean(), (value - value.mean()).std()
        spread, mean, deviation = self._scales[j]
        value = (caused + noise * spread - mean) / deviation
        return np.where(acted == j, value + np.log(LEFT) / SPREAD, value)


def simulated(d: int, seed: int) -> tuple[AnnData, set[tuple[str, str]]]:
    """Draw counts and the true edges between genes that are seen."""
    adata, screen = drawn(d, seed)
    return adata, screen.edges()


def kinetic(folder: Path, seed: int) -> tuple[AnnData, set[tuple[str, str]]]:
    """Draw counts of a network that saturates, each of whose regulators is knocked down, and its edges."""
    from anndata import AnnData

    cells, acted = screen(folder, "DS3", cells=CELLS, controls=10 * KINETIC_TARGETS, left=LEFT, seed=seed)
    rng = np.random.default_rng([_SALT, seed])
    depth = DEPTH * np.exp(rng.normal(0.0, DEPTH_SPREAD, (len(acted), 1)))
    counts = rng.poisson(cells.X / cells.X.sum(axis=1, keepdims=True) * depth).astype(np.float32)
    genes = np.array([f"gene_{j}" for j in range(counts.shape[1])])
    told = np.where(acted < 0, CONTROL, genes[acted])
    table = pd.DataFrame({"target": told}, [f"c{k}" for k in range(len(acted))])
    true = set(zip(genes[cells.source].tolist(), genes[cells.target].tolist(), strict=True))
    return AnnData(counts, obs=table, var=pd.DataFrame(index=genes)), true


def drawn(d: int, seed: int) -> tuple[AnnData, Screen]:
    """Draw counts, and return what they are drawn from."""
    from anndata import AnnData

    screen = Screen(d, seed, targets=min(TARGETS, d // 2))
    acted = screen.acted_on(controls=CONTROLS, cells=CELLS)
    counts = screen.counts(acted).astype(np.float32)
    table = pd.DataFrame({"target": screen.labels(acted)}, [f"c{k}" for k in range(len(acted))])
    return AnnData(counts, obs=table, var=pd.DataFrame(index=screen.genes)), screen


if __name__ == "__main__":
    main()
