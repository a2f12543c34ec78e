"""Ancestors in a graph that grows edge by edge."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from acyclome.core.data.index_maps import inverse
from acyclome.core.graph.equivalence import topological_order
from acyclome.core.kernel import kernel


class Parents(NamedTuple):
    """Parents of every gene, ``(d, most)`` int32 with space for more: the first ``size``, ``(d,)``, of a row count."""

    parent: np.ndarray
    size: np.ndarray

    def insert(self, i: int, j: int) -> None:
        self.parent[j, self.size[j]] = i
        self.size[j] += 1

    def remove(self, i: int, j: int) -> None:
        """Let ``i`` no longer be a parent of ``j``."""
        last = self.size[j] - 1
        at = int(np.flatnonzero(self.parent[j, : last + 1] == i)[0])
        self.parent[j, at] = self.parent[j, last]
        self.size[j] = last

    def replace(self, j: int, parents: np.ndarray) -> None:
        """Let ``parents``, ``(p,)``, be all parents of ``j``."""
        self.parent[j, : len(parents)] = parents
        self.size[j] = len(parents)

    def copy(self) -> Parents:
        """Return the same graph, which changes on its own."""
        return Parents(self.parent.copy(), self.size.copy())


def parents_of(source: np.ndarray, target: np.ndarray, *, n_genes: int, most: int) -> Parents:
    """Gather the parents of every gene, at most ``most`` each."""
    graph = Parents(np.zeros((n_genes, most), dtype=np.int32), np.zeros(n_genes, dtype=np.int64))
    _gather(source.astype(np.int32), target.astype(np.int32), graph.parent, graph.size)
    return graph


def is_ancestor(graph: Parents, i: int, j: int, *, without: tuple[int, int] = (-1, -1)) -> bool:
    """Say whether a path leads from ``i`` to ``j``, the edge ``without`` not counted; a gene leads to itself."""
    return bool(_is_ancestor(graph.parent, graph.size, i, j, *without))


def sort_genes(source: np.ndarray, target: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return an order in which every edge points forward, ``(d,)``; the permutation ``start`` decides the rest."""
    position = inverse(start)
    order: np.ndarray = np.asarray(start)[topological_order(position[source], position[target], len(start))]
    return order


@kernel
def _gather(source, target, parent, size):
    for e in range(len(source)):
        j = target[e]
        parent[j, size[j]] = source[e]
        size[j] += 1


@kernel
def _is_ancestor(parent, size, i, j, cut_source, cut_target):
    seen = np.zeros(len(size), np.bool_)
    stack = np.empty(len(size), np.int64)
    stack[0], n = j, 1  # up from j: a gene has few parents, and perhaps thousands of children
    seen[j] = True
    while n > 0:
        n -= 1
        k = stack[n]
        if k == i:
            return True
        for s in range(size[k]):
            c = parent[k, s]
            if not seen[c] and not (c == cut_source and k == cut_target):
                seen[c] = True
                stack[n] = c
                n += 1
    return False
