"""The relaxation proposes: NOTEARS on the candidates, and the order it ends in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from acyclome.core.acyclicity import Acyclicity
from acyclome.core.feedback import order_from_weights
from acyclome.core.layout import Candidates
from acyclome.core.schedule import CentralPath
from acyclome.core.select import Pools
from acyclome.core.sem.linear import Linear, LinearStatistics
from acyclome.core.sem.mlp import Mlp
from acyclome.core.solve import PathPoint, Status, StructuralModel, solve

Deal = Callable[[Linear, LinearStatistics], tuple[StructuralModel, Any]]


@dataclass(frozen=True)
class RelaxSettings:
    """A pairing of structural model, acyclicity and schedule, and the weight below which an edge is not handed on."""

    sem: Linear | Mlp
    acyclicity: Acyclicity
    schedule: CentralPath
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
        Whether the edges of at least the threshold all point forward in ``order``.
    """

    W: np.ndarray
    order: np.ndarray
    path: tuple[PathPoint, ...]
    status: Status
    is_acyclic: bool


def relax(
    pools: Pools,
    candidates: Candidates,
    settings: RelaxSettings,
    gene_weight: np.ndarray,
    tie: np.ndarray,
    threads: int,
    deal: Deal | None = None,
) -> Relaxation:
    """Fit the relaxation from zero and read an order off its weights.

    Parameters
    ----------
    gene_weight
        ``(d,)`` weight of each gene's loss: 1, or its variance when noise is equal.
    tie
        ``(d,)`` seeded permutation that decides between genes without a preference.
    deal
        Deals the genes out to workers: gets the model and its statistics, gives those that take their place. The bits
        are the same without it.
    """
    if not isinstance(settings.sem, Linear):
        msg = f"Found the model {settings.sem!r}; blocks of correlations are the statistics of the linear model alone."
        raise TypeError(msg)
    sem: StructuralModel = settings.sem
    statistics: Any = LinearStatistics(pools, gene_weight)
    if deal is not None:
        sem, statistics = deal(settings.sem, statistics)
    return _follow(sem, statistics, np.zeros(candidates.n_edges), candidates, settings, tie, threads)


def relax_mlp(
    Z: np.ndarray, candidates: Candidates, settings: RelaxSettings, tie: np.ndarray, *, seed: int, device: str,
    threads: int,
) -> Relaxation:  # fmt: skip
    """Fit the relaxation of NOTEARS-MLP from small random weights; the same as :func:`relax` in all else.

    Parameters
    ----------
    Z
        ``(d, n)`` standardized genes.
    device
        Where it is computed, as torch calls it.
    """
    import torch

    if not isinstance(settings.sem, Mlp):
        msg = f"Found the model {settings.sem!r}; expected NOTEARS-MLP."
        raise TypeError(msg)
    sem = settings.sem
    statistics = sem.statistics(torch.as_tensor(Z, dtype=torch.float32, device=device), candidates)
    return _follow(sem, statistics, sem.start(candidates, seed), candidates, settings, tie, threads)


def _follow(
    sem: StructuralModel, statistics: Any, W: np.ndarray, candidates: Candidates, settings: RelaxSettings,
    tie: np.ndarray, threads: int,
) -> Relaxation:  # fmt: skip
    """Follow the schedule from ``W`` and read an order off where it ends."""
    solution = solve(
        sem, settings.acyclicity, settings.schedule, statistics, candidates, W=W, threads=threads
    )  # fmt: skip
    strength = settings.sem.strength(solution.W)
    held = np.flatnonzero(strength)
    order = order_from_weights(candidates.parent[held], candidates.target[held], strength[held], tie)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    size = solution.W if solution.W.ndim == 1 else np.sqrt(strength)
    strong = np.abs(size) >= settings.w_threshold
    forward = place[candidates.parent[strong]] < place[candidates.target[strong]]
    return Relaxation(size, order.astype(np.int32), solution.path, solution.status, bool(forward.all()))
