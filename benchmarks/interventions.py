"""Interventions in simulations: what the names of the targets add, and whether the edges that they orient point right.

``python -m benchmarks.interventions [--d 500]``

ER-2, bounded variances, 1,000 observations without and 20 with an intervention on each target, one at a time, which
sets it to -2 of its own standard deviations. Everything is standardised by the observations without. Three roads:
without the interventional observations, with them but without their labels, and with both.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import measured, warm_up
from benchmarks.problems import COLUMNS, SHARE, Problem, load
from benchmarks.report import publish
from benchmarks.tables import options

SHARES = (0.1, 1.0)  # of the genes: a small screen, and one of all genes


class Found(NamedTuple):
    """Edges as columns of the data, and which of them are oriented and reversible."""

    source: np.ndarray
    target: np.ndarray
    oriented: np.ndarray
    reversible: np.ndarray


def main() -> None:
    """Measure and write the table."""
    given = options(__doc__ or "", d=500, n=1000).parse_args()
    warm_up()
    rows = []
    for share in SHARES:
        for seed in given.seeds:
            problem, acted = draw(given.bench, given.d, given.n, share, seed)
            labels = [f"gene_{gene + 1}" if gene >= 0 else "" for gene in acted]
            quiet = Problem("", seed, problem.X[: given.n], problem.source, problem.target)
            for road, data, told in (
                ("observations only", quiet, None),
                ("interventions, no labels", problem, None),
                ("interventions, labels", problem, labels),
            ):
                found, cost = measured(partial(learned, data.X, told, data.method_seed, given.threads))
                row = {"targets": f"{share:.0%}", "road": road, "seed": seed}
                rows.append({**row, **scores(data, found), **cost.row()})
    publish("interventions", rows, f"python -m benchmarks.interventions --d {given.d}", given)


def draw(bench: Path, d: int, n: int, share: float, seed: int) -> tuple[Problem, np.ndarray]:
    """Draw a problem, columns dealt out anew, and the target of every observation, ``(n_all,)``, -1 for none."""
    drawn = load(bench / "simulate.py").simulate(d, n, 2.0, "ER", seed=seed, parent_share=SHARE, targets=share)
    place = np.random.default_rng([COLUMNS, seed]).permutation(d)
    X = (drawn.X - drawn.X[:n].mean(axis=0)) / drawn.X[:n].std(axis=0)
    problem = Problem("ER-2", seed, X[:, np.argsort(place)], place[drawn.edges[:, 0]], place[drawn.edges[:, 1]])
    return problem, np.where(drawn.target >= 0, place[drawn.target], -1)


def learned(X: np.ndarray, labels: list[str] | None, seed: int, threads: int) -> Found:
    """Learn without resamples."""
    from acyclome import Network, learn

    network = learn(X, n_resamples=0, random_state=seed, threads=threads, perturbation=labels)
    if not isinstance(network, Network):
        msg = "Found a network per group; expected a single one."
        raise TypeError(msg)
    marks = (network.edges[name].to_numpy(bool) for name in ("oriented_by_intervention", "reversible"))
    return Found(network.source, network.target, *marks)


def scores(problem: Problem, found: Found) -> dict[str, Any]:
    """Score the edges, and the directions of oriented ones among truly joined pairs."""
    true = set(zip(problem.source.tolist(), problem.target.tolist(), strict=True))
    pairs = list(zip(found.source.tolist(), found.target.tolist(), strict=True))
    forward = np.array([pair in true for pair in pairs])
    backward = np.array([pair[::-1] in true for pair in pairs])
    joined = found.oriented & (forward | backward)
    graded = problem.scores(found.source, found.target)
    return {
        **{name: graded[name] for name in ("skeleton", "directed", "ceiling")},
        "oriented": int(found.oriented.sum()),
        "oriented_wrong": int((joined & backward).sum()),
        "oriented_no_edge": int((found.oriented & ~joined).sum()),
        "reversible": int(found.reversible.sum()),
    }


if __name__ == "__main__":
    main()
