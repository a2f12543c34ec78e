"""How probable observations are that a fit has not seen, on one scale for all models.

The law of noise is the same for all: normal, or where it is measurably not, whatever it is.  Otherwise heavy tails
would decide between functions of which one is judged by a normal law and one is not.

Nats per observation: log densities of the gene in standard deviations, or, where the data are counts, log probabilities
of these.  A normal model of ``g(y) = log(1 + y / s)`` has a density; what it says of a count is the mass of the cell
around it, from ``g(y - 1/2)`` to ``g(y + 1/2)`` (a count of 0 has all that is below).  The density at a point is no
probability: it grows without bound for a gene that is nearly always 0.
"""

from __future__ import annotations

import numpy as np

from acyclome.core.data.moments import Moments
from acyclome.core.order_search.negentropy import least_gain, negentropy
from acyclome.models.noise_density import kernel_log_density
from acyclome.models.own_rows import OwnRows

LEAST_VARIANCE = 1e-4  # of what parents leave, in shares of the gene's: a gene that is constant in the rows fitted
NORMAL_ENTROPY = 0.5 * np.log(2 * np.pi * np.e)  # of a normal law of variance 1, in nats
REPEATED = 0.05  # of the observations; a kernel density of a value that returns is as high as the kernel is narrow


def noise_held_out(data: Moments, j: int, residual: np.ndarray, *, own: OwnRows, test: np.ndarray) -> np.ndarray:
    """Log density of gene ``j`` in the rows ``test``, ``(t,)``: a kernel density, if noise is measurably not normal.

    ``residual`` ``(n,)`` is what is left of the gene, in standard deviations, by a fit to the rows ``own.fitted``; its
    mean square over these is the variance of normal noise (maximum likelihood).  Noise of counts is normal, and of
    genes with values that return.
    """
    fitted = residual if own.fitted is None else residual[own.fitted]
    deviation = np.sqrt(max(float(np.mean(fitted.astype(np.float64) ** 2)), LEAST_VARIANCE))
    return scaled_held_out(data, j, residual, own=own, test=test, deviation=np.full(len(residual), deviation))


def scaled_held_out(
    data: Moments, j: int, residual: np.ndarray, *, own: OwnRows, test: np.ndarray, deviation: np.ndarray
) -> np.ndarray:
    """As :func:`noise_held_out`, with noise of the standard ``deviation (n,)``, in those of the gene."""
    noise = residual.astype(np.float64) / deviation
    deviation = deviation[test]
    if data.size is None:
        fitted = noise if own.fitted is None else noise[own.fitted]
        if has_own_law(data, j, fitted, own=own):
            return kernel_log_density(fitted, noise[test]) - np.log(deviation)
        return -0.5 * noise[test] ** 2 - np.log(deviation) - 0.5 * np.log(2 * np.pi)
    scale = data.scale[j]
    expected = data.mean[j] + scale * (own.response(data.Z[j])[test] - residual[test])
    return normal_mass(data.read(j, j + 1)[0][test], data.size[test], expected, scale * deviation)


def has_own_law(data: Moments, j: int, noise: np.ndarray, *, own: OwnRows) -> bool:
    """Say whether the noise of gene ``j`` in the observations fitted is measurably not normal, and has a density.

    What varies by less than ``LEAST_VARIANCE`` has none: it is rounding of a gene that its causes leave nothing of.
    """
    if np.var(noise) < LEAST_VARIANCE:
        return False
    gain = own.n_effective * negentropy(noise.astype(np.float32), np.sqrt(np.mean(noise**2)))
    if gain <= least_gain(own.n_effective, data.n_genes):
        return False
    return repeated(data.Z[j] if own.fitted is None else data.Z[j, own.fitted]) <= REPEATED


def gain_of_own_law(data: Moments, j: int, noise: np.ndarray, *, own: OwnRows) -> float:
    """Return the nats by which noise is more probable by a kernel density than by a normal law; 0 where that is normal.

    Less what two moments cost by the extended BIC, :func:`least_gain`, which a density pays at the least.
    """
    if not has_own_law(data, j, noise, own=own):
        return 0.0
    u = noise / np.sqrt(np.mean(noise**2))
    gain = own.n_effective * (float(np.mean(kernel_log_density(u, u))) + NORMAL_ENTROPY)
    return max(gain - least_gain(own.n_effective, data.n_genes), 0.0)


def repeated(values: np.ndarray) -> float:
    """Return the share of observations ``(n,)`` that have the most frequent value, such as 0."""
    return float(np.unique(values, return_counts=True)[1].max()) / len(values)


def normal_mass(y: np.ndarray, size: np.ndarray, expected: np.ndarray, deviation: float | np.ndarray) -> np.ndarray:
    """Log of the normal mass between ``g(y - 1/2)`` and ``g(y + 1/2)``, ``(t,)``; all below for a count of 0.

    ``expected`` ``(t,)`` are the means of ``g(y) = log(1 + y / size)``, ``deviation`` is their standard deviation.
    """
    from scipy.special import log_ndtr  # here: stages without counts never ask for it

    upper = (np.log1p((y + 0.5) / size) - expected) / deviation
    lower = np.where(y > 0, (np.log1p((np.maximum(y, 1) - 0.5) / size) - expected) / deviation, -np.inf)
    turned = lower > 0  # far above the mean both tails are 1: taken from the other end they do not cancel
    high, low = np.where(turned, -lower, upper), np.where(turned, -upper, lower)
    top = log_ndtr(high)
    # A cell so narrow that both ends round to one value has the mass of a rounding error, not none.
    return top + np.log1p(-np.exp(np.minimum(log_ndtr(low) - top, -1e-15)))


def count_mass(y: np.ndarray, predictor: np.ndarray, theta: float | None) -> np.ndarray:
    """Log probability of counts ``(t,)`` of log means ``predictor``: negative binomial of log dispersion ``theta``.

    Poisson if there is none.
    """
    from scipy.stats import nbinom, poisson  # here: a quarter of the start of a stage

    mean = np.exp(predictor)
    if theta is None:
        return np.asarray(poisson.logpmf(y, mean))
    r = np.exp(-theta)
    return np.asarray(nbinom.logpmf(y, r, r / (r + mean)))


def seen_mass(y: np.ndarray, predictor: np.ndarray) -> np.ndarray:
    """Log probability of ``y > 0`` being as it is, ``(t,)``, where its log odds are ``predictor``."""
    from scipy.stats import bernoulli

    return np.asarray(bernoulli.logpmf(y > 0, 1.0 / (1.0 + np.exp(-predictor))))
