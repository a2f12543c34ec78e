"""Names of stages and of their parts, and the options that each depends on."""

from __future__ import annotations

import json
import operator
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from typing import NamedTuple

from acyclome import models
from acyclome.config import Config


class Stage(StrEnum):
    """The stages of a run, as their files are called."""

    CONFOUNDING = "confounding"
    CHOOSE = "choose"
    SCREEN = "screen"
    SHARD = "shard"
    FIT = "fit"
    ORDER = "order"
    RESAMPLE = "resample"
    HELD_OUT = "held_out"
    VALIDATION = "validation"


# What is taken out of the data hangs on how candidates and edges are chosen, which all other stages depend on, too.
CONFOUNDED = ("confounding", "activity", "screen", "score")
SEEN = (*CONFOUNDED, "search.expanded")  # hill climbing screens so many more, among terms of curves
SEARCHED = (*CONFOUNDED, "fit", "search", "shard")
# The sections and options that each stage, and what it reads, depends on, beside those of the model.
DEPENDS_ON = {
    Stage.CONFOUNDING: CONFOUNDED,
    Stage.CHOOSE: (*CONFOUNDED, "fit", "search"),  # its sample is too small for shards
    Stage.SCREEN: SEEN,
    Stage.SHARD: (*SEEN, "shard"),
    Stage.FIT: SEARCHED,
    Stage.ORDER: SEARCHED,
    Stage.RESAMPLE: (*CONFOUNDED, "search", "resample"),  # without the relaxation
    Stage.HELD_OUT: (*CONFOUNDED, "search", "resample"),  # as resamples are learned
    Stage.VALIDATION: (*SEARCHED, "validation"),
}


class Part(NamedTuple):
    """Which part of a stage, from 0, and of how many."""

    number: int
    of: int


@dataclass(frozen=True)
class Key:
    """A stage, or a part of it."""

    stage: Stage
    part: Part | None = None

    @property
    def name(self) -> str:
        """Name of its file, in which parts are counted from 1."""
        return self.stage.value if self.part is None else f"{self.stage}-{self.part.number + 1}-of-{self.part.of}"

    def options(self, config: Config) -> tuple[str, str, str, int]:
        """Return all of the options that it depends on, with its name, to be part of a fingerprint."""
        names = dict.fromkeys([*DEPENDS_ON[self.stage], *_of_models(config)])
        return self.name, options_of(config, *names), config.model, config.seed


def _of_models(config: Config) -> tuple[str, ...]:
    """Return the sections that the model reads in every stage; of all models where the data choose one."""
    card = config.card
    if card is None:
        return tuple(models.sections())
    own = () if card.section is None else card.section[:1]
    return (*own, "fit") if card.search == "relaxation" else own  # which runs in resamples and checks too


def options_of(config: Config, *names: str) -> str:
    whole = config.model_dump(mode="json")
    chosen = {name: reduce(operator.getitem, name.split("."), whole) for name in names}
    return json.dumps(chosen, sort_keys=True)
