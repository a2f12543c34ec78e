"""Shards: overlapping parts of the candidate graph, each small enough for one worker, and what comes back from them.

Every gene is owned by one shard, its core; around the core stands a halo of the strongest candidate parents of its
genes, so that a hub is in many shards.  A shard is a problem of its own on the candidates and correlations among its
genes, and only what it finds about the genes that it owns counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, depth_first_order, minimum_spanning_tree

from acyclome.core.data.candidates import Candidates
from acyclome.core.data.index_maps import inverse
from acyclome.core.graph.feedback import order_from_weights


@dataclass(frozen=True)
class Plan:
    """Which genes are in which shard: ``owner``, ``(d,)`` int32, is the shard that owns each gene.

    The genes of shard ``k``, core and halo, rising, are ``genes[indptr[k]:indptr[k + 1]]``, int32.
    """

    owner: np.ndarray
    indptr: np.ndarray
    genes: np.ndarray

    @property
    def n_shards(self) -> int:
        return len(self.indptr) - 1

    @property
    def sizes(self) -> np.ndarray:
        """Genes of every shard, core and halo, ``(n_shards,)``."""
        return np.diff(self.indptr)

    def of(self, shard: int) -> np.ndarray:
        """Genes of a shard, rising."""
        return self.genes[self.indptr[shard] : self.indptr[shard + 1]]


def plan_shards(candidates: Candidates, strength: np.ndarray, *, shards: int, most: int, seed: int) -> Plan:
    """Cut the candidate graph into ``shards`` cores of equal size, and give each its halo.

    ``strength``, ``(nnz,)``, is the absolute correlation of every candidate with its target.  A shard may have ``most``
    genes, of which the halo takes what the core leaves; ``seed`` decides between equals, so that columns never do.

    Notes
    -----
    Cores are stretches of a depth-first walk over the maximum spanning forest of the candidates, which keeps the genes
    of a branch, and a hub's children, together.  A halo takes the first candidate of every core gene, then the second
    ...; within a rank those first whose squared correlations with the core sum to most.
    """
    d = candidates.n_genes
    tie = np.random.default_rng(seed).permutation(d)
    owner = np.empty(d, np.int32)
    for number, core in enumerate(np.array_split(_walk(candidates, strength, tie), shards)):
        owner[core] = number
    rank = _rank(candidates, strength, tie)
    members = []
    for number in range(shards):
        core = np.flatnonzero(owner == number)
        near = np.flatnonzero((owner[candidates.target] == number) & (owner[candidates.parent] != number))
        halo, at = np.unique(candidates.parent[near], return_inverse=True)
        first = np.full(len(halo), np.iinfo(np.int64).max)
        np.minimum.at(first, at, rank[near])
        carried = np.bincount(at, weights=strength[near].astype(float) ** 2, minlength=len(halo))
        best = np.lexsort((tie[halo], -carried, first))[: max(most - len(core), 0)]
        members.append(np.sort(np.concatenate([core, halo[best]])).astype(np.int32))
    indptr = np.cumsum([0, *map(len, members)])
    return Plan(owner, indptr, np.concatenate(members))


def _walk(candidates: Candidates, strength: np.ndarray, tie: np.ndarray) -> np.ndarray:
    """Walk the maximum spanning forest depth first, ``(d,)``; relabelled by ``tie``, genes forget their column."""
    d = candidates.n_genes
    cost = 2.0 - np.minimum(strength.astype(float), 1.0)  # above zero, which would be no edge
    graph = sparse.coo_matrix((cost, (tie[candidates.target], tie[candidates.parent])), shape=(d, d)).tocsr()
    forest = minimum_spanning_tree(graph).tocoo()
    _, component = connected_components(forest, directed=False)
    first = np.unique(component, return_index=True)[1]  # one gene of each tree hangs on a common root, number d
    ends = np.concatenate([forest.row, np.full(len(first), d)]), np.concatenate([forest.col, first])
    tree = sparse.csr_matrix((np.ones(len(ends[0])), ends), shape=(d + 1, d + 1))
    walk = depth_first_order(tree, d, directed=False, return_predecessors=False)[1:]
    return np.argsort(tie)[walk]


def _rank(candidates: Candidates, strength: np.ndarray, tie: np.ndarray) -> np.ndarray:
    """Rank of every candidate among those of its target, the strongest 0, ``(nnz,)``."""
    order = np.lexsort((tie[candidates.parent], -strength, candidates.target))
    rank = np.empty(candidates.n_edges, np.int64)
    rank[order] = np.arange(candidates.n_edges) - candidates.indptr[candidates.target[order]]
    return rank


def merge_orders(
    source: np.ndarray, target: np.ndarray, loss: np.ndarray, *, position: np.ndarray, seed: int
) -> tuple[np.ndarray, int]:
    """Return an order, ``(d,)`` int32, for the edges that the shards found, and how many of them point against it.

    The edges, ``(m,)``, each from the owner of its target, with the log-likelihood ``loss`` that it carries, may run in
    cycles through several shards.  ``position``, ``(d,)`` from 0 to 1, is where each gene stands in the order of its
    owner; it decides where the edges leave a choice, so that the order of a single shard comes back as it is.
    """
    last_first = np.lexsort((np.random.default_rng(seed).permutation(len(position)), -position))
    order = order_from_weights(source, target, loss, tie=inverse(last_first)).astype(np.int32)
    rank = inverse(order)
    return order, int(np.count_nonzero(rank[source] > rank[target]))
