"""Means, scales and correlations of the genes, in fixed tiles.

Tiles and the order of every sum are fixed, and each tile is one single-threaded matrix product,
so the bits do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.interventions import Interventions, own_moments, own_rows, parent_scale
from acyclome.core.data.latent import DEGREES, LatentScores, latent_correlations, latent_scores
from acyclome.core.workers import run_blocks

if TYPE_CHECKING:
    from acyclome.core.data.confounders import Deconfounding

BlockReader = Callable[[int, int], np.ndarray]
MarginalMap = Callable[[np.ndarray, Interventions, int], None]
"""``(Z, interventions, threads)``: takes standardized genes to scales of their own, in place, standardized again."""
TILE = 1024  # genes on a side: one product of some seconds, enough for every thread from 4,000 genes on
WHOLE_GENES = 25_000  # of which all correlations are held, 2.5 GB
PRECISE_GENES = 4_000  # up to which they are float64, 0.13 GB
PAIR_VALUES = 1 << 22  # of each side that are multiplied at once, 32 MB in float64
SCORED = 64  # genes of counts scored at once, 5 MB at 10,000 observations
VARIES = 1e-10  # times the mean, below which a scale is rounding of the mean (2e-16 a value, summed over thousands)


@dataclass(frozen=True)
class Moments:
    """Standardised data and their correlation matrix.

    Parameters
    ----------
    Z
        ``(d, n)`` gene-major, every row with mean 0 and mean square 1; float64 up to ``PRECISE_GENES`` genes, where a
        change of units must not move a tie, else float32.
    R
        ``(d, d)`` correlations of the same type, 4 d^2 bytes in float32 (0.4 GB at 10,000 genes); None above
        ``WHOLE_GENES`` genes, where they are formed from ``Z`` as they are needed.
    mean, scale
        ``(d,)`` float64, in the units of the input; ``Z = (X - mean) / scale`` for genes that were never a target, over
        the own observations of those that were.
    skewness
        ``(d,)`` float64, third standardized moment.
    n_effective
        Observations that count, fewer than ``n`` where the preparation took degrees of freedom out.
    interventions
        Observations that are left out of the equation of each gene.
    own_scale
        ``(d,)`` standard deviation of each row of ``Z`` over the own observations of its gene; 1 without interventions.
    read
        ``read(a, b)`` gives genes ``a`` to ``b`` as they were before, ``(b - a, n)``, for models that fit something
        else than standardized genes.
    size
        ``(n,)`` size factors of the observations, where ``read`` gives counts and ``Z`` is ``log(1 + counts / size)``,
        standardized; None where ``Z`` is what ``read`` gives, standardized.
    hermite
        ``(3, d)`` covariances of ``Z`` with latent expression, its square and its cube (:mod:`.latent`), where ``Z`` is
        what counts tell of it; ``R`` are then correlations of latent expression. None where ``Z`` is expression.
    """

    Z: np.ndarray
    R: np.ndarray | None
    mean: np.ndarray
    scale: np.ndarray
    skewness: np.ndarray
    n_effective: float
    interventions: Interventions
    own_scale: np.ndarray
    read: BlockReader
    size: np.ndarray | None = None
    hermite: np.ndarray | None = None

    @property
    def n_genes(self) -> int:
        return self.Z.shape[0]

    @property
    def n_obs(self) -> int:
        return self.Z.shape[1]

    @property
    def n_own(self) -> np.ndarray:
        """Observations that count for the equation of each gene, ``(d,)``."""
        return np.maximum(self.n_effective - self.interventions.counts, 2.0)  # 2: logs and halves of it stay above 0

    def mean_over_genes(self, values: np.ndarray) -> float:
        """Mean of a value per gene, ``(d,)``, each counted by the observations of its own."""
        if not self.interventions.any:  # all the same, and a sum less to round
            return float(np.mean(values))
        return float(np.average(values, weights=self.n_own))

    def per_own_scale(self, weight: np.ndarray, *, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Express weights per standard deviation of the source over its own observations, not over the target's."""
        seen = parent_scale(self.Z, self.interventions, source=source, target=target)
        in_own: np.ndarray = weight * self.own_scale[source] / np.where(seen > 0, seen, 1.0)
        return in_own

    def pairs(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Correlations of the pairs, ``(m,)``."""
        if self.R is not None:
            held: np.ndarray = self.R[source, target]
            return held
        out = np.empty(len(source), dtype=self.Z.dtype)
        step = max(PAIR_VALUES // max(self.n_obs, 1), 1)  # both sides of all pairs at once would be gigabytes
        for a in range(0, len(source), step):
            part = slice(a, a + step)
            np.einsum("ij,ij->i", self.Z[source[part]], self.Z[target[part]], out=out[part])
        return out / self.Z.dtype.type(self.n_obs)

    def rows(self, a: int, b: int, sources: np.ndarray | None = None) -> np.ndarray:
        """Correlations of genes ``a`` to ``b``, as targets, with ``sources`` (all if None), ``(b - a, p)``."""
        if self.R is not None:
            shared = self.R[a:b] if sources is None else self.R[a:b][:, sources]
        else:
            shared = self.Z[a:b] @ (self.Z if sources is None else self.Z[sources]).T / self.Z.dtype.type(self.n_obs)
        return own_rows(shared, self.Z, self.interventions, a=a, sources=sources)

    def among(self, genes: np.ndarray, threads: int = 1) -> np.ndarray:
        """Correlations of some genes with one another, ``(k, k)``."""
        if self.R is not None:
            return np.ascontiguousarray(self.R[np.ix_(genes, genes)])
        return correlations(self.Z[genes], threads)


def own_correlations(data: Moments, genes: np.ndarray, j: int) -> tuple[np.ndarray, np.ndarray]:
    """Correlations of some genes over own observations of gene ``j``, ``(k, k)``, and their scales there, ``(k,)``."""
    out = data.interventions.of(j)
    if len(out) == 0:
        return data.among(genes).astype(np.float64), np.ones(len(genes))
    X = np.delete(data.Z[genes], out, axis=1).astype(np.float64)
    X -= X.mean(axis=1, keepdims=True)
    C = X @ X.T / X.shape[1]
    scale = np.sqrt(C.diagonal())
    safe = np.where(scale > 0, scale, 1.0)
    return C / safe / safe[:, None], scale


def dtype_of(n_genes: int) -> Any:
    """Type of the standardised data and correlations of so many genes."""
    return np.float64 if n_genes <= PRECISE_GENES else np.float32


def standardize(
    read: BlockReader, n_genes: int, *, threads: int, out: np.ndarray | None = None
) -> tuple[np.ndarray, ...]:
    """Return ``(Z, mean, scale, skewness)``; constant genes become zeros, and ``Z`` goes to ``out`` if given."""
    n = read(0, min(1, n_genes)).shape[1]
    Z = np.empty((n_genes, n), dtype=dtype_of(n_genes)) if out is None else out
    mean, scale, skewness = np.empty(n_genes), np.empty(n_genes), np.empty(n_genes)

    def fill(a: int, b: int) -> None:
        block = np.asarray(read(a, b)).astype(np.float64)
        mean[a:b] = block.mean(axis=1)
        block -= mean[a:b, None]
        scale[a:b] = np.sqrt(np.mean(block * block, axis=1))
        tiny = scale[a:b] <= VARIES * np.maximum(np.abs(mean[a:b]), 1e-30)  # 1e-30: genes of zeros have no mean
        scale[a:b][tiny] = 0.0
        block = np.where(tiny[:, None], 0.0, block / np.where(tiny, 1.0, scale[a:b])[:, None])
        skewness[a:b] = np.mean(block * block * block, axis=1)
        Z[a:b] = block

    size = max(1, min(TILE, int(2**25 / max(n, 1))))  # 256 MB of float64 at most, whatever the number of observations
    run_blocks(fill, gene_blocks(n_genes, size), threads)
    return Z, mean, scale, skewness


def correlations(Z: np.ndarray, threads: int) -> np.ndarray:
    """Return ``Z Z' / n``, ``(d, d)`` of the type of ``Z``, with a unit diagonal (zero for constant genes)."""
    d, n = Z.shape
    R = np.empty((d, d), dtype=Z.dtype)
    blocks = gene_blocks(d, TILE if d > PRECISE_GENES else TILE // 4)  # small matrices too are work for some threads
    tiles = [(x, y) for x in range(len(blocks)) for y in range(x, len(blocks))]

    def tile(x: int, y: int) -> None:
        (a, b), (s, t) = blocks[x], blocks[y]
        np.matmul(Z[a:b], Z[s:t].T, out=R[a:b, s:t])
        R[a:b, s:t] /= Z.dtype.type(n)
        if x != y:
            R[s:t, a:b] = R[a:b, s:t].T
        else:
            block = R[a:b, a:b]
            block[:] = (block + block.T) / 2  # BLAS need not sum both halves in one order
            np.fill_diagonal(block, (block.diagonal() > 0.5).astype(Z.dtype))  # 1 or, of constant genes, 0

    run_blocks(tile, tiles, threads)
    return R


def scale_genes(
    read: BlockReader,
    n_genes: int,
    *,
    lost: float = 0.0,
    threads: int = 1,
    interventions: Interventions | None = None,
    out: np.ndarray | None = None,
    size: np.ndarray | None = None,
    deconfounding: Deconfounding | None = None,
    is_latent: bool = False,
    marginal_map: MarginalMap | None = None,
) -> Moments:
    """Standardize the genes and leave the correlations to be formed as they are needed.

    Parameters
    ----------
    read
        ``read(a, b)`` gives genes ``a`` to ``b`` as a ``(b - a, n)`` array.
    lost
        Degrees of freedom that the preparation took out.
    interventions
        None where nothing was done.
    out
        ``(d, n)`` of :func:`dtype_of`, where the standardized genes go, on a disk perhaps; None for memory.
    size
        ``(n,)`` size factors of the observations, if these are counts: then ``log(1 + counts / size)`` is standardized.
    deconfounding
        What hidden causes do, which is taken out; scales are of what is left. None where nothing is.
    is_latent
        Whether counts are scored for the expression behind them, instead of their logarithms being taken.
    marginal_map
        What takes the genes to the scales on which they are learned from; ``mean`` and ``scale`` stay those of the
        input. None: they are learned from as they are.
    """
    if is_latent and size is not None:
        return _score(read, n_genes, size, lost=lost, threads=threads, out=out)
    values = read if size is None else lambda a, b: np.log1p(read(a, b) / size)
    Z, mean, scale, skewness = standardize(values, n_genes, threads=threads, out=out)
    done = Interventions.none(n_obs=Z.shape[1], n_genes=n_genes) if interventions is None else interventions
    measured = None if marginal_map is None else own_moments(Z, done)
    if marginal_map is not None:
        marginal_map(Z, done, threads)
        skewness = np.array([np.mean(z.astype(np.float64) ** 3) for z in Z])
    if deconfounding is not None and deconfounding.any:
        scale *= deconfounding.apply(Z, threads)
    own_mean, own_scale = own_moments(Z, done)
    shift, factor = measured or (own_mean, own_scale)
    mean, scale = mean + scale * shift, scale * factor
    n_effective = max(Z.shape[1] - lost, 2.0)  # as in n_own
    return Moments(Z, None, mean, scale, skewness, n_effective, done, own_scale, read, size)


def _score(
    read: BlockReader, n_genes: int, size: np.ndarray, *, lost: float, threads: int, out: np.ndarray | None
) -> Moments:
    """Score counts for latent expression; mean and scale are those of its logarithm."""
    d, n = n_genes, len(size)
    Z = np.empty((d, n), dtype_of(d)) if out is None else out
    scores = LatentScores(Z, np.empty(d), np.empty(d), np.empty((DEGREES, d)))

    def fill(a: int, b: int) -> None:
        part = latent_scores(np.asarray(read(a, b)), size)
        scores.Z[a:b], scores.log_mean[a:b], scores.spread[a:b] = part.Z, part.log_mean, part.spread
        scores.hermite[:, a:b] = part.hermite

    run_blocks(fill, gene_blocks(d, SCORED), threads)
    return Moments(
        scores.Z,
        None,
        scores.log_mean,
        scores.spread,
        np.zeros(d),  # of a Gaussian; tails of the scores are no tails of expression
        max(n - lost, 2.0),
        Interventions.none(n_obs=n, n_genes=d),
        (scores.spread > 0).astype(float),
        read,
        size,
        scores.hermite,
    )


def correlate(bare: Moments, threads: int) -> Moments:
    """Return the moments with all correlations, as far as so many can be held."""
    return with_correlations(bare, correlations(bare.Z, threads)) if bare.n_genes <= WHOLE_GENES else bare


def with_correlations(bare: Moments, R: np.ndarray) -> Moments:
    """Return the moments with the correlations ``R`` of ``Z``, or those of latent expression that they stand for."""
    if bare.hermite is None:
        return replace(bare, R=R)
    latent, worth = latent_correlations(R, bare.hermite, bare.n_obs)
    return replace(bare, R=latent, n_effective=min(worth, bare.n_effective))
