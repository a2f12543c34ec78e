"""Check a matrix that is handed over in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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
    low, high = (np.asarray(part.todense()).ravel() if sp.issparse(part) else np.asarray(part).ravel()
                 for part in (X.min(axis=0), X.max(axis=0)))  # fmt: skip
    constant = [gene for gene, flat in zip(genes, low == high, strict=True) if flat]
    if constant:
        msg = f"{len(constant)} genes are constant: {_some(constant)}. Leave them out; they can have no causes here."
        raise InputError(msg)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(str, names[:SHOWN])) + more
