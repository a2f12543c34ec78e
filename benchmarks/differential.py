"""Differential edges of groups that are learned together: how many are false, and how many are found.

``python -m benchmarks.differential [--d 100]``

ER-2, bounded variances, two groups of 400 observations each, once as two halves of the same data (every edge that is
called different is false), and once with one edge in ten of the truth cut in the second group. Called different: q at
most .05. ``false`` is their share over the whole table that is wrong, ``any`` the share of the data sets with one;
``found`` is the share of the cut edges that are called.  Beside it the road without ``joint``: each group learned by
itself, and an edge that is in one network alone taken for a difference.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from acyclome import learn
from benchmarks.problems import COLUMNS, SHARE, load
from benchmarks.report import publish
from benchmarks.tables import options

LEVEL = 0.05  # of the false discovery rate
CUT = 0.1  # of the edges: few enough that most of a gene's causes stay
Pairs = set[tuple[int, int]]


def main() -> None:
    """Measure and write the table."""
    given = options(__doc__ or "", d=100, n=400).parse_args()
    rows = [row for seed in given.seeds for cut in (False, True) for row in compared(given, seed, cut=cut)]
    publish("differential", rows, f"python -m benchmarks.differential --d {given.d}", given)


def compared(given: Any, seed: int, *, cut: bool) -> list[dict[str, Any]]:
    """Learn two groups by both roads and score what is called different."""
    X, label, changed = draw(given.bench, given.d, given.n, seed, cut=cut)
    genes = [str(j) for j in range(given.d)]
    about = {"data": "one edge in ten cut" if cut else "two halves of the same", "seed": seed}
    common: dict[str, Any] = {"groups": label, "resamples": 0, "seed": 7000 + seed, "threads": given.threads}
    joint = learn(X, genes, **common, config={"input": {"joint": True}})
    table = joint.differential[joint.differential["q"] <= LEVEL]
    called = {(int(a), int(b)) for a, b in zip(table["source"], table["target"], strict=True)}
    alone = [
        {(int(a), int(b)) for a, b in zip(one.edges["source"], one.edges["target"], strict=True)}
        for one in learn(X, genes, **common).values()
    ]
    roads = {"joint, q <= .05": called, "one at a time, in one network only": alone[0] ^ alone[1]}
    return [{**about, "road": road, **_scores(found, changed)} for road, found in roads.items()]


def draw(bench: Path, d: int, n: int, seed: int, *, cut: bool) -> tuple[np.ndarray, list[str], Pairs]:
    """Draw both groups, columns dealt out anew, and the edges that differ."""
    drawn = load(bench / "simulate.py").simulate(d, 2 * n, 2.0, "ER", seed=seed, parent_share=SHARE)
    rng = np.random.default_rng([0xD1FF, seed])
    W, X = drawn.dense(binary=False), drawn.X.copy()
    gone = rng.choice(len(drawn.edges), int(CUT * len(drawn.edges)) if cut else 0, replace=False)
    kept = W.copy()
    kept[tuple(drawn.edges[gone].T)] = 0.0
    noise = X[n:] - X[n:] @ W
    X[n:] = np.linalg.solve((np.eye(d) - kept).T, noise.T).T
    place = np.random.default_rng([COLUMNS, seed]).permutation(d)
    changed = {(int(place[a]), int(place[b])) for a, b in drawn.edges[gone]}
    return X[:, np.argsort(place)], ["first"] * n + ["second"] * n, changed


def _scores(called: Pairs, changed: Pairs) -> dict[str, float]:
    """Score what is called; an edge that is turned round counts as found, for it did change."""
    either = changed | {(b, a) for a, b in changed}
    right, wrong = len(called & either), len(called - either)
    return {
        "called": float(len(called)),
        "false": wrong / max(len(called), 1),
        "any": float(wrong > 0),
        "found": right / len(changed) if changed else float("nan"),
    }


if __name__ == "__main__":
    main()
