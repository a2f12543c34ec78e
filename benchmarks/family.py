"""Every system of the article on the same files: the program of the paper, its relaxation here, and our search.

``python -m benchmarks.family --sets "ER1, 10" [--python PYTHON --clones FOLDER]``: the sets on which GraN-DAG was
published.  A table for each kind of sets.  ``relaxation`` is the model where its relaxation decides, ``search`` the
model as it is offered.  Programs of papers (:mod:`.programs`) run on the first few sets, ours on the first ten;
``--keep_programs`` keeps what they said in the run before.  PC and GES leave some edges undirected: a coin points them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from acyclome.config import Config
from acyclome.core import engine
from acyclome.core.backend import ThreadBackend
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.moments import correlate, scale_genes
from acyclome.core.data.problem import Problem
from acyclome.core.workers import one_blas_thread
from acyclome.evaluate.trial import DONE
from acyclome.models.gran_dag.pruning import prune
from acyclome.pipeline.engine_settings import engine_settings
from benchmarks.classical import pointed
from benchmarks.grandag import SETS, distance, read_sets
from benchmarks.intervention_distance import intervention_distance
from benchmarks.measure import learned, measured, warm_up_for
from benchmarks.problems import METHOD
from benchmarks.programs import PROGRAMS, Place, run_program
from benchmarks.report import publish, runs_of
from benchmarks.tables import options

Edges = tuple[np.ndarray, np.ndarray]
SLOW = ("GraN-DAG", "DAG-GNN")  # programs that take minutes a set, and run on the first one


class System(NamedTuple):
    """A system: options where its relaxation decides, and as it is offered; the program has its name."""

    relaxation: dict[str, Any] | None = None
    search: dict[str, Any] | None = None


SYSTEMS = {
    "NOTEARS": System({}, {}),
    "DAG-GNN": System({"model": "dag_gnn", "dag_gnn": {"decides": "relaxation"}}, {"model": "dag_gnn"}),
    "GraN-DAG": System({"model": "gran_dag", "gran_dag": {"edges": "pruned"}}, {"model": "gran_dag"}),
    "NOTEARS-MLP": System({"model": "mlp"}, {"model": "mlp"}),
    "NOTEARS-Sobolev": System({"model": "sobolev"}),  # its search is that of spline, below
    "NO-BEARS": System({"model": "polynomial", "fit": {"acyclicity": "spectral"}}, {"model": "polynomial"}),
    "LiNGAM": System(search={"model": "lingam"}),
    "PC": System(),
    "GES": System(),
    "CAM": System(search={"model": "spline"}),
}
# Lachapelle et al. 2020, means of SHD over ten sets, one of Sachs; the figures that could be looked up.
PUBLISHED: dict[str, dict[str, float]] = {
    "SynTReN": {"NOTEARS": 151.8, "DAG-GNN": 93.6, "CAM": 40.5},
    "Sachs": {"NOTEARS": 21.0, "DAG-GNN": 16.0, "CAM": 12.0},
}


def main() -> None:
    """Measure and write the tables."""
    parser = options(__doc__ or "", first=10, programs_first=3, limit=300)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS), help="kinds of data sets")
    parser.add_argument("--python", type=Path, help="interpreter with torch and causal-learn; empty: no programs")
    parser.add_argument("--programs", nargs="+", default=list(PROGRAMS), choices=list(PROGRAMS), help="programs to run")
    parser.add_argument("--clones", type=Path, default=Path(), help="folder of clones: notears, DAG-GNN, GraN-DAG")
    parser.add_argument("--keep_programs", action="store_true", help="keep the rows of programs, and run none")
    given = parser.parse_args()
    if given.keep_programs and given.python:
        parser.error("--keep_programs runs no program, for which --python is; expected one of both.")
    warm_up_for(system.search for system in SYSTEMS.values() if system.search is not None)
    for name in given.sets:
        table = f"family-{slug(name)}"
        rows = list(_rows(name, given))
        if given.keep_programs:
            rows = _with_programs(rows, runs_of(table))
        words = f'--sets "{name}" --first {given.first} --threads {given.threads}'
        words += " --keep_programs" * given.keep_programs
        if given.python:
            words += f" --python PYTHON --clones FOLDER --programs_first {given.programs_first} --limit {given.limit}"
            words += f" --programs {' '.join(given.programs)}" if given.programs != list(PROGRAMS) else ""
        publish(table, rows, f"python -m benchmarks.family {words}", given)


def slug(name: str) -> str:
    """Return the name of sets as it stands in the name of a file."""
    return name.lower().replace(", ", "-")


def _rows(name: str, given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for system, roads in SYSTEMS.items():
        published = SETS[name].published if system == "GraN-DAG" else PUBLISHED.get(name, {}).get(system, np.nan)
        about = {"system": system, "published": published}
        for number, X, truth in read_sets(given.data / "grandag", SETS[name], given.first):
            seed, judge = METHOD + number, partial(_scores, truth, X.shape[1])
            few = 1 if system in SLOW else given.programs_first
            if given.python and system in given.programs and number <= few:
                yield about | {"road": "program", "set": number} | _program(system, X, seed, judge=judge, given=given)
            for road, work in (("relaxation", relaxed), ("search", learned)):
                config = getattr(roads, road)
                if config is not None:
                    found, cost = measured(partial(work, X, seed, given.threads, **config))
                    row = {"road": road, "set": number, "status": DONE, **judge(found), **cost.row()}
                    yield about | row


def _with_programs(rows: list[dict[str, Any]], before: pd.DataFrame) -> list[dict[str, Any]]:
    """Put the rows of programs of the run before in front of those of their systems."""
    kept: list[Any] = before[before["road"] == "program"].to_dict("records")
    return sorted([*kept, *rows], key=lambda row: list(SYSTEMS).index(row["system"]))


def _program(system: str, X: np.ndarray, seed: int, *, judge: Any, given: argparse.Namespace) -> dict[str, Any]:
    answer = run_program(system, X, seed, place=Place(given.python, given.clones), limit=given.limit)
    found = {"status": answer.status}
    if answer.A is not None:
        edges = pointed(answer.A, seed)
        found |= judge(_pruned(X, edges) if system == "GraN-DAG" else edges)
    return found | answer.cost.row()


def relaxed(X: np.ndarray, seed: int, threads: int, **config: Any) -> Edges:
    """Return the edges of a model where its relaxation decides."""
    asked = Config.from_mapping({**config, "fit": {"relax": True, **config.get("fit", {})}})
    settings = replace(engine_settings(asked), search="relaxation")
    with one_blas_thread():
        problem = _problem(X, threads)
        candidates = engine.screen(problem, settings)
        found, _ = engine.search(problem, candidates, np.arange(X.shape[1]), settings=settings, seed=seed)
    return found.source, found.target


def _problem(X: np.ndarray, threads: int) -> Problem:
    d = X.shape[1]
    data = correlate(scale_genes(lambda a, b: np.ascontiguousarray(X[:, a:b].T), d, threads=threads), threads)
    return Problem(data, Constraints.none(d), ThreadBackend(threads))


def _pruned(X: np.ndarray, edges: Edges) -> Edges:
    """Prune what GraN-DAG's program leaves to the pruning of CAM, in R there and ours here."""
    into = Candidates.from_pairs(*edges, X.shape[1])
    keep = prune(_problem(X, 1).data, into, threads=1)
    return into.parent[keep], into.target[keep]


def _scores(truth: set[tuple[int, int]], d: int, found: Edges) -> dict[str, float]:
    A, B = np.zeros((2, d, d), bool)
    A[tuple(zip(*truth, strict=True))] = True
    B[found] = True
    counts = distance(truth, found)
    right = int((A & B).sum())
    return {
        "shd": counts["shd"],
        "sid": intervention_distance(A, B),
        "f1": 2 * right / max(len(truth) + counts["edges"], 1),
        "edges": counts["edges"],
        "true": len(truth),
    }


if __name__ == "__main__":
    main()
