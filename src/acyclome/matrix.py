"""Check a matrix that is handed over in memory, and the groups of its observations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from acyclome.errors import InputError

MIN_OBSERVATIONS = 10
SHOWN = 5


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
        msg = f"{len(repeated)} gene names occur more than once: {_some(repeated)}. Names must be unique."
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
        msg = f"{len(constant)} genes are constant: {_some(constant)}. Leave them out; they can have no causes here."
        raise InputError(msg)


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
            f"{_some(small, 20)}. No network can be learned from so few. Merge such labels with others, leave their "
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
    text = f"{len(gone)} genes with the same value in all of these observations were left out: {_some(gone)}."
    return X[:, np.flatnonzero(~constant)], [gene for gene in genes if gene not in set(gone)], [text]


def _is_constant(X: Any) -> np.ndarray:
    """Return ``(d,)`` whether each gene has one value only."""
    low, high = (np.asarray(part.todense()).ravel() if sp.issparse(part) else np.asarray(part).ravel()
                 for part in (X.min(axis=0), X.max(axis=0)))  # fmt: skip
    return low == high


def _some(names: Sequence[str], shown: int = SHOWN) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(map(str, names[:shown])) + more
