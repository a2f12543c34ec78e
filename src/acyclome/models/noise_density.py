"""The density of noise whose law is not known.

The adaptive kernel estimate (Abramson 1982; Silverman 1986, section 5.3): a normal kernel on every observation, wider
where these are rare, so that heavy tails keep weight and sharp edges stay sharp.
"""

from __future__ import annotations

import numpy as np

BINS = 400  # over the range of the sample: the widest kernels of a thousand observations span tens of them
TINY = 1e-300  # least density, where no kernel reaches


def kernel_log_density(seen: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Estimate the log density of a sample ``seen`` ``(n,)`` at the points ``at`` ``(t,)``.

    Kernels have the widths ``h sqrt(G / f)`` with ``f`` a first estimate, of the one width ``h = .9 min(s, IQR / 1.34)
    n^(-1/5)``, and ``G`` its geometric mean.

    Observations are gathered in ``BINS`` bins, far narrower than ``h``.  Cost: ``BINS (BINS + t)`` exponentials.
    """
    low, high = float(seen.min()), float(seen.max())
    times, edges = np.histogram(seen, BINS, (low, max(high, low + TINY**0.5)))
    kept = times > 0
    center, share = ((edges[1:] + edges[:-1]) / 2)[kept], times[kept] / len(seen)
    upper, lower = np.quantile(seen, (0.75, 0.25))
    # Silverman's rule of thumb (1986, equation 3.31); the quartiles of a gene that is mostly one value lie on it.
    deviation = min(float(seen.std()), float(upper - lower) / 1.34) or float(seen.std())
    h = max(0.9 * deviation * len(seen) ** -0.2, float(edges[1] - edges[0]))  # a bin at least: the sample is in bins
    first = _mixture(center, center, np.full(len(center), h), share)
    width = h * np.exp(0.5 * (share @ np.log(first) - np.log(first)))
    return np.log(np.maximum(_mixture(at, center, width, share), TINY))


def _mixture(at: np.ndarray, center: np.ndarray, width: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Density at ``at`` of normal laws around ``center`` with weights ``share``."""
    u = (at[:, None] - center) / width
    with np.errstate(under="ignore"):  # far kernels are 0
        return np.exp(-0.5 * u**2) @ (share / (width * np.sqrt(2 * np.pi)))
