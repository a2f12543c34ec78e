"""What hidden common causes do to the data is taken out before anything is learned: factors, or the whole spectrum.

Where the hidden cause is what an observed regulator does, which its expression shows with an error, that activity takes
the place of the expression.

A factor is known by its scores, one an observation.  It is a covariate of every equation, so that genes are what a
regression on it leaves, and each costs a degree of freedom (the theorem of Frisch, Waugh and Lovell).  Trimming needs
no factor, and takes with hidden causes of many genes what observed ones do: what is left is a filter of the edges that
are near to certain.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.deconfounding import standardized_rows, trim
from acyclome.core.data.index_maps import positions
from acyclome.core.data.moments import Moments
from acyclome.core.data.standardized import Standardized
from acyclome.core.kernel import kernel
from acyclome.core.workers import run_blocks

BLOCK = 1024  # genes that a thread takes at once
LEAST_LEFT = 1e-6  # of a variance: a gene that factors explain wholly is left without one


@dataclass(frozen=True)
class Deconfounding:
    """What is taken out of the standardised genes: factors ``(r, n)``, and what their spectrum has above its median.

    ``activity`` ``(k, n)`` takes the place of the expression of ``regulators`` ``(k,)``.
    """

    scores: np.ndarray
    trims: bool = False
    regulators: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    activity: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))

    @classmethod
    def none(cls, n_obs: int) -> Self:
        return cls(np.empty((0, n_obs)))

    @property
    def any(self) -> bool:
        return self.trims or self.n_factors > 0 or len(self.regulators) > 0

    @property
    def n_factors(self) -> int:
        return len(self.scores)

    def subset(self, genes: np.ndarray | None, rows: np.ndarray | None) -> Self:
        """Return what is done to some genes and observations, by rising positions; None takes all."""
        part = self
        if genes is not None and len(self.regulators):
            place = positions(genes, int(max(genes.max(initial=0), self.regulators.max())) + 1)[self.regulators]
            part = replace(part, regulators=place[place >= 0], activity=self.activity[place >= 0])
        if rows is not None:
            part = replace(part, scores=part.scores[:, rows])
        if rows is not None and len(part.regulators):
            part = replace(part, activity=part.activity[:, rows])
        return part

    def apply(self, Z: np.ndarray, threads: int) -> np.ndarray:
        """Take it out of ``Z`` ``(d, n)`` in place, rows of mean 0 and mean square 1 again; return the scales left.

        Trimming leaves the scales as they are: it is no regression, of which a residual would have a smaller one.
        """
        scale = np.ones(len(Z))

        def block(a: int, b: int) -> None:
            Z[a:b], scale[a:b] = self.leave(Z[a:b], a)

        if self.n_factors or len(self.regulators):
            run_blocks(block, gene_blocks(len(Z), BLOCK), threads)
        if self.trims:
            Z[:] = trim(Z, threads)
        return scale

    def leave(self, Z: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what factors leave of standardised genes from ``first`` on, and their scales; trims nothing."""
        Z, scale = Z.copy(), np.ones(len(Z))
        for regulator, values in zip(self.regulators, self.activity, strict=True):
            if first <= regulator < first + len(Z):
                Z[regulator - first] = standardized_rows(values[None])[0]
        if not self.n_factors:
            return Z, scale
        left = without_scores(Z, self.basis)
        scale = np.sqrt(np.mean(np.square(left, dtype=np.float64), axis=1))
        scale[scale**2 < LEAST_LEFT] = 0.0
        return np.divide(left, scale[:, None], out=np.zeros_like(left), where=scale[:, None] > 0), scale

    @cached_property
    def basis(self) -> np.ndarray:
        """Orthonormal factors with the span of the scores, ``(r, n)``."""
        return orthonormal(self.scores)


def correlations_left(
    R: np.ndarray, rows: Standardized, scores: np.ndarray, *, out: np.ndarray | None = None
) -> np.ndarray:
    """Return the correlations of what factors ``(r, n)`` leave of standardised genes whose correlations are ``R``.

    They are written to ``out``, which may be ``R``, or else to a new array: with 11,000 genes a machine takes several
    times as long to make room for one as to fill it.
    """
    F = orthonormal(scores).astype(R.dtype)
    L = np.concatenate([rows.block(a, b) @ F.T for a, b in rows.panels()]) / R.dtype.type(F.shape[1])
    variance = R.diagonal() - np.einsum("ij,ij->i", L, L)
    per_scale = np.where(variance >= LEAST_LEFT, 1.0 / np.sqrt(np.maximum(variance, LEAST_LEFT)), 0.0).astype(R.dtype)
    left = np.empty(R.shape, R.dtype) if out is None else out
    _take_out(R, L, np.ascontiguousarray(L.T), per_scale, left)
    np.fill_diagonal(left, per_scale > 0)
    return left


@kernel
def _take_out(R, L, across, per_scale, left):
    """Write ``(R - L L') s s'``, symmetric to the last bit, row by row: several times as fast as array by array."""
    d, r = L.shape
    for i in range(d):
        row, own = left[i], per_scale[i]
        for j in range(d):
            row[j] = R[i, j]
        for k in range(r):
            load, loads = L[i, k], across[k]
            for j in range(d):
                row[j] -= load * loads[j]
        for j in range(d):
            row[j] *= own * per_scale[j]


def orthonormal(scores: np.ndarray) -> np.ndarray:
    """Return rows that span the centered ``scores``, ``(r, n)``, each of mean square 1 and without correlation."""
    if len(scores) == 0:
        return scores
    Q, _ = np.linalg.qr((scores - scores.mean(axis=1, keepdims=True)).T)
    return np.ascontiguousarray(Q.T) * np.sqrt(scores.shape[1])


def without_scores(Z: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return what a regression of every row on orthonormal ``scores`` leaves."""
    scores = scores.astype(Z.dtype)
    left: np.ndarray = Z - (Z @ scores.T / Z.dtype.type(Z.shape[1])) @ scores
    return left


def without_factors(data: Moments, scores: np.ndarray, *, out: np.ndarray | None = None) -> tuple[Moments, np.ndarray]:
    """Return the moments of what factors leave, and its scales, ``(d,)``; correlations cost ``d^2`` a factor.

    These are written to ``out``, or else to a new array.
    """
    if len(scores) == 0:
        return data, np.ones(data.n_genes)
    Z, n, F = data.Z, data.n_obs, orthonormal(scores).astype(data.dtype)
    L = Z @ F.T / data.dtype.type(n)
    left = np.maximum(np.einsum("ij,ij->i", Z, Z) / n - np.sum(L**2, axis=1), LEAST_LEFT)
    scale = np.sqrt(left).astype(data.dtype)
    rows = Standardized(lambda a, b: (Z[a:b] - L[a:b] @ F) / scale[a:b, None], Z.shape, data.dtype)
    R = None if data.R is None else correlations_left(data.R, data.standardized, scores, out=out)
    less = data.n_effective - len(F)
    return replace(data, standardized=rows, R=R, scale=data.scale * scale, n_effective=less), scale.astype(np.float64)
