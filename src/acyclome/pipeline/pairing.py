"""What data and prior knowledge ask of the model, beside the options."""

from __future__ import annotations

from acyclome.config import Config
from acyclome.core.data.constraints import EdgeRules
from acyclome.errors import ConfigError
from acyclome.models import check_pairing
from acyclome.models.card import Ability


def check_model(config: Config, rules: EdgeRules | None, *, has_targets: bool) -> None:
    """Refuse what the model cannot keep to.

    Raises
    ------
    ConfigError
        If it does not go with the interventions or with what is known of edges.
    """
    if config.score.non_gaussian and has_targets:
        msg = (
            "score.non_gaussian does not go with interventions, since noise is read in all observations alike, but in "
            "some a gene was a target. Leave one of them out."
        )
        raise ConfigError(msg)
    if config.card is not None:
        check_pairing(config.card, asked_by(rules, has_targets=has_targets))


def asked_by(rules: EdgeRules | None, *, has_targets: bool) -> set[Ability]:
    """Return what interventions and rules ask of a model."""
    asked = {Ability.INTERVENTIONS} if has_targets else set()
    if rules is not None:
        kinds = {Ability.REQUIRED: rules.required, Ability.SIGNED: rules.signed, Ability.SOFT: rules.soft}
        asked |= {ability for ability, edges in kinds.items() if len(edges)}
    return asked
