"""What data and prior knowledge ask of the model, beside the options."""

from __future__ import annotations

from acyclome.config import Config
from acyclome.core.data.constraints import Constraints
from acyclome.errors import ConfigError
from acyclome.models import check_pairing
from acyclome.models.card import Ability


def check_model(config: Config, constraints: Constraints, *, has_targets: bool) -> None:
    """Refuse interventions, or knowledge of edges, that the model cannot keep to."""
    if config.card is not None:
        if config.card.search == "relaxation" and config.fit.relax is False:
            msg = f"fit.relax false leaves nothing of model {config.model}, whose relaxation decides. Leave it at auto."
            raise ConfigError(msg)
        check_pairing(config.card, asked_by(constraints, has_targets=has_targets))


def asked_by(constraints: Constraints, *, has_targets: bool) -> set[Ability]:
    """Return what interventions and constraints ask of a model; forbidden edges, which are no candidates, nothing."""
    asked = {
        Ability.REQUIRED: len(constraints.required) > 0,
        Ability.SIGNED: len(constraints.signed) > 0,
        Ability.SOFT: len(constraints.soft) > 0,
        Ability.INTERVENTIONS: has_targets,
    }
    return {ability for ability, is_asked in asked.items() if is_asked}
