"""Every format gives back what was written, and the same bytes each time."""

import gzip
import json
import re
import time
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from acyclome.errors import InputError
from acyclome.io import formats, graph_files, tables
from acyclome.io.packed import pack, unpack
from acyclome.network import EDGE_COLUMNS, NODE_COLUMNS, RANKING_COLUMNS, Network
from acyclome.network.build import build_network

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=6) | st.sampled_from(
    ["NA", "nan", "NULL", "1e5", "001", "True", "a/b", 'quo"te', "sp ace", "#x", "-", "ä"]
)
VALUES = st.floats(allow_infinity=False, allow_nan=False)


def assert_same(first, second):
    assert_frame_equal(first.edges, second.edges)
    assert_frame_equal(first.ranking, second.ranking)
    assert_frame_equal(first.nodes, second.nodes)


def renamed(network, names):
    today = dict(zip(network.genes, names, strict=True))
    ends = [network.edges, network.ranking]
    tables = [table.assign(source=table["source"].map(today), target=table["target"].map(today)) for table in ends]
    return Network(*tables, network.nodes.assign(gene=network.nodes["gene"].map(today)))


def edges_only(network, drop):
    return Network(network.edges.assign(**dict.fromkeys(drop, np.nan)), network.ranking, network.nodes, network.facts)


@st.composite
def networks(draw):
    d = draw(st.integers(1, 6))
    genes = draw(st.lists(NAMES, min_size=d, max_size=d, unique=True))
    order = np.array(draw(st.permutations(range(d))))
    pairs = [(order[i], order[j]) for j in range(d) for i in range(j) if draw(st.booleans())]
    m = len(pairs)
    ends = np.array(pairs, dtype=int).reshape(m, 2)

    def numbers(n, elements=VALUES):
        return np.array(draw(st.lists(elements, min_size=n, max_size=n)), dtype=float)

    shares = draw(st.sampled_from([np.nan, 0.0, 0.5]))
    return build_network(
        genes,
        {
            "source": ends[:, 0],
            "target": ends[:, 1],
            "weight": numbers(m),
            "stability": np.full(m, shares),
            "score": numbers(m, st.floats(0, 1)),
            "reversal_loss": numbers(m),
            "reversible": numbers(m, st.booleans()).astype(bool),
        },
        {
            "order": order,
            "r2": numbers(d),
            "noise_scale": numbers(d),
            "is_regulator": numbers(d, st.booleans()).astype(bool),
        },
        ranking=(ends[:, 1], ends[:, 0], numbers(m)),
        facts={"seed": draw(st.integers(0, 9))},
    )


@given(network=networks())
def test_tables_round_trip_to_the_last_bit(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    for name, columns in (("edges", EDGE_COLUMNS), ("ranking", RANKING_COLUMNS), ("nodes", NODE_COLUMNS)):
        table = getattr(network, name)
        for ending in ("tsv", "tsv.gz"):
            tables.write_tsv(folder / f"{name}.{ending}", table)
            assert_frame_equal(tables.read_tsv(folder / f"{name}.{ending}", columns), table, check_exact=True)
        tables.write_parquet(folder / f"{name}.parquet", table, name)
        assert_frame_equal(tables.read_parquet(folder / f"{name}.parquet", name, columns), table, check_exact=True)


def test_h5ad_round_trip_through_a_file(toy_network, tmp_path):
    formats.write_h5ad(tmp_path / "network.h5ad", toy_network)
    again = formats.read_anndata(tmp_path / "network.h5ad")
    assert_same(again, toy_network)
    assert again.facts == toy_network.facts


@pytest.mark.parametrize("name", list(formats.FORMATS))
def test_every_format_has_the_same_bytes_at_each_write(toy_network, tmp_path, name):
    formats.export(toy_network, tmp_path / "one", name)
    if name == "h5ad":
        time.sleep(1.1)  # a time stamp of seconds in the file would show
    formats.export(toy_network, tmp_path / "two", name)
    first, again = (
        {item.relative_to(path): item.read_bytes() for item in [path, *path.rglob("*")] if item.is_file()}
        for path in (tmp_path / "one", tmp_path / "two")
    )
    assert again == first


def test_compressed_tables_have_no_time_and_no_name(toy_network, tmp_path):
    tables.write_tsv(tmp_path / "edges.tsv.gz", toy_network.edges)
    header = (tmp_path / "edges.tsv.gz").read_bytes()[:10]
    assert header[3] == 0
    assert header[4:8] == b"\0\0\0\0"


def test_edges_of_the_first_version_are_read_under_the_columns_of_today(toy_network, tmp_path):
    edges = toy_network.edges.assign(oriented_by_intervention=[True, False, False, True])
    first = edges.rename(columns={"oriented_by_intervention": "settled"})
    tables.write_tsv(tmp_path / "edges.tsv.gz", first)
    assert_frame_equal(tables.read_tsv(tmp_path / "edges.tsv.gz", EDGE_COLUMNS), edges)
    assert_frame_equal(Network(first, toy_network.ranking, toy_network.nodes, {}).edges, edges)
    both = Network(edges.assign(settled=False), toy_network.ranking, toy_network.nodes, {})
    assert_frame_equal(both.edges, edges)
    packed = pack(replace(toy_network, edges=edges), np.arange(5))
    packed["edges"]["settled"] = packed["edges"].pop("oriented_by_intervention")
    assert_frame_equal(unpack(packed, np.array(toy_network.genes, object), np.ones(5, bool)).edges, edges)


def test_text_table_is_readable_as_documented(toy_network, tmp_path):
    tables.write_tsv(tmp_path / "edges.tsv.gz", edges_only(toy_network, ["stability", "direction"]).edges)
    lines = gzip.decompress((tmp_path / "edges.tsv.gz").read_bytes()).decode().splitlines()
    assert lines[0].split("\t") == list(EDGE_COLUMNS)
    assert lines[1].split("\t") == ["SPI1", "LYZ", "0.8", "+", "0.9", "", "", "", "false", "7.5", "false", *[""] * 5]


def test_graphml_gives_back_nodes_and_edges(toy_network, tmp_path):
    import igraph

    formats.export(toy_network, tmp_path / "net.graphml")
    graph = igraph.Graph.Read_GraphML(str(tmp_path / "net.graphml"))
    assert graph.is_directed()
    assert graph.is_dag()
    assert graph.vs["name"] == toy_network.genes
    assert graph.vs["order"] == toy_network.nodes["order"].tolist()
    pairs = [(graph.vs[edge.source]["name"], graph.vs[edge.target]["name"]) for edge in graph.es]
    assert pairs == list(zip(toy_network.edges["source"], toy_network.edges["target"], strict=True))
    for column in ("weight", "sign", "score", "stability", "reversible"):
        assert graph.es[column] == toy_network.edges[column].tolist()
    assert "prior" not in graph.es.attributes()


def test_gexf_gives_back_nodes_and_edges(toy_network, tmp_path):
    formats.export(toy_network, tmp_path / "net.gexf")
    space = {"g": "http://gexf.net/1.3"}
    root = ET.parse(tmp_path / "net.gexf").getroot()
    labels = {node.get("id"): node.get("label") for node in root.iterfind(".//g:node", space)}
    assert list(labels.values()) == toy_network.genes
    edges = root.findall(".//g:edge", space)
    assert [(labels[e.get("source")], labels[e.get("target")]) for e in edges] == list(
        zip(toy_network.edges["source"], toy_network.edges["target"], strict=True)
    )
    titles = [item.get("title") for item in root.iterfind(".//g:attributes[@class='edge']/g:attribute", space)]
    values = {titles[int(item.get("for"))]: item.get("value") for item in edges[0].iterfind(".//g:attvalue", space)}
    assert float(values["weight"]) == 0.8
    assert values["reversible"] == "false"


def test_names_with_marks_of_xml_survive(tmp_path):
    import igraph

    names = ['a<b&"c"', "d'e>"]
    network = build_network(
        names,
        {"source": np.array([0]), "target": np.array([1]), "weight": np.array([1.0])},
        {"order": np.array([0, 1]), "r2": np.zeros(2), "noise_scale": np.ones(2)},
        ranking=(np.array([0]), np.array([1]), np.ones(1)),
    )
    formats.export(network, tmp_path / "n.graphml")
    formats.export(network, tmp_path / "n.gexf")
    assert igraph.Graph.Read_GraphML(str(tmp_path / "n.graphml")).vs["name"] == names
    nodes = ET.parse(tmp_path / "n.gexf").getroot().iterfind(".//{http://gexf.net/1.3}node")
    assert [node.get("label") for node in nodes] == names


def test_sif_matrix_scenic_and_cpdag_of_a_known_network(toy_network, tmp_path):
    formats.export(toy_network, tmp_path / "n.sif")
    assert (tmp_path / "n.sif").read_text().splitlines()[0] == "SPI1\tactivates\tLYZ"
    assert "CEBPA\trepresses\tLYZ" in (tmp_path / "n.sif").read_text()
    formats.export(toy_network, tmp_path / "n.matrix.csv")
    dense = pd.read_csv(tmp_path / "n.matrix.csv", index_col="source")
    assert np.array_equal(dense.to_numpy(), toy_network.matrix().toarray())
    assert list(dense.index) == list(dense.columns) == toy_network.genes
    formats.export(toy_network, tmp_path / "n.scenic", "scenic")
    assert (tmp_path / "n.scenic").read_text().splitlines()[:2] == ["TF,target,importance", "SPI1,LYZ,0.8"]
    formats.export(toy_network, tmp_path / "n.cpdag.tsv")
    kinds = pd.read_csv(tmp_path / "n.cpdag.tsv", sep="\t")["kind"]
    assert kinds.tolist() == ["undirected"] * 4  # the three myeloid genes are a full triangle, the two others a pair


def test_csv_is_the_table_of_edges_and_no_matrix(toy_network, tmp_path):
    for name in ("adjacencies.csv", "edges.csv.gz"):
        formats.export(toy_network, tmp_path / name)
        found = pd.read_csv(tmp_path / name)
        assert found["source"].tolist() == toy_network.edges["source"].tolist()
        assert list(found) == list(EDGE_COLUMNS)


def test_gmt_has_what_each_gene_raises_and_what_it_lowers(toy_network, tmp_path):
    formats.export(toy_network, tmp_path / "n.gmt")
    sets = {line.split("\t")[0]: line.split("\t")[2:] for line in (tmp_path / "n.gmt").read_text().splitlines()}
    assert sets == {"CEBPA_UP": ["SPI1"], "CEBPA_DN": ["LYZ"], "SPI1_UP": ["LYZ"], "GATA1_UP": ["HBB"]}


def test_genernib_gets_the_best_pairs_of_the_ranking_with_weights_as_texts(toy_network, tmp_path, monkeypatch):
    import anndata

    monkeypatch.setattr(formats, "MAX_GENERNIB_PAIRS", 2)
    formats.export(toy_network, tmp_path / "n.genernib.h5ad")
    told = anndata.read_h5ad(tmp_path / "n.genernib.h5ad").uns
    assert told["prediction"].to_numpy().tolist() == [["SPI1", "LYZ", "0.9"], ["GATA1", "HBB", "0.8"]]
    assert (told["method_id"], told["dataset_id"]) == ("acyclome", "unknown")


def test_a_zarr_store_gives_the_network_back_and_is_not_replaced(toy_network, tmp_path):
    formats.export(toy_network, tmp_path / "n.zarr")
    assert_same(formats.read_anndata(tmp_path / "n.zarr"), toy_network)
    with pytest.raises(InputError, match="there is a folder of this name"):
        formats.export(toy_network, tmp_path / "n.zarr")
    assert [path.name for path in tmp_path.iterdir()] == ["n.zarr"]


def test_cx2_declares_what_it_holds_and_gives_back_the_edges(toy_network, tmp_path):
    formats.export(toy_network, tmp_path / "n.cx2")
    first, *parts = json.loads((tmp_path / "n.cx2").read_text())
    aspects = {name: items for part in parts for name, items in part.items()}
    assert first == {"CXVersion": "2.0", "hasFragments": False}
    assert aspects["status"] == [{"success": True}]
    for entry in aspects["metaData"]:
        assert len(aspects[entry["name"]]) == entry["elementCount"]
    kinds = {"string": str, "double": float, "integer": int, "boolean": bool}
    declared = aspects["attributeDeclarations"][0]
    for aspect in ("nodes", "edges"):
        for item in aspects[aspect]:
            assert {name: kinds[declared[aspect][name]["d"]] for name in item["v"]} == {
                name: type(value) for name, value in item["v"].items()
            }
    names = {node["id"]: node["v"]["name"] for node in aspects["nodes"]}
    edges = [(names[edge["s"]], names[edge["t"]], edge["v"]["weight"]) for edge in aspects["edges"]]
    assert edges == list(toy_network.edges[["source", "target", "weight"]].itertuples(index=False, name=None))
    assert aspects["edges"][2]["v"]["interaction"] in ("activates", "represses")


@pytest.mark.parametrize("names", [None, ['a "b" & c\\', "ä→\n2", "3", "graph", "e-5"]])
def test_gml_and_dot_give_back_names_and_edges(toy_network, tmp_path, names):
    import networkx

    network = toy_network if names is None else renamed(toy_network, names)
    formats.export(network, tmp_path / "n.gml")
    graph = networkx.read_gml(tmp_path / "n.gml")
    shown = [name.replace("\n", "\\n") for name in network.genes]  # control characters are escaped everywhere
    assert list(graph) == shown
    at = dict(zip(network.genes, shown, strict=True))
    weights = {(at[row.source], at[row.target]): row.weight for row in network.edges.itertuples()}
    assert networkx.get_edge_attributes(graph, "weight") == weights
    formats.export(network, tmp_path / "n.dot")
    quoted = r'"((?:[^"\\]|\\.)*)"'
    text = (tmp_path / "n.dot").read_text(encoding="utf-8")
    found = re.findall(rf'^  {quoted} -> {quoted} \[effect="(\S+)", arrowhead=(\w+)\];$', text, flags=re.MULTILINE)
    plain = [[re.sub(r"\\(.)", r"\1", end) for end in row[:2]] for row in found]
    assert {tuple(ends): float(row[2]) for ends, row in zip(plain, found, strict=True)} == weights
    assert {row[3] for row in found} == {"normal", "tee"}


def test_small_weights_are_real_numbers_in_gml(toy_network, tmp_path):
    import igraph

    formats.export(toy_network, tmp_path / "n.gml")
    assert igraph.Graph.Read_GML(str(tmp_path / "n.gml")).es["sign"] == toy_network.edges["sign"].tolist()
    assert graph_files._gml_number(1e-05) == "1.0e-05"
    assert graph_files._gml_number(-2.5e-7) == "-2.5e-07"


def test_a_large_full_matrix_is_refused_with_advice(tmp_path, monkeypatch, toy_network):
    monkeypatch.setattr(formats, "MAX_DENSE_GENES", 4)
    with pytest.raises(InputError, match=r"full matrix of 5 x 5 .*Use h5ad"):
        formats.export(toy_network, tmp_path / "n.csv", "matrix")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("file", "name"), [("n.xyz", None), ("n", None), ("n.tsv", "visio")])
def test_an_unknown_format_is_refused_with_the_list(toy_network, tmp_path, file, name):
    with pytest.raises(InputError, match="names no format") as found:
        formats.export(toy_network, tmp_path / file, name)
    assert all(f"  {known}" in str(found.value) for known in formats.FORMATS)


def test_the_docs_name_every_format_and_its_file():
    page = (Path(__file__).parents[2] / "docs/exports.md").read_text(encoding="utf-8")
    assert [name for name in formats.FORMATS if f"`{name}`" not in page] == []
    named = re.findall(r"`(network\.[a-z0-9.]+)` \|", page)
    assert len(named) == 11
    assert all(formats.by_ending(Path(name)) in formats.FORMATS for name in named)
    assert [name for name in map(formats.file_name, ("scenic", "matrix", "genernib", "gmt")) if name not in named] == []


@pytest.mark.parametrize("file", ["e.tsv.gz", "e.TSV", "e.v1.parquet", "e.graphml", "e.csv", "e.x.gml"])
def test_the_ending_of_the_file_tells_the_format(toy_network, tmp_path, file):
    formats.export(toy_network, tmp_path / file)
    formats.export(toy_network, tmp_path / "again", file.removesuffix(".gz").split(".")[-1].lower())
    content = (tmp_path / file).read_bytes()
    assert (gzip.decompress(content) if file.endswith("gz") else content) == (tmp_path / "again").read_bytes()


@pytest.mark.parametrize(
    "damage", [lambda content: content[: len(content) // 2], lambda content: b"", lambda content: b"x"]
)
@pytest.mark.parametrize("file", ["edges.tsv.gz", "edges.parquet", "network.h5ad"])
def test_a_damaged_file_is_an_input_error(toy_network, tmp_path, file, damage):
    path = tmp_path / file
    formats.export(toy_network, path)
    path.write_bytes(damage(path.read_bytes()))
    readers = {
        "edges.tsv.gz": lambda: tables.read_tsv(path, EDGE_COLUMNS),
        "edges.parquet": lambda: tables.read_parquet(path, "edges", EDGE_COLUMNS),
        "network.h5ad": lambda: formats.read_anndata(path),
    }
    with pytest.raises(InputError, match=file.replace(".", r"\.")):
        readers[file]()


def test_a_foreign_parquet_file_is_refused(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="expected acyclome-edges"):
        tables.read_parquet(tmp_path / "a.parquet", "edges", EDGE_COLUMNS)


def test_a_parquet_file_without_one_of_its_columns_is_refused(toy_network, tmp_path):
    tables.write_parquet(tmp_path / "a.parquet", toy_network.edges.drop(columns="source"), "edges")
    with pytest.raises(InputError, match="has no column source"):
        tables.read_parquet(tmp_path / "a.parquet", "edges", EDGE_COLUMNS)


def test_parquet_files_with_names_that_are_no_text_are_input_errors(toy_network, tmp_path):
    path, refused = tmp_path / "a.parquet", []
    tables.write_parquet(path, toy_network.edges, "edges")
    content = path.read_bytes()
    for found in re.finditer(b"source|encoding-type", content):  # in statistics, schema, and metadata
        path.write_bytes(content[: found.start()] + b"\xd7\x41\xd7" + content[found.start() + 3 :])
        try:
            tables.read_parquet(path, "edges", EDGE_COLUMNS)
        except InputError as error:
            refused.append("codec" in str(error))
    assert any(refused)


def test_control_characters_of_names_neither_break_xml_nor_begin_lines(toy_network, tmp_path):
    from xml.dom import minidom

    network = renamed(toy_network, ["\x1b[31mA", "B\nX\tactivates\tY", "C\x00", "=D", "E\ufffe"])
    for name in ("graphml", "gexf", "sif"):
        formats.export(network, tmp_path / f"n.{name}")
    for name in ("graphml", "gexf"):
        minidom.parse(str(tmp_path / f"n.{name}"))
        assert r"\x1b[31mA" in (tmp_path / f"n.{name}").read_text()
    lines = (tmp_path / "n.sif").read_text().splitlines()
    assert len(lines) == toy_network.n_edges
    assert all(line.count("\t") == 2 for line in lines)
