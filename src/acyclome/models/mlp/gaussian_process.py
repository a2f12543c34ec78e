"""Local score of a gene and a set of causes: how probable the data of the gene are, whatever its function is.

The function is a Gaussian process with a finite number of features, of two kinds: additive, a smooth curve per cause;
and joint, the same and random units of all causes together.  Their evidence (marginal likelihood) charges for
flexibility by itself, so no degrees of freedom are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from acyclome.core.contract import Cost
from acyclome.core.data.basis import expand, explained, standardized
from acyclome.core.data.expansions import NaturalSplines
from acyclome.core.data.moments import Moments
from acyclome.models.held_out import less_mean, normal_held_out, within
from acyclome.models.linear.held_out import linear_effects

JITTER = 1e-6
BATCH_VALUES = 1 << 24  # features held at once, 64 MB
STREAM = 0x0E71


@dataclass(frozen=True)
class Evidence:
    """The prior of a gene's function.

    Parameters
    ----------
    terms
        Spline terms per cause; the prior standard deviation of term ``k`` falls as ``1 / k``.
    units
        Random units ``tanh(w' x_S + b)`` shared by all causes of a set ``S``.
    unit_scale
        Prior standard deviation of the sum of all units, over that of a line.
    ridge
        Noise variances, over the prior variance of a line, among which the evidence is averaged.
    """

    terms: int
    units: int
    unit_scale: float
    ridge: tuple[float, ...]

    def expand(self, moments: Moments, threads: int) -> np.ndarray:
        """Expand every gene into orthonormal natural splines, ``(d, terms, n)`` float32."""
        return expand(moments.Z, NaturalSplines(self.terms), threads)

    def prepare(self, moments: Moments, seed: int, threads: int) -> EvidenceScore:
        """Expand the genes and draw the units."""
        return EvidenceScore(moments, features_of(moments, self, seed, threads), self)

    def cost(self, n_obs: int) -> Cost:
        """Say what the family takes with so many observations."""
        k = self.units + 3 * self.terms
        return Cost(4.0 * n_obs * (self.terms + 2), n_obs * k * k + 2.0 * k**3, float(n_obs * self.terms))


class Features(NamedTuple):
    """What the evidence is computed from.

    Parameters
    ----------
    Z
        ``(d, n)`` float32, standardized genes.
    basis
        ``(d, terms, n)`` float32, orthonormal spline terms.
    weight, bias
        ``(d, units)`` and ``(units,)`` float32 of the random units; those of a gene are its own, whatever set it is in.
    n_effective
        Observations that count.
    """

    Z: np.ndarray
    basis: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    n_effective: float


@dataclass(frozen=True)
class EvidenceScore:
    """The evidence on given data."""

    moments: Moments
    features: Features
    prior: Evidence

    @property
    def basis(self) -> np.ndarray:
        """Orthonormal spline terms, ``(d, terms, n)``."""
        return self.features.basis

    def scores(self, j: int, sets: np.ndarray) -> np.ndarray:
        """Score sets of causes of gene ``j``, ``(s, p) -> (s,)``."""
        return local_scores(self.features, self.prior, j, sets)

    def promise(self, j: int, causes: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Say how promising each of ``others`` is, ``(len(others),)``."""
        return promise(self.features, self.prior, j, causes, others)

    def residual(self, j: int, causes: np.ndarray) -> np.ndarray:
        """Return what the causes leave of gene ``j`` under the best kind and ridge, ``(n,)``."""
        return residual(self.features, self.prior, j, causes)

    def held_out(self, j: int, causes: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Log density in the rows ``test`` under the kind and ridge that the rows ``train`` find best, ``(t,)``."""
        rest = residual(self.features, self.prior, j, causes, train)
        return normal_held_out(self.moments, j, rest, train, test)

    def weights(self, j: int, causes: np.ndarray) -> np.ndarray:
        """Return the best linear approximation of the effects, in standard deviations, ``(p,)``."""
        return linear_effects(self.moments, j, causes)


def features_of(moments: Moments, prior: Evidence, seed: int, threads: int) -> Features:
    """Expand the genes and draw the units."""
    basis = prior.expand(moments, threads)
    rng = np.random.default_rng([STREAM, seed])
    weight = rng.standard_normal((moments.n_genes, prior.units)).astype(np.float32)
    bias = rng.standard_normal(prior.units).astype(np.float32)
    return Features(moments.Z.astype(np.float32, copy=False), basis, weight, bias, moments.n_effective)


def local_scores(features: Features, prior: Evidence, j: int, sets: np.ndarray) -> np.ndarray:
    """Score sets of causes of gene ``j``, all of one size, ``(s, p) -> (s,)``; lower is better, no causes give 0.

    ``-log mean_m mean_r p(x_j | S, kind m, ridge r) / p(x_j | no causes)``, with noise variance and mean
    integrated out (Rasmussen and Williams 2006, section 5.4.1; random units as in Rahimi and Recht 2008).

    Notes
    -----
    ``-log p = n/2 log(rest) + 1/2 log det(I + F'F / r)`` with ``rest`` what ridge regression on the features ``F``
    penalizes; both fall out of one Cholesky factor.  Cost: ``n k^2`` for ``k = p terms + units`` features.  A single
    cause has no joint kind.
    """
    s, p = sets.shape
    if p == 0:
        return np.zeros(s)
    k = p * prior.terms + (prior.units if p > 1 else 0) + 1
    step = max(BATCH_VALUES // (k * features.Z.shape[1]), 1)
    parts = [_scores(features, prior, j, sets[a : a + step]) for a in range(0, s, step)]
    return np.concatenate(parts)


def residual(
    features: Features, prior: Evidence, j: int, causes: np.ndarray, train: np.ndarray | None = None
) -> np.ndarray:
    """Return what the causes ``(p,)`` leave of gene ``j`` under the best kind and ridge, ``(n,)`` float32.

    Parameters
    ----------
    train
        Observations that are fitted; all if None.
    """
    if len(causes) == 0:
        return less_mean(features.Z[j].copy(), train)
    F = _design(features, prior, j, causes[None])
    fitted = within(F, train)
    own = features._replace(n_effective=features.n_effective * (fitted.shape[2] / F.shape[2]))
    scale, G = _scales(prior, len(causes)), _gram(own, prior, fitted, len(causes))
    best: tuple[float, int, float] = (np.inf, 0, 1.0)
    for size in _sizes(prior, len(causes)):
        cost = _evidence(_leading(G, size), prior.ridge, own.n_effective)[0]
        at = int(np.argmin(cost))
        best = min(best, (float(cost[at]), size, prior.ridge[at]))
    _, size, ridge = best
    C = _leading(G, size)[0]
    beta = np.linalg.solve(C[:-1, :-1] + (ridge + JITTER * own.n_effective) * np.eye(size), C[:-1, -1])
    return less_mean(features.Z[j] - (beta * scale[:size]).astype(np.float32) @ F[0, :size], train)


def _scores(features: Features, prior: Evidence, j: int, sets: np.ndarray) -> np.ndarray:
    G = _gram(features, prior, _design(features, prior, j, sets), sets.shape[1])
    kinds = [
        _log_mean(-_evidence(_leading(G, size), prior.ridge, features.n_effective))
        for size in _sizes(prior, sets.shape[1])
    ]
    return -_log_mean(np.stack(kinds, axis=1))


def _sizes(prior: Evidence, p: int) -> tuple[int, ...]:
    """Features of each kind: the additive ones come first, so that kinds are nested."""
    return (p * prior.terms,) if p == 1 else (p * prior.terms, p * prior.terms + prior.units)


def _design(features: Features, prior: Evidence, j: int, sets: np.ndarray) -> np.ndarray:
    """Features of every set and the gene itself as the last row, ``(s, k + 1, n)`` float32."""
    s, p = sets.shape
    additive, n = p * prior.terms, features.Z.shape[1]
    F = np.empty((s, _sizes(prior, p)[-1] + 1, n), dtype=np.float32)
    F[:, :additive] = features.basis[sets].reshape(s, additive, n)
    F[:, -1] = features.Z[j]
    if p > 1:
        units = F[:, additive:-1]
        np.matmul(features.weight[sets].transpose(0, 2, 1), features.Z[sets], out=units)
        units += features.bias[:, None]
        np.tanh(units, out=units)
        units -= units.mean(axis=2, keepdims=True)
    return F


def _scales(prior: Evidence, p: int) -> np.ndarray:
    """Prior standard deviation of every feature, and 1 for the gene itself, ``(k + 1,)``."""
    bends = np.tile(1.0 / np.arange(1, prior.terms + 1), p)
    units = np.full(_sizes(prior, p)[-1] - len(bends), prior.unit_scale / np.sqrt(max(prior.units, 1)))
    return np.concatenate([bends, units, np.ones(1)])


def _gram(features: Features, prior: Evidence, F: np.ndarray, p: int) -> np.ndarray:
    G: np.ndarray = (F @ F.transpose(0, 2, 1)).astype(np.float64)
    scale = _scales(prior, p)
    G *= scale * scale[:, None] * (features.n_effective / F.shape[2])
    return G


def _leading(G: np.ndarray, size: int) -> np.ndarray:
    """Products of the first ``size`` features and of the gene, the gene last."""
    if size == G.shape[1] - 1:
        return G
    held = np.append(np.arange(size), G.shape[1] - 1)
    return G[:, held[:, None], held]


def _evidence(G: np.ndarray, ridge: tuple[float, ...], n: float) -> np.ndarray:
    """Minus log evidence over that of no causes, for every ridge, ``(s, r)``."""
    k = G.shape[1] - 1
    r = np.asarray(ridge)
    C = np.repeat(G[:, None], len(r), axis=1)
    at = np.arange(k + 1)
    C[:, :, at, at] += JITTER * n
    whole = C[:, :, k, k]
    C[:, :, at[:k], at[:k]] += r[:, None]
    diagonal = np.linalg.cholesky(C).diagonal(axis1=2, axis2=3)
    rest = diagonal[..., k] ** 2 / whole
    found: np.ndarray = n / 2 * np.log(rest) + np.log(diagonal[..., :k]).sum(axis=2) - k / 2 * np.log(r)
    return found


def _log_mean(values: np.ndarray) -> np.ndarray:
    """``log mean exp`` over the last axis."""
    top = values.max(axis=-1)
    found: np.ndarray = top + np.log(np.mean(np.exp(values - top[..., None]), axis=-1))
    return found


def promise(features: Features, prior: Evidence, j: int, causes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Share of what the causes of ``j`` leave that each of ``others`` explains, alone or times one cause, ``(k,)``."""
    rest = residual(features, prior, j, causes)
    responses = standardized(np.vstack([rest, rest * features.Z[causes]]))
    return explained(features.basis[others], responses).max(axis=1)
