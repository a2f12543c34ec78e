"""Networks drawn: what stands where, and how edges are told apart."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from acyclome import pl
from acyclome.errors import InputError
from acyclome.io.keys import write_keys
from acyclome.network.build import build_network
from acyclome.pl.graphs import rows_of

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


def arrows(ax) -> dict:
    from matplotlib.patches import FancyArrowPatch

    return {patch.get_gid(): patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)}


def test_causes_stand_left_and_effects_right(network):
    place = places(pl.neighborhood(network, "C"))
    assert set(place) == {"B", "C", "D", "E"}
    assert place["B"][0] < place["C"][0] < place["D"][0] == place["E"][0]
    assert place["D"][1] > place["E"][1]


def test_depth_follows_the_arrows(network):
    place = places(pl.neighborhood(network, "C", depth=2))
    assert set(place) == {"A", "B", "C", "D", "E", "F"}
    assert [name for name, _ in sorted(place.items(), key=lambda one: one[1][0])][:3] == ["A", "B", "C"]
    assert len({x for x, _ in place.values()}) == 5


def test_every_step_has_its_share_of_the_best_edges(network):
    ax = pl.neighborhood(network, "C", depth=2, max_edges=4)
    assert set(arrows(ax)) == {"B -> C", "C -> D", "D -> F", "A -> B"}
    ax = pl.neighborhood(network, "C", max_edges=2)
    assert set(arrows(ax)) == {"B -> C", "C -> D"}  # a cause and an effect, though both effects might have been better
    assert ax.get_title(loc="left") == "C: the best 2 of 3 edges"


def test_edges_with_little_confidence_may_be_left_out(network):
    assert set(arrows(pl.neighborhood(network, "C", min_score=0.8))) == {"B -> C", "C -> D"}
    assert set(arrows(pl.neighborhood(network, "C", min_stability=0.9))) == {"B -> C"}


def test_signs_and_open_directions_differ_in_shape(network):
    drawn = arrows(pl.neighborhood(network, "B"))
    kinds = {name: type(arrow.get_arrowstyle()).__name__ for name, arrow in drawn.items()}
    assert kinds == {"A -> B": "CurveFilledB", "B -> C": "BarAB"}
    assert drawn["A -> B"].get_linestyle() != drawn["B -> C"].get_linestyle()


def test_many_genes_of_a_depth_stand_in_lines_of_a_page():
    targets = [f"T{k:02d}" for k in range(19)]
    edges = pd.DataFrame({"source": "HUB", "target": targets})
    place = rows_of(edges, {"HUB": 0, **dict.fromkeys(targets, 1)})
    heights = pd.Series([y for _, y in place.values()]).value_counts()
    assert heights.sort_index(ascending=False).tolist() == [1, 5, 5, 5, 4]
    assert len(set(place.values())) == 20


def test_the_hierarchy_goes_from_causes_down_to_effects(network):
    ax = pl.hierarchy(network)
    place = places(ax)
    assert set(place) == set("ABCDEF")
    assert [place[name][1] for name in "ABCD"] == sorted((place[name][1] for name in "ABCD"), reverse=True)
    assert place["D"][1] == place["E"][1] > place["F"][1]
    assert len(arrows(ax)) == 5
    assert set(places(pl.hierarchy(network, max_genes=3))) == {"B", "C", "D"}
    with pytest.raises(InputError, match="No edge is left to draw of 5"):
        pl.hierarchy(network, min_score=0.95)


def test_a_gene_without_edges_stands_alone(network):
    assert list(places(pl.neighborhood(network, "LONELY"))) == ["LONELY"]


def test_the_same_network_gives_the_same_bytes(network, tmp_path):
    for name in ("one.png", "two.png"):
        pl.neighborhood(network, "C", depth=2).figure.savefig(tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_an_anndata_gives_the_same_picture(network):
    anndata = pytest.importorskip("anndata")
    adata = anndata.AnnData(np.zeros((2, 7), dtype=np.float32), var=pd.DataFrame(index=GENES))
    write_keys(adata, network)
    assert places(pl.neighborhood(adata, "C", depth=2)) == places(pl.neighborhood(network, "C", depth=2))
    with pytest.raises(InputError, match="'other'"):
        pl.neighborhood(adata, "C", key="other")


def test_an_unknown_gene_is_told_the_nearest(network):
    with pytest.raises(InputError, match="Did you mean LONELY"):
        pl.neighborhood(network, "lonely")


@pytest.mark.parametrize("wrong", [{"depth": 0}, {"max_edges": 0}])
def test_numbers_below_one_are_refused(network, wrong):
    with pytest.raises(InputError, match="expected 1 or more"):
        pl.neighborhood(network, "C", **wrong)
