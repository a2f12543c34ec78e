"""Numbers as a reader sees them: rounded, grouped, and a dash where there is none."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

ABSENT = "–"
MINUS = "−"


def count(value: Any) -> str:
    """Return a whole number with its thousands apart: 11,139."""
    return ABSENT if not is_number(value) else f"{round(value):,}"


def share(value: Any) -> str:
    """Return a share as percent without decimals; a share that is not 0 (or 1) is not rounded to it."""
    if not is_number(value):
        return ABSENT
    if 0 < value < 0.005:  # would be rounded to 0%
        return "under 1%"
    return "over 99%" if 0.995 <= value < 1 else f"{round(100 * value)}%"


def decimal(value: Any, digits: int = 2) -> str:
    """Return a number with fixed decimals and a true minus sign; what is rounded to nothing has none."""
    return ABSENT if not is_number(value) else f"{round(value, digits) + 0.0:.{digits}f}".replace("-", MINUS)


def significant(value: Any, digits: int = 3) -> str:
    """Return a number with so many significant digits, small and large ones as a power of ten."""
    if not is_number(value):
        return ABSENT
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        text = f"{value:,.{digits}g}" if abs(value) < 10**digits else f"{value:,.0f}"
        return text.replace("-", MINUS)
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}×10{superscript(int(exponent))}".replace("-", MINUS)


def superscript(number: int) -> str:
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def duration(seconds: Any) -> str:
    """Return a span of time as people write it: 0.4 s, 12 s, 3 min 05 s, 2 h 07 min."""
    if not is_number(seconds):
        return ABSENT
    if seconds < 9.95:  # would be 10.0 s with its decimal
        return f"{max(seconds, 0.0):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def plural(number: int, words: str) -> str:
    """Return a count with words that agree with it: 1 edge, 2 edges.

    Of words that are not alike both stand there, that of one first; ``s`` is added to it.

    >>> plural(1, "gene|s is|are")
    '1 gene is'
    >>> plural(2, "gene|s is|are")
    '2 genes are'
    """
    pairs = [word.partition("|") for word in (words if "|" in words else f"{words}|s").split(" ")]
    if number == 1:
        agreed = [one for one, _, _ in pairs]
    else:
        agreed = [one + several if several in ("", "s") else several for one, _, several in pairs]
    return " ".join([count(number), *agreed])


def is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
