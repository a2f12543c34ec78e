"""Sparse counts of any number of cells, drawn block by block: what droplets show of latent regulators.

    y_cg ~ Poisson(s_c m_g exp(f_cg - var(f_g) / 2)),   f_c = z_c W + p_c L

with ``z`` latent regulators of variance 1, of which the later half follow one or two of the earlier each; ``W`` what a
regulator does to the log mean of its own transcript and of its targets; ``p`` hidden programs of cells with loadings
``L``; ``s`` log-normal size factors of mean 1; and mean counts ``m`` log-normal, scaled so that a share of the matrix
is filled.  Counts of a cell are drawn as their total and how that falls to the genes, so that zeros cost no draw.

Every block of cells has a seed of its own: the first cells of an atlas are those of a larger one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from acyclome.core.kernel import kernel
from acyclome.evaluate.counts import SIZE_SPREAD, log_normal_sizes
from acyclome.evaluate.ranges import check_number

BLOCK = 512  # cells drawn at once: 60 MB of rates at 30,000 genes
_STREAM = 0xA71A5  # keeps these draws apart from all others of the same seed
_MEAN_SPREAD = 1.5  # sd of the log of mean counts: the highest of 30,000 are filled nearly everywhere, as in blood
_REGULATORS = 20  # one gene in so many, as of hub graphs
_FOLLOWS = 0.6  # correlation of a regulator with what it follows
_EFFECT = (0.3, 0.8)  # sd of the log mean that an effect makes, as of counts that show a latent network
_LOADING, _COVERAGE = 0.4, 0.2  # of hidden programs: sd of loadings, and the share of the genes that have any
_QUANTILES = 64  # of a log rate about its mean, over which filling is averaged


class Edges(NamedTuple):
    """The true network: positions of genes, and effects on the log mean per standard deviation of the regulator."""

    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Atlas:
    """What is the same for all cells; :meth:`blocks` draws them."""

    mean: np.ndarray  # (d,) of counts
    effects: sp.csr_matrix  # (regulators, d), of their own transcripts too
    regulators: np.ndarray  # genes whose transcripts they are, the earlier half first
    follows: sp.csr_matrix  # (earlier, later) regulators
    loadings: np.ndarray  # (programs, d)
    seed: int

    @classmethod
    def draw(
        cls, n_genes: int, *, filled: float = 0.03, degree: float = 2.0, programs: int = 0, seed: int = 0
    ) -> Atlas:
        """Draw a network with ``degree`` regulators a gene, and means that fill a share of the matrix.

        Raises
        ------
        ValueError
            If a number lies outside its range.
        """
        check_number("filled", filled, 1e-6, 1.0)
        check_number("degree", degree, 0.0)
        if n_genes < 2 or programs < 0:
            msg = (
                f"There are {n_genes} genes and {programs} programs; expected 2 genes or more, and 0 programs or more."
            )
            raise ValueError(msg)
        rng = np.random.default_rng([_STREAM, seed])
        n_regulators = max(n_genes // _REGULATORS, 1)
        regulators = rng.permutation(n_genes)[:n_regulators]
        first = (n_regulators + 1) // 2
        follows = _random_sparse(first, rng.integers(1, 3, n_regulators - first), (_FOLLOWS, _FOLLOWS), rng)
        follows = _of_length(follows, _FOLLOWS)
        several = rng.poisson(max(degree, 0.0), n_genes)
        several[regulators] = 0  # these have their own, and follow one another
        own = rng.uniform(*_EFFECT, n_regulators), (np.arange(n_regulators), regulators)
        effects = _random_sparse(n_regulators, np.minimum(several, n_regulators), _EFFECT, rng)
        effects = effects + sp.csr_matrix(own, shape=effects.shape)
        loadings = rng.normal(0.0, _LOADING, (programs, n_genes)) * (rng.random((programs, n_genes)) < _COVERAGE)
        spread = np.asarray(effects.multiply(effects).sum(axis=0)).ravel() + np.square(loadings).sum(axis=0)
        mean = _filling(np.exp(rng.normal(0.0, _MEAN_SPREAD, n_genes)), spread + SIZE_SPREAD**2, filled)
        return cls(mean, effects.tocsr(), regulators, follows.tocsr(), loadings, seed)

    @property
    def edges(self) -> Edges:
        """Edges of the latent network, as which genes they are."""
        n, first = len(self.regulators), self.follows.shape[0]
        out, among = self.effects.tocoo(), self.follows.tocoo()
        is_target = self.regulators[out.row] != out.col
        source = np.concatenate([self.regulators[out.row[is_target]], self.regulators[among.row]])
        target = np.concatenate([out.col[is_target], self.regulators[first:n][among.col]])
        return Edges(source, target, np.concatenate([out.data[is_target], among.data]))

    def blocks(self, n_cells: int) -> Iterator[sp.csr_matrix]:
        """Yield counts of the cells, ``BLOCK`` at a time, ``(cells, d)`` float32."""
        for number, first in enumerate(range(0, n_cells, BLOCK)):
            yield self._block(number)[: n_cells - first]

    def _block(self, number: int) -> sp.csr_matrix:
        rng, d = np.random.default_rng([_STREAM, self.seed, number]), len(self.mean)
        n, first = len(self.regulators), self.follows.shape[0]
        latent = rng.standard_normal((BLOCK, n))
        latent[:, first:] *= np.sqrt(1.0 - np.asarray(self.follows.multiply(self.follows).sum(axis=0)))
        latent[:, first:] += latent[:, :first] @ self.follows
        logs = latent @ self.effects + rng.standard_normal((BLOCK, len(self.loadings))) @ self.loadings
        spread = np.asarray(self.effects.multiply(self.effects).sum(axis=0)).ravel()
        shift = np.log(self.mean) - 0.5 * (spread + np.square(self.loadings).sum(axis=0))
        rate = np.exp((logs + shift).astype(np.float32)) * log_normal_sizes(BLOCK, SIZE_SPREAD, rng)[:, None]
        molecules = rng.poisson(rate.sum(axis=1, dtype=np.float64))
        spacing = rng.standard_exponential(int(molecules.sum()) + BLOCK)
        values, genes, starts = _fall(rate, molecules, spacing)
        return sp.csr_matrix((values, genes, starts), shape=(BLOCK, d))


def _random_sparse(
    n_rows: int, several: np.ndarray, size: tuple[float, float], rng: np.random.Generator
) -> sp.csr_matrix:
    """Draw ``several[j]`` entries of column ``j``, of either sign; of one that is drawn twice the sizes add up."""
    column = np.repeat(np.arange(len(several)), several)
    row, sign = rng.integers(0, max(n_rows, 1), len(column)), rng.choice([-1.0, 1.0], len(column))
    drawn = sp.csr_matrix((sign * rng.uniform(*size, len(column)), (row, column)), shape=(n_rows, len(several)))
    drawn.eliminate_zeros()
    return drawn


def _of_length(columns: sp.csr_matrix, length: float) -> sp.csr_matrix:
    """Scale columns to a Euclidean length; those of nothing stay."""
    found = np.sqrt(np.asarray(columns.multiply(columns).sum(axis=0)).ravel())
    return (columns @ sp.diags(length / np.where(found > 0, found, 1.0))).tocsr()


def _filling(mean: np.ndarray, variance: np.ndarray, filled: float) -> np.ndarray:
    """Scale mean counts so that a share of the matrix is above 0, by bisection; ``variance`` is that of log rates."""
    from scipy.special import ndtri

    normal = ndtri((np.arange(_QUANTILES) + 0.5) / _QUANTILES)
    rate = mean[:, None] * np.exp(np.sqrt(variance)[:, None] * normal - 0.5 * variance[:, None])
    low, high = 1e-12, 1e12
    for _ in range(80):  # halves of 24 decades in logarithms: right to 1e-22
        middle = np.sqrt(low * high)
        low, high = (middle, high) if np.mean(-np.expm1(-middle * rate)) < filled else (low, middle)
    return mean * low


@kernel
def _fall(rate, molecules, spacing):
    """Let the molecules of every cell fall to genes as their rates say; spacings make their places, in rising order."""
    values = np.empty(molecules.sum(), np.float32)
    genes, starts = np.empty(len(values), np.int32), np.zeros(len(molecules) + 1, np.int64)
    at, first = 0, 0
    for c in range(len(molecules)):
        total, last = 0.0, 0.0
        for g in range(rate.shape[1]):
            total += rate[c, g]
        for k in range(first, first + molecules[c] + 1):
            last += spacing[k]
        unit, gene, upto, place = total / last, 0, np.float64(rate[c, 0]), 0.0
        for k in range(first, first + molecules[c]):
            place += spacing[k] * unit
            while upto < place and gene < rate.shape[1] - 1:
                gene += 1
                upto += rate[c, gene]
            if at > starts[c] and genes[at - 1] == gene:
                values[at - 1] += 1
            else:
                genes[at], values[at] = gene, 1
                at += 1
        first += molecules[c] + 1
        starts[c + 1] = at
    return values[:at], genes[:at], starts
