"""What a network is learned from, out of an AnnData object in memory: groups by their labels, and prepared matrices."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from acyclome.config import Config
from acyclome.errors import InputError, examples
from acyclome.io.atomic import plain, temporary_folder
from acyclome.io.keys import check_genes
from acyclome.io.matrices import get_matrix, matrix_names
from acyclome.io.slabs import is_streamed
from acyclome.io.store import GeneMajor, MemoryStore, Store
from acyclome.prepare import prepare, write_prepared
from acyclome.prepare.checks import check_groups, check_matrix, leave_out_constant
from acyclome.prepare.copies import leave_out_copies
from acyclome.prepare.matrix import transposed
from acyclome.prepare.selection import check_perturbation, obs_column
from acyclome.prepare.symbols import find_symbols

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from acyclome.knowledge.regulators import Regulators

PREPARED_LAYER = "dag_input"  # as pp.prepare writes it


def labels_asked_for(adata: AnnData, options: Config) -> list[str | None]:
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
    column = obs_column(adata.obs, str(options.input.group_by), "group_by")
    return column.astype(object).where(column.notna()).map(str, na_action="ignore")


def store_of(
    adata: AnnData, options: Config, *, group: str | None = None, regulators: Regulators | None = None
) -> GeneMajor:
    """Return the matrix, of a group or as the options say, as a store, prepared now unless it is.

    One that is not in memory stays on the disk.  ``regulators`` are as of :func:`acyclome.prepare.prepare`.
    """
    options = options if group is None else options.with_options({"input.group": group})
    if options.input.layer == PREPARED_LAYER and PREPARED_LAYER in adata.layers:
        return _prepared_layer(adata, options)
    if any(is_streamed(get_matrix(adata, name)[0]) for name in matrix_names(adata)):
        store = store_in_folder(lambda path: write_prepared(adata, path, options, regulators=regulators))
        check_genes(adata, store.genes)
        return store
    done = prepare(adata, options, regulators=regulators)
    check_genes(adata, done.genes)
    return MemoryStore(
        done.X,
        done.genes,
        done.observations,
        facts=done.facts,
        obs_columns=done.obs_columns,
        symbols=done.symbols,
    )


def store_in_folder(write: Callable[[Path], object]) -> Store:
    """Return the store that is written to a path, in a folder that goes with it."""
    with ExitStack() as stack:
        path = stack.enter_context(temporary_folder(None, "prepared.")) / "prepared.h5"
        write(path)
        store = Store.open(path)
        weakref.finalize(store, stack.pop_all().close)
    return store


def _prepared_layer(adata: AnnData, options: Config) -> MemoryStore:
    """Return what :func:`acyclome.pp.prepare` left in the object, of one group if there is one, with its facts."""
    check_perturbation(adata, options.input)
    rows = slice(None) if options.input.group is None else _labels(adata, options) == options.input.group
    used = adata.var["dag_used"].to_numpy(dtype=bool)
    X, genes = transposed(adata.layers[PREPARED_LAYER][rows][:, used]), adata.var_names[used].tolist()
    # Prepared as a whole, so that in a group a gene may not vary; in the whole it would be a fault.
    X, genes, warnings = leave_out_constant(X, genes) if options.input.group is not None else (X, genes, [])
    check_matrix(X, genes)
    X, genes, copies = leave_out_copies(X, genes)
    facts = dict(adata.uns.get("dag_prepare", {}))
    facts["warnings"] = [*facts.get("warnings", []), *warnings, *copies]
    if "n_effective" in facts:
        # Facts are of all observations: the degrees that covariates took stay, the observations are those of the group.
        facts["n_effective"] = X.shape[1] - (float(facts["n_obs"]) - float(facts["n_effective"]))
        facts["steps"] = [dict(zip(("step", "what"), text.split(": ", 1), strict=True)) for text in facts["steps"]]
    obs = None if options.input.perturbation is None else adata.obs[rows]
    symbols = find_symbols(adata, options.input, genes)
    observations = adata.obs_names[rows].tolist()
    return MemoryStore(X, genes, observations, facts=plain(facts), obs_columns=obs, symbols=symbols)
