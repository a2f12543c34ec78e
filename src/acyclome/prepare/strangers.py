"""Rows that are no genes, told by name, kind or number, and observations that are copies or sums of others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from acyclome.errors import examples
from acyclome.io.strangers import are_no_genes, left_out, other_features_left_out
from acyclome.prepare.matrix import Draft, Matrix, dense
from acyclome.prepare.streamed import Streamed, range_of, sums_of_cells, sums_of_genes
from acyclome.wording import plural

_FEW = 4  # genes; of fewer one may well be the sum of the others
_ROUNDING = 1e-12  # of sums in float64
_ALIKE = 1e-5  # of sums of float32
_DEEP = 20  # values that an observation has; shallower ones are alike by chance


def leave_out_strangers(draft: Draft, kinds: Sequence[str]) -> Draft:
    """Leave out what is no gene: by name, by kind (empty: a gene), as a counter, or as the sum of all others."""
    genes = [str(gene) for gene in draft.genes]
    named = np.array(are_no_genes(genes), dtype=bool)
    others = np.array([kind != "" for kind in kinds], dtype=bool)
    counting, sums = _counts_up(draft), _sums_up(draft, ~(named | others))
    warnings = [text for text in (left_out(genes), other_features_left_out(genes, kinds)) if text]
    for found, reason in (
        (counting & ~named, "counts|count the observations"),
        (sums & ~named, "is|are the sum of all others"),
    ):
        if found.any():
            gone = [genes[at] for at in np.flatnonzero(found)]
            said = plural(len(gone), f"column|s {reason}, so it|they is|are no gene|s and")
            warnings.append(f"{said} left out: {examples(gone)}.")
    keep = ~(named | others | counting | sums)
    if keep.all():
        return draft
    n_gone = int((~keep).sum())
    return draft.with_genes(keep).noted("no_genes", "what is no gene left out", warnings=warnings, genes_dropped=n_gone)


def note_observations(draft: Draft) -> Draft:
    """Warn of observations that are copies of another one, and of one that outweighs all others."""
    texts = odd_observations(draft.X, [str(name) for name in draft.obs.index])
    if not texts:
        return draft
    return draft.noted("observations", "copies and giants among observations looked for", warnings=texts)


def odd_observations(X: Matrix, names: Sequence[str]) -> list[str]:
    """Return what is to be said of observations that are copies or giants; ``X`` is ``(d, n)``."""
    copies, giant = _copies_among(X), _giant_among(X)
    texts = []
    if copies:
        shown = examples([names[at] for at in copies])
        texts.append(
            f"{plural(len(copies), 'observation|s has|have')} all values of another one ({shown}): the same ones twice "
            "make the evidence look larger than it is. Leave the copies out of the file, unless these are measurements "
            "of their own."
        )
    if giant is not None:
        texts.append(
            f"The observation {names[giant]!r} holds as much as all others together: is it their sum, or in other "
            "units? All genes go along where it is. Leave it out, unless it was measured like the others."
        )
    return texts


def _giant_among(X: Matrix) -> int | None:
    """Return the observation whose values are as large as those of all others together, by their sum."""
    # What is streamed has nothing below zero.
    size = sums_of_cells(X) if isinstance(X, Streamed) else np.asarray(abs(X).sum(axis=0, dtype=np.float64)).ravel()
    giant = int(np.argmax(size))
    return giant if 0 < size.sum() <= 2 * size[giant] * (1 + _ALIKE) else None


def _copies_among(X: Matrix) -> list[int]:
    # One random number a gene: observations whose sums are the same, but for rounding, and who have as many values, are
    # compared value by value.  Of a million some sums are the same by chance.
    if isinstance(X, Streamed):
        seen, sums = X.of_cells.seen, X.of_cells.projected
    else:
        seen = X.count_nonzero(axis=0) if sp.issparse(X) else np.count_nonzero(X, axis=0)
        sums = X.T @ np.random.default_rng(0).standard_normal(X.shape[0])
    deep = np.flatnonzero(seen >= _DEEP)
    sums, seen = sums[deep], seen[deep]
    order = np.lexsort((sums, seen))
    is_near = np.diff(sums[order]) <= _ROUNDING * np.abs(sums).max(initial=0.0)
    near = np.flatnonzero(is_near & (np.diff(seen[order]) == 0))
    pairs = [sorted(deep[order[at : at + 2]]) for at in near]
    if not pairs:
        return []
    few = np.unique(np.array(pairs, np.int64))
    part = X[:, few]  # once, for it may have to be read
    return sorted(pair[1] for pair in pairs if not _differ(part, np.searchsorted(few, pair)))


def _differ(X: Matrix, pair: np.ndarray) -> bool:
    return bool(np.ptp(dense(X[:, pair]), axis=1).any())


def _counts_up(draft: Draft) -> np.ndarray:
    """Return which rows are 0, 1, 2 ... or 1, 2, 3 ..., as tables of R and pandas number their lines."""
    found = np.zeros(draft.n_vars, dtype=bool)
    n = draft.n_obs
    if isinstance(draft.X, Streamed) and draft.X.of_genes.seen.max(initial=0) < n - 1:
        return found  # what numbers the observations has a zero at most
    # Few rows pass the first look, at two values.
    ends = dense(draft.X[:, [0, n - 1]])
    for at in np.flatnonzero((ends[:, 1] - ends[:, 0] == n - 1) & np.isin(ends[:, 0], (0, 1))):
        row = dense(draft.X[[at]]).ravel()
        found[at] = np.array_equal(row, np.arange(n) + row[0])
    return found


def _sums_up(draft: Draft, among: np.ndarray) -> np.ndarray:
    """Return which rows are the sum of all other rows `among` which they are, in every observation."""
    found = np.zeros(draft.n_vars, dtype=bool)
    if among.sum() < _FEW or range_of(draft.X)[0].min(initial=0) < 0:
        return found
    of_rows = sums_of_genes(draft.X)
    may_be = np.flatnonzero(among & np.isclose(2 * of_rows, of_rows[among].sum(), rtol=1e-4) & (of_rows > 0))
    totals = sums_of_cells(draft.X[among]) if may_be.size else np.empty(0)
    for at in may_be:
        row = dense(draft.X[[at]]).ravel().astype(np.float64)
        found[at] = np.allclose(2 * row, totals, rtol=1e-5)
    return found
