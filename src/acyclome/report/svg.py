"""A few lines of SVG: elements with escaped text, and axes that turn values into pixels.

Colours and type come from the style sheet of the page through classes, so that a figure follows light, dark and print.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr


def element(name: str, content: str = "", /, **attributes: object) -> str:
    """Return an SVG element; underscores in attribute names become hyphens, ``class_`` the class."""
    words = [f"{key.strip('_').replace('_', '-')}={quoteattr(_plain(value))}" for key, value in attributes.items()]
    opening = " ".join([name, *words])
    return f"<{opening}>{content}</{name}>" if content else f"<{opening}/>"


def label(text: str, x: float, y: float, **attributes: object) -> str:
    return element("text", escape(text), x=x, y=y, **attributes)


def line(start: tuple[float, float], end: tuple[float, float], **attributes: object) -> str:
    return element("path", d=polyline([start, end]), **attributes)


def polyline(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_plain(x)} {_plain(y)}" for x, y in points)


def steps(points: Sequence[tuple[float, float]]) -> str:
    """Return the path data of a staircase: each height holds back to the point before it."""
    corners = [points[0]]
    for (_, _), (x, y) in pairwise(points):
        corners += [(corners[-1][0], y), (x, y)]
    return polyline(corners)


def document(width: float, height: float, content: Iterable[str], *, title: str) -> str:
    """Return a whole figure that scales with its column and names itself to a screen reader."""
    return element(
        "svg",
        element("title", escape(title)) + "".join(content),
        class_="figure",
        viewBox=f"0 0 {_plain(width)} {_plain(height)}",
        role="img",
        style=f"max-width:{_plain(width)}px",
    )


@dataclass(frozen=True)
class Axis:
    """A scale from values, `low` to `high`, to pixels, `start` to `end`, of which the last may be less."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False  # equal ratios, not equal differences, take equal room

    def at(self, value: float) -> float:
        low, high, value = (self._scaled(number) for number in (self.low, self.high, value))
        return self.start + (self.end - self.start) * ((value - low) / (high - low) if high != low else 0.5)

    def ticks(self) -> list[float]:
        """Return round values inside the axis, about five."""
        if self.log:  # 1e-9: what is a round value but for rounding stays inside, here and below
            exponents = range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)
            stride = max(1, math.ceil(len(exponents) / 5))
            return [10.0**exponent for exponent in exponents[::stride]]
        step = _round_step((self.high - self.low) / 4)
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value


def log_axis(values: Iterable[float], start: float, end: float) -> Axis:
    """Return a logarithmic axis over whole decades that holds all positive values."""
    positive = [value for value in values if value > 0] or [1.0]
    low = math.floor(math.log10(min(positive)) + 1e-9)
    high = math.ceil(math.log10(max(positive)) - 1e-9)
    return Axis(10.0**low, 10.0 ** max(high, low + 1), start, end, log=True)


def _round_step(step: float) -> float:
    """Return the least of 1, 2, 5 times a power of ten that is not below `step`."""
    if step <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def _plain(value: object) -> str:
    if isinstance(value, float):
        text = f"{value:.2f}".rstrip("0").rstrip(".")  # a hundredth of a pixel is not seen, and the page stays small
        return "0" if text == "-0" else text
    return str(value)
