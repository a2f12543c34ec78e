"""What any causal method has to beat: sort-and-regress, correlation, independent genes.

Reisach et al. (2021, 2023): on simulated data it is often enough to sort the genes by a number that ignores causes.
Every headline figure of this package stands beside these baselines at the same size and seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from acyclome.core.data.interventions import Interventions
from acyclome.evaluate.selection import forward_bic
from acyclome.evaluate.sortability import r2_values, standardize

_SALT = 0x50F7  # keeps the default streams apart from those of the simulator and of default_rng(seed)


@dataclass(frozen=True)
class SortedGraph:
    """A graph found by sorting and regressing."""

    source: np.ndarray  # (m,) int64
    target: np.ndarray  # (m,) int64
    weight: np.ndarray  # (m,) standardized effect: both columns in unit variance
    order: np.ndarray  # (d,) gene at every position


KEYS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "variance": lambda X: np.var(X, axis=0, dtype=np.float64),
    "r2": r2_values,
    "r2-falling": lambda X: -r2_values(X),
    "random": lambda X: np.zeros(X.shape[1]),
}
"""Numbers of the genes, ``(n, d) -> (d,)``, by which they are sorted, the smallest first and ties at random."""


def sort_and_regress(X: np.ndarray, key: str | np.ndarray, *, rng: np.random.Generator | None = None) -> SortedGraph:
    """Put the genes in an order and choose the parents of each among those before it.

    `X` is (n, d) without a constant column; `key` names a way to sort (a key of `KEYS`), or is the genes in order,
    (d,). `rng` breaks ties and draws the random order; None means a fixed stream of its own for every key. Needs the
    correlation matrix: 800 MB at d = 10,000.
    """
    n, d = X.shape
    if isinstance(key, str):
        if key not in KEYS:
            msg = f"Found {key!r}; choose one of {', '.join(KEYS)}."
            raise ValueError(msg)
        stream = [_SALT, list(KEYS).index(key)]
        key = _sorted(KEYS[key](X), np.random.default_rng(stream) if rng is None else rng)
    order = np.asarray(key)
    if not np.array_equal(np.sort(order), np.arange(d)):
        msg = f"The order must hold every gene 0 to {d - 1} once."
        raise ValueError(msg)
    Z = standardize(X[:, order])
    indptr, parent, weight = forward_bic(Z.T @ Z / n, n)
    child = np.repeat(np.arange(d), np.diff(indptr))
    return SortedGraph(source=order[parent], target=order[child], weight=weight, order=order)


def correlation_ranking(
    X: np.ndarray, *, per_gene: int = 100, tile: int = 1000
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rank ordered pairs by their absolute correlation; both directions of a pair score alike.

    `X` is (n, d) without a constant column. The `per_gene` strongest partners of every target are kept (d - 1 at most),
    `tile` targets at a time: memory is `8 tile d` bytes, 80 MB at d = 10,000. Returns source, target and score by
    target, (d * per_gene,) each.
    """
    Z = standardize(X)
    n, d = Z.shape
    kept = min(per_gene, d - 1)
    source, score = np.empty((d, kept), np.int64), np.empty((d, kept))
    for start in range(0, d, tile):
        C = np.abs(Z[:, start : start + tile].T @ Z) / n
        rows = np.arange(len(C))
        C[rows, start + rows] = -1.0  # below any other: no gene is its own partner
        best = np.argpartition(-C, kept - 1, axis=1)[:, :kept]
        source[start : start + tile] = best
        score[start : start + tile] = np.take_along_axis(C, best, axis=1)
    return source.ravel(), np.repeat(np.arange(d), kept), score.ravel()


def heldout_log_likelihood(
    train: np.ndarray,
    test: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    interventions: Sequence[Interventions] = (),
) -> np.ndarray:
    """Mean Gaussian log-likelihood of held-out observations, gene by gene, given the genes' parents.

    Every gene is regressed on its parents in `train` (n, d) by least squares, with noise variance
    rss / (n - parents - 1), and `test` (k, d) is judged: (d,) nats per observation, nan for genes constant in `train`
    and genes with as many parents as observations. Without edges this is the baseline of independent genes. With
    `interventions` (those in `train` and those in `test`) a gene's equation is fitted and judged without the
    observations in which it was a target.
    """
    d = train.shape[1]
    mean = train.mean(axis=0, dtype=np.float64)
    A, B = train - mean, test - mean
    by_target = np.argsort(target, kind="stable")
    bounds = np.searchsorted(np.asarray(target)[by_target], np.arange(d + 1))
    result = np.full(d, np.nan)
    for j in range(d):
        p = np.asarray(source)[by_target[bounds[j] : bounds[j + 1]]]
        P, y, Q, z = A[:, p], A[:, j], B[:, p], B[:, j]
        if any(one.counts[j] for one in interventions):
            (P, Q), (y, z) = (_own(*sides, interventions, j) for sides in ((P, Q), (y, z)))
        b = np.linalg.lstsq(P, y, rcond=None)[0]
        spare = len(y) - p.size - 1
        variance = float(((y - P @ b) ** 2).sum()) / spare if spare > 0 else 0.0
        # Of a constant gene rounding leaves a variance, in proportion to its level.
        if variance > 1e-12 * max(float(mean[j] ** 2), 1e-300) and len(z):
            rest = z - Q @ b
            result[j] = -0.5 * (np.log(2.0 * np.pi * variance) + float((rest**2).mean()) / variance)
    return result


def _own(train: np.ndarray, test: np.ndarray, interventions: Sequence[Interventions], j: int) -> tuple[np.ndarray, ...]:
    """Leave out the observations in which gene `j` was a target, and center on what is left of `train`."""
    train, test = (np.delete(X, one.of(j), axis=0) for X, one in zip((train, test), interventions, strict=True))
    mean = train.mean(axis=0)
    return train - mean, test - mean


def _sorted(key: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sort with ties in random order; twelve digits count, so that rounding never decides on standardized data."""
    shuffled = rng.permutation(key.size)
    rounded = np.round(key[shuffled] / max(np.abs(key).max(initial=0.0), 1e-300), 12)
    return shuffled[np.argsort(rounded, kind="stable")]
