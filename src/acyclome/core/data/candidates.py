"""Candidate edges: the ragged set on which weights, strengths and gradients live.

Choice: one CSR by target, every edge quantity a flat ``(nnz,)`` array in the same order.
Reason: 10,000 genes with 50 candidates are half a million edges, not 10^8 pairs.
What would change it: a model whose edges are all pairs (then a dense batched form is the place).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from acyclome.core.data.index_maps import locate, positions, row_pointers


@dataclass(frozen=True)
class Candidates:
    """Candidate parents of every gene, CSR by target, parents rising within a gene.

    Those of gene ``j`` are ``parent[indptr[j]:indptr[j + 1]]``; ``indptr`` is ``(d + 1,)`` int64, ``parent`` ``(nnz,)``
    int32.
    """

    indptr: np.ndarray
    parent: np.ndarray

    @classmethod
    def from_pairs(cls, source: np.ndarray, target: np.ndarray, n_genes: int) -> Self:
        """Build the candidate set of the pairs ``source -> target``; repeats and self-loops fall out."""
        source, target = np.asarray(source, dtype=np.int64), np.asarray(target, dtype=np.int64)
        keys = distinct((target * n_genes + source)[source != target])  # int64: 100,000^2 is beyond int32
        return cls(row_pointers(keys // max(n_genes, 1), n_genes), (keys % max(n_genes, 1)).astype(np.int32))

    @property
    def n_genes(self) -> int:
        return len(self.indptr) - 1

    @property
    def n_edges(self) -> int:
        return len(self.parent)

    @property
    def target(self) -> np.ndarray:
        """Target of every candidate edge, ``(nnz,)`` int32."""
        return np.repeat(np.arange(self.n_genes, dtype=np.int32), self.counts)

    @property
    def counts(self) -> np.ndarray:
        """Candidate parents per gene, ``(d,)``."""
        return np.diff(self.indptr)

    @cached_property
    def children(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Children view ``(indptr, child, edge)``: ``edge`` is the position of each pair in the target-major arrays."""
        edge = np.argsort(self.parent, kind="stable")  # so that children rise within a gene
        return row_pointers(self.parent, self.n_genes), self.target[edge], edge

    def keys(self) -> np.ndarray:
        """One rising int64 per edge, ``target * d + parent``."""
        return self.target.astype(np.int64) * self.n_genes + self.parent

    def find(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Positions of the pairs ``source -> target`` among the candidates, -1 where absent."""
        return locate(np.asarray(target, dtype=np.int64) * self.n_genes + source, self.keys())

    def subset(self, genes: np.ndarray) -> tuple[Candidates, np.ndarray]:
        """Return the candidates among ``genes`` (rising), renumbered, and their positions in the whole, ``(nnz',)``."""
        position = positions(genes, self.n_genes)
        source, target = position[self.parent], position[self.target]
        edges = np.flatnonzero((target >= 0) & (source >= 0))
        return Candidates(row_pointers(target[edges], len(genes)), source[edges].astype(np.int32)), edges


def distinct(keys: np.ndarray) -> np.ndarray:
    """Return the distinct values, rising (numpy.unique hashes first, which takes eight times as long on a million)."""
    keys = np.sort(keys)
    return keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys


def gene_blocks(n_genes: int, size: int) -> list[tuple[int, int]]:
    """Cut genes into fixed blocks ``[(start, stop), ...]``; the cut never depends on the number of workers."""
    return [(a, min(a + size, n_genes)) for a in range(0, n_genes, size)]
