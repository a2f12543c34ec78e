"""What any causal method has to beat: sort-and-regress, correlation, independent genes.

Reisach et al. (2021, 2023): on simulated data it is often enough to sort the genes by a number that ignores causes.
Every headline figure of this package stands beside these baselines at the same size and seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from acyclome.core.data.interventions import Interventions
from acyclome.evaluate.selection import SELECTIONS
from acyclome.evaluate.sortability import r2_values, standardize

_SALT = 0x50F7  # keeps the default streams apart from those of the simulator and of default_rng(seed)


@dataclass(frozen=True)
class SortedGraph:
    """A graph found by sorting and regressing."""

    source: np.ndarray  # (m,) int64
    target: np.ndarray  # (m,) int64
    weight: np.ndarray  # (m,) standardized effect: both columns in unit variance
    order: np.ndarray  # (d,) gene at every position


def variance_rising(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sort by variance, smallest first.

    Parameters
    ----------
    X
        Data, shape (n, d).
    rng
        Breaks ties.

    Returns
    -------
    Genes in order, shape (d,).
    """
    return _sorted(np.var(X, axis=0, dtype=np.float64), rng)


def r2_rising(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sort by the share of each gene that all others explain, smallest first.

    Parameters
    ----------
    X
        Data, shape (n, d).
    rng
        Breaks ties.

    Returns
    -------
    Genes in order, shape (d,).
    """
    return _sorted(r2_values(X), rng)


def r2_falling(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sort by the share of each gene that all others explain, largest first.

    Parameters
    ----------
    X
        Data, shape (n, d).
    rng
        Breaks ties.

    Returns
    -------
    Genes in order, shape (d,).
    """
    return _sorted(-r2_values(X), rng)


def random_order(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw an order: what the regression alone gives.

    Parameters
    ----------
    X
        Data, shape (n, d).
    rng
        Source of the draw; not the generator of the data.

    Returns
    -------
    Genes in order, shape (d,).
    """
    return rng.permutation(X.shape[1])


KEYS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "variance": variance_rising,
    "r2": r2_rising,
    "r2-falling": r2_falling,
    "random": random_order,
}


def sort_and_regress(
    X: np.ndarray,
    key: str | np.ndarray,
    *,
    selection: str = "bic",
    rng: np.random.Generator | None = None,
    **settings: float,
) -> SortedGraph:
    """Put the genes in an order and choose the parents of each among those before it.

    Needs the correlation matrix: 800 MB at d = 10,000.

    Parameters
    ----------
    X
        Data, shape (n, d), no constant column.
    key
        Name of a way to sort (a key of `KEYS`), or the genes in order, shape (d,).
    selection
        bic (forward search, extended BIC; any size) or adaptive-lasso (up to about 300 genes).
    rng
        Breaks ties and draws the random order; None means a fixed stream of its own for every key.
    **settings
        Passed to the selection, such as gamma or max_parents.

    Returns
    -------
    The graph, acyclic by construction.

    Raises
    ------
    ValueError
        If a name is unknown, the order is no permutation, or a column is constant.
    """
    for name, table in ((key, KEYS), (selection, SELECTIONS)):
        if isinstance(name, str) and name not in table:
            msg = f"Found {name!r}; choose one of {', '.join(table)}."
            raise ValueError(msg)
    n, d = X.shape
    if isinstance(key, str):
        stream = list(KEYS).index(key)
        key = KEYS[key](X, np.random.default_rng([_SALT, stream]) if rng is None else rng)
    order = np.asarray(key)
    if not np.array_equal(np.sort(order), np.arange(d)):
        msg = f"The order must hold every gene 0 to {d - 1} once."
        raise ValueError(msg)
    Z = standardize(X[:, order])
    indptr, parent, weight = SELECTIONS[selection](Z.T @ Z / n, n, **settings)
    child = np.repeat(np.arange(d), np.diff(indptr))
    return SortedGraph(source=order[parent], target=order[child], weight=weight, order=order)


def correlation_ranking(
    X: np.ndarray, *, per_gene: int = 100, tile: int = 1000
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rank ordered pairs by their absolute correlation; both directions of a pair score alike.

    Parameters
    ----------
    X
        Data, shape (n, d), no constant column.
    per_gene
        The strongest partners kept for every target (d - 1 at most).
    tile
        Targets at a time: memory is `8 tile d` bytes, 80 MB at d = 10,000.

    Returns
    -------
    source, target and score, shape (d * per_gene,) each, by target.

    Raises
    ------
    ValueError
        If a column is constant.
    """
    Z = standardize(X)
    n, d = Z.shape
    kept = min(per_gene, d - 1)
    source, score = np.empty((d, kept), np.int64), np.empty((d, kept))
    for start in range(0, d, tile):
        C = np.abs(Z[:, start : start + tile].T @ Z) / n
        rows = np.arange(len(C))
        C[rows, start + rows] = -1.0
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

    Every gene is regressed on its parents in `train` by least squares; its noise variance is
    rss / (n - parents - 1). Without edges this is the baseline of independent genes.

    Parameters
    ----------
    train, test
        Data, shapes (n, d) and (k, d).
    source, target
        Edges, shape (m,).
    interventions
        Those in `train` and those in `test`; a gene's equation is fitted and judged without the observations in
        which it was a target.

    Returns
    -------
    Log-likelihood per held-out observation in nats, shape (d,); nan for genes constant in `train` and genes with
    as many parents as observations.
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
        if variance > 1e-12 * max(float(mean[j] ** 2), 1e-300) and len(z):
            rest = z - Q @ b
            result[j] = -0.5 * (np.log(2.0 * np.pi * variance) + float((rest**2).mean()) / variance)
    return result


def _own(train: np.ndarray, test: np.ndarray, interventions: Sequence[Interventions], j: int) -> tuple[np.ndarray, ...]:
    """Leave out the observations in which gene `j` was a target, and center on what is left of `train`."""
    train, test = (np.delete(X, one.of(j), axis=0) for X, one in zip((train, test), interventions, strict=True))
    mean = train.mean(axis=0)
    return train - mean, test - mean


def independent_log_likelihood(train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Mean Gaussian log-likelihood of held-out observations if no gene acted on another.

    Parameters
    ----------
    train, test
        Data, shapes (n, d) and (k, d).

    Returns
    -------
    As `heldout_log_likelihood` without edges, shape (d,).
    """
    nothing = np.empty(0, np.int64)
    return heldout_log_likelihood(train, test, nothing, nothing)


@dataclass(frozen=True)
class Baseline:
    """A row of the table of baselines."""

    about: str
    kind: str  # graph: SortedGraph; ranking: (source, target, score); likelihood: (d,) from train and test
    run: Callable


def _sort_by(key: str) -> Callable[..., SortedGraph]:
    def run(X: np.ndarray, **settings: object) -> SortedGraph:
        return sort_and_regress(X, key, **settings)  # type: ignore[arg-type]

    return run


BASELINES: dict[str, Baseline] = {
    "sort-variance": Baseline("genes sorted by rising variance, then regression", "graph", _sort_by("variance")),
    "sort-r2": Baseline("genes sorted by rising R2, then regression", "graph", _sort_by("r2")),
    "sort-r2-falling": Baseline("genes sorted by falling R2, then regression", "graph", _sort_by("r2-falling")),
    "sort-random": Baseline("genes in a random order, then regression", "graph", _sort_by("random")),
    "correlation": Baseline("pairs ranked by absolute correlation", "ranking", correlation_ranking),
    "independent": Baseline("no edges: held-out likelihood", "likelihood", independent_log_likelihood),
}


def _sorted(key: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sort with ties in random order; twelve digits count, so that rounding never decides on standardized data."""
    shuffled = rng.permutation(key.size)
    rounded = np.round(key[shuffled] / max(np.abs(key).max(initial=0.0), 1e-300), 12)
    return shuffled[np.argsort(rounded, kind="stable")]
