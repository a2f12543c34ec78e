"""The card of model mlp: any smooth function of the causes, alone or together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acyclome.models import hill_climb
from acyclome.models.card import Ability, Cost, Model, Words
from acyclome.models.mlp.options import Mlp

if TYPE_CHECKING:
    from acyclome.config import Config
    from acyclome.core.contract import StructuralModel
    from acyclome.models.mlp import relaxation as notears_mlp

UNIT_SCALE = 3.0  # causes that act together may do so as strongly as they do alone, and more
RIDGE = (1.0, 10.0, 100.0)  # noise from as strong as a line to a hundredth of its prior variance per observation
ALPHA = 1e-3  # keeps output weights finite where hidden units are alike; a tenth of the smallest weight of the data
REFUSALS = {
    Ability.EQUAL_NOISE: "the evidence of a gene integrates over the variance of its noise",
    Ability.NON_GAUSSIAN: "that turns edges within a Markov class, and shapes already tell the members of one apart",
    Ability.LATENT: "what counting blurs of a cause bends functions, and correlations do not hold their shape",
    Ability.TRIM: "it mixes observations, which keeps lines and no other function",
}


def structural_model(config: Config) -> StructuralModel:
    """Return the prior of a gene's function."""
    from acyclome.models.mlp.gaussian_process import Evidence

    options = config.of(Mlp)
    return Evidence(options.splines, options.units, UNIT_SCALE, RIDGE)


def relaxation(config: Config) -> notears_mlp.Mlp:
    """Return the NOTEARS-MLP problem."""
    from acyclome.models.mlp.relaxation import Mlp as NotearsMlp

    options = config.of(Mlp)
    return NotearsMlp(options.hidden, config.fit.lambda1, ALPHA, options.steps)


def cost(config: Config, n_genes: Any, n_obs: int) -> Cost:
    """Return what hill climbing takes, and NOTEARS-MLP: hidden units of all candidates at every gradient step.

    On a device: the data, and a block of parents' data with its hidden units and their gradients.
    """
    from acyclome.models.network_blocks import VALUES

    options, most = config.of(Mlp), config.screen.max_candidates
    steps = options.steps * hill_climb.relaxation_steps(config)
    found = hill_climb.cost(structural_model(config), config, n_genes, n_obs)
    return found._replace(
        on_device=4.0 * n_genes * n_obs + 16.0 * VALUES, relax=n_genes * steps * most * options.hidden * n_obs
    )


def words(config: Config) -> Words:
    """Return the words on Gaussian processes."""
    options = config.of(Mlp)
    return Words(
        model="a nonlinear structural equation model with additive noise",
        score=f"the evidence ([@rasmussen2006]) of Gaussian processes with {options.splines} spline terms per cause "
        f"and {options.units} random units for causes that act together",
        directions="odds below 20 to 1; such models are identifiable but for special cases, [@peters2014]",
        relaxation="NOTEARS-MLP problem ([@zheng2020])",
    )


MLP = Model(
    name="mlp",
    summary="any smooth function of the causes, alone or together; a hundred times the cost",
    search="hill_climbing",
    abilities=frozenset(Ability) - REFUSALS.keys(),
    refusals=REFUSALS,
    section=("mlp", Mlp),
    words=words,
    cost=cost,
    structural_model=structural_model,
    relaxation=relaxation,
)
