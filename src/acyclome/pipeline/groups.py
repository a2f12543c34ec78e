"""Networks of groups: each by itself, or all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from acyclome import pipeline
from acyclome.config import Config
from acyclome.errors import ConfigError, InputError
from acyclome.io.names import SHARED
from acyclome.io.store import GeneMajor
from acyclome.knowledge.beforehand import check_files
from acyclome.knowledge.shared import Shared
from acyclome.network import JointNetworks, Network
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.doors import Door, Label, begin_session, learn_session
from acyclome.pipeline.joint import differential_edges, pool
from acyclome.pipeline.session import Session
from acyclome.pipeline.task import Runtime, Task


def learn_groups(labels: Sequence[Label], door: Door, config: Config, *, runtime: Runtime) -> dict[Any, Network]:
    """Learn a network for every label, each by itself or, with ``input.joint``, all together."""
    check_files(config.knowledge, door.knowledge)
    if config.input.joint:
        return _learn_together(check_joint(config, labels), door, config, runtime=runtime)
    networks = {}
    for k, label in enumerate(labels, 1):
        place, store = (k, len(labels)), door.open_store(label)
        # By its name in the package, so that whoever watches or replaces it there is asked for every network.
        networks[label] = pipeline.learn_store(store, door, config, runtime=runtime, label=label, place=place)
    return networks


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


def _learn_together(labels: list[str], door: Door, config: Config, *, runtime: Runtime) -> JointNetworks:
    """Learn the shared network, then that of each group along its order, and compare their edges.

    Model auto is chosen once, from all groups.
    """
    stores = {label: door.open_store(label) for label in labels}
    pooled, scale = pool(stores, _amounts(stores, door, config))
    data = Dataset.build(pooled, config, regulators=door.regulators, knowledge=door.knowledge)
    whole = Session(Task.begin(data, config, runtime), door.about(labels[0]), door.folder(SHARED))
    if config.card is None:
        chosen = whole.choose()
    shared = learn_session(whole, SHARED, (1, 1 + len(labels)))
    networks, common = {}, Shared.of(shared)
    for k, (label, store) in enumerate(stores.items(), 2):
        session = begin_session(label, store, door, config=config, runtime=runtime, shared=common)
        if config.card is None:
            session.go_on_with(chosen)
        networks[label] = learn_session(session, label, (k, 1 + len(labels)))
    edges = differential_edges(whole.task, scale, stores, shared=shared, networks=networks)
    return JointNetworks(networks, shared, edges)


def _amounts(stores: Mapping[str, GeneMajor], door: Door, config: Config) -> frozenset[str]:
    """Return the genes that are amounts in every group, of a model that takes their logarithms.

    What is one gene to the shared network has to be one to each group, or their weights could not be compared.
    """
    if config.card is None or not config.card.takes_logarithms:
        return frozenset()
    given = {"regulators": door.regulators, "knowledge": door.knowledge}
    groups = (Dataset.build(store, config, **given, group=label) for label, store in stores.items())
    return frozenset.intersection(*(frozenset(data.under(config).amounts) for data in groups))
