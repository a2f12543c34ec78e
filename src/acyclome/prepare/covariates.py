"""Known influences taken out: the residuals of every gene after least squares on columns of the observations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from acyclome.config import Prepare
from acyclome.errors import InputError
from acyclome.io.gene_names import examples
from acyclome.prepare.draft import Draft, Matrix, blocks, dense
from acyclome.prepare.selection import MIN_OBSERVATIONS, obs_column

if TYPE_CHECKING:
    import pandas as pd

_RANK_TOLERANCE = 1e-9
_NOTHING_LEFT = 1e-6  # share of the variance; float32 values carry no more than that


def explained_out(draft: Draft, options: Prepare) -> tuple[Draft, np.ndarray | None]:
    """Return the draft without genes that the covariates explain entirely, and the basis to project out.

    Raises
    ------
    InputError
        If a covariate is missing, has gaps, or there are too many for the observations.
    """
    if not options.covariates:
        return draft, None
    Q = basis(draft.obs, options.covariates)
    keep = np.concatenate([_is_left(draft.X[a:b], Q) for a, b in blocks(*draft.X.shape)])
    if keep.sum() < 2:
        msg = (
            f"The covariates {', '.join(options.covariates)} explain all but {int(keep.sum())} genes entirely. "
            "Expected that something is left to learn from; leave out those that label single observations."
        )
        raise InputError(msg)
    gone = list(draft.genes[~keep])
    text = f"residuals of least squares on {', '.join(options.covariates)}"
    text += f"; genes explained entirely left out ({examples(gone)})" if gone else ""
    left = draft.with_genes(keep).noted("covariates", text, genes_dropped=len(gone), degrees_of_freedom=Q.shape[1] - 1)
    return replace(left, kind="residual"), Q


def basis(obs: pd.DataFrame, covariates: tuple[str, ...]) -> np.ndarray:
    """Return ``(n_obs, p)`` orthonormal columns that span the intercept, numbers, and one column a label.

    Raises
    ------
    InputError
        If a column is missing or has gaps, or fewer than ten observations would be left over.
    """
    import pandas as pd

    columns = [np.ones((len(obs), 1))]
    for name in covariates:
        column = obs_column(obs, name, "covariates")
        if column.isna().any():
            msg = (
                f"The covariate {name!r} is missing for {int(column.isna().sum())} of {len(obs):,} observations. "
                "Expected a value for each. Fill them in, leave those observations out, or leave the covariate out."
            )
            raise InputError(msg)
        if column.dtype.kind in "iuf":
            columns.append(column.to_numpy(dtype=np.float64)[:, None])
        else:
            columns.append(pd.get_dummies(column.astype(object).astype(str)).to_numpy(dtype=np.float64))
    design = np.concatenate(columns, axis=1)
    if design.shape[1] > len(obs) - MIN_OBSERVATIONS:
        msg = (
            f"The covariates {', '.join(covariates)} have {design.shape[1]} columns for {len(obs):,} observations. "
            f"Expected at least {MIN_OBSERVATIONS} observations more than columns. Leave out those with many labels."
        )
        raise InputError(msg)
    design[:, 1:] -= design[:, 1:].mean(axis=0)
    spread = np.sqrt(np.mean(design**2, axis=0))
    design = design[:, spread > 0] / spread[spread > 0]
    U, strength, _ = np.linalg.svd(design, full_matrices=False)
    return U[:, strength > _RANK_TOLERANCE * strength[0]]


def residuals(X: Matrix, Q: np.ndarray) -> np.ndarray:
    """Return ``X - X Q Q'`` as float32: what is orthogonal to the covariates and the intercept.

    Parameters
    ----------
    X
        ``(genes, n_obs)``, dense or CSR.
    Q
        ``(n_obs, p)`` with orthonormal columns.
    """
    values = dense(X).astype(np.float64)
    values -= (values @ Q) @ Q.T
    return values.astype(np.float32)


def _is_left(X: Matrix, Q: np.ndarray) -> np.ndarray:
    """Return ``(genes,)`` whether the covariates leave something of each gene's variance."""
    values = dense(X).astype(np.float64)
    centred = values - values.mean(axis=1, keepdims=True)
    total = np.sum(centred**2, axis=1)
    left = np.sum((values - (values @ Q) @ Q.T) ** 2, axis=1)
    return left > _NOTHING_LEFT * np.maximum(total, np.finfo(np.float64).tiny)
