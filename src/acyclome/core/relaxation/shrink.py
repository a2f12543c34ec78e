"""Proximal maps of the usual penalties, elementwise metrics included, for numpy and torch."""

from __future__ import annotations

from typing import Any

NEWTON_STEPS = 12  # of the secular equation, at most; 3 to 5 reach the last digits of float64
TINY = 1e-30  # where a group is zero: above 0 for the quotients, too small to count elsewhere


def soften(values: Any, least: Any) -> Any:
    """Return ``argmin_x (x - values)^2 / 2 + least |x|``, elementwise."""
    return (values - least) * (values > least) + (values + least) * (values < -least)


def soften_groups(values: Any, amount: Any, penalty: float) -> Any:
    """Return ``argmin_x sum_k (x_k - values_k)^2 / (2 amount_k) + penalty |x|_2`` of groups along the last axis.

    Where amounts differ within a group, ``x_k = values_k s / (s + penalty amount_k)`` with the norm ``s`` of ``x``, the
    root of ``|values / (s + penalty amount)|_2 = 1``, or 0.  Newton's method on one over that norm, which is concave,
    rises to the root without a step beyond it; it ends after one step where amounts are equal.
    """
    least = penalty * amount + TINY
    size = 0.0 * (values / least)[..., :1]
    for _ in range(NEWTON_STEPS):
        ratio = values / (size + least)
        square = (ratio * ratio).sum(-1)[..., None] + TINY
        slope = (ratio * ratio / (size + least)).sum(-1)[..., None] + TINY
        step = square * (square**0.5 - 1.0) / slope
        rises = step > 1e-14 * size  # each group for itself: what it gets does not depend on what stands beside it
        if not bool(rises.any()):
            break
        size = size + step * rises
    return values * (size / (size + least))
