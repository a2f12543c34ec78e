"""Nonlinear mechanisms: models of curves beside the linear one, the sort-and-regress baselines and what is published.

``python -m benchmarks.nonlinear [--d 20] [--mechanisms mlp gp-add] [--models linear spline] [--published DAGMA-MLP]``;
the data are those of the independent simulator, which alone has nonlinear mechanisms. ``--sdcd`` names the Python of an
environment with the package ``sdcd``; it runs there with its defaults. A column ``of PEER`` is the processor time of a
method as a share of that peer's, on the seeds that the peer was run on.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from acyclome.config import Config
from acyclome.evaluate.baselines import sort_and_regress
from acyclome.evaluate.trial import DONE
from benchmarks.measure import Cost, learned, measured, warm_up_for
from benchmarks.problems import Problem, Protocol, find_bench
from benchmarks.published import PUBLISHED, published_rows, run_sdcd
from benchmarks.relaxation import alone, screened
from benchmarks.report import publish
from benchmarks.tables import SEEDS, options

Method = Callable[[Problem], tuple[tuple[np.ndarray, np.ndarray], Cost]]
MECHANISMS = ("mlp", "gp-add", "gp-rff", "mim")
MODELS = ("linear", "polynomial", "sobolev", "spline", "mlp")
SORTS = {"rising R2": "r2", "falling R2": "r2-falling", "random order": "random"}


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", d=20, n=1000)
    parser.add_argument("--sizes", nargs="+", type=int, default=[], help="numbers of genes; empty: that of --d alone")
    parser.add_argument("--mechanisms", nargs="+", default=list(MECHANISMS), help="mechanisms of the simulator")
    parser.add_argument(
        "--models",
        nargs="+",
        default=list(MODELS),
        help="structural models; sobolev:indices sets what its curves are of",
    )
    parser.add_argument("--table", default="", help="name of the table; empty: by what is measured")
    parser.add_argument("--sdcd", default="", help="Python of an environment with sdcd; empty: leave it out")
    parser.add_argument("--methods", nargs="+", default=[], help="only these of the methods; empty: all")
    parser.add_argument("--guided", action="store_true", help="measure climbs along the relaxation's order too")
    parser.add_argument("--alone", nargs="+", default=[], help="forms of h with which the relaxation runs alone too")
    parser.add_argument("--still", action="store_true", help="measure the climb without shaking too")
    parser.add_argument("--published", nargs="*", default=[], choices=list(PUBLISHED), help="published programs to run")
    parser.add_argument(
        "--limit",
        type=float,
        default=300.0,
        help="processor seconds of a published program, for all seeds of a mechanism",
    )
    given = parser.parse_args()
    warm_up_for((_learning(given) | _relaxing(given)).values())
    rows = list(_rows(given))
    name = "nonlinear-sdcd" if given.sdcd else "nonlinear-guided" if given.guided else f"nonlinear-{given.d}"
    words = [
        " ".join(["--sizes", *map(str, given.sizes)]) if given.sizes else f"--d {given.d}",
        *(["--seeds", *map(str, given.seeds)] if tuple(given.seeds) != SEEDS else []),
        "--mechanisms",
        *given.mechanisms,
        *(["--models", *given.models] if given.models != list(MODELS) else []),
        *(["--still"] if given.still else []),
        *(["--guided"] if given.guided else []),
        *(["--alone", *given.alone] if given.alone else []),
        *(["--methods", *map(shlex.quote, given.methods)] if given.methods else []),
        *(["--published", *given.published, f"--limit {given.limit:g}"] if given.published else []),
        *([f"--table {given.table}"] if given.table else []),
    ]
    publish(given.table or name, rows, f"python -m benchmarks.nonlinear {' '.join(words)}", given)


def _rows(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield a row for every run of every method, mechanism after mechanism."""
    bench = find_bench(given.bench)
    chosen = {name: method for name, method in _methods(given).items() if name in given.methods or not given.methods}
    for mechanism, d in product(given.mechanisms, given.sizes or [given.d]):
        protocol = Protocol(mechanism, "ER", parent_share=None, extras={"mechanism": mechanism})
        problems = [protocol.draw(d, given.n, seed, bench) for seed in given.seeds]
        here = {"mechanism": mechanism, "genes": d}
        for problem in problems:
            for name, method in chosen.items():
                edges, cost = method(problem)
                found = {"status": DONE, **problem.scores(*edges), **cost.row()}
                yield {**here, "method": name, "seed": problem.seed, **found}
        for name in given.published:
            yield from ({**here, "method": name, **row} for row in published_rows(name, problems, given.limit))


def _methods(given: argparse.Namespace) -> dict[str, Method]:
    """Return what is measured, by name: each takes a problem, gives edges and their cost."""
    found: dict[str, Method] = {
        name: lambda p, config=config: measured(lambda: learned(p.X, p.method_seed, given.threads, **config))
        for name, config in _learning(given).items()
    }
    found |= {
        name: partial(_alone, config=Config.from_mapping(options), threads=given.threads)
        for name, options in _relaxing(given).items()
    }
    found |= {name: partial(_sorted, key=key) for name, key in SORTS.items()}
    return found | ({"SDCD": partial(run_sdcd, python=given.sdcd)} if given.sdcd else {})


def _learning(given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return the options with which networks are learned, by name."""
    ours = {model: _options(model) for model in given.models}
    if given.guided:
        climbed = [model for model in given.models if model != "linear"]
        ours |= {f"{model}, guided": _options(model) | {"fit": {"relax": True}} for model in climbed}
    if given.still:
        ours |= {f"{name}, not shaken": config | {"search": {"perturbations": 0}} for name, config in ours.items()}
    return ours


def _relaxing(given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return the options with which the relaxation runs alone, by name."""
    return {
        f"{model}, {form} alone": _options(model) | {"fit": {"relax": True, "acyclicity": form}}
        for model, form in product(given.models, given.alone)
    }


def _options(model: str) -> dict[str, Any]:
    """Return the options that ``model`` or ``model:of`` names."""
    name, _, of = model.partition(":")
    return {"model": name} | ({"curves": {"of": of}} if of else {})


def _alone(problem: Problem, config: Config, threads: int) -> tuple[tuple[np.ndarray, np.ndarray], Cost]:
    def relaxed() -> tuple[np.ndarray, np.ndarray]:
        source, target, _ = alone(screened(problem, config, threads), problem.method_seed)
        return source, target

    return measured(relaxed)


def _sorted(problem: Problem, key: str) -> tuple[tuple[np.ndarray, np.ndarray], Cost]:
    stream = list(SORTS.values()).index(key)
    rng = np.random.default_rng([stream, problem.method_seed])
    graph, cost = measured(lambda: sort_and_regress(problem.X, key, rng=rng))
    return (graph.source, graph.target), cost


if __name__ == "__main__":
    main()
