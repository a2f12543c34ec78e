"""Every family with data that its assumptions hold for; a new family is one more row and inherits every test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from acyclome.core.contract import Family
from acyclome.core.data.expansions import BSplines, Cosines, Powers
from acyclome.models.curves.local_score import Curves, degrees, smoothness
from acyclome.models.curves.projection_pursuit import Ridges
from acyclome.models.glm.local_score import Glm
from acyclome.models.linear.local_score import LeastSquares
from acyclome.models.lingam.local_score import Lingam
from acyclome.models.mlp.gaussian_process import Evidence

Draw = Callable[[np.random.Generator, int], np.ndarray]
EDGES = {(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)}
CONSTANT = 5


@dataclass(frozen=True)
class Case:
    """A family and what it can learn.

    Parameters
    ----------
    name
        Its name in the registry, and a setting after a comma.
    draw
        ``(rng, n) -> (n, 6)``: five genes with the edges ``EDGES``, such that the family identifies the graph, and gene
        ``CONSTANT`` without variation.
    """

    name: str
    family: Family
    draw: Draw

    def __str__(self) -> str:
        return self.name


def curves(rng: np.random.Generator, n: int) -> np.ndarray:
    """Smooth additive effects with normal noise, even functions among them."""
    x = rng.standard_normal((n, 6))
    x[:, 1] = 0.8 * x[:, 0] ** 2 + 0.5 * x[:, 1]
    x[:, 2] = np.sin(1.5 * x[:, 0]) + 0.5 * x[:, 2]
    x[:, 3] = np.cos(x[:, 1]) + np.tanh(x[:, 2]) + 0.4 * x[:, 3]
    x[:, 4] = np.cos(x[:, 3]) + 0.4 * x[:, 4]
    x[:, CONSTANT] = 1.0
    return x


def sums(rng: np.random.Generator, n: int) -> np.ndarray:
    """Smooth functions of weighted sums of the causes."""
    x = curves(rng, n)
    x[:, 3] = 2 * np.cos(0.8 * (x[:, 1] - x[:, 2])) + 0.4 * rng.standard_normal(n)
    x[:, 4] = np.sin(1.5 * x[:, 3]) + 0.3 * rng.standard_normal(n)
    return x


def counts(rng: np.random.Generator, n: int) -> np.ndarray:
    """Negative binomial counts whose log means are linear in the standardized counts of their causes."""
    x = np.ones((n, 6))
    for j, causes in enumerate(([], [0], [0], [1, 2], [3])):
        z = (x[:, causes] - x[:, causes].mean(axis=0)) / x[:, causes].std(axis=0)
        mean = 10.0 * np.exp(z @ np.full(len(causes), 0.5))
        x[:, j] = rng.negative_binomial(5.0, 1.0 / (1.0 + 0.2 * mean))
    return x


def lines(rng: np.random.Generator, n: int) -> np.ndarray:
    """Linear effects with skewed noise."""
    x = rng.exponential(1.0, (n, 6))
    for j, parents in enumerate(([], [0], [0], [1, 2], [3])):
        x[:, j] += x[:, parents] @ np.full(len(parents), 0.8)
    x[:, CONSTANT] = 1.0
    return x


CASES = [
    Case("mlp", Evidence(terms=6, units=40, unit_scale=3.0, ridge=(1.0, 10.0, 100.0)), curves),
    Case("polynomial", Curves(Powers(4), degrees(4)), curves),
    Case("sobolev", Curves(Cosines(8), smoothness(8)), curves),
    Case("polynomial, index", Ridges(Powers(4), degrees(4), 1), sums),
    Case("sobolev, multiple-index", Ridges(Cosines(8), smoothness(8), 3), sums),
    Case("spline", Curves(BSplines(8), smoothness(8)), curves),
    Case("glm", Glm(is_binary=False, is_dispersed=True, ridge=1.0), counts),
]

LINEAR = [Case("linear", LeastSquares(), lines), Case("lingam", Lingam(), lines)]
"""Models whose orders are searched by sufficient statistics, and their local scores."""
