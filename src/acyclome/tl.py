"""Learn networks from AnnData objects, in the grammar of scanpy: look up, call, write named keys."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from acyclome.config import Config
from acyclome.errors import ConfigError, InputError, examples
from acyclome.io.atomic import plain
from acyclome.io.keys import check_key, write_keys
from acyclome.io.runs import SHARED, safe_name
from acyclome.knowledge.regulators import listed_regulators
from acyclome.network import JointNetworks, Network
from acyclome.prepare.checks import check_groups, check_matrix, leave_out_constant

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from acyclome.io.store import MemoryStore
    from acyclome.pipeline.session import Runtime

PREPARED_LAYER, COMMAND = "dag_input", "acyclome.tl.dag"


def dag(
    adata: AnnData,
    *,
    layer: str | None = None,
    groupby: str | None = None,
    perturbation: str | None = None,
    control: str | None = None,
    regulators: Sequence[str] | str | os.PathLike[str] | None = None,
    rules: pd.DataFrame | str | os.PathLike[str] | None = None,
    resamples: int | None = None,
    seed: int | None = None,
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
    layer, groupby, resamples, seed
        As ``input.layer`` (``"dag_input"``, written by :func:`acyclome.pp.prepare`, is taken as prepared),
        ``input.group_by`` (one network for each label), ``resample.resamples`` and ``seed``; None: as in `config`.
    perturbation, control
        As ``input.perturbation``, the column of obs that names the targets of interventions, and ``input.control``.
    regulators
        Names of the only genes that may be causes, or a file with one a line.
    rules
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
    None, or the copy. Written are ``varp[key_added]`` (CSR, row = source, column = target), ``varp`` with ``_score``,
    ``_stability`` ... added to the name, ``var`` with ``_order`` ..., and ``uns[key_added]``; with `groupby` per group;
    with ``input.joint`` also the network that groups share, under ``key_added`` with ``_shared`` added, and the table
    ``uns[key_added]["differential"]``.

    Raises
    ------
    InputError
        If an option, the matrix, the column or the list of regulators cannot be used.
    """
    from acyclome.machine import usable_threads
    from acyclome.pipeline.session import Runtime

    check_key(adata, key_added)
    given = {
        "input.layer": layer,
        "input.group_by": groupby,
        "input.perturbation": perturbation,
        "input.control": control,
        "resample.resamples": resamples,
        "seed": seed,
    }
    options = Config.from_mapping(config).with_options({name: v for name, v in given.items() if v is not None})
    names, runtime = listed_regulators(regulators), Runtime(threads=threads or usable_threads(), device=device)
    parts = _groups(adata, options)
    networks: Mapping[Any, Network]
    if options.input.joint:
        networks = _learn_together(adata, options, parts, names, rules, runtime)
    else:
        networks = {label: _learn(adata, part, names, rules, runtime) for label, part in parts.items()}
    target = adata.copy() if copy else adata
    if target.is_view:
        target._init_as_actual(target.copy())
    for label, network in networks.items():
        write_keys(target, network, key_added if label is None else f"{key_added}_{safe_name(label)}")
    if None not in networks:
        target.uns[key_added] = {"groups": {safe_name(label): label for label in networks}}
    if isinstance(networks, JointNetworks):
        write_keys(target, networks.shared, f"{key_added}_{SHARED}")
        target.uns[key_added]["differential"] = networks.differential
    return target if copy else None


def _groups(adata: AnnData, options: Config) -> dict[Any, Config]:
    """Return the options of each group by its label; those of all observations, by None, if there are no groups."""
    if options.input.group_by is None:
        return {None: options}
    labels = _labels(adata, options)
    known = sorted(labels.dropna().unique())
    wanted = known if options.input.group is None else [options.input.group]
    if options.input.group is not None and not labels.isin(wanted).any():
        msg = (
            f"No observation has the group {options.input.group!r} in the column {options.input.group_by!r}; "
            f"its labels are {examples(known, 10) or 'none'}."
        )
        raise InputError(msg)
    if options.input.group is None:
        sizes = {label: int((labels == label).sum()) for label in known}
        check_groups(sizes, f"the column {options.input.group_by!r} of obs", "config={'input': {'group': LABEL}}")
    return {label: options.with_options({"input.group": label}) for label in wanted}


def _labels(adata: AnnData, options: Config) -> pd.Series:
    column = options.input.group_by
    if column not in adata.obs:
        known = examples(adata.obs.columns, 10) or "none"
        msg = f"adata.obs has no column {column!r} to group by; it has {known}."
        raise InputError(msg)
    return adata.obs[column].astype(object).where(adata.obs[column].notna()).map(str, na_action="ignore")


def _learn(adata: AnnData, options: Config, regulators: Sequence[str] | None, rules: Any, runtime: Runtime) -> Network:
    """Prepare the matrix, unless it is prepared, and learn its network."""
    from acyclome.pipeline.commands import learn_store

    store = _store(adata, options)
    return learn_store(store, options, runtime, regulators=regulators, rules=rules, command=COMMAND)


def _learn_together(
    adata: AnnData,
    options: Config,
    parts: Mapping[Any, Config],
    regulators: Sequence[str] | None,
    rules: Any,
    runtime: Runtime,
) -> JointNetworks:
    """Prepare every group by itself and learn them together."""
    from acyclome.pipeline.joint import learn_together
    from acyclome.pipeline.session import Session

    if None in parts or options.input.group is not None:
        msg = "joint learns all labels of a column together. Give groupby, and no group."
        raise ConfigError(msg)
    stores = {label: _store(adata, part) for label, part in parts.items()}
    about = {"command": COMMAND, "input": {}}
    return learn_together(
        stores,
        lambda label, store, shared: Session(
            None, options.with_options({"input.group": label}), store, runtime, about, regulators, rules, shared=shared
        ),
    )


def _store(adata: AnnData, options: Config) -> MemoryStore:
    """Return the matrix as a store, prepared now unless it is."""
    from acyclome.io.store import MemoryStore
    from acyclome.prepare import prepare

    if options.input.layer == PREPARED_LAYER and PREPARED_LAYER in adata.layers:
        return _prepared_layer(adata, options)
    done = prepare(adata, options)
    return MemoryStore(done.X, done.genes, done.observations, facts=done.facts, obs_columns=done.obs_columns)


def _prepared_layer(adata: AnnData, options: Config) -> MemoryStore:
    """Return what :func:`acyclome.pp.prepare` left in the object, of one group if there is one, with its facts."""
    from acyclome.io.store import MemoryStore
    from acyclome.prepare.selection import check_perturbation

    check_perturbation(adata, options.input)
    rows = slice(None) if options.input.group is None else _labels(adata, options) == options.input.group
    used = adata.var["dag_used"].to_numpy(dtype=bool)
    X, genes = adata.layers[PREPARED_LAYER][rows][:, used], adata.var_names[used].tolist()
    X, genes, warnings = leave_out_constant(X, genes) if options.input.group is not None else (X, genes, [])
    check_matrix(X, genes)
    facts = dict(adata.uns.get("dag_prepare", {}))
    facts["warnings"] = [*facts.get("warnings", []), *warnings]
    if "n_effective" in facts:
        facts["n_effective"] = X.shape[0] - (float(facts["n_obs"]) - float(facts["n_effective"]))
        facts["steps"] = [dict(zip(("step", "what"), text.split(": ", 1), strict=True)) for text in facts["steps"]]
    obs = None if options.input.perturbation is None else adata.obs[rows]
    return MemoryStore(X.T, genes, adata.obs_names[rows].tolist(), facts=plain(facts), obs_columns=obs)
