"""What NOTEARS carries: the order search from a random start, from the relaxation's start, and the relaxation alone.

``python -m benchmarks.relaxation [--d 2000]``;
``python -m benchmarks.relaxation --d 10000 --alone --forms series lowrank`` runs no order search, on raw data only.

Alone means: all candidates whose weight reaches ``fit.w_threshold``, with no order search and no repair, so the graph
is acyclic only if the central path made it so. On raw data noise is taken as equal, and the loss of a gene has its
variance as weight.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from acyclome.config import Config
from acyclome.core import engine
from acyclome.core.backend import ThreadBackend
from acyclome.core.data import problem as core
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.moments import correlate, scale_genes
from acyclome.core.engine import EngineSettings
from acyclome.pipeline.engine_settings import engine_settings
from benchmarks.measure import Cost, measured, warm_up
from benchmarks.problems import Problem, Protocol, find_bench
from benchmarks.report import publish
from benchmarks.tables import options


@dataclass(frozen=True)
class Case:
    """Data, and how their noise is taken."""

    protocol: Protocol
    noise: str


CASES = (
    Case(Protocol("ER-2, standardised", "ER"), "unequal"),
    Case(Protocol("hub, standardised", "TF"), "unequal"),
    Case(Protocol("ER-2, raw, bounded variance", "ER", standardised=False), "equal"),
)


@dataclass(frozen=True)
class Screened:
    """What all three roads start from."""

    problem: core.Problem
    candidates: Candidates
    settings: EngineSettings


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", d=2000, n=1000)
    parser.add_argument("--fit", nargs="*", default=[], metavar="KEY=VALUE", help="options of fit, such as terms=4")
    parser.add_argument("--forms", nargs="+", default=["series"], help="forms of h that run alone")
    parser.add_argument("--alone", action="store_true", help="no order search, and only the raw data")
    given = parser.parse_args()
    bench = find_bench(given.bench)
    warm_up()
    rows = []
    for case in CASES[-1:] if given.alone else CASES:
        for seed in given.seeds:
            problem = case.protocol.draw(given.d, given.n, seed, bench)
            rows += _roads(problem, case, given)
    publish("relaxation-alone" if given.alone else "relaxation", rows, _command(given), given)


def _command(given: argparse.Namespace) -> str:
    words = ["python -m benchmarks.relaxation --d", str(given.d)]
    words += ["--alone"] * given.alone
    words += ["--forms", *given.forms] if given.forms != ["series"] else []
    words += ["--fit", *given.fit] if given.fit else []
    return " ".join(words)


def _roads(problem: Problem, case: Case, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Walk the roads from the same candidates; the time is that from the candidates on."""
    config = Config.from_mapping({"score": {"noise": case.noise}, "fit": _options(given.fit)})
    start = screened(problem, config, given.threads)
    seed = problem.method_seed
    roads: dict[str, Any] = {}
    if not given.alone:
        roads["order search, random start"] = partial(_searched, start, seed, relaxed=False)
        roads["order search, relaxation's start"] = partial(_searched, start, seed, relaxed=True)
    for form in given.forms:
        only = replace(start, settings=engine_settings(config.with_options({"fit.acyclicity": form})))
        name = "relaxation alone" + (f", {form} form" if given.forms != ["series"] else "")
        roads[name] = partial(alone, only, seed)
    found = []
    for name, work in roads.items():
        (source, target, facts), cost = measured(work)
        found.append(_row(problem, name, problem.scores(source, target), facts, cost))
    return found


def _row(problem: Problem, road: str, scores: dict[str, Any], facts: dict[str, float], cost: Cost) -> dict[str, Any]:
    acyclic = scores.pop("is_dag")
    return {
        "data": problem.name,
        "road": road,
        "seed": problem.seed,
        **scores,
        **facts,
        **cost.row(),
        "acyclic": acyclic,
    }


def screened(problem: Problem, config: Config, threads: int) -> Screened:
    """Screen a problem."""
    bare = scale_genes(lambda a, b: np.ascontiguousarray(problem.X[:, a:b].T), problem.d, threads=threads)
    data = correlate(bare, threads)
    whole, settings = core.Problem(data, Constraints.none(problem.d), ThreadBackend(threads)), engine_settings(config)
    return Screened(whole, engine.screen(whole, settings), settings)


def _searched(start: Screened, seed: int, *, relaxed: bool) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    settings = start.settings
    relaxing = settings if relaxed else replace(settings, relax=None)
    order, found = engine.relax(start.problem, start.candidates, relaxing, seed=seed)
    dag, _ = engine.search(start.problem, start.candidates, order, settings=settings, seed=seed + 1)
    path = [] if found is None else found.path
    facts = {"h": path[-1].h, "objective": path[-1].objective} if path else {"h": np.nan, "objective": np.nan}
    return dag.source, dag.target, {**facts, "steps": float(sum(point.steps for point in path)), "score": dag.score}


def alone(start: Screened, seed: int) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    """Relax, and return the edges from the threshold on with how it ended."""
    _, found = engine.relax(start.problem, start.candidates, start.settings, seed=seed)
    if found is None or start.settings.relax is None:
        msg = "The relaxation is turned off; leave fit.relax on."
        raise ValueError(msg)
    strong = np.abs(found.W) >= start.settings.relax.w_threshold
    source, target = start.candidates.parent[strong], start.candidates.target[strong]
    last = found.path[-1]
    facts = {"h": last.h, "objective": last.objective, "steps": float(sum(point.steps for point in found.path))}
    return source, target, {**facts, "score": np.nan}


def _options(pairs: list[str]) -> dict[str, Any]:
    """Read ``key=value``; a list is written with commas."""
    from ruamel.yaml import YAML

    found = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        if not value:
            msg = f"Found {pair!r}; expected an option of fit as KEY=VALUE."
            raise argparse.ArgumentTypeError(msg)
        found[key] = [float(v) for v in value.split(",")] if "," in value else YAML(typ="safe", pure=True).load(value)
    return found


if __name__ == "__main__":
    main()
