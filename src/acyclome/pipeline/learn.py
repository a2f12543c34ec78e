"""``learn``: from a prepared matrix in memory to its network, on the same road as a run over files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

import numpy as np

from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.io.store import MemoryStore
from acyclome.knowledge.interventions import as_perturbation
from acyclome.knowledge.regulators import listed_regulators
from acyclome.machine import usable_threads
from acyclome.network import Network
from acyclome.notebook import speaks_python, tell
from acyclome.notebook.bars import reporter
from acyclome.options.earlier import earlier_arguments
from acyclome.pipeline.asked import asked_for
from acyclome.pipeline.doors import Door, Label
from acyclome.pipeline.groups import learn_groups
from acyclome.pipeline.task import Runtime
from acyclome.prepare.checks import as_labels, as_matrix, check_groups, check_matrix, leave_out_constant
from acyclome.prepare.copies import leave_out_copies
from acyclome.prepare.strangers import odd_observations

if TYPE_CHECKING:
    import pandas as pd


class _Options(TypedDict, total=False):
    """The arguments of ``learn`` by keyword, for type checkers, which then know what groups make of the answer."""

    regulators: Sequence[str] | str | os.PathLike[str] | None
    knowledge: pd.DataFrame | str | os.PathLike[str] | None
    perturbation: Sequence[str] | None
    joint: bool
    n_resamples: int | None
    random_state: int | None
    threads: int | None
    device: str
    config: Mapping[str, Any] | Config | None
    preset: Literal["quick", "paper"] | None


@overload
def learn(X: Any, genes: Sequence[str] | None = None, *, groups: None = None, **given: Unpack[_Options]) -> Network: ...
@overload
def learn(
    X: Any, genes: Sequence[str] | None = None, *, groups: Sequence[str], **given: Unpack[_Options]
) -> dict[str, Network]: ...
@speaks_python
@earlier_arguments(rules="knowledge", resamples="n_resamples", seed="random_state")
def learn(
    X: Any,
    genes: Sequence[str] | None = None,
    *,
    regulators: Sequence[str] | str | os.PathLike[str] | None = None,
    knowledge: pd.DataFrame | str | os.PathLike[str] | None = None,
    perturbation: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    joint: bool = False,
    n_resamples: int | None = None,
    random_state: int | None = None,
    threads: int | None = None,
    device: str = "auto",
    config: Mapping[str, Any] | Config | None = None,
    preset: Literal["quick", "paper"] | None = None,
) -> Network | dict[str, Network]:
    """Learn the causal network of a prepared matrix.

    Parameters
    ----------
    X
        ``(n, d)`` observations x genes, an array, sparse or a table, taken as prepared; never changed.
    genes
        Names; default: those of the table's columns, else ``gene_1`` ...
    regulators
        The only genes that may be causes, a file with one a line, or ``"human"`` or ``"mouse"``.
    knowledge
        Table of edges known beforehand, or its file: source, target, and if you like weight, sign (+, -), kind
        (forbidden, required, soft, known) and scope (all, most, or a group).
    perturbation
        One text per observation: the genes that were acted on, joined by ``;``, empty where none was.
    groups
        One label per observation; a dict of networks comes back.
    joint
        Learn groups together, with one order and shared causes, and test which edges differ; a
        :class:`acyclome.network.JointNetworks` comes back.
    n_resamples, random_state
        As ``resample.resamples`` and ``seed`` in `config`, over which they go (20 and 0 by default).
    threads, device
        How to run; the result does not depend on them, but for rounding on a card.
    config
        Options as a nested mapping, such as ``{"score": {"noise": "equal"}}``, or a :class:`Config`.
    preset
        ``"quick"``, a first look without half-samples and checks, or ``"paper"``, with a hundred; `config` and
        arguments override it.

    Raises
    ------
    InputError
        If the matrix, a name or an option will not do.

    Examples
    --------
    >>> net = ac.learn(X, genes, n_resamples=4)
    >>> net
    Network of 10 genes and 4 edges
    >>> by_type = ac.learn(X, genes, groups=adata.obs["cell_type"], joint=True, n_resamples=0)
    >>> by_type["CD16 Mono"]
    Network of 10 genes and 4 edges
    >>> known = pd.DataFrame({"source": ["LYZ"], "target": ["SPI1"], "kind": ["forbidden"]})
    >>> ac.learn(X, genes, knowledge=known, n_resamples=0).parents("SPI1").empty
    True
    """
    given = {"resample.resamples": n_resamples, "seed": random_state, "input.joint": joint or None}
    options = asked_for(config, preset, given)
    runtime = Runtime(threads=threads or usable_threads(), device=device, progress=reporter(), tell=tell)
    X, names = as_matrix(X, genes)
    options, obs = _with_perturbation(options, perturbation, X.shape[0])
    causes = listed_regulators(regulators)
    if groups is None:
        stores: dict[Label, MemoryStore] = {None: _memory_store(X, names, is_part=False, obs=obs)}
    else:
        stores = _stores_of_groups(X, names, as_labels(groups, X.shape[0]), obs=obs)
    door = Door.in_memory("acyclome.learn", stores.__getitem__, regulators=causes, knowledge=knowledge)
    networks = learn_groups(list(stores), door, options, runtime=runtime)
    return networks if groups is not None else networks[None]


def _stores_of_groups(
    X: Any, genes: list[str], labels: np.ndarray, *, obs: pd.DataFrame | None
) -> dict[Label, MemoryStore]:
    sizes = dict(zip(*(part.tolist() for part in np.unique(labels, return_counts=True)), strict=True))
    check_groups(sizes, "the argument groups", "give only its rows of X")
    stores: dict[Label, MemoryStore] = {}
    for label in sizes:
        rows = np.flatnonzero(labels == label)
        try:
            stores[label] = _memory_store(X[rows], genes, is_part=True, obs=None if obs is None else obs.iloc[rows])
        except InputError as error:
            msg = f"Group {label!r}: {error}"
            raise type(error)(msg) from error
    return stores


def _with_perturbation(
    config: Config, perturbation: Sequence[str] | None, n_obs: int
) -> tuple[Config, pd.DataFrame | None]:
    """Return options and a table of the observations that say what was done to each."""
    if perturbation is None:
        if config.input.perturbation is not None:
            msg = "config names a column of the observations (input.perturbation); learn has none. Give perturbation=."
            raise InputError(msg)
        return config, None
    import pandas as pd

    column = config.input.perturbation or "perturbation"
    table = pd.DataFrame({column: as_perturbation(perturbation, n_obs)})
    return config.with_options({"input.perturbation": column}), table


def _memory_store(X: Any, genes: list[str], *, is_part: bool, obs: pd.DataFrame | None) -> MemoryStore:
    """Return a matrix as a store once nothing can be said against it; a part may lose genes that are constant there."""
    X, genes, warnings = leave_out_constant(X, genes) if is_part else (X, genes, [])
    check_matrix(X, genes)
    odd = odd_observations(X.T, [str(row) for row in range(X.shape[0])])
    X, genes, copies = leave_out_copies(X, genes)
    check_matrix(X, genes)
    return MemoryStore(X.T, genes, facts={"warnings": [*warnings, *odd, *copies]}, obs_columns=obs)
