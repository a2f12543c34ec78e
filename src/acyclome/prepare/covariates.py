"""Known influences taken out: the residuals of every gene after least squares on columns of the observations.

They are taken out of the values that are learned from, after the marginal transform. The other way round, ranks would
bring back what was taken out: where a gene is zero in most cells, its residuals differ between batches by the fitted
means alone, and ranks of them are the batch again, in every gene.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from acyclome.errors import InputError, examples
from acyclome.io.inspection import MIN_OBSERVATIONS
from acyclome.prepare.matrix import Draft, Matrix, blocks, dense
from acyclome.prepare.selection import obs_column
from acyclome.wording import plural

if TYPE_CHECKING:
    import pandas as pd

_RANK_TOLERANCE = 1e-9  # of the largest singular value: a covariate that others add up to is left out, rounding or not
_ROUNDING = 1e-13  # of sums of squares in float64
_NOTHING_LEFT = 1e-6  # share of the variance; float32 values carry no more than that


def leave_out_explained(draft: Draft, Q: np.ndarray, covariates: tuple[str, ...]) -> Draft:
    keep = np.concatenate([_is_left(draft.X[a:b], Q) for a, b in blocks(*draft.X.shape)])
    if keep.sum() < 2:
        msg = (
            f"The covariates {', '.join(covariates)} explain all but {plural(int(keep.sum()), 'gene')} entirely. "
            "Expected that something is left to learn from. Leave out covariates that label single observations."
        )
        raise InputError(msg)
    gone = list(draft.genes[~keep])
    text = f"residuals of least squares on {', '.join(covariates)}"
    text += f"; genes explained entirely left out ({examples(gone)})" if gone else ""
    left = draft.with_genes(keep)
    return left.noted("covariates", text, genes_dropped=len(gone), degrees_of_freedom=Q.shape[1] - 1)


def basis(obs: pd.DataFrame, covariates: tuple[str, ...]) -> np.ndarray:
    """Return ``(n_obs, p)`` orthonormal columns that span the intercept, numbers, and one column a label."""
    import pandas as pd

    columns = [np.ones((len(obs), 1))]
    for name in covariates:
        column = obs_column(obs, name, "covariates")
        if column.isna().any():
            msg = (
                f"The covariate {name!r} is missing for {int(column.isna().sum())} of {len(obs):,} observations. "
                "Expected a value for each. Fill them in, leave those observations out (--missing drop-observations), "
                "or leave the covariate out."
            )
            raise InputError(msg)
        if column.dtype.kind in "iuf":
            numbers = column.to_numpy(dtype=np.float64)[:, None]
            if not np.isfinite(numbers).all():
                msg = f"The covariate {name!r} holds infinite values. Expected numbers or labels: correct the column."
                raise InputError(msg)
            columns.append(numbers)
        else:
            columns.append(pd.get_dummies(column.astype(object).map(str)).to_numpy(dtype=np.float64))
    design = np.concatenate(columns, axis=1)
    if design.shape[1] > len(obs) - MIN_OBSERVATIONS:  # what is left has to be as many as a data set must have
        msg = (
            f"The covariates {', '.join(covariates)} have {plural(design.shape[1], 'column')} for "
            f"{plural(len(obs), 'observation')}. Expected at least {MIN_OBSERVATIONS} observations more than columns. "
            "Leave out those with many labels."
        )
        raise InputError(msg)
    design[:, 1:] -= design[:, 1:].mean(axis=0)
    spread = np.sqrt(np.mean(design**2, axis=0))
    design = design[:, spread > 0] / spread[spread > 0]  # one scale, on which the tolerance of the rank is meant
    U, strength, _ = np.linalg.svd(design, full_matrices=False)
    return U[:, strength > _RANK_TOLERANCE * strength[0]]


def basis_of_rows(Q: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the basis of some observations: orthogonal again, of the same lengths, as of depth a part is taken out."""
    basis: np.ndarray = np.linalg.qr(Q[rows])[0] * np.linalg.norm(Q, axis=0)
    return basis


def residuals(X: Matrix, Q: np.ndarray) -> np.ndarray:
    """Return ``X - X Q Q'`` as float32, ``(genes, n_obs)``: what is orthogonal to the covariates and the intercept."""
    fitted = (X @ Q) @ Q.T
    return np.subtract(dense(X), fitted, dtype=np.float32, casting="same_kind")


def _is_left(X: Matrix, Q: np.ndarray) -> np.ndarray:
    """Return ``(genes,)`` whether the covariates leave something of each gene's variance: ``|x|^2 - |x Q|^2``."""
    squares = X.multiply(X).sum(axis=1, dtype=float) if sp.issparse(X) else np.einsum("ij,ij->i", X, X, dtype=float)
    total = np.asarray(squares).ravel()
    centred = total - np.asarray(X.sum(axis=1, dtype=np.float64)).ravel() ** 2 / X.shape[1]
    left = total - np.sum(np.asarray(X @ Q) ** 2, axis=1)
    return left > _NOTHING_LEFT * centred + _ROUNDING * total  # the second where the mean is far above the spread
