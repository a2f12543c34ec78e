"""Charts: the numbers that are drawn, the axes and groups that are taken, and what cannot be drawn."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from acyclome import pl
from acyclome.errors import InputError
from acyclome.io.keys import write_keys
from acyclome.network import JointNetworks, Network
from acyclome.network.build import build_network

mpl.use("Agg")
PATH = [{"mu": 0.1, "objective": 3.0, "h": 1e-2}, {"mu": 0.01, "objective": 4.0, "h": 0.0}]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture
def network(toy_network):
    nodes = toy_network.nodes.assign(lowest=-2.0)
    return Network(toy_network.edges, toy_network.ranking, nodes, {"fit": {"convergence": PATH}})


@pytest.fixture
def joint(network):
    weights = {"weight_A": [0.5, 0.8], "weight_T/NK": [0.5, 0.1], "error_A": 0.05, "error_T/NK": 0.05}
    ends = {"source": ["CEBPA", "SPI1"], "target": ["SPI1", "LYZ"], "shared": True}
    tests = {"difference": 0.7, "z": 9.0, "p": 0.0, "q": 0.0}
    return JointNetworks({"A": network, "T/NK": network}, network, pd.DataFrame({**ends, **weights, **tests}))


@pytest.fixture
def adata(network, joint):
    anndata = pytest.importorskip("anndata")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 6)).astype(np.float32)
    adata = anndata.AnnData(X, var=pd.DataFrame(index=[*network.genes, "X1"]))
    adata.obsm["X_umap"] = rng.normal(size=(50, 2))
    write_keys(adata, network)
    write_keys(adata, joint, "both")
    return adata


ALL = {
    "edge_stability": (),
    "top_regulators": (),
    "convergence": (),
    "neighborhood": ("SPI1",),
    "hierarchy": (),
    "prediction": (["CEBPA", "SPI1"],),
    "embedding": ("CEBPA",),
}


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_figure_takes_axes_a_key_and_a_group(adata, name):
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    draw = getattr(pl, name)
    assert draw(adata, *ALL[name], ax=ax) is ax
    assert draw(adata, *ALL[name], key="both", group="T/NK").figure is not ax.figure
    with pytest.raises(InputError, match="one network per group"):
        draw(adata, *ALL[name], key="both")
    assert set(pl.__all__) == {*ALL, "comparison", "modules"} == set(dir(pl))


def test_the_curve_counts_edges_at_or_above(network):
    line = pl.edge_stability(network).lines[0]
    counted = dict(zip(line.get_xdata(), line.get_ydata(), strict=True))
    assert counted == {0.0: 4, 0.55: 4, 0.6: 3, 0.9: 2, 0.95: 1, 1.0: 0}


def test_bars_are_effects_of_all_edges_and_of_strong_ones(network):
    ax = pl.top_regulators(network)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["CEBPA", "GATA1", "SPI1"]
    assert [bar.get_width() for bar in ax.patches] == [2, 1, 1, 0, 1, 1]
    with pytest.raises(InputError, match="expected 1 or more"):
        pl.top_regulators(network, n=0)


def test_the_path_of_the_relaxation_is_drawn_with_its_acyclicity(network, toy_network):
    ax = pl.convergence(network)
    (beside,) = [one for one in ax.figure.axes if one is not ax]
    assert ax.lines[0].get_ydata().tolist() == [3.0, 4.0]
    assert beside.lines[0].get_ydata()[0] == 1e-2
    with pytest.raises(InputError, match="without a relaxation"):
        pl.convergence(toy_network)


def test_a_heatmap_shows_the_predicted_changes(network):
    ax = pl.prediction(network, ["CEBPA", "SPI1"])
    columns = [label.get_text() for label in ax.get_xticklabels()]
    shown = pd.DataFrame(ax.images[0].get_array(), ["CEBPA", "SPI1"], columns)
    for gene in shown.index:
        predicted = network.predict(knockout=gene).set_index("gene")["change"]
        assert shown.loc[gene].to_dict() == predicted[columns].to_dict()
    with pytest.raises(InputError, match="no effect in the network"):
        pl.prediction(network, ["LYZ"])
    with pytest.raises(InputError, match="No gene is knocked out"):
        pl.prediction(network, [])


def test_cells_are_coloured_by_their_likeness_to_the_knock_out(adata, network):
    change = network.predict(knockout="CEBPA").set_index("gene")["change"]
    adata.X[0] = [*np.sign(change.reindex(network.genes)) * 9.0, 0.0]
    colours = pl.embedding(adata, "CEBPA").collections[0].get_array()
    assert colours[-1] == max(colours)  # what says most is drawn last
    with pytest.raises(InputError, match=r"no embedding 'tsne'; it has X_umap"):
        pl.embedding(adata, "CEBPA", basis="tsne")


def test_edges_that_differ_between_groups_are_marked_and_named(adata, joint):
    for source, options in ((joint, {}), (adata, {"key": "both"})):
        ax = pl.comparison(source, "A", "T/NK", **options)
        assert ax.get_title(loc="left") == "1 of 2 edges differ"
        assert [text.get_text() for text in ax.texts] == ["SPI1 → LYZ"]
        assert ax.collections[1].get_offsets().tolist() == [[0.8, 0.1]]
    with pytest.raises(InputError, match="called 'B'"):
        pl.comparison(joint, "A", "B")


def test_without_resamples_there_is_no_curve(network):
    network.edges["stability"] = np.nan
    with pytest.raises(InputError, match="n_resamples=20"):
        pl.edge_stability(network)


def test_an_empty_network_has_no_regulators():
    none = np.empty(0, int)
    edges = {"source": none, "target": none, "weight": np.empty(0)}
    nodes = {"order": np.arange(2), "r2": np.zeros(2), "noise_scale": np.ones(2)}
    empty = build_network(["A", "B"], edges, nodes, ranking=(none, none, np.empty(0)))
    with pytest.raises(InputError, match="no edge"):
        pl.top_regulators(empty)
