"""A run under way: its stages in their order, each from what earlier ones left in the archive."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from acyclome.config import Config
from acyclome.core.workers import one_blas_thread
from acyclome.errors import AcyclomeError, InputError
from acyclome.io.atomic import remove
from acyclome.io.kinds import unlike
from acyclome.io.names import CORRELATIONS, REPORT, SHARED
from acyclome.io.runs import PERMUTED, RunFolder
from acyclome.io.store import Store
from acyclome.knowledge.shared import Shared
from acyclome.pipeline import confounding, model_selection, shards, stages
from acyclome.pipeline.archive import Archive
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.durations import is_sharded
from acyclome.pipeline.keys import Key, Part, Stage
from acyclome.pipeline.pieces import M, Pieces
from acyclome.pipeline.records import (
    Chosen,
    Confounded,
    HeldOut,
    Ordered,
    Record,
    Relaxed,
    RelaxedShards,
    Resampled,
    Screened,
    Sharded,
    Validated,
)
from acyclome.pipeline.task import Runtime, Task, seed_of
from acyclome.wording import plural

if TYPE_CHECKING:
    from acyclome.network import Network

R = TypeVar("R", bound=Record)
WHOLE = Part(0, 1)
_PREPARED = {"n_effective?": float, "warnings?": [str], "steps?": [{"step": str, "what": str}]}  # what is read of it


def _shared(folder: RunFolder) -> Shared:
    """Return what a group was learned with, from the folder of what all groups share, beside its own."""
    beside = RunFolder(folder.path.parent / SHARED)
    if not beside.file("edges.tsv.gz").exists():
        msg = (
            f"{folder.path} is a group that was learned together with others, and what they share is not beside it "
            f"({beside.path}). Keep the folders of a joint run together."
        )
        raise InputError(msg)
    return Shared.of(beside.read_network())


class Session:
    """A run under way; ``about`` is what ``prepare`` left in ``stages/config.json``, None as folder keeps to memory."""

    def __init__(self, task: Task, about: Mapping[str, Any], folder: RunFolder | None = None) -> None:
        is_under_way = folder is not None and not folder.file("edges.tsv.gz").exists()
        kept = folder.stage(CORRELATIONS) if folder is not None and is_under_way else None
        self.task, self.about, self.folder = replace(task, kept=kept), about, folder
        self.asked = task.config  # as given; that of the task names the model once the data have chosen it
        self.archive = Archive(task.data, folder)

    @classmethod
    def open(cls, out: str | os.PathLike[str], runtime: Runtime, *, is_part: bool = False) -> Self:
        folder = RunFolder(out)
        if not folder.stage("config.json").exists():
            msg = f"{str(folder.path)!r} holds no prepared data. Run `acyclome prepare INPUT -o {folder.path}` first."
            raise InputError(msg)
        about = folder.read_notes()
        RunFolder.create(out)  # removes what killed processes left; not before, for it would make the folder
        config = Config.from_mapping(about["config"])
        store = Store.open(folder.stage("prepared.h5"))
        wrong = unlike(store.facts, _PREPARED)
        if wrong or not 0 < (store.facts.get("n_effective", store.n_obs) or 0) <= store.n_obs:
            fact = wrong or "n_effective"
            msg = f"The record of the preparation in {folder.path} ({fact}) was changed. Run `acyclome prepare` again."
            raise InputError(msg)
        data = Dataset.build(store, config, shared=_shared(folder) if config.input.joint else None)
        return cls(Task.begin(data, config, runtime, is_part=is_part), about, folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.task.data.store.close()

    def learn(self) -> Network:
        """Take all stages, from the screening to the network and, in a folder, its report."""
        with one_blas_thread():  # set once, not by every stage anew: of 20 genes that took a tenth of the time
            self.screen()
            if is_sharded(self.asked):
                self.shard()
            self.fit()
            if is_sharded(self.asked):
                self.merge()
            self.order()
            self.resample()
            network = self.network()
        if self.folder is not None:
            report_if_possible(self.folder, self.task.runtime)
        return network

    def deconfound(self) -> Confounded:
        """Find what hidden causes do to the data, and go on without it; what was found before is kept, as by choose."""
        key = Key(Stage.CONFOUNDING)
        if not self.archive.has_file(key, self.asked):
            self.archive.compute(key, self.asked, lambda: confounding.find(self.task))
        elif self.task.runtime.resume:
            self.task.report(key.stage, 1.0, "kept")
        found = self.archive.read(Confounded, self.asked)
        if found.deconfounding.any:
            self._go_on(self.task.data.without(found.deconfounding), self.task.config)
        return found

    def choose(self) -> Chosen:
        """Find the model that the data choose, and go on with it; what was found before is kept, resumed or not."""
        key = Key(Stage.CHOOSE)
        if not self.archive.has_file(key, self.asked):
            self.archive.compute(key, self.asked, lambda: model_selection.choose(self.task))
        return self.go_on_with(self.archive.read(Chosen, self.asked))

    def go_on_with(self, chosen: Chosen) -> Chosen:
        """Take the model that was chosen, here or for several runs at once."""
        self.archive.records[Key(Stage.CHOOSE)] = chosen
        self._go_on(self.task.data, self.task.config.with_options({"model": chosen.model}))
        return chosen

    def _go_on(self, data: Dataset, config: Config) -> None:
        """Go on with other data, or other options."""
        task = self.task
        self.task = replace(Task.begin(data, config, task.runtime, is_part=task.is_part), kept=task.kept)

    def screen(self) -> Screened:
        return self._take(Screened, lambda: stages.screen(self.task, self._get(Confounded).candidates))

    def shard(self) -> Sharded:
        if not is_sharded(self.asked):
            msg = "This run is not cut into shards. Run `acyclome prepare` with --shards N or --shard.shard-memory GB."
            raise InputError(msg)
        return self._take(Sharded, lambda: shards.shard(self.task, self._get(Screened)))

    def fit(self, part: Part = WHOLE) -> Relaxed | RelaxedShards:
        """Fit the relaxation, and with it the order to start from; with shards, those of a part."""
        if is_sharded(self.asked):
            sharded = self._get(Sharded)
            pieces = Pieces(RelaxedShards, self.archive, self.task.config, part, sharded.plan.n_shards)
            fit = partial(shards.relax_part, self.task, self._get(Screened), sharded=sharded, part=part)
            return self._take_pieces(pieces, fit)
        if part.of > 1:
            msg = "Only a fit of shards has parts. Leave --part and --parts out, or prepare with --shards N."
            raise InputError(msg)
        return self._take(Relaxed, lambda: stages.relax(self.task, self._get(Screened)))

    def merge(self) -> Relaxed:
        return self._take(Relaxed, lambda: shards.merge(self.task, self._get(Screened), self._all_shards()))

    def order(self) -> Ordered:
        return self._take(Ordered, lambda: stages.order(self.task, self._get(Screened), self._get(Relaxed)))

    def resample(self, part: Part = WHOLE) -> Resampled:
        self._ready()
        pieces = Pieces(Resampled, self.archive, self.task.config, part, self.asked.resample.resamples)
        return self._take_pieces(pieces, partial(stages.resample, self.task, part))

    def network(self) -> Network:
        """Build the network from the finished stages, and write it if there is a folder."""
        # Here, as in the methods below: pandas and the page of the report, half of what an earlier stage would load.
        from acyclome.pipeline.assembly import assemble
        from acyclome.pipeline.held_out import hold_out
        from acyclome.pipeline.record import run_record

        self.task.report("network", 0.0)
        self._get(Screened), self._get(Relaxed)  # their facts belong to the record of the run
        ordered = self._get(Ordered)
        if is_sharded(self.asked):
            self._all_shards()  # and so do theirs
        wanted = self.asked.resample.resamples
        resampled = self.archive.read_parts(Resampled, self.task.config, wanted=wanted, things="resamples")
        held_out = None
        if self.task.data.labels is not None:  # of a column of targets
            held_out = self._take(HeldOut, lambda: hold_out(self.task))
        network = assemble(self.task, ordered, Resampled.joined(resampled), held_out=held_out)
        if self.folder is not None and self.asked.validation.checks:  # they are for the report, which a folder has
            self._take(Validated, lambda: self._validated(ordered))
        done = self.archive.records
        network.facts.update(run_record(network, self.task.data, self.asked, about=self.about, done=done))
        if self.folder is not None:
            self.folder.write_network(network)
            remove(self.folder.stage(CORRELATIONS))  # which no stage is left to ask for
        self.task.report("network", 1.0, plural(network.n_edges, "edge"))
        return network

    def borne_out(self, edges: int | None = None) -> list[dict[str, Any]]:
        """Score the method beside simpler ones, anew on halves of the cells, by what acting on genes did."""
        from acyclome.pipeline import interventional

        self._ready()
        task = self.task
        seed = seed_of(task.config, "interventional")
        return interventional.compare(task.data, task.config, seed=seed, backend=task.backend, edges=edges)

    def _validated(self, ordered: Ordered) -> Validated:
        from acyclome.pipeline import validation

        path = None if self.folder is None else self.folder.stage(PERMUTED)
        if path is None or not path.exists():
            return validation.validate(self.task, ordered)
        with Store.open(path) as permuted:
            return validation.validate(self.task, ordered, permuted if permuted.n_vars else None)

    def _all_shards(self) -> list[RelaxedShards]:
        wanted = self._get(Sharded).plan.n_shards
        return self.archive.read_parts(RelaxedShards, self.task.config, wanted=wanted, things="shards")

    def _ready(self) -> None:
        if Key(Stage.CONFOUNDING) not in self.archive.records:
            self.deconfound()
        if self.task.config.card is None:  # keys hold the name of the model, so it is chosen before any is asked for
            self.choose()

    def _take(self, kind: type[R], work: Callable[[], R], part: Part | None = None) -> R:
        """Return the record of a stage: computed now, or kept where a run goes on that has it."""
        self._ready()
        key = Key(kind.stage, part)
        if self.task.runtime.resume and self.archive.has_file(key, self.task.config):
            self.task.report(key.stage, 1.0, "kept")
        else:
            self.archive.compute(key, self.task.config, work)
        return self.archive.read(kind, self.task.config, part)

    def _take_pieces(self, pieces: Pieces[M], work: Callable[..., M]) -> M:
        """Take a part of a stage, whose members are kept one by one until all are there."""
        record = self._take(pieces.kind, lambda: work(found=pieces.found(), keep=pieces.keep), pieces.part)
        pieces.remove()
        return record

    def _get(self, kind: type[R]) -> R:
        self._ready()
        return self.archive.read(kind, self.task.config)


def report(folder: RunFolder, runtime: Runtime) -> Path:
    from acyclome.report import write_report

    runtime.report("report", 0.0)
    path = write_report(folder.path)
    runtime.report("report", 1.0, path.name)
    return path


def report_if_possible(folder: RunFolder, runtime: Runtime) -> None:
    """Write the page of a network that stands; where none can be made, warn, for nothing else is lost by that.

    A disk that fails is no such case: it takes what comes next too.
    """
    try:
        report(folder, runtime)
    except AcyclomeError as error:
        remove(folder.file(REPORT))  # which would show an earlier network beside this one
        again = f"The network is whole; to try again: acyclome report {shlex.quote(str(folder.path))}"
        runtime.warn([f"There is no report: {error} {again}"])
        runtime.report("report", 1.0, "could not be written")
