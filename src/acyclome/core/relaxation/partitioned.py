"""A model whose genes lie with workers: every step is computed in parts, wherever they are, and put together again.

Given the weights of ``h`` every gene is a problem of its own, so parts are exact: the same bits as in one.  Only
unknowns and their ridges travel, once a step; the statistics stay where their genes are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from acyclome.core.relaxation.problem import Ability, PartitionModel, Statistics
from acyclome.core.relaxation.tree import Params, Tree, map_leaves

Handle = Any
"""What a worker knows a part by."""
STEPS: frozenset[Ability] = frozenset(("solve", "gradient", "shrink"))


class Workers(Protocol):
    """Who holds parts of statistics and computes on them."""

    @property
    def count(self) -> int:
        """How many parts are worth while."""

    def scatter(self, parts: Sequence[Statistics]) -> list[Handle]:
        """Hand the parts out; return handles of them."""

    def each(self, work: Callable[..., Any], handles: Sequence[Handle], arguments: Sequence[tuple]) -> list[Any]:
        """Return ``work(part, *arguments)`` of every part, in their order."""


@dataclass(frozen=True)
class Partitioned:
    """A model in parts; its statistics are handles of the parts' own, which only the workers understand.

    ``cuts``, ``(parts + 1,)``, are the first candidate edge of every part, and the end.
    """

    model: Any
    cuts: np.ndarray
    workers: Workers

    @classmethod
    def of(cls, model: PartitionModel, statistics: Statistics, workers: Workers) -> tuple[Partitioned, list[Handle]]:
        """Hand statistics out to the workers; return the model in parts, and its statistics."""
        parts, cuts = model.partition(statistics, max(workers.count, 1))
        return cls(model, cuts, workers), workers.scatter(parts)

    @property
    def abilities(self) -> frozenset[Ability]:
        return frozenset(ability for ability in self.model.abilities if ability in STEPS)

    def strength(self, params: Params) -> np.ndarray:
        return np.asarray(self.model.strength(params))

    def objective(self, handles: Sequence[Handle], params: Params, *, threads: int) -> float:
        """Return the penalized loss, summed over all genes at once, as in one part."""
        losses = partial(self.model.losses, threads=threads)
        return float(np.concatenate(self.workers.each(losses, handles, self._cut(params))).sum())

    def solve(self, handles: Sequence[Handle], params: Params, ridge: np.ndarray, *, threads: int) -> Params:
        return self._joined(partial(self.model.solve, threads=threads), handles, self._cut(params, ridge))

    def gradient(self, handles: Sequence[Handle], params: Params, ridge: np.ndarray, *, threads: int) -> Params:
        return self._joined(partial(self.model.gradient, threads=threads), handles, self._cut(params, ridge))

    def shrink(self, handles: Sequence[Handle], params: Params, amount: Params) -> Params:
        whole = map_leaves(lambda leaf, own: np.broadcast_to(leaf, own.shape), amount, params)
        return self._joined(self.model.shrink, handles, self._cut(params, whole))

    def _joined(self, work: Callable[..., Params], handles: Sequence[Handle], arguments: list[tuple]) -> Params:
        parts = self.workers.each(work, handles, arguments)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _cut(self, *trees: Tree) -> list[tuple]:
        """Cut trees of arrays whose first axis are the edges into those of every part."""
        edges = [slice(a, b) for a, b in zip(self.cuts[:-1], self.cuts[1:], strict=True)]
        return [tuple(map_leaves(lambda leaf, own=own: leaf[own], tree) for tree in trees) for own in edges]
