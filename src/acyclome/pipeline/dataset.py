"""Prepared expression of one run, and what a stage leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np

from acyclome.config import Config
from acyclome.core.backend import OnThreads, Place
from acyclome.core.data.constraints import EdgeRules
from acyclome.core.data.interventions import Interventions
from acyclome.core.data.moments import Moments, dtype_of, scale_genes
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
    causes: np.ndarray
    threads: int
    progress: Callable[[str, float, str], None]
    interventions: Interventions
    treatments: Treatments
    warnings: list[str] = field(default_factory=list)
    dask: str | None = None
    prior: Prior = field(default_factory=Prior)
    spills: bool = False
    perturbation: Mapping[str, Any] = field(default_factory=dict)
    place: Place = field(default_factory=OnThreads)
    size: np.ndarray | None = None  # (n,) size factors, where the store holds counts for a model of counts

    @classmethod
    def untouched(
        cls,
        store: GeneMajor,
        causes: np.ndarray,
        threads: int,
        progress: Callable[[str, float, str], None],
        **more: Any,
    ) -> Self:
        """Return data in which nothing was done."""
        nothing = Interventions.none(n_obs=store.n_obs, n_genes=store.n_vars), Treatments.none(store.n_obs)
        return cls(store, causes, threads, progress, *nothing, **more)

    def __getstate__(self) -> dict[str, Any]:
        """Travel to another process without what belongs to this one: progress, moments, workers."""
        return {
            "store": self.store,
            "causes": self.causes,
            "threads": 1,
            "progress": tell_nobody,
            "warnings": [],
            "interventions": self.interventions,
            "treatments": self.treatments,
            "prior": self.prior,
            "spills": self.spills,
            "place": self.place,
            "size": self.size,
        }

    @property
    def rules(self) -> EdgeRules | None:
        """What is known of the edges beforehand."""
        return self.prior.rules

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
        price = config.score.gamma * np.log(max(int(self.causes.sum()) - 1, 1)) + np.zeros(self.store.n_vars)
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
        return self.place.correlate(self.scaled, self.threads)
