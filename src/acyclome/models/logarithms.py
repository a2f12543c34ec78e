"""Which values are nearer to normal as logarithms: amounts, whose noise multiplies them, as it does concentrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.interventions import LEAST_OWN, Interventions
from acyclome.models.held_out import REPEATED, repeated

if TYPE_CHECKING:
    from acyclome.core.data.standardized import BlockReader

# Nats by which logarithms are to be nearer to normal than values, for what heavy tails say of these to be mistrusted.
# Log-normal noise of a deviation of .5 gains .19, Sachs' intensities 1.
LOGARITHMS = 0.2
BLOCK = 256  # genes that are read at once


def find_amounts(read: BlockReader, interventions: Interventions) -> np.ndarray:
    """Say which genes are amounts, ``(d,)`` bool; ``read(a, b)`` gives genes ``a`` to ``b``, ``(b - a, n)``.

    None of their values is negative; those of the gene's own observations, in which it was no target, are seldom the
    same and gain :data:`LOGARITHMS`.  What was done to a gene does not change how it is measured.
    """
    d = len(interventions.counts)
    found = np.zeros(d, bool)
    for a, b in gene_blocks(d, BLOCK):
        for j, x in enumerate(read(a, b), start=a):
            own = np.delete(x, interventions.of(j))
            if len(own) < LEAST_OWN or x.min() < 0:
                continue
            found[j] = gains_of_logarithms(own[None])[0] > LOGARITHMS and repeated(own) <= REPEATED
    return found


def gains_of_logarithms(X: np.ndarray) -> np.ndarray:
    """Return by how many nats an observation ``log(1 + x)`` is nearer to normal than ``x``, ``(d, n)`` from 0 -> (d,).

    The log-likelihood of the two in the family of Box and Cox (1964), the derivative of the map counted; 0 of what does
    not vary.
    """
    logs = np.log1p(X.astype(np.float64))
    spread, of_logs = X.std(axis=1, dtype=np.float64), logs.std(axis=1)
    varies = (spread > 0) & (of_logs > 0)
    gains = np.zeros(len(X))
    gains[varies] = np.log(spread[varies] / of_logs[varies]) - logs[varies].mean(axis=1)
    return gains
