"""How causes make expression: the contract of a mechanism, the laws of noise, and the linear mechanism.

Everything here is gene-major and in the causal order: row p of ``Y`` is the gene at position p, its parents lie before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

TINY = 1e-12  # where parents cancel or a gene does not vary, nothing is divided by nothing
NOISES: dict[str, Callable[[np.random.Generator, tuple[int, int]], np.ndarray]] = {
    "gauss": lambda rng, shape: rng.standard_normal(shape),
    "exp": lambda rng, shape: rng.exponential(1.0, shape) - 1.0,
    "gumbel": lambda rng, shape: (rng.gumbel(0.0, 1.0, shape) - np.euler_gamma) * (np.sqrt(6.0) / np.pi),
    "uniform": lambda rng, shape: rng.uniform(-np.sqrt(3.0), np.sqrt(3.0), shape),
    "laplace": lambda rng, shape: rng.laplace(0.0, np.sqrt(0.5), shape),
}


@dataclass(frozen=True)
class Structure:
    """What a mechanism is given: the graph over positions in the order, and sizes of effects and noise."""

    n: int  # observations
    pairs: np.ndarray  # (m, 2) cause and effect, sorted by effect
    weight: np.ndarray  # (m,) with sign, before any scaling
    scale: np.ndarray  # (d,) of each gene's own noise
    share: np.ndarray | None  # (d,) of each gene's variance that its parents explain; None: whatever comes out
    noise: str  # a name of NOISES

    @property
    def parent_share(self) -> np.ndarray:
        """The shares, for mechanisms that do not do without."""
        if self.share is None:
            msg = "parent_share is None, and this mechanism sizes its noise by it; give a range such as (0.3, 0.8)."
            raise ValueError(msg)
        return self.share

    def innovations(self, rng: np.random.Generator) -> np.ndarray:
        """Draw what is each gene's own, ``(d, n)``, zero mean and unit variance."""
        return NOISES[self.noise](rng, (self.scale.size, self.n))

    def families(self) -> Iterator[tuple[int, slice]]:
        """Yield each position with its rows of `pairs`, causes first."""
        bounds = np.searchsorted(self.pairs[:, 1], np.arange(self.scale.size + 1))
        for j in range(self.scale.size):
            yield j, slice(bounds[j], bounds[j + 1])


class Expression(NamedTuple):
    """What a mechanism gives back."""

    Y: np.ndarray  # (d, n)
    weight: np.ndarray  # (m,) final effects
    scale: np.ndarray  # (d,) of each gene's own noise, as it came out
    size: np.ndarray | None = None  # (n,) size factors, where Y is counts


class Mechanism(Protocol):
    """A way from causes to expression."""

    @property
    def is_linear(self) -> bool:
        """Whether what is added to a gene reaches its children in proportion to the weights."""
        ...

    def draw(self, structure: Structure, rng: Mapping[str, np.random.Generator]) -> Expression:
        """Draw expression along the order from streams of their own."""
        ...


@dataclass(frozen=True)
class Linear:
    """``y_j = sum_i w_ij y_i + noise_j``; weights scaled so that parents explain their share in this sample."""

    is_linear = True

    def draw(self, structure: Structure, rng: Mapping[str, np.random.Generator]) -> Expression:
        """Draw expression along the order; O(n (d + m))."""
        scale, share, weight = structure.scale, structure.share, structure.weight.copy()
        Y = structure.innovations(rng["noise"]) * scale[:, None]
        for j, rows in structure.families():
            if rows.start == rows.stop:  # a root
                continue
            signal = weight[rows] @ Y[structure.pairs[rows, 0]]
            if share is not None:
                # Variances of signal and noise are as share to 1 - share.
                factor = scale[j] * np.sqrt(share[j] / (1.0 - share[j])) / max(float(signal.std()), TINY)
                weight[rows] *= factor
                signal = signal * factor
            Y[j] += signal
        return Expression(Y, weight, scale)
