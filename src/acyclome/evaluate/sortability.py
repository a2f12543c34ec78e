"""How much of a causal order can be read off the columns one by one (Reisach et al. 2021, 2023).

A value near 1 means that sorting the genes by that number already orders them causally: a benchmark on such data is
won by sorting. Near .5, the number tells nothing.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.linalg.lapack import dtrtri

from acyclome.core.kernel import kernel
from acyclome.evaluate.accuracy import edge_ends

TIE = 1e-9  # of a ratio: variances of standardized columns differ by rounding, some 1e-15, and never mean an order


def sortability(source: np.ndarray, target: np.ndarray, values: np.ndarray, *, max_length: int | None = None) -> float:
    """Share of directed paths whose end has a larger value than its start; nan for a graph without edges.

    ``values`` are positive, one per gene, and tied where their ratio lies within ``TIE`` of 1. An ordered pair of
    genes counts once for every path length that joins it; ties count half. The work is the number of such (pair,
    length) triples times the mean number of targets: small on sparse graphs, and capped by `max_length` (20 is plenty
    at d = 10,000; None: d - 1, also on a cyclic graph).
    """
    values = np.asarray(values, dtype=float)
    if not (values > 0).all():
        msg = f"{int((~(values > 0)).sum())} of {values.size} values are not positive numbers; paths compare ratios."
        raise ValueError(msg)
    source, target = edge_ends((source, target), values.size)
    by_source = np.argsort(source, kind="stable")
    indptr = np.searchsorted(source[by_source], np.arange(values.size + 1))
    longest = values.size - 1 if max_length is None else min(max_length, values.size - 1)
    right, total = _count_paths(indptr, target[by_source], values, longest)
    return right / total if total else float("nan")


def r2_values(X: np.ndarray, shrinkage: float | None = None) -> np.ndarray:
    """Share of every column's variance that all the others explain: `1 - 1 / diag(inv((1 - s) R + s I))`, ``(d,)``.

    With fewer observations than genes the inverse is never formed (Woodbury): O(n^2 d) time and O(n d) memory.
    `shrinkage` is s in (0, 1); None: 1e-8 where d < n / 2, else .1, where the values are relative only.
    """
    n, d = X.shape
    Z = standardize(X)
    s = _shrinkage(shrinkage, few_genes=d < 0.5 * n)
    if d <= n:
        return r2_from_correlation(Z.T @ Z / n, s)
    M = Z @ Z.T * ((1.0 - s) / n)
    M[np.diag_indices(n)] += s  # positive definite with it, so that a Cholesky factor exists
    half = solve_triangular(cholesky(M, lower=True), Z, lower=True)
    inverse = (1.0 - (half**2).sum(axis=0) * ((1.0 - s) / n)) / s
    return 1.0 - 1.0 / inverse


def r2_from_correlation(R: np.ndarray, shrinkage: float) -> np.ndarray:
    """Share of every gene's variance that all the others explain, from their correlations ``(d, d)``."""
    s = _shrinkage(shrinkage, few_genes=True)
    M = (1.0 - s) * np.asarray(R, dtype=float)  # 800 MB at d = 10,000, and its factor as much
    M[np.diag_indices_from(M)] += s
    factor = cholesky(M, lower=True, overwrite_a=True)
    half, _ = dtrtri(factor, lower=True, overwrite_c=True)
    return 1.0 - 1.0 / (half**2).sum(axis=0)


def standardize(X: np.ndarray) -> np.ndarray:
    """Center every column and bring it to unit variance, in double precision; constant or not finite is refused."""
    Z = np.array(X, dtype=np.float64)
    bad = ~(np.ptp(Z, axis=0) > 0) | ~np.isfinite(Z).all(axis=0)
    if bad.any():
        msg = f"{int(bad.sum())} of {bad.size} columns are constant or not finite; leave them out first."
        raise ValueError(msg)
    Z -= Z.mean(axis=0)
    Z /= Z.std(axis=0)
    return Z


def _shrinkage(shrinkage: float | None, *, few_genes: bool) -> float:
    # A hair where the correlations have full rank; else what lets the others explain less than all.
    s = (1e-8 if few_genes else 0.1) if shrinkage is None else shrinkage
    if not 0.0 < s < 1.0:
        msg = f"shrinkage is {s}; it must lie between 0 and 1."
        raise ValueError(msg)
    return s


@kernel
def _count_paths(indptr: np.ndarray, target: np.ndarray, values: np.ndarray, longest: int) -> tuple[float, float]:
    """Walk outward from every gene, one length at a time; `seen[v]` holds the last (start, length) that reached v."""
    d = values.size
    seen = np.full(d, -1, np.int64)
    front, after = np.empty(d, np.int64), np.empty(d, np.int64)
    right, total = 0.0, 0.0
    step = 0
    for start in range(d):
        front[0], size = start, 1
        length = 0
        while size > 0 and length < longest:
            length += 1
            step += 1
            found = 0
            for k in range(size):
                for v in target[indptr[front[k]] : indptr[front[k] + 1]]:
                    if seen[v] != step:
                        seen[v] = step
                        after[found] = v
                        found += 1
            for v in after[:found]:
                ratio = values[v] / values[start]
                if ratio > 1.0 + TIE:
                    right += 1.0
                elif ratio >= 1.0 - TIE:
                    right += 0.5
            total += found
            front, after = after, front
            size = found
    return right, total
