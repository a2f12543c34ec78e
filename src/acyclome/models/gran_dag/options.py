"""The options of model gran_dag."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from acyclome.options.sections import Section


class GranDag(Section):
    """The model gran_dag: its networks, their noise, and what chooses edges."""

    edges: Literal["score", "pruned", "threshold"] = "score"
    """What chooses edges. score: hill climbing on a penalized likelihood, along the order of the networks at first.
    threshold: the networks, every edge from fit.w_threshold on. pruned: of these, those that an additive model needs
    (p < .001), as in the paper."""
    noise: Literal["function", "constant"] = "function"
    """Score: variance of a gene's noise. function: of the causes, as the mean is, and noise of any law; amounts, whose
    logarithms are nearer to normal, are learned from as these. constant: a number, and normal noise, as in mlp."""
    outputs: int = Field(default=1, ge=1, le=2)
    """Outputs of a network. 1: the mean, and its variance is a number. 2: the variance too, which takes thousands of
    observations: of hundreds it fits the noise, and turns edges."""
    hidden: int = Field(default=10, ge=1, le=1000)  # as the next in the paper
    """Units of a layer. Memory and time of the networks grow with it."""
    layers: int = Field(default=2, ge=1, le=8)
    """Hidden layers of a network."""
    steps: int = Field(default=50, ge=1, le=10_000)  # of 10 causes 1.3 stood behind their effects with 20, .3 with 100
    """Steps of Adam between two evaluations of acyclicity. More fit closer, at more time."""
    splines: int = Field(default=8, ge=2, le=32)
    """Score: spline terms of each cause, the line among them, of mean and of variance."""
    units: int = Field(default=100, ge=1, le=2000)
    """Score: random units that all causes of a gene share, as in model mlp."""
