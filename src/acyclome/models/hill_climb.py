"""What hill climbing on a local score takes, and what a relaxation beside it, for the cards of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acyclome.models.card import Cost

if TYPE_CHECKING:
    from acyclome.config import Config
    from acyclome.core.contract import StructuralModel

SCORES = 60  # sets of parents scored per gene in a climb, counted in networks of 20 to 2,000 genes
SCORE_CALL = 1e6  # multiplications in the time that a score takes whatever its size, 50 microseconds
SCORE_BYTES = 200  # of a score that was met, with the set of parents it belongs to
STEPS = 0.25  # of fit.max_steps that the relaxation takes at a value of mu, on average


def cost(model: StructuralModel, config: Config, n_genes: Any, n_obs: int) -> Cost:
    """Return what a climb takes by what the structural model says of one score."""
    each = model.cost(n_obs)
    scores = SCORES * (1 + config.search.perturbations)
    return Cost(
        held=n_genes * (each.per_gene + SCORE_BYTES * scores),
        screen=1.0 * n_genes * n_genes * each.per_pair,
        search=1.0 * n_genes * SCORES * (each.score + SCORE_CALL),
    )


def candidates(config: Config, n_genes: Any) -> Any:
    """Return how many candidates the relaxation sees per gene: all genes where none are screened out."""
    import numpy as np

    from acyclome.core.screening.screen import UNSCREENED

    most = config.screen.max_candidates
    screened = np.minimum(most + config.search.expanded, n_genes)
    return np.where(n_genes <= UNSCREENED * most, n_genes, screened).astype(float)


def relaxation_steps(config: Config) -> float:
    """Return how many steps the relaxation takes along its path."""
    return len(config.fit.mu) * config.fit.max_steps * STEPS
