"""The card of model lingam: lines, with noise that need not be Gaussian."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acyclome.models.card import Ability, Cost, Model, Words
from acyclome.models.linear.card import criterion, noise

if TYPE_CHECKING:
    from acyclome.config import Config
    from acyclome.models.lingam.local_score import Lingam

REFUSALS = {
    Ability.EQUAL_NOISE: "noise of unknown law has an entropy for every gene, of which a common variance is no part",
    Ability.NON_GAUSSIAN: "its criterion has the noise built in, and would count it twice",
    Ability.RELAXATION: "least squares is the likelihood of Gaussian noise, and says nothing of any other",
    Ability.RANK_TRANSFORM: "normal scores make every gene Gaussian, so that its noise says nothing",
    Ability.LATENT: "the noise of scores is that of counting, whose law says nothing of directions",
    Ability.TRIM: "sums over observations have noise that is nearly Gaussian, whatever its law was",
    Ability.RETURNING_VALUES: "what lines leave of such data mirrors the values that return, not the noise",
}


def words(config: Config) -> Words:
    """Return the words on lines whose noise counts in the criterion."""
    return Words(
        model="a linear structural equation model",
        score=criterion(config),
        directions="Markov equivalence where noise could be Gaussian; [@chickering1995]",
        noise=noise("in that criterion"),
    )


def cost(config: Config, n_genes: Any, n_obs: int) -> Cost:
    """Return nothing: the order search, with its entropies, is part of every estimate."""
    return Cost()


def structural_model(config: Config) -> Lingam:
    """Return least squares with noise of any law."""
    from acyclome.models.lingam.local_score import Lingam

    return Lingam()


LINGAM = Model(
    name="lingam",
    summary="lines and noise that need not be Gaussian, which identifies directions; as fast as linear",
    search="order_search",
    abilities=frozenset(Ability) - REFUSALS.keys(),
    refusals=REFUSALS,
    words=words,
    cost=cost,
    structural_model=structural_model,
    reads_noise=True,
)
