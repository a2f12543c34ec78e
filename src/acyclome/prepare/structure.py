"""Columns of the observations that stand behind much of what genes have in common: cell types, batches, the cycle.

Where such a column is neither grouped by nor taken out, genes that mark the same label are correlated through it, and
edges between them look like regulation.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from acyclome import wording
from acyclome.errors import InputError
from acyclome.io.matrices import COUNTS
from acyclome.prepare.covariates import basis, residuals
from acyclome.prepare.matrix import Draft, dense
from acyclome.prepare.streamed import mean_squares, sums_of_genes

if TYPE_CHECKING:
    import pandas as pd

GENES, OBSERVATIONS = 300, 3_000  # looked at: half a GFLOP a column, and shares that are steady to a hundredth
# From where on a column is named. Cell types and clusters of blood cells have .6 to .95, cell lines of a screen .94;
# phases of the cycle, totals and replicates .3 at most, columns of noise .02.
SHARE = 0.35
CLEAR = 10.0  # standard deviations of chance, so that shares are right to a tenth
MOST_LABELS = 100  # more name donors and wells rather than kinds, and leave little of anything


def explaining(draft: Draft, Q: np.ndarray | None, given: Collection[str | None]) -> dict[str, float]:
    """Return the columns with ``SHARE`` or more of what genes have in common, largest first.

    The share is that of ``sum r_ij^2``, less what chance gives, which is gone when the column is regressed out of every
    gene.  ``Q`` spans covariates that are taken out; ``given`` are columns that are reckoned with already.
    """
    rows = np.unique(np.linspace(0, draft.n_obs - 1, min(OBSERVATIONS, draft.n_obs)).astype(int))
    obs = draft.obs.iloc[rows]
    open_to_it = {str(name): column for name, column in obs.items() if str(name) not in given}
    names = [name for name, column in open_to_it.items() if not column.isna().any() and _may_explain(column)]
    if not names:  # data on the disk would be read for nothing
        return {}
    variance = mean_squares(draft.X) - np.square(sums_of_genes(draft.X) / draft.n_obs)
    genes = np.sort(np.argsort(-variance, kind="stable")[:GENES])
    X = dense(draft.X[genes] if Q is not None else draft.X[genes][:, rows])
    X = np.log1p(X) if draft.kind == COUNTS else X
    X = (X if Q is None else residuals(X, Q)[:, rows]).astype(float)
    whole = _in_common(X, np.ones((len(rows), 1)) / np.sqrt(len(rows)))
    found: dict[str, float] = {}
    if whole <= CLEAR * 2.0 * len(genes) / len(rows):  # standard deviation of so many r^2 of noise
        return found
    for name in names:
        try:
            found[name] = 1.0 - max(_in_common(X, basis(obs, (name,))), 0.0) / whole
        except InputError:  # more labels than observations allow
            continue
    return {name: share for name, share in sorted(found.items(), key=lambda one: -one[1]) if share >= SHARE}


def warning(found: dict[str, float], obs: pd.DataFrame) -> str:
    """Return what is to be said of the columns that were found."""
    first = next(iter(found))
    others = [f"{name} ({wording.share(share)})" for name, share in list(found.items())[1:4]]
    beside = f"; so do {', '.join(others)}" if others else ""
    is_number = obs[first].dtype.kind in "iuf"
    apart = "" if is_number else f"Learn one network for each of its labels (--group-by {first}), or take it out"
    taken = f"{apart or 'Take it out'} (--covariates {first})."
    return (
        f"{wording.share(found[first])} of what genes have in common goes with the column {first!r} of the "
        f"observations{beside}: edges between genes that mark its values look like regulation. {taken}"
    )


def _may_explain(column: pd.Series) -> bool:
    distinct = column.nunique()
    return distinct > 1 and (column.dtype.kind in "iuf" or distinct <= MOST_LABELS)


def _in_common(X: np.ndarray, Q: np.ndarray) -> float:
    """Return ``sum r_ij^2`` of all pairs of what ``Q`` leaves of the genes, less what is expected by chance."""
    R = X - (X @ Q) @ Q.T
    size = np.sqrt(np.einsum("ij,ij->i", R, R))
    R = R[size > 0] / size[size > 0, None]
    d, freedom = len(R), max(X.shape[1] - Q.shape[1], 1)
    return float(np.sum(np.square(R @ R.T)) - d - d * (d - 1) / freedom)
