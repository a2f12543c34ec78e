"""Everything of a network is inside the AnnData, and comes out of its files as it went in."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from pandas.testing import assert_frame_equal
from scipy import sparse
from tests.io.test_formats import edges_only, networks

from acyclome.errors import InputError
from acyclome.io import keys
from acyclome.network import JointNetworks, Network

TABLES = ("edges", "ranking", "nodes", "members", "effects", "treatments")


def assert_same(first, second):
    for name in TABLES:
        one, two = getattr(first, name), getattr(second, name)
        assert (one is None) == (two is None), name
        if one is not None:
            assert_frame_equal(one, two, check_exact=True, check_dtype=False)
    assert first.facts == second.facts


def adata_with(genes):
    from anndata import AnnData

    return AnnData(np.ones((2, len(genes)), dtype=np.float32), var=pd.DataFrame(index=list(genes)))


@pytest.fixture
def whole(toy_network):
    """The toy network with everything that a network may have: resamples, measured effects, values of knock-outs."""
    nodes = toy_network.nodes.assign(lowest=[-1.0, -2.0, np.nan, -0.5, -1.5])
    members = pd.DataFrame(
        {"member": [0, 0, 1, 2], "source": [1, 0, 0, 0], "target": [0, 2, 2, 0], "weight": [0.5, 0.8, 0.7, 0.0]}
    )
    effects = pd.DataFrame(
        {"source": [-1, 3, 3], "target": [2, 3, 4], "effect": [0.1, 1.0, 0.4], "error": [0.1, 0.0, 0.2]}
    )
    rows = [np.arange(5) / 8 + k for k in range(3)]
    treatments = pd.DataFrame({"targets": ["SPI1", "SPI1;ZNF1", "GATA1"], "observations": [10, 20, 30]}).assign(
        change=rows, error=[np.full(5, 0.5)] * 3, network=[rows[0], np.empty(0), rows[2]]
    )
    edges = toy_network.edges.assign(prior=["required", "", "", "soft"])
    return Network(edges, toy_network.ranking, nodes, toy_network.facts, members, effects, treatments)


def through(adata, ending, folder):
    import anndata

    path = folder / f"a.{ending}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # anndata says of its own zarr format that another will come
        adata.write_h5ad(path) if ending == "h5ad" else adata.write_zarr(path)
        return anndata.read_h5ad(path) if ending == "h5ad" else anndata.read_zarr(path)


@given(network=networks())
def test_any_network_comes_back_from_memory(network):
    assert_same(keys.read_keys(keys.to_anndata(network)), network)


@pytest.mark.parametrize("ending", ["h5ad", "zarr"])
def test_a_file_keeps_every_table_and_predictions_with_their_intervals(whole, tmp_path, ending):
    again = keys.read_keys(through(keys.to_anndata(whole), ending, tmp_path))
    assert_same(again, whole)
    predicted = again.predict(knockout="SPI1", set={"GATA1": 1.0})
    assert predicted["low"].notna().all()
    assert_frame_equal(predicted, whole.predict(knockout="SPI1", set={"GATA1": 1.0}), check_exact=True)


def test_the_documented_keys_are_there_and_no_others(toy_network):
    adata = adata_with(["X1", *reversed(toy_network.genes), "X2"])
    keys.write_keys(adata, toy_network, "mine")
    assert list(adata.varp) == ["mine"]
    assert adata.varp["mine"].format == "csr"
    assert adata.varp["mine"][5, 3] == 0.8  # SPI1 -> LYZ
    assert adata.varp["mine"][[0, 6]].nnz == 0
    assert sorted(adata.var) == ["mine_gene", "mine_in_degree", "mine_is_regulator", "mine_order", "mine_out_degree"]
    assert adata.var["mine_order"].tolist() == [-1, 3, 0, 4, 1, 2, -1]
    is_regulator = dict(zip(toy_network.nodes["gene"], toy_network.nodes["is_regulator"], strict=True))
    assert adata.var["mine_is_regulator"].to_dict() == {"X1": False, **is_regulator, "X2": False}
    facts = adata.uns["mine"]
    assert (facts["encoding-type"], facts["encoding-version"]) == ("acyclome-network", "0.2.0")
    assert (facts["is_dag"], facts["n_edges"], facts["weights_key"]) == (True, 4, "mine")
    assert facts["orientation"].startswith("row = source")


@pytest.mark.parametrize("ending", ["h5ad", "zarr"])
def test_groups_with_any_label_and_their_differences_survive_a_file(whole, toy_network, tmp_path, ending):
    adata = adata_with(whole.genes)
    columns = {f"{part}_{label}": [0.5, 0.25] for part in ("weight", "error") for label in ("T/NK", "T", "..")}
    differential = pd.DataFrame(
        {"source": ["SPI1", "CEBPA"], "target": ["LYZ", "SPI1"], "shared": [True, False], **columns}
    ).assign(difference=[0.3, 0.2], z=[3.0, 2.0], p=[0.01, 0.04], q=[0.02, 0.04])
    joint = JointNetworks({"T/NK": whole, "T": toy_network, "..": toy_network}, whole, differential)
    keys.write_keys(adata, joint)
    assert sorted(adata.var) == ["dag_gene", "dag_in_degree", "dag_is_regulator", "dag_order", "dag_out_degree"]
    again = through(adata, ending, tmp_path)
    for label, network in {**joint, "shared": whole}.items():
        assert_same(keys.read_keys(again, group=label), network)
    assert_frame_equal(keys.read_differential(again), differential)
    part = again[:, ["SPI1", "LYZ"]].copy()
    assert keys.read_differential(part)["target"].tolist() == ["LYZ"]
    with pytest.raises(InputError, match=r"one network per group .* \.\., T, T/NK"):
        keys.read_keys(again)


def test_six_groups_take_one_column_and_one_matrix_each(toy_network):
    adata = adata_with(toy_network.genes)
    keys.write_keys(adata, {f"CD{k}+ T": toy_network for k in range(6)})
    assert list(adata.var) == ["dag_gene"]
    assert len(adata.varp) == 6
    with pytest.raises(InputError, match="not learned together"):
        keys.read_differential(adata)


def test_a_subset_of_genes_keeps_the_network_among_them(whole):
    adata = adata_with(whole.genes)
    keys.write_keys(adata, whole)
    part = keys.read_keys(adata[:, ["LYZ", "CEBPA", "GATA1"]].copy())
    assert part.edges[["source", "target", "weight"]].to_numpy().tolist() == [["CEBPA", "LYZ", -0.25]]
    assert part.nodes[["gene", "order", "depth"]].to_numpy().tolist() == [
        *(["CEBPA", 1, 0], ["LYZ", 2, 1], ["GATA1", 0, 0])
    ]
    assert part.members.to_numpy().tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [2, 0, 0, 0]]  # none has an edge left
    assert part.effects[["source", "target"]].to_numpy().tolist() == [[-1, 1], [2, 2]]
    assert [values.tolist() for values in part.treatments["network"]] == [
        [0.125, 0.25, 0.375],
        [],
        [2.125, 2.25, 2.375],
    ]


def test_a_network_follows_genes_that_are_sorted_and_renamed(whole):
    adata = adata_with(whole.genes)
    keys.write_keys(adata, whole)
    moved = adata[:, ["HBB", "SPI1", "LYZ", "GATA1", "CEBPA"]].copy()
    moved.var_names = moved.var_names.str.lower()
    again = keys.read_keys(moved)
    assert again.edges["source"].tolist() == whole.edges["source"].str.lower().tolist()
    assert again.treatments["targets"].tolist() == ["spi1", "spi1;ZNF1", "gata1"]
    assert again.predict(knockout="spi1")["change"].tolist() == whole.predict(knockout="SPI1")["change"].tolist()
    assert sparse.linalg.norm(moved.varp["dag"] - adata[:, [4, 0, 2, 3, 1]].varp["dag"]) == 0


def test_a_second_network_under_another_key_leaves_the_first(toy_network):
    adata = adata_with(toy_network.genes)
    other = edges_only(toy_network, ["stability"])
    keys.write_keys(adata, toy_network, "dag")
    keys.write_keys(adata, other, "dag_B")
    keys.write_keys(adata, toy_network, "dag")
    assert_same(keys.read_keys(adata, "dag"), toy_network)
    assert_same(keys.read_keys(adata, "dag_B"), other)


def test_writing_again_removes_what_the_new_network_does_not_have(toy_network):
    adata = adata_with(toy_network.genes)
    keys.write_keys(adata, JointNetworks({"A": toy_network, "B": toy_network}, toy_network, differential_of_none()))
    keys.write_keys(adata, {"A": toy_network})
    assert (list(adata.varp), list(adata.var)) == (["dag_A"], ["dag_gene"])


def differential_of_none():
    return pd.DataFrame(columns=["source", "target", "shared", "weight_A", "error_A", "difference", "z", "p", "q"])


def test_keys_that_cannot_be_written_or_read_are_refused_with_advice(toy_network):
    adata = adata_with(toy_network.genes)
    with pytest.raises(InputError, match="refuse slashes"):
        keys.write_keys(adata, toy_network, "T/NK")
    with pytest.raises(InputError, match=r"1 of 5 genes .* 'HBB'"):
        keys.write_keys(adata_with(toy_network.genes[:4]), toy_network)
    with pytest.raises(InputError, match=r"tl\.dag"):
        keys.read_keys(adata)
    keys.write_keys(adata, toy_network, "mine")
    with pytest.raises(InputError, match="Networks are under 'mine'"):
        keys.read_keys(adata)
    adata.uns["mine"]["encoding-version"] = "9.0"
    with pytest.raises(InputError, match=r"in the form 9\.0; this version reads"):
        keys.read_keys(adata, "mine")


def test_an_object_that_lost_the_numbers_of_its_genes_says_so(toy_network):
    adata = adata_with(toy_network.genes)
    keys.write_keys(adata, toy_network)
    del adata.var["dag_gene"]
    with pytest.raises(InputError, match="no column 'dag_gene'"):
        keys.read_keys(adata)


def test_repeated_names_of_genes_are_refused(toy_network):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adata = adata_with([*toy_network.genes, "SPI1"])
    with pytest.raises(InputError, match="var_names_make_unique"):
        keys.write_keys(adata, toy_network)


def written_by_the_first_version(network, key="dag"):
    """Return an object as version 0.1.0 wrote it: columns of the edges as matrices, and all of the genes in var."""
    adata = adata_with(["X1", *network.genes])
    at, d = (network.source + 1, network.target + 1), adata.n_vars
    on_edges = {"": "weight", **{f"_{name}": name for name in ("score", "stability", "direction", "reversal_loss")}}
    for name, column in on_edges.items():
        adata.varp[f"{key}{name}"] = sparse.csr_matrix((network.edges[column], at), shape=(d, d))
    reversible = network.edges["reversible"].to_numpy(np.int8)
    adata.varp[f"{key}_reversible"] = sparse.csr_matrix((reversible, at), shape=(d, d))
    ends = [network.ranking[end].map({g: k + 1 for k, g in enumerate(network.genes)}) for end in ("source", "target")]
    adata.varp[f"{key}_rank_score"] = sparse.csr_matrix((network.ranking["rank_score"], ends), shape=(d, d))
    adata.var[f"{key}_used"] = [False, *[True] * len(network.genes)]
    for column in ("order", "depth", "in_degree", "out_degree", "is_regulator", "r2", "noise_scale", "lowest"):
        adata.var[f"{key}_{column}"] = [-1, *network.nodes[column]]
    priors = network.edges.loc[network.edges["prior"] != "", ["source", "target", "prior"]]
    texts = {"facts": json.dumps(network.facts), "priors": json.dumps(priors.to_numpy().tolist())}
    adata.uns[key] = {"encoding-type": "acyclome-network", "encoding-version": "0.1.0", **texts}
    return adata


def test_what_the_first_version_wrote_is_read_with_its_knock_outs(whole):
    adata = written_by_the_first_version(whole)
    again = keys.read_keys(adata)
    for name in ("edges", "ranking", "nodes"):
        assert_frame_equal(getattr(again, name), getattr(whole, name))
    assert again.predict(knockout="SPI1")["change"].abs().max() == 1.0
    for name in list(adata.varp):
        adata.varp[name.replace("dag", "dag_T_NK-1")] = adata.varp[name]
    adata.var = adata.var.rename(columns=lambda name: name.replace("dag", "dag_T_NK-1"))
    adata.uns["dag_T_NK-1"], adata.uns["dag"] = adata.uns["dag"], {"groups": {"T_NK-1": "T/NK"}}
    assert_frame_equal(keys.read_keys(adata, group="T/NK").edges, whole.edges)
    with pytest.raises(InputError, match="one network per group"):
        keys.read_keys(adata)


def test_writing_over_what_the_first_version_wrote_leaves_nothing_of_it(whole):
    adata = written_by_the_first_version(whole)
    keys.write_keys(adata, whole)
    assert list(adata.varp) == ["dag"]
    assert sorted(adata.var) == ["dag_gene", "dag_in_degree", "dag_is_regulator", "dag_order", "dag_out_degree"]
