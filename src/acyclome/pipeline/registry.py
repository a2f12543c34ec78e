"""From names and numbers of the config to objects of the core."""

from __future__ import annotations

from collections.abc import Callable

from acyclome.config import Config
from acyclome.core.acyclicity import Acyclicity, LogDet, LowRank, Polynomial, Series, SpectralRadius, TraceExp
from acyclome.core.contract import Family, HeldOut
from acyclome.core.data.constraints import EdgeRules
from acyclome.core.data.expansions import BSplines, Cosines, Expansion, Powers
from acyclome.core.data.moments import Moments
from acyclome.core.engine import EngineSettings
from acyclome.core.hill_climbing.climb import ClimbSettings
from acyclome.core.hill_climbing.search import JointSettings
from acyclome.core.order_search.search import ScoreSettings
from acyclome.core.relaxation.relax import DataModel, RelaxSettings
from acyclome.core.relaxation.schedule import AugmentedLagrangian, CentralPath, Schedule
from acyclome.core.screening.screen import ScreenSettings
from acyclome.errors import ConfigError
from acyclome.models.curves.local_score import Curves, degrees, smoothness
from acyclome.models.curves.projection_pursuit import Ridges
from acyclome.models.curves.relaxation import Additive
from acyclome.models.glm.local_score import Glm
from acyclome.models.linear.held_out import Lines
from acyclome.models.linear.relaxation import Linear
from acyclome.models.mlp.gaussian_process import Evidence
from acyclome.models.mlp.relaxation import Mlp

MIN_GAIN = 4.0
UNIT_SCALE = 3.0
RIDGE = (1.0, 10.0, 100.0)
ALPHA = 1e-3
SLOPE_RIDGE = 1.0
EXPANSIONS: dict[str, Callable[[Config], Expansion]] = {
    "polynomial": lambda config: Powers(config.curves.degree),
    "sobolev": lambda config: Cosines(config.curves.cosines),
    "spline": lambda config: BSplines(config.curves.bsplines),
}
SEMS: dict[str, Callable[[Config], Linear | DataModel]] = {
    "linear": lambda config: Linear(config.fit.lambda1, sweeps=100, tol=1e-6),
    "mlp": lambda config: Mlp(config.mlp.hidden, config.fit.lambda1, ALPHA, config.mlp.steps),
    **dict.fromkeys(EXPANSIONS, lambda config: Additive(_expansion(config), config.fit.lambda1, sweeps=100, tol=1e-6)),
}
LAWS = {
    "negative_binomial": Glm(is_binary=False, is_dispersed=True, ridge=SLOPE_RIDGE),
    "poisson": Glm(is_binary=False, is_dispersed=False, ridge=SLOPE_RIDGE),
    "logistic": Glm(is_binary=True, is_dispersed=False, ridge=SLOPE_RIDGE),
}
FAMILIES: dict[str, Callable[[Config], Family]] = {
    "mlp": lambda config: Evidence(config.mlp.splines, config.mlp.units, UNIT_SCALE, RIDGE),
    "polynomial": lambda config: _curves(config, degrees),
    "sobolev": lambda config: _curves(config, smoothness),
    "spline": lambda config: _curves(config, smoothness),
    "glm": lambda config: LAWS[config.glm.family],
}
MODELS = ("linear", "lingam", "glm", "polynomial", "sobolev", "spline", "mlp")
"""What model auto compares, the simplest first."""
COMPARED_GENES, COMPARED_OBSERVATIONS = 200, 4000  # of a sample, if there are more
SCHEDULES: dict[str, Callable[[Config], Schedule]] = {
    "path": lambda config: CentralPath(config.fit.mu, config.fit.max_steps, config.fit.rtol, max_halvings=8),
    "lagrangian": lambda config: AugmentedLagrangian(
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
ACYCLICITY: dict[str, Callable[[Config], Acyclicity]] = {
    "series": lambda config: Series(config.fit.terms, "logdet", config.fit.drop_tol),
    "expm": lambda config: TraceExp(),
    "logdet": lambda config: LogDet(),
    "polynomial": lambda config: Polynomial(),
    "spectral": lambda config: SpectralRadius(),
    "lowrank": lambda config: LowRank(config.fit.rank, config.fit.terms, "logdet", config.seed),
}


def engine_settings(config: Config, rules: EdgeRules | None = None) -> EngineSettings:
    """Turn names and numbers of the config into objects of the core."""
    screening = ScreenSettings(
        config.screen.forward_steps,
        MIN_GAIN,
        config.screen.partial,
        config.screen.shrinkage,
        config.screen.max_candidates,
    )
    score = ScoreSettings(
        config.score.noise == "equal", config.score.gamma, config.search.perturbations, config.model == "lingam"
    )
    return EngineSettings(
        screening,
        _relaxing(config),
        score,
        config.screen.augment,
        rules=rules,
        joint=_joint(config),
        turns=config.score.non_gaussian,
    )


def _relaxing(config: Config) -> RelaxSettings | None:
    """Return how the relaxation runs; None where it does not."""
    if not config.relaxes:
        return None
    acyclicity, schedule = ACYCLICITY[config.fit.acyclicity](config), SCHEDULES[config.fit.schedule](config)
    return RelaxSettings(SEMS[config.model](config), acyclicity, schedule, config.fit.w_threshold)


def _joint(config: Config) -> JointSettings | None:
    """Return how the score of a family is climbed; None for the linear model, whose orders are searched."""
    if config.model not in FAMILIES:
        return None
    climbing = ClimbSettings(config.search.shortlist, config.search.perturbations)
    return JointSettings(FAMILIES[config.model](config), climbing, config.search.expanded, config.score.gamma)


def with_each_model(config: Config) -> tuple[dict[str, Config], dict[str, str]]:
    """Return the options with every model that they suit, the simplest first, and why they do not suit others."""
    able, refused = {}, {}
    for name in MODELS:
        try:
            able[name] = config.with_options({"model": name})
        except ConfigError as error:
            refused[name] = str(error)
    return able, refused


def held_out(config: Config, moments: Moments, seed: int, threads: int) -> HeldOut:
    """Return what says how probable observations are, under the model, that it was not fitted to."""
    if config.model in FAMILIES:
        return FAMILIES[config.model](config).prepare(moments, seed, threads)
    return Lines(moments, reads_noise=config.model == "lingam")


def _expansion(config: Config) -> Expansion:
    return EXPANSIONS[config.model](config)


def _curves(config: Config, rough: Callable[[int], tuple[tuple[float, ...], ...]]) -> Family:
    """Return a family of curves of each cause, or of weighted sums of them; ``rough`` gives the penalties of terms."""
    expansion = _expansion(config)
    penalties = rough(expansion.terms)
    if config.curves.of == "causes":
        return Curves(expansion, penalties)
    return Ridges(expansion, penalties, 1 if config.curves.of == "index" else config.curves.functions)


def check_model(config: Config, rules: EdgeRules | None, *, has_targets: bool) -> None:
    """Refuse what the model cannot keep to.

    Raises
    ------
    ConfigError
        If edges are required, signed or priced and a climb decides, or there are interventions and the model is not
        linear or reads the shape of the noise.
    """
    if config.reads_noise and has_targets:
        msg = (
            "Noise is read in all observations alike, but in some a gene was a target. Leave the interventions out, or "
            "use model linear without score.non_gaussian."
        )
        raise ConfigError(msg)
    if config.model not in FAMILIES:
        return
    bound = [] if rules is None else [name for name in ("required", "signed", "soft") if len(getattr(rules, name))]
    asked = [f"{name} edges" for name in bound] + ["interventions"] * has_targets
    if asked:
        msg = (
            f"model {config.model} keeps to forbidden edges, tiers and regulators; found {', '.join(asked)}. "
            "Leave them out, or use model linear."
        )
        raise ConfigError(msg)
