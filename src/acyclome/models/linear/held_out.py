"""Lines: the linear model's held-out likelihood, and the weights that families of curves give their edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acyclome.core.data.moments import Moments
from acyclome.core.order_search.negentropy import least_gain, negentropy
from acyclome.models.held_out import LEAST_VARIANCE, less_mean, normal_held_out, within
from acyclome.models.noise_density import kernel_log_density

TINY = 1e-9


@dataclass(frozen=True)
class Lines:
    """``x_j = sum_i W_ij x_i + e_j`` on given data; its orders are searched elsewhere.

    Parameters
    ----------
    reads_noise
        Noise that is measurably not Gaussian has a density of its own.
    """

    moments: Moments
    reads_noise: bool

    def held_out(self, j: int, causes: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Log density in the rows ``test`` by least squares on the rows ``train``, ``(t,)``."""
        y, X = self.moments.Z[j].astype(np.float64), self.moments.Z[causes].astype(np.float64)
        weight = np.linalg.lstsq(within(X, train).T, within(y, train), rcond=None)[0]
        rest = less_mean(y - weight @ X, train)
        if self.reads_noise and self._has_shape(rest[train]):
            return kernel_log_density(rest[train], rest[test])
        return normal_held_out(self.moments, j, rest, train, test)

    def _has_shape(self, rest: np.ndarray) -> bool:
        """Say whether residuals are measurably not Gaussian, as the score of the model does."""
        scale = np.sqrt(max(float(np.mean(rest**2)), LEAST_VARIANCE))
        n = len(rest) * self.moments.n_effective / self.moments.n_obs
        return bool(n * negentropy(rest.astype(np.float32), scale) > least_gain(n, self.moments.n_genes))


def linear_effects(moments: Moments, j: int, causes: np.ndarray) -> np.ndarray:
    """Weights of the best linear function of the causes of gene ``j``, in standard deviations, ``(p,)``."""
    if len(causes) == 0:
        return np.empty(0)
    R = moments.among(np.append(causes, j)).astype(np.float64)
    found: np.ndarray = np.linalg.solve(R[:-1, :-1] + TINY * np.eye(len(causes)), R[:-1, -1])
    return found
