"""The card of model gran_dag: a neural network a gene, fitted together under the constraint."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from acyclome.models import hill_climb
from acyclome.models.card import Ability, Cost, Model, Words
from acyclome.models.gran_dag.options import GranDag
from acyclome.models.mlp import card as mlp

if TYPE_CHECKING:
    from acyclome.config import Config
    from acyclome.core.contract import StructuralModel
    from acyclome.models.gran_dag import relaxation as of_networks

PASSES = 6  # multiplications of a weight and an observation in a step: the value, and slopes of both, each with a sum

# Of 800 edges of random graphs of 10, 60 and 200 genes 92 point backward in the order where stages end by a hundredth,
# 89 where they end by a thousandth, which takes 2.3 times as long.
ORDER_SLACK = 10.0
SHARE_OF_STEPS = 0.4


def structural_model(config: Config) -> StructuralModel:
    """Return the score of model mlp, a network of random units; with what noise of no constant variance adds."""
    from acyclome.models.gran_dag.local_score import LocationScale
    from acyclome.models.mlp.gaussian_process import Evidence

    options = config.of(GranDag)
    mean = Evidence(options.splines, options.units, mlp.UNIT_SCALE, mlp.RIDGE)
    return mean if options.noise == "constant" else LocationScale(mean)


def relaxation(config: Config) -> of_networks.GranDag:
    """Return the problem of the paper."""
    from acyclome.models.gran_dag.relaxation import GranDag as Networks

    options = config.of(GranDag)
    shape, prunes = (options.hidden, options.layers, options.outputs), options.edges == "pruned"
    return Networks(*shape, lambda1=config.fit.lambda1, steps=options.steps, prunes=prunes)


def variant(config: Config) -> Model:
    """Return the card with what the options have choose edges, of genes as they are unless noise is of any kind."""
    options = config.of(GranDag)
    if options.edges != "score":
        return DECIDED_BY_NETWORKS
    return GRAN_DAG if options.noise == "function" else WITH_CONSTANT_NOISE


def cost(config: Config, n_genes: Any, n_obs: int) -> Cost:
    """Return what hill climbing takes, and the networks: all weights of candidates at every step of Adam."""
    from acyclome.models.gran_dag.relaxation import HELD
    from acyclome.models.network_blocks import VALUES

    options, width = config.of(GranDag), hill_climb.candidates(config, n_genes)
    weights = options.hidden * (width + options.hidden * (options.layers - 1) + options.outputs)
    proposes = config.card is None or config.card.search != "relaxation"
    steps = options.steps * hill_climb.relaxation_steps(config) * (SHARE_OF_STEPS if proposes else 1.0)
    found = hill_climb.cost(structural_model(config), config, n_genes, n_obs)
    return found._replace(
        relaxed=8.0 * HELD * n_genes * weights + 4.0 * n_genes * n_obs,
        on_device=4.0 * n_genes * n_obs + 16.0 * VALUES,
        relax=PASSES * n_genes * steps * weights * n_obs,
    )


def words(config: Config) -> Words:
    """Return the words on networks and on what chose edges."""
    options = config.of(GranDag)
    scales = (options.edges == "score" and options.noise == "function") or options.outputs == 2
    paper = "[@immer2023]" if scales else "[@peters2014]"
    scale = ", and of sums of curves that scale the noise" if options.noise == "function" else ""
    score = {
        "score": f"the evidence ([@rasmussen2006]) of Gaussian processes with {options.splines} spline terms per cause "
        f"and {options.units} random units for causes that act together{scale}",
        "threshold": "the likelihood of the networks",
        "pruned": "the likelihood of the networks, then a test of every cause in an additive model at .001 "
        "([@buehlmann2014])",
    }[options.edges]
    return Words(
        model=f"a neural network of {options.layers} layers of {options.hidden} units a gene ([@lachapelle2020]), with "
        f"noise of {'a variance that is a function of the causes, too' if scales else 'constant variance'}",
        score=score,
        directions=f"odds below 20 to 1; such models are identifiable but for special cases, {paper}",
        relaxation="GraN-DAG problem ([@lachapelle2020]), whose strengths are sums over the paths of the networks,",
    )


GRAN_DAG = Model(
    name="gran_dag",
    summary="GraN-DAG, networks, and noise whose variance depends on the causes; three hundred times the cost",
    search="hill_climbing",
    abilities=frozenset(Ability) - mlp.REFUSALS.keys(),
    refusals=mlp.REFUSALS,
    section=("gran_dag", GranDag),
    words=words,
    cost=cost,
    structural_model=structural_model,
    relaxation=relaxation,
    takes_logarithms=True,
    relaxes_by_default=True,
    order_slack=ORDER_SLACK,
    variant=variant,
    is_compared=False,
)
WITH_CONSTANT_NOISE = replace(GRAN_DAG, takes_logarithms=False)
DECIDED_BY_NETWORKS = replace(WITH_CONSTANT_NOISE, search="relaxation")
