"""Learn networks from AnnData objects, in the grammar of scanpy: look up, call, write named keys."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from acyclome.config import Config
from acyclome.errors import InputError, examples
from acyclome.io.atomic import plain
from acyclome.io.keys import check_changeable, check_genes, check_key, read_joint, read_keys, write_keys
from acyclome.knowledge.regulators import listed_regulators
from acyclome.notebook import speaks_python, tell
from acyclome.notebook.bars import reporter
from acyclome.options.earlier import earlier_arguments
from acyclome.prepare.checks import check_groups, check_matrix, check_upright, leave_out_constant
from acyclome.prepare.copies import leave_out_copies
from acyclome.prepare.symbols import find_symbols

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from acyclome.io.store import MemoryStore

__all__ = ["compare", "dag", "predict"]

PREPARED_LAYER = "dag_input"  # as pp.prepare writes it


@speaks_python
@earlier_arguments(rules="knowledge", resamples="n_resamples", seed="random_state")
def dag(
    adata: AnnData,
    *,
    layer: str | None = None,
    gene_names: str | None = None,
    groupby: str | None = None,
    joint: bool = False,
    perturbation: str | None = None,
    control: str | None = None,
    regulators: Sequence[str] | str | os.PathLike[str] | None = None,
    knowledge: pd.DataFrame | str | os.PathLike[str] | None = None,
    n_resamples: int | None = None,
    random_state: int | None = None,
    key_added: str = "dag",
    copy: bool = False,
    config: Mapping[str, Any] | Config | None = None,
    threads: int | None = None,
    device: str = "auto",
) -> AnnData | None:
    """Learn a causal network of the genes and write it into `adata`.

    Parameters
    ----------
    adata
        Observations x genes.
    layer, groupby, n_resamples, random_state
        As ``input.layer`` (``"dag_input"``, written by :func:`acyclome.pp.prepare`, is taken as prepared),
        ``input.group_by`` (one network for each label), ``resample.resamples`` and ``seed``; None: as in `config`.
    joint
        Learn the groups together, with one order and shared causes, and test which edges differ (:func:`compare`).
    gene_names
        Column of ``adata.var`` with symbols, which stand beside the names of genes in tables and figures; None: found
        where these are Ensembl ids.
    perturbation, control
        As ``input.perturbation``, the column of obs that names the targets of interventions, and ``input.control``.
    regulators
        Names of the only genes that may be causes, a file with one a line, or ``"human"`` or ``"mouse"``: the
        transcription factors with a known motif.
    knowledge
        Table of edges known beforehand, or its file, as for :func:`acyclome.learn`.
    key_added
        Name under which the network is written.
    copy
        Return a changed copy instead of changing `adata`.
    config
        Further options, such as ``{"score": {"noise": "equal"}}``.
    threads, device
        How to run: the result does not depend on the number of threads, nor, but for rounding, on ``auto``, ``cpu`` or
        ``cuda``.

    Returns
    -------
    None, or the copy. Written are ``uns[key_added]``, which :mod:`acyclome.get` reads as tables, and for other packages
    the weights in ``varp[key_added]`` (CSR, row = source, column = target) and ``var`` with ``_order``, ``_in_degree``
    and ``_out_degree`` added to the name; ``_gene`` there says which gene is which, should genes be left out later.
    With `groupby` ``varp`` has the label of each group added to the name.

    Raises
    ------
    InputError
        If an option, the matrix, the column or the list of regulators cannot be used.

    Examples
    --------
    >>> ac.tl.dag(adata, layer="counts", regulators="human", n_resamples=4)
    >>> ac.get.edges(adata)[["source", "target"]]
      source target
    0   KLF1    HBB
    1   SPI1    LYZ
    2   SPI1   CST3
    3  GATA1   KLF1
    >>> ac.tl.dag(adata, layer="counts", groupby="cell_type", joint=True, n_resamples=4, key_added="types")
    """
    from acyclome.machine import usable_threads
    from acyclome.pipeline.groups import Door, learn_groups
    from acyclome.pipeline.task import Runtime

    _check(adata, key_added, copy=copy)  # now, not after an hour
    given = {
        "input.layer": layer,
        "input.gene_names": gene_names,
        "input.group_by": groupby,
        "input.perturbation": perturbation,
        "input.control": control,
        "input.joint": joint or None,
        "resample.resamples": n_resamples,
        "seed": random_state,
    }
    options = Config.from_mapping(config).with_options({name: v for name, v in given.items() if v is not None})
    door = Door.in_memory(
        "acyclome.tl.dag",
        lambda label: _store(adata, options if label is None else options.with_options({"input.group": label})),
        regulators=listed_regulators(regulators),
        knowledge=knowledge,
    )
    runtime = Runtime(threads=threads or usable_threads(), device=device, progress=reporter(), tell=tell)
    labels = _labels_asked_for(adata, options)
    networks = learn_groups(labels, door, options, runtime=runtime)
    target = adata.copy() if copy else adata
    if target.is_view:  # else every key that is written would copy it anew, with a warning
        target._init_as_actual(target.copy())
    write_keys(target, networks.get(None, networks), key_added)
    return target if copy else None


def _check(adata: AnnData, key: str, *, copy: bool) -> None:
    check_key(adata, key)
    check_changeable(adata, copy=copy)
    check_upright(adata)


@speaks_python
def compare(adata: AnnData, first: str, second: str, *, key: str = "dag") -> pd.DataFrame:
    """Return the edges of two groups that were learned together (``joint=True``), most different first.

    Parameters
    ----------
    adata
        Object with networks of groups.
    first, second
        Labels of the groups.
    key
        The ``key_added`` of the call that learned them.

    Returns
    -------
    The table of :meth:`acyclome.network.JointNetworks.compare`: weights, their ``difference``, ``z``, ``p`` and ``q``.

    Raises
    ------
    InputError
        If there are no such networks, or a label is not one of theirs.

    Examples
    --------
    >>> ac.tl.compare(adata, "CD14 Mono", "CD16 Mono", key="types")[["source", "target", "z"]].round(1).head(1)
      source target     z
    0   SPI1   CST3 -12.3
    """
    return read_joint(adata, key).compare(first, second)


@speaks_python
def predict(
    adata: AnnData,
    *,
    knockout: str | Sequence[str] | None = None,
    set: Mapping[str, float] | None = None,
    shift: Mapping[str, float] | None = None,
    perturb: str | Sequence[str] | None = None,
    interval: float = 0.9,
    key: str = "dag",
    group: str | None = None,
) -> pd.DataFrame:
    """Predict the expected change of every gene when some are acted on, by a network inside `adata`.

    Parameters
    ----------
    adata, key, group
        As of :func:`acyclome.get.network`.
    knockout, set, shift, perturb, interval
        As of :meth:`acyclome.Network.predict`.

    Returns
    -------
    One row per gene, largest change first, with an interval from the resamples.

    Raises
    ------
    InputError
        If there is no network, a gene is unknown or acted on twice, or nothing is acted on.

    Examples
    --------
    >>> ac.tl.predict(adata, knockout="SPI1")[["gene", "change", "low", "high"]].round(2).head(3)
       gene  change   low  high
    0  SPI1   -2.59 -2.59 -2.59
    1   LYZ   -1.88 -1.97 -1.78
    2  CST3   -1.16 -1.32 -1.00
    >>> ac.tl.predict(adata, set={"GATA1": 1.0}, shift={"SPI1": -0.5})["gene"].head(2).tolist()
    ['GATA1', 'SPI1']
    """
    return read_keys(adata, key, group).predict(set, shift, knockout, perturb=perturb, interval=interval)


def _labels_asked_for(adata: AnnData, options: Config) -> list[str | None]:
    """Return the labels of the groups to learn, only None if there are no groups."""
    if options.input.group_by is None:
        return [None]
    labels = _labels(adata, options)
    known = sorted(labels.dropna().unique())
    if options.input.group is None:
        sizes = {label: int((labels == label).sum()) for label in known}
        check_groups(sizes, f"the column {options.input.group_by!r} of obs", "config={'input': {'group': LABEL}}")
        return list(known)
    if options.input.group not in known:
        msg = (
            f"No observation has the group {options.input.group!r} in the column {options.input.group_by!r}; "
            f"its labels are {examples(known, 10) or 'none'}."
        )
        raise InputError(msg)
    return [options.input.group]


def _labels(adata: AnnData, options: Config) -> pd.Series:
    column = options.input.group_by
    if column not in adata.obs:
        known = examples(adata.obs.columns, 10) or "none"
        msg = f"adata.obs has no column {column!r} to group by; it has {known}."
        raise InputError(msg)
    return adata.obs[column].astype(object).where(adata.obs[column].notna()).map(str, na_action="ignore")


def _store(adata: AnnData, options: Config) -> MemoryStore:
    """Return the matrix as a store, prepared now unless it is."""
    from acyclome.io.store import MemoryStore
    from acyclome.prepare import prepare

    if options.input.layer == PREPARED_LAYER and PREPARED_LAYER in adata.layers:
        return _prepared_layer(adata, options)
    done = prepare(adata, options)
    check_genes(adata, done.genes)
    return MemoryStore(
        done.X,
        done.genes,
        done.observations,
        facts=done.facts,
        obs_columns=done.obs_columns,
        symbols=done.symbols,
    )


def _prepared_layer(adata: AnnData, options: Config) -> MemoryStore:
    """Return what :func:`acyclome.pp.prepare` left in the object, of one group if there is one, with its facts."""
    from acyclome.io.store import MemoryStore
    from acyclome.prepare.selection import check_perturbation

    check_perturbation(adata, options.input)
    rows = slice(None) if options.input.group is None else _labels(adata, options) == options.input.group
    used = adata.var["dag_used"].to_numpy(dtype=bool)
    X, genes = adata.layers[PREPARED_LAYER][rows][:, used], adata.var_names[used].tolist()
    # Prepared as a whole, so that in a group a gene may not vary; in the whole it would be a fault.
    X, genes, warnings = leave_out_constant(X, genes) if options.input.group is not None else (X, genes, [])
    check_matrix(X, genes)
    X, genes, copies = leave_out_copies(X, genes)
    facts = dict(adata.uns.get("dag_prepare", {}))
    facts["warnings"] = [*facts.get("warnings", []), *warnings, *copies]
    if "n_effective" in facts:
        # Facts are of all observations: the degrees that covariates took stay, the observations are those of the group.
        facts["n_effective"] = X.shape[0] - (float(facts["n_obs"]) - float(facts["n_effective"]))
        facts["steps"] = [dict(zip(("step", "what"), text.split(": ", 1), strict=True)) for text in facts["steps"]]
    obs = None if options.input.perturbation is None else adata.obs[rows]
    symbols = find_symbols(adata, options.input, genes)
    observations = adata.obs_names[rows].tolist()
    return MemoryStore(X.T, genes, observations, facts=plain(facts), obs_columns=obs, symbols=symbols)


def __dir__() -> list[str]:
    return __all__
