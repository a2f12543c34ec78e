"""Refusals of what cannot be simulated: every message names the option, what it is, and what it may be."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def check_name(key: str, value: str, table: Iterable[str]) -> None:
    """Refuse a name that is not in the table, and list those that are."""
    if value not in table:
        msg = f"{key} is {value!r}; choose one of {', '.join(table)}."
        raise ValueError(msg)


def check_number(key: str, value: float, low: float, high: float = np.inf) -> None:
    """Refuse a number outside [low, high)."""
    if not low <= value < high:
        msg = f"{key} is {value}; it must be at least {low:g}" + (f" and below {high:g}." if high < np.inf else ".")
        raise ValueError(msg)


def check_positive(key: str, value: float, most: float = np.inf) -> None:
    """Refuse a number outside (0, most]."""
    if not 0.0 < value <= most:
        msg = f"{key} is {value}; it must be above 0" + (f" and at most {most:g}." if most < np.inf else ".")
        raise ValueError(msg)


def check_range(key: str, value: tuple[float, float] | None, high: float = np.inf) -> None:
    """Refuse what is no range of positive numbers below `high`; None, where a range may be absent, passes."""
    if value is not None and not 0.0 < value[0] <= value[1] < high:
        msg = f"{key} is {value}; give two rising numbers above 0" + (f" and below {high:g}." if high < np.inf else ".")
        raise ValueError(msg)
