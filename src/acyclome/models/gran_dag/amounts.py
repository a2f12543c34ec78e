"""Genes given as amounts, whose logarithms are nearer to normal: noise multiplies them, as it does concentrations."""

from __future__ import annotations

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.workers import run_blocks
from acyclome.models.held_out import REPEATED, repeated
from acyclome.models.logarithms import LOGARITHMS, gains_of_logarithms

TINY = 1e-6  # standard deviations below zero that are rounding, in float32
BLOCK = 32  # genes that a thread takes in a row


def take_logarithms(Z: np.ndarray, units: tuple[np.ndarray, np.ndarray], *, threads: int) -> None:
    """Put standardized logarithms of amounts in their place, whatever was done to them; others stay as they are.

    Amounts are not negative, seldom the same, and gain :data:`LOGARITHMS`.  Genes ``(d, n)`` were ``mean + scale Z``,
    ``units (d,)`` each.
    """
    mean, scale = units

    def some(a: int, b: int) -> None:
        X = mean[a:b, None] + scale[a:b, None] * Z[a:b].astype(np.float64)
        genes = np.flatnonzero((X.min(axis=1) >= -TINY * scale[a:b]) & (scale[a:b] > 0))
        X = np.maximum(X[genes], 0.0)
        for j, x, gain in zip(a + genes, X, gains_of_logarithms(X), strict=True):
            if gain > LOGARITHMS and repeated(x) <= REPEATED:
                logs = np.log1p(x)
                Z[j] = (logs - logs.mean()) / logs.std()

    run_blocks(some, gene_blocks(len(Z), BLOCK), threads)
