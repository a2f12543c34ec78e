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
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from acyclome.errors import ConfigError
from acyclome.options import texts
from acyclome.options.sections import (
    AutoOrBool,
    Curves,
    Fit,
    Glm,
    Knowledge,
    Mlp,
    Names,
    Positive,
    Resample,
    Score,
    Screen,
    Search,
    Several,
    Shard,
    Validation,
    _Section,
)


class Input(_Section):
    """Which matrix of the input file is read, and which observations of it."""

    layer: str | None = None
    """Matrix to read: X, raw, or the name of a layer. Empty: the one that suits, counts before log-normalised."""
    genes_as: Literal["columns", "rows"] = "columns"
    """Where genes stand in a csv or tsv table. The wrong choice gives a network of cells."""
    group_by: str | None = None
    """Column of the observations (cell type, tissue); one network is learned for each of its labels."""
    group: str | None = None
    """Learn only this label of group_by."""
    joint: bool = False
    """Learn the labels of group_by together: one order and shared causes, own weights, and a test of differences."""
    perturbation: str | None = None
    """Column of the observations that names the targets of interventions, joined by ;. Empty: there are none."""
    control: str | None = None
    """Value of perturbation where nothing was done. Empty: only observations without a value are unperturbed."""

    @model_validator(mode="after")
    def _labels_need_a_column(self) -> Self:
        for label, column in (("group", "group_by"), ("control", "perturbation")):
            if getattr(self, label) is not None and getattr(self, column) is None:
                msg = f"{label} names a label, but {column} does not say which column has it; give both"
                raise ValueError(msg)
        return self


class Prepare(_Section):
    """What happens to the matrix before a network is learned. Every step is written into run.json."""

    min_cells: int = Field(default=10, ge=0)
    """Drop genes seen in fewer observations. Rare genes cost time and give edges that no resample repeats."""
    normalize: AutoOrBool = "auto"
    """Scale every observation to the same total. auto: only if the matrix holds counts."""
    target_sum: Positive | None = 10_000.0
    """Total of each observation after normalize. Empty: the median of the totals."""
    log: AutoOrBool = "auto"
    """Take log(1 + x). auto: only if the matrix holds counts. Without it a few strongly expressed genes rule."""
    n_top_genes: Several | None = None
    """Keep only this many highly variable genes. Empty: all. Genes left out can hide as common causes of those kept."""
    covariates: Names = ()
    """Columns of the observations (batch, sex) whose linear effect is taken out of all genes."""
    transform: Literal["auto", "none", "rank"] = "auto"
    """Marginal transform of each gene. rank: to normal scores, robust to outliers. auto: decided by the data alone
    for model linear, none for others, whose curves and noise ranks would bend."""
    pseudobulk_by: str | None = None
    """Column (donor, sample) over whose labels observations are summed. Fewer, cleaner observations."""
    metacells: Several | None = None
    """Observations joined into one metacell. Empty: none. Less dropout, but fewer observations to learn from."""

    @model_validator(mode="after")
    def _sum_in_one_way(self) -> Self:
        if self.pseudobulk_by is not None and self.metacells is not None:
            msg = "pseudobulk_by and metacells both join observations; give one of them"
            raise ValueError(msg)
        return self


class Config(_Section):
    """All options of a run that change its result."""

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
    curves: Curves = Field(default_factory=Curves)
    mlp: Mlp = Field(default_factory=Mlp)
    glm: Glm = Field(default_factory=Glm)
    model: Literal["linear", "polynomial", "sobolev", "spline", "mlp", "glm", "lingam", "auto"] = "linear"
    """Structural model of a gene given its causes. linear: thousands of genes in seconds. polynomial, sobolev, spline:
    a sum of curves, one per cause, in powers, cosines or B-splines; ten times the cost. mlp: any smooth function of the
    causes, alone or together; a hundred times the cost. Curves settle directions that linear models cannot.
    glm: raw counts by their own law. lingam: linear, with noise that need not be Gaussian, which settles directions;
    as fast as linear. auto: the simplest of them that makes held-out observations about as probable as the best."""
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Seed of every random draw. The same seed, data and options give the same bits."""

    @model_validator(mode="after")
    def _options_suit_the_model(self) -> Self:
        if self.model != "linear" and self.score.noise == "equal":
            msg = f"score.noise equal is for model linear; with model {self.model} leave it at unequal"
            raise ValueError(msg)
        if self.model == "auto" and self.input.joint:
            msg = "input.joint learns all groups with one model, but model auto chooses for each; name a model"
            raise ValueError(msg)
        changing = {
            "prepare.covariates": bool(self.prepare.covariates),
            "input.joint": self.input.joint,
            "prepare.transform": self.prepare.transform == "rank",
        }
        if self.takes_counts and any(changing.values()):
            asked = " and ".join(name for name, is_asked in changing.items() if is_asked)
            msg = (
                f"{asked} would change the counts that model {self.model} is for; leave it out, or choose another model"
            )
            raise ValueError(msg)
        if self.fit.relax is True and self.model in ("lingam", "glm"):
            msg = f"fit.relax true asks for a relaxation, which model {self.model} has not; leave it at auto"
            raise ValueError(msg)
        if self.score.non_gaussian and (self.model != "linear" or self.score.noise == "equal"):
            msg = "score.non_gaussian is for model linear with score.noise unequal; model lingam has it built in"
            raise ValueError(msg)
        if self.reads_noise and self.prepare.transform == "rank":
            msg = "prepare.transform rank makes every gene Gaussian, so its noise says nothing; take none or auto"
            raise ValueError(msg)
        return self

    @property
    def relaxes(self) -> bool:
        """Whether the relaxation runs."""
        return self.model == "linear" if self.fit.relax == "auto" else self.fit.relax

    @property
    def takes_counts(self) -> bool:
        """Whether the model is one of counts, which stay as they are in the preparation."""
        return self.model == "glm"

    @property
    def compares_counts(self) -> bool:
        """Whether counts stay as they are because a model of counts is compared with others, which see logarithms."""
        as_they_are = self.prepare.normalize == self.prepare.log == "auto" and self.prepare.transform != "rank"
        is_open = not self.prepare.covariates and self.input.perturbation is None and self.glm.family != "logistic"
        return self.model == "auto" and as_they_are and is_open

    @property
    def keeps_values(self) -> bool:
        """Whether a transform left to the data stays away: it suits lines, and hides the shapes of curves and noise."""
        return self.prepare.transform == "auto" and (self.score.non_gaussian or self.model != "linear")

    @property
    def reads_noise(self) -> bool:
        """Whether noise that is not Gaussian counts for directions."""
        return self.score.non_gaussian or self.model == "lingam"

    def __init__(self, **options: Any) -> None:
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
            msg = (
                f"The configuration is a {type(options).__name__}; "
                "expected sections with options, such as {'score': {'gamma': 1}}."
            )
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
        for path, value in options.items():
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
        return texts.describe(cls.model_json_schema(), RENAMED)

    @classmethod
    def table(cls) -> str:
        """Return the options as a markdown table: option, default, allowed values, meaning."""
        return texts.table(cls.json_schema(), cls().model_dump(mode="json"))

    @classmethod
    def default_yaml(cls) -> str:
        """Return a YAML file with every option at its default, and its consequence as a comment."""
        return texts.commented_yaml(cls.json_schema(), cls().model_dump(mode="json"))


RENAMED = {"climb": "search", "score.restarts": "search.perturbations", "believe": "validation"}
"""Names that options and sections once had. They are refused, with the name of today."""
_SECTIONS: dict[str, type[_Section]] = {
    name: info.annotation
    for name, info in Config.model_fields.items()
    if isinstance(info.annotation, type) and issubclass(info.annotation, _Section)
}


def _or_empty(key: str, value: Any) -> Any:
    """Return an empty section for None, which is what YAML reads where all options of a section are commented out."""
    return {} if value is None and key in _SECTIONS else value


def main(arguments: list[str]) -> int:
    """Write the schema, the table or the commented YAML to standard output."""
    written = {
        "schema": lambda: json.dumps(Config.json_schema(), indent=2) + "\n",
        "table": Config.table,
        "yaml": Config.default_yaml,
    }
    return texts.write_one(written, arguments, "acyclome.config")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
