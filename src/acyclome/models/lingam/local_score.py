"""Least squares with noise that need not be Gaussian, which settles directions (LiNGAM, Shimizu et al. 2006)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from acyclome.core.contract import ScoreCost
from acyclome.core.data.problem import Problem
from acyclome.core.order_search.negentropy import least_gain, negentropy, noise_gain
from acyclome.models.held_out import LEAST_VARIANCE, normal_held_out
from acyclome.models.linear.local_score import LeastSquares, LinearScore
from acyclome.models.noise_density import kernel_log_density
from acyclome.models.own_rows import OwnRows

OPERATIONS = 30.0  # of a score per observation: three products of two genes, exponentials counted by their time


@dataclass(frozen=True)
class Lingam(LeastSquares):
    """``x_j = sum_i W_ij x_i + e_j`` with independent ``e_j`` of any law."""

    def prepare(self, problem: Problem, seed: int) -> LingamScore:
        return LingamScore(problem.data)

    def cost(self, n_obs: int) -> ScoreCost:
        return ScoreCost(4.0 * n_obs, OPERATIONS * n_obs, 0.0)


@dataclass(frozen=True)
class LingamScore(LinearScore):
    """Least squares on given data, and what the noise gains by not being Gaussian."""

    @cached_property
    def _Z(self) -> np.ndarray:
        return self.data.Z.astype(np.float32, copy=False)

    def scores(self, j: int, sets: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Score sets of parents of gene ``j``, ``(s, p) -> (s,)``: least squares less what the noise gains."""
        own = OwnRows.of(self.data, j, rows)
        none = self.gain_of_noise(j, sets[0, :0], own)
        return super().scores(j, sets, rows) + none - [self.gain_of_noise(j, one, own) for one in sets]

    def held_out(self, j: int, parents: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Log density in the rows ``test``; noise that is measurably not Gaussian has a density of its own."""
        own = OwnRows.of(self.data, j, train)
        residual = self.left_by(j, parents, own)
        fitted = residual[train if own.fitted is None else own.fitted]
        scale = np.sqrt(max(float(np.mean(fitted**2)), LEAST_VARIANCE))
        gain = own.n_effective * negentropy(fitted.astype(np.float32), scale)
        if gain > least_gain(own.n_effective, self.data.n_genes):
            return kernel_log_density(fitted, residual[test])
        return normal_held_out(self.data, j, residual, own=own, test=test)

    def gain_of_noise(self, j: int, parents: np.ndarray, own: OwnRows) -> float:
        """Return the log-likelihood that the noise of a gene gains by not being Gaussian, as in the order search."""
        least = least_gain(self.data.n_effective, self.data.n_genes)
        left, given = np.empty(self.data.n_obs, np.float32), np.sort(parents).astype(np.int32)
        factor = np.empty((len(given) + 1, max(len(given), 1)))
        return float(noise_gain(self._Z, j, given, own.left_out, own.n_effective, least, left, factor))
