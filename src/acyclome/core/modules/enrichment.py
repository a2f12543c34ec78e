"""Which sets of genes a module has more of than chance gives."""

from __future__ import annotations

import numpy as np
from scipy import stats


def enrichment(members: np.ndarray, sets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the chance of an overlap as large and its false discovery rate, ``(K, s)`` each.

    The law is hypergeometric among all ``d`` genes, rates are Benjamini and Hochberg's (1995) over all pairs.

    Parameters
    ----------
    members, sets
        ``(d, K)`` and ``(d, s)`` bool.
    """
    both = members.T.astype(float) @ sets.astype(float)
    p = stats.hypergeom.sf(both - 1, len(members), sets.sum(axis=0), members.sum(axis=0)[:, None])
    return p, false_discovery_rates(p)


def false_discovery_rates(p: np.ndarray) -> np.ndarray:
    """Return the least rate at which each of the tests is found, in their shape."""
    if not p.size:
        return p
    found: np.ndarray = stats.false_discovery_control(np.clip(p, 0.0, 1.0).ravel()).reshape(p.shape)
    return found


def overlaps(members: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Return F1 of every module with every set, ``(K, s)``: twice the genes in both over those of both."""
    both = members.T.astype(float) @ sets.astype(float)
    sizes = members.sum(axis=0)[:, None] + sets.sum(axis=0)
    f1: np.ndarray = 2.0 * both / np.maximum(sizes, 1)
    return f1
