"""Every model with data that its assumptions hold for; a new model is one more row and inherits every test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from acyclome.config import Config
from acyclome.core.contract import StructuralModel
from acyclome.models import get_model
from acyclome.models.card import Model

Draw = Callable[[np.random.Generator, int], np.ndarray]
EDGES = {(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)}
CONSTANT = 5


@dataclass(frozen=True)
class Case:
    """A model and what it can learn.

    Parameters
    ----------
    name
        Its name, and a setting after a comma.
    draw
        ``(rng, n) -> (n, 6)``: five genes with the edges ``EDGES``, such that the model identifies the graph, and gene
        ``CONSTANT`` without variation.
    options
        Those of its section.
    """

    name: str
    draw: Draw
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    @property
    def card(self) -> Model:
        """The card of the model."""
        return get_model(self.name.partition(",")[0])

    @property
    def model(self) -> StructuralModel:
        """The structural model with these options."""
        section = {} if self.card.section is None else {self.card.section[0]: self.options}
        return self.card.structural_model(Config(model=self.card.name, **section))


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


def measured_through_curves(rng: np.random.Generator, n: int) -> np.ndarray:
    """Lines between hidden genes, each of which is seen through a rising curve of its own."""
    x = rng.standard_normal((n, 6))
    for j, parents in enumerate(([], [0], [0], [1, 2], [3])):
        x[:, j] += x[:, parents] @ np.full(len(parents), 0.8)
    for j, curve in enumerate((np.exp, np.copy, np.sinh, lambda u: np.tanh(u / 2), lambda u: u**3 + u)):
        x[:, j] = curve(x[:, j])
    x[:, CONSTANT] = 1.0
    return x


CASES = [
    Case("mlp", curves, {"splines": 6, "units": 40}),
    Case("polynomial", curves, {"degree": 4}),
    Case("gran_dag", curves, {"splines": 6, "units": 40, "steps": 5}),  # of its networks, most of its time
    Case("sobolev", curves),
    Case("polynomial, index", sums, {"degree": 4, "of": "index"}),
    Case("sobolev, multiple-index", sums, {"of": "indices"}),
    Case("spline", curves),
    Case("glm", counts),
]
"""Models whose local score is climbed."""

LINEAR = [Case("linear", lines), Case("lingam", lines), Case("dag_gnn", measured_through_curves)]
"""Models whose orders are searched by sufficient statistics, and their local scores."""
