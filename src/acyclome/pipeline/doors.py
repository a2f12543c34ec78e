"""The way from a store to its network that all doors share: arrays in memory, AnnData objects and files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.io.runs import RunFolder
from acyclome.io.store import GeneMajor
from acyclome.knowledge.regulators import Regulators
from acyclome.knowledge.shared import Shared
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.durations import WRITTEN, Filled
from acyclome.pipeline.resources import estimate
from acyclome.pipeline.session import Session
from acyclome.pipeline.speed import known_rates
from acyclome.pipeline.task import Runtime, Task

if TYPE_CHECKING:
    from acyclome.network import Network

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

    Here computing begins, by every way in, but for groups that are learned together: what can be refused of data was
    refused when the store was made.
    """
    return learn_session(begin_session(label, store, door, config=config, runtime=runtime), label, place)


def begin_session(
    label: Label, store: GeneMajor, door: Door, *, config: Config, runtime: Runtime, shared: Shared | None = None
) -> Session:
    """Begin the network of a label on a prepared store, and say what there is to be warned of."""
    if label is not None and config.input.group_by is not None:  # learn has labels, and no column to name
        config = config.with_options({"input.group": label})
    with naming(label):
        data = Dataset.build(
            store, config, regulators=door.regulators, knowledge=door.knowledge, group=label, shared=shared
        )
    runtime.warn(_said(label, [*store.facts.get("warnings", []), *data.warnings]))
    return Session(Task.begin(data, config, runtime), door.about(label), door.folder(label))


@contextmanager
def naming(label: Label) -> Iterator[None]:
    """Name the group in what is refused of its observations."""
    try:
        yield
    except InputError as error:
        if label is None:
            raise
        msg = f"Group {label!r}: {error}"
        raise type(error)(msg) from error


def learn_session(session: Session, label: Label, place: tuple[int, int]) -> Network:
    """Learn the network of a place, the first of so many; tell how long it may take, and what came up meanwhile."""
    data, runtime = session.task.data, session.task.runtime
    if runtime.expect is not None:
        given: dict[str, Any] = {"threads": runtime.threads, "rates": known_rates()}
        filled = Filled.of(data.store.seen, data.n_obs)
        facts = estimate(data.n_genes, data.n_obs, session.asked, **given, filled=filled)
        planned = facts["seconds"]
        left_out = ("prepare", *(WRITTEN if session.folder is None else ()))  # the data are prepared
        runtime.expect({name: spent for name, spent in planned.items() if name not in left_out}, *place)
    network = session.learn()
    before = {*data.store.facts.get("warnings", []), *data.warnings}
    runtime.warn(_said(label, [text for text in network.facts["warnings"] if text not in before]))
    return network


def _said(label: Label, texts: Iterable[str]) -> list[str]:
    return [text if label is None else f"{label}: {text}" for text in texts]
