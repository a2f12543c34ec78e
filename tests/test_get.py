"""Tables out of an AnnData object alone."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import acyclome as ac
from acyclome.errors import InputError
from acyclome.io.keys import write_keys


@pytest.fixture
def adata(toy_network):
    from anndata import AnnData

    adata = AnnData(np.ones((3, 6), dtype=np.float32), var=pd.DataFrame(index=[*toy_network.genes, "X1"]))
    write_keys(adata, toy_network)
    return adata


def test_tables_are_those_of_the_network(adata, toy_network):
    assert_frame_equal(ac.get.edges(adata), toy_network.edges)
    assert_frame_equal(ac.get.nodes(adata), toy_network.nodes)
    assert_frame_equal(ac.get.network(adata).ranking, toy_network.ranking)


DOORS = (
    *(ac.get.network, ac.get.edges, ac.get.nodes, ac.get.differential, ac.tl.dag, ac.pp.prepare, ac.from_grnndata),
    *(ac.tl.modules, ac.pl.modules, ac.pl.hierarchy, ac.to_grnndata),
    lambda given: ac.tl.predict(given, knockout="LYZ"),
    lambda given: ac.tl.compare(given, "a", "b"),
)


@pytest.mark.parametrize("door", DOORS)
def test_what_is_no_anndata_is_told_the_door_it_goes_in_by(door, adata, toy_network):
    class MuData:
        mod = {"rna": adata}  # noqa: RUF012

    given = {
        r"ndarray of shape \(3, 6\); .* acyclome.learn": adata.X,
        "DataFrame of shape": adata.to_df(),
        "the text 'a.h5ad'; .* anndata.read_h5ad": "a.h5ad",
        "NoneType; .* anndata.AnnData": None,
        "MuData of 'rna'; .* part: .mod": MuData(),
    }
    if door is not ac.pl.hierarchy:  # which takes one
        given["net.edges"] = toy_network
    for said, one in given.items():
        with pytest.raises(InputError, match=said):
            door(one)


def test_what_is_no_network_is_not_written(adata, toy_network, tmp_path):
    for said, given in {
        "get.network": adata,
        r"networks\['T'\]": {"T": toy_network},
        "acyclome.learn": adata.X,
    }.items():
        with pytest.raises(InputError, match=said):
            ac.write(given, tmp_path / "net.h5ad")
    assert not list(tmp_path.iterdir())


def test_tables_survive_an_h5ad_file(adata, toy_network, tmp_path):
    import anndata

    adata.write_h5ad(tmp_path / "a.h5ad")
    assert_frame_equal(ac.get.edges(anndata.read_h5ad(tmp_path / "a.h5ad")), toy_network.edges)


def test_edges_can_be_chosen_by_ends_and_confidence(adata):
    assert ac.get.edges(adata, sources="CEBPA")["target"].tolist() == ["SPI1", "LYZ"]
    assert ac.get.edges(adata, targets=["LYZ", "HBB"])["source"].tolist() == ["SPI1", "GATA1", "CEBPA"]
    assert ac.get.edges(adata, min_score=0.55)["score"].tolist() == [0.9, 0.9, 0.55]
    assert ac.get.edges(adata, min_stability=0.9)["stability"].tolist() == [0.95, 0.9]
    assert ac.get.edges(adata, sources=[]).empty
    assert ac.get.edges(adata, sources={"CEBPA", "NOBODY"})["target"].tolist() == ["SPI1", "LYZ"]


@pytest.mark.parametrize("end", ["sources", "targets"])
def test_ends_of_which_none_is_in_the_network_are_refused_with_one_that_looks_alike(adata, end):
    for given in ("CEPBA", ["CEPBA"]):
        with pytest.raises(InputError, match=r"'CEPBA' is not among .* Did you mean CEBPA"):
            ac.get.edges(adata, **{end: given})
    with pytest.raises(InputError, match=f"{end} holds 3, which is no name"):
        ac.get.edges(adata, **{end: [3]})


def test_a_view_and_a_subset_can_be_read(adata):
    assert ac.get.edges(adata[:, ["GATA1", "HBB"]])["target"].tolist() == ["HBB"]


def test_groups_are_found_by_their_label(adata, toy_network):
    write_keys(adata, {"T/NK": toy_network}, "net")
    assert_frame_equal(ac.get.edges(adata, "net", group="T/NK"), toy_network.edges)
    with pytest.raises(InputError, match=r"one network per group .* T/NK"):
        ac.get.edges(adata, "net")
    with pytest.raises(InputError, match="no network of the group 'B'"):
        ac.get.nodes(adata, "net", group="B")


def test_an_object_without_a_network_says_what_to_do(adata):
    with pytest.raises(InputError, match="Networks are under 'dag'"):
        ac.get.edges(adata, "other")


def test_lazy_names_are_listed_and_unknown_ones_refused():
    assert {"learn", "read", "write", "tl", "pp", "get", "pl", "Network", "Config", "__version__"} <= set(dir(ac))
    with pytest.raises(AttributeError, match="it offers Config, Network"):
        _ = ac.lern


def test_importing_the_package_loads_nothing_heavy():
    import subprocess
    import sys

    code = (
        "import sys, acyclome\n"
        "heavy = {'torch', 'scanpy', 'anndata', 'dask', 'igraph', 'matplotlib', 'pandas', 'numpy', 'pydantic'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")
