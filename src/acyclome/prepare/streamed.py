"""Sparse expression of more cells than memory holds: read slab by slab whenever something is asked of it.

Steps of the preparation ask for sums, so each takes a pass or none; what is left out and what is done to the values is
noted, and happens as slabs are read.  A step that needs all at once takes :func:`held`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from acyclome.io.atomic import temporary_folder
from acyclome.io.compressed import row_ranges
from acyclome.io.matrices import HIGHEST_LOG
from acyclome.io.slabs import Dealt, Reader
from acyclome.io.store import Store, write_store
from acyclome.prepare.slab_sums import add_slab, turned

BLOCK = 2**24  # values of genes that are in memory at once, 0.1 GB

Change = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""``change(values, observations)`` of every stored value; 0 stays 0."""
_STREAM = 0xC09  # of draws that decide nothing but which pairs of genes and of observations are compared


class OfGenes(NamedTuple):
    """What one pass says of every gene, ``(d,)`` each."""

    seen: np.ndarray  # observations in which it is not zero
    total: np.ndarray
    square: np.ndarray  # sum of squares
    low: np.ndarray
    high: np.ndarray
    raised: np.ndarray  # sum of exp(x) - 1, and of its square, by which variable genes are told
    raised_square: np.ndarray
    projected: np.ndarray  # (d, 2) onto random directions


class OfCells(NamedTuple):
    """What the same pass says of every observation, ``(n,)`` each."""

    seen: np.ndarray
    total: np.ndarray
    projected: np.ndarray  # onto a random direction


@dataclass(frozen=True)
class Streamed:
    """Genes x observations ``(d, n)``; ``genes`` are positions among the columns of what ``read`` gives."""

    read: Reader
    n_obs: int
    genes: np.ndarray
    changes: tuple[Change, ...] = ()
    _known: list[Any] = field(default_factory=list)  # OfGenes, and OfCells where they are of these very genes

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.genes), self.n_obs

    def slabs(self) -> Iterator[sp.csr_matrix]:
        """Give all observations, slab by slab, ``(d, m)`` CSR."""
        first = 0
        for cells in self.read():
            last = first + cells.shape[0]
            yield self._turned(cells, np.arange(first, last))
            first = last

    def _turned(self, cells: sp.csr_matrix, observations: np.ndarray) -> sp.csr_matrix:
        X = turned(cells, self.genes)
        for change in self.changes:
            X.data = change(X.data, observations[X.indices])
        return X

    def __getitem__(self, index: Any) -> Any:
        """Return some genes, still to be read, or (``[:, observations]``) all genes in rising observations, CSR."""
        if not isinstance(index, tuple):
            known = [] if not self._known else [OfGenes(*(part[index] for part in self._known[0]))]
            return replace(self, genes=self.genes[index], _known=known)
        wanted, parts, first = np.asarray(index[1]), [], 0
        for cells in self.read():
            last = first + cells.shape[0]
            observations = wanted[np.searchsorted(wanted, first) : np.searchsorted(wanted, last)]
            parts.append(self._turned(cells[observations - first], observations))
            first = last
        return sp.hstack(parts, format="csr")

    def changed(self, change: Change) -> Streamed:
        """Return the values with a change, which happens when they are read."""
        return replace(self, changes=(*self.changes, change), _known=[])

    def held(self) -> sp.csr_matrix:
        """Return the whole, in memory."""
        whole = sp.hstack(list(self.slabs()), format="csr")
        whole.sort_indices()
        return whole

    def by_genes(self, change: Callable[[sp.csr_matrix], sp.csr_matrix]) -> Streamed:
        """Return what becomes of genes ``(g, n)``, some at a time; they go to the disk for it, and come from there."""
        d, n = self.shape
        dealt = Dealt(lambda: ((first, cells.T) for first, cells in _by_genes(self, change)), (n, d))
        return Streamed(dealt, n, np.arange(d))

    @property
    def of_genes(self) -> OfGenes:
        if not self._known:
            self._known.extend(self._pass())
        return self._known[0]

    @property
    def of_cells(self) -> OfCells:
        if len(self._known) < 2:
            self._known[:] = self._pass()
        return self._known[1]

    def _pass(self) -> tuple[OfGenes, OfCells]:
        d, n = self.shape
        draws, direction = directions(n), np.random.default_rng([_STREAM, 1]).standard_normal(d)
        sums, cells = np.zeros((d, 9)), np.zeros((3, n))
        sums[:, 3], sums[:, 4] = np.inf, -np.inf
        first = 0
        for slab in self.read():  # as it comes: turning it around takes as long as all sums
            last, values = first + slab.shape[0], slab.data
            observations = np.repeat(np.arange(first, last), np.diff(slab.indptr) if self.changes else 0)
            for change in self.changes:
                values = change(values, observations)
            X = sp.csr_matrix((values, slab.indices, slab.indptr), slab.shape)
            add_slab(
                X,
                self.genes,
                draws=draws[first:last],
                direction=direction,
                sums=sums,
                cell_sums=cells[:, first:last],
                most=HIGHEST_LOG,
            )
            first = last
        genes = np.ascontiguousarray(sums.T)
        has_zero = genes[0] < n
        low, high = (
            np.where(has_zero, limit(genes[k], 0.0), genes[k]) for k, limit in ((3, np.minimum), (4, np.maximum))
        )
        of_genes = OfGenes(genes[0].astype(np.int64), genes[1], genes[2], low, high, genes[5], genes[6], genes[7:].T)
        return of_genes, OfCells(cells[0].astype(np.int64), cells[1], cells[2])


def _by_genes(X: Streamed, change: Callable[[sp.csr_matrix], sp.csr_matrix]) -> Iterator[tuple[int, sp.csr_matrix]]:
    """Give blocks of genes, changed, each with the number of its first one."""
    names, cells = list(map(str, range(X.shape[0]))), list(map(str, range(X.n_obs)))
    starts = np.append(0, np.cumsum(X.of_genes.seen))
    with temporary_folder(None, "genes.") as folder:
        write_store(folder / "genes.h5", X.slabs(), names, observations=cells, facts={}, in_slabs=True)
        with Store.open(folder / "genes.h5") as store:
            for a, b in row_ranges(starts, BLOCK):
                yield a, change(store.sparse_block(a, b))


def directions(n_obs: int) -> np.ndarray:
    """Return two random directions among the observations, ``(n, 2)``."""
    return np.random.default_rng(_STREAM).standard_normal((n_obs, 2)) / np.sqrt(n_obs)


def is_plain(X: Streamed) -> bool:
    """Say whether no value is missing, infinite, too large for float32 or below zero, which slabs do not deal with."""
    low, high = range_of(X)
    return bool(np.all(low >= 0) and np.all(high <= np.finfo(np.float32).max) and np.all(np.isfinite(X.of_genes.total)))


def held(X: Any) -> Any:
    """Return a matrix in memory, whatever it was."""
    return X.held() if isinstance(X, Streamed) else X


def seen_in(X: Any) -> np.ndarray:
    """Return in how many observations each gene is not zero, ``(d,)``."""
    if isinstance(X, Streamed):
        return X.of_genes.seen
    return np.diff(X.indptr) if sp.issparse(X) else np.count_nonzero(X, axis=1)


def sums_of_genes(X: Any) -> np.ndarray:
    """Return the sum of every gene, ``(d,)`` float64."""
    return X.of_genes.total if isinstance(X, Streamed) else np.asarray(X.sum(axis=1, dtype=np.float64)).ravel()


def sums_of_cells(X: Any) -> np.ndarray:
    """Return the sum of every observation, ``(n,)`` float64."""
    return X.of_cells.total if isinstance(X, Streamed) else np.asarray(X.sum(axis=0, dtype=np.float64)).ravel()


def mean_squares(X: Any) -> np.ndarray:
    """Return the mean square of every gene, ``(d,)`` float64."""
    if isinstance(X, Streamed):
        return X.of_genes.square / X.n_obs
    squares = X.multiply(X).sum(axis=1, dtype=float) if sp.issparse(X) else np.einsum("ij,ij->i", X, X, dtype=float)
    return np.asarray(squares).ravel() / X.shape[1]


def range_of(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest value of every gene, ``(d,)`` each."""
    if isinstance(X, Streamed):
        return X.of_genes.low, X.of_genes.high
    found = X.min(axis=1), X.max(axis=1)
    if not sp.issparse(X):
        return found
    low, high = (np.asarray(one.todense()).ravel() for one in found)
    return low, high


def raised_moments(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of ``exp(x) - 1``, ``(d,)`` float64 each, the same bits for slabs and in memory."""
    d, n = X.shape
    if not isinstance(X, Streamed):
        rows = sp.csr_matrix(X)
        rows.sort_indices()
        cells = rows.T.tocsr()
        X = Streamed(lambda: iter([cells]), n, np.arange(d))
    found = X.of_genes
    mean = found.raised / n
    return mean, np.maximum(found.raised_square / n - mean * mean, 0.0) * (n / max(n - 1, 1))
