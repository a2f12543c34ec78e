"""Check a matrix that is handed over in memory, and the groups of its observations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from acyclome.errors import InputError, examples

MIN_OBSERVATIONS = 10


def check_matrix(X: Any, genes: Sequence[str]) -> None:
    """Refuse a matrix that no network can be learned from.

    Parameters
    ----------
    X
        ``(n, d)`` observations x genes, dense or sparse.
    genes
        ``d`` names.

    Raises
    ------
    InputError
        For wrong shapes, repeated names, NaN or infinite values, fewer than ten observations, and constant genes.
    """
    if X.ndim != 2 or X.shape[1] != len(genes):
        msg = f"X has shape {tuple(X.shape)} and there are {len(genes)} gene names. Expected observations x genes."
        raise InputError(msg)
    if X.shape[0] < MIN_OBSERVATIONS or X.shape[1] < 2:
        msg = (
            f"X has {X.shape[0]} observations and {X.shape[1]} genes. A network needs at least {MIN_OBSERVATIONS} "
            "observations and 2 genes. Rows are observations; is the matrix transposed?"
        )
        raise InputError(msg)
    repeated = [name for name, count in Counter(genes).items() if count > 1]
    if repeated:
        msg = f"{len(repeated)} gene names occur more than once: {examples(repeated)}. Names must be unique."
        raise InputError(msg)
    values = X.data if sp.issparse(X) else np.asarray(X)
    if not np.issubdtype(values.dtype, np.number) and values.dtype != bool:
        msg = f"X holds values of type {values.dtype}. Expected numbers."
        raise InputError(msg)
    if not np.isfinite(values).all():
        bad = int(np.size(values) - np.isfinite(values).sum())
        msg = f"X holds {bad} values that are NaN or infinite. Impute them or leave those genes out."
        raise InputError(msg)
    constant = [gene for gene, flat in zip(genes, _is_constant(X), strict=True) if flat]
    if constant:
        msg = f"{len(constant)} genes are constant: {examples(constant)}. Leave them out; they can have no causes here."
        raise InputError(msg)


def as_matrix(X: Any, genes: Sequence[str] | None) -> tuple[Any, list[str]]:
    """Return a matrix of numbers, dense or CSR, and the names of its columns.

    Parameters
    ----------
    X
        An array, a matrix in any sparse form, or a table whose columns are genes.
    genes
        Names; None takes those of the table, or numbers the genes.

    Raises
    ------
    InputError
        If `X` is something else, has not two dimensions, or holds no real numbers.
    """
    columns = getattr(X, "columns", None)
    if columns is not None and hasattr(X, "to_numpy"):
        X, genes = X.to_numpy(), list(columns) if genes is None else genes
    expected = "Expected numbers, observations x genes: an array, a scipy.sparse matrix or a pandas DataFrame."
    if not (sp.issparse(X) or isinstance(X, np.ndarray)):
        msg = f"X is a {type(X).__name__}. {expected}"
        raise InputError(msg)
    if X.ndim != 2:
        msg = f"X has {X.ndim} dimensions, shape {tuple(X.shape)}. {expected}"
        raise InputError(msg)
    if X.dtype.kind not in "biuf":
        msg = f"X holds values of type {X.dtype}. {expected}"
        raise InputError(msg)
    names = [f"gene_{i + 1}" for i in range(X.shape[1])] if genes is None else [str(gene) for gene in genes]
    return X.tocsr() if sp.issparse(X) else np.asarray(X), names


def as_labels(groups: Sequence[str], n_obs: int) -> np.ndarray:
    """Return the label of every observation as text, ``(n,)``.

    Raises
    ------
    InputError
        If there are more or fewer labels than observations, or some are missing (NaN, None).
    """
    labels = np.asarray(groups, dtype=object)
    if labels.shape != (n_obs,):
        msg = f"groups holds {labels.size} labels for {n_obs} observations. Give one label per observation."
        raise InputError(msg)
    missing = np.array([label is None or str(label) in ("<NA>", "NaT") or label != label for label in labels], bool)
    if missing.any():
        places = examples([str(at) for at in np.flatnonzero(missing)])
        msg = (
            f"{int(missing.sum())} of {n_obs} observations have no label in groups (NaN or None), at {places}. "
            "Expected a label for each; leave those observations out, or give them a label of their own."
        )
        raise InputError(msg)
    return labels.astype(str)


def check_groups(sizes: Mapping[str, int], source: str, way_out: str) -> None:
    """Refuse groups of which one is too small, before anything is computed; all that are too small are named.

    Parameters
    ----------
    sizes
        Number of observations of every group.
    source
        Where the labels stand, and `way_out`, how one group alone is learned, for the message.

    Raises
    ------
    InputError
        If a group has fewer than ten observations, or there is no group.
    """
    small = [f"{label} ({size})" for label, size in sizes.items() if size < MIN_OBSERVATIONS]
    if small:
        msg = (
            f"{len(small)} of the {len(sizes)} labels in {source} have fewer than {MIN_OBSERVATIONS} observations: "
            f"{examples(small, 20)}. No network can be learned from so few. Merge such labels with others, leave their "
            f"observations out, or learn one group at a time ({way_out})."
        )
        raise InputError(msg)
    if not sizes:
        msg = f"No observation has a label in {source}, so there is no group to learn from. Give one to each."
        raise InputError(msg)


def leave_out_constant(X: Any, genes: Sequence[str]) -> tuple[Any, list[str], list[str]]:
    """Return the genes that vary among these observations, their names, and a warning if others were left out."""
    constant = _is_constant(X)
    if X.shape[0] < MIN_OBSERVATIONS or not constant.any() or (~constant).sum() < 2:
        return X, list(genes), []
    gone = [gene for gene, flat in zip(genes, constant, strict=True) if flat]
    text = f"{len(gone)} genes with the same value in all of these observations were left out: {examples(gone)}."
    return X[:, np.flatnonzero(~constant)], [gene for gene in genes if gene not in set(gone)], [text]


def _is_constant(X: Any) -> np.ndarray:
    """Return ``(d,)`` whether each gene has one value only."""
    low, high = (
        np.asarray(part.todense()).ravel() if sp.issparse(part) else np.asarray(part).ravel()
        for part in (X.min(axis=0), X.max(axis=0))
    )
    return low == high
