"""The sets on which GraN-DAG was published: structural Hamming distance of our models, beside the published figures.

``python -m benchmarks.grandag [--sets "ER1, 10" SynTReN] [--models gran_dag gran_dag:pruned mlp] [--first 10]``

A turned edge counts once, as in the paper.  ``gran_dag:pruned`` sets what chooses edges,
``gran_dag:pruned:function`` the noise of the networks, too.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import learned, measured, warm_up_for
from benchmarks.problems import METHOD
from benchmarks.report import publish
from benchmarks.tables import options


class Sets(NamedTuple):
    """Data sets of one kind: their archive, the folder in it, and the mean distance that the paper has."""

    archive: str
    folder: str
    published: float


# Lachapelle et al. 2020; means over 10 sets, but for Sachs, which is one.
SETS = {
    "ER1, 10": Sets("data_p10_e10_n1000_GP.zip", "data_p10_e10_n1000_GP", 1.7),
    "ER4, 10": Sets("data_p10_e40_n1000_GP.zip", "data_p10_e40_n1000_GP", 8.3),
    "ER1, 20": Sets("data_p20_e20_n1000_GP.zip", "data_p20_e20_n1000_GP", 4.0),
    "SynTReN": Sets("syntren_p20.zip", "syntren", 34.0),
    "Sachs": Sets("sachs.zip", "sachs/continuous", 13.0),
}
FIRST = 10  # sets of a kind, as many as the paper has
MODELS = ("linear", "spline", "mlp", "gran_dag", "gran_dag:pruned", "gran_dag:threshold")


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", first=FIRST)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS), help="kinds of data sets")
    parser.add_argument("--models", nargs="+", default=list(MODELS), help="structural models")
    given = parser.parse_args()
    warm_up_for(map(config_of, given.models))
    rows: list[dict[str, Any]] = []
    for name in given.sets:
        for number, X, truth in read_sets(given.data / "grandag", SETS[name], given.first):
            for model in given.models:
                work = partial(learned, X, METHOD + number, given.threads, **config_of(model))
                found, cost = measured(work)
                row = {"data": name, "model": model, "set": number, "true": len(truth), **distance(truth, found)}
                rows.append(row | {"GraN-DAG": SETS[name].published, **cost.row()})
    words = [] if given.first == FIRST else [f"--first {given.first}"]
    words += ["--models", *given.models] if given.models != list(MODELS) else []
    words += ["--sets", *(f'"{name}"' for name in given.sets)] if given.sets != list(SETS) else []
    name = "grandag-auto" if "auto" in given.models else "grandag"
    publish(name, rows, f"python -m benchmarks.grandag {' '.join(words)}".strip(), given)


def config_of(model: str) -> dict[str, Any]:
    """Return the options that ``model``, ``model:edges`` or ``model:edges:noise`` names."""
    name, *values = model.split(":")
    own = dict(zip(("edges", "noise"), values, strict=False))
    return {"model": name} | ({name: own} if own else {})


def read_sets(folder: Path, sets: Sets, first: int) -> Iterator[tuple[int, np.ndarray, set[tuple[int, int]]]]:
    """Yield number, observations x genes and edges of the first data sets of a kind."""
    with zipfile.ZipFile(folder / sets.archive) as archive:
        there = set(archive.namelist())
        for number in range(1, first + 1):
            names = [f"{sets.folder}/{part}{number}.npy" for part in ("data", "DAG")]
            if not there.issuperset(names):
                return
            with warnings.catch_warnings():  # of files that Python 2 has written
                warnings.simplefilter("ignore", UserWarning)
                X, graph = (np.load(io.BytesIO(archive.read(name))) for name in names)
            yield number, X.astype(float), set(zip(*map(np.ndarray.tolist, np.nonzero(graph)), strict=True))


def distance(truth: set[tuple[int, int]], found: tuple[np.ndarray, np.ndarray]) -> dict[str, int]:
    """Return the structural Hamming distance, the edges found, and how many of these are turned."""
    edges = set(zip(found[0].tolist(), found[1].tolist(), strict=True))
    turned = sum((j, i) in truth for i, j in edges)
    return {"shd": len(truth ^ edges) - turned, "edges": len(edges), "turned": turned}


if __name__ == "__main__":
    main()
