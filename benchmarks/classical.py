"""Classical references from causal-learn beside ours: PC, GES and DirectLiNGAM on linear mechanisms, ER-2.

``python -m benchmarks.classical [--d 20] [--noises gauss exp laplace] [--methods lingam DirectLiNGAM]`` (needs
``pip install -c constraints.txt -e '.[bench]'``).  Variances are bounded and data standardised.  PC and GES leave some
edges undirected; a coin with a seed points these, ours stand as they are.  ``skeleton`` does not depend on that.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shlex
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from acyclome.core.workers import one_blas_thread
from benchmarks.measure import learned, warm_up_for
from benchmarks.problems import Problem, Protocol, find_bench
from benchmarks.published import rows_within
from benchmarks.report import publish
from benchmarks.tables import SEEDS, options

Edges = tuple[np.ndarray, np.ndarray]
NOISES = ("gauss", "exp", "laplace")
ALPHA = 0.01  # level of the tests of PC; at .05 it is a little worse
COIN = 0xC01A  # a stream of its own: decides what a method leaves undirected
OURS = {"linear": {}, "linear, non_gaussian": {"score": {"non_gaussian": True}}, "lingam": {"model": "lingam"}}


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", d=20, n=1000)
    parser.add_argument("--noises", nargs="+", default=list(NOISES), help="laws of the noise")
    parser.add_argument("--methods", nargs="+", default=[], help="only these of the methods; empty: all")
    parser.add_argument(
        "--limit", type=float, default=300.0, help="processor seconds of a method, for all seeds of a noise"
    )
    given = parser.parse_args()
    _warm_up()
    rows = list(_rows(given))
    named = shlex.join(["--methods", *given.methods]) if given.methods else ""
    seeds = f"--seeds {' '.join(map(str, given.seeds))} " * (tuple(given.seeds) != SEEDS)
    words = f"--d {given.d} {seeds}--noises {' '.join(given.noises)} --limit {given.limit:g} {named}".rstrip()
    publish(f"classical-{given.d}", rows, f"python -m benchmarks.classical {words}", given)


def _rows(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield a row for every run of every method, noise after noise."""
    bench = find_bench(given.bench)
    for noise in given.noises:
        protocol = Protocol(noise, "ER", extras={"noise": noise})
        problems = [protocol.draw(given.d, given.n, seed, bench) for seed in given.seeds]
        for name, work in _methods(given).items():
            if name in given.methods or not given.methods:
                found = rows_within(work, problems, given.limit)
                yield from ({"noise": noise, "method": name, **row} for row in found)


def _methods(given: argparse.Namespace) -> dict[str, Callable[[Problem], Edges]]:
    """Return what is measured, by name."""

    def ours(config: dict, problem: Problem) -> Edges:
        return learned(problem.X, problem.method_seed, given.threads, **config)

    def theirs(fit: Callable[[np.ndarray], np.ndarray], problem: Problem) -> Edges:
        return pointed(_alone(fit, problem.X), problem.method_seed)

    found = {name: partial(ours, config) for name, config in OURS.items()}
    return found | {name: partial(theirs, fit) for name, fit in CLASSICAL.items()}


def _alone(fit: Callable[[np.ndarray], np.ndarray], X: np.ndarray) -> np.ndarray:
    """Call a method on one BLAS thread, without what it prints."""
    with one_blas_thread(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return fit(np.array(X, dtype=np.float64, order="C"))


def _pc(X: np.ndarray) -> np.ndarray:
    from causallearn.search.ConstraintBased.PC import pc

    return _joined(pc(X, alpha=ALPHA, indep_test="fisherz", show_progress=False).G.graph)


def _ges(X: np.ndarray) -> np.ndarray:
    from causallearn.search.ScoreBased.GES import ges

    return _joined(ges(X, score_func="local_score_BIC")["G"].graph)


def _direct_lingam(X: np.ndarray) -> np.ndarray:
    from causallearn.search.FCMBased.lingam import DirectLiNGAM

    model = DirectLiNGAM()
    model.fit(X)
    return model.adjacency_matrix_.T != 0


CLASSICAL = {"PC": _pc, "GES": _ges, "DirectLiNGAM": _direct_lingam}


def _joined(graph: np.ndarray) -> np.ndarray:
    """Return ``A[i, j]``: a line from i to j that may point there; an arrowhead at j is a 1 in ``graph[j, i]``."""
    return (graph != 0) & (graph.T != 0) & (graph != 1)


def pointed(A: np.ndarray, seed: int) -> Edges:
    """Return the edges of ``A``; a coin points those that stand there both ways."""
    both = np.triu(A & A.T, 1)
    i, j = both.nonzero()
    turned = np.random.default_rng([COIN, seed]).random(len(i)) < 0.5
    single = A & ~A.T
    source, target = single.nonzero()
    return np.append(source, np.where(turned, j, i)), np.append(target, np.where(turned, i, j))


def _warm_up() -> None:
    """Compile our kernels and import theirs, so that no trial, each in a fork of this process, pays for it."""
    warm_up_for(OURS.values())
    X = np.random.default_rng(3).exponential(size=(200, 6))
    for fit in CLASSICAL.values():
        _alone(fit, X)


if __name__ == "__main__":
    main()
