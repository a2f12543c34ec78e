"""Problems as the loop sees them: a model, its statistics and a measure of cyclicity, behind one face.

``OnCandidates`` is one problem on ragged candidates, with numpy and threads; ``OnTensors`` some side by side, with
torch, wherever their tensors are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from acyclome.core.acyclicity import Acyclicity
from acyclome.core.data.candidates import Candidates
from acyclome.core.relaxation.solve import Point

if TYPE_CHECKING:
    import torch


class StructuralModel(Protocol):
    """What a model family has to offer: the strength of every edge, its objective, and the solution of its blocks."""

    def strength(self, W: np.ndarray) -> np.ndarray:
        """Strengths ``A >= 0`` of the candidate edges, ``(nnz,)``."""
        ...

    def objective(self, statistics: Any, W: np.ndarray, threads: int) -> float:
        """Penalized loss ``F(W)``."""
        ...

    def solve(self, statistics: Any, ridge: np.ndarray, W: np.ndarray, threads: int) -> np.ndarray:
        """Solve, or improve from ``W``, every gene's problem with ``sum_e ridge_e A_e`` added."""
        ...


class TensorModel(Protocol):
    """The same for members side by side; some offer ``solve``, some ``gradient`` and ``shrink``, some all of them."""

    def strength(self, W: torch.Tensor) -> torch.Tensor:
        """Strengths ``A >= 0``."""
        ...

    def objective(self, statistics: Any, W: torch.Tensor) -> torch.Tensor:
        """Penalized loss ``F(W)``, ``(members,)``."""
        ...


@dataclass(frozen=True)
class OnCandidates:
    """One problem on ragged candidates: weights ``(1, nnz)``."""

    sem: StructuralModel
    acyclicity: Acyclicity
    statistics: Any
    candidates: Candidates
    threads: int

    def evaluate(self, W: np.ndarray) -> Point:
        """Objective, cyclicity and its gradient in the strengths."""
        h, omega = self.acyclicity.value_and_gradient(self.sem.strength(W[0]), self.candidates, self.threads)
        F = self.sem.objective(self.statistics, W[0], self.threads)
        return Point(np.array([F]), np.array([h]), omega[None])

    def solve(self, ridge: np.ndarray, W: np.ndarray) -> np.ndarray:
        """Solve every gene's problem with ``sum_e ridge_e A_e`` added."""
        return self.sem.solve(self.statistics, ridge[0], W[0], self.threads)[None]

    def take(self, members: np.ndarray) -> OnCandidates:
        """Return itself: there is one member."""
        return self

    def lift(self, values: np.ndarray) -> np.ndarray:
        """Return the member's number, ``(1, 1)``."""
        return values[:, None]

    def lacks(self, ability: str) -> str | None:
        """Name the part that has no such ability."""
        return None if ability == "solve" else f"{type(self.sem).__name__} on ragged candidates"


@dataclass(frozen=True)
class OnTensors:
    """Problems side by side: weights ``(members, ...)``, of any dtype and on any device.

    Parameters
    ----------
    statistics
        What the model fits; it also knows where the strengths lie.
    """

    sem: TensorModel
    acyclicity: Acyclicity
    statistics: Any

    def evaluate(self, W: torch.Tensor) -> Point:
        """Objective, cyclicity and its gradient in the strengths."""
        h, omega = self.statistics.cyclicity(self.acyclicity, self.sem.strength(W))
        F = self.sem.objective(self.statistics, W)
        return Point(F.double().cpu().numpy(), h.double().cpu().numpy(), omega)

    def solve(self, ridge: torch.Tensor, W: torch.Tensor) -> torch.Tensor:
        """Solve, or improve from ``W``, every gene's problem with ``sum_e ridge_e A_e`` added."""
        sem: Any = self.sem
        return sem.solve(self.statistics, ridge, W)

    def gradient(self, ridge: torch.Tensor, W: torch.Tensor) -> torch.Tensor:
        """Slope of the smooth part of the objective with ``sum_e ridge_e A_e`` added."""
        sem: Any = self.sem
        return sem.gradient(self.statistics, ridge, W)

    def shrink(self, W: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
        """Proximal map of the rest of the objective, ``amount`` steps long, elementwise."""
        sem: Any = self.sem
        return sem.shrink(self.statistics, W, amount)

    def take(self, members: np.ndarray) -> OnTensors:
        """Return the problem of some members; itself where they are all."""
        if len(members) == self.statistics.n_members:
            return self
        return replace(self, statistics=self.statistics.take(members))

    def lift(self, values: np.ndarray) -> torch.Tensor:
        """Return a number of every member as an array that multiplies weights."""
        import torch

        like = self.statistics.cross
        return torch.as_tensor(values, dtype=like.dtype, device=like.device).reshape(-1, *[1] * (like.ndim - 1))

    def lacks(self, ability: str) -> str | None:
        """Name the part that has no such ability."""
        return None if hasattr(self.sem, ability) else type(self.sem).__name__
