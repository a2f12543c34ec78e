"""What is known of edges beforehand: pairs that must not, must, or should rather be edges, signs, and tiers.

A forbidden edge is no candidate.  A required one is a candidate, always selected, and its source always stands before
its target.  A signed edge is selected with that sign only.  A soft edge has another price.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np

from acyclome.core.data.candidates import Candidates, from_pairs

REQUIRED, POSITIVE, NEGATIVE, SOFT = 1, 2, 4, 8
RULE = np.dtype([("kind", "u1"), ("price", "f8")], align=True)
"""Rule of a candidate edge: ``kind``, the sum of what holds of the above, and its ``price`` in shares of the usual."""


def _none() -> np.ndarray:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class EdgeRules:
    """Rules on the edges among ``d`` genes; pairs are keys ``target * d + source``, rising.

    Parameters
    ----------
    n_genes
        ``d``.
    forbidden, required
        ``(f,)`` and ``(r,)`` int64 keys.
    signed, sign
        ``(s,)`` int64 keys, and +1 or -1 for each.
    soft, price
        ``(w,)`` int64 keys, and for each its price in shares of that of other edges; below 1 is easier.
    tier
        ``(d,)`` int64, no edge goes from a higher to a lower tier; None without tiers.
    """

    n_genes: int
    forbidden: np.ndarray = field(default_factory=_none)
    required: np.ndarray = field(default_factory=_none)
    signed: np.ndarray = field(default_factory=_none)
    sign: np.ndarray = field(default_factory=lambda: np.empty(0, np.int8))
    soft: np.ndarray = field(default_factory=_none)
    price: np.ndarray = field(default_factory=lambda: np.empty(0))
    tier: np.ndarray | None = None

    def allows(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Say of every pair ``source -> target`` whether it may be an edge, ``(m,)`` bool."""
        source, target = np.asarray(source, np.int64), np.asarray(target, np.int64)
        d = self.n_genes
        free = ~_among(target * d + source, self.forbidden) & ~_among(source * d + target, self.required)
        return free if self.tier is None else free & (self.tier[source] <= self.tier[target])

    def leave_open(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Say of every pair whether it may be an edge either way around, at the same price and sign, ``(m,)`` bool."""
        source, target = np.asarray(source, np.int64), np.asarray(target, np.int64)
        free = self.allows(source, target) & self.allows(target, source)
        for known in (self.required, self.signed, self.soft):
            free &= ~_among(target * self.n_genes + source, known) & ~_among(source * self.n_genes + target, known)
        return free

    def excluded(self, a: int, b: int, pool: np.ndarray | None = None) -> np.ndarray:
        """Say which genes of ``pool`` (all if None) may not be causes of genes ``a`` to ``b``, ``(b - a, p)`` bool."""
        d = self.n_genes
        out = np.zeros((b - a, d), bool)
        keys = self.forbidden[slice(*np.searchsorted(self.forbidden, (a * d, b * d)))]
        out[keys // d - a, keys % d] = True
        target, source = self.required // d, self.required % d
        back = (source >= a) & (source < b)
        out[source[back] - a, target[back]] = True
        if self.tier is not None:
            out |= self.tier[None, :] > self.tier[a:b, None]
        return out if pool is None else out[:, pool]

    def apply(self, candidates: Candidates) -> Candidates:
        """Return the candidates without those that may not be edges and with those that have to be."""
        d = self.n_genes
        keep = self.allows(candidates.parent, candidates.target)
        source = np.concatenate([candidates.parent[keep], self.required % d])
        target = np.concatenate([candidates.target[keep], self.required // d])
        return from_pairs(source, target, d)

    def mark(self, candidates: Candidates) -> np.ndarray:
        """Return the rule of every candidate edge, ``(nnz,)`` of ``RULE``."""
        keys = candidates.keys()
        out = np.zeros(len(keys), RULE)
        out["price"] = 1.0
        out["kind"][_among(keys, self.required)] |= REQUIRED
        at = _at(keys, self.signed)
        out["kind"][at[at >= 0]] |= np.where(self.sign > 0, POSITIVE, NEGATIVE).astype(np.uint8)[at >= 0]
        at = _at(keys, self.soft)
        out["kind"][at[at >= 0]] |= SOFT
        out["price"][at[at >= 0]] = self.price[at >= 0]
        return out

    def among(self, genes: np.ndarray) -> EdgeRules:
        """Return the rules on the edges among ``genes`` (rising), renumbered."""
        d, s = self.n_genes, len(genes)
        place = np.full(d, -1, np.int64)
        place[genes] = np.arange(s)

        def inside(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            target, source = place[keys // d], place[keys % d]
            kept = (target >= 0) & (source >= 0)
            return (target * s + source)[kept], kept

        signed, has_sign = inside(self.signed)
        soft, has_price = inside(self.soft)
        tier = None if self.tier is None else self.tier[genes]
        return EdgeRules(
            s,
            inside(self.forbidden)[0],
            inside(self.required)[0],
            signed,
            self.sign[has_sign],
            soft,
            self.price[has_price],
            tier,
        )

    def arrange(self, order: np.ndarray) -> np.ndarray:
        """Return the order nearest to ``order``, ``(d,)``, in which every required cause stands before its target.

        Genes are taken in the given order, each as soon as its required causes have been taken.
        """
        if not len(self.required):
            return order
        d = self.n_genes
        edges = from_pairs(self.required % d, self.required // d, d)
        indptr, child, _ = edges.children
        waits = edges.counts.copy()
        place = np.empty(d, np.int64)
        place[order] = np.arange(d)
        ready = [(place[j], j) for j in np.flatnonzero(waits == 0)]
        heapq.heapify(ready)
        out = []
        while ready:
            _, j = heapq.heappop(ready)
            out.append(j)
            for k in child[indptr[j] : indptr[j + 1]]:
                waits[k] -= 1
                if waits[k] == 0:
                    heapq.heappush(ready, (place[k], k))
        return np.array(out, dtype=order.dtype)


def _at(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Positions of ``wanted`` in the rising ``keys``, -1 where absent."""
    if not len(keys):
        return np.full(len(wanted), -1)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)


def _among(keys: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Say which of ``keys`` are among the rising ``known``, bool."""
    return _at(known, keys) >= 0
