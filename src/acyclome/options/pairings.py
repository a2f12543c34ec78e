"""What options do not go with one another, and why, where there is much to say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acyclome.config import Config


def refusal(config: Config) -> str:
    """Return which options do not go with one another, whatever the model, and what to take; empty if all do."""
    if config.score.non_gaussian and config.score.noise == "equal":
        return "score.non_gaussian is for score.noise unequal; take one of them"
    if config.score.non_gaussian and config.prepare.transform == "rank":
        return "prepare.transform rank makes every gene Gaussian, so its noise says nothing; take none or auto"
    if (column := config.input.perturbation) is not None and column in config.prepare.covariates:
        return (
            f"{column!r} is input.perturbation and one of prepare.covariates, which take out what acting did; take one"
        )
    if config.input.perturbation is not None and config.input.perturbation == config.input.group_by:
        return (
            f"{config.input.group_by!r} is input.perturbation and input.group_by: a network of each target's "
            "observations alone learns nothing from its change; leave group_by out"
        )
    if config.confounding in ("factors", "trim") and config.against_deconfounding:
        return f"confounding {config.confounding} does not go with {config.against_deconfounding}; take auto or none"
    if config.activity == "latent":
        against = "" if config.confounding in ("auto", "none") else f"confounding {config.confounding}"
        if against := against or config.against_deconfounding:
            return f"activity latent does not go with {against}; take auto or none"
    if against := against_latent(config):
        return f"prepare.transform latent does not go with {against}; leave one of them out"
    return ""


def against_latent(config: Config) -> str:
    """Return what correlations of latent expression do not go with, and why; empty if nothing, or nobody asked."""
    prepare, score, taken_out = config.prepare, config.score, config.takes_out or config.confounding == "trim"
    reasons = {
        "model auto, which compares how probable observations are": config.card is None,
        "interventions, input.joint or shards, which need more than correlations": config.against_deconfounding,
        "covariates, factors, trim or activity latent, since nothing linear can be taken out of counts": (
            prepare.covariates or taken_out
        ),
        "score.noise equal or non_gaussian, which read noise": score.noise == "equal" or score.non_gaussian,
        "prepare.normalize or log, which leave no counts": True in (prepare.normalize, prepare.log),
    }
    return next((reason for reason, found in reasons.items() if found and prepare.transform == "latent"), "")


def against_deconfounding(config: Config) -> str:
    """Return what hidden causes are not looked for with, and why; empty if there is nothing."""
    reasons = {
        "interventions (input.perturbation), whose effects would pass for hidden causes": config.input.perturbation,
        "groups that are learned together (input.joint), each of which has factors of its own": config.input.joint,
        "shards, which are there because all genes at once do not fit": config.shard.shards
        or config.shard.shard_memory,
    }
    return next((reason for reason, applies in reasons.items() if applies), "")
