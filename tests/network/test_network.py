"""Networks: tables, certificate, matrices, and the page on a gene."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.errors import InputError
from acyclome.network import EDGE_COLUMNS, NODE_COLUMNS, RANKING_COLUMNS, Network, best_first
from acyclome.network.build import build_network


def network_of(d, pairs, order, weight=None):
    source, target = np.array([pair[0] for pair in pairs], dtype=int), np.array([pair[1] for pair in pairs], dtype=int)
    weight = np.ones(len(pairs)) if weight is None else weight
    return build_network(
        [f"g{i}" for i in range(d)],
        {"source": source, "target": target, "weight": weight},
        {"order": np.asarray(order), "r2": np.zeros(d), "noise_scale": np.ones(d)},
        ranking=(source, target, np.abs(weight)),
    )


@st.composite
def dags(draw):
    d = draw(st.integers(1, 8))
    order = draw(st.permutations(range(d)))
    pairs = [(order[i], order[j]) for j in range(d) for i in range(j) if draw(st.booleans())]
    weight = np.array(draw(st.lists(st.floats(-2, 2), min_size=len(pairs), max_size=len(pairs))))
    return d, pairs, order, weight


def test_tables_have_the_columns_of_the_files(toy_network):
    assert list(toy_network.edges) == list(EDGE_COLUMNS)
    assert " ".join(toy_network.edges) == (
        "source target weight sign score confounded stability direction reversible reversal_loss "
        "oriented_by_intervention noise_evidence direct_effect direct_error instrument_evidence prior"
    )
    assert list(toy_network.ranking) == list(RANKING_COLUMNS) == ["source", "target", "rank_score"]
    assert list(toy_network.nodes) == list(NODE_COLUMNS)
    assert " ".join(toy_network.nodes) == (
        "gene symbol order depth in_degree out_degree is_regulator r2 noise_scale lowest"
    )


def test_edges_come_best_first_and_ties_are_broken_by_strength(toy_network):
    assert toy_network.edges["source"].tolist() == ["SPI1", "GATA1", "CEBPA", "CEBPA"]
    assert toy_network.edges["sign"].tolist() == ["+", "+", "+", "-"]
    assert toy_network.ranking["rank_score"].is_monotonic_decreasing


def test_node_table_of_a_known_graph(toy_network):
    nodes = toy_network.nodes.set_index("gene")
    assert nodes["order"].to_dict() == {"SPI1": 2, "CEBPA": 1, "LYZ": 4, "GATA1": 0, "HBB": 3}
    assert nodes["depth"].to_dict() == {"SPI1": 1, "CEBPA": 0, "LYZ": 2, "GATA1": 0, "HBB": 1}
    assert nodes["in_degree"].to_dict() == {"SPI1": 1, "CEBPA": 0, "LYZ": 2, "GATA1": 0, "HBB": 1}
    assert nodes["out_degree"].to_dict() == {"SPI1": 1, "CEBPA": 2, "LYZ": 0, "GATA1": 1, "HBB": 0}
    assert toy_network.order.tolist() == [3, 1, 0, 4, 2]
    assert toy_network.is_dag
    assert repr(toy_network) == "Network of 5 genes and 4 edges"


def test_matrix_has_sources_in_rows(toy_network):
    dense = toy_network.matrix().toarray()
    assert dense[0, 2] == 0.8
    assert dense[1, 2] == -0.25
    assert np.count_nonzero(dense) == 4
    assert toy_network.matrix("reversible")[1, 0] == 1.0
    with pytest.raises(InputError, match="choose one of weight, score"):
        toy_network.matrix("sign")


def test_parents_and_children(toy_network):
    assert toy_network.parents("LYZ")["source"].tolist() == ["SPI1", "CEBPA"]
    assert toy_network.children("CEBPA")["target"].tolist() == ["SPI1", "LYZ"]
    assert toy_network.parents("GATA1").empty


@given(dags())
def test_any_dag_under_its_order_is_accepted_and_its_matrix_is_nilpotent(graph):
    d, pairs, order, weight = graph
    network = network_of(d, pairs, order, weight)
    assert network.is_dag
    pattern = np.zeros((d, d))
    pattern[network.source, network.target] = 1
    assert not np.linalg.matrix_power(pattern, d).any()
    powers = [np.linalg.matrix_power(pattern, k).any(axis=0) for k in range(d)]
    assert network.nodes["depth"].tolist() == [max(k for k in range(d) if powers[k][j]) for j in range(d)]
    by_pair = dict(zip(pairs, weight, strict=True))
    assert {(i, j): network.matrix()[i, j] for i, j in pairs} == by_pair


@given(dags().filter(lambda graph: len(graph[1]) > 0), st.data())
def test_an_edge_against_the_order_is_refused_and_named(graph, data):
    d, pairs, order, _ = graph
    turned = data.draw(st.integers(0, len(pairs) - 1))
    pairs = [pair[::-1] if k == turned else pair for k, pair in enumerate(pairs)]
    with pytest.raises(InputError, match=rf"1 of {len(pairs)} edges .* g{pairs[turned][0]} -> g{pairs[turned][1]}"):
        network_of(d, pairs, order)


def test_a_self_loop_is_refused():
    with pytest.raises(InputError, match="g0 -> g0"):
        network_of(2, [(0, 0)], [0, 1])


@pytest.mark.parametrize("order", [[0, 0, 1], [0, 1], [1, 2, 3]])
def test_an_order_that_is_no_permutation_is_refused(order):
    with pytest.raises(InputError, match="not a permutation of the 3 genes"):
        network_of(3, [], order)


def test_wrong_tables_are_refused_with_the_reason(toy_network):
    edges, ranking, nodes = toy_network.edges, toy_network.ranking, toy_network.nodes
    cases = [
        (edges.drop(columns="score"), ranking, nodes, "lacks the columns score"),
        (edges.replace({"source": {"SPI1": "PU1"}}), ranking, nodes, "'PU1' of edges is not among the 5 genes"),
        (edges, ranking.replace({"target": {"HBB": "HBC"}}), nodes, "'HBC' of ranking"),
        (pd.concat([edges, edges.head(1)]), ranking, nodes, "SPI1 -> LYZ stands in edges more than once"),
        (edges, ranking, nodes.replace({"gene": {"HBB": "LYZ"}}), "'LYZ' stands in more than one row"),
        (edges, ranking, nodes.assign(order=0), "not a permutation of 0 to 4"),
        (edges.head(0), ranking.head(0), nodes[nodes["order"] != 1], "has 4 rows, .* counts 5 genes: rows are missing"),
    ]
    for *tables, reason in cases:
        with pytest.raises(InputError, match=reason):
            Network(*tables)


def test_left_out_columns_are_empty_and_every_gene_is_a_regulator():
    network = network_of(2, [(1, 0)], [1, 0], np.array([-0.5]))
    edge = network.edges.iloc[0]
    assert edge[["score", "stability", "direction", "reversal_loss"]].isna().all()
    assert (edge["sign"], edge["prior"], edge["reversible"], edge["oriented_by_intervention"]) == (
        "-",
        "",
        False,
        False,
    )
    assert network.nodes["is_regulator"].all()
    assert "%" not in network.explain("g1")


def test_a_network_without_edges_exists():
    network = network_of(3, [], [2, 1, 0])
    assert network.n_edges == 0
    assert network.matrix().nnz == 0
    assert "no causes and no effects" in network.explain("g0")


@given(dags(), st.randoms(use_true_random=False))
def test_renumbering_the_genes_changes_nothing_but_row_numbers(graph, random):
    d, pairs, order, weight = graph
    first = network_of(d, pairs, order, weight)
    new = list(range(d))
    random.shuffle(new)
    names = [f"g{new.index(k)}" for k in range(d)]
    source, target = np.array([new[i] for i, _ in pairs], dtype=int), np.array([new[j] for _, j in pairs], dtype=int)
    second = build_network(
        names,
        {"source": source, "target": target, "weight": weight},
        {"order": np.array([new[k] for k in order]), "r2": np.zeros(d), "noise_scale": np.ones(d)},
        ranking=(source, target, np.abs(weight)),
    )
    pd.testing.assert_frame_equal(first.edges, second.edges)
    pd.testing.assert_frame_equal(first.ranking, second.ranking)


def test_best_first_puts_unscored_edges_last():
    table = pd.DataFrame({"source": ["a", "b"], "target": ["c", "c"], "score": [np.nan, 0.1], "weight": [9.0, 0.1]})
    assert best_first(table)["source"].tolist() == ["b", "a"]


def test_the_page_on_a_gene_tells_causes_effects_and_how_to_read_them(toy_network):
    page = toy_network.explain("SPI1")
    assert page.startswith("SPI1: 1 cause and 1 effect (place 2 of 5 genes by number of effects)")
    assert "Its causes explain 25% of its variance." in page
    assert "On the list of regulators: yes." in page
    rows = [line.split() for line in page.splitlines()]
    assert ["CEBPA", "+", "+0.500", "0.55", "0.60", "0.50", "yes"] in rows
    assert ["LYZ", "+", "+0.800", "0.90", "0.95", "1.00", "no"] in rows
    assert "How to read this" in page
    assert max(len(line) for line in page.splitlines()) <= 120
    assert "so it can have no effects" in toy_network.explain("HBB")


def test_long_lists_are_cut_with_a_count():
    star = network_of(30, [(0, j) for j in range(1, 30)], range(30))
    page = star.explain("g0")
    assert "... and 14 more in edges.tsv.gz" in page
    assert len(page.splitlines()) < 40


@pytest.mark.parametrize(
    ("asked", "offer"), [("spi1", "Did you mean SPI1?"), ("GATA2", "GATA1"), ("zzz", "such as SPI1, CEBPA, LYZ")]
)
def test_an_unknown_gene_is_refused_with_names_that_look_alike(toy_network, asked, offer):
    with pytest.raises(InputError, match="is not among the 5 genes") as found:
        toy_network.explain(asked)
    assert offer in str(found.value)
    with pytest.raises(InputError, match="3 is of the type int; expected the name of a gene"):
        toy_network.find(3)
