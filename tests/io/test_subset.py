"""What is left of a network when genes or edges are chosen."""

import numpy as np
import pandas as pd
import pytest

from acyclome.errors import InputError
from acyclome.io.subset import subset
from acyclome.network import Network


def pairs(table):
    return list(zip(table["source"], table["target"], strict=True))


def test_confidence_leaves_edges_out_and_genes_that_lose_all(toy_network):
    part = subset(toy_network, min_score=0.55)
    assert pairs(part.edges) == [("SPI1", "LYZ"), ("GATA1", "HBB"), ("CEBPA", "SPI1")]
    assert pairs(subset(toy_network, min_score=0.9).edges) == [("SPI1", "LYZ"), ("GATA1", "HBB")]
    assert set(subset(toy_network, min_score=0.9).genes) == {"SPI1", "LYZ", "GATA1", "HBB"}
    assert set(pairs(part.ranking)) == set(pairs(part.edges))


def test_order_depth_and_degrees_are_those_of_what_is_left(toy_network):
    nodes = subset(toy_network, min_score=0.9).nodes.set_index("gene")
    assert nodes["order"].sort_values().index.tolist() == ["GATA1", "SPI1", "HBB", "LYZ"]
    assert nodes.loc[["SPI1", "LYZ"], "depth"].tolist() == [0, 1]
    assert nodes.loc[["SPI1", "LYZ"], "in_degree"].tolist() == [0, 1]
    assert nodes.loc["SPI1", "r2"] == toy_network.nodes.set_index("gene").loc["SPI1", "r2"]


def test_genes_that_are_named_stay_without_edges_and_others_go(toy_network):
    part = subset(toy_network, genes=["CEBPA", "LYZ", "HBB"])
    assert (part.genes, pairs(part.edges)) == (["CEBPA", "LYZ", "HBB"], [("CEBPA", "LYZ")])
    assert subset(toy_network, genes=["CEBPA", "LYZ"], min_score=0.9).n_edges == 0


def test_edges_come_out_of_the_regulators_alone(toy_network):
    part = subset(toy_network, sources=["CEBPA"])
    assert set(pairs(part.edges)) == {("CEBPA", "SPI1"), ("CEBPA", "LYZ")}
    assert set(part.ranking["source"]) == {"CEBPA"}


def test_resamples_stay_behind_where_edges_are_chosen_and_follow_genes(toy_network):
    members = pd.DataFrame({"member": [0, 1], "source": [0, 3], "target": [2, 4], "weight": [0.5, 0.5]})
    network = Network(toy_network.edges, toy_network.ranking, toy_network.nodes, members=members)
    assert subset(network, min_score=0.5).members is None
    left = subset(network, genes=["SPI1", "LYZ"]).members
    assert left[left["weight"] != 0].to_numpy().tolist() == [[0, 0, 1, 0.5]]


def test_without_a_choice_it_is_the_network_itself(toy_network):
    assert subset(toy_network) is toy_network


def test_nothing_left_and_scores_that_are_not_there_are_refused(toy_network):
    with pytest.raises(InputError, match="None of the 4 edges is left"):
        subset(toy_network, min_score=0.99)
    bare = Network(toy_network.edges.assign(score=np.nan), toy_network.ranking, toy_network.nodes)
    with pytest.raises(InputError, match="have no score"):
        subset(bare, min_score=0.1)
