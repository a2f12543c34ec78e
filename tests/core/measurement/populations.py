"""Networks seen with error, as their populations show them."""

from types import SimpleNamespace

import numpy as np

from acyclome.core.measurement.likelihood import Measured, sort


def population(seed, d=12, edges=16, n=4000.0):
    """Draw a network with genes of variance 1, how well each is seen, and the correlations that follow."""
    rng = np.random.default_rng([77, seed])
    order = rng.permutation(d)
    pairs = rng.permutation([(a, b) for b in range(d) for a in range(b)])[:edges]
    source, target = order[pairs[:, 0]], order[pairs[:, 1]]
    B = np.zeros((d, d))
    B[target, source] = rng.uniform(0.4, 0.7, edges) * rng.choice([-1.0, 1.0], edges)
    noise, S = np.zeros(d), np.zeros((d, d))
    for j in order:  # parents come first in the order
        explained = B[j] @ S @ B[j]
        B[j] *= min(1.0, np.sqrt(0.7 / max(explained, 0.7)))
        noise[j] = 1.0 - B[j] @ S @ B[j]
        S[j] = S[:, j] = S @ B[j]
        S[j, j] = 1.0
    loading = rng.uniform(0.4, 0.9, d)
    R = S * np.outer(loading, loading)
    np.fill_diagonal(R, 1.0)
    parameters = sort(source, target, weight=B[target, source], noise=noise)
    return SimpleNamespace(measured=Measured(R, loading, n), truth=parameters, B=B, S=S, order=order)
