"""Least squares with noise that need not be Gaussian, which settles directions (LiNGAM, Shimizu et al. 2006)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from acyclome.core.contract import ScoreCost
from acyclome.core.data.problem import Problem
from acyclome.core.order_search.negentropy import least_gain, noise_gain
from acyclome.models.linear.local_score import LeastSquares, LinearScore
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

    def gain_of_noise(self, j: int, parents: np.ndarray, own: OwnRows) -> float:
        """Return the log-likelihood that the noise of a gene gains by not being Gaussian, as in the order search."""
        least = least_gain(self.data.n_effective, self.data.n_genes)
        left, given = np.empty(self.data.n_obs, np.float32), np.sort(parents).astype(np.int32)
        factor = np.empty((len(given) + 1, max(len(given), 1)))
        return float(noise_gain(self._Z, j, given, own.left_out, own.n_effective, least, left, factor))
