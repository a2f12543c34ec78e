"""Values that were not measured (NaN): refused, or dealt with as ``prepare.missing`` asks, and counted.

``impute`` puts the median of its measured values into the gaps of a gene: the lower of the two in the middle where
their number is even, so that it is a value that was measured, and counts stay counts.  Outliers do not move it.  As any
one value for all gaps does, it pulls correlations towards zero, and a gene of mostly gaps would be what was filled in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from acyclome.errors import InputError, examples
from acyclome.options.sections import Prepare
from acyclome.prepare.checks import check_observations
from acyclome.prepare.matrix import Draft, Matrix, blocks, dense
from acyclome.prepare.streamed import Streamed
from acyclome.wording import plural

if TYPE_CHECKING:
    import pandas as pd

MOST = 0.5  # share of a gene that may be filled in; beyond, most of its values would be one and the same


def settle(draft: Draft, options: Prepare, columns: Sequence[pd.Series]) -> Draft:
    """Leave out genes or observations with gaps, or fill these, as asked; nothing happens where nothing is missing.

    ``columns`` are those of the observations of which the preparation needs every value: an observation without one is
    left out where observations are.

    Raises
    ------
    InputError
        If too little is left: fewer than two genes, or ten observations.
    """
    if isinstance(draft.X, Streamed):  # what has gaps is held
        return draft
    gaps = _gaps(draft.X)
    if options.missing == "drop-observations":
        return _without_observations(draft, gaps, columns)
    n_gaps = int(gaps.sum())
    if options.missing == "refuse" or not n_gaps:  # what is refused has been, with its place
        return draft
    of_gene = np.asarray(gaps.sum(axis=1)).ravel()
    most = 0 if options.missing == "drop-genes" else MOST * draft.n_obs
    keep = of_gene <= most
    names = examples([str(name) for name in draft.genes[~keep]])
    if keep.sum() < 2:
        msg = (
            f"{int((~keep).sum())} of {draft.n_vars} genes have {'gaps' if not most else 'more gaps than values'}: "
            f"{names}. Expected at least two genes that are left. Let observations with gaps be left out "
            "(--missing drop-observations), or take the genes out of the file that were measured in few."
        )
        raise InputError(msg)
    filled = int(of_gene[keep].sum())
    left = draft.with_genes(keep)
    left = replace(left, X=_filled(left.X)) if filled else left
    n_gone = int((~keep).sum())
    said = [f"{plural(n_gaps, 'value|s is|are')} missing."]
    if n_gone:
        of = "that has|have any" if not most else "of which more than half is missing"
        said.append(f"{plural(n_gone, f'gene|s {of} was|were')} left out ({names}); they can be hidden common causes.")
    if filled:
        said.append(
            f"The median of a gene fills {plural(filled, 'value')} of "
            f"{plural(int((of_gene[keep] > 0).sum()), 'gene')}, which was not measured there: edges of these genes are "
            "weaker than they would be."
        )
    facts = {"missing": n_gaps, "genes_dropped": n_gone, "imputed": filled}
    return left.noted("missing", " ".join(said), warnings=[" ".join(said)], policy=options.missing, **facts)


def _without_observations(draft: Draft, gaps: Matrix, columns: Sequence[pd.Series]) -> Draft:
    unknown = np.zeros(draft.n_obs, bool)
    for column in columns:
        unknown |= column.isna().to_numpy()
    gone = (np.asarray(gaps.sum(axis=0)).ravel() > 0) | unknown
    if not gone.any():
        return draft
    names, keep = [str(name) for name in draft.obs.index[gone]], np.flatnonzero(~gone)
    where = f" (of {int(unknown.sum()):,} in {' or '.join(str(column.name) for column in columns)})"
    said = (
        f"{plural(len(names), 'observation|s was|were')} left out, with missing "
        f"values{where if unknown.any() else ''}: "
    )
    said += f"{examples(names)}."
    check_observations(
        len(keep),
        f"input without {plural(len(names), 'observation|s that has|have')} missing values",
        _ADVICE,
    )
    facts = {"missing": int(gaps.sum()), "obs_dropped": len(names)}
    left = replace(draft, X=draft.X[:, keep], obs=draft.obs.iloc[keep])
    return left.noted("missing", said, warnings=[said], policy="drop-observations", **facts)


_ADVICE = "Let genes with gaps be left out (--missing drop-genes), or the gaps be filled (--missing impute)."


def _gaps(X: Matrix) -> Matrix:
    """Return which values are missing, ``(d, n)``, dense or sparse as ``X`` is."""
    if not sp.issparse(X):
        return np.isnan(X)
    at = np.flatnonzero(np.isnan(X.data))
    rows = np.searchsorted(X.indptr, at, side="right") - 1
    return sp.csr_matrix((np.ones(len(at), np.int64), (rows, X.indices[at])), shape=X.shape)


def _filled(X: Matrix) -> Matrix:
    """Return ``(d, n)`` values with the lower median of each row in its gaps."""
    medians = np.zeros(X.shape[0], dtype=X.dtype)
    for a, b in blocks(*X.shape):
        line = np.sort(dense(X[a:b]), axis=1)  # gaps come last
        measured = X.shape[1] - np.isnan(line).sum(axis=1)
        medians[a:b] = line[np.arange(b - a), np.maximum(measured - 1, 0) // 2]
    if not sp.issparse(X):
        return np.where(np.isnan(X), medians[:, None], X)
    data = np.where(np.isnan(X.data), np.repeat(medians, np.diff(X.indptr)), X.data)
    full = sp.csr_matrix((data, X.indices, X.indptr), shape=X.shape)
    full.eliminate_zeros()  # a gene is seen where a value is stored
    return full
