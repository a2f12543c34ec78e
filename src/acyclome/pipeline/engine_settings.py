"""From names and numbers of the options to objects of the core; what is of a model, its card gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from acyclome.config import Config
from acyclome.core.acyclicity import Acyclicity, LogDet, LowRank, Polynomial, Series, SpectralRadius, TraceExp
from acyclome.core.confounding.find import LEAST_GENES
from acyclome.core.engine import EngineSettings
from acyclome.core.hill_climbing.search import Settings
from acyclome.core.order_search.gram_blocks import ScoreSettings
from acyclome.core.relaxation.lbfgs import ProximalLbfgs
from acyclome.core.relaxation.relax import RelaxSettings
from acyclome.core.relaxation.schedule import AugmentedLagrangian, CentralPath
from acyclome.core.relaxation.solve import Stepper
from acyclome.core.relaxation.steps import BlockSolve, ProximalAdam
from acyclome.core.screening.screen import ScreenSettings
from acyclome.models.card import Ability, Model

MIN_GAIN = 4.0  # nats of a step of the forward selection: chance gains as much once in 200 (chi-square of 8)
SCHEDULES: dict[str, Callable[[Config], CentralPath | AugmentedLagrangian]] = {
    "path": lambda config: CentralPath(config.fit.mu, config.fit.max_steps, config.fit.rtol, max_halvings=8),
    "lagrangian": lambda config: AugmentedLagrangian(  # the numbers of the NOTEARS code (Zheng et al. 2018)
        rho=1.0,
        growth=10.0,
        rho_max=1e16,
        progress=0.25,
        h_tol=1e-8,
        max_stages=100,
        max_steps=config.fit.max_steps,
        rtol=config.fit.rtol,
        max_halvings=8,
    ),
}
# Steps before the merit is judged, because those along slopes are short: 20 of Adam end within 1 % of what 50 reach at
# 20 genes.  Its first are a hundredth of a weight of 1, and half of that after 300.  More pairs or inner steps of
# L-BFGS changed the objective by less than .1 % there, at twice the time.
STEPPERS: dict[str, Stepper] = {
    "blocks": BlockSolve(),
    "adam": ProximalAdam(rate=0.01, patience=100, every=20),
    "lbfgs": ProximalLbfgs(history=10, inner=50, every=5),
}
ACYCLICITY: dict[str, Callable[[Config], Acyclicity]] = {
    "series": lambda config: Series(config.fit.terms, "logdet", config.fit.drop_tol),
    "expm": lambda config: TraceExp(),
    "logdet": lambda config: LogDet(),
    "polynomial": lambda config: Polynomial(),
    "spectral": lambda config: SpectralRadius(),
    "lowrank": lambda config: LowRank(config.fit.rank, config.fit.terms, "logdet", config.seed),
}


def engine_settings(config: Config, *, shows_errors: bool = True) -> EngineSettings:
    """Return how to screen, relax and search, of a model that was asked for or has been chosen.

    ``shows_errors``: whether the genes are as they were measured, so that errors of causes are told by them.
    """
    card = config.card
    if card is None:
        msg = f"Model {config.model} is none; expected the name of one."
        raise ValueError(msg)
    screen, score = config.screen, config.score
    return EngineSettings(
        ScreenSettings(screen.forward_steps, MIN_GAIN, screen.partial, screen.shrinkage, screen.max_candidates),
        _relaxing(card, config),
        ScoreSettings(score.noise == "equal", score.gamma, config.search.perturbations, card.reads_noise),
        screen.augment,
        search=card.search,
        climbing=_climbing(card, config),
        prunes=shows_errors and _prunes(card, config),
        turns=score.non_gaussian,
    )


def _relaxing(card: Model, config: Config) -> RelaxSettings | None:
    """Return how the relaxation runs; None where it does not."""
    if card.relaxation is None or not card.relaxes(config):
        return None
    acyclicity, schedule = ACYCLICITY[config.fit.acyclicity](config), SCHEDULES[config.fit.schedule](config)
    if card.search != "relaxation":
        schedule = replace(schedule, rtol=schedule.rtol * card.order_slack)
    model, name = card.relaxation(config), config.fit.stepper
    if name == "auto":
        name = "blocks" if "solve" in model.abilities else "lbfgs"  # exact where a model can solve its blocks
    return RelaxSettings(model, acyclicity, schedule, STEPPERS[name], config.fit.w_threshold)


def _climbing(card: Model, config: Config) -> Settings | None:
    """Return how a local score is climbed, or judges what the relaxation decides; None where nobody asks for one."""
    if card.structural_model is None or not card.judges_by_score(config):
        return None
    asked = config.search
    return Settings(
        card.structural_model(config),
        shortlist=asked.shortlist,
        perturbations=asked.perturbations,
        expanded=asked.expanded,
        gamma=config.score.gamma,
        prunes=_prunes(card, config),
    )


def _prunes(card: Model, config: Config) -> bool:
    """Say whether edges are left out that an error in a common cause explains.

    The test judges what curves leave of values.  A model of which no covariate can be taken out, since it is one of
    counts, has no values to judge.
    """
    return config.activity != "none" and Ability.COVARIATES in card.abilities


def looks_for_factors(config: Config, *, n_genes: int, is_counted: bool) -> bool:
    """Say whether a run looks for factors, with a search of its own."""
    is_asked = config.confounding == "factors"
    is_open = is_asked or config.confounding == "auto"
    return is_open and may_look(config, n_genes=n_genes, is_counted=is_counted, is_asked=is_asked)


def may_look(config: Config, *, n_genes: int, is_counted: bool, is_asked: bool) -> bool:
    """Say whether these data can have hidden causes that are found; unasked they are with models of lines alone.

    What lines leave of curves is like a factor, and from raw counts nothing linear can be taken out.
    """
    has_lines = config.card is not None and config.card.search == "order_search"
    can = n_genes >= LEAST_GENES and not is_counted and not config.against_deconfounding
    return can and (has_lines or is_asked)
