"""Figures for a notebook: what is drawn, not how it looks."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from acyclome import pl
from acyclome.errors import InputError
from acyclome.io.keys import write_keys
from acyclome.network.build import build_network

mpl.use("Agg")
GENES = ["A", "B", "C", "D", "E", "F", "LONELY"]
SOURCE, TARGET = np.array([0, 1, 2, 2, 3]), np.array([1, 2, 3, 4, 5])  # A -> B -> C -> D -> F, C -> E
SCORE = np.array([0.5, 0.9, 0.8, 0.7, 0.6])


@pytest.fixture
def network():
    return build_network(
        GENES,
        {
            "source": SOURCE,
            "target": TARGET,
            "weight": np.array([0.4, -0.5, 0.6, -0.7, 0.8]),
            "score": SCORE,
            "stability": np.array([0.5, 1.0, 0.75, 0.75, 0.25]),
            "reversible": np.array([True, False, False, False, False]),
        },
        {"order": np.arange(7), "r2": np.zeros(7), "noise_scale": np.ones(7)},
        ranking=(SOURCE, TARGET, SCORE),
    )


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def places(ax) -> dict[str, tuple[float, float]]:
    return {text.get_text(): text.get_position() for text in ax.texts if text.get_text()}


def arrows(ax) -> list:
    return [text for text in ax.texts if not text.get_text()]


def test_causes_stand_left_and_effects_right(network):
    place = places(pl.neighborhood(network, "C"))
    assert set(place) == {"B", "C", "D", "E"}
    assert place["B"][0] < place["C"][0] < place["D"][0] == place["E"][0]
    assert place["D"][1] > place["E"][1]


def test_depth_follows_the_arrows(network):
    place = places(pl.neighborhood(network, "C", depth=2))
    assert set(place) == {"A", "B", "C", "D", "E", "F"}
    assert sorted({x for x, _ in place.values()}) == [-2, -1, 0, 1, 2]


def test_the_best_edges_of_the_nearest_step_are_kept(network):
    ax = pl.neighborhood(network, "C", depth=2, max_edges=2)
    assert set(places(ax)) == {"B", "C", "D"}
    assert len(arrows(ax)) == 2
    assert ax.get_title(loc="left") == "C: the best 2 of 5 edges"


def test_signs_and_open_directions_differ_in_shape(network):
    ax = pl.neighborhood(network, "B")
    styles = {arrow.xycoords.get_text(): arrow.arrow_patch for arrow in arrows(ax)}
    assert type(styles["B"].get_arrowstyle()).__name__ == "CurveFilledB"
    assert type(styles["C"].get_arrowstyle()).__name__ == "BracketB"
    assert styles["B"].get_linestyle() != styles["C"].get_linestyle()


def test_a_gene_without_edges_stands_alone(network):
    assert list(places(pl.neighborhood(network, "LONELY"))) == ["LONELY"]


def test_the_same_network_gives_the_same_bytes(network, tmp_path):
    for name in ("one.png", "two.png"):
        pl.neighborhood(network, "C", depth=2).figure.savefig(tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_given_axes_are_drawn_into(network):
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(2)
    assert pl.neighborhood(network, "C", ax=axes[0]) is axes[0]
    assert pl.edge_stability(network, ax=axes[1]) is axes[1]


def test_the_curve_counts_edges_at_or_above(network):
    line = pl.edge_stability(network).lines[0]
    assert dict(zip(line.get_xdata(), line.get_ydata(), strict=True)) == {0.0: 5, 0.25: 5, 0.5: 4, 0.75: 3, 1.0: 1}


def test_an_anndata_gives_the_same_picture(network):
    anndata = pytest.importorskip("anndata")
    adata = anndata.AnnData(np.zeros((2, 7), dtype=np.float32), var=pd.DataFrame(index=GENES))
    write_keys(adata, network)
    assert places(pl.neighborhood(adata, "C", depth=2)) == places(pl.neighborhood(network, "C", depth=2))
    assert len(pl.edge_stability(adata).lines) == 1
    with pytest.raises(InputError, match="'other'"):
        pl.neighborhood(adata, "C", key="other")


def test_an_unknown_gene_is_told_the_nearest(network):
    with pytest.raises(InputError, match="Did you mean LONELY"):
        pl.neighborhood(network, "lonely")


@pytest.mark.parametrize("wrong", [{"depth": 0}, {"max_edges": 0}])
def test_numbers_below_one_are_refused(network, wrong):
    with pytest.raises(InputError, match="expected 1 or more"):
        pl.neighborhood(network, "C", **wrong)


def test_without_resamples_there_is_no_curve(network):
    network.edges["stability"] = np.nan
    with pytest.raises(InputError, match="resamples=20"):
        pl.edge_stability(network)
