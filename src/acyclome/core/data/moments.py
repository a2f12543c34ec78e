"""Means, scales and correlations of the genes, in fixed tiles.

Tiles and the order of every sum are fixed, each tile is one single-threaded product, so no bit depends on threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.interventions import Interventions, own_moments, own_rows, parent_scale
from acyclome.core.data.latent import DEGREES, LatentScores, latent_correlations, latent_scores
from acyclome.core.data.slabs import Slabs, is_cheaper, standardize_slabs
from acyclome.core.data.standardized import BlockReader, Standardized, form_as_asked, is_small, panel_genes, standardize
from acyclome.core.workers import run_blocks

if TYPE_CHECKING:
    from acyclome.core.data.confounders import Deconfounding
    from acyclome.core.data.standardized import MarginalMap

WHOLE_GENES = 32_000  # of which all correlations are held, 4.1 GB: as many as are seen in an atlas
PRECISE_GENES = 4_000  # up to which they are float64, 0.13 GB
PAIR_VALUES = 1 << 22  # of each side that are multiplied at once, 32 MB in float64
SCORED = 64  # genes of counts scored at once, 5 MB at 10,000 observations


@dataclass(frozen=True)
class Moments:
    """Standardised data and their correlation matrix.

    Parameters
    ----------
    standardized
        ``(d, n)`` gene-major, every row with mean 0 and mean square 1, as an array ``Z`` where all are asked for;
        float64 up to ``PRECISE_GENES`` genes, where a change of units must not move a tie, else float32.
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
        ``read(a, b)`` gives genes ``a`` to ``b`` as they were, ``(b - a, n)``, for models that fit something else.
    size
        ``(n,)`` size factors of the observations, where ``read`` gives counts and ``Z`` is ``log(1 + counts / size)``,
        standardized; None where ``Z`` is what ``read`` gives, standardized.
    hermite
        ``(3, d)`` covariances of ``Z`` with latent expression, its square and its cube (:mod:`.latent`), where ``Z`` is
        what counts tell of it; ``R`` are then correlations of latent expression. None where ``Z`` is expression.
    measured
        ``(d, d)`` what of the correlations of such ``Z`` is linear in those of latent expression, not shrunk; or None.
    """

    standardized: Standardized
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
    measured: np.ndarray | None = None

    @property
    def Z(self) -> np.ndarray:
        """All standardised genes, ``(d, n)``; they stay in memory, so who can do with less asks ``standardized``."""
        return self.standardized.whole

    @property
    def beside_R(self) -> np.ndarray:
        """``Z`` for what leaves out observations of targets, or has no ``R``; where neither is so, no row of it."""
        return self.Z if self.interventions.any or self.R is None else np.empty((0, self.n_obs), self.dtype)

    @property
    def dtype(self) -> Any:
        return self.standardized.dtype

    @property
    def n_genes(self) -> int:
        return self.standardized.shape[0]

    @property
    def n_obs(self) -> int:
        return self.standardized.shape[1]

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
        seen = parent_scale(self.beside_R, self.interventions, source=source, target=target)
        in_own: np.ndarray = weight * self.own_scale[source] / np.where(seen > 0, seen, 1.0)
        return in_own

    def pairs(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Correlations of the pairs, ``(m,)``."""
        if self.R is not None:
            held: np.ndarray = self.R[source, target]
            return held
        out = np.empty(len(source), dtype=self.dtype)
        step = max(PAIR_VALUES // max(self.n_obs, 1), 1)  # both sides of all pairs at once would be gigabytes
        for a in range(0, len(source), step):
            part = slice(a, a + step)
            np.einsum("ij,ij->i", self.Z[source[part]], self.Z[target[part]], out=out[part])
        return out / self.dtype.type(self.n_obs)

    def rows(self, a: int, b: int, sources: np.ndarray | None = None) -> np.ndarray:
        """Correlations of genes ``a`` to ``b``, as targets, with ``sources`` (all if None), ``(b - a, p)``."""
        if self.R is not None:
            shared = self.R[a:b] if sources is None else self.R[a:b][:, sources]
        else:
            shared = self.Z[a:b] @ (self.Z if sources is None else self.Z[sources]).T / self.Z.dtype.type(self.n_obs)
        return own_rows(shared, self.beside_R, self.interventions, genes=np.arange(a, a + len(shared)), sources=sources)

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


def correlations(rows: Standardized | np.ndarray, threads: int) -> np.ndarray:
    """Return ``Z Z' / n``, ``(d, d)`` of the type of ``Z``, with a unit diagonal (zero for constant genes)."""
    rows = rows if isinstance(rows, Standardized) else Standardized.of(rows)
    if rows.sparse is not None:
        return rows.sparse.correlate(threads)
    d, n = rows.shape
    R = np.empty((d, d), dtype=rows.dtype)
    blocks = gene_blocks(d, panel_genes(n) // (1 if d > PRECISE_GENES else 4))  # small ones too are work for threads
    tiles = [(x, y) for x in range(len(blocks)) for y in range(x, len(blocks))]

    def tile(A: np.ndarray, x: int, y: int) -> None:
        (a, b), (s, t) = blocks[x], blocks[y]
        np.matmul(A, (A if x == y else rows.block(s, t)).T, out=R[a:b, s:t])
        R[a:b, s:t] /= R.dtype.type(n)
        if x != y:
            R[s:t, a:b] = R[a:b, s:t].T
        else:
            block = R[a:b, a:b]
            block[:] = (block + block.T) / 2  # BLAS need not sum both halves in one order
            np.fill_diagonal(block, (block.diagonal() > 0.5).astype(R.dtype))  # 1 or, of constant genes, 0

    if rows.is_held:
        run_blocks(lambda x, y: tile(rows.block(*blocks[x]), x, y), tiles, threads)
        return R
    for x, one in enumerate(blocks):  # formed once for all tiles beside it
        A = rows.block(*one)
        run_blocks(lambda y, A=A, x=x: tile(A, x, y), [(y,) for y in range(x, len(blocks))], threads)
    return R


def scale_genes(
    read: BlockReader,
    n_genes: int,
    *,
    lost: float = 0.0,
    threads: int = 1,
    interventions: Interventions | None = None,
    room: Callable[[], np.ndarray] | None = None,
    size: np.ndarray | None = None,
    deconfounding: Deconfounding | None = None,
    is_latent: bool = False,
    marginal_map: MarginalMap | None = None,
    slabs: Slabs | None = None,
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
    room
        Gives an array ``(d, n)`` of :func:`dtype_of` for standardized genes, on a disk perhaps; None for memory.
    size
        ``(n,)`` size factors of the observations, if these are counts: then ``log(1 + counts / size)`` is standardized.
    deconfounding
        What hidden causes do, which is taken out; scales are of what is left. None where nothing is.
    is_latent
        Whether counts are scored for the expression behind them, instead of their logarithms being taken.
    marginal_map
        What takes genes to the scales of the model, or None; ``mean`` and ``scale`` stay those of the input.
    slabs
        Gives what ``read`` gives, in sparse slabs of observations; None where it is dense.
    """
    if is_latent and size is not None:
        return _score(read, n_genes, size, lost=lost, threads=threads, out=None if room is None else room())
    values = read if size is None else lambda a, b: np.log1p(read(a, b) / size)
    shape, dtype = (n_genes, read(0, min(1, n_genes)).shape[1]), np.dtype(dtype_of(n_genes))
    done = Interventions.none(n_obs=shape[1], n_genes=n_genes) if interventions is None else interventions
    takes_out, measured = deconfounding is not None and deconfounding.any, None
    asks_for_all = done.any or marginal_map is not None or (deconfounding is not None and deconfounding.trims)
    if not asks_for_all and (not is_small(shape, dtype) or (size is None and is_cheaper(slabs, shape))):
        leave = deconfounding.leave if deconfounding is not None and takes_out else None
        asked = Standardized(read, shape, dtype, room)
        if slabs is not None and size is None and leave is None:
            rows, mean, scale, skewness = standardize_slabs(slabs, read, asked)
        else:
            rows, mean, scale, skewness = form_as_asked(values, asked, leave, threads=threads)
    else:
        Z = np.empty(shape, dtype) if room is None else room()
        mean, scale, skewness = standardize(values, Z, threads)
        measured = None if marginal_map is None else own_moments(Z, done)
        if marginal_map is not None:
            marginal_map(Z, done, threads=threads)
            skewness = np.array([np.mean(z.astype(np.float64) ** 3) for z in Z])
        if deconfounding is not None and takes_out:
            scale *= deconfounding.apply(Z, threads)
        rows = Standardized.of(Z)
    own_mean, own_scale = own_moments(rows.whole if done.any else np.broadcast_to(rows.dtype.type(0), shape), done)
    shift, factor = measured or (own_mean, own_scale)
    mean, scale = mean + scale * shift, scale * factor
    n_effective = max(shape[1] - lost, 2.0)  # as in n_own
    return Moments(rows, None, mean, scale, skewness, n_effective, done, own_scale, read, size)


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
        Standardized.of(scores.Z),
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
    return with_correlations(bare, correlations(bare.standardized, threads)) if bare.n_genes <= WHOLE_GENES else bare


def with_correlations(bare: Moments, R: np.ndarray) -> Moments:
    """Return the moments with the correlations ``R`` of ``Z``, or those of latent expression that they stand for."""
    if bare.hermite is None:
        return replace(bare, R=R)
    R, worth, measured = latent_correlations(R, bare.hermite, bare.n_obs)
    return replace(bare, R=R, n_effective=min(worth, bare.n_effective), measured=measured)
