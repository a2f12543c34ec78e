"""Which matrix and which observations are prepared, and whether they can be learned from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from acyclome.errors import InputError, examples
from acyclome.io.gene_names import repeated
from acyclome.io.inspection import choose_matrix, look_for_doubts
from acyclome.io.matrices import MatrixFacts, get_matrix, to_memory
from acyclome.io.tenx import NOTES_KEY
from acyclome.knowledge.interventions import check_labels
from acyclome.options.sections import Input, Prepare
from acyclome.prepare.matrix import Draft, Matrix, gene_major

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

MIN_OBSERVATIONS = 10


def list_groups(adata: AnnData, column: str) -> dict[str, int]:
    """Return the labels of a column of the observations with their numbers of observations, sorted by name.

    Raises
    ------
    InputError
        If there is no such column; those that exist are named.
    """
    labels = obs_column(adata.obs, column, "group_by").dropna().astype(str)
    counts = labels.value_counts()
    return {str(label): int(counts[label]) for label in sorted(counts.index) if counts[label]}


def select(adata: AnnData, choice: Input, options: Prepare) -> tuple[Draft, MatrixFacts]:
    """Return the chosen matrix and observations in memory, gene-major, and what the matrix holds.

    Raises
    ------
    InputError
        If matrix, group or values cannot be used.
    """
    facts = choose_matrix(adata, choice.layer)
    values, genes = get_matrix(adata, facts.name)
    check_names(genes)
    rows = _group_rows(adata, choice)
    obs = adata.obs if rows is None else adata.obs.iloc[rows]
    what = f"group {choice.group!r} of {choice.group_by}" if rows is not None else "input"
    check_observations(len(obs), what)
    X = to_memory(values, rows)
    _check_values(X, genes, obs.index, facts, options)
    observations = adata.obs_names.astype(str).tolist()
    doubts = [*map(str, adata.uns.get(NOTES_KEY, [])), *look_for_doubts(observations, genes, facts)]
    draft = Draft(gene_major(X), np.asarray(genes, dtype=object), obs, facts.kind)
    text = f"matrix {facts.name}, {facts.kind} ({facts.note})"
    draft = draft.noted("read", text, warnings=doubts)
    if rows is not None:
        draft = draft.noted("group", f"only the {what}", obs_dropped=adata.n_obs - len(rows))
    return draft, facts


def check_perturbation(adata: AnnData, choice: Input) -> None:
    """Raise an InputError unless the column of the targets is there, names some, and holds the control."""
    if choice.perturbation is not None:
        labels = obs_column(adata.obs, choice.perturbation, "perturbation")
        check_labels(labels, choice.perturbation, choice.control)


def check_observations(n_obs: int, what: str) -> None:
    """Raise an InputError if there are too few observations to learn from."""
    if n_obs < MIN_OBSERVATIONS:
        msg = (
            f"The {what} has {n_obs} observations. Expected at least {MIN_OBSERVATIONS}, better hundreds: dependence "
            "between genes cannot be told from chance with fewer. Use more cells or samples, or a larger group."
        )
        raise InputError(msg)


def check_names(genes: list[str]) -> None:
    """Raise an InputError if a gene name occurs twice."""
    several = repeated(genes)
    if several:
        msg = (
            f"{len(several)} gene names occur more than once: {examples(several)}. Expected every gene once, because "
            "edges are told by name. Sum or drop the copies in the file, or tell them apart: "
            "adata.var_names_make_unique()."
        )
        raise InputError(msg)


def obs_column(obs: pd.DataFrame, column: str, key: str) -> pd.Series:
    """Return a column of the observations.

    Raises
    ------
    InputError
        If there is no such column; those that exist are named.
    """
    if column not in obs:
        found = examples([str(name) for name in obs.columns], 12) or "none (tables in csv or tsv never have any)"
        msg = (
            f"The observations have no column {column!r}, which {key} names. Columns: {found}. "
            f"Correct {key}, or add the column to obs of the h5ad file."
        )
        raise InputError(msg)
    return obs[column]


def _group_rows(adata: AnnData, choice: Input) -> np.ndarray | None:
    if choice.group_by is None or choice.group is None:
        return None
    labels = obs_column(adata.obs, choice.group_by, "group_by").astype(object).map(str)
    rows = np.flatnonzero(labels.to_numpy() == choice.group)
    if not rows.size:
        sizes = list_groups(adata, choice.group_by)
        found = examples([f"{label} ({size})" for label, size in sizes.items()], 12) or "none"
        msg = (
            f"The group {choice.group!r} of {choice.group_by} is empty. Labels with their observations: {found}. "
            "Give one of these as --input.group, exactly as written."
        )
        raise InputError(msg)
    return rows


def _check_values(X: Matrix, genes: list[str], observations: pd.Index, facts: MatrixFacts, options: Prepare) -> None:
    stored = X.data if sp.issparse(X) else np.asarray(X)
    if stored.dtype.kind == "f" and not np.isfinite(stored).all():
        raise InputError(_not_finite(X, genes, observations, facts))
    low = float(stored.min(initial=0))
    if low >= 0:
        return
    asked = options.normalize is True or options.log is True
    is_whole = facts.note.startswith("whole numbers") and (options.normalize == "auto" or options.log == "auto")
    if asked or is_whole:
        row, column = _first(X, np.less)
        msg = (
            f"The matrix {facts.name} has values below zero ({low:g} at the lowest; {genes[column]!r} in "
            f"{str(observations[row])!r}), so it holds no counts and no logarithm can be taken. Expected counts, or "
            "values to be used as they are. Choose another matrix (--layer), or set normalize: false and log: false."
        )
        raise InputError(msg)


def _not_finite(X: Matrix, genes: list[str], observations: pd.Index, facts: MatrixFacts) -> str:
    stored = X.data if sp.issparse(X) else np.asarray(X)
    n_nan, n_infinite = int(np.isnan(stored).sum()), int(np.isinf(stored).sum())
    row, column = _first(X, lambda values, _: ~np.isfinite(values))
    counted = [f"{n} {word}" for n, word in ((n_nan, "missing values (NaN)"), (n_infinite, "infinite values")) if n]
    from_log = " They often come from log(0) or a division by an empty cell." if n_infinite else ""
    return (
        f"The matrix {facts.name} holds {' and '.join(counted)}, the first at observation {str(observations[row])!r}, "
        f"gene {genes[column]!r}. Expected numbers everywhere.{from_log} Drop those genes or observations, or fill "
        "the gaps by a rule that you can defend; zero counts are no missing values."
    )


def _first(X: Matrix, holds: Callable[..., np.ndarray]) -> tuple[int, int]:
    """Return row and column of the first value for which ``holds(value, 0)``."""
    if sp.issparse(X):
        found = sp.coo_matrix(X)
        at = int(np.argmax(holds(found.data, 0)))
        return int(found.row[at]), int(found.col[at])
    row, column = np.unravel_index(int(np.argmax(holds(np.asarray(X), 0))), X.shape)
    return int(row), int(column)
