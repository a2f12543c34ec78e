"""Totals of few genes: what they join that is independent, what they cost where genes act on one another.

``python -m benchmarks.totals [--n 1000] [--cells 1000]`` draws counts of independent genes, with and without depth and
a gene that dominates, and counts of networks.  Each is prepared with totals, and as ``auto`` does, and learned from by
the models linear, glm and auto without resamples.  ``joined``: share of the genes that get an edge, in the mean over
seeds and at most.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import product
from typing import Any

import anndata
import numpy as np
import pandas as pd

import acyclome as ac
from acyclome.evaluate.simulate import Simulation, simulate
from acyclome.evaluate.trial import figures
from acyclome.evaluate.umi import DispersedUmi, Umi
from benchmarks.problems import METHOD
from benchmarks.report import publish
from benchmarks.tables import options

MEANS = (0.3, 40.0)
STILL = (1e-6, 2e-6)  # how far latent values move a gene, above 0: not at all
LAWS: dict[str, dict[str, Any]] = {
    "Poisson": {"kind": Umi, "spread": STILL},
    "negative binomial": {"kind": DispersedUmi, "spread": STILL, "dispersion": (0.1, 0.5)},
}
DEPTHS = (0.0, 0.3, 0.6)
DOMINANT = (0.0, 0.5)
SIZES = {"linear": (20, 100, 500), "glm": (20,), "auto": (20,)}  # auto compares all models, mlp among them
PREPARED: dict[str, dict[str, Any]] = {
    "totals": {"prepare": {"normalize": True}, "glm": {"size_factors": "total"}},
    "auto": {},
}
NETWORKS: dict[str, dict[str, Any]] = {
    "Poisson, .5 to 5": {"observation": Umi((0.5, 5.0))},
    "Poisson, 5 to 50": {"observation": Umi((5.0, 50.0))},
    "Poisson, .5 to 5, depth .6": {"observation": Umi((0.5, 5.0), size_spread=0.6)},
    "negative binomial, 5 to 50": {"observation": DispersedUmi((5.0, 50.0))},
    "negative binomial, one gene has half": {"observation": DispersedUmi((5.0, 50.0), dominant=0.5)},
    "counts that cause counts": {"noise": "negative-binomial"},
}
GRAPHS = {"ER-2": ("er", (20, 50, 200)), "hub": ("hub", (200,))}


def main() -> None:
    """Measure and write the tables."""
    parser = options(__doc__ or "", n=1000, cells=1000)
    parser.add_argument("--networks", action="store_true", help="measure on networks instead")
    given = parser.parse_args()
    if given.networks:
        publish("totals-networks", list(_networks(given)), "python -m benchmarks.totals --networks", given)
    else:
        publish("totals", list(_independent(given)), "python -m benchmarks.totals", given)


def _independent(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for model, sizes in SIZES.items():
        for d, law, depth, dominant in product(sizes, LAWS, DEPTHS, DOMINANT):
            kind, settings = LAWS[law]["kind"], {key: value for key, value in LAWS[law].items() if key != "kind"}
            umi = kind(MEANS, size_spread=depth, dominant=dominant, **settings)
            if d == 500 and dominant:  # what totals join there takes minutes to learn
                continue
            about = {"model": model, "genes": d, "law": law, "depth": depth, "dominant": dominant}
            for seed in given.seeds:
                drawn = simulate(d, given.n, degree=0.0, observation=umi, seed=seed)
                for prepared in PREPARED:
                    source, target = learned(drawn, prepared, model, seed, given.threads)
                    joined = len(np.union1d(source, target)) / d
                    yield {**about, "prepared": prepared, "seed": seed, "edges": len(source), "joined": joined}


def _networks(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for (name, (graph, sizes)), (counts, settings) in product(GRAPHS.items(), NETWORKS.items()):
        for d, seed in product(sizes, given.seeds):
            drawn = simulate(d, given.cells, graph=graph, **settings, seed=seed)
            for model in ("linear", "glm") if d <= 50 else ("linear",):
                for prepared in PREPARED:
                    found = learned(drawn, prepared, model, seed, given.threads)
                    scores = figures((drawn.source, drawn.target), found, d, seed)
                    shown = {key: scores[key] for key in ("skeleton", "directed")}
                    row = {"model": model, "graph": name, "genes": d, "counts": counts, "prepared": prepared}
                    yield {**row, "seed": seed, "edges": len(found[0]), **shown}


def learned(drawn: Simulation, prepared: str, model: str, seed: int, threads: int) -> tuple[np.ndarray, np.ndarray]:
    """Learn edges from counts that are still to be prepared."""
    genes, obs = pd.DataFrame(index=drawn.genes), pd.DataFrame(index=[f"cell_{k}" for k in range(len(drawn.X))])
    adata = anndata.AnnData(drawn.X.astype(np.float32), obs=obs, var=genes)
    config = {"model": model, **PREPARED[prepared]}
    ac.tl.dag(adata, n_resamples=0, random_state=METHOD + seed, threads=threads, config=config)
    edges, place = ac.get.edges(adata), {gene: k for k, gene in enumerate(drawn.genes)}
    source, target = (edges[end].map(place).to_numpy(np.int64) for end in ("source", "target"))
    return source, target


if __name__ == "__main__":
    main()
