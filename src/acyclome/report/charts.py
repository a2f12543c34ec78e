"""The figures of the report that show numbers: the central path of the relaxation and the stability curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from acyclome import wording
from acyclome.report import svg
from acyclome.report.confidence import Level

# In units of the page: two panels stand side by side in its 760, or one that is wide.
PANEL = (360.0, 236.0)
WIDE = (720.0, 300.0)
# Room for five digits, the last tick, the heading, the axis with its name.
LEFT, RIGHT, TOP, BOTTOM = 62.0, 16.0, 30.0, 44.0


def path_chart(stages: Sequence[Mapping[str, Any]], key: str, *, heading: str) -> str:
    """Draw one quantity (`key`) at the end of each value of mu along the central path.

    The scale is logarithmic where the values span more than a decade, or reach zero: an exact zero is drawn hollow at
    the foot. It is linear where they are alike or negative.
    """
    points = [stage for stage in stages if wording.is_number(stage.get(key))]
    if not points:
        return ""
    width, height = PANEL
    values = [float(stage[key]) for stage in points]
    across = svg.Axis(-0.35, len(points) - 0.65, LEFT, width - RIGHT)  # a third of a step beside the first and last
    up = _value_axis(values, height - BOTTOM, TOP)
    spots = [(across.at(index), up.at(max(value, up.low))) for index, value in enumerate(values)]
    parts = [svg.label(heading, LEFT, 16.0, class_="chart-title"), *_rows(up, width)]
    parts += [
        svg.label(_mu(stage), x, height - 24.0, class_="tick", text_anchor="middle")
        for stage, (x, _) in zip(points, spots, strict=True)
    ]
    parts.append(_below("μ, falling along the central path", PANEL))
    parts.append(svg.element("path", d=svg.polyline(spots), class_="curve"))
    for value, stage, (x, y) in zip(values, points, spots, strict=True):
        tip = svg.element("title", f"μ = {_mu(stage)}: {wording.significant(value)}")
        parts.append(
            svg.element("circle", tip, cx=x, cy=y, r=4.0, class_="dot hollow" if up.log and value <= 0 else "dot")
        )
    return svg.document(width, height, parts, title=f"{heading} along the central path")


def stability_chart(curve: Sequence[Level], *, mark: float) -> str:
    """Draw how many edges stand at or above each stability, with the bound on false ones where it holds.

    The count at the stability `mark` is pointed out.
    """
    width, height = WIDE
    across = svg.Axis(0.0, 1.0, LEFT, width - RIGHT)
    top = max(max((level.edges for level in curve), default=0), 1)
    up = svg.Axis(0.0, float(top) * 1.06, height - BOTTOM, TOP)  # with room above the highest, as in _value_axis
    corner = [(across.at(level.stability), up.at(level.edges)) for level in curve]
    area = svg.steps(corner) + f"L{corner[-1][0]:.2f} {up.start:.2f}L{corner[0][0]:.2f} {up.start:.2f}Z"
    parts = [svg.label("Edges at or above a stability", LEFT, 16.0, class_="chart-title"), *_rows(up, width)]
    parts += [svg.element("path", d=area, class_="area"), svg.element("path", d=svg.steps(corner), class_="curve")]
    parts += [
        svg.label(wording.decimal(tick, 1), across.at(tick), height - 24.0, class_="tick", text_anchor="middle")
        for tick in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    ]
    parts += [
        _below("stability: share of resamples that found the edge again", WIDE),
        *_bound(curve, across, up),
        *_mark(curve, mark, axes=(across, up)),
    ]
    return svg.document(width, height, parts, title="Number of edges at or above each stability")


def _value_axis(values: Sequence[float], start: float, end: float) -> svg.Axis:
    if min(values) >= 0 and max(values) > 10 * min(values):
        return svg.log_axis(values, start, end)
    reach = max(values) - min(values) or 1.0  # of equal values, any
    return svg.Axis(min(values) - 0.08 * reach, max(values) + 0.08 * reach, start, end)


def _rows(up: svg.Axis, width: float) -> list[str]:
    parts = []
    for tick, text in zip(up.ticks(), _ticks(up), strict=True):
        y = up.at(tick)
        parts.append(svg.line((LEFT, y), (width - RIGHT, y), class_="grid"))
        parts.append(svg.label(text, LEFT - 8.0, y + 4.0, class_="tick", text_anchor="end"))
    return parts


def _below(text: str, size: tuple[float, float]) -> str:
    width, height = size
    return svg.label(text, (LEFT + width - RIGHT) / 2, height - 6.0, class_="axis", text_anchor="middle")


def _ticks(axis: svg.Axis) -> list[str]:
    """Return the texts of the ticks, with as many digits as tell them apart."""
    values = axis.ticks()
    for digits in range(3, 7):  # six have room, see LEFT
        texts = [_tick(value, log=axis.log, digits=digits) for value in values]
        if len(set(texts)) == len(texts):
            break
    return texts


def _tick(value: float, *, log: bool, digits: int = 3) -> str:
    if log and not 1e-3 < value < 1e4:
        return f"10{wording.superscript(round(math.log10(value)))}"
    return wording.significant(value, digits)


def _mu(stage: Mapping[str, Any]) -> str:
    return wording.significant(stage.get("mu"))


def _bound(curve: Sequence[Level], across: svg.Axis, up: svg.Axis) -> list[str]:
    spots = [
        (across.at(level.stability), up.at(level.expected_false)) for level in curve if level.expected_false is not None
    ]
    if len(spots) < 2:  # no line to draw
        return []
    x, y = spots[0]
    words = svg.label("false ones expected, at most", x + 6.0, y - 8.0, class_="axis")
    return [svg.element("path", d=svg.polyline(spots), class_="bound"), words]


def _mark(curve: Sequence[Level], mark: float, *, axes: tuple[svg.Axis, svg.Axis]) -> list[str]:
    across, up = axes
    level = min(curve, key=lambda candidate: abs(candidate.stability - mark))
    x, y = across.at(level.stability), up.at(level.edges)
    words = f"{wording.plural(level.edges, 'edge')} at {wording.decimal(level.stability, 1)} or more"
    return [
        svg.line((x, up.start), (x, y), class_="mark"),
        svg.element("circle", cx=x, cy=y, r=4.0, class_="dot"),
        svg.label(words, across.end, 16.0, class_="note", text_anchor="end"),
    ]
