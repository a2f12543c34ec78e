"""The card of model dag_gnn: lines between hidden genes that are seen through rising curves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from acyclome.models import hill_climb
from acyclome.models.card import Ability, Cost, Model, Words
from acyclome.models.dag_gnn.options import DagGnn
from acyclome.models.linear.card import criterion

if TYPE_CHECKING:
    import numpy as np

    from acyclome.config import Config
    from acyclome.core.data.interventions import Interventions
    from acyclome.models.dag_gnn import relaxation as elbo
    from acyclome.models.dag_gnn.local_score import PostNonlinear

REFUSALS = {
    Ability.EQUAL_NOISE: "a map of every gene's own leaves no unit that noise variances could have in common",
    Ability.NON_GAUSSIAN: "its maps make every gene normal, so that noise has no shape left to tell of directions",
    Ability.LATENT: "scores of counts are normal by themselves, and a map would bend what counting blurred",
    Ability.RETURNING_VALUES: "a value that returns has no density, and no one-to-one map makes it normal",
}
DECIDING = {
    Ability.TRIM: "it mixes observations, which keeps lines and no other function",
    Ability.SOFT: "a threshold has no cost of an edge, of which a soft one would have its share",
    Ability.JOINT_GROUPS: "what groups share is a soft edge in each, and a threshold has no cost of one",
}
MAP = 4e4  # multiplications per observation in the time that the map of a gene takes, 2 ms at 1,000
GRADIENT = 60.0  # multiplications per gene, observation and hidden unit of the objective and its slope, tanh as ten


def structural_model(config: Config) -> PostNonlinear:
    """Return lines between mapped genes."""
    from acyclome.models.dag_gnn.local_score import PostNonlinear

    return PostNonlinear()


def marginal_map(Z: np.ndarray, interventions: Interventions, *, threads: int) -> None:
    """Take genes to normal ones in place, each by its own rising map."""
    from acyclome.models.dag_gnn.local_score import map_genes

    map_genes(Z, interventions, threads)


def relaxation(config: Config) -> elbo.DagGnn:
    """Return the evidence lower bound, whose inverse is cut where the series of h is."""
    from acyclome.models.dag_gnn.relaxation import DagGnn as Elbo

    options = config.of(DagGnn)
    return Elbo(options.hidden, options.dims, options.networks == "shared", config.fit.lambda1, config.fit.terms)


def cost(config: Config, n_genes: Any, n_obs: int) -> Cost:
    """Return what maps take, and the relaxation: networks of all genes, and an inner product an edge."""
    from acyclome.models.dag_gnn.relaxation import VALUES

    options, steps = config.of(DagGnn), 5.0 * hill_climb.relaxation_steps(config)
    held = 4.0 * n_genes * n_obs * (2 + options.hidden + 8 * options.dims)
    edges = n_genes * hill_climb.candidates(config, n_genes) * options.dims
    relax = steps * n_obs * (GRADIENT * n_genes * options.hidden + 4.0 * edges)
    decides = options.decides == "relaxation"
    return Cost(
        relaxed=held, on_device=held + 32.0 * VALUES, search=0.0 if decides else MAP * n_genes * n_obs, relax=relax
    )


def words(config: Config) -> Words:
    """Return the words on maps, lines and the evidence lower bound."""
    decides = config.of(DagGnn).decides
    one = "one encoder and one decoder" if config.of(DagGnn).networks == "shared" else "an encoder and a decoder a gene"
    return Words(
        model="a linear structural equation model of hidden genes, each seen through a rising curve "
        "([@yu2019]; [@liu2009])",
        score=f"{criterion(config)}, between genes that maps, fitted gene by gene by maximum likelihood, made normal"
        if decides == "score"
        else "the evidence lower bound with a lasso",
        directions="Markov equivalence; [@chickering1995]",
        relaxation=f"DAG-GNN problem ([@yu2019]; evidence lower bound, {one})",
    )


def variant(config: Config) -> Model:
    """Return the card with what the options have decide."""
    return DECIDED_BY_RELAXATION if config.of(DagGnn).decides == "relaxation" else DAG_GNN


DAG_GNN = Model(
    name="dag_gnn",
    summary="lines between genes that are measured through rising curves of their own; some times the cost of lines",
    search="order_search",
    abilities=frozenset(Ability) - REFUSALS.keys(),
    refusals=REFUSALS,
    section=("dag_gnn", DagGnn),
    words=words,
    cost=cost,
    structural_model=structural_model,
    relaxation=relaxation,
    marginal_map=marginal_map,
    variant=variant,
)
DECIDED_BY_RELAXATION = replace(
    DAG_GNN,
    search="relaxation",
    abilities=DAG_GNN.abilities - DECIDING.keys(),
    refusals=REFUSALS | DECIDING,
    marginal_map=None,
)
