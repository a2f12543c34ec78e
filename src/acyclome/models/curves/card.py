"""The cards of models polynomial, sobolev and spline: sums of curves, in three kinds of functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from acyclome.models import hill_climb
from acyclome.models.card import Ability, Cost, Model, Words
from acyclome.models.curves.options import Curves
from acyclome.models.linear.card import least_squares_on_device

if TYPE_CHECKING:
    from acyclome.config import Config
    from acyclome.core.contract import StructuralModel
    from acyclome.core.data.expansions import Expansion
    from acyclome.models.curves.relaxation import Additive

SWEEPS = 12  # over the products of a gene's terms, whole ones, in a step of the relaxation: counted on 100 genes
OF = {
    "causes": "one per cause",
    "index": "one of a weighted sum of the causes",
    "indices": "each of a weighted sum of the causes",
}
REFUSALS = {
    Ability.EQUAL_NOISE: "its directions come from shapes, and what curves leave of a gene has a variance of its own",
    Ability.NON_GAUSSIAN: "that turns edges within a Markov class, and shapes already tell the members of one apart",
    Ability.LATENT: "what counting blurs of a cause bends curves, and correlations do not hold their shape",
    Ability.TRIM: "it mixes observations, which keeps lines and no other function",
}


@dataclass(frozen=True)
class Functions:
    """One kind of functions."""

    option: str  # of section curves, which says how many terms there are
    expansion: str  # name of its class in core.data.expansions
    penalties: str  # name of what makes them in local_score
    text: str  # what the report calls it, with the number of terms in braces
    paper: str  # whom the report cites

    def expand(self, config: Config) -> Expansion:
        """Return the functions."""
        from acyclome.core.data import expansions

        return getattr(expansions, self.expansion)(getattr(config.of(Curves), self.option))

    def structural_model(self, config: Config) -> StructuralModel:
        """Return sums of curves of each cause, or of weighted sums of them."""
        from acyclome.models.curves import local_score
        from acyclome.models.curves.projection_pursuit import Ridges

        options, expansion = config.of(Curves), self.expand(config)
        penalties = getattr(local_score, self.penalties)(expansion.terms)
        if options.of == "causes":
            return local_score.Curves(expansion, penalties)
        return Ridges(expansion, penalties, 1 if options.of == "index" else options.functions)

    def relaxation(self, config: Config) -> Additive:
        """Return the problem of NO-BEARS and nonparametric NOTEARS."""
        from acyclome.models.curves.relaxation import Additive

        return Additive(self.expand(config), config.fit.lambda1, sweeps=100, tol=1e-6)  # as for lines

    def cost(self, config: Config, n_genes: Any, n_obs: int) -> Cost:
        """Return what hill climbing takes, and the relaxation with the products of the terms of a gene's candidates."""
        found = hill_climb.cost(self.structural_model(config), config, n_genes, n_obs)
        width = hill_climb.candidates(config, n_genes) * self.expand(config).terms
        products = n_genes * width**2
        relax = products * (n_obs + SWEEPS * hill_climb.relaxation_steps(config))
        on_device = least_squares_on_device(config, n_genes, width)
        return found._replace(relaxed=4.0 * products, on_device=on_device, relax=relax)

    def words(self, config: Config) -> Words:
        """Return the words on sums of these curves."""
        options = config.of(Curves)
        return Words(
            model="a nonlinear structural equation model with additive noise",
            score="the Bayesian information criterion by effective degrees of freedom of sums of "
            f"{self.text.format(getattr(options, self.option))} ({self.paper}), {OF[options.of]}",
            directions="odds below 20 to 1; such models are identifiable but for special cases, [@peters2014]",
            relaxation=f"NOTEARS problem for sums of curves ({self.paper})",
        )


def _card(name: str, summary: str, functions: Functions) -> Model:
    return Model(
        name=name,
        summary=summary,
        search="hill_climbing",
        abilities=frozenset(Ability) - REFUSALS.keys(),
        refusals=REFUSALS,
        section=("curves", Curves),
        words=functions.words,
        cost=functions.cost,
        structural_model=functions.structural_model,
        relaxation=functions.relaxation,
    )


POLYNOMIAL = _card(
    "polynomial",
    "a sum of curves in powers, one per cause; ten times the cost. Curves identify directions that lines cannot",
    Functions("degree", "Powers", "degrees", "polynomials up to degree {}", "[@lee2019]"),
)
SOBOLEV = _card(
    "sobolev",
    "the same in cosines",
    Functions("cosines", "Cosines", "smoothness", "cosine series with {} terms", "[@zheng2020]"),
)
SPLINE = _card(
    "spline",
    "the same in B-splines",
    Functions("bsplines", "BSplines", "smoothness", "cubic B-splines with {} terms", "[@zheng2020]"),
)
