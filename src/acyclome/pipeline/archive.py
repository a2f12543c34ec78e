"""The records of a run, in memory and, where the run has a folder, in its files.

A stage is finished when its file carries the key of everything it depends on: the data set, and the options it reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from acyclome._version import __version__
from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.io.atomic import remove
from acyclome.io.digested import fingerprint
from acyclome.io.runs import RunFolder
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.durations import is_sharded
from acyclome.pipeline.keys import Key, Part, Stage
from acyclome.pipeline.records import Record
from acyclome.pipeline.task import measured

R = TypeVar("R", bound=Record)


class Archive:
    """What is kept of a run: in a folder the records as files too, without one in memory alone."""

    def __init__(self, data: Dataset, folder: RunFolder | None) -> None:
        self.folder = folder
        # The version counts too: another may compute the same stage otherwise, and is not to go on with this one's.
        self.base, self.n_genes = fingerprint(__version__, *data.content()), data.n_genes
        self.records: dict[Key, Record] = {}

    def has_file(self, key: Key, config: Config) -> bool:
        """Say whether the stage is finished, in a file, with these options."""
        return self.folder is not None and self.folder.has_stage(key.name, self._fingerprint(key, config))

    def compute(self, key: Key, config: Config, work: Callable[[], Record]) -> None:
        record, cost = measured(work)
        self.records[key] = record = replace(record, facts={**record.facts, "cost": cost})
        self.write(key, config, record)

    def write(self, key: Key, config: Config, record: Record) -> None:
        """Write the file of a record, where there is a folder."""
        if self.folder is not None:
            self.folder.write_stage(key.name, record.to_arrays(), record.facts, key=self._fingerprint(key, config))

    def load(self, kind: type[R], key: Key) -> R:
        """Read the file of a record, which is there."""
        assert self.folder is not None
        arrays, facts, _ = self.folder.read_stage(key.name)
        return kind.checked(arrays, facts, n_genes=self.n_genes)

    def remove(self, key: Key) -> None:
        if self.folder is not None:
            remove(self.folder.stage(f"{key.name}.npz"))

    def read(self, kind: type[R], config: Config, part: Part | None = None) -> R:
        """Return the record of a stage; where it is not finished, an InputError names the command to run."""
        key = Key(kind.stage, part)
        if key not in self.records:
            if self.folder is None or not self.has_file(key, config):
                out = "memory" if self.folder is None else f"{self.folder.stage(key.name + '.npz')}"
                is_merged = key == Key(Stage.FIT) and is_sharded(config)  # the whole fit of shards comes from merge
                msg = (
                    f"The stage {key.name} has no result for these data and options in {out}; what may be there was "
                    f"made with others. Run `acyclome {'merge' if is_merged else key.stage}` again."
                )
                raise InputError(msg)
            self.records[key] = self.load(kind, key)
        record = self.records[key]
        assert isinstance(record, kind)
        return record

    def read_parts(self, kind: type[R], config: Config, *, wanted: int, things: str) -> list[R]:
        """Return all parts of the ``wanted`` resamples or shards, whatever number they were cut into; refuse fewer."""
        parts = [key.part for key in self.records if key.stage == kind.stage and key.part is not None]
        if not parts and self.folder is not None:
            # Several cuts may lie there, of earlier jobs; any that is whole gives the same records.
            cuts = [[Part(number, of) for number in range(of)] for of in self.folder.cuts(kind.stage)]
            whole = (cut for cut in cuts if all(self.has_file(Key(kind.stage, part), config) for part in cut))
            parts = next(whole, [])
        records = [self.read(kind, config, part) for part in sorted(parts)] if wanted else []
        at_hand = sum(len(record.facts["members"]) for record in records)
        if at_hand == wanted:
            return records
        msg = f"{at_hand} of {wanted} {things} are at hand. Run `acyclome {kind.stage}` for all parts of one --parts."
        raise InputError(msg)

    def _fingerprint(self, key: Key, config: Config) -> str:
        return fingerprint(self.base, *key.options(config))
