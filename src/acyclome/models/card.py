"""The card of a structural model: what it is, what can be asked of it, what it takes, and where its parts are.

Choice: a model is functions and one record about them, as a method of decoupler is.  Reason: whoever has to know
something of a model (options, search, plan, report) asks its card, so that a model costs its own folder and one line.
What would change it: a network whose nodes are no genes.  Cards are read at every start, so they import no numerics
before a part of the model is asked for; and the numerics of a model run where there is nothing but numerics, so this
module imports nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from acyclome.config import Config
    from acyclome.core.contract import HeldOut, StructuralModel
    from acyclome.core.data.problem import Problem
    from acyclome.core.data.standardized import MarginalMap
    from acyclome.core.relaxation.problem import RelaxationModel
    from acyclome.options.sections import Section

Search = Literal["order_search", "hill_climbing", "relaxation"]


class Ability(Enum):
    """What data, options or prior knowledge may ask of a model, in the words of its refusal.

    Forbidden edges, tiers and regulators are not among them: what they exclude is a candidate of no model.
    """

    INTERVENTIONS = "interventions"
    REQUIRED = "required edges"
    SIGNED = "signed edges"
    SOFT = "soft edges"
    EQUAL_NOISE = "score.noise equal"
    NON_GAUSSIAN = "score.non_gaussian"
    RELAXATION = "fit.relax true"
    COVARIATES = "prepare.covariates, confounding factors or activity latent"
    TRIM = "confounding trim"
    RANK_TRANSFORM = "prepare.transform rank"
    LATENT = "prepare.transform latent"
    JOINT_GROUPS = "input.joint"
    REAL_VALUES = "data that are no counts"
    RETURNING_VALUES = "counts, or values that are often the same"


class Cost(NamedTuple):
    """What a model takes beside the data and their correlations, for a network of so many genes: for ``plan``.

    Numbers, or arrays of them where the number of genes is one.
    """

    held: Any = 0.0  # bytes of a search
    relaxed: Any = 0.0  # bytes of the relaxation
    on_device: Any = 0.0  # bytes of the relaxation on a device; 0 where it runs on processors alone
    screen: Any = 0.0  # multiplications of screening by terms
    search: Any = 0.0  # multiplications of a hill climb without perturbation
    relax: Any = 0.0  # multiplications of the relaxation


@dataclass(frozen=True)
class Words:
    """What the report says of a model with the options of a run.  Papers are cited as ``[@key]``."""

    model: str  # what it is, after "with" or "rest on"
    score: str  # what the search raised or judged by
    directions: str  # why directions can be known, or which cannot
    relaxation: str = ""  # the problem that the relaxation solves; empty where there is none
    noise: str = ""  # what noise that is not Gaussian counted for; empty where it did not


@dataclass(frozen=True)
class Counts:
    """How a model that reads raw counts reads them."""

    size_factors: Callable[[Config], str]  # what says them: total, none, or a column of the observations
    # Whether its likelihood is that of the counts themselves, so that other models can be compared with it.
    is_comparable: Callable[[Config], bool]


# Of what counts tell of the expression behind them; size factors are totals where these bind no genes.
LATENT_COUNTS = Counts(size_factors=lambda config: "auto", is_comparable=lambda config: True)


@dataclass(frozen=True)
class Model:
    """A structural model: how a gene depends on its causes, and how its graph is found.

    Parameters
    ----------
    name
        Its name in options; an identifier.
    summary
        What it is for and what it costs, for the help, in a sentence or two.
    search
        What decides: the order search on sufficient statistics, hill climbing on a local score, or the relaxation.
    abilities
        What can be asked of it.
    words
        What the report says of it.
    cost
        ``(config, n_genes, n_obs)``, what it takes.
    refusals
        Why it does not have the abilities that it does not have, in mathematics, after "since".
    section
        Name and class of its section of the options; models may share one.
    structural_model
        Its functions and noise, with the local score of a gene and its parents; None where a gene has no score of its
        own.
    relaxation
        Its relaxation.
    held_out
        ``(config, problem, seed)``, what says how probable observations are that it was not fitted to, where the local
        score does not.
    marginal_map
        What takes the genes to the scales on which the order search finds lines between them; None: their own.
    takes_logarithms
        Whether amounts, whose logarithms are nearer to normal (:mod:`.logarithms`), are given to it as these.
    counts
        How it reads counts; None where it reads values.
    relaxes_by_default
        Whether ``fit.relax: auto`` runs the relaxation.
    order_slack
        How many times ``fit.rtol`` ends a stage of the relaxation where nothing but an order is asked of it.
    variant
        ``(config)``, the card where options of the model change what decides or can be asked; None: none do.
    may_rank
        Whether ``prepare.transform: auto`` may bring genes to normal scores: not where shapes of curves or noise count.
    reads_noise
        Whether noise that is not Gaussian counts for directions.
    is_compared
        Whether ``model: auto`` compares it; not where it would take most of the time of the comparison.
    references
        BibTeX of the papers that its words cite and ``report/references.bib`` does not have.
    """

    name: str
    summary: str
    search: Search
    abilities: frozenset[Ability]
    words: Callable[[Config], Words]
    cost: Callable[[Config, Any, int], Cost]
    refusals: Mapping[Ability, str] = field(default_factory=dict)
    section: tuple[str, type[Section]] | None = None
    structural_model: Callable[[Config], StructuralModel] | None = None
    relaxation: Callable[[Config], RelaxationModel] | None = None
    held_out: Callable[[Config, Problem, int], HeldOut] | None = None
    marginal_map: MarginalMap | None = None
    takes_logarithms: bool = False
    counts: Counts | None = None
    relaxes_by_default: bool = False
    order_slack: float = 1.0
    variant: Callable[[Config], Model] | None = None
    may_rank: bool = False
    reads_noise: bool = False
    is_compared: bool = True
    references: str = ""

    def __post_init__(self) -> None:
        if (self.relaxation is None) == (Ability.RELAXATION in self.abilities):
            msg = f"Model {self.name!r}: a relaxation is declared without being there, or the other way round."
            raise ValueError(msg)
        if self.search == "hill_climbing" and self.structural_model is None:
            msg = f"Model {self.name!r}: hill climbing needs a structural model, whose local score it climbs."
            raise ValueError(msg)
        if self.structural_model is None and self.held_out is None:
            msg = f"Model {self.name!r}: nothing says how probable observations are that it was not fitted to."
            raise ValueError(msg)
        if both := self.abilities & set(self.refusals):
            msg = f"Model {self.name!r} both has and refuses {', '.join(sorted(one.value for one in both))}."
            raise ValueError(msg)

    def under(self, config: Config) -> Model:
        """Return the card as the options have it."""
        return self if self.variant is None else self.variant(config)

    def judges_by_score(self, config: Config) -> bool:
        """Say whether a local score says what edges are worth; else least squares do, or the relaxation itself."""
        if self.search == "relaxation" and self.relaxation is not None:
            return "scored" in self.relaxation(config).abilities
        return self.search == "hill_climbing"

    def relaxes(self, config: Config) -> bool:
        """Say whether the relaxation runs."""
        asked = self.relaxes_by_default if config.fit.relax == "auto" else config.fit.relax
        return self.relaxation is not None and (asked or self.search == "relaxation")

    def why_not(self, asked: Ability) -> str:
        """Say why something cannot be asked of it."""
        return self.refusals.get(asked, "it was not made for that")
