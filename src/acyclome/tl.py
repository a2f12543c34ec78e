"""Learn networks from AnnData objects, in the grammar of scanpy: look up, call, write named keys."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.io.keys import check_key, write_keys
from acyclome.io.runs import safe_name
from acyclome.knowledge import read_regulators

if TYPE_CHECKING:
    from anndata import AnnData

    from acyclome.network import Network

PREPARED_LAYER = "dag_input"


def dag(
    adata: AnnData,
    *,
    layer: str | None = None,
    groupby: str | None = None,
    regulators: Sequence[str] | str | os.PathLike[str] | None = None,
    resamples: int | None = None,
    seed: int | None = None,
    key_added: str = "dag",
    copy: bool = False,
    config: Mapping[str, Any] | Config | None = None,
    threads: int | None = None,
) -> AnnData | None:
    """Learn a causal network of the genes and write it into `adata`.

    Parameters
    ----------
    adata
        Observations x genes.
    layer, groupby, resamples, seed
        As ``input.layer`` (``"dag_input"``, written by :func:`acyclome.pp.prepare`, is taken as prepared),
        ``input.group_by`` (one network for each label), ``resample.resamples`` and ``seed``; None: as in `config`.
    regulators
        Names of the only genes that may be causes, or a file with one a line.
    key_added
        Name under which the network is written.
    copy
        Return a changed copy instead of changing `adata`.
    config
        Further options, such as ``{"score": {"noise": "equal"}}``.
    threads
        Number of threads; the result does not depend on it.

    Returns
    -------
    None, or the copy. Written are ``varp[key_added]`` (CSR, row = source, column = target), ``varp`` with ``_score``,
    ``_stability`` ... added to the name, ``var`` with ``_order`` ..., and ``uns[key_added]``; with `groupby` per group.

    Raises
    ------
    InputError
        If an option, the matrix, the column or the list of regulators cannot be used.
    """
    check_key(adata, key_added)
    given = {"layer": layer, "group_by": groupby, "resamples": resamples, "seed": seed}
    options = Config.from_mapping(config).with_options(**{name: v for name, v in given.items() if v is not None})
    names = read_regulators(regulators) if isinstance(regulators, (str, os.PathLike)) else regulators
    networks = {label: _learn(part, options, names, threads) for label, part in _parts(adata, options)}
    target = adata.copy() if copy else adata
    if target.is_view:
        target._init_as_actual(target.copy())
    for label, network in networks.items():
        write_keys(target, network, key_added if label is None else f"{key_added}_{safe_name(label)}")
    if None not in networks:
        target.uns[key_added] = {"groups": {safe_name(label): label for label in networks}}
    return target if copy else None


def _parts(adata: AnnData, options: Config) -> list[tuple[Any, AnnData]]:
    """Return the observations of each group with its label; all of them, with None, if there are no groups."""
    column = options.input.group_by
    if column is None:
        return [(None, adata)]
    if column not in adata.obs:
        known = ", ".join(map(str, adata.obs.columns[:10])) or "none"
        msg = f"adata.obs has no column {column!r} to group by; it has {known}."
        raise InputError(msg)
    labels = adata.obs[column].astype(str).where(adata.obs[column].notna())
    wanted = sorted(labels.dropna().unique()) if options.input.group is None else [options.input.group]
    if not labels.isin(wanted).any():
        known = ", ".join(sorted(labels.dropna().unique())[:10]) or "none"
        msg = f"No observation has the group {options.input.group!r} in the column {column!r}; its labels are {known}."
        raise InputError(msg)
    return [(label, adata[(labels == label).to_numpy()]) for label in wanted]


def _learn(adata: AnnData, options: Config, regulators: Sequence[str] | None, threads: int | None) -> Network:
    """Prepare the matrix, unless it is prepared, and learn its network."""
    from acyclome.pipeline import learn
    from acyclome.prepare import prepare

    options = options.with_options(group_by=None, group=None)
    if options.input.layer == PREPARED_LAYER and PREPARED_LAYER in adata.layers:
        used = adata.var["dag_used"].to_numpy(dtype=bool)
        X, genes, facts = adata.layers[PREPARED_LAYER][:, used], adata.var_names[used].tolist(), {}
    else:
        prepared = prepare(adata, options)
        X, genes, facts = prepared.X.T, list(prepared.genes), {"prepare": prepared.facts}
    network = learn(
        X,
        genes,
        regulators=regulators,
        resamples=options.resample.resamples,
        seed=options.seed,
        threads=threads,
        config=options,
    )
    return replace(network, facts={**network.facts, **facts})
