"""How far experiments bear out the edges of a network, by the measures of CausalBench (Chevalley et al. 2025).

Of an edge ``A -> B`` whose source was acted on, expression of ``B`` is compared between cells in which ``A`` alone was
a target and control cells: by the Wasserstein distance, whose mean over edges is the larger the better, and by the test
of Mann and Whitney, of which a p-value below .05 is a true positive.  The false omission rate is the share of pairs
without a path from ``A`` to ``B`` that this test calls different nevertheless.

What experiments show best is what experiments showed: ranking pairs by how far means differ in other cells of the same
targets is nearly the measure itself, and no network.  It belongs beside every other, and targets that were never
learned from are the test of causes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

LEVEL = 0.05  # of the test, as in CausalBench
OMITTED = 1000  # pairs without a path that are tested; CausalBench takes 500 to 2,000
MOST_DRAWN = 1 << 18  # pairs among which there are enough without a path, unless nearly all have one
LEAST_CELLS = 5  # of a treatment, below which no test of .05 says anything
_SALT = 0x1CE5  # keeps this stream apart from default_rng(seed), which callers use

Edges = tuple[np.ndarray, np.ndarray]


class Cells(NamedTuple):
    """Cells to score by: expression ``(d, n)``, and the only gene acted on in each, ``(n,)``.

    ``CONTROL`` where nothing was done, ``OTHER`` where something else was.
    """

    values: np.ndarray
    gene: np.ndarray

    @property
    def targets(self) -> np.ndarray:
        """Genes acted on in enough cells, rising."""
        genes, count = np.unique(self.gene[self.gene >= 0], return_counts=True)
        enough: np.ndarray = genes[count >= LEAST_CELLS]
        return enough


CONTROL, OTHER = -1, -2


def halves(kind: np.ndarray, rng: np.random.Generator) -> Edges:
    """Deal the cells of every kind, ``(n,)``, into two halves, rising: one to learn from, one to score by."""
    order = rng.permutation(len(kind))
    order = order[np.argsort(kind[order], kind="stable")]
    first = np.searchsorted(kind[order], np.unique(kind))
    place = np.arange(len(kind)) - np.repeat(first, np.diff(np.append(first, len(kind))))
    return np.sort(order[place % 2 == 0]), np.sort(order[place % 2 == 1])


class _Tests:
    """Distances and p-values of pairs, each computed once whatever asks for it."""

    def __init__(self, cells: Cells) -> None:
        self.cells, self.control = cells, cells.values[:, cells.gene == CONTROL]
        self.known: dict[int, tuple[float, float]] = {}

    def of(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return Wasserstein distances and p-values, ``(2, m)``."""
        # here, for it takes a quarter of the start of a stage
        from scipy.stats import mannwhitneyu, wasserstein_distance

        d = len(self.cells.values)
        keys = source * d + target
        for gene in np.unique(source).tolist():
            wanted = target[source == gene]
            new = np.array([j for j in np.unique(wanted).tolist() if gene * d + j not in self.known], np.int64)
            if len(new):
                acted = self.cells.values[np.ix_(new, self.cells.gene == gene)]
                control = self.control[new]
                p = np.nan_to_num(mannwhitneyu(acted, control, axis=1, method="asymptotic").pvalue, nan=1.0)
                far = [wasserstein_distance(x, y) for x, y in zip(acted, control, strict=True)]
                self.known |= {gene * d + j: pair for j, *pair in zip(new.tolist(), far, p.tolist(), strict=True)}
        return np.array([self.known[key] for key in keys.tolist()]).reshape(-1, 2).T


def interventional_scores(
    cells: Cells, networks: Mapping[str, Edges], *, sources: np.ndarray | None = None, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Score networks, edges ``(m,)`` each by name, by what acting on genes did in ``cells``.

    Only edges out of ``sources`` count (all targets of the cells if None); paths may lead over all edges. The same
    pairs are drawn for the false omission rate of all networks.

    Returns for each network the edges that count, ``wasserstein`` (mean over them), ``true_positives`` (how many change
    their target), ``precision`` (which share), ``false_omission_rate`` and over how many pairs; nan where there is
    none.
    """
    asked = cells.targets if sources is None else np.intersect1d(sources, cells.targets)
    d, tests = len(cells.values), _Tests(cells)
    drawn = _pairs(asked, d, np.random.default_rng([_SALT, seed]))
    scores = {}
    for name, (source, target) in networks.items():
        counts = np.isin(source, asked) & (source != target)
        far, p = tests.of(source[counts], target[counts])
        omitted = drawn[:, ~_reached(source, target, drawn, n_genes=d)][:, :OMITTED]
        _, missed = tests.of(*omitted)
        scores[name] = {
            "edges": float(counts.sum()),
            "wasserstein": float(far.mean()) if len(far) else float("nan"),
            "true_positives": float((p < LEVEL).sum()),
            "precision": float((p < LEVEL).mean()) if len(p) else float("nan"),
            "false_omission_rate": float((missed < LEVEL).mean()) if len(missed) else float("nan"),
            "omitted": float(len(missed)),
        }
    return scores


def _pairs(sources: np.ndarray, d: int, rng: np.random.Generator) -> np.ndarray:
    """Draw pairs of a source and another gene, without repeats, ``(2, m)``, all of them if they are few."""
    every = len(sources) * d
    if every <= MOST_DRAWN:
        keys = rng.permutation(every)
    else:
        keys = rng.permutation(np.unique(rng.integers(0, every, MOST_DRAWN)))
    source, target = sources[keys // d] if len(sources) else keys, keys % d
    return np.stack([source, target])[:, source != target]


def _reached(source: np.ndarray, target: np.ndarray, pairs: np.ndarray, *, n_genes: int) -> np.ndarray:
    """Say of pairs, ``(2, m)``, whether a path leads from the one to the other."""
    graph = csr_array((np.ones(len(source)), (source, target)), shape=(n_genes, n_genes))
    found = np.zeros(pairs.shape[1], bool)
    for gene in np.unique(pairs[0]).tolist():
        at = pairs[0] == gene
        below = np.zeros(n_genes, bool)
        below[breadth_first_order(graph, gene, return_predecessors=False)] = True
        found[at] = below[pairs[1, at]]
    return found
