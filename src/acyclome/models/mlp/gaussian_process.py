"""Local score of a gene and a set of parents: how probable the data of the gene are, whatever its function is.

The function is a Gaussian process with a finite number of features, of two kinds: additive, a smooth curve per parent;
and joint, the same and random units of all parents together.  Their evidence (marginal likelihood) charges for
flexibility by itself, so no degrees of freedom are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from acyclome.core.contract import ScoreCost
from acyclome.core.data.basis import expand, explained, own_standardized
from acyclome.core.data.expansions import NaturalSplines
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.models.linear.local_score import AdditiveNoise
from acyclome.models.own_rows import OwnRows

JITTER = 1e-6  # per observation; sums of products in float32 err by about as much
BATCH_VALUES = 1 << 24  # features held at once, 64 MB
STREAM = 0x0E71  # of random numbers, apart from those of other stages


@dataclass(frozen=True)
class Evidence:
    """The prior of a gene's function."""

    terms: int  # spline terms per parent; the prior standard deviation of term k falls as 1 / k
    units: int  # random units tanh(w' x_S + b) shared by all parents of a set S
    unit_scale: float  # prior standard deviation of the sum of all units, over that of a line
    ridge: tuple[float, ...]  # noise variances, over the prior variance of a line, among which the evidence is averaged

    def expand(self, problem: Problem) -> np.ndarray:
        return expand(problem.data.Z, NaturalSplines(self.terms), problem.threads)

    def prepare(self, problem: Problem, seed: int) -> EvidenceScore:
        rng = np.random.default_rng([STREAM, seed])
        weight = rng.standard_normal((problem.n_genes, self.units)).astype(np.float32)
        bias = rng.standard_normal(self.units).astype(np.float32)
        Z = problem.data.Z.astype(np.float32, copy=False)
        return EvidenceScore(problem.data, Features(Z, self.expand(problem), weight, bias), self)

    def cost(self, n_obs: int) -> ScoreCost:
        k = self.units + 3 * self.terms  # of three parents, by which the contract counts
        return ScoreCost(4.0 * n_obs * (self.terms + 2), n_obs * k * k + 2.0 * k**3, float(n_obs * self.terms))


class Features(NamedTuple):
    """What the evidence is computed from."""

    Z: np.ndarray  # (d, n) float32, standardized genes
    basis: np.ndarray  # (d, terms, n) float32, orthonormal spline terms
    weight: np.ndarray  # (d, units) float32 of the random units; a gene keeps its own, whatever set it is in
    bias: np.ndarray  # (units,) float32


@dataclass(frozen=True)
class EvidenceScore(AdditiveNoise):
    """The evidence on given data.

    ``-log mean_m mean_r p(x_j | S, kind m, ridge r) / p(x_j | no parents)``, with noise variance and mean integrated
    out (Rasmussen and Williams 2006, section 5.4.1; random units as in Rahimi and Recht 2008).
    """

    data: Moments
    features: Features
    prior: Evidence

    @property
    def basis(self) -> np.ndarray:
        return self.features.basis

    def scores(self, j: int, sets: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Score sets of parents of gene ``j``, all of one size, ``(s, p) -> (s,)``; lower is better.

        ``-log p = n/2 log(left) + 1/2 log det(I + F'F / r)`` with ``left`` what ridge regression on the features ``F``
        penalizes; both fall out of one Cholesky factor.  Cost: ``n k^2`` for ``k = p terms + units`` features.  A
        single parent has no joint kind.
        """
        return self._by_batch(j, sets, OwnRows.of(self.data, j, rows), leaves=False)[0]

    def scores_and_left(self, j: int, sets: np.ndarray, own: OwnRows) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores ``(s,)`` and what the best kind and ridge of every set leave of gene ``j``, ``(s, n)``."""
        return self._by_batch(j, sets, own, leaves=True)

    def promise(self, j: int, parents: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Share of what the parents leave that each of ``others`` explains, alone or times one parent, ``(k,)``."""
        residual, out = self.residual(j, parents), self.data.interventions.of(j)
        responses = own_standardized(np.vstack([residual, residual * self.features.Z[parents]]), out)
        return explained(self.basis[others], responses, out).max(axis=1)

    def design(self, j: int, sets: np.ndarray, own: OwnRows) -> np.ndarray:
        """Features of every set and the gene itself as the last row, ``(s, k + 1, n)`` float32."""
        s, p = sets.shape
        features, additive, n = self.features, p * self.prior.terms, self.data.n_obs
        F = np.empty((s, _sizes(self.prior, p)[-1] + 1, n), dtype=np.float32)
        F[:, :additive] = features.basis[sets].reshape(s, additive, n)
        F[:, -1] = own.response(features.Z[j])
        if p > 1:  # in place, since units are most of the features
            units = F[:, additive:-1]
            np.matmul(features.weight[sets].transpose(0, 2, 1), features.Z[sets], out=units)
            units += features.bias[:, None]
            np.tanh(units, out=units)
            units -= units.mean(axis=2, keepdims=True)
        return F

    def left_by(self, j: int, parents: np.ndarray, own: OwnRows) -> np.ndarray:
        """Return what the best kind and ridge leave of gene ``j``, ``(n,)``."""
        return self.scores_and_left(j, parents[None], own)[1][0]

    def _by_batch(self, j: int, sets: np.ndarray, own: OwnRows, *, leaves: bool) -> tuple[np.ndarray, np.ndarray]:
        """Fit sets of one size, as many at once as memory is for; what they leave is asked for or empty."""
        (s, p), n = sets.shape, self.data.n_obs
        if p == 0:
            alone = own.less_mean(own.response(self.features.Z[j]).copy())
            return np.zeros(s), np.tile(alone, (s, 1)) if leaves else np.empty((0, n))
        step = max(BATCH_VALUES // ((_sizes(self.prior, p)[-1] + 1) * n), 1)
        fits = [self._fitted(j, sets[a : a + step], own, leaves=leaves) for a in range(0, s, step)]
        return np.concatenate([scores for scores, _ in fits]), np.concatenate([left for _, left in fits])

    def _fitted(self, j: int, sets: np.ndarray, own: OwnRows, *, leaves: bool) -> tuple[np.ndarray, np.ndarray]:
        (s, p), n, ridge = sets.shape, own.n_effective, self.prior.ridge
        F, sizes = self.design(j, sets, own), _sizes(self.prior, p)
        G = self._gram(own.within(F), p, n)
        costs = np.stack([_evidence(_leading(G, size), ridge, n) for size in sizes], axis=1)
        left = np.empty((s if leaves else 0, F.shape[2]), np.float32)
        for k in range(len(left)):
            kind, at = divmod(int(np.argmin(costs[k])), len(ridge))
            size = sizes[kind]
            C = _leading(G[k : k + 1], size)[0]
            beta = np.linalg.solve(C[:-1, :-1] + (ridge[at] + JITTER * n) * np.eye(size), C[:-1, -1])
            beta *= scales(self.prior, p)[:size]
            left[k] = own.less_mean(F[k, -1] - beta.astype(np.float32) @ F[k, :size])
        return -_log_mean(_log_mean(-costs)), left

    def _gram(self, F: np.ndarray, p: int, n_effective: float) -> np.ndarray:
        G: np.ndarray = (F @ F.transpose(0, 2, 1)).astype(np.float64)
        scale = scales(self.prior, p)
        G *= scale * scale[:, None] * (n_effective / F.shape[2])
        return G


def _sizes(prior: Evidence, p: int) -> tuple[int, ...]:
    """Features of each kind: the additive ones come first, so that kinds are nested."""
    return (p * prior.terms,) if p == 1 else (p * prior.terms, p * prior.terms + prior.units)


def scales(prior: Evidence, p: int) -> np.ndarray:
    """Prior standard deviation of every feature, and 1 for the gene itself, ``(k + 1,)``."""
    # Later terms bend more: of two curves that fit alike the smoother one is likelier.
    bends = np.tile(1.0 / np.arange(1, prior.terms + 1), p)
    # So many independent units sum to a standard deviation of unit_scale.
    units = np.full(_sizes(prior, p)[-1] - len(bends), prior.unit_scale / np.sqrt(max(prior.units, 1)))
    return np.concatenate([bends, units, np.ones(1)])


def _leading(G: np.ndarray, size: int) -> np.ndarray:
    """Products of the first ``size`` features and of the gene, the gene last."""
    if size == G.shape[1] - 1:
        return G
    kept = np.append(np.arange(size), G.shape[1] - 1)
    return G[:, kept[:, None], kept]


def _evidence(G: np.ndarray, ridge: tuple[float, ...], n: float) -> np.ndarray:
    """Minus log evidence over that of no parents, for every ridge, ``(s, r)``."""
    k = G.shape[1] - 1
    r = np.asarray(ridge)
    # The gene is the last row, so a factor has det(F'F + r) and what is left of the gene on its diagonal.
    C = np.repeat(G[:, None], len(r), axis=1)
    at = np.arange(k + 1)
    C[:, :, at, at] += JITTER * n
    whole = C[:, :, k, k]
    C[:, :, at[:k], at[:k]] += r[:, None]
    diagonal = np.linalg.cholesky(C).diagonal(axis1=2, axis2=3)
    left = diagonal[..., k] ** 2 / whole
    return n / 2 * np.log(left) + np.log(diagonal[..., :k]).sum(axis=2) - k / 2 * np.log(r)


def _log_mean(values: np.ndarray) -> np.ndarray:
    """``log mean exp`` over the last axis."""
    top = values.max(axis=-1)
    return top + np.log(np.mean(np.exp(values - top[..., None]), axis=-1))
