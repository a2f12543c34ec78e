"""What modules keep of knock-outs: of the total effects that a network of genes tells, the share that they can say.

Modules tell of a knock-out how far it moves each of them, and direct edges what it does beside: the response of all
genes is ``a L' + T_direct`` with ``K`` numbers ``a`` of its own.  A share of 1 is a network of few patterns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from acyclome.core.data.moments import Moments
from acyclome.core.effects.total import responses
from acyclome.core.modules.find import Modules
from acyclome.core.modules.graph import left_of_edges

MOST = 1000  # genes that are knocked out, those of the largest weights; 80 MB of effects at 10,000 genes


class Kept(NamedTuple):
    """Shares of the squares of the changes: by modules alone, and with the edges that no module carries, so many."""

    by_modules: float
    with_edges: float
    n_edges: int


@dataclass(frozen=True)
class Knockouts:
    """Knock-outs of genes of an acyclic network: sources, targets and weights ``(m,)``, an order of the genes.

    ``price`` is what an edge has to bring beside the modules to be one that none carries, ``(d,)`` by target.
    """

    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    order: np.ndarray
    price: np.ndarray

    @cached_property
    def genes(self) -> np.ndarray:
        """The genes that are knocked out."""
        power = np.bincount(self.source, self.weight**2, len(self.order))
        return np.sort(np.argsort(-power, kind="stable")[: min(MOST, int(np.sum(power > 0)))])

    @cached_property
    def effects(self) -> np.ndarray:
        """What the network tells of each on all others, ``(k, d)``."""
        return self.effects_of(np.ones(len(self.source), bool))

    def kept(self, data: Moments, modules: Modules) -> Kept:
        """Return what modules keep."""
        whole = float(np.sum(self.effects**2))
        left = left_of_edges(data, modules, (self.source, self.target)) > self.price[self.target]
        if not whole:
            return Kept(float("nan"), float("nan"), int(left.sum()))
        basis = patterns(modules)
        beside = self.effects - self.effects_of(left)
        alone, both = (1.0 - _beyond(T, basis) / whole for T in (self.effects, beside))
        return Kept(alone, both, int(left.sum()))

    def effects_of(self, which: np.ndarray) -> np.ndarray:
        """Return what some of the edges, ``(m,)`` bool, tell of each knock-out."""
        edges = (self.source[which], self.target[which], self.weight[which])
        T = responses(*edges, order=self.order, genes=self.genes)
        T[np.arange(len(self.genes)), self.genes] = 0.0
        return T


def patterns(modules: Modules) -> np.ndarray:
    """Return an orthonormal basis ``(d, r)`` of what modules can say of genes."""
    size = np.linalg.norm(modules.loadings, axis=0)
    basis: np.ndarray = np.linalg.svd(modules.loadings[:, size > 0], full_matrices=False)[0]
    return basis


def _beyond(T: np.ndarray, basis: np.ndarray) -> float:
    """Return the squares that an orthonormal basis ``(d, r)`` leaves of rows ``(k, d)``."""
    return float(np.sum(T**2) - np.sum((T @ basis) ** 2))
