"""The door for files: what an ending means, and networks of sessions in scanpy."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import acyclome as ac
from acyclome.errors import InputError
from acyclome.io.keys import write_keys


@pytest.mark.parametrize("name", ["net.h5ad", "net.graphml", "edges.tsv.gz", "edges.parquet", "net.GEXF"])
def test_an_ending_of_a_format_makes_a_file(toy_network, tmp_path, name):
    ac.write(toy_network, tmp_path / name)
    assert (tmp_path / name).is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["out", "run.v2", "a.b/c", "run.old/"])
def test_other_names_are_folders_that_are_read_back(toy_network, tmp_path, name):
    ac.write(toy_network, f"{tmp_path}/{name}")
    assert (tmp_path / name / "edges.tsv.gz").is_file()
    assert_frame_equal(ac.read(tmp_path / name).edges, toy_network.edges)


def test_a_folder_that_stands_there_stays_one(toy_network, tmp_path):
    (tmp_path / "results.csv").mkdir()
    ac.write(toy_network, tmp_path / "results.csv")
    assert (tmp_path / "results.csv" / "nodes.tsv").is_file()


def test_an_empty_name_is_no_folder(toy_network):
    with pytest.raises(InputError, match="path is empty"):
        ac.write(toy_network, "")


@pytest.mark.parametrize("ending", ["loom", "xyz", "png"])
def test_the_ending_of_a_format_that_is_not_written_is_refused(ending, toy_network, tmp_path):
    with pytest.raises(InputError, match=rf"net\.{ending}' ends in \.{ending}, .* graphml.*slash.*net\.{ending}/'"):
        ac.write(toy_network, tmp_path / f"net.{ending}")
    assert not list(tmp_path.iterdir())


def session(network):
    from anndata import AnnData

    names = [*network.genes, "X1"]
    return AnnData(np.ones((3, len(names)), np.float32), var=pd.DataFrame(index=names))


def test_the_network_of_a_session_is_read_from_its_file(toy_network, tmp_path):
    adata = session(toy_network)
    write_keys(adata, {"T/NK": toy_network}, "mine")
    adata.write_h5ad(tmp_path / "a.h5ad")
    assert_frame_equal(ac.read(tmp_path / "a.h5ad", "mine", group="T/NK").edges, toy_network.edges)
    with pytest.raises(InputError, match="Networks are under 'mine'"):
        ac.read(tmp_path / "a.h5ad")


def test_grnndata_takes_the_weights_and_gives_edges_back(toy_network, tmp_path):
    import anndata

    adata = session(toy_network)
    write_keys(adata, toy_network)
    grn = ac.to_grnndata(adata)
    assert "GRN" not in adata.varp
    assert grn.varp["GRN"][0, 2] == 0.8  # SPI1 -> LYZ, rows regulators
    assert_frame_equal(ac.get.network(grn).edges, toy_network.edges)
    edges = ac.from_grnndata(grn)
    assert edges.to_numpy().tolist() == [
        *(["SPI1", "LYZ", 0.8], ["CEBPA", "SPI1", 0.5], ["CEBPA", "LYZ", -0.25], ["GATA1", "HBB", 0.1])
    ]
    ac.write(ac.get.network(grn), tmp_path / "net.h5ad")
    from acyclome.io.formats import export

    export(toy_network, tmp_path / "grn.h5ad", "grnndata")
    assert_frame_equal(ac.from_grnndata(anndata.read_h5ad(tmp_path / "grn.h5ad")), edges)


def test_foreign_matrices_lose_loops_and_zeros_and_may_be_dense(toy_network):
    adata = session(toy_network)
    adata.varp["GRN"] = np.diag(np.ones(6)) - 2 * np.eye(6, k=1)
    edges = ac.from_grnndata(adata)
    assert len(edges) == 5
    assert set(edges["weight"]) == {-2.0}
    del adata.varp["GRN"]
    with pytest.raises(InputError, match="no matrix 'GRN' in varp"):
        ac.from_grnndata(adata)
