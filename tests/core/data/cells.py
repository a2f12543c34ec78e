"""Logarithms of counts as cells have them, most of them zero: rare and frequent genes, deep and shallow cells."""

import numpy as np


def draw_cells(n_genes, n_cells, *, level, seed):
    """Draw genes ``(n_genes, n_cells)`` with mean counts around ``exp(level)``; two of them are constant."""
    rng = np.random.default_rng(seed)
    rate = np.exp(rng.normal(level, 1.5, (n_genes, 1)) + rng.normal(0.0, 0.5, (1, n_cells)))
    X = rng.poisson(rate).astype(np.float32)
    X[7], X[8] = 0.0, 3.3
    return np.log1p(X)
