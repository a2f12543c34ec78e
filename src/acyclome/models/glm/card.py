"""The card of model glm: raw counts by their own law."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acyclome.models import hill_climb
from acyclome.models.card import Ability, Counts, Model, Words
from acyclome.models.glm.options import Glm

if TYPE_CHECKING:
    from acyclome.config import Config
    from acyclome.core.contract import StructuralModel

SLOPE_RIDGE = 1.0  # prior standard deviation 1 per standard deviation of the cause: a factor of e in the mean
LAWS = {"negative_binomial": "negative binomial", "poisson": "Poisson", "logistic": "logistic"}
REFUSALS = {
    Ability.EQUAL_NOISE: "the variance of a count is tied to its mean, and no noise is added to it",
    Ability.NON_GAUSSIAN: "the variance of a count is tied to its mean, and no noise is added to it",
    Ability.RELAXATION: "least squares does not see how the variance of a count is tied to its mean, by which "
    "directions are known",
    Ability.COVARIATES: "what is left of counts when a linear effect is taken out is none",
    Ability.LATENT: "it has the law of the counts themselves",
    Ability.TRIM: "counts whose observations are mixed are none",
    Ability.RANK_TRANSFORM: "normal scores are no counts",
    Ability.JOINT_GROUPS: "groups are brought to a common scale first, which leaves no counts",
    Ability.REAL_VALUES: "its likelihood is that of whole numbers from 0",
}


def structural_model(config: Config) -> StructuralModel:
    """Return the law that the options name."""
    from acyclome.models.glm.local_score import Glm as Law

    family = config.of(Glm).family
    is_binary, is_dispersed = family == "logistic", family == "negative_binomial"
    return Law(is_binary=is_binary, is_dispersed=is_dispersed, ridge=SLOPE_RIDGE)


def words(config: Config) -> Words:
    """Return the words on regressions of counts."""
    return Words(
        model="a generalised linear model of raw counts with a logarithmic or logistic link",
        score=f"the Bayesian information criterion of {LAWS[config.of(Glm).family]} regressions of counts on the "
        "standardised log-normalised expression of the causes, with size factors",
        directions="odds below 20 to 1; counts whose variance is tied to their mean identify the graph, [@park2018]",
    )


GLM = Model(
    name="glm",
    summary="raw counts by their own law",
    search="hill_climbing",
    abilities=frozenset(Ability) - REFUSALS.keys(),
    refusals=REFUSALS,
    section=("glm", Glm),
    words=words,
    structural_model=structural_model,
    cost=lambda config, n_genes, n_obs: hill_climb.cost(structural_model(config), config, n_genes, n_obs),
    counts=Counts(
        size_factors=lambda config: config.of(Glm).size_factors,
        is_comparable=lambda config: config.of(Glm).family != "logistic",
    ),
)
