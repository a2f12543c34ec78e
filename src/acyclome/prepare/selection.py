"""Which matrix and which observations are prepared, and whether they can be learned from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from acyclome.core.data.moments import dtype_of
from acyclome.core.data.standardized import is_small
from acyclome.errors import InputError, examples
from acyclome.io.anndata_files import NOTES_KEY
from acyclome.io.choice import choose_matrix
from acyclome.io.inspection import look_for_doubts
from acyclome.io.matrices import MatrixFacts, get_matrix, to_memory
from acyclome.io.slabs import is_streamed, slab_reader
from acyclome.io.strangers import other_features
from acyclome.knowledge.interventions import check_labels
from acyclome.options.sections import Input, Prepare
from acyclome.prepare import missing
from acyclome.prepare.checks import LARGEST, check_finite, check_names, check_observations, first_where
from acyclome.prepare.matrix import Draft, Matrix, gene_major
from acyclome.prepare.strangers import leave_out_strangers, note_observations
from acyclome.prepare.streamed import Streamed
from acyclome.wording import plural

CODES = (-9.0, -99.0, -999.0, -9999.0)  # which statistics programs put for missing values

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData


def list_groups(adata: AnnData, column: str) -> dict[str, int]:
    """Return the labels of a column of the observations with their numbers of observations, sorted by name."""
    labels = obs_column(adata.obs, column, "group_by", notes=_notes(adata)).dropna().astype(str)
    counts = labels.value_counts()
    return {str(label): int(counts[label]) for label in sorted(counts.index) if counts[label]}


def select(adata: AnnData, choice: Input, options: Prepare) -> tuple[Draft, MatrixFacts]:
    """Return the chosen matrix and observations in memory, gene-major, and what the matrix holds."""
    chosen = choose_matrix(adata, choice.layer)
    facts = chosen.facts
    values, genes = get_matrix(adata, facts.name)
    check_names(genes)
    rows = _group_rows(adata, choice)
    obs = adata.obs if rows is None else adata.obs.iloc[rows]
    what = f"group {choice.group!r} of {choice.group_by}" if rows is not None else "input"
    check_observations(len(obs), what)
    if _is_streamed(values, facts, n_obs=len(obs), options=options):
        X: Matrix = Streamed(slab_reader(values, rows), len(obs), np.arange(facts.n_vars))
        draft = Draft(X, np.asarray(genes, dtype=object), obs, facts.kind)
    else:
        X = to_memory(values, rows)
        draft = Draft(gene_major(X), np.asarray(genes, dtype=object), obs, facts.kind)
        _check_values(X, draft, facts, options)
    observations = adata.obs_names.astype(str).tolist()
    doubts = [*_notes(adata), *chosen.doubts, *look_for_doubts(observations, genes, facts)]
    text = f"matrix {facts.name}, {facts.kind} ({facts.note}); {chosen.why}"
    kinds = other_features(adata.raw.var if facts.name == "raw" else adata.var)
    draft = leave_out_strangers(draft.noted("read", text, warnings=doubts), kinds)
    if rows is not None:
        draft = draft.noted("group", f"only the {what}", obs_dropped=adata.n_obs - len(rows))
    return note_observations(missing.settle(draft, options, _needed(obs, options))), facts


def _is_streamed(values: Any, facts: MatrixFacts, *, n_obs: int, options: Prepare) -> bool:
    """Say whether a matrix is read slab by slab: it is sparse, large, and none of its values has to be dealt with."""
    is_plain = facts.nan == facts.infinite == 0 and 0 <= facts.min <= facts.max <= LARGEST
    is_large = not is_small((facts.n_vars, n_obs), np.dtype(dtype_of(facts.n_vars)))
    return is_streamed(values) and is_plain and is_large and options.missing != "drop-observations"


def _needed(obs: pd.DataFrame, options: Prepare) -> list[pd.Series]:
    """Return the columns of the observations that the preparation needs every value of."""
    columns = dict.fromkeys(options.covariates, "covariates")
    joined = options.pseudobulk_by
    columns |= dict.fromkeys(joined_by(obs, joined), "pseudobulk_by") if joined is not None else {}
    return [obs_column(obs, name, key) for name, key in columns.items()]


def joined_by(obs: pd.DataFrame, names: str) -> list[str]:
    """Return the columns that one text names: one, or several that are separated by commas."""
    return [names] if names in obs else [name.strip() for name in names.split(",")]


def check_perturbation(adata: AnnData, choice: Input) -> None:
    """Raise an InputError unless the column of the targets is there, names some, and holds the control."""
    if choice.perturbation is not None:
        labels = obs_column(adata.obs, choice.perturbation, "perturbation", notes=_notes(adata))
        check_labels(labels, choice.perturbation, choice.control)


def _notes(adata: AnnData) -> list[str]:
    """Return what was said of the file as it was read."""
    return list(map(str, adata.uns.get(NOTES_KEY, [])))


def obs_column(obs: pd.DataFrame, column: str, key: str, *, notes: Sequence[str] = ()) -> pd.Series:
    """Return a column of the observations; where there is none, `notes` may say what became of it."""
    if column not in obs:
        unread = [note for note in notes if f"column {column!r} of obs" in note]
        if unread:
            msg = f"{unread[0]} {key} names it; write the column anew."
            raise InputError(msg)
        names = examples([str(name) for name in obs.columns], 12) or "none (tables in csv or tsv never have any)"
        msg = (
            f"The observations have no column {column!r}, which {key} names. Columns: {names}. "
            f"Correct {key}, or add the column to obs of the h5ad file."
        )
        raise InputError(msg)
    if (many := list(obs.columns).count(column)) > 1:
        msg = f"{many} columns of the observations are called {column!r}, which {key} names. Rename all but one in obs."
        raise InputError(msg)
    return obs[column]


def _group_rows(adata: AnnData, choice: Input) -> np.ndarray | None:
    if choice.group_by is None or choice.group is None:
        return None
    labels = obs_column(adata.obs, choice.group_by, "group_by", notes=_notes(adata)).astype(object).map(str)
    rows = np.flatnonzero(labels.to_numpy() == choice.group)
    if not rows.size:
        sizes = list_groups(adata, choice.group_by)
        choices = examples([f"{label} ({size})" for label, size in sizes.items()], 12) or "none"
        msg = (
            f"The group {choice.group!r} of {choice.group_by} is empty. Labels with their observations: {choices}. "
            "Give one of these as --input.group, exactly as written."
        )
        raise InputError(msg)
    return rows


def _check_values(X: Matrix, draft: Draft, facts: MatrixFacts, options: Prepare) -> None:
    """Refuse what is missing or infinite, and values below zero where counts or logarithms are asked for."""
    genes, observations = draft.genes.tolist(), draft.obs.index.tolist()
    check_finite(X, genes, observations, name=facts.name, may_miss=options.missing != "refuse")
    stored = X.data if sp.issparse(X) else np.asarray(X)
    low = float(np.fmin.reduce(stored, axis=None, initial=0))  # which passes over what is missing
    if low >= 0:
        return
    # Of auto, values below zero are used as they are, unless they are whole and so were meant as counts.
    asked = options.normalize is True or options.log is True
    is_whole = facts.note.startswith("whole numbers") and (options.normalize == "auto" or options.log == "auto")
    _check_code(stored, facts.name)
    if asked or is_whole:
        row, column = first_where(X, lambda values: values < 0)
        msg = (
            f"The matrix {facts.name} has values below zero ({low:g} at the lowest; {genes[column]!r} in "
            f"{str(observations[row])!r}), so it holds no counts and no logarithm can be taken. Expected counts, or "
            "values to be used as they are. Choose another matrix (--layer), or set normalize: false and log: false."
        )
        raise InputError(msg)


def _check_code(stored: np.ndarray, name: str) -> None:
    """Refuse values that are all above zero but for one that stands for what is missing."""
    below = stored[stored < 0]
    if below.size and below.min() == below.max() and float(below[0]) in CODES:
        msg = (
            f"The matrix {name} holds {plural(below.size, 'time')} {below[0]:g}, and no other value below zero. "
            "Expected numbers; this seems to be a code for what is missing. Put NaN in its place, and say what is to "
            "happen to it: --missing drop-genes, drop-observations or impute."
        )
        raise InputError(msg)
