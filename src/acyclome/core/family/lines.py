"""The best linear function of some causes, which families of curves give as the weights of their edges."""

from __future__ import annotations

import numpy as np

from acyclome.core.moments import Moments

TINY = 1e-9


def linear_effects(moments: Moments, j: int, causes: np.ndarray) -> np.ndarray:
    """Weights of the best linear function of the causes of gene ``j``, in standard deviations, ``(p,)``."""
    if len(causes) == 0:
        return np.empty(0)
    R = moments.among(np.append(causes, j)).astype(np.float64)
    found: np.ndarray = np.linalg.solve(R[:-1, :-1] + TINY * np.eye(len(causes)), R[:-1, -1])
    return found
