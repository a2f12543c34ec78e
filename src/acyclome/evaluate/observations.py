"""How expression is seen: the contract of an observation, and values as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np


class Observed(NamedTuple):
    """What is seen of latent expression."""

    X: np.ndarray  # (d, n) the data
    counts: np.ndarray | None = None  # (d, n) behind the data, where there are any
    size: np.ndarray | None = None  # (n,) true size factors of the counts


class Observation(Protocol):
    """A way from latent expression to data."""

    @property
    def is_counted(self) -> bool:
        """Whether data are counts, or made of counts, and have no other error of measurement."""
        ...

    def observe(self, latent: np.ndarray, rng: np.random.Generator) -> Observed:
        """Make data of latent expression ``(d, n)``."""
        ...


@dataclass(frozen=True)
class Values:
    """Expression as it is, plus Gaussian noise of `error` standard deviations of each gene."""

    error: float = 0.0
    is_counted = False

    def observe(self, latent: np.ndarray, rng: np.random.Generator) -> Observed:
        """Add the noise, if there is any."""
        if not self.error:
            return Observed(latent)
        return Observed(latent + rng.standard_normal(latent.shape) * (self.error * latent.std(axis=1, keepdims=True)))
