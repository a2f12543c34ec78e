"""The drawn figures: axes, curves and the picture of one gene."""

from __future__ import annotations

from xml.etree import ElementTree

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome import wording
from acyclome.report import charts, ego, svg
from acyclome.report.confidence import Level

PATH = [{"mu": 1.0, "steps": 3, "h": 1e-2, "objective": 9.0}, {"mu": 0.1, "steps": 2, "h": 0.0, "objective": 9.5}]


def test_what_is_rounded_to_nothing_has_no_sign():
    assert [wording.decimal(value) for value in (-0.004, 0.004, -0.006, float("nan"))] == ["0.00", "0.00", "−0.01", "–"]


def test_a_log_axis_gives_equal_room_to_equal_ratios():
    axis = svg.log_axis([3e-4, 0.2], 0.0, 100.0)
    assert (axis.low, axis.high) == (pytest.approx(1e-4), pytest.approx(1.0))
    assert axis.at(1e-2) - axis.at(1e-3) == pytest.approx(axis.at(1e-1) - axis.at(1e-2))


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_inside_the_axis_and_few(low, length):
    axis = svg.Axis(low, low + length, 0.0, 100.0)
    ticks = axis.ticks()
    assert 1 <= len(ticks) <= 6
    assert all(low - 1e-6 * length <= tick <= low + length * (1 + 1e-6) for tick in ticks)


def test_an_exact_zero_is_hollow_on_a_log_scale():
    root = ElementTree.fromstring(charts.path_chart(PATH, "h", heading="h"))
    assert [circle.get("class") for circle in root.iter("circle")] == ["dot", "dot hollow"]
    assert [circle.findtext("title") for circle in root.iter("circle")] == ["μ = 1: 0.01", "μ = 0.1: 0"]


@pytest.mark.parametrize("values", [[0.0, 0.0], [-5.0, -6.0], [2.0, 2.0], [1e-9, 1e9], [float("nan"), 1.0]])
def test_any_path_can_be_drawn(values):
    path = [{"mu": 1.0, "objective": value} for value in values]
    assert ElementTree.fromstring(charts.path_chart(path, "objective", heading="objective")).tag == "svg"


@given(st.floats(1.0, 1e5), st.floats(1e-3, 1.0))
def test_no_two_ticks_of_a_chart_read_alike(low, share):
    texts = charts._ticks(svg.Axis(low, low * (1 + share), 0.0, 100.0))
    assert len(set(texts)) == len(texts)


def test_a_path_without_the_quantity_has_no_chart():
    assert charts.path_chart([{"mu": 1.0}], "h", heading="h") == ""


def test_the_curve_points_out_the_count_at_its_mark():
    curve = [Level(0.0, 30, None), Level(0.5, 20, None), Level(0.8, 9, 4.0), Level(1.0, 2, 3.0)]
    root = ElementTree.fromstring(charts.stability_chart(curve, mark=0.8))
    assert "9 edges at 0.8 or more" in [text.text for text in root.iter("text")]


def edges(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "source": [f"C{k}" for k in range(n)] + ["HUB"],
            "target": ["HUB"] * n + ["E<"],
            "weight": [(-1) ** k * (k + 1) / n for k in range(n)] + [0.5],
            "score": [(k + 1) / n for k in range(n)] + [0.9],
            "reversible": [k == n - 1 for k in range(n)] + [False],
        }
    )


def test_the_most_confident_causes_are_shown_by_weight():
    chosen = ego.choose_ego(edges(20), "HUB")
    assert (chosen.n_causes, chosen.n_effects, len(chosen.causes)) == (20, 1, ego.ROWS)
    assert set(chosen.causes["source"]) == {f"C{k}" for k in range(6, 20)}
    assert list(chosen.causes["weight"]) == sorted(chosen.causes["weight"], reverse=True)


def test_signs_differ_in_shape_and_open_directions_are_dashed():
    root = ElementTree.fromstring(ego.draw_ego(ego.choose_ego(edges(4), "HUB")))
    groups = [group for group in root.iter("g") if group.get("class") in ("plus", "minus")]
    heads = {(group.get("class"), group.findall("path")[1].get("class")) for group in groups}
    assert heads == {("plus", "head"), ("minus", "bar")}
    dashed = [group.findtext("title") for group in groups if group.find("path").get("class") == "link reversible"]
    assert dashed == ["C3 → HUB: weight −1.00, score 1.00, reversible"]


def test_numbers_read_well():
    assert [wording.share(value) for value in (0.0, 0.001, 0.5, 0.999, 1.0, None)] == [
        "0%",
        "under 1%",
        "50%",
        "over 99%",
        "100%",
        "–",
    ]
    assert wording.significant(3.1e-7) == "3.1×10⁻⁷"
    assert wording.duration(75) == "1 min 15 s"
    assert wording.plural(1, "edge") == "1 edge"
