"""The picture of one gene between its causes and its effects.

Causes stand left, effects right, so arrows run with the reading direction. An arrow head is an activating effect, a
bar a repressing one, as biologists draw them; colour says the same again, width and opacity say the score. `report.js`
draws the same picture in the browser with the same measures.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import pandas as pd

from acyclome import wording
from acyclome.report import svg

# In units of the page, which is 760 wide; `report.js` has the same numbers.
ROWS = 14  # on each side: what fits a screen without scrolling
WIDTH = 760.0
PITCH = 27.0
PILL = 132.0
PILL_HEIGHT = 21.0
HUB = 150.0
MARGIN = 26.0
NAME_LENGTH = 16  # that a pill holds


@dataclass(frozen=True)
class Ego:
    """A gene with the most confident of its causes and effects (rows of the edge table), strongest activation first."""

    gene: str
    causes: pd.DataFrame
    effects: pd.DataFrame
    n_causes: int  # in all, as below
    n_effects: int
    label: Callable[[str], str]  # how people call a gene


def choose_ego(edges: pd.DataFrame, gene: str, label: Callable[[str], str] = str) -> Ego:
    """Return a gene's causes and effects, at most ``ROWS`` of each, chosen by score and ordered by weight."""
    causes, effects = edges[edges["target"] == gene], edges[edges["source"] == gene]
    return Ego(gene, _strongest(causes), _strongest(effects), len(causes), len(effects), label)


def _strongest(edges: pd.DataFrame) -> pd.DataFrame:
    best = edges.sort_values("score", ascending=False, kind="stable").head(ROWS)
    return best.sort_values("weight", ascending=False, kind="stable")


def draw_ego(ego: Ego) -> str:
    rows = max(len(ego.causes), len(ego.effects), 1)
    height = 2 * MARGIN + rows * PITCH + 16.0
    middle = MARGIN + 16.0 + rows * PITCH / 2
    hub_height = max(34.0, rows * 13.0)  # half of the rows' height, so that edges fan in
    parts = [_caption("causes", ego.n_causes, len(ego.causes), x=0.0, anchor="start")]
    parts.append(_caption("effects", ego.n_effects, len(ego.effects), x=WIDTH, anchor="end"))
    parts += _side(ego, middle, hub_height, is_cause=True)
    parts += _side(ego, middle, hub_height, is_cause=False)
    box = {"x": (WIDTH - HUB) / 2, "y": middle - hub_height / 2, "width": HUB, "height": hub_height}
    parts.append(svg.element("rect", **box, rx=10.0, class_="hub"))
    parts.append(
        svg.label(_short(ego.label(ego.gene)), WIDTH / 2, middle + 5.0, class_="hub-name", text_anchor="middle")
    )
    return svg.document(WIDTH, height, parts, title=f"Causes and effects of {ego.label(ego.gene)}")


def _caption(noun: str, total: int, shown: int, *, x: float, anchor: str) -> str:
    words = wording.plural(total, noun[:-1]) if total else f"no {noun}"
    words += f", {shown} shown" if shown < total else ""
    return svg.label(words, x, 16.0, class_="axis", text_anchor=anchor)


def _side(ego: Ego, middle: float, hub_height: float, *, is_cause: bool) -> list[str]:
    """Pills and edges of one side; the ends at the hub are spread over its height."""
    parts, edges = [], ego.causes if is_cause else ego.effects
    for row, edge in enumerate(edges.to_dict("records")):
        offset = row - (len(edges) - 1) / 2
        y = middle + offset * PITCH
        port = middle + offset * (hub_height - 14.0) / max(len(edges) - 1, 1)
        near, far = (WIDTH - HUB) / 2, (WIDTH + HUB) / 2
        ends = ((PILL, y), (near, port)) if is_cause else ((far, port), (WIDTH - PILL, y))
        parts.append(draw_edge({**edge, **{end: ego.label(edge[end]) for end in ("source", "target")}}, *ends))
        gene = str(edge["source" if is_cause else "target"])
        parts.append(_pill(gene, 0.0 if is_cause else WIDTH - PILL, y, name=ego.label(gene)))
    return parts


def _pill(gene: str, x: float, y: float, *, name: str) -> str:
    box = svg.element(
        "rect", x=x, y=y - PILL_HEIGHT / 2, width=PILL, height=PILL_HEIGHT, rx=PILL_HEIGHT / 2, class_="pill"
    )
    words = svg.label(_short(name), x + PILL / 2, y + 4.0, class_="pill-name", text_anchor="middle")
    return svg.element("g", box + words, class_="gene", data_gene=gene)


def draw_edge(edge: dict[Hashable, Any], start: tuple[float, float], end: tuple[float, float]) -> str:
    """Draw an edge that leaves and arrives horizontally, with an arrow head (+) or a bar (-) at its end."""
    (x1, y1), (x2, y2) = start, end
    is_positive = edge["weight"] >= 0
    score = min(max(edge["score"], 0.0), 1.0) if wording.is_number(edge["score"]) else 0.0
    tip = x2 - (9.0 if is_positive else 4.0)
    bend = (x2 - x1) * 0.45  # near one half: level at both ends, without a kink between
    curve = f"M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} {tip - bend:.1f} {y2:.1f} {tip:.1f} {y2:.1f}"
    head = f"M{x2 - 1:.1f} {y2:.1f}l-9 -4.5v9z" if is_positive else f"M{x2 - 3:.1f} {y2 - 5:.1f}v10"
    words = (
        f"{edge['source']} → {edge['target']}: weight {wording.decimal(edge['weight'])}, score {wording.decimal(score)}"
    )
    words += ", reversible" if edge["reversible"] else ""
    kind = "link reversible" if edge["reversible"] else "link"
    link = svg.element("path", d=curve, class_=kind, stroke_width=1 + 2.5 * score)
    arrow = svg.element("path", d=head, class_="head" if is_positive else "bar")
    return svg.element(
        "g",
        svg.element("title", escape(words)) + link + arrow,
        class_="plus" if is_positive else "minus",
        opacity=0.75 + 0.25 * score,  # the weakest have a contrast of three to one with the page (WCAG 1.4.11)
    )


def _short(gene: str) -> str:
    return gene if len(gene) <= NAME_LENGTH else f"{gene[: NAME_LENGTH - 1]}…"
