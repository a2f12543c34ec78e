"""A model whose genes are dealt out: every step is solved in parts, wherever they are, and put together again.

Given the weights of ``h`` every gene is a problem of its own, so parts are exact: the same bits as in one.  Only
weights and their ridges travel, once a step; the blocks of correlations stay where their genes are solved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from acyclome.models.linear.relaxation import Linear, LinearStatistics

Send = Callable[[Callable[..., np.ndarray], Sequence[Any], Sequence[tuple]], list[np.ndarray]]
"""``send(work, parts, arguments)`` returns ``work(statistics, *arguments)`` for every part, in their order."""


@dataclass(frozen=True)
class Parted:
    """A linear model in parts; its statistics are handles of the parts' own, which only ``send`` understands.

    Parameters
    ----------
    sem
        The model that every part solves.
    cuts
        ``(parts + 1,)`` the first candidate edge of every part, and the end.
    send
        Who does the work.
    """

    sem: Linear
    cuts: np.ndarray
    send: Send

    def strength(self, W: np.ndarray) -> np.ndarray:
        """Strengths ``A >= 0`` of all candidate edges, ``(nnz,)``."""
        return self.sem.strength(W)

    def objective(self, statistics: Sequence[Any], W: np.ndarray, threads: int) -> float:
        """Penalized loss ``F(W)``, summed over all genes at once, as in one part."""
        found = self.send(self.sem.losses, statistics, [(w, threads) for w in self._cut(W)])
        return float(np.concatenate(found).sum())

    def solve(self, statistics: Sequence[Any], ridge: np.ndarray, W: np.ndarray, threads: int) -> np.ndarray:
        """Solve every gene's problem with ``sum_e ridge_e A_e`` added, part by part."""
        arguments = [(r, w, threads) for r, w in zip(self._cut(ridge), self._cut(W), strict=True)]
        return np.concatenate(self.send(self.sem.solve, statistics, arguments))

    def _cut(self, values: np.ndarray) -> list[np.ndarray]:
        return np.split(values, self.cuts[1:-1])


def deal_out(statistics: LinearStatistics, parts: int) -> tuple[list[LinearStatistics], np.ndarray]:
    """Cut the statistics into parts of consecutive genes; return them and the edges at which they are cut."""
    pools, weight = statistics
    d = len(weight)
    bounds = np.linspace(0, d, max(min(parts, d), 1) + 1).astype(int)
    edge = np.append(pools.gene["start"], len(pools.parent))
    block = np.append(pools.gene["offset"], len(pools.gram))
    found = []
    for a, b in pairwise(bounds):
        gene = pools.gene[a:b].copy()
        gene["start"] -= edge[a]
        gene["offset"] -= block[a]
        e, g = slice(edge[a], edge[b]), slice(block[a], block[b])
        own = pools._replace(
            gene=gene, parent=pools.parent[e], cross=pools.cross[e], gram=pools.gram[g], known=pools.known[:0]
        )
        found.append(LinearStatistics(own, weight[a:b]))
    return found, edge[bounds]
