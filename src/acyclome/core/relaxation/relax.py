"""The relaxation proposes: a structural model under the constraint, on the candidates, and the order it ends in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from acyclome.core.acyclicity import Acyclicity
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.problem import Problem
from acyclome.core.graph.equivalence import is_dag
from acyclome.core.graph.feedback import least_acyclic, order_from_weights
from acyclome.core.relaxation.partitioned import Partitioned
from acyclome.core.relaxation.problem import OnCandidates, OnTensors, RelaxationModel, SideBySideModel, Statistics
from acyclome.core.relaxation.schedule import Schedule
from acyclome.core.relaxation.solve import PathPoint, Solution, Status, Stepper, solve
from acyclome.core.relaxation.tree import Params, map_leaves

if TYPE_CHECKING:
    from acyclome.core.backend import Backend


@dataclass(frozen=True)
class RelaxSettings:
    """A pairing of structural model, acyclicity, schedule and stepper, and from which weight on an edge counts."""

    model: RelaxationModel
    acyclicity: Acyclicity
    schedule: Schedule
    stepper: Stepper
    w_threshold: float


@dataclass(frozen=True)
class Relaxation:
    """What the relaxation proposes: an order, ``(d,)`` int32.

    ``W`` are weights on the candidates, ``(nnz,)``, of models with several weights an edge their norm; ``path`` says
    what every stage of the schedule cost and where it ended, ``status`` how the last one ended, ``is_acyclic`` whether
    the edges of at least the threshold have no cycle.
    """

    W: np.ndarray
    order: np.ndarray
    path: tuple[PathPoint, ...]
    status: Status
    is_acyclic: bool
    params: Params


class Network(NamedTuple):
    """One network to relax; ``tie``, ``(d,)``, is a seeded permutation that decides where genes have no preference."""

    problem: Problem
    candidates: Candidates
    tie: np.ndarray


def relax_networks(networks: Sequence[Network], settings: RelaxSettings, *, seed: int) -> list[Relaxation]:
    """Fit the relaxations of networks on one backend, and read an order off each.

    In one call where the backend has tensors and the model too, else one after the other.
    """
    backend = networks[0].problem.backend
    statistics = [settings.model.statistics(problem, candidates) for problem, candidates, _ in networks]
    if backend.dtype is not None and "tensors" in settings.model.abilities:
        with backend.alone():
            solutions = _solve_side_by_side(statistics, settings, backend)
    else:
        solutions = [
            _solve_alone(own, network, settings, seed=seed) for own, network in zip(statistics, networks, strict=True)
        ]
    return [proposal(one, network, settings) for one, network in zip(solutions, networks, strict=True)]


def _solve_alone(statistics: Statistics, network: Network, settings: RelaxSettings, *, seed: int) -> Solution:
    problem, candidates, _ = network
    model: Any = settings.model
    start = model.start(candidates, seed)
    if problem.backend.workers is not None and "partition" in model.abilities:
        model, statistics = Partitioned.of(model, statistics, problem.backend.workers)
    own = OnCandidates(model, settings.acyclicity, statistics, candidates, problem.threads)
    alone = map_leaves(lambda leaf: leaf[None], start)
    return solve(own, alone, schedule=settings.schedule, stepper=settings.stepper)[0]


def _solve_side_by_side(statistics: list[Statistics], settings: RelaxSettings, backend: Backend) -> list[Solution]:
    import torch

    model = cast(SideBySideModel, settings.model)
    twin, laid_out = model.side_by_side(statistics, torch.empty(0, dtype=backend.dtype, device=backend.device))
    problem = OnTensors(twin, settings.acyclicity, laid_out)
    solutions = solve(problem, laid_out.start(), schedule=settings.schedule, stepper=settings.stepper)
    return [
        Solution(model.on_candidates(laid_out, number, solution.params), solution.path)
        for number, solution in enumerate(solutions)
    ]


def proposal(solution: Solution, network: Network, settings: RelaxSettings) -> Relaxation:
    """Judge the unknowns of a solution, and read the order off those edges that have no cycle.

    Weak edges that close cycles say nothing: together they would turn round strong ones.
    """
    strength, weight = settings.model.strength(solution.params), settings.model.weight(solution.params)
    source, target, d = network.candidates.parent, network.candidates.target, network.candidates.n_genes
    some = np.flatnonzero(strength)  # most are 0, and the bisection sorts
    kept = some[strength[some] >= least_acyclic(source[some], target[some], strength[some], n_genes=d)]
    order = order_from_weights(source[kept], target[kept], strength[kept], tie=network.tie)
    strong = np.abs(weight) >= settings.w_threshold
    acyclic = is_dag(source[strong], target[strong], d)
    return Relaxation(weight, order.astype(np.int32), solution.path, solution.status, acyclic, solution.params)
