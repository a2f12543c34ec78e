"""Products of sparse genes over all half-samples of a dealing: nothing is made dense but a panel of genes at a time.

The data are copied once, block by block of the dealing.  Of every block the products are those of :mod:`.slabs`,

    sum_c z_g(c) z_h(c) = sum_c z_g(c) x_h(c) / scale_h - mean_h / scale_h sum_c z_g(c),

whose last term does not vanish in a block as it does over all observations.  What is made of them is that of
:mod:`.halves`.  Bits depend on the dealing and the order of the observations, and not on slabs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.halves import PAIRED, SUBTILE, Halving, packed_starts, transform
from acyclome.core.data.slabs import SparseGenes, add_products
from acyclome.core.kernel import kernel
from acyclome.core.workers import run_blocks

HEIGHT = 8192  # genes that a panel is multiplied with at once: 128 MB in float32 of products over all blocks
BLOCKS = 2 * PAIRED

Room = Callable[[tuple[int], np.dtype], np.ndarray]
"""``room(shape, dtype)`` gives an array, on a disk perhaps."""


@dataclass(frozen=True)
class _Dealt:
    """Genes over their scales, in the order of products, for each block of a dealing a CSR of its observations."""

    indptr: np.ndarray  # (BLOCKS, d + 1), into the values of all
    values: np.ndarray
    columns: np.ndarray  # within the block
    sizes: np.ndarray  # (BLOCKS,)

    def block(self, k: int) -> sp.csr_matrix:
        """Genes in the observations of a block, ``(d, m)``."""
        start, stop = self.indptr[k, 0], self.indptr[k, -1]
        parts = (self.values[start:stop], self.columns[start:stop], self.indptr[k] - start)
        return sp.csr_matrix(parts, (self.indptr.shape[1] - 1, int(self.sizes[k])))


def sum_sparse_halves(
    genes: SparseGenes,
    halving: Halving,
    patterns: Sequence[int],
    *,
    write: Callable[[int, int, np.ndarray], None],
    room: Room,
    threads: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Do what :func:`acyclome.core.data.halves.sum_halves` does, of genes in the order ``genes.rising``.

    Beside a panel and its products, ``HEIGHT`` times ``SUBTILE`` over all blocks for each thread, one block of the data
    is in memory; ``room`` holds the data once, 8 bytes a value in float32.
    """
    dealt, low, wanted = _deal(genes, halving, room), genes.lowest, np.array(patterns, np.int64)
    total, square = _sums(dealt, low)
    d, starts, n = len(low), packed_starts(len(low)), float(dealt.sizes.sum())
    missing = low * (np.arange(d) < genes.first_dense)  # products of dense genes have all of it

    def multiply(panel: tuple[int, int], rows: tuple[int, int]) -> None:
        (a, b), (s, t) = panel, rows
        width = b - a
        products = np.zeros((t - s, BLOCKS * width), low.dtype)
        for k in range(BLOCKS):
            X = dealt.block(k)
            add_products(rows, panel, X=X, low=low, first_dense=genes.first_dense, out=products, at=k * width)
        for x, y in gene_blocks(t - s, SUBTILE):
            own = products[x:y].reshape(y - x, BLOCKS, width)
            sums = np.empty((len(wanted) + 1, y - x, width), low.dtype)
            _transform_rows(own, missing[s + x : s + y], total[a:b].T.copy(), wanted, n, sums)
            for k, of_half in enumerate(sums):
                write(k, starts[s + x, a], of_half.ravel())

    panels = gene_blocks(d, SUBTILE)
    run_blocks(multiply, [((a, b), (s, min(s + HEIGHT, b))) for a, b in panels for s in range(0, b, HEIGHT)], threads)
    return total, square


def _deal(genes: SparseGenes, halving: Halving, room: Room) -> _Dealt:
    """Copy the genes block by block."""
    d, sizes = len(genes.mean), halving.sizes()
    within = np.zeros(len(halving.block), np.int32)  # number of an observation in its block
    within[halving.order()] = np.concatenate([np.arange(size) for size in sizes])
    counts, first = np.zeros((BLOCKS, d), np.int64), 0
    for slab in genes.slabs():
        X = slab[genes.rising]
        _count(X.indptr, X.indices, halving.block[first : first + X.shape[1]], counts)
        first += X.shape[1]
    ends = np.cumsum(counts.ravel()).reshape(BLOCKS, d)
    indptr = np.column_stack([np.append(0, ends[:-1, -1]), ends])
    size = int(indptr[-1, -1])
    values, columns = room((size,), genes.dtype), room((size,), np.dtype(np.int32))
    at, first = indptr[:, :-1].copy(), 0
    for slab in genes.slabs():
        X = slab[genes.rising]
        here = slice(first, first + X.shape[1])
        _copy(X.indptr, X.indices, X.data, genes.per_scale, halving.block[here], within[here], at, values, columns)
        first = here.stop
    return _Dealt(indptr, values, columns, sizes)


def _sums(dealt: _Dealt, low: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Add up standardised genes and their squares over blocks, ``(d, BLOCKS)`` each."""
    total, square = np.empty((len(low), BLOCKS)), np.empty((len(low), BLOCKS))
    shift = low.astype(np.float64)
    for k, m in enumerate(dealt.sizes):
        X = dealt.block(k).astype(np.float64)
        one, two = X.sum(axis=1).A1, X.multiply(X).sum(axis=1).A1
        total[:, k], square[:, k] = one + m * shift, two + 2 * shift * one + m * shift**2
    return total, square


@kernel
def _count(indptr, columns, block, counts):
    """Count the values of every gene in every block."""
    for g in range(len(indptr) - 1):
        for k in range(indptr[g], indptr[g + 1]):
            if block[columns[k]] >= 0:
                counts[block[columns[k]], g] += 1


@kernel
def _copy(indptr, columns, values, per_scale, block, within, at, out, places):
    """Write the values of every gene over its scale to where ``at`` says, ``(BLOCKS, d)``, which moves on."""
    for g in range(len(indptr) - 1):
        for k in range(indptr[g], indptr[g + 1]):
            own = block[columns[k]]
            if own >= 0:
                out[at[own, g]] = values[k] * per_scale[g]
                places[at[own, g]] = within[columns[k]]
                at[own, g] += 1


@kernel
def _transform_rows(products, low, total, patterns, n, sums):
    """Transform ``(rows, BLOCKS, width)`` to ``(1 + pairs, rows, width)``, what is not stored of the rows added.

    ``total`` ``(BLOCKS, width)`` are sums of the genes of the panel over blocks.
    """
    for i in range(len(products)):
        for k in range(BLOCKS):
            for u in range(products.shape[2]):
                products[i, k, u] += low[i] * total[k, u]
        transform(products[i], patterns, n, sums[:, i])
