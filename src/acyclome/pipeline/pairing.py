"""What data and prior knowledge ask of the model, beside the options."""

from __future__ import annotations

from acyclome.config import Config
from acyclome.core.data.constraints import Constraints
from acyclome.errors import ConfigError
from acyclome.models import check_pairing
from acyclome.models.card import Ability


def check_model(config: Config, constraints: Constraints, *, has_targets: bool) -> None:
    """Refuse what the model cannot keep to.

    Raises
    ------
    ConfigError
        If it does not go with the interventions or with what is known of edges.
    """
    if config.card is not None:
        if config.card.search == "relaxation" and config.fit.relax is False:
            msg = f"fit.relax false leaves nothing of model {config.model}, whose relaxation decides. Leave it at auto."
            raise ConfigError(msg)
        check_pairing(config.card, asked_by(constraints, has_targets=has_targets))


def asked_by(constraints: Constraints, *, has_targets: bool) -> set[Ability]:
    """Return what interventions and constraints ask of a model."""
    known = constraints
    kinds = {Ability.REQUIRED: known.required, Ability.SIGNED: known.signed, Ability.SOFT: known.soft}
    asked = {ability for ability, edges in kinds.items() if len(edges)}
    return asked | {Ability.INTERVENTIONS} if has_targets else asked
