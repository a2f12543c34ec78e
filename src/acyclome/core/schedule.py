"""How the constraint is tightened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CentralPath:
    """Minimize ``mu F + h`` for falling ``mu``, each from the last solution (DAGMA: Bello et al. 2022).

    Parameters
    ----------
    mu
        Weights of the objective, falling.
    max_steps
        Steps per ``mu``, at most.
    rtol
        A ``mu`` is done when a step changes ``mu F + h`` by less than this share.
    max_halvings
        Halvings of a step before it is given up.
    """

    mu: tuple[float, ...]
    max_steps: int
    rtol: float
    max_halvings: int
