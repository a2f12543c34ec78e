"""What is known of edges beforehand: sources, pairs that must not, must, or should rather be edges, signs, and tiers.

A forbidden edge is no candidate.  A required one is a candidate, always selected, and its source always stands before
its target.  A signed edge is selected with that sign only.  A soft edge has another cost.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np

from acyclome.core.data.candidates import Candidates
from acyclome.core.data.index_maps import inverse, locate, positions

REQUIRED, POSITIVE, NEGATIVE, SOFT = 1, 2, 4, 8  # bits: several may hold of one edge
CONSTRAINT = np.dtype([("kind", "u1"), ("cost", "f8")], align=True)
"""What is known of a candidate edge: ``kind``, the sum of what holds of the above, ``cost`` as a share of the usual."""


def _no_keys() -> np.ndarray:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class Constraints:
    """Constraints on the edges among ``d`` genes; pairs are keys ``target * d + source``, rising.

    Parameters
    ----------
    sources
        ``(d,)`` bool, genes that may have an effect on others at all: regulators.
    tier
        ``(d,)`` int64, no edge goes from a higher to a lower tier.
    n_sources
        Sources of the whole network, of which the genes may be a part.
    forbidden, required
        ``(f,)`` and ``(r,)`` int64 keys.
    signed, sign
        ``(s,)`` int64 keys, and +1 or -1 for each.
    soft, cost
        ``(w,)`` int64 keys, and for each its cost as a share of that of other edges; below 1 is easier.
    """

    sources: np.ndarray
    tier: np.ndarray
    n_sources: int
    forbidden: np.ndarray = field(default_factory=_no_keys)
    required: np.ndarray = field(default_factory=_no_keys)
    signed: np.ndarray = field(default_factory=_no_keys)
    sign: np.ndarray = field(default_factory=lambda: np.empty(0, np.int8))
    soft: np.ndarray = field(default_factory=_no_keys)
    cost: np.ndarray = field(default_factory=lambda: np.empty(0))

    @classmethod
    def none(cls, n_genes: int) -> Self:
        return cls.of_sources(np.ones(n_genes, bool))

    @classmethod
    def of_sources(cls, sources: np.ndarray) -> Self:
        """Return those where only these genes may be sources, ``(d,)`` bool."""
        return cls(sources, np.zeros(len(sources), np.int64), int(sources.sum()))

    @property
    def n_genes(self) -> int:
        return len(self.sources)

    @property
    def n_allowed(self) -> np.ndarray:
        """Size of the pool that the parents of each gene come from, in the whole network, ``(d,)``."""
        return self.n_sources - self.sources.astype(float)

    @cached_property
    def excludes_pairs(self) -> bool:
        """Whether some pair may be no edge for another reason than its source."""
        return bool(len(self.forbidden) or len(self.required) or np.ptp(self.tier) > 0)

    def allows(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Say of every pair ``source -> target`` whether it may be an edge, ``(m,)`` bool."""
        source, target = np.asarray(source, np.int64), np.asarray(target, np.int64)
        may: np.ndarray = self.sources[source]
        if not self.excludes_pairs:  # nearly always, and a million pairs need not be looked up
            return may
        d = self.n_genes
        may = may & ~_among(target * d + source, self.forbidden) & ~_among(source * d + target, self.required)
        return may & (self.tier[source] <= self.tier[target])

    def leave_open(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Say of every pair whether it may be an edge either way around, at the same cost and sign, ``(m,)`` bool."""
        source, target = np.asarray(source, np.int64), np.asarray(target, np.int64)
        d, may = self.n_genes, self.allows(source, target) & self.allows(target, source)
        for bound in (self.required, self.signed, self.soft):
            may &= ~_among(target * d + source, bound) & ~_among(source * d + target, bound)
        return may

    def excluded(self, a: int, b: int) -> np.ndarray:
        """Say which genes may not be parents of genes ``a`` to ``b``, ``(b - a, d)`` bool."""
        d = self.n_genes
        out = np.tile(~self.sources, (b - a, 1))
        keys = self.forbidden[slice(*np.searchsorted(self.forbidden, (a * d, b * d)))]
        out[keys // d - a, keys % d] = True
        target, source = self.required // d, self.required % d
        back = (source >= a) & (source < b)  # the other way round a required edge would be a cycle of two
        out[source[back] - a, target[back]] = True
        out |= self.tier[None, :] > self.tier[a:b, None]
        return out

    def without_excluded(self, values: np.ndarray, a: int, *, fill: float, sources: np.ndarray) -> np.ndarray:
        """Return values ``(rows, p)`` of genes ``a, ...`` with ``sources``, ``fill`` where a pair may be no edge.

        They are returned as they are where there is no such pair; all of ``sources`` may be sources, or they are all
        genes.
        """
        if not self.excludes_pairs:
            return values
        out = self.excluded(a, a + len(values))[:, sources]
        return np.where(out, values.dtype.type(fill), values)

    def apply(self, candidates: Candidates) -> Candidates:
        """Return the candidates without those that may not be edges and with those that have to be."""
        d = self.n_genes
        if not self.excludes_pairs and self.sources.all():
            return candidates
        keep = self.allows(candidates.parent, candidates.target)
        source = np.concatenate([candidates.parent[keep], self.required % d])
        target = np.concatenate([candidates.target[keep], self.required // d])
        return Candidates.from_pairs(source, target, d)

    def on(self, candidates: Candidates) -> np.ndarray:
        """Return what is known of every candidate edge, ``(nnz,)`` of ``CONSTRAINT``."""
        out = np.zeros(candidates.n_edges, CONSTRAINT)
        out["cost"] = 1.0
        if not len(self.required) + len(self.signed) + len(self.soft):
            return out
        keys = candidates.keys()
        out["kind"][_among(keys, self.required)] |= REQUIRED
        at = locate(self.signed, keys)
        out["kind"][at[at >= 0]] |= np.where(self.sign > 0, POSITIVE, NEGATIVE).astype(np.uint8)[at >= 0]
        at = locate(self.soft, keys)
        out["kind"][at[at >= 0]] |= SOFT
        out["cost"][at[at >= 0]] = self.cost[at >= 0]
        return out

    def subset(self, genes: np.ndarray) -> Constraints:
        """Return the constraints on the edges among ``genes`` (rising), renumbered, in the same whole network."""
        d, s = self.n_genes, len(genes)
        position = positions(genes, d)

        def inside(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            target, source = position[keys // d], position[keys % d]
            kept = (target >= 0) & (source >= 0)
            return (target * s + source)[kept], kept

        signed, has_sign = inside(self.signed)
        soft, has_cost = inside(self.soft)
        return Constraints(
            self.sources[genes],
            self.tier[genes],
            self.n_sources,
            forbidden=inside(self.forbidden)[0],
            required=inside(self.required)[0],
            signed=signed,
            sign=self.sign[has_sign],
            soft=soft,
            cost=self.cost[has_cost],
        )

    def as_whole(self) -> Constraints:
        """Return the same for a network that the genes are the whole of."""
        return replace(self, n_sources=int(self.sources.sum()))

    def arrange(self, order: np.ndarray) -> np.ndarray:
        """Return the order nearest to ``order``, ``(d,)``, in which every required parent stands before its target.

        Genes are taken in the given order, each as soon as its required parents have been taken.
        """
        if not len(self.required):
            return order
        d = self.n_genes
        edges = Candidates.from_pairs(self.required % d, self.required // d, d)
        indptr, child, _ = edges.children
        waits = edges.counts.copy()
        rank = inverse(order)
        ready = [(rank[j], j) for j in np.flatnonzero(waits == 0)]
        heapq.heapify(ready)
        out = []
        while ready:  # a heap of ranks: the first in the given order that waits for nobody
            _, j = heapq.heappop(ready)
            out.append(j)
            for k in child[indptr[j] : indptr[j + 1]]:
                waits[k] -= 1
                if waits[k] == 0:
                    heapq.heappush(ready, (rank[k], k))
        return np.array(out, dtype=order.dtype)


def _among(keys: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Say which of ``keys`` are among the rising ``others``, bool."""
    return locate(keys, others) >= 0
