"""A run under way: its data, its options, and where the results of its stages are kept, in files or in memory.

A stage is finished when its file carries the key of everything it depends on: the prepared data, the causes allowed,
and the options it reads.
"""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any, Self

import numpy as np

from acyclome import models
from acyclome._version import __version__
from acyclome.config import Config
from acyclome.core.data.constraints import Constraints
from acyclome.core.workers import one_blas_thread
from acyclome.errors import InputError
from acyclome.io.runs import RunFolder, fingerprint
from acyclome.io.store import GeneMajor, Store
from acyclome.knowledge.edges import prior_of
from acyclome.knowledge.interventions import find_targets
from acyclome.knowledge.regulators import partial_overlap, read_regulators, regulators_mask
from acyclome.knowledge.shared import Shared
from acyclome.machine import backend_of
from acyclome.network import Network
from acyclome.pipeline import model_selection, shards, stages, validation
from acyclome.pipeline.dataset import GeneData, Stage
from acyclome.pipeline.pairing import check_model
from acyclome.pipeline.record import run_record
from acyclome.pipeline.resources import check_memory, is_sharded
from acyclome.pipeline.stages import measured
from acyclome.prepare.size_factors import holds_counts, size_factors

Progress = Callable[[str, float, str], None]
DEPENDS_ON = {
    "choose": ("screen", "score", "search"),
    "screen": ("screen", "search.expanded"),
    "shard": ("screen", "search.expanded", "shard"),
    "fit": ("screen", "fit", "score", "search", "shard"),
    "order": ("screen", "fit", "score", "search", "shard"),
    "resample": ("screen", "score", "search", "resample"),
    "validation": ("screen", "fit", "score", "search", "shard", "validation"),
}
"""The sections and options that each stage, and what it reads, depends on, beside those of the model."""


@dataclass(frozen=True)
class Runtime:
    """How a run is carried out; nothing here can change its result, but for rounding on a device.

    Parameters
    ----------
    threads
        Threads of this machine to use.
    memory
        Bytes the run may take; None for what the machine has.
    device
        ``cpu``, ``cuda``, or ``auto`` for the card if there is one. A card correlates, screens and relaxes; the order
        search runs on threads. Its results differ from those of the CPU by rounding.
    resume
        Keep finished stages whose inputs are the same.
    progress
        Called with stage, share done and a message.
    dask
        Where shards and resamples run: None on threads, ``local`` on processes that Dask starts on this machine, or
        the address of a Dask cluster that sees the files of the run.
    """

    threads: int = 1
    memory: int | None = None
    device: str = "auto"
    resume: bool = False
    progress: Progress | None = None
    dask: str | None = None

    def report(self, stage: str, done: float, message: str = "") -> None:
        """Pass progress on, if anybody listens."""
        if self.progress is not None:
            self.progress(stage, done, message)


def options_of(config: Config, *names: str) -> str:
    """Return some sections, or options by section and dot, as one text, to be part of a key."""
    whole = config.model_dump(mode="json")
    chosen = {name: reduce(operator.getitem, name.split("."), whole) for name in names}
    return json.dumps(chosen, sort_keys=True)


class Session:
    """A run under way.

    Parameters
    ----------
    folder
        Where results go; None keeps them in memory.
    about
        What ``prepare`` left in ``stages/config.json``: the command and the cost of the preparation.
    regulators
        Names of the only causes; None takes the file of the config.
    rules
        Table of what is known of edges, see :func:`acyclome.knowledge.tables.read_prior`;
        None takes the file of the config.
    group
        Label of the group at hand, for the scopes of rules; None takes that of the config.
    is_part
        Only some shards are computed here, so only what they need is asked of the memory.
    shared
        What the group shares with others that are learned together with it.

    Raises
    ------
    InputError
        If no regulator is among the genes, prior knowledge contradicts itself, or the device cannot be had.
    MemoryLimitError
        If the run needs more memory than it may take.
    """

    def __init__(
        self,
        folder: RunFolder | None,
        config: Config,
        store: GeneMajor,
        runtime: Runtime,
        about: Mapping[str, Any],
        regulators: Sequence[str] | None = None,
        rules: Any = None,
        group: str | None = None,
        *,
        is_part: bool = False,
        shared: Shared | None = None,
    ) -> None:
        self.folder, self.asked, self.config, self.runtime, self.about = folder, config, config, runtime, about
        backend = backend_of(runtime.device, threads=runtime.threads, dask=runtime.dask)
        path = config.knowledge.regulators
        names = read_regulators(path) if regulators is None and path is not None else regulators
        causes = np.ones(store.n_vars, bool) if names is None else regulators_mask(store.genes, names, path or "")
        if runtime.dask == "local" and not backend.can_partition:  # workers on this machine would share its one card
            runtime = self.runtime = replace(runtime, dask=None)
        constraints = Constraints.of_sources(causes)
        self.data = GeneData.untouched(store, constraints, backend, progress=runtime.report, dask=runtime.dask)
        if names is not None and (text := partial_overlap(store.genes, names, path or "")):
            self.data.warnings.append(text)
        self.done: dict[str, Stage] = {}
        if (column := config.input.perturbation) is not None:
            found = find_targets(store.obs_columns, column, config.input.control, store.genes)
            self.data.interventions, self.data.treatments, self.data.perturbation = found[:3]
            self.data.warnings += found.warnings
        self.data.prior = prior_of(config, rules, store.genes, causes, group or config.input.group, shared)
        self.data.warnings += self.data.prior.warnings
        check_model(config, self.data.constraints, has_targets=self.data.interventions.any)
        if (counts := config.counts) is not None and (config.card is not None or holds_counts(store)):
            self.data.size = size_factors(store, counts.size_factors(config))
        self.base = fingerprint(__version__, store.digest, *self.data.arrays())
        needs = partial(
            check_memory,
            store.n_vars,
            store.n_obs,
            threads=runtime.threads,
            memory=runtime.memory,
            is_part=is_part,
            has_disk=store.folder is not None,
        )
        self.data.spills = needs(config)
        if config.card is None:
            self.config = self._choose()
            self.data.spills = needs(self.config)

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
        store = Store.open(folder.stage("prepared.h5"))
        return cls(folder, Config.from_mapping(about["config"]), store, runtime, about, is_part=is_part)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if isinstance(self.data.store, Store):
            self.data.store.close()

    def screen(self) -> Stage:
        """Find the candidates of every gene."""
        return self._stage("screen", lambda: stages.screen(self.data, self.config))

    def shard(self) -> Stage:
        """Cut the candidates into shards."""
        if not is_sharded(self.config):
            msg = "This run is not cut into shards. Run `acyclome prepare` with --shards N or --shard.shard-memory GB."
            raise InputError(msg)
        return self._stage("shard", lambda: shards.shard(self.data, self.config, self._get("screen")))

    def fit(self, part: int = 0, parts: int = 1) -> Stage:
        """Fit the relaxation, and with it the order to start from; with shards, those of a part."""
        screened = self._get("screen")
        if is_sharded(self.config):
            cut = self._get("shard")
            work = partial(shards.fit_part, self.data, self.config, screened, cut, part, parts)
            return self._stage(f"fit-{part + 1}-of-{parts}", work)
        if parts > 1:
            msg = "Only a fit of shards has parts. Leave --part and --parts out, or prepare with --shards N."
            raise InputError(msg)
        return self._stage("fit", lambda: stages.fit(self.data, self.config, screened))

    def merge(self) -> Stage:
        """Put together what the shards found: the order to start from."""
        screened, cut = self._get("screen"), self._get("shard")
        parts = self._parts("fit", len(cut.arrays["indptr"]) - 1)
        return self._stage("fit", lambda: shards.merge(self.data, self.config, screened, cut, parts))

    def learn(self) -> Network:
        """Take the road from the screening to the network."""
        with one_blas_thread():  # set once, not by every stage anew: of 20 genes that took a tenth of the time
            self.screen()
            if is_sharded(self.config):
                self.shard()
            self.fit()
            if is_sharded(self.config):
                self.merge()
            self.order()
            self.resample(0, 1)
            return self.network()

    def order(self) -> Stage:
        """Search the DAG."""
        return self._stage("order", lambda: stages.order(self.data, self.config, self._get("screen"), self._get("fit")))

    def resample(self, part: int, parts: int) -> Stage:
        """Search the DAGs of a part of the resamples."""
        name = f"resample-{part + 1}-of-{parts}"
        return self._stage(name, lambda: stages.resample(self.data, self.config, part, parts))

    def network(self) -> Network:
        """Build the network from the finished stages, and write it if there is a folder."""
        self.runtime.report("network", 0.0)
        _, _, ordered = (self._get(name) for name in ("screen", "fit", "order"))
        if is_sharded(self.config):
            self._parts("fit", len(self._get("shard").arrays["indptr"]) - 1)
        resampled = self._parts("resample", self.config.resample.resamples)
        network = stages.network(self.data, self.config, ordered, resampled)
        if self.folder is not None and self.config.validation.checks:
            self._stage("validation", lambda: validation.validate(self.data, self.config, ordered))
        facts = {name: stage.facts for name, stage in self.done.items()}
        network.facts.update(run_record(network, self.data, self.asked, self.about, facts))
        if self.folder is not None:
            self.folder.write_network(network)
            self.folder.write_run_json(network.facts)
        self.runtime.report("network", 1.0, f"{network.n_edges:,} edges")
        return network

    def _choose(self) -> Config:
        """Return the options with the model that the data choose; that is found once, and kept as stages are."""
        if self.folder is None or not self.folder.has_stage("choose", self._key("choose")):
            self._stage("choose", lambda: model_selection.choose(self.data, self.config))
        return self.config.with_options({"model": self._get("choose").facts["name"]})

    def _key(self, name: str) -> str:
        card = self.config.card
        own = models.sections() if card is None else () if card.section is None else card.section[:1]
        options = options_of(self.config, *DEPENDS_ON[name.split("-")[0]], *own)
        return fingerprint(self.base, name, options, self.config.model, self.config.seed)

    def _stage(self, name: str, work: Callable[[], Stage]) -> Stage:
        if self.folder is None:
            stage = self.done[name] = measured(work)
            return stage
        key = self._key(name)
        if self.runtime.resume and self.folder.has_stage(name, key):
            self.runtime.report(name.split("-")[0], 1.0, "kept")
            return self._get(name)
        stage = self.done[name] = measured(work)
        self.folder.write_stage(name, stage.arrays, stage.facts, key)
        return stage

    def _get(self, name: str) -> Stage:
        if name not in self.done:
            if self.folder is None or not self.folder.has_stage(name, self._key(name)):
                out = "memory" if self.folder is None else f"{self.folder.stage(name + '.npz')}"
                command = "merge" if name == "fit" and is_sharded(self.config) else name.split("-")[0]
                msg = (
                    f"The stage {name} has no result for these data and options in {out}; what may be there was made "
                    f"with others. Run `acyclome {command}` again."
                )
                raise InputError(msg)
            arrays, facts, _ = self.folder.read_stage(name)
            self.done[name] = Stage(arrays, facts)
        return self.done[name]

    def _parts(self, stage: str, wanted: int) -> list[Stage]:
        """All parts of the resamples or shards, whatever number they were cut into; an incomplete cut is refused."""
        if wanted == 0:
            return []
        if self.folder is not None and not any(name.startswith(f"{stage}-") for name in self.done):
            for name in self.folder.whole_cut(stage, self._key):
                self._get(name)
        parts = [found for name, found in sorted(self.done.items()) if name.startswith(f"{stage}-")]
        found = sum(len(part.facts["members"]) for part in parts)
        if found != wanted:
            things = "resamples" if stage == "resample" else "shards"
            msg = f"{found} of {wanted} {things} are at hand. Run `acyclome {stage}` for all parts, with one --parts."
            raise InputError(msg)
        return parts
