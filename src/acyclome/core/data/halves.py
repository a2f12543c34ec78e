"""Half-samples whose moments are all had from one pass over the data.

Observations are dealt out in pairs, at random, into ``2 PAIRED`` blocks, and a half-sample takes one block of every
pair, as a row of a Hadamard matrix says (balanced half-samples: McCarthy 1969).  Each is half of the observations,
drawn without replacement; two of different pairs share a quarter of all, as many as independent ones share in the mean.
The sums of products of two genes over all half-samples are those over blocks,
which are formed once, and of these a Walsh-Hadamard transform: a complementary pair costs one, and sixteen of them
64 additions beside the ``n`` multiplications of the products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.slabs import to_order
from acyclome.core.data.standardized import panel_genes
from acyclome.core.kernel import kernel
from acyclome.core.workers import run_blocks

PAIRED = 16  # pairs of blocks, and of half-samples to a dealing: 32 resamples, where 20 are usual
SUBTILE = 128  # genes on a side of what is added up at once: 32 blocks of it are 2 MB, which a cache holds
LANES = 256  # values transformed at once: 32 kB in float64
# Of a variance of 1, below which a gene does not vary in a half, by bytes of a value: what one half has is the other's
# rounding.  Correlations of float32 sums, right to 6e-8, are right to .006 from there.
SAME = {8: 1e-10, 4: 1e-5}

Panel = Callable[[int, int], np.ndarray]
"""``panel(a, b)`` gives standardised genes ``a`` to ``b``, ``(b - a, n)``."""
_PARITY = np.array([bin(x).count("1") % 2 for x in range(PAIRED)])


class Half(NamedTuple):
    """One half-sample of a dealing: ``pattern``, 0 to ``PAIRED - 1``, and whether it is the complement."""

    pattern: int
    is_second: bool


@dataclass(frozen=True)
class Halving:
    """Blocks of observations, ``(n,)`` int8: ``2 x`` and ``2 x + 1`` are a pair; -1 for an odd one that no half has."""

    block: np.ndarray

    @classmethod
    def deal(cls, line: np.ndarray) -> Halving:
        """Deal out observations in the order of ``line``, ``(n,)``; neighbours in it are in no half together."""
        block = np.full(len(line), -1, np.int8)
        even = line[: len(line) // 2 * 2]
        block[even] = np.arange(len(even)) % (2 * PAIRED)
        return cls(block)

    def rows(self, half: Half) -> np.ndarray:
        """Observations of a half-sample, rising."""
        return np.flatnonzero((self.block >= 0) & self._has(half)[self.block])

    def sizes(self) -> np.ndarray:
        """Observations of every block, ``(2 PAIRED,)``."""
        return np.bincount(self.block[self.block >= 0], minlength=2 * PAIRED)

    def order(self) -> np.ndarray:
        """Observations block by block, rising within each."""
        return np.argsort(self.block, kind="stable")[np.count_nonzero(self.block < 0) :]

    @staticmethod
    def _has(half: Half) -> np.ndarray:
        """Say which blocks a half-sample has, ``(2 PAIRED,)`` bool."""
        block = np.arange(2 * PAIRED)
        of_first = (block % 2) == _PARITY[(block // 2) & half.pattern]
        return ~of_first if half.is_second else of_first


@dataclass(frozen=True)
class HalfSums:
    """Sums over the half-samples of a dealing.

    ``read(k, start, size)`` gives part of the packed products over all observations (``k`` 0) or over the first half of
    the pair of ``patterns[k - 1]``, each over ``n``; ``total`` and ``square`` ``(d, 2 PAIRED)`` float64 are sums of
    genes and of their squares over blocks. All are of genes in the order ``genes`` ``(d,)``.
    """

    halving: Halving
    patterns: Sequence[int]
    read: Callable[[int, int, int], np.ndarray]
    total: np.ndarray
    square: np.ndarray
    genes: np.ndarray

    def correlations(self, half: Half) -> np.ndarray:
        """Correlations of the genes in one half-sample, ``(d, d)``, with a unit diagonal, 0 for constant genes."""
        has, d = Halving._has(half), len(self.total)
        n, share = int(self.halving.sizes()[has].sum()), float(self.halving.sizes().sum())
        mean = self.total[:, has].sum(axis=1) / n
        variance = self.square[:, has].sum(axis=1) / n - mean**2
        k, dtype = 1 + list(self.patterns).index(half.pattern), self.read(0, 0, 1).dtype
        least = SAME[dtype.itemsize]
        per_scale = np.where(variance > least, 1.0 / np.sqrt(np.maximum(variance, least)), 0.0)
        R = np.empty((d, d), dtype)
        for (a, b), (s, t), start in _packed(d):
            size = (b - a) * (t - s)
            sums = self.read(k, start, size)
            if half.is_second:
                sums = self.read(0, start, size) - sums
            block = sums.reshape(b - a, t - s) * (share / n) - np.multiply.outer(mean[a:b], mean[s:t])
            block *= np.multiply.outer(per_scale[a:b], per_scale[s:t])
            # BLAS need not sum both halves of a symmetric block in one order.
            R[a:b, s:t] = (block + block.T) / 2 if a == s else block
            R[s:t, a:b] = R[a:b, s:t].T
        np.fill_diagonal(R, per_scale > 0)
        if np.any(np.diff(self.genes) < 0):
            to_order(R, self.genes)
        return R


def packed_size(n_genes: int) -> int:
    """Return how many numbers the products of all pairs of genes are, packed."""
    return sum((b - a) * (t - s) for (a, b), (s, t), _ in _packed(n_genes))


def packed_starts(n_genes: int) -> dict[tuple[int, int], int]:
    """Return where the products of two ``SUBTILE`` of genes begin, packed, by the first gene of either."""
    return {(one[0], other[0]): start for one, other, start in _packed(n_genes)}


def sum_halves(
    panel: Panel,
    halving: Halving,
    patterns: Sequence[int],
    *,
    n_genes: int,
    write: Callable[[int, int, np.ndarray], None],
    threads: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Add up products of genes over the half-samples of a dealing; return the sums and sums of squares over blocks.

    ``panel`` gives observations in the order of ``halving``; ``write(k, start, values)`` takes what
    :class:`HalfSums` reads.
    """
    d, starts = n_genes, packed_starts(n_genes)
    cut = np.append(0, np.cumsum(halving.sizes()))
    total, square = np.zeros((d, 2 * PAIRED)), np.zeros((d, 2 * PAIRED))
    wanted = np.array(patterns, np.int64)

    def tile(A: np.ndarray, a: int, others: tuple[int, int]) -> None:
        s, t = others
        B = A if s == a else panel(s, t)
        products, sums = np.empty((2 * PAIRED, SUBTILE**2), A.dtype), np.empty((len(wanted) + 1, SUBTILE**2), A.dtype)
        for x, y in gene_blocks(len(A), SUBTILE):
            for u, v in gene_blocks(t - s, SUBTILE):
                if s + u < a + x:
                    continue
                size = (y - x) * (v - u)
                for k in range(2 * PAIRED):
                    out = products[k, :size].reshape(y - x, v - u)
                    np.matmul(A[x:y, cut[k] : cut[k + 1]], B[u:v, cut[k] : cut[k + 1]].T, out=out)
                transform(products[:, :size], wanted, float(cut[-1]), sums[:, :size])
                for k, of_half in enumerate(sums[:, :size]):
                    write(k, starts[a + x, s + u], of_half)

    panels = gene_blocks(d, panel_genes(int(cut[-1])))
    for number, (a, b) in enumerate(panels):
        A = panel(a, b)
        for k in range(2 * PAIRED):
            part = A[:, cut[k] : cut[k + 1]]
            total[a:b, k] = part.sum(axis=1, dtype=np.float64)
            square[a:b, k] = np.einsum("ij,ij->i", part, part, dtype=np.float64)
        run_blocks(tile, [(A, a, others) for others in panels[number:]], threads)
    return total, square


def _packed(n_genes: int) -> Iterator[tuple[tuple[int, int], tuple[int, int], int]]:
    """Yield the tiles of the upper triangle: genes on either side, and where its values begin."""
    blocks, start = gene_blocks(n_genes, SUBTILE), 0
    for x, (a, b) in enumerate(blocks):
        for s, t in blocks[x:]:
            yield (a, b), (s, t), start
            start += (b - a) * (t - s)


@kernel
def transform(P, patterns, n, out):
    """From products over blocks, ``(2 PAIRED, m)``, to those over all and over first halves, ``(1 + pairs, m)``.

    In float64, so that what is taken away again leaves no rounding: ``first = (all + H (even - odd)) / 2``.
    """
    D, whole = np.empty((PAIRED, LANES)), np.empty(LANES)
    for first in range(0, P.shape[1], LANES):
        m = min(LANES, P.shape[1] - first)
        whole[:] = 0.0
        for x in range(PAIRED):
            for i in range(m):
                even, odd = np.float64(P[2 * x, first + i]), np.float64(P[2 * x + 1, first + i])
                whole[i] += even + odd
                D[x, i] = even - odd
        step = 1
        while step < PAIRED:
            for x in range(PAIRED):
                if x & step == 0:
                    for i in range(m):
                        one, other = D[x, i], D[x + step, i]
                        D[x, i], D[x + step, i] = one + other, one - other
            step *= 2
        for i in range(m):
            out[0, first + i] = whole[i] / n
        for k in range(len(patterns)):
            for i in range(m):
                out[k + 1, first + i] = (whole[i] + D[patterns[k], i]) / (2.0 * n)
