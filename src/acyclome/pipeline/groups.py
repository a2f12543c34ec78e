"""The way from stores to networks that all doors share: arrays in memory, AnnData objects and files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from acyclome.config import Config
from acyclome.errors import ConfigError, InputError
from acyclome.io.names import SHARED
from acyclome.io.runs import RunFolder
from acyclome.io.store import GeneMajor
from acyclome.knowledge.beforehand import check_files
from acyclome.knowledge.regulators import Regulators
from acyclome.knowledge.shared import Shared
from acyclome.network import JointNetworks, Network
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.joint import differential_edges, pool
from acyclome.pipeline.resources import WRITTEN, estimate
from acyclome.pipeline.session import Session
from acyclome.pipeline.task import Runtime, Task

Label = str | None  # None: all observations, which are no groups


@dataclass(frozen=True)
class Door:
    """Where expression comes from, and where networks go, by label."""

    open_store: Callable[[Label], GeneMajor]  # prepared expression
    about: Callable[[Label], Mapping[str, Any]]  # what is on record of the preparation: command, input, cost
    folder: Callable[[Label], RunFolder | None]  # None keeps records in memory
    regulators: Regulators | None = None  # as of Dataset.build, and so is what follows
    knowledge: Any = None

    @classmethod
    def in_memory(cls, command: str, open_store: Callable[[Label], GeneMajor], **given: Any) -> Door:
        """Return a door behind which nothing is written."""
        return cls(open_store, lambda _: {"command": command, "input": {}}, lambda _: None, **given)


def learn_groups(labels: Sequence[Label], door: Door, config: Config, *, runtime: Runtime) -> dict[Any, Network]:
    """Learn a network for every label, each by itself or, with ``input.joint``, all together."""
    check_files(config.knowledge, door.knowledge)
    if config.input.joint:
        return _learn_together(check_joint(config, labels), door, config, runtime=runtime)
    networks = {}
    for k, label in enumerate(labels, 1):
        place, store = (k, len(labels)), door.open_store(label)
        networks[label] = learn_store(store, door, config, runtime=runtime, label=label, place=place)
    return networks


def learn_store(
    store: GeneMajor,
    door: Door,
    config: Config,
    *,
    runtime: Runtime,
    label: Label = None,
    place: tuple[int, int] = (1, 1),
) -> Network:
    """Learn the network of a prepared store, of one label, the first of so many at its ``place``.

    Here computing begins, by every way in: what can be refused of data was refused when the store was made.
    """
    return _learn(_begin(label, store, door, config=config, runtime=runtime), label, place)


def check_joint(config: Config, labels: Sequence[Label]) -> list[str]:
    """Return the labels of groups that can be learned together; refuse others."""
    named = [label for label in labels if label is not None]
    if len(named) < len(labels) or config.input.group is not None:
        asked = "no groups" if config.input.group is None else f"only the group {config.input.group!r}"
        msg = (
            f"joint (input.joint) learns all groups of the observations together; found {asked}. Give --group-by "
            "COLUMN (groupby= of tl.dag, groups= of learn) and no --input.group, or leave joint out."
        )
        raise ConfigError(msg)
    if SHARED in named or len(named) < 2:  # the shared network has a folder and keys of that name
        what = f"a group called {SHARED!r}" if SHARED in named else f"{len(named)} group"
        msg = f"Found {what}; to be learned together (joint), groups are two at least, of other names than {SHARED!r}."
        raise InputError(msg)
    return named


def _begin(
    label: Label, store: GeneMajor, door: Door, *, config: Config, runtime: Runtime, shared: Shared | None = None
) -> Session:
    if label is not None and config.input.group_by is not None:  # learn has labels, and no column to name
        config = config.with_options({"input.group": label})
    data = Dataset.build(
        store, config, regulators=door.regulators, knowledge=door.knowledge, group=label, shared=shared
    )
    runtime.warn(_said(label, [*store.facts.get("warnings", []), *data.warnings]))
    return Session(Task.begin(data, config, runtime), door.about(label), door.folder(label))


def _learn(session: Session, label: Label, place: tuple[int, int]) -> Network:
    """Learn the network of a place, the first of so many; tell how long it may take, and what came up meanwhile."""
    data, runtime = session.task.data, session.task.runtime
    if runtime.expect is not None:
        planned = estimate(data.n_genes, data.n_obs, session.asked, threads=runtime.threads)["seconds"]
        left_out = WRITTEN if session.folder is None else ()
        runtime.expect({name: spent for name, spent in planned.items() if name not in left_out}, *place)
    network = session.learn()
    before = {*data.store.facts.get("warnings", []), *data.warnings}
    runtime.warn(_said(label, [text for text in network.facts["warnings"] if text not in before]))
    return network


def _said(label: Label, texts: Iterable[str]) -> list[str]:
    return [text if label is None else f"{label}: {text}" for text in texts]


def _learn_together(labels: list[str], door: Door, config: Config, *, runtime: Runtime) -> JointNetworks:
    """Learn the shared network, then that of each group along its order, and compare their edges.

    Model auto is chosen once, from all groups.
    """
    stores = {label: door.open_store(label) for label in labels}
    pooled, scale = pool(stores)
    data = Dataset.build(pooled, config, regulators=door.regulators, knowledge=door.knowledge)
    whole = Session(Task.begin(data, config, runtime), door.about(labels[0]), door.folder(SHARED))
    if config.card is None:
        chosen = whole.choose()
    shared = _learn(whole, SHARED, (1, 1 + len(labels)))
    position = dict(zip(shared.nodes["gene"], shared.nodes["order"].tolist(), strict=True))
    common = Shared(shared.edges[["source", "target"]], position)
    networks = {}
    for k, (label, store) in enumerate(stores.items(), 2):
        session = _begin(label, store, door, config=config, runtime=runtime, shared=common)
        if config.card is None:
            session.go_on_with(chosen)
        networks[label] = _learn(session, label, (k, 1 + len(labels)))
    edges = differential_edges(whole.task, scale, stores, shared=shared, networks=networks)
    return JointNetworks(networks, shared, edges)
