"""``learn``: from a prepared matrix in memory to its network, on the same road as a run over files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

import numpy as np

from acyclome.config import Config
from acyclome.core.data.moments import dtype_of
from acyclome.core.data.standardized import is_small
from acyclome.errors import InputError
from acyclome.io.matrices import to_memory
from acyclome.io.slabs import is_elsewhere, is_streamed, slab_reader
from acyclome.io.store import GeneMajor, MemoryStore, write_store
from acyclome.knowledge.interventions import as_perturbation
from acyclome.knowledge.regulators import listed_regulators
from acyclome.machine import threads_asked
from acyclome.network import Network
from acyclome.notebook import speaks_python, tell
from acyclome.notebook.bars import reporter
from acyclome.options.earlier import earlier_arguments
from acyclome.pipeline.anndata_store import store_in_folder
from acyclome.pipeline.asked import asked_for
from acyclome.pipeline.doors import Door, Label, naming
from acyclome.pipeline.groups import learn_groups
from acyclome.pipeline.task import Runtime
from acyclome.prepare.checks import as_labels, as_matrix, check_groups, check_matrix, leave_out_constant
from acyclome.prepare.copies import leave_out_copies
from acyclome.prepare.matrix import Matrix, transposed
from acyclome.prepare.strangers import odd_observations
from acyclome.prepare.streamed import Streamed, is_plain

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
        ``(n, d)`` observations x genes, an array, sparse or a table, taken as prepared; never changed. A sparse one of
        dask, or in an h5ad or zarr (``adata.X`` of what was opened backed), is read slab by slab where it is large.
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
    runtime = Runtime(threads=threads_asked(threads), device=device, progress=reporter(), tell=tell)
    X, names = as_matrix(X, genes)
    options, obs = _with_perturbation(options, perturbation, X.shape[0])
    causes = listed_regulators(regulators)
    if groups is None:
        stores: dict[Label, GeneMajor] = {None: _store(X, names, None, obs=obs)}
    else:
        stores = _stores_of_groups(X, names, as_labels(groups, X.shape[0]), obs=obs)
    door = Door.in_memory("acyclome.learn", stores.__getitem__, regulators=causes, knowledge=knowledge)
    networks = learn_groups(list(stores), door, options, runtime=runtime)
    return networks if groups is not None else networks[None]


def _stores_of_groups(
    X: Any, genes: list[str], labels: np.ndarray, *, obs: pd.DataFrame | None
) -> dict[Label, GeneMajor]:
    sizes = dict(zip(*(part.tolist() for part in np.unique(labels, return_counts=True)), strict=True))
    check_groups(sizes, "the argument groups", "give only its rows of X")
    stores: dict[Label, GeneMajor] = {}
    for label in sizes:
        rows = np.flatnonzero(labels == label)
        with naming(label):
            stores[label] = _store(X, genes, rows, obs=None if obs is None else obs.iloc[rows])
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


def _store(X: Any, genes: list[str], rows: np.ndarray | None, *, obs: pd.DataFrame | None) -> GeneMajor:
    """Return a matrix as a store once nothing can be said against it.

    Some observations, rising ``rows``, may have genes that are constant there, which are left out.
    """
    G = _by_genes(X, rows)
    G, genes, warnings = leave_out_constant(G, genes) if rows is not None else (G, genes, [])
    check_matrix(G, genes)
    names = [str(row) for row in range(G.shape[1])]
    odd = odd_observations(G, names)
    G, genes, copies = leave_out_copies(G, genes)
    check_matrix(G, genes)
    facts = {"warnings": [*warnings, *odd, *copies]}
    if not isinstance(G, Streamed):
        return MemoryStore(G, genes, facts=facts, obs_columns=obs)
    given: dict[str, Any] = {"observations": names, "facts": facts, "obs_columns": obs, "in_slabs": True}
    return store_in_folder(lambda path: write_store(path, G.slabs(), genes, **given))


def _by_genes(X: Any, rows: np.ndarray | None) -> Matrix:
    """Return some observations gene by gene: in memory, but for sparse ones that are large and plain, as prepared."""
    if is_streamed(X):
        n, d = X.shape[0] if rows is None else len(rows), X.shape[1]
        found = Streamed(slab_reader(X, rows), n, np.arange(d))
        if not is_small((d, n), np.dtype(dtype_of(d))) and is_plain(found):
            return found
    if is_elsewhere(X):
        X = to_memory(X, rows)
    elif rows is not None:
        X = X[rows]
    return transposed(X)
