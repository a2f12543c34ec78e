"""Networks as graphs for other programs: GraphML, GEXF, CX2, GML, DOT and SIF.

Genes that files number or quote keep their names; columns that say nothing, and values that are unknown, stay away.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Hashable, Iterator, Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

import pandas as pd

from acyclome.io.atomic import write_path, write_text
from acyclome.network import EDGE_COLUMNS, NODE_COLUMNS, Network

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_CX2_KINDS = {str: "string", float: "double", int: "integer", bool: "boolean"}


def write_graphml(path: str | os.PathLike[str], network: Network) -> None:
    """Write GraphML with all columns of genes and edges; opens in Cytoscape, Gephi, yEd, igraph and networkx."""
    import igraph

    graph = igraph.Graph(n=len(network.genes), edges=_pairs(network), directed=True)
    graph.vs["name"] = [in_line(gene) for gene in network.genes]
    for column in _told(network.nodes, NODE_COLUMNS):
        graph.vs[column] = [in_line(value) for value in network.nodes[column].tolist()]
    for column in _told(network.edges, EDGE_COLUMNS):
        graph.es[column] = [in_line(value) for value in network.edges[column].tolist()]
    with write_path(path) as temporary:
        graph.write_graphml(os.fspath(temporary))


def write_gexf(path: str | os.PathLike[str], network: Network) -> None:
    """Write GEXF 1.3 with all columns of genes and edges; opens in Gephi."""
    write_text(path, "\n".join(_gexf_lines(network)) + "\n")


def write_sif(path: str | os.PathLike[str], network: Network) -> None:
    """Write ``source <tab> activates or represses <tab> target``; opens in Cytoscape."""
    rows = zip(network.edges["source"], _verbs(network), network.edges["target"], strict=True)
    write_text(path, "".join(f"{in_line(source)}\t{word}\t{in_line(target)}\n" for source, word, target in rows))


def write_cx2(path: str | os.PathLike[str], network: Network) -> None:
    """Write CX2, version 2.0, with all columns of genes and edges; opens in Cytoscape (Web) and NDEx."""
    on_nodes, on_edges = _told(network.nodes, NODE_COLUMNS), _told(network.edges, EDGE_COLUMNS)
    verbs = _verbs(network)
    nodes = [
        {"id": number, "v": {"name": row["gene"], **_values(row, on_nodes)}}
        for number, row in enumerate(network.nodes.to_dict("records"))
    ]
    edges = [
        {"id": number, "s": source, "t": target, "v": {"interaction": verb, **_values(row, on_edges)}}
        for number, ((source, target), verb, row) in enumerate(
            zip(_pairs(network), verbs, network.edges.to_dict("records"), strict=True)
        )
    ]
    declared = {
        "networkAttributes": {"name": {"d": "string"}, "description": {"d": "string"}},
        "nodes": {"name": {"d": "string"}} | {name: {"d": _CX2_KINDS[NODE_COLUMNS[name]]} for name in on_nodes},
        "edges": {"interaction": {"d": "string"}} | {name: {"d": _CX2_KINDS[EDGE_COLUMNS[name]]} for name in on_edges},
    }
    about = {"name": "causal gene network", "description": "Learned by acyclome; source acts on target, no cycles."}
    aspects: dict[str, list[Any]] = {
        "attributeDeclarations": [declared],
        "networkAttributes": [about],
        "nodes": nodes,
        "edges": edges,
    }
    content = [
        {"CXVersion": "2.0", "hasFragments": False},
        {"metaData": [{"name": name, "elementCount": len(items)} for name, items in aspects.items()]},
        *({name: items} for name, items in aspects.items()),
        {"status": [{"success": True}]},
    ]
    write_text(path, json.dumps(content, allow_nan=False) + "\n")  # ASCII: no letter of a name breaks it


def write_gml(path: str | os.PathLike[str], network: Network) -> None:
    """Write GML with weight, sign and score of each edge; opens in networkx (DoWhy), igraph, Gephi and yEd."""
    lines = ["graph [", "  directed 1"]
    lines += [f'  node [ id {number} label "{_in_gml(gene)}" ]' for number, gene in enumerate(network.genes)]
    for (source, target), row in zip(_pairs(network), network.edges.to_dict("records"), strict=True):
        numbers = "".join(f" {name} {_gml_number(row[name])}" for name in ("weight", "score") if row[name] == row[name])
        lines.append(f'  edge [ source {source} target {target}{numbers} sign "{row["sign"]}" ]')
    write_text(path, "\n".join([*lines, "]"]) + "\n")


def write_dot(path: str | os.PathLike[str], network: Network) -> None:
    """Write DOT, where an edge that represses ends in a bar; opens in Graphviz, pydot and DoWhy."""
    lines = ["digraph {", *(f"  {_in_dot(gene)};" for gene in network.genes)]
    for row in network.edges.to_dict("records"):
        # Not called weight, which lays out: there it is a whole number.
        arrow = "normal" if row["sign"] == "+" else "tee"
        effect = f'"{row["weight"]!r}"'  # quoted, for numbers have no exponents there
        ends = f"{_in_dot(row['source'])} -> {_in_dot(row['target'])}"
        lines.append(f"  {ends} [effect={effect}, arrowhead={arrow}];")
    write_text(path, "\n".join([*lines, "}"]) + "\n")


def in_line(value: Any) -> Any:
    """Return a text with control characters escaped: XML has no place for them, and tabs end cells."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], value) if isinstance(value, str) else value


def _pairs(network: Network) -> list[tuple[int, int]]:
    return list(zip(network.source.tolist(), network.target.tolist(), strict=True))


def _told(table: pd.DataFrame, columns: Mapping[str, type]) -> list[str]:
    # Columns of nothing but NaN, which have no word in XML, or of empty texts stay away, and so do names.
    about = [column for column in columns if column not in ("source", "target", "gene")]
    return [column for column in about if (table[column].notna() & (table[column] != "")).any()]


def _gexf_lines(network: Network) -> Iterator[str]:
    node_columns, edge_columns = _told(network.nodes, NODE_COLUMNS), _told(network.edges, EDGE_COLUMNS)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield '<gexf xmlns="http://gexf.net/1.3" version="1.3">'
    yield '<graph defaultedgetype="directed" mode="static">'
    yield from _gexf_columns("node", node_columns, NODE_COLUMNS)
    yield from _gexf_columns("edge", edge_columns, EDGE_COLUMNS)
    yield "<nodes>"
    for index, row in enumerate(network.nodes.to_dict("records")):
        yield f'<node id="{index}" label={quoteattr(in_line(row["gene"]))}>{_gexf_values(row, node_columns)}</node>'
    yield "</nodes>"
    yield "<edges>"
    for index, ((source, target), row) in enumerate(
        zip(_pairs(network), network.edges.to_dict("records"), strict=True)
    ):
        # Gephi lays out by this weight and wants it positive; that of the network stands among the values.
        ends = f'id="{index}" source="{source}" target="{target}" weight="{abs(row["weight"])!r}"'
        yield f"<edge {ends}>{_gexf_values(row, edge_columns)}</edge>"
    yield "</edges>"
    yield "</graph>"
    yield "</gexf>"


def _gexf_columns(owner: str, columns: list[str], kinds: dict[str, type]) -> Iterator[str]:
    words = {str: "string", float: "double", int: "integer", bool: "boolean"}
    yield f'<attributes class="{owner}">'
    for number, column in enumerate(columns):
        yield f'<attribute id="{number}" title="{column}" type="{words[kinds[column]]}"/>'
    yield "</attributes>"


def _gexf_values(row: dict[Hashable, Any], columns: list[str]) -> str:
    cells = []
    for number, column in enumerate(columns):
        value = row[column]
        if value == value and value != "":  # neither NaN nor empty
            text = str(value).lower() if isinstance(value, bool) else str(value)
            cells.append(f'<attvalue for="{number}" value={quoteattr(in_line(text))}/>')
    return f"<attvalues>{''.join(cells)}</attvalues>"


def _verbs(network: Network) -> list[str]:
    return network.edges["sign"].map({"+": "activates", "-": "represses"}).tolist()


def _values(row: Mapping[Hashable, Any], columns: list[str]) -> dict[str, Any]:
    # Neither NaN, for which JSON has no word, nor empty.
    return {name: row[name] for name in columns if row[name] == row[name] and row[name] != ""}


def _in_gml(text: str) -> str:
    """Return a name as GML has it: seven bits, quotes, ampersands and other letters by their numbers."""
    marked = in_line(text).replace("&", "&amp;").replace('"', "&quot;")
    return marked.encode("ascii", "xmlcharrefreplace").decode()


def _gml_number(value: float) -> str:
    digits, e, power = repr(float(value)).partition("e")
    return f"{digits}{'' if '.' in digits else '.0'}{e}{power}"  # a real number without a point is none there


def _in_dot(text: str) -> str:
    escaped = in_line(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
