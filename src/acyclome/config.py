"""The options of a run: one model that names, bounds and explains every one of them.

The JSON schema of the workflow, the table in ``config/README.md``, the commented YAML and the help of the command line
are made from the fields below, so none of them can drift. What changes the numbers of a result is here; what only
changes how it is computed (threads, memory, device, folders) is not. ``python -m acyclome.config schema|table|yaml``
writes the three texts.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo

from acyclome.errors import ConfigError
from acyclome.models import AUTO, DEFAULT, check_pairing, compared_names, get_model, models, sections
from acyclome.models.card import LATENT_COUNTS, Ability, Counts, Model
from acyclome.options import earlier, pairings, texts
from acyclome.options.sections import (
    Fit,
    Input,
    Knowledge,
    Prepare,
    Resample,
    Score,
    Screen,
    Search,
    Section,
    Shard,
    Validation,
)
from acyclome.options.values import plain

Kind = TypeVar("Kind", bound=Section)


class Config(Section):
    """All options of a run that change its result.

    Examples
    --------
    >>> config = ac.Config.from_mapping({"score": {"gamma": 0.5}, "seed": 1})
    >>> config.score.gamma, config.resample.resamples
    (0.5, 20)
    >>> config.with_options({"resample.resamples": 50}).resample.resamples
    50
    >>> ac.tl.dag(adata, layer="counts", config=config)
    """

    input: Input = Field(default_factory=Input)
    prepare: Prepare = Field(default_factory=Prepare)
    knowledge: Knowledge = Field(default_factory=Knowledge)
    screen: Screen = Field(default_factory=Screen)
    fit: Fit = Field(default_factory=Fit)
    shard: Shard = Field(default_factory=Shard)
    score: Score = Field(default_factory=Score)
    search: Search = Field(default_factory=Search)
    resample: Resample = Field(default_factory=Resample)
    validation: Validation = Field(default_factory=Validation)
    confounding: Literal["auto", "none", "factors", "trim"] = "auto"
    """What is done about hidden common causes. factors: they are found, by the score that chooses edges, and are
    covariates of every gene. trim: the spectrum is capped at its median; few edges are left, nearly all of them direct.
    auto: factors where the score finds any, and trim where these leave genes correlated all the same."""
    activity: Literal["auto", "none", "latent"] = "auto"
    """What is done about regulators that act otherwise than their expression shows, whose targets a search would join
    to one another. latent: where the score that chooses edges speaks for it, the activity that its targets show takes
    the place of its expression. auto: so for lines; where a search decides, but for glm, edges are left out that its
    error explains."""
    model: str = DEFAULT
    """Structural model of a gene given its causes. auto: the simplest of them that makes held-out observations about as
    probable as the best."""
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Seed of every random draw. The same seed, data and options give the same bits."""

    @field_validator("model")
    @classmethod
    def _model_is_known(cls, name: str) -> str:
        if name != AUTO:
            get_model(name)
        return name

    @model_validator(mode="after")
    def _options_suit_the_model(self) -> Self:
        if refusal := pairings.refusal(self):
            raise ValueError(refusal)
        if self.card is not None:
            check_pairing(self.card, self.request)
        return self

    @property
    def takes_out(self) -> bool:
        """Whether it was asked for that genes are other than they were measured, but for a mixture of observations."""
        return self.confounding == "factors" or self.activity == "latent"

    @property
    def against_deconfounding(self) -> str:
        """What of these options hidden causes are not looked for with, and why; empty if there is nothing."""
        return pairings.against_deconfounding(self)

    @property
    def card(self) -> Model | None:
        """The card of the model; None where the data choose it."""
        return None if self.model == AUTO else get_model(self.model).under(self)

    @property
    def request(self) -> set[Ability]:
        """What these options ask of a model."""
        asked = {
            Ability.EQUAL_NOISE: self.score.noise == "equal",
            Ability.NON_GAUSSIAN: self.score.non_gaussian,
            Ability.RELAXATION: self.fit.relax is True,
            Ability.COVARIATES: bool(self.prepare.covariates) or self.takes_out,
            Ability.TRIM: self.confounding == "trim",
            Ability.RANK_TRANSFORM: self.prepare.transform == "rank",
            Ability.LATENT: self.prepare.transform == "latent",
            Ability.JOINT_GROUPS: self.input.joint,
        }
        return {ability for ability, is_asked in asked.items() if is_asked}

    @property
    def relaxes(self) -> bool:
        """Whether the relaxation runs."""
        return self.card is not None and self.card.relaxes(self)

    @property
    def reads_noise(self) -> bool:
        """Whether noise that is not Gaussian counts for directions."""
        return self.score.non_gaussian or (self.card is not None and self.card.reads_noise)

    @property
    def keeps_values(self) -> bool:
        """Whether a transform left to the data stays away: it suits lines, and hides the shapes of curves and noise."""
        may_rank = self.card is not None and self.card.may_rank and not self.score.non_gaussian
        return self.prepare.transform == "auto" and not may_rank

    @property
    def counts(self) -> Counts | None:
        """How counts are read where they stay as they are in the preparation; None where logarithms are taken.

        A model of counts asks for them.  Where the data choose the model, they stay if there are any and such a model
        is among those compared; the others then see logarithms.
        """
        if self.prepare.transform == "latent":
            return LATENT_COUNTS
        if self.card is not None:
            return self.card.counts
        asked = self.request | ({Ability.INTERVENTIONS} if self.input.perturbation is not None else set())
        able = (card.counts for card in models().values() if card.abilities >= asked)
        are_open = self.prepare.normalize == self.prepare.log == "auto"
        return next((one for one in able if are_open and one is not None and one.is_comparable(self)), None)

    def of(self, kind: type[Kind]) -> Kind:
        """Return the section of a class: how a model finds its own options."""
        return next(section for _, section in self if isinstance(section, kind))

    def with_each_model(self) -> tuple[dict[str, Config], dict[str, str]]:
        """Return these options with every model that they suit, the simplest first, and why they do not suit others."""
        able, refused = {}, {}
        for name in compared_names():
            try:
                able[name] = self.with_options({"model": name})
            except ConfigError as error:
                refused[name] = str(error)
        return able, refused

    def __init__(self, **options: Any) -> None:
        follow_models()  # not at import: models of other packages may be registered later
        options = earlier.with_names_of_today(plain(options))
        try:
            super().__init__(**{key: _or_empty(key, value) for key, value in options.items()})
        except ValidationError as error:
            raise ConfigError(texts.explain_errors(error, options, type(self).json_schema())) from error

    @classmethod
    def from_mapping(cls, options: Mapping[str, Any] | Config | None) -> Config:
        """Return the configuration that a nested mapping describes; what it leaves out keeps its default.

        Raises
        ------
        ConfigError
            If a key is unknown or a value out of its range; all such keys are named at once.
        """
        if isinstance(options, Config):
            return options
        if options is not None and not isinstance(options, Mapping):
            expected = "expected sections with options, such as {'score': {'gamma': 1}}."
            msg = f"The configuration is a {type(options).__name__}; {expected}"
            raise ConfigError(msg)
        return cls(**{str(key): value for key, value in (options or {}).items()})

    @classmethod
    def from_yaml(cls, path: str | os.PathLike[str]) -> Config:
        """Read a YAML file as :meth:`from_mapping` reads a mapping.

        Raises
        ------
        ConfigError
            If the file cannot be read, is not YAML, repeats a key, or holds a wrong option.
        """
        try:
            return cls.from_mapping(texts.load_yaml(Path(path)))
        except ConfigError as error:
            msg = f"In {os.fspath(path)}: {error}"
            raise ConfigError(msg) from error

    def with_options(self, options: Mapping[str, Any]) -> Config:
        """Return a copy in which options, named by section and dot (``{"resample.resamples": 0}``), have new values.

        Raises
        ------
        ConfigError
            If a name is unknown or a value out of its range.
        """
        nested: dict[str, Any] = self.model_dump()
        for path, value in earlier.with_paths_of_today(options).items():
            section, _, name = path.rpartition(".")
            home = nested.setdefault(section, {}) if section else nested
            if not isinstance(home, dict):
                msg = f"{path} is not an option: {section} is no section."
                raise ConfigError(msg)
            home[name] = value
        return Config(**nested)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON schema of a configuration file; every property has a description."""
        follow_models()
        return json.loads(_schema_of(tuple((card.name, card.summary, card.section) for card in models().values())))

    @classmethod
    def table(cls) -> str:
        """Return the options as a markdown table: option, default, allowed values, meaning."""
        return texts.table(cls.json_schema(), cls().model_dump(mode="json"), SHORT)

    @classmethod
    def default_yaml(cls) -> str:
        """Return a YAML file with every option at its default, and its consequence as a comment."""
        return texts.commented_yaml(cls.json_schema(), cls().model_dump(mode="json"))


SHORT = (  # options that most users need: on the command line they also go without their section
    *("input.layer", "input.genes_as", "input.gene_names", "input.group_by", "input.perturbation", "input.control"),
    *("prepare.min_cells", "prepare.n_top_genes", "prepare.covariates", "knowledge.regulators", "knowledge.knowledge"),
    *("prepare.missing", "model", "score.noise", "resample.resamples", "shard.shards", "seed"),
)
_OWN = frozenset(Config.model_fields)  # before any section of a model comes to them


def follow_models() -> None:
    """Give the options the sections of all models that are registered, and take away those of models that are not."""
    wanted, fields = sections(), Config.model_fields
    if {name: field.annotation for name, field in fields.items() if name not in _OWN} == wanted:
        return
    for name in _OWN & set(wanted):
        msg = f"The options of a model cannot be called {name!r}, for there is an option or section of that name."
        raise ConfigError(msg)
    for name in set(fields) - _OWN:
        del fields[name]
    for name, kind in wanted.items():
        fields[name] = FieldInfo(annotation=kind, default_factory=kind)
    Config.model_rebuild(force=True)  # pydantic compiles fields once, when the class is made


@cache  # pydantic takes some hundredths of a second each time; as text, since what is returned may be changed
def _schema_of(known: tuple[tuple[str, str, object], ...]) -> str:
    """Return the JSON schema of a configuration, given name, summary and section of all models."""
    schema = texts.describe(Config.model_json_schema(), earlier.RENAMED)
    model = schema["properties"]["model"]
    first, last = " ".join(model["description"].split()).split(". ", 1)
    about = [f"{name}: {summary}." for name, summary, _ in known]
    names = [name for name, *_ in known]
    model |= {"enum": [*names, AUTO], "description": " ".join([f"{first}.", *about, last])}
    return json.dumps(schema)


def _or_empty(key: str, value: Any) -> Any:
    field = Config.model_fields.get(key)
    # YAML reads None where all options of a section are commented out.
    return {} if value is None and field is not None and field.default_factory is not None else value


def main(arguments: list[str]) -> int:
    written = {
        "schema": lambda: json.dumps(Config.json_schema(), indent=2) + "\n",
        "table": Config.table,
        "yaml": Config.default_yaml,
    }
    return texts.write_one(written, arguments, "acyclome.config")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
