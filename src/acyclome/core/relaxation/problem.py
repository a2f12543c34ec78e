"""What a structural model offers the relaxation, and problems as the solver loop sees them.

A model declares its abilities; the rest of its methods is there as far as they say.  ``OnCandidates`` is one problem on
ragged candidates, with numpy and threads; ``OnTensors`` some side by side, with torch, wherever their tensors are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, cast

import numpy as np

from acyclome.core.acyclicity import Acyclicity
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.problem import Problem
from acyclome.core.relaxation.solve import Point
from acyclome.core.relaxation.tree import Array, Params, map_leaves

if TYPE_CHECKING:
    import torch

Ability = Literal["solve", "gradient", "shrink", "tensors", "partition", "judge", "sign", "prune", "scored"]
"""``solve``: :class:`BlockModel`; ``gradient`` and ``shrink``: :class:`SlopeModel`; ``tensors``:
:class:`SideBySideModel`; ``partition``: :class:`PartitionModel`; ``judge``: :class:`JudgingModel`; ``prune``:
:class:`PruningModel`; ``sign``: weights of edges have one; ``scored``: a local score of the same model judges edges."""


Statistics: TypeAlias = Any
"""What a model has prepared for itself; nobody else looks inside."""


class RelaxationModel(Protocol):
    """A structural model whose objective is minimized under the constraint; settings only, frozen.

    Its unknowns are a tree of arrays, of one network, in whatever shapes: weights of edges, layers, variances.
    """

    @property
    def abilities(self) -> frozenset[Ability]:
        """What it offers beyond this."""

    def statistics(self, problem: Problem, candidates: Candidates) -> Statistics:
        """Prepare what the objective is computed from; models that compute with torch do so on the backend's device."""

    def start(self, candidates: Candidates, seed: int) -> dict[str, np.ndarray]:
        """Unknowns to start from."""

    def strength(self, params: Params) -> np.ndarray:
        """Strengths ``A >= 0`` of the candidate edges, ``(nnz,)``; 0 where and only where an edge has no effect."""

    def weight(self, params: Params) -> np.ndarray:
        """Weights of the candidate edges, ``(nnz,)``, in standard deviations; signed where the model has a sign."""

    def objective(self, statistics: Statistics, params: Params, *, threads: int) -> float:
        """Penalized loss ``F``."""


class BlockModel(RelaxationModel, Protocol):
    """A model whose problem falls apart, given the weights of strengths, into parts that can be solved."""

    def solve(self, statistics: Statistics, params: Params, ridge: np.ndarray, *, threads: int) -> Params:
        """Solve, or improve from ``params``, the problem with ``sum_e ridge_e A_e`` added."""


class SlopeModel(RelaxationModel, Protocol):
    """A model whose objective is a smooth part and a penalty with a proximal map."""

    def gradient(self, statistics: Statistics, params: Params, ridge: np.ndarray, *, threads: int) -> Params:
        """Slope of the smooth part with ``sum_e ridge_e A_e`` added."""

    def shrink(self, statistics: Statistics, params: Params, amount: Params) -> Params:
        """Minimize ``sum (x - params)^2 / (2 amount)``, elementwise, plus the penalty of ``x``."""


class TensorModel(Protocol):
    """The same for problems side by side, in tensors."""

    @property
    def abilities(self) -> frozenset[Ability]: ...

    def strength(self, params: Params) -> torch.Tensor:
        """Strengths ``A >= 0``, ``(m, d, k)``."""

    def objective(self, statistics: Statistics, params: Params) -> torch.Tensor:
        """Penalized losses, ``(m,)``."""


class TensorBlockModel(TensorModel, Protocol):
    """As :class:`BlockModel`."""

    def solve(self, statistics: Statistics, params: Params, ridge: torch.Tensor) -> Params: ...


class TensorSlopeModel(TensorModel, Protocol):
    """As :class:`SlopeModel`."""

    def gradient(self, statistics: Statistics, params: Params, ridge: torch.Tensor) -> Params: ...

    def shrink(self, statistics: Statistics, params: Params, amount: Params) -> Params: ...


class TensorStatistics(Protocol):
    """What a tensor model fits."""

    @property
    def n_problems(self) -> int: ...

    @property
    def parent(self) -> torch.Tensor:
        """Candidates of every gene, ``(m, d, k)`` int64."""

    def take(self, problems: np.ndarray) -> TensorStatistics:
        """Return those of some problems."""

    def start(self) -> Params:
        """Unknowns to start from."""


class SideBySideModel(RelaxationModel, Protocol):
    """A model that has a twin in tensors."""

    def side_by_side(
        self, statistics: Sequence[Statistics], like: torch.Tensor
    ) -> tuple[TensorModel, TensorStatistics]:
        """Lay the statistics of some networks out in the dtype and on the device of ``like``."""

    def on_candidates(self, statistics: Statistics, number: int, params: Params) -> dict[str, np.ndarray]:
        """Read the unknowns of one problem in tensors as those of this model on its ragged candidates."""


class PartitionModel(RelaxationModel, Protocol):
    """A model whose genes can be dealt with apart, given the weights of strengths; all unknowns lie on edges."""

    def partition(self, statistics: Statistics, parts: int) -> tuple[list[Statistics], np.ndarray]:
        """Cut the statistics into parts of consecutive genes; return them and ``(parts + 1,)`` edges as cuts."""

    def losses(self, statistics: Statistics, params: Params, *, threads: int) -> np.ndarray:
        """Every gene's share of the objective, ``(d,)``."""


class JudgingModel(RelaxationModel, Protocol):
    """A model that says how well it fits, gene by gene, with and without some of the edges."""

    def without(self, params: Params, edges: np.ndarray) -> Params:
        """Return unknowns in which some candidate edges, ``(nnz,)`` bool, have no effect."""

    def judge(self, statistics: Statistics, params: Params, *, threads: int) -> tuple[np.ndarray, np.ndarray]:
        """Log-likelihoods of the genes, and shares of their variance that the parents leave, ``(d,)`` each."""


class PruningModel(RelaxationModel, Protocol):
    """A model that, once its edges have no cycle, needs some of them only."""

    def prune(self, statistics: Statistics, keep: np.ndarray, *, threads: int) -> np.ndarray:
        """Return which of the candidate edges ``keep``, ``(nnz,)`` bool, are needed, ``(nnz,)`` bool."""


@dataclass(frozen=True)
class _OfModel:
    model: Any

    @property
    def name(self) -> str:
        return type(self.model).__name__

    @property
    def abilities(self) -> frozenset[str]:
        return frozenset(self.model.abilities)


@dataclass(frozen=True)
class OnCandidates(_OfModel):
    """One problem on ragged candidates: the arrays of a :class:`RelaxationModel`, with a first axis of one."""

    acyclicity: Acyclicity
    statistics: Statistics
    candidates: Candidates
    threads: int

    def evaluate(self, params: Params) -> Point:
        own = _first(params)
        h, omega = self.acyclicity.value_and_gradient(self.model.strength(own), self.candidates, self.threads)
        F = self.model.objective(self.statistics, own, threads=self.threads)
        return Point(np.array([F]), np.array([h]), omega[None])

    def solve(self, params: Params, ridge: Array) -> Params:
        return _alone(self.model.solve(self.statistics, _first(params), ridge[0], threads=self.threads))

    def gradient(self, params: Params, ridge: Array) -> Params:
        return _alone(self.model.gradient(self.statistics, _first(params), ridge[0], threads=self.threads))

    def shrink(self, params: Params, amount: Params) -> Params:
        return _alone(self.model.shrink(self.statistics, _first(params), _first(amount)))

    def take(self, problems: np.ndarray) -> OnCandidates:
        return self


def _first(params: Params) -> Params:
    return map_leaves(lambda leaf: leaf[0], params)


def _alone(params: Params) -> Params:
    return map_leaves(lambda leaf: leaf[None], params)


@dataclass(frozen=True)
class OnTensors(_OfModel):
    """Problems of a :class:`TensorModel` side by side, of any dtype and on any device."""

    acyclicity: Acyclicity
    statistics: TensorStatistics

    def evaluate(self, params: Params) -> Point:
        h, omega = self.acyclicity.blocks_value_and_gradient(self.model.strength(params), self.statistics.parent)
        F = self.model.objective(self.statistics, params)
        return Point(F.double().cpu().numpy(), h.double().cpu().numpy(), omega)

    def solve(self, params: Params, ridge: Array) -> Params:
        return cast(Params, self.model.solve(self.statistics, params, ridge))

    def gradient(self, params: Params, ridge: Array) -> Params:
        return cast(Params, self.model.gradient(self.statistics, params, ridge))

    def shrink(self, params: Params, amount: Params) -> Params:
        return cast(Params, self.model.shrink(self.statistics, params, amount))

    def take(self, problems: np.ndarray) -> OnTensors:
        if len(problems) == self.statistics.n_problems:
            return self
        return replace(self, statistics=self.statistics.take(problems))
