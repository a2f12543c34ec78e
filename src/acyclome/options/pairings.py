"""What options do not go with one another, and why, where there is much to say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acyclome.config import Config


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
