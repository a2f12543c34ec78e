"""What the report is made of: the network and the facts of one run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.io.runs import RunFolder
from acyclome.models import get_model
from acyclome.models.card import Model, Words
from acyclome.network import Network

if TYPE_CHECKING:
    import pandas as pd

FILES = ("edges.tsv.gz", "ranking.tsv.gz", "nodes.tsv", "run.json")
# What every run records, with or without resamples, relaxation, interventions or checks.
FACTS = ("command", "config", "input", "prepare", "sortability", "stages", "version", "versions", "warnings")


@dataclass(frozen=True)
class Run:
    """The content of a run folder that the report shows; the facts of the network are those of ``run.json``."""

    folder: Path
    network: Network

    @property
    def edges(self) -> pd.DataFrame:
        return self.network.edges

    @property
    def nodes(self) -> pd.DataFrame:
        return self.network.nodes

    def fact(self, path: str) -> Any:
        """Return the fact at a path with dots (``screen.mean``), None where the run has no such fact."""
        value: Any = self.network.facts
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    @property
    def model(self) -> str:
        return str(self.fact("model.name") or self.config.model)  # the config may say auto

    @cached_property
    def config(self) -> Config:
        return Config.from_mapping(self.fact("config"))

    @property
    def card(self) -> Model:
        return get_model(self.model).under(self.config)

    @property
    def words(self) -> Words:
        """What is to be said of the model with the options of the run."""
        return self.card.words(self.config.with_options({"model": self.model}))

    @property
    def is_relaxed(self) -> bool:
        return self.card.relaxes(self.config)

    @property
    def resamples(self) -> int:
        return self.config.resample.resamples

    @property
    def has_stability(self) -> bool:
        return self.resamples > 0 and bool(self.edges["stability"].notna().any())


def read_run(folder: Path) -> Run:
    run = None
    missing = [name for name in FILES if not (folder / name).is_file()]
    if not missing:
        run = Run(folder, RunFolder(folder).read_network())
        missing = [f"{name} in run.json" for name in FACTS if name not in run.network.facts]
    if run is None or missing:
        msg = (
            f"The folder {str(folder)!r} has no {', '.join(missing)}. A report is made from the files of a finished "
            f"run; finish it with `acyclome run INPUT -o {folder} --resume`, or name the folder of another run."
        )
        raise InputError(msg)
    return run
