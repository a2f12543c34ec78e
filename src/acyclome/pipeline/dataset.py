"""Prepared expression of one run, and what a stage leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np

from acyclome.config import Config
from acyclome.core.backend import Backend
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.data.moments import Moments, dtype_of, scale_genes
from acyclome.core.data.problem import Problem
from acyclome.core.effects.doses import Treatments
from acyclome.io.room import room_on_disk
from acyclome.io.store import GeneMajor
from acyclome.knowledge.edges import Prior
from acyclome.models import get_model


class Stage(NamedTuple):
    """What a stage leaves behind."""

    arrays: dict[str, np.ndarray]
    facts: dict[str, Any]


def tell_nobody(*_: object) -> None:
    """Tell nobody."""


@dataclass
class GeneData:
    """Prepared expression of one run, and how to compute on it; the moments are made when first asked for."""

    store: GeneMajor
    prior: Prior
    backend: Backend
    interventions: Interventions
    treatments: Treatments
    progress: Callable[[str, float, str], None] = tell_nobody
    warnings: list[str] = field(default_factory=list)
    dask: str | None = None
    spills: bool = False
    perturbation: Mapping[str, Any] = field(default_factory=dict)
    size: np.ndarray | None = None  # (n,) size factors, where the store holds counts for a model of counts

    @classmethod
    def untouched(cls, store: GeneMajor, constraints: Constraints, backend: Backend, **more: Any) -> Self:
        """Return data in which nothing was done."""
        nothing = Interventions.none(n_obs=store.n_obs, n_genes=store.n_vars), Treatments.none(store.n_obs)
        return cls(store, Prior(constraints), backend, *nothing, **more)

    def __getstate__(self) -> dict[str, Any]:
        """Travel to another process without what belongs to this one: progress, moments, workers."""
        return {
            "store": self.store,
            "warnings": [],
            "interventions": self.interventions,
            "treatments": self.treatments,
            "prior": self.prior,
            "spills": self.spills,
            "backend": self.backend.with_threads(1),
            "size": self.size,
        }

    def arrays(self) -> list[np.ndarray]:
        """Return what results depend on beside the expression, to be part of a key."""
        size = [] if self.size is None else [self.size]
        return [self.interventions.indptr, self.interventions.row, *size, *self.prior.arrays()]

    @property
    def constraints(self) -> Constraints:
        """What is known of the edges beforehand."""
        return self.prior.constraints

    @property
    def sources(self) -> np.ndarray:
        """Genes that may be causes, ``(d,)`` bool."""
        return self.prior.constraints.sources

    @property
    def threads(self) -> int:
        """Threads of this machine to use."""
        return self.backend.threads

    @property
    def lost(self) -> float:
        """Degrees of freedom that the preparation took out."""
        return self.store.n_obs - float(self.store.facts.get("n_effective", self.store.n_obs))

    @property
    def n_effective(self) -> float:
        """Observations that count."""
        return self.store.n_obs - self.lost

    @property
    def n_own(self) -> np.ndarray:
        """Observations that count for the equation of each gene, ``(d,)``."""
        return np.maximum(self.n_effective - self.interventions.counts, 2.0)

    def prices(self, config: Config) -> np.ndarray:
        """Return the log-likelihood that a cause of each gene has to earn, ``(d,)``."""
        price = config.score.gamma * np.log(max(int(self.sources.sum()) - 1, 1)) + np.zeros(self.store.n_vars)
        if get_model(config.model).search == "order_search":  # local scores have paid for the coefficients already
            price += 0.5 * np.log(self.n_own)
        return price

    @cached_property
    def scaled(self) -> Moments:
        """Moments of all observations, without the correlations."""
        return scale_genes(
            self.store.block,
            self.store.n_vars,
            lost=self.lost,
            threads=self.threads,
            interventions=self.interventions,
            room=self.room(self.store.n_obs),
            size=self.size,
        )

    def room(self, n_obs: int) -> np.ndarray | None:
        """Room on the disk for the scaled data of so many observations; None where they fit in memory."""
        if not self.spills or self.store.folder is None:
            return None
        return room_on_disk(self.store.folder, (self.store.n_vars, n_obs), dtype_of(self.store.n_vars))

    @cached_property
    def moments(self) -> Moments:
        """Moments of all observations."""
        return self.backend.correlate(self.scaled)

    @property
    def problem(self) -> Problem:
        """What the network of all observations is learned from."""
        return Problem(self.moments, self.constraints, self.backend)

    @property
    def bare(self) -> Problem:
        """The same without the correlations."""
        return Problem(self.scaled, self.constraints, self.backend)
