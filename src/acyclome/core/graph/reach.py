"""Who stands above whom in a graph that grows edge by edge."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from acyclome.core.data.index_maps import inverse
from acyclome.core.graph.equivalence import topological_order
from acyclome.core.kernel import kernel


class Above(NamedTuple):
    """Causes of every gene, with room for more.

    Parameters
    ----------
    cause
        ``(d, most)`` int32, the first ``size`` of a row count.
    size
        ``(d,)`` int64.
    """

    cause: np.ndarray
    size: np.ndarray

    def insert(self, i: int, j: int) -> None:
        """Make ``i`` a cause of ``j``."""
        self.cause[j, self.size[j]] = i
        self.size[j] += 1

    def remove(self, i: int, j: int) -> None:
        """Let ``i`` no longer be a cause of ``j``."""
        last = self.size[j] - 1
        at = int(np.flatnonzero(self.cause[j, : last + 1] == i)[0])
        self.cause[j, at] = self.cause[j, last]
        self.size[j] = last

    def replace(self, j: int, causes: np.ndarray) -> None:
        """Let ``causes``, ``(p,)``, be all causes of ``j``."""
        self.cause[j, : len(causes)] = causes
        self.size[j] = len(causes)

    def copy(self) -> Above:
        """Return the same graph, which changes on its own."""
        return Above(self.cause.copy(), self.size.copy())


def above(source: np.ndarray, target: np.ndarray, n_genes: int, most: int) -> Above:
    """Gather the causes of every gene, at most ``most`` each."""
    found = Above(np.zeros((n_genes, most), dtype=np.int32), np.zeros(n_genes, dtype=np.int64))
    _gather(source.astype(np.int32), target.astype(np.int32), found.cause, found.size)
    return found


def leads_to(graph: Above, i: int, j: int, without: tuple[int, int] = (-1, -1)) -> bool:
    """Say whether a path of edges leads from ``i`` to ``j``, the edge ``without`` not counted; a gene leads to itself.

    Notes
    -----
    Walks up from ``j``, each gene once.
    """
    return bool(_leads_to(graph.cause, graph.size, i, j, *without))


def sort_genes(source: np.ndarray, target: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return an order in which every edge points forward, ``(d,)``; the permutation ``start`` decides the rest.

    Raises
    ------
    ValueError
        If the edges close a cycle.
    """
    rank = inverse(start)
    sorted_genes: np.ndarray = np.asarray(start)[topological_order(rank[source], rank[target], len(start))]
    return sorted_genes


@kernel
def _gather(source, target, cause, size):
    for e in range(len(source)):
        j = target[e]
        cause[j, size[j]] = source[e]
        size[j] += 1


@kernel
def _leads_to(cause, size, i, j, cut_source, cut_target):
    seen = np.zeros(len(size), np.bool_)
    stack = np.empty(len(size), np.int64)
    stack[0], n = j, 1
    seen[j] = True
    while n > 0:
        n -= 1
        k = stack[n]
        if k == i:
            return True
        for s in range(size[k]):
            c = cause[k, s]
            if not seen[c] and not (c == cut_source and k == cut_target):
                seen[c] = True
                stack[n] = c
                n += 1
    return False
