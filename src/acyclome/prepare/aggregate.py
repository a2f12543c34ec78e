"""Fewer and fuller observations: pseudobulk by a label, or metacells of similar cells.

Metacells. Within each stratum (combination of the categorical covariates, so that no metacell mixes batches) the cells
are described by 30 principal components of the log-normalised values, and cut in two, again and again, at a quantile of
the first principal component of the part at hand, until every part has the wanted size. All parts of a stratum differ
by one cell at most, so no metacell is noisier than another, and the only random draw is the seeded start of the
truncated SVD. (k-means, the usual choice, gives groups of very unequal size and depends on its start.)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from acyclome.errors import InputError
from acyclome.io.matrices import COUNTS
from acyclome.options.sections import Prepare
from acyclome.prepare.checks import check_observations
from acyclome.prepare.matrix import Draft, Matrix
from acyclome.prepare.selection import joined_by, obs_column
from acyclome.wording import plural

if TYPE_CHECKING:
    import pandas as pd

_COMPONENTS = 30  # among the 20 to 50 that are usual for telling cell types apart
_STREAM = 0x3E7A  # keeps the draws of this step apart from all others of the same seed
_SCALE = 10_000.0  # counts per cell before the logarithm, as in scanpy and Seurat


def aggregate(draft: Draft, options: Prepare, seed: int, perturbation: str | None = None) -> Draft:
    """Join observations as the options ask: counts are summed, other values averaged.

    Different targets of interventions (``perturbation`` is their column) are never mixed.
    """
    if options.pseudobulk_by is not None:
        labels = _labels(draft.obs, options.pseudobulk_by)
        if perturbation is not None:
            _check_targets(labels, draft.obs[perturbation], options.pseudobulk_by)
        return _join(draft, labels, "pseudobulk", f"observations joined by {options.pseudobulk_by}")
    if options.metacells is None:
        return draft
    strata = _strata(draft.obs, options, perturbation)
    groups = metacell_groups(draft.X, options.metacells, strata, seed=seed, is_counts=draft.kind == COUNTS)
    names = np.char.add("metacell_", groups.astype(str)).astype(object)  # sorted as numbers, below: 10 after 9
    text = f"about {options.metacells} similar observations joined into one"
    return _join(draft, names, "metacells", text, order=groups)


def metacell_groups(
    X: Matrix, size: int, strata: np.ndarray | None = None, *, seed: int = 0, is_counts: bool = False
) -> np.ndarray:
    """Return ``(n_obs,)`` the metacell of every observation: similar observations, `size` or slightly more in each.

    ``X`` is ``(n_vars, n_obs)``, ``strata`` ``(n_obs,)`` integer labels that no metacell may mix.
    """
    n_obs = X.shape[1]
    coordinates = _coordinates(X, seed, is_counts)
    strata = np.zeros(n_obs, dtype=np.int64) if strata is None else strata
    groups, first = np.empty(n_obs, dtype=np.int64), 0
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        n_groups = max(1, len(members) // size)
        for part in _halve(coordinates, members, n_groups):
            groups[part] = first
            first += 1
    return groups


def _halve(coordinates: np.ndarray, members: np.ndarray, n_groups: int) -> list[np.ndarray]:
    if n_groups == 1:
        return [members]
    centred = coordinates[members] - coordinates[members].mean(axis=0)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    axis *= np.sign(axis[np.argmax(np.abs(axis))]) or 1.0  # the sign of an eigenvector is open, and libraries differ
    ranked = members[np.argsort(centred @ axis, kind="stable")]
    left = n_groups // 2
    cut = len(members) * left // n_groups  # in proportion, so that parts differ by one cell at most
    return [*_halve(coordinates, ranked[:cut], left), *_halve(coordinates, ranked[cut:], n_groups - left)]


def _coordinates(X: Matrix, seed: int, is_counts: bool) -> np.ndarray:
    """Return ``(n_obs, <= 30)`` principal components of the (log-normalised) observations."""
    from sklearn.decomposition import TruncatedSVD

    cells = sp.csr_matrix(X.T, dtype=np.float64) if sp.issparse(X) else np.asarray(X.T, dtype=np.float64)
    if is_counts:
        totals = np.asarray(cells.sum(axis=1)).ravel()
        scale = _SCALE / np.where(totals > 0, totals, 1.0)  # an empty cell stays at zero
        cells = (sp.diags(scale) @ cells).log1p() if sp.issparse(X) else np.log1p(cells * scale[:, None])
    n_components = max(1, min(_COMPONENTS, *(side - 1 for side in cells.shape)))
    state = int(np.random.default_rng([seed, _STREAM]).integers(2**31))
    return TruncatedSVD(n_components, random_state=state).fit_transform(cells)  # uncentred, so that zeros stay zeros


def _join(draft: Draft, labels: np.ndarray, step: str, text: str, order: np.ndarray | None = None) -> Draft:
    """Join the observations with the same label, in the order of the labels."""
    _, first, member = np.unique(labels if order is None else order, return_index=True, return_inverse=True)
    names, counts = np.asarray(labels)[first], np.bincount(member)
    check_observations(len(names), f"input joined into {step}")
    weights = np.ones(len(member), dtype=np.float32) if draft.kind == COUNTS else (1.0 / counts[member])
    joining = sp.csr_matrix((weights.astype(np.float32), (np.arange(len(member)), member)))
    X: Matrix = draft.X @ joining
    if sp.issparse(X):
        X = sp.csr_matrix(X)
        X.sort_indices()  # a product leaves them in any order, on which digests would depend
    else:
        X = np.ascontiguousarray(X, dtype=np.float32)
    obs = _join_annotations(draft.obs, member, names)
    how = "counts summed" if draft.kind == COUNTS else "values averaged"
    return replace(draft, X=X, obs=obs).noted(
        step, f"{text}, {how}", smallest=int(counts.min()), largest=int(counts.max()), n_obs_before=draft.n_obs
    )


def _join_annotations(obs: pd.DataFrame, member: np.ndarray, names: np.ndarray) -> pd.DataFrame:
    """Return numbers averaged, and labels where all members agree (a column with any disagreement is left out)."""
    import pandas as pd

    joined = pd.DataFrame(index=pd.Index(names.astype(str)))
    for name, column in obs.items():
        grouped = column.reset_index(drop=True).groupby(member)
        if column.dtype.kind in "iuf":
            joined[name] = grouped.mean().to_numpy()
        elif grouped.nunique(dropna=False).max() == 1:
            joined[name] = pd.Categorical(grouped.first().astype(str).to_numpy())
    joined["n_joined"] = np.bincount(member)
    return joined


def _labels(obs: pd.DataFrame, by: str) -> np.ndarray:
    """Return a label for every observation from one column, or from several that are separated by commas."""
    columns = joined_by(obs, by)
    parts = [obs_column(obs, column, "pseudobulk_by") for column in columns]
    for column, part in zip(columns, parts, strict=True):
        if part.isna().any():
            msg = (
                f"{plural(int(part.isna().sum()), 'observation|s has|have')} no label in {column!r}, by which they "
                "should be joined (pseudobulk_by). Expected a label for each. Fill them in, or leave those "
                "observations out (--missing drop-observations)."
            )
            raise InputError(msg)
    return _combined(parts)


def _combined(columns: list[pd.Series[Any]]) -> np.ndarray:
    """Return one label for each combination of labels, ``(n_obs,)``."""
    texts = [column.astype(object).map(str) for column in columns]
    return np.array(["|".join(words) for words in zip(*texts, strict=True)], dtype=object)


def _check_targets(labels: np.ndarray, targets: pd.Series[Any], by: str) -> None:
    mixed = targets.astype(object).map(str).groupby(labels).nunique()
    if (mixed > 1).any():
        msg = (
            f"Observations with different targets ({targets.name}) would be joined by {by}, into "
            f"{mixed.index[mixed > 1][0]!r} and {int((mixed > 1).sum()) - 1} more. Expected the same targets in each. "
            f"Join by both: --prepare.pseudobulk-by {by},{targets.name}."
        )
        raise InputError(msg)


def _strata(obs: pd.DataFrame, options: Prepare, perturbation: str | None) -> np.ndarray | None:
    """Return one integer for each combination of the covariates that are labels, and of the targets."""
    named = [obs_column(obs, name, "covariates") for name in options.covariates]
    labels = [column for column in named if column.dtype.kind not in "iuf"]  # numbers are averaged
    if perturbation is not None:
        labels.append(obs[perturbation])
    return np.unique(_combined(labels), return_inverse=True)[1] if labels else None
