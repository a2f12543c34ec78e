"""Moments of sparse genes that come in slabs of observations: none is in memory with another, nothing is made dense.

Of two genes the one that is seen more often is standardised and dense, some at a time; the other stays as it is, for

    sum_c z_g(c) z_h(c) = sum_c z_g(c) x_h(c) / scale_h,   as  sum_c z_g(c) = 0,

over what is seen of ``h`` alone, and without the difference of two large numbers.  Pairs of genes that are seen in most
observations are products of dense matrices.  Sums are taken over fixed pieces of a slab, slab by slab, so their bits
depend on the slabs, and on nothing that reads or adds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import scipy.sparse as sp

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.standardized import VARIES, BlockReader, Standardized, former, write_scaled
from acyclome.core.kernel import kernel
from acyclome.core.workers import run_blocks

Slabs = Callable[[], Iterator[sp.csr_matrix]]
"""Gives slabs of observations, ``(d, m)`` CSR with rising columns, each time that it is called."""
PANEL = 128  # genes that are dense at once
PIECE = 4096  # observations added up at once: with the panel 2 MB in float32; a quarter of it took 1.8 times as long
DENSE = 0.4  # share of observations from which a product of dense matrices is the faster
TILE = 1024  # of such genes at once
# Multiplications of dense matrices, a second of them, from which a pass to see what is filled is worth it; and the
# share of them that products of what is seen may take, as dense ones are sure to be as fast as they are counted.
WORTH, CHEAPER = 1e11, 0.5


@dataclass(frozen=True)
class SparseGenes:
    """Genes in sparse slabs of ``n_obs`` observations in all, with what standardises them.

    ``mean`` and ``scale`` ``(d,)``, and in how many observations each gene is ``seen``; ``dtype`` is that of products.
    Where genes are multiplied they stand in the order ``rising``, ``(d,)``: those that are seen least come first, those
    of products of dense matrices, from ``first_dense`` on, last.
    """

    slabs: Slabs
    mean: np.ndarray
    scale: np.ndarray
    seen: np.ndarray
    n_obs: int
    dtype: np.dtype

    @cached_property
    def rising(self) -> np.ndarray:
        return np.argsort(self.seen, kind="stable")

    @property
    def first_dense(self) -> int:
        d = len(self.seen)
        sparse = d - int(np.count_nonzero(self.seen > DENSE * self.n_obs))
        return min(-(-sparse // PANEL) * PANEL, d)  # a panel is of one kind

    @cached_property
    def per_scale(self) -> np.ndarray:
        """What values are multiplied by, ``(d,)``, in the order of products; 0 for constant genes."""
        scale = self.scale[self.rising]
        return np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)

    @property
    def lowest(self) -> np.ndarray:
        """Standardised values where a gene is not seen, ``(d,)``, in the order of products."""
        return (-self.mean[self.rising] * self.per_scale).astype(self.dtype)

    def columns(self, index: np.ndarray) -> np.ndarray:
        """Return all genes in some observations, standardised, ``(d, len(index))``, in one pass over the slabs."""
        # Column by column, as numpy takes some out of an array: sums over them go by it.
        out, first = np.empty((len(self.mean), len(index)), self.dtype, order="F"), 0
        for slab in self.slabs():
            asked = np.flatnonzero((index >= first) & (index < first + slab.shape[1]))
            if len(asked):
                part = np.empty((len(out), len(asked)), out.dtype)
                write_scaled(slab[:, index[asked] - first].toarray(), self.mean, self.scale, part)
                out[:, asked] = part
            first += slab.shape[1]
        return out

    def correlate(self, threads: int) -> np.ndarray:
        """Return correlations of the genes, ``(d, d)``, with a unit diagonal, 0 for constant genes.

        Beside the result there is one slab.  Complexity: ``sum_h seen_h (genes seen more often than h)``
        multiplications, where 3 % are filled about a hundredth of ``d^2 n``.
        """
        low, d = self.lowest, len(self.mean)
        R = np.zeros((d, d), self.dtype)
        for slab in self.slabs():
            X = slab[self.rising]
            values = (X.data * np.repeat(self.per_scale, np.diff(X.indptr))).astype(self.dtype)
            X = sp.csr_matrix((values, X.indices, X.indptr), X.shape)
            add = partial(add_products, X=X, low=low, first_dense=self.first_dense)
            run_blocks(lambda a, b, add=add: add((0, b), (a, b), out=R, at=a), gene_blocks(d, PANEL), threads)
        R /= R.dtype.type(self.n_obs)
        _mirror(R)
        to_order(R, self.rising)
        np.fill_diagonal(R, self.scale > 0)
        return R


def standardize_slabs(
    slabs: Slabs, read: BlockReader, rows: Standardized
) -> tuple[Standardized, np.ndarray, np.ndarray, np.ndarray]:
    """Return standardised genes, formed whenever they are asked for, their mean, scale and skewness.

    ``read`` gives genes as the slabs have them; shape, type and room are those of ``rows``.
    """
    mean, scale, skewness, seen = describe(slabs, rows.shape[0])
    sparse = SparseGenes(slabs, mean, scale, seen, rows.shape[1], np.dtype(rows.dtype))
    return replace(rows, form=former(read, rows, described=(mean, scale)), sparse=sparse), mean, scale, skewness


def describe(slabs: Slabs, n_genes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, scale and skewness of the genes, ``(d,)``, and in how many observations each is not zero.

    Central moments of slabs are put together as by Chan, Golub and LeVeque (1983), and their third as by Pebay (2008).
    """
    n, seen = 0, np.zeros(n_genes, np.int64)
    mean, second, third = np.zeros(n_genes), np.zeros(n_genes), np.zeros(n_genes)
    for slab in slabs():
        m = slab.shape[1]
        part = np.zeros((3, n_genes))
        _central(slab.indptr, slab.data, m, part)
        step, both = part[0] - mean, n + m
        third += part[2] + step**3 * (n * m * (n - m) / both**2) + 3 * step * (n * part[1] - m * second) / both
        second += part[1] + step**2 * (n * m / both)
        mean += step * (m / both)
        seen += np.diff(slab.indptr)
        n = both
    scale = np.sqrt(second / max(n, 1))
    scale[scale <= VARIES * np.maximum(np.abs(mean), 1e-30)] = 0.0  # as of genes in memory
    varies = scale > 0
    skewness = np.divide(third / max(n, 1), scale**3, out=np.zeros(n_genes), where=varies)
    return mean, scale, skewness, seen


def is_cheaper(slabs: Slabs | None, shape: tuple[int, int]) -> bool:
    """Say whether of genes ``(d, n)`` that could be held products of what is seen are cheaper than those of all values.

    Never where observations are fewer than genes, for the screening then asks for all of these.
    """
    d, n = shape
    if slabs is None or n < d or float(d) * d * n < WORTH:
        return False
    seen = np.zeros(d, np.int64)
    for slab in slabs():
        seen += np.diff(slab.indptr)
    return share_of_products(seen, n) < CHEAPER


def share_of_products(seen: np.ndarray, n_obs: int) -> float:
    """Return what products of genes that are ``seen`` in so many observations take, of those of dense matrices."""
    rising, d = np.sort(seen), len(seen)
    own = np.where(rising > DENSE * n_obs, n_obs, rising / DENSE)  # of each with itself and those seen more often
    return float(own @ np.arange(d, 0, -1.0)) / (d * (d + 1) / 2 * max(n_obs, 1))


def add_products(
    rows: tuple[int, int],
    panel: tuple[int, int],
    *,
    X: sp.csr_matrix,
    low: np.ndarray,
    first_dense: int,
    out: np.ndarray,
    at: int,
) -> None:
    """Add products of the genes ``rows`` with those of a panel to ``out``, from its column ``at`` on.

    ``X`` are genes over their scales in some observations, in the order of products, and ``low`` what is added to them
    where they are seen or not.  Of pairs that come twice only those with the gene of ``rows`` before the panel, or in
    it, need be right.  Row 0 of ``out`` is the first of ``rows``.
    """
    (s, t), (a, b) = rows, panel
    if a >= first_dense:
        D, start = X[a:b].toarray() + low[a:b, None], max(s, first_dense)
        for x, y in gene_blocks(max(t - start, 0), TILE):
            one = slice(start + x, start + y)
            out[start - s + x : start - s + y, at : at + b - a] += (X[one].toarray() + low[one, None]) @ D.T
        t = min(t, first_dense)
    if s < t:
        _multiply(X.indptr, X.indices, X.data, low, X.shape[1], a, b, s, t, out, at)


def _mirror(R: np.ndarray) -> None:
    """Fill the lower triangle from the upper one, in place."""
    for a, b in gene_blocks(len(R), TILE):
        for s, t in gene_blocks(a, TILE):
            R[a:b, s:t] = R[s:t, a:b].T
        own = np.triu(R[a:b, a:b])
        R[a:b, a:b] = own + np.triu(own, 1).T


def to_order(R: np.ndarray, order: np.ndarray) -> None:
    """Move row and column ``k`` of ``(d, d)`` to ``order[k]``, in place, with one row beside."""
    d, place = len(R), np.argsort(order)
    for a, b in gene_blocks(d, TILE):
        R[a:b] = R[a:b, place]
    todo = np.ones(d, bool)
    for first in range(d):  # along the circles of the permutation
        if not todo[first]:
            continue
        kept, at = R[first].copy(), first
        while todo[at]:
            todo[at] = False
            source = int(place[at])
            R[at] = kept if source == first else R[source]
            at = source


@kernel
def _central(indptr, values, m, out):
    """Write mean, and sums of squares and cubes about it, of every row of ``m`` columns."""
    for g in range(len(indptr) - 1):
        total = 0.0
        for k in range(indptr[g], indptr[g + 1]):
            total += values[k]
        mean = total / m
        zeros = m - (indptr[g + 1] - indptr[g])
        second, third = zeros * mean * mean, -zeros * mean * mean * mean
        for k in range(indptr[g], indptr[g + 1]):
            x = values[k] - mean
            second += x * x
            third += x * x * x
        out[0, g], out[1, g], out[2, g] = mean, second, third


@kernel
def _multiply(indptr, columns, values, low, m, a, b, first, last, out, shift):
    """Add to ``out[h - first, shift:]`` products of genes ``a`` to ``b``, standardised, with gene ``h`` up to ``last``.

    ``values`` are over the scales of their genes; of what is not stored of a gene ``low`` is the standardised value.
    """
    width = b - a
    D, sums = np.empty((PIECE, width), out.dtype), np.empty(width, out.dtype)
    at, own = indptr[first:last].copy(), indptr[a:b].copy()
    for start in range(0, m, PIECE):
        stop = min(start + PIECE, m)
        for c in range(stop - start):
            D[c] = low[a:b]
        for u in range(width):
            while own[u] < indptr[a + u + 1] and columns[own[u]] < stop:
                D[columns[own[u]] - start, u] += values[own[u]]
                own[u] += 1
        for h in range(len(at)):
            k, end = at[h], indptr[first + h + 1]
            if k >= end or columns[k] >= stop:
                continue
            sums[:] = 0
            # Four at once: a quarter as much to keep, and no negative place.
            while k + 3 < end and columns[k + 3] < stop:
                p, q = np.uint64(columns[k] - start), np.uint64(columns[k + 1] - start)
                r, s = np.uint64(columns[k + 2] - start), np.uint64(columns[k + 3] - start)
                w, x, y, z = values[k], values[k + 1], values[k + 2], values[k + 3]
                for u in range(width):
                    sums[u] += (w * D[p, u] + x * D[q, u]) + (y * D[r, u] + z * D[s, u])
                k += 4
            while k < end and columns[k] < stop:
                p, w = np.uint64(columns[k] - start), values[k]
                for u in range(width):
                    sums[u] += w * D[p, u]
                k += 1
            at[h] = k
            for u in range(width):
                out[h, shift + u] += sums[u]
