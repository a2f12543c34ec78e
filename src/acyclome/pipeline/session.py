"""A run under way: which stages are finished, and where their records are kept, in files or in memory.

A stage is finished when its file carries the key of everything it depends on: the data set, and the options it reads.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from acyclome._version import __version__
from acyclome.config import Config
from acyclome.core.workers import one_blas_thread
from acyclome.errors import InputError
from acyclome.io.runs import RunFolder, fingerprint
from acyclome.io.store import Store
from acyclome.network import Network
from acyclome.pipeline import model_selection, shards, stages, validation
from acyclome.pipeline.assembly import assemble
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.keys import Key, Part, Stage
from acyclome.pipeline.record import run_record
from acyclome.pipeline.records import (
    Chosen,
    Ordered,
    Record,
    Relaxed,
    RelaxedShards,
    Resampled,
    Screened,
    Sharded,
    Validated,
)
from acyclome.pipeline.resources import is_sharded
from acyclome.pipeline.task import Runtime, Task, measured

R = TypeVar("R", bound=Record)
WHOLE = Part(0, 1)


class Session:
    """A run under way.

    Parameters
    ----------
    task
        The data set, the options, and how to compute.
    about
        What ``prepare`` left in ``stages/config.json``: the command and the cost of the preparation.
    folder
        Where records go; None keeps them in memory.
    """

    def __init__(self, task: Task, about: Mapping[str, Any], folder: RunFolder | None = None) -> None:
        self.task, self.about, self.folder = task, about, folder
        self.asked = task.config
        self.base = fingerprint(__version__, *task.data.content())
        self.done: dict[Key, Record] = {}

    @classmethod
    def open(cls, out: str | os.PathLike[str], runtime: Runtime, *, is_part: bool = False) -> Self:
        """Go on with the run in ``out``, of which ``prepare`` has finished."""
        folder = RunFolder(out)
        path = folder.stage("config.json")
        if not path.exists():
            msg = f"{str(folder.path)!r} holds no prepared data. Run `acyclome prepare INPUT -o {folder.path}` first."
            raise InputError(msg)
        about = json.loads(path.read_text(encoding="utf-8"))
        RunFolder.create(out)
        config = Config.from_mapping(about["config"])
        data = Dataset.build(Store.open(folder.stage("prepared.h5")), config)
        return cls(Task.begin(data, config, runtime, is_part=is_part), about, folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if isinstance(self.task.data.store, Store):
            self.task.data.store.close()

    def learn(self) -> Network:
        """Take all stages, from the screening to the network and, in a folder, its report."""
        with one_blas_thread():  # set once, not by every stage anew: of 20 genes that took a tenth of the time
            self.screen()
            if is_sharded(self.task.config):
                self.shard()
            self.fit()
            if is_sharded(self.task.config):
                self.merge()
            self.order()
            self.resample()
            network = self.network()
        if self.folder is not None:
            report(self.folder, self.task.runtime)
        return network

    def choose(self) -> Chosen:
        """Find the model that the data choose, and go on with it; what was found before is kept, resumed or not."""
        key = Key(Stage.CHOOSE)
        if not self._is_finished(key):
            self._compute(key, lambda: model_selection.choose(self.task))
        return self.go_on_with(self._read(key, Chosen))

    @property
    def chosen(self) -> Chosen | None:
        """The model that the data chose; None where it was asked for."""
        record = self.done.get(Key(Stage.CHOOSE))
        return record if isinstance(record, Chosen) else None

    def go_on_with(self, chosen: Chosen) -> Chosen:
        """Take the model that was chosen, here or for several runs at once."""
        self.done[Key(Stage.CHOOSE)] = chosen
        self.task = self.task.with_model(chosen.model)
        return chosen

    def screen(self) -> Screened:
        """Find the candidates of every gene."""
        return self._take(Screened, lambda: stages.screen(self.task))

    def shard(self) -> Sharded:
        """Cut the candidates into shards."""
        if not is_sharded(self.asked):
            msg = "This run is not cut into shards. Run `acyclome prepare` with --shards N or --shard.shard-memory GB."
            raise InputError(msg)
        return self._take(Sharded, lambda: shards.shard(self.task, self._get(Screened)))

    def fit(self, part: Part = WHOLE) -> Relaxed | RelaxedShards:
        """Fit the relaxation, and with it the order to start from; with shards, those of a part."""
        if is_sharded(self.asked):
            return self._take(RelaxedShards, lambda: shards.relax_part(self.task, *self._cut(), part), part)
        if part.of > 1:
            msg = "Only a fit of shards has parts. Leave --part and --parts out, or prepare with --shards N."
            raise InputError(msg)
        return self._take(Relaxed, lambda: stages.relax(self.task, self._get(Screened)))

    def merge(self) -> Relaxed:
        """Put together what the shards found: the order to start from."""
        return self._take(Relaxed, lambda: shards.merge(self.task, *self._cut(), self._all_shards()))

    def order(self) -> Ordered:
        """Search the DAG."""
        return self._take(Ordered, lambda: stages.order(self.task, self._get(Screened), self._get(Relaxed)))

    def resample(self, part: Part = WHOLE) -> Resampled:
        """Search the DAGs of a part of the resamples."""
        return self._take(Resampled, lambda: stages.resample(self.task, part), part)

    def network(self) -> Network:
        """Build the network from the finished stages, and write it if there is a folder."""
        self.task.report("network", 0.0)
        self._get(Screened), self._get(Relaxed)  # their facts belong to the record of the run
        ordered = self._get(Ordered)
        if is_sharded(self.asked):
            self._all_shards()
        resampled = self._parts(Resampled, self.asked.resample.resamples, "resamples")
        network = assemble(self.task, ordered, Resampled.joined(resampled))
        if self.folder is not None and self.asked.validation.checks:
            self._take(Validated, lambda: validation.validate(self.task, ordered))
        network.facts.update(run_record(network, self.task.data, self.asked, about=self.about, done=self.done))
        if self.folder is not None:
            self.folder.write_network(network)
            self.folder.write_run_json(network.facts)
        self.task.report("network", 1.0, f"{network.n_edges:,} edges")
        return network

    def _cut(self) -> tuple[Screened, Sharded]:
        return self._get(Screened), self._get(Sharded)

    def _all_shards(self) -> list[RelaxedShards]:
        return self._parts(RelaxedShards, self._get(Sharded).plan.n_shards, "shards")

    def _ready(self) -> None:
        """Choose the model, if the data are to choose it and have not."""
        if self.task.config.card is None:
            self.choose()

    def _fingerprint(self, key: Key) -> str:
        return fingerprint(self.base, *key.options(self.task.config))

    def _is_finished(self, key: Key) -> bool:
        return self.folder is not None and self.folder.has_stage(key.name, self._fingerprint(key))

    def _compute(self, key: Key, work: Callable[[], Record]) -> None:
        record, cost = measured(work)
        self.done[key] = replace(record, facts={**record.facts, "cost": cost})
        if self.folder is not None:
            record = self.done[key]
            self.folder.write_stage(key.name, record.to_arrays(), record.facts, self._fingerprint(key))

    def _take(self, kind: type[R], work: Callable[[], R], part: Part | None = None) -> R:
        """Return the record of a stage: computed now, or kept where a run goes on that has it."""
        self._ready()
        key = Key(kind.stage, part)
        if self.task.runtime.resume and self._is_finished(key):
            self.task.report(key.stage, 1.0, "kept")
        else:
            self._compute(key, work)
        return self._read(key, kind)

    def _get(self, kind: type[R], part: Part | None = None) -> R:
        """Return the record of a stage that has to be finished."""
        self._ready()
        return self._read(Key(kind.stage, part), kind)

    def _read(self, key: Key, kind: type[R]) -> R:
        if key not in self.done:
            if self.folder is None or not self._is_finished(key):
                out = "memory" if self.folder is None else f"{self.folder.stage(key.name + '.npz')}"
                command = "merge" if kind is Relaxed and is_sharded(self.asked) else key.stage
                msg = (
                    f"The stage {key.name} has no result for these data and options in {out}; what may be there was "
                    f"made with others. Run `acyclome {command}` again."
                )
                raise InputError(msg)
            arrays, facts, _ = self.folder.read_stage(key.name)
            self.done[key] = kind.from_arrays(arrays, facts)
        record = self.done[key]
        assert isinstance(record, kind)
        return record

    def _parts(self, kind: type[R], wanted: int, things: str) -> list[R]:
        """All parts of the resamples or shards, whatever number they were cut into; an incomplete cut is refused."""
        self._ready()
        keys = [key for key in self.done if key.stage == kind.stage and key.part is not None]
        if not keys and self.folder is not None:
            cuts = [[Key(kind.stage, Part(k, of)) for k in range(of)] for of in self.folder.cuts(kind.stage)]
            keys = next((cut for cut in cuts if all(map(self._is_finished, cut))), [])
        parts = [self._read(key, kind) for key in sorted(keys, key=lambda key: key.part or WHOLE)] if wanted else []
        at_hand = sum(len(part.facts["members"]) for part in parts)
        if at_hand == wanted:
            return parts
        msg = f"{at_hand} of {wanted} {things} are at hand. Run `acyclome {kind.stage}` for all parts of one --parts."
        raise InputError(msg)


def report(folder: RunFolder, runtime: Runtime) -> Path:
    """Write ``report.html`` from the files of the run."""
    from acyclome.report import write_report

    runtime.report("report", 0.0)
    path = write_report(folder.path)
    runtime.report("report", 1.0, path.name)
    return path
