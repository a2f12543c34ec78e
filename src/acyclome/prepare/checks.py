"""Whether a matrix can be learned from, whichever door it comes in by, and whether its groups are large enough."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from acyclome.errors import InputError, examples
from acyclome.io.gene_names import lies_on_its_side, repeated
from acyclome.io.inspection import MIN_OBSERVATIONS
from acyclome.io.slabs import is_elsewhere
from acyclome.io.strangers import are_no_genes, say_changed
from acyclome.io.text_matrix import sideways
from acyclome.prepare.genes import is_constant
from acyclome.prepare.matrix import Matrix
from acyclome.prepare.streamed import Streamed
from acyclome.wording import plural

if TYPE_CHECKING:
    from anndata import AnnData

LARGEST = float(np.finfo(np.float32).max)  # in which expression is kept


def check_upright(adata: AnnData) -> None:
    """Refuse an object whose names say that its observations are genes."""
    genes, observations = adata.var_names.astype(str).tolist(), adata.obs_names.astype(str).tolist()
    if lies_on_its_side(observations, genes):
        raise InputError(sideways("adata", observations, genes, way_out="Give adata.T instead."))


def check_matrix(X: Matrix, genes: Sequence[str]) -> None:
    """Refuse a matrix ``(d, n)`` that no network can be learned from; what is streamed has finite values."""
    if X.shape[0] != len(genes):
        msg = (
            f"X has shape {tuple(X.shape[::-1])} and there are {plural(len(genes), 'gene name')}. Expected "
            "observations x genes."
        )
        raise InputError(msg)
    advice = "Rows are observations; is the matrix transposed?"
    check_observations(X.shape[1], "matrix X", advice)
    if X.shape[0] < 2:
        msg = f"The matrix X has {plural(X.shape[0], 'gene')}. Expected at least 2, for a network has edges. {advice}"
        raise InputError(msg)
    check_names(genes)
    strange = [gene or "(no name)" for gene, is_none in zip(genes, are_no_genes(genes), strict=True) if is_none]
    if strange:
        msg = (
            f"{plural(len(strange), 'name|s is|are')} none of genes: {examples(strange)}. Leave them out: "
            "X.drop(columns=[...])."
        )
        raise InputError(msg)
    if not isinstance(X, Streamed):
        check_finite(X.T, genes, [str(row) for row in range(X.shape[1])], name="X", is_prepared=True)
    constant = [gene for gene, flat in zip(genes, is_constant(X), strict=True) if flat]
    if constant:
        msg = (
            f"{plural(len(constant), 'gene|s is|are')} constant: {examples(constant)}. Leave them out; they can have "
            "no causes here."
        )
        raise InputError(msg)


def check_observations(n_obs: int, what: str, advice: str = "Use more cells or samples, or a larger group.") -> None:
    if n_obs < MIN_OBSERVATIONS:
        msg = (
            f"The {what} has {plural(n_obs, 'observation')}. Expected at least {MIN_OBSERVATIONS}, better hundreds: "
            f"dependence between genes cannot be told from chance with fewer. {advice}"
        )
        raise InputError(msg)


def check_names(genes: Sequence[str]) -> None:
    """Refuse names that are repeated."""
    several = repeated(genes)
    if several:
        msg = (
            f"{plural(len(several), 'gene name|s occurs|occur')} more than once: {examples(several)}. Expected every "
            "gene once, because edges are told by name. Sum or drop the copies in the file, or tell them apart: "
            f"adata.var_names_make_unique(). {say_changed(several)}"
        ).rstrip()
        raise InputError(msg)


def check_finite(
    X: Any,
    genes: Sequence[str],
    observations: Sequence[str],
    *,
    name: str,
    may_miss: bool = False,
    is_prepared: bool = False,
) -> None:
    """Raise an InputError if a value of the matrix ``(n, d)`` is infinite, or missing and may not; one is named."""
    stored = X.data if sp.issparse(X) else np.asarray(X)
    if stored.dtype.kind != "f" or not stored.size:  # whole numbers and booleans have no NaN
        return
    if float(stored.min()) >= -LARGEST and float(stored.max()) <= LARGEST:  # neither of which NaN does
        return
    n_nan, n_infinite = 0 if may_miss else int(np.isnan(stored).sum()), int(np.isinf(stored).sum())
    kinds = {"missing value|s (NaN)": n_nan, "infinite value|s": n_infinite}
    kinds[f"value|s beyond {LARGEST:.3g}, the largest of single precision"] = (
        int((np.abs(stored) > LARGEST).sum()) - n_infinite
    )
    counted = [plural(n, word) for word, n in kinds.items() if n]
    if not counted:
        return
    row, column = first_where(X, lambda values: ~(np.abs(values) <= LARGEST) & ~(may_miss & np.isnan(values)))
    advice = " They often come from log(0) or a division by an empty cell." if n_infinite else ""
    if n_nan and not is_prepared:
        advice += (
            " prepare.missing (--missing drop-genes, drop-observations or impute) leaves out or fills what is missing; "
            "zero counts are no missing values."
        )
    msg = (
        f"The matrix {name} holds {' and '.join(counted)}, the first at observation {str(observations[row])!r}, "
        f"gene {genes[column]!r}. Expected numbers everywhere.{advice} Or take those genes or observations out."
    )
    raise InputError(msg)


def first_where(X: Any, holds: Callable[[np.ndarray], np.ndarray]) -> tuple[int, int]:
    """Return row and column of the first value, of a sparse matrix of those stored, of which something holds."""
    if sp.issparse(X):
        entries = sp.coo_matrix(X)
        at = int(np.argmax(holds(entries.data)))
        return int(entries.row[at]), int(entries.col[at])
    row, column = np.unravel_index(int(np.argmax(holds(np.asarray(X)))), X.shape)
    return int(row), int(column)


def as_matrix(X: Any, genes: Sequence[str] | None) -> tuple[Any, list[str]]:
    """Return a matrix of real numbers, dense or CSR, and the names of its columns.

    ``X`` is an array, a matrix in any sparse form, or a table whose columns are genes. Without names, those of the
    table are taken, or the genes are numbered. What is not in memory stays where it is.
    """
    columns = getattr(X, "columns", None)
    if columns is not None and hasattr(X, "to_numpy"):
        rows, names = [str(row) for row in X.index], [str(column) for column in columns]
        if genes is None and lies_on_its_side(rows, names):
            raise InputError(sideways("X", rows, names, way_out="Give X.T instead."))
        X, genes = X.to_numpy(), names if genes is None else genes
    if np.ma.is_masked(X):  # what lies below a mask is no value
        X = np.ma.filled(X.astype(float), np.nan)
    expected = "Expected numbers, observations x genes: an array, a scipy.sparse matrix or a pandas DataFrame."
    if not (sp.issparse(X) or isinstance(X, np.ndarray) or is_elsewhere(X)):
        msg = f"X is of the type {type(X).__name__}. {expected} {_way_in(X)}"
        raise InputError(msg)
    if len(X.shape) != 2:
        msg = f"X has {plural(len(X.shape), 'dimension')}, shape {tuple(X.shape)}. {expected}"
        raise InputError(msg)
    if isinstance(genes, str) or not isinstance(genes, (Iterable, type(None))):
        kind = f"one text, {genes[:20]!r}" if isinstance(genes, str) else f"of the type {type(genes).__name__}"
        msg = f"genes is {kind}. Expected a name for each of the {X.shape[-1]} columns, in a list."
        raise InputError(msg)
    if not all(np.isfinite(X.shape)):  # dask does not count what it has filtered
        msg = f"X has a shape that is not known, {tuple(X.shape)}. Call its compute_chunk_sizes() first."
        raise InputError(msg)
    if X.dtype.kind not in "biuf":
        msg = f"X holds values of type {X.dtype}. {expected}"
        raise InputError(msg)
    names = [f"gene_{i + 1}" for i in range(X.shape[1])] if genes is None else [str(gene) for gene in genes]
    if is_elsewhere(X):
        return X, names
    return X.tocsr() if sp.issparse(X) else np.asarray(X), names


def _way_in(X: Any) -> str:
    if hasattr(X, "obs_names"):
        return "Learn from an AnnData with acyclome.tl.dag(adata)."
    if isinstance(X, (str, os.PathLike)):
        return "Read the file first: pandas.read_csv(file, index_col=0), or anndata.read_h5ad(file)."
    return "Give numpy.asarray(X)."


def as_labels(groups: Sequence[str], n_obs: int) -> np.ndarray:
    """Return the label of every observation as text, ``(n,)``; none may be missing."""
    labels = np.asarray(groups, dtype=object)
    if labels.shape != (n_obs,):
        msg = (
            f"groups holds {plural(labels.size, 'label')} for {plural(n_obs, 'observation')}. Give one label per "
            "observation."
        )
        raise InputError(msg)
    # NaN is the value that differs from itself; pandas has two more that are missing.
    missing = np.array([label is None or str(label) in ("<NA>", "NaT") or label != label for label in labels], bool)
    if missing.any():
        places = examples([str(at) for at in np.flatnonzero(missing)])
        msg = (
            f"{int(missing.sum())} of {n_obs} observations have no label in groups (NaN or None), at {places}. "
            "Expected a label for each; leave those observations out, or give them a label of their own."
        )
        raise InputError(msg)
    return labels.astype(str)


def check_groups(sizes: Mapping[str, int], source: str, way_out: str) -> None:
    """Refuse groups of which one is too small, before anything is computed; all that are too small are named.

    For the message, `source` says where the labels stand, and `way_out` how one group alone is learned.
    """
    small = [f"{label} ({size})" for label, size in sizes.items() if size < MIN_OBSERVATIONS]
    if small:
        msg = (
            f"{len(small)} of the {len(sizes)} labels in {source} have fewer than {MIN_OBSERVATIONS} observations: "
            f"{examples(small, 20)}. No network can be learned from so few. Merge such labels with others, leave their "
            f"observations out, or learn one group at a time ({way_out})."
        )
        raise InputError(msg)
    if not sizes:
        msg = f"No observation has a label in {source}, so there is no group to learn from. Give one to each."
        raise InputError(msg)


def leave_out_constant(X: Matrix, genes: Sequence[str]) -> tuple[Matrix, list[str], list[str]]:
    """Return the genes that vary among these observations, of ``(d, n)``, their names, and a warning of others."""
    constant = is_constant(X)
    # What is too small as a whole is left as it is, for the checks that come next to say so.
    if X.shape[1] < MIN_OBSERVATIONS or not constant.any() or (~constant).sum() < 2:
        return X, list(genes), []
    gone = [gene for gene, flat in zip(genes, constant, strict=True) if flat]
    text = (
        f"{plural(len(gone), 'gene|s with the same value in all of these observations was|were')} left out: "
        f"{examples(gone)}."
    )
    return X[np.flatnonzero(~constant)], [gene for gene in genes if gene not in set(gone)], [text]
