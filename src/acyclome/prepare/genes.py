"""Steps gene by gene and cell by cell: filter, normalise, logarithm, highly variable genes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from acyclome.errors import InputError, examples
from acyclome.io.matrices import COUNTS, HIGHEST_LOG, LOG, SIZE_FACTOR, TOTAL
from acyclome.options.sections import Prepare
from acyclome.prepare.depth import Totals
from acyclome.prepare.matrix import Draft, Matrix, blocks, dense
from acyclome.prepare.streamed import Streamed, raised_moments, range_of, seen_in, sums_of_cells
from acyclome.wording import plural

BINS = 20  # of means, as in Seurat and scanpy


def filter_genes(draft: Draft, options: Prepare, *, is_part: bool) -> Draft:
    """Leave out genes that are seen (not zero) in fewer than ``min_cells`` observations, and say which.

    Within a part of the input a gene may well be constant, and is left out then; in the whole input it is a fault.
    """
    seen = seen_in(draft.X)
    keep = seen >= options.min_cells
    if keep.sum() < 2:
        msg = (
            f"{int(keep.sum())} of {draft.n_vars:,} genes are seen in at least {options.min_cells} of the "
            f"{draft.n_obs:,} observations (the most frequent one in {int(seen.max(initial=0))}). Expected at least "
            "two genes. Lower --min-cells, use more observations, or check that the right matrix was chosen."
        )
        raise InputError(msg)
    empty = draft.genes[seen == 0]
    text = f"genes seen in fewer than {options.min_cells} observations left out"
    if empty.size and options.min_cells > 0:
        text += f", {empty.size:,} of them zero everywhere ({examples(list(empty))})"
    kept = draft.with_genes(keep)
    return drop_constant(kept, is_part=is_part).noted("filter_genes", text, genes_dropped=int((~keep).sum()))


def drop_constant(draft: Draft, *, is_part: bool) -> Draft:
    """Leave out genes that are constant among a part of the observations; refuse them in the whole input."""
    constant = is_constant(draft.X)
    if not constant.any():
        return draft
    names = list(draft.genes[constant])
    if is_part and constant.sum() <= draft.n_vars - 2:
        text = f"genes with the same value in all of these observations left out ({examples(names)})"
        return draft.with_genes(~constant).noted("constant_genes", text, genes_dropped=len(names))
    first = float(dense(draft.X[np.flatnonzero(constant)[:1]])[0, 0])
    msg = (
        f"{plural(len(names), 'gene|s has|have')} the same value in all {draft.n_obs:,} observations: "
        f"{examples(names)} ({names[0]} is {first:g} everywhere). Expected genes that vary: a constant one shows "
        "neither causes nor effects. Remove them from the file (adata[:, genes_that_vary]); --min-cells 1 or more "
        "leaves out those that are zero."
    )
    raise InputError(msg)


def is_constant(X: Matrix) -> np.ndarray:
    """Return ``(n_vars,)`` whether each row has one value only."""
    low, high = range_of(X)
    found: np.ndarray = low == high
    return found


def normalize(draft: Draft, options: Prepare) -> Draft:
    """Scale every observation to the same total: ``x_ij * target / sum_i x_ij``.

    ``target`` is ``target_sum``, or the median of the totals above zero. An observation without counts stays zero.
    ``auto`` scales counts alone, by totals of genes none of which dominates; where genes are too few for totals, values
    stay, and what is known of the depth is noted, to be taken out of their logarithms (:mod:`acyclome.prepare.depth`).
    """
    if options.normalize is False or (options.normalize == "auto" and draft.kind != COUNTS):
        return draft
    judged = Totals.of(draft.X)
    if options.normalize == "auto" and not judged.suffice:
        return _with_depth(draft, judged)
    asked = options.normalize is True
    totals = sums_of_cells(draft.X) if asked else judged.sums
    target = float(np.median(totals[totals > 0]) if options.target_sum is None else options.target_sum)
    factors = (target / np.where(totals > 0, totals, 1.0)).astype(np.float32)
    X = _map_values(draft.X, lambda values, columns: values * factors[columns])
    n_empty = int((totals <= 0).sum())
    warnings = (
        [f"{plural(n_empty, 'observation|s has|have')} no counts in the genes kept; they stay zero."] if n_empty else []
    )
    text = f"every observation scaled to a total of {target:,.10g}"
    facts = {"target_sum": target, "method": "totals", "effective_genes": judged.effective}
    if asked and not judged.suffice:
        warnings.append(
            f"Totals that {judged.effective:.0f} of {draft.n_vars:,} genes carry bind these to one another: what one "
            "gains the others seem to lose. --prepare.normalize auto takes depth out without that, if there is any."
        )
    elif not asked and len(judged.dominant):
        text += f", {judged.aside(draft.genes)}"
    return replace(draft, X=X, kind="normalised").noted("normalize", text, warnings=warnings, **facts)


def _with_depth(draft: Draft, judged: Totals) -> Draft:
    depth = judged.depth
    noted = draft.noted("normalize", judged.text(draft.genes), warnings=judged.warnings(), **judged.facts())
    return replace(noted, log_depth=depth.log_size) if depth is not None and depth.is_there else noted


def take_log(draft: Draft, options: Prepare) -> Draft:
    was_counts = draft.kind == COUNTS or any(step["step"] == "normalize" for step in draft.steps)
    if options.log is False or (options.log == "auto" and not was_counts):
        return draft
    warnings = ["The matrix seemed logarithmic already, and log was asked for."] if draft.kind == LOG else []
    X = _map_values(draft.X, lambda values, _: np.log1p(values))
    return replace(draft, X=X, kind=LOG).noted("log", "log(1 + x) of every value", warnings=warnings)


def keep_counts(draft: Draft, options: Prepare, named: np.ndarray) -> Draft:
    """Leave the counts as they are, of all genes or as :func:`top_genes`; note totals and size factors."""
    if draft.kind != COUNTS:
        msg = (
            f"The matrix holds {draft.kind} values; expected counts (whole numbers from 0), which the model "
            "is for. Choose the matrix of counts (--layer), or another model."
        )
        raise InputError(msg)
    totals, judged = sums_of_cells(draft.X), Totals.of(draft.X)
    counted = replace(draft, obs=draft.obs.assign(**{TOTAL: totals, SIZE_FACTOR: judged.size}))
    is_scored = options.transform == "latent"
    use = "scored for the expression behind them" if is_scored else "causes act by log(1 + counts / size factor)"
    text = f"counts as they are; {use}. Size factors: {judged.text(draft.genes)}"
    counted = counted.noted("counts", text, warnings=judged.warnings(), **judged.facts())
    if options.n_top_genes is None:
        return drop_constant(counted, is_part=True)
    chosen = top_genes(take_log(normalize(draft, options), options), options, named)
    # Chosen among logarithms; of the steps on that way only the last one happened to the counts.
    steps, warnings = (*counted.steps, chosen.steps[-1]), (*counted.warnings, *chosen.warnings)
    kept = counted.with_genes(np.isin(draft.genes, chosen.genes))
    return drop_constant(replace(kept, steps=steps, warnings=warnings), is_part=True)


def top_genes(draft: Draft, options: Prepare, named: np.ndarray) -> Draft:
    """Keep the ``n_top_genes`` highly variable genes (scanpy, flavor seurat: dispersion within bins of the mean).

    Those that are ``named`` ``(d,)``, as regulators or targets, stay beside them: what they cause would be joined to
    one another without them.
    """
    n_top = options.n_top_genes
    if n_top is None or n_top >= draft.n_vars:
        return draft
    low, high = (float(limit(values)) for limit, values in zip((np.min, np.max), range_of(draft.X), strict=True))
    if low < 0 or high > HIGHEST_LOG:
        msg = (
            f"Highly variable genes were asked for (n_top_genes: {n_top}), but the values run from {low:g} to "
            f"{high:g}. Expected counts or log-normalised values. Choose such a matrix (--layer), "
            "set log: true, or leave the option out."
        )
        raise InputError(msg)
    score = _dispersion(*raised_moments(draft.X))
    best = np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable")[:n_top]  # so many, ties or not
    is_top = np.isin(np.arange(draft.n_vars), best)
    keep = is_top | named
    text = f"the {n_top} most variable genes kept (scanpy, flavor seurat)"
    if beside := int((named & ~is_top).sum()):
        text += f", and {beside:,} more that are regulators or targets of perturbations"
    warning = (
        f"{plural(int((~keep).sum()), 'less variable gene|s was|were')} left out; they can be hidden common causes."
    )
    return draft.with_genes(keep).noted("top_genes", text, warnings=[warning], genes_dropped=int((~keep).sum()))


def _dispersion(mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return the log of variance over mean, standardised among genes of like means as scanpy does, ``(d,)``."""
    import pandas as pd

    mean = np.where(mean == 0, 1e-12, mean)  # as scanpy does
    ratio = variance / mean
    table = pd.DataFrame({"log": np.log(np.where(ratio == 0, np.nan, ratio))})
    groups = table.groupby(pd.cut(pd.Series(np.log1p(mean)), bins=BINS), observed=True)["log"]
    centre, spread = groups.transform("mean"), groups.transform("std")
    alone = spread.isna()  # of one gene in a bin: it scores 1
    return ((table["log"] - centre.where(~alone, 0.0)) / spread.where(~alone, centre)).to_numpy()


def _map_values(X: Matrix, change: Any) -> Matrix:
    """Return ``change(values, observation)`` of every value that is not zero (sparse) or of all (dense), as float32."""
    if isinstance(X, Streamed):
        return X.changed(change)
    if sp.issparse(X):
        data = np.empty_like(X.data)
        for start, stop in blocks(len(X.data), 1):
            data[start:stop] = change(X.data[start:stop], X.indices[start:stop])
        return sp.csr_matrix((data, X.indices, X.indptr), shape=X.shape)
    out = np.empty_like(X)
    for start, stop in blocks(*X.shape):
        out[start:stop] = change(X[start:stop], slice(None))
    return out
