"""Feedback among targets of a screen: which loops are found, and how often there are any in graphs without circles.

``python -m benchmarks.feedback [--d 1000] [--screens 300]``

Lines with Gaussian noise, two causes a gene, every gene a target of 40 cells, held there 2.4 standard deviations down;
1,000 controls.  A tenth of the edges lie in loops of two genes, which join to larger ones, or none.  Graphs whose loops
run away are drawn anew.  ``pairs`` are those that are listed, ``right`` the share that lie in one strongly connected
set of the true graph, ``two`` the share of the loops of two that are listed, ``sets`` that of the true sets of which a
pair is.  ``screens`` of 40 genes without loops: in how many is anything found?
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from acyclome.core.backend import ThreadBackend
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.data.moments import scale_genes
from acyclome.core.data.problem import Problem
from acyclome.core.effects.doses import Treatments
from acyclome.core.effects.loops import find_loops
from benchmarks.measure import measured
from benchmarks.report import publish
from benchmarks.tables import options

CONTROLS, CELLS, DOWN, LEFT = 1000, 40, 2.4, 0.3  # LEFT of the noise of a gene that is held
IN_LOOPS, SMALL = 0.1, 40
_SALT = 0xF33D


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", d=1000, screens=300)
    parser.set_defaults(seeds=[11])
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for seed in given.seeds:
        rows += [found_in(given.d, share, seed, threads=given.threads) for share in (IN_LOOPS, 0.0)]
    alarms = [found_in(SMALL, 0.0, 1000 + k, threads=1)["pairs"] > 0 for k in range(given.screens)]
    rows.append({"genes": SMALL, "screens": given.screens, "in_loops": 0.0, "screens_with_any": int(np.sum(alarms))})
    publish("feedback", rows, "python -m benchmarks.feedback", given)


def found_in(d: int, share: float, seed: int, *, threads: int) -> dict[str, Any]:
    """Draw a screen, and compare what is found with the sets of its graph."""
    rng = np.random.default_rng([_SALT, seed])
    W, first, second = graph(d, share, rng)
    problem, treatments = screen(W, rng, threads)
    found, cost = measured(lambda: find_loops(problem, treatments))
    _, number = connected_components(csr_array(W != 0), directed=True, connection="strong")
    inside = number[found.source] == number[found.target]
    listed = set(zip(found.source.tolist(), found.target.tolist(), strict=True))
    sets = np.flatnonzero(np.bincount(number) > 1)
    row: dict[str, Any] = {"genes": d, "screens": 1, "in_loops": share, "pairs": len(found.source) // 2}
    row |= {"screens_with_any": int(len(found.source) > 0), "cpu_seconds": cost.cpu, "true_sets": len(sets)}
    if len(listed):
        row["right"] = float(inside.mean())
    if share:
        row["two"] = float(np.mean([pair in listed for pair in zip(first.tolist(), second.tolist(), strict=True)]))
        row["sets"] = float(np.isin(sets, number[found.source[inside]]).mean())
    return row


def graph(d: int, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weights, of which ``share`` lie in loops of two genes, and the ends of these."""
    while True:
        order, W = rng.permutation(d), np.zeros((d, d))
        while np.count_nonzero(W) < 2 * d:
            a, b = np.sort(rng.integers(0, d, 2))
            if a != b:
                W[order[a], order[b]] = rng.choice([-1, 1]) * rng.uniform(0.3, 0.8)
        source, target = np.nonzero(W)
        turned = rng.permutation(len(source))[: round(share * len(source) / 2)]
        first, second = source[turned], target[turned]
        W[second, first] = rng.choice([-1, 1], len(turned)) * rng.uniform(0.3, 0.8, len(turned))
        if not share or np.abs(np.linalg.eigvals(W)).max() < 1:
            return W, first, second


def screen(W: np.ndarray, rng: np.random.Generator, threads: int) -> tuple[Problem, Treatments]:
    """Draw ``x = x W + noise``, with every gene held in cells of its own."""
    d = len(W)
    kind = np.concatenate([np.full(CONTROLS, -1), np.repeat(np.arange(d), CELLS)])
    X = rng.standard_normal((len(kind), d), np.float32)
    T = np.linalg.inv(np.eye(d) - W)
    spread = np.sqrt((T**2).sum(axis=0))
    X[:CONTROLS] = X[:CONTROLS] @ T
    for gene in range(d):
        at = np.flatnonzero(kind == gene)
        level = -DOWN * spread[gene] + LEFT * X[at, gene]
        X[at, gene] = 0.0
        moved = X[at] @ T  # of a gene that goes on listening to its causes; what it takes to hold it comes on top
        X[at] = moved + ((level - moved[:, gene]) / T[gene, gene])[:, None] * T[gene]
    targets = Interventions.from_pairs(kind[CONTROLS:], np.arange(CONTROLS, len(kind)), n_genes=d, n_obs=len(kind))
    Z = np.ascontiguousarray(X.T)
    data = scale_genes(lambda a, b: Z[a:b], d, interventions=targets)
    return Problem(data, Constraints.none(d), ThreadBackend(threads)), Treatments(kind, np.arange(d))


if __name__ == "__main__":
    main()
