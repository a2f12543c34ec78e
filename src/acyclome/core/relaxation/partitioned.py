"""A model whose genes lie with workers: every step is computed in parts, wherever they are, and put together again.

Given the weights of ``h`` every gene is a problem of its own, so parts are exact: the same bits as in one.  Only
unknowns and their ridges travel, once a step; the statistics stay where their genes are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from acyclome.core.relaxation.problem import Ability, PartitionModel
from acyclome.core.relaxation.tree import Params, map_leaves


class Workers(Protocol):
    """Who holds parts of statistics and computes on them."""

    @property
    def count(self) -> int:
        """How many parts are worth while."""
        ...

    def scatter(self, parts: Sequence[Any]) -> list[Any]:
        """Hand the parts out; return handles of them."""
        ...

    def each(self, work: Callable[..., Any], handles: Sequence[Any], arguments: Sequence[tuple]) -> list[Any]:
        """Return ``work(part, *arguments)`` of every part, in their order."""
        ...


@dataclass(frozen=True)
class Partitioned:
    """A model in parts; its statistics are handles of the parts' own, which only the workers understand.

    Parameters
    ----------
    model
        The model that every part solves.
    cuts
        ``(parts + 1,)`` the first candidate edge of every part, and the end.
    workers
        Who does the work.
    """

    model: Any
    cuts: np.ndarray
    workers: Workers

    @classmethod
    def of(cls, model: PartitionModel, statistics: Any, workers: Workers) -> tuple[Partitioned, list[Any]]:
        """Hand statistics out to the workers; return the model in parts, and its statistics."""
        parts, cuts = model.partition(statistics, max(workers.count, 1))
        return cls(model, cuts, workers), workers.scatter(parts)

    @property
    def abilities(self) -> frozenset[Ability]:
        return frozenset(self.model.abilities & {"solve", "gradient", "shrink"})

    def strength(self, params: Params) -> np.ndarray:
        return np.asarray(self.model.strength(params))

    def objective(self, statistics: Sequence[Any], params: Params, threads: int) -> float:
        """Return the penalized loss, summed over all genes at once, as in one part."""
        losses = self.workers.each(self.model.losses, statistics, [(own, threads) for own in self._cut(params)])
        return float(np.concatenate(losses).sum())

    def solve(self, statistics: Sequence[Any], ridge: np.ndarray, params: Params, threads: int) -> Params:
        return self._each(self.model.solve, statistics, (ridge, params), threads)

    def gradient(self, statistics: Sequence[Any], ridge: np.ndarray, params: Params, threads: int) -> Params:
        return self._each(self.model.gradient, statistics, (ridge, params), threads)

    def shrink(self, statistics: Sequence[Any], params: Params, amount: Params) -> Params:
        whole = map_leaves(lambda leaf, own: np.broadcast_to(leaf, own.shape), amount, params)
        return self._each(self.model.shrink, statistics, (params, whole))

    def _each(
        self, work: Callable[..., Params], statistics: Sequence[Any], trees: tuple[Any, ...], *shared: int
    ) -> Params:
        arguments = [(*own, *shared) for own in zip(*map(self._cut, trees), strict=True)]
        parts = self.workers.each(work, statistics, arguments)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _cut(self, tree: Any) -> list[Any]:
        """Cut arrays whose first axis are the edges."""
        edges = [slice(a, b) for a, b in zip(self.cuts[:-1], self.cuts[1:], strict=True)]
        return [map_leaves(lambda leaf, own=own: leaf[own], tree) for own in edges]
