"""The options of model glm."""

from __future__ import annotations

from typing import Literal

from acyclome.options.sections import Section


class Glm(Section):
    """The model glm: raw counts by their own law. No covariates, no rank transform; a logarithm is taken of causes."""

    family: Literal["negative_binomial", "poisson", "logistic"] = "negative_binomial"
    """Law of a gene's counts. negative_binomial: UMI and read counts. poisson: counts without overdispersion, else it
    gives many false edges. logistic: only whether a gene is seen."""
    size_factors: str = "auto"
    """What the expected counts of an observation are in proportion to. auto: its sum of counts or, of few genes, the
    depth that they have in common, if any. total: its sum of counts. none: nothing. Else the column of the observations
    that holds them."""
