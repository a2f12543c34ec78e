"""Resamples and shards one by one: each lies in a file of its own from when it is done until its part of the stage is.

A process that is ended loses what it was at, not what it had done.  The files are those of a stage cut into as many
parts as there are resamples or shards, and carry the same key.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.pipeline.archive import Archive
from acyclome.pipeline.keys import Key, Part
from acyclome.pipeline.records import RelaxedShards, Resampled

logger = logging.getLogger(__name__)
M = TypeVar("M", Resampled, RelaxedShards)
KEEP_S = 1.0  # between writings: nobody misses a second of work, and small ones would take longer to write than to do


@dataclass
class Pieces(Generic[M]):
    """The members of a part of a stage that an earlier process has left, and a place for the others."""

    kind: type[M]
    archive: Archive
    config: Config
    part: Part
    wanted: int  # members of all parts
    _waiting: list[M] = field(default_factory=list)
    _written: float = field(default_factory=time.monotonic)

    def found(self) -> list[M]:
        """Return what is there already, whether a run is resumed or not: the stage was never finished."""
        return [one for number in self._numbers if (one := self._read(number)) is not None]

    def keep(self, done: Sequence[M]) -> None:
        """Take what is done; it is written at once, or with the next if the last were written just now."""
        self._waiting += done
        if self._numbers and time.monotonic() - self._written >= KEEP_S:
            for one in self._waiting:
                (number,) = one.facts["members"]
                self.archive.write(self._key(number), self.config, one)
            self._waiting, self._written = [], time.monotonic()

    def remove(self) -> None:
        """Remove all, for their part is finished."""
        for number in self._numbers:
            self.archive.remove(self._key(number))

    @property
    def _numbers(self) -> range:
        """Members that have files: none where there is no folder, nor where a member is a part by itself."""
        one_each = self.archive.folder is None or self.part.of >= self.wanted
        return range(0) if one_each else range(self.part.number, self.wanted, self.part.of)

    def _key(self, number: int) -> Key:
        return Key(self.kind.stage, Part(number, self.wanted))

    def _read(self, number: int) -> M | None:
        if self.archive.has_file(self._key(number), self.config):
            try:
                return self.archive.load(self.kind, self._key(number))
            except InputError as error:
                logger.warning("%s It is done again.", error)
        return None
