"""Size factors: what the expected counts of an observation are in proportion to."""

from __future__ import annotations

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.errors import InputError
from acyclome.io.matrices import SIZE_FACTOR, TOTAL
from acyclome.io.store import GeneMajor
from acyclome.prepare.depth import Totals

BLOCK = 256  # genes read at a time: megabytes, for thousands of observations


def size_factors(store: GeneMajor, wanted: str) -> np.ndarray:
    """Return the size factor of every observation, ``(n,)`` float64 of mean 1.

    ``wanted`` is ``total``, the sum of counts over all genes that were kept before the most variable ones were chosen
    (Ahlmann-Eltze and Huber 2023), ``auto``: that where it binds no genes (:mod:`acyclome.prepare.depth`), ``none``: 1,
    or a column of the observations.
    """
    columns = store.obs_columns
    totals = _totals(store)  # for every choice, since it refuses what are no counts
    if wanted == "none":
        return np.ones(store.n_obs)
    if wanted == "auto":
        if columns is not None and SIZE_FACTOR in columns:
            totals = columns[SIZE_FACTOR].to_numpy(np.float64)
        else:
            totals = Totals.of(store.block(0, store.n_vars)).size
    elif wanted != "total":
        if columns is None or wanted not in columns:
            known = "none" if columns is None else ", ".join(map(str, columns.columns[:12])) or "none"
            msg = f"The observations have no column {wanted!r}, which size_factors names. Columns: {known}."
            raise InputError(msg)
        if columns[wanted].dtype.kind not in "biuf":
            msg = f"The column {wanted!r}, which size_factors names, holds no numbers. Expected size factors above 0."
            raise InputError(msg)
        totals = columns[wanted].to_numpy(np.float64)
    elif columns is not None and TOTAL in columns:
        totals = columns[TOTAL].to_numpy(np.float64)
    if not (np.isfinite(totals) & (totals > 0)).all():
        at = int(np.argmin(np.where(np.isfinite(totals), totals, -np.inf)))
        what = "no counts" if wanted in ("auto", "total") else f"the size factor {totals[at]:g}"
        msg = (
            f"The observation {store.observations[at]!r} has {what}. Expected size factors above 0 everywhere: leave "
            "such observations out, or give others (size_factors)."
        )
        raise InputError(msg)
    return totals / totals.mean()  # of mean 1, so that log(1 + counts / size) is on the scale of the counts


def holds_counts(store: GeneMajor) -> bool:
    return not any(_no_counts(store.block(a, b)).any() for a, b in gene_blocks(store.n_vars, BLOCK))


def _no_counts(block: np.ndarray) -> np.ndarray:
    return (block < 0) | (block != np.round(block))


def _totals(store: GeneMajor) -> np.ndarray:
    """Return the sum of counts of every observation, ``(n,)``; what are no counts is refused."""
    totals = np.zeros(store.n_obs)
    for a, b in gene_blocks(store.n_vars, BLOCK):
        block = store.block(a, b)
        wrong = _no_counts(block)
        if wrong.any():
            gene, cell = np.argwhere(wrong)[0]
            msg = (
                f"The matrix holds {block[gene, cell]:g} for gene {store.genes[a + gene]!r}; expected counts, whole "
                "numbers from 0, for a model of counts. Choose the matrix of counts (--layer), or another model."
            )
            raise InputError(msg)
        totals += block.sum(axis=0, dtype=np.float64)
    return totals
