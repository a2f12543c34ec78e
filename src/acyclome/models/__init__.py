"""Structural models, one room each, and the table that names them.

A model is its room and one line here.  One of another package is found by an entry point of the group
``acyclome.models`` whose name is that of the model and whose object is its card, or given to :func:`register`.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import warnings
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from acyclome.errors import ConfigError
from acyclome.models.card import Ability, Model

if TYPE_CHECKING:
    from acyclome.options.sections import Section

TABLE = {
    "linear": "acyclome.models.linear.card:LINEAR",
    "lingam": "acyclome.models.lingam.card:LINGAM",
    "glm": "acyclome.models.glm.card:GLM",
    "dag_gnn": "acyclome.models.dag_gnn.card:DAG_GNN",
    "polynomial": "acyclome.models.curves.card:POLYNOMIAL",
    "sobolev": "acyclome.models.curves.card:SOBOLEV",
    "spline": "acyclome.models.curves.card:SPLINE",
    "mlp": "acyclome.models.mlp.card:MLP",
    "gran_dag": "acyclome.models.gran_dag.card:GRAN_DAG",
}
"""Where the card of every model is, the simplest model first: in this order they are compared and named."""
DEFAULT = next(iter(TABLE))
AUTO = "auto"
"""What stands for a model where the data choose it."""
ENTRY_POINTS = "acyclome.models"
_registered: dict[str, Model] = {}


def register(card: Model) -> None:
    """Make a model known, with its section of the options, after those that are; one of the same name is replaced.

    Raises
    ------
    ValueError
        If its name or that of its section is taken or no identifier.
    """
    if objection := _objection(card, models()):
        raise ValueError(objection)
    _registered[card.name] = card


def models() -> dict[str, Model]:
    """Return the card of every model by its name, the simplest first."""
    return _installed() | _registered


def model_names() -> tuple[str, ...]:
    """Return the names of all models, the simplest first."""
    return tuple(models())


def compared_names() -> tuple[str, ...]:
    """Return the names of the models among which the data may choose, the simplest first."""
    return tuple(name for name, card in models().items() if card.is_compared)


def get_model(name: str) -> Model:
    """Return the card of a model; a ConfigError says what names there are."""
    if name in TABLE:  # without a look at the cards of other packages, which every start would pay for
        return _load(TABLE[name])
    known = models()
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        guess = f" Did you mean {near[0]}?" if near else ""
        msg = f"There is no model {name!r}.{guess} Known: {', '.join(known)}."
        raise ConfigError(msg)
    return known[name]


def sections() -> dict[str, type[Section]]:
    """Return the sections of the options that models have, by name."""
    return dict(card.section for card in models().values() if card.section is not None)


def check_pairing(model: Model, request: Collection[Ability]) -> None:
    """Refuse what data, options and prior knowledge ask of a model that does not have it.

    The ConfigError names the model, what was asked, why that cannot be, and the models that have all of it.
    """
    lacking = [asked for asked in Ability if asked in request and asked not in model.abilities]
    if not lacking:
        return
    able = [name for name, other in models().items() if other.abilities >= set(request)]
    text = "; nor with ".join(f"{asked.value}, since {model.why_not(asked)}" for asked in lacking)
    leave = f"Leave {'it' if len(lacking) == 1 else 'them'} out"
    instead = f", or take model {' or '.join(able)}" if able else ""
    msg = f"model {model.name} does not go with {text}. {leave}{instead}."
    raise ConfigError(msg)


def _load(place: str) -> Model:
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _objection(card: Model, known: Mapping[str, Model]) -> str:
    """Say why a card cannot stand beside those that are known; empty if it can."""
    if card.name in TABLE or card.name == AUTO or not card.name.isidentifier():
        return f"A model cannot be called {card.name!r}: expected an identifier other than {', '.join((*TABLE, AUTO))}."
    others = dict(one.section for one in known.values() if one.section is not None and one.name != card.name)
    name, kind = card.section or ("", None)  # models may share a section: the same class under the same name
    if kind is not None and others.get(name, kind) is not kind:
        return f"The section of model {card.name} cannot be called {name!r}: that is the section of another model."
    return ""


@functools.cache
def _installed() -> dict[str, Model]:
    """Return the cards of other packages; one that cannot be had is told and left out, for it concerns few runs."""
    from importlib.metadata import entry_points  # here, since most starts name a model of the table

    found = {name: _load(place) for name, place in TABLE.items()}
    for point in entry_points(group=ENTRY_POINTS):
        try:
            card = point.load()
            objection = _objection(card, found)
        except Exception as error:  # noqa: BLE001 - another package may fail in any way
            objection = repr(error)
        if objection:
            warnings.warn(f"The model {point.name!r} of {point.value} is left out: {objection}", stacklevel=2)
        else:
            found[card.name] = card
    return found
