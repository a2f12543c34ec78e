"""What becomes of a learned network when simulated data grow more like real ones, one thing at a time.

``python -m benchmarks.regimes [--d 200] [--n 1000]``

Hub networks of one seed under factors, counts, saturating kinetics and noise between expression and activity, and 20
independent genes; model linear without a look for activities, no resamples, counts at equal totals and in logarithms.
``false``: adjacencies that are not in the network; ``siblings``: share of these that join two targets of one regulator,
beside that share among all pairs that are not adjacent.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np

from acyclome.cli.methods import learned
from acyclome.evaluate.accuracy import Edges
from acyclome.evaluate.factors import Factors
from acyclome.evaluate.kinetics import Hill
from acyclome.evaluate.simulate import simulate
from acyclome.evaluate.trial import figures
from acyclome.evaluate.umi import Umi
from benchmarks.problems import METHOD
from benchmarks.report import publish
from benchmarks.tables import options

NAN = float("nan")
SHOWN = ("skeleton", "directed", "precision", "recall")
HUB: dict[str, Any] = {"graph": "hub", "standardised": True}
COUNTED: dict[str, Any] = {"graph": "hub"}
REGIMES: dict[str, dict[str, Any]] = {
    "values": HUB,
    "5 factors of .2": HUB | {"factors": Factors(5, share=0.2)},
    "5 factors of .5": HUB | {"factors": Factors(5, share=0.5)},
    "20 factors of .7": HUB | {"factors": Factors(20, share=0.7)},
    "hill": HUB | {"mechanism": Hill()},
    "hill, activity noise .25": HUB | {"mechanism": Hill(activity_noise=0.25)},
    "hill, activity noise .5": HUB | {"mechanism": Hill(activity_noise=0.5)},
    "hill, activity noise 1": HUB | {"mechanism": Hill(activity_noise=1.0)},
    "Poisson, 5 to 50": COUNTED | {"observation": Umi((5.0, 50.0), is_normalized=True)},
    "Poisson, .5 to 5": COUNTED | {"observation": Umi((0.5, 5.0), is_normalized=True)},
    "Poisson, .1 to 3": COUNTED | {"observation": Umi((0.1, 3.0), is_normalized=True)},
}
PANELS = {
    "20 independent genes, values": {},
    "20 independent genes, Poisson, 5 to 20": {"observation": Umi((5.0, 20.0), is_normalized=True)},
    "20 independent genes, one has half of the counts": {
        "observation": Umi((5.0, 20.0), dominant=0.5, is_normalized=True)
    },
}


def main() -> None:
    """Measure and write the table."""
    given = options(__doc__ or "", d=200, n=1000).parse_args()
    publish("regimes", list(_rows(given)), "python -m benchmarks.regimes", given)


def _rows(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for seed in given.seeds:
        drawn = {name: simulate(given.d, given.n, **settings, seed=seed) for name, settings in REGIMES.items()}
        drawn |= {
            name: simulate(20, given.n, degree=0.0, **settings, seed=seed)  # type: ignore[arg-type]
            for name, settings in PANELS.items()
        }
        for name, data in drawn.items():
            found = learned(data.X, METHOD + seed, given.threads, activity="none")
            yield {"data": name, "seed": seed, **scores((data.source, data.target), found, len(data.genes), seed)}


def scores(truth: Edges, found: Edges, d: int, seed: int) -> dict[str, float]:
    """Score the edges found, and say how many of the false ones join two targets of one cause."""
    parents, pairs = np.zeros((d, d), bool), np.zeros((d, d), bool)
    parents[truth] = True
    pairs[found] = True
    false = np.triu((pairs | pairs.T) & ~(parents | parents.T), 1)
    siblings = np.triu(parents.T.astype(int) @ parents > 0, 1)
    absent = np.triu(~(parents | parents.T), 1)
    has_edges = truth[0].size > 0
    shown = figures(truth, found, d, seed) if has_edges else {}
    return {
        "edges": len(found[0]),
        **{name: float(shown.get(name, NAN)) for name in SHOWN},
        "false": int(false.sum()),
        "siblings": float((false & siblings).sum() / false.sum()) if false.any() and has_edges else NAN,
        "siblings_by_chance": float((absent & siblings).sum() / absent.sum()) if has_edges else NAN,
    }


if __name__ == "__main__":
    main()
