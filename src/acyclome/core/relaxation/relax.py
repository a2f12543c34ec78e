"""The relaxation proposes: NOTEARS on the candidates, and the order it ends in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from acyclome.core.acyclicity import Acyclicity
from acyclome.core.data.candidates import Candidates
from acyclome.core.graph.equivalence import is_dag
from acyclome.core.graph.feedback import least_acyclic, order_from_weights
from acyclome.core.order_search.select import Pools
from acyclome.core.relaxation.problem import OnCandidates, StructuralModel
from acyclome.core.relaxation.schedule import Schedule
from acyclome.core.relaxation.solve import PathPoint, Solution, Status, solve
from acyclome.core.relaxation.steps import BlockSolve
from acyclome.models.linear.relaxation import Linear, LinearStatistics

if TYPE_CHECKING:
    import torch

Deal = Callable[[Linear, LinearStatistics], tuple[StructuralModel, Any]]


class DataModel(StructuralModel, Protocol):
    """A model with statistics of its own, which are taken from the data."""

    def statistics(self, Z: np.ndarray, candidates: Candidates, *, device: torch.device | str, threads: int) -> Any:
        """Statistics of standardized genes ``Z``, ``(d, n)``, for models that compute with torch on ``device``."""
        ...

    def start(self, candidates: Candidates, seed: int) -> np.ndarray:
        """Weights to start from, ``(nnz, ...)``."""
        ...


@dataclass(frozen=True)
class RelaxSettings:
    """A pairing of structural model, acyclicity and schedule, and the weight below which an edge is not handed on."""

    sem: Linear | DataModel
    acyclicity: Acyclicity
    schedule: Schedule
    w_threshold: float


@dataclass(frozen=True)
class Relaxation:
    """What the relaxation proposes.

    Parameters
    ----------
    W
        ``(nnz,)`` weights on the candidates; of models with several weights an edge, their norm.
    order
        ``(d,)`` int32, the order that they suggest.
    path
        What every ``mu`` of the schedule cost and where it ended.
    status
        How the last ``mu`` ended.
    is_acyclic
        Whether the edges of at least the threshold have no cycle.
    """

    W: np.ndarray
    order: np.ndarray
    path: tuple[PathPoint, ...]
    status: Status
    is_acyclic: bool


class RelaxProblem(NamedTuple):
    """One network to relax.

    Parameters
    ----------
    pools, candidates
        Blocks of correlations, and the candidates they belong to.
    gene_weight
        ``(d,)`` weight of each gene's loss: 1, or its variance when noise is equal.
    tie
        ``(d,)`` seeded permutation that decides between genes without a preference.
    """

    pools: Pools
    candidates: Candidates
    gene_weight: np.ndarray
    tie: np.ndarray


def relax(problem: RelaxProblem, settings: RelaxSettings, threads: int, deal: Deal | None = None) -> Relaxation:
    """Fit the relaxation from zero and read an order off its weights.

    Parameters
    ----------
    deal
        Deals the genes out to workers: gets the model and its statistics, gives those that take their place. The bits
        are the same without it.
    """
    sem: StructuralModel = linear_of(settings)
    statistics: Any = LinearStatistics(problem.pools, problem.gene_weight)
    if deal is not None:
        sem, statistics = deal(linear_of(settings), statistics)
    at = OnCandidates(sem, settings.acyclicity, statistics, problem.candidates, threads)
    (solution,) = solve(at, settings.schedule, BlockSolve(), np.zeros((1, problem.candidates.n_edges)))
    return proposal(solution, problem.candidates, problem.tie, settings)


def linear_of(settings: RelaxSettings) -> Linear:
    """Return the model, of which blocks of correlations are the statistics.

    Raises
    ------
    TypeError
        If it is not the linear one.
    """
    if not isinstance(settings.sem, Linear):
        msg = f"Found the model {settings.sem!r}; blocks of correlations are the statistics of the linear model alone."
        raise TypeError(msg)
    return settings.sem


def relax_data(
    Z: np.ndarray,
    candidates: Candidates,
    settings: RelaxSettings,
    tie: np.ndarray,
    *,
    seed: int,
    device: torch.device | str,
    threads: int,
) -> Relaxation:
    """Fit the relaxation of a model of the data themselves; the same as :func:`relax` in all else.

    Parameters
    ----------
    Z
        ``(d, n)`` standardized genes, taken in float32.
    device
        Where torch computes.

    Raises
    ------
    TypeError
        If the model is the linear one.
    """
    sem = settings.sem
    if isinstance(sem, Linear):
        msg = f"Found the model {sem!r}, whose statistics are blocks of correlations; expected one of the data."
        raise TypeError(msg)
    statistics = sem.statistics(Z.astype(np.float32, copy=False), candidates, device=device, threads=threads)
    at = OnCandidates(sem, settings.acyclicity, statistics, candidates, threads)
    (solution,) = solve(at, settings.schedule, BlockSolve(), sem.start(candidates, seed)[None])
    return proposal(solution, candidates, tie, settings)


def proposal(solution: Solution, candidates: Candidates, tie: np.ndarray, settings: RelaxSettings) -> Relaxation:
    """Judge the weights of a solution, ``(nnz, ...)``, and read the order off those that have no cycle.

    Weak edges that close cycles say nothing: together they would turn round strong ones.
    """
    strength = settings.sem.strength(solution.W)
    size = solution.W if solution.W.ndim == 1 else np.sqrt(strength)
    source, target, d = candidates.parent, candidates.target, candidates.n_genes
    some = np.flatnonzero(strength)
    held = some[strength[some] >= least_acyclic(source[some], target[some], strength[some], n_genes=d)]
    order = order_from_weights(source[held], target[held], strength[held], tie=tie)
    strong = np.abs(size) >= settings.w_threshold
    acyclic = is_dag(source[strong], target[strong], d)
    return Relaxation(size, order.astype(np.int32), solution.path, solution.status, acyclic)
