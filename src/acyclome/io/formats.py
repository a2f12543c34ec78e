"""Networks in the formats of other programs.

Every writer gives the same bytes for the same network, and is tried by reading its file back.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import numpy as np
import pandas as pd

from acyclome.errors import AcyclomeError, InputError
from acyclome.io import tables
from acyclome.io.atomic import write_path, write_text
from acyclome.io.declared import check_file
from acyclome.io.grnndata import to_grnndata
from acyclome.io.hdf5 import write_adata
from acyclome.io.keys import read_keys, to_anndata
from acyclome.network import EDGE_COLUMNS, NODE_COLUMNS, Network

if TYPE_CHECKING:
    from anndata import AnnData

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
MAX_DENSE_GENES = 5_000  # 25 million cells, 100 MB as text; spreadsheets end far before
_BYTES_PER_CELL = 4  # of a matrix that is nearly all zeros, as text: 0.0 and a separator


def export(network: Network, path: str | os.PathLike[str], format_name: str | None = None) -> None:
    """Write the network in a format of ``FORMATS``; without a name, the one that the ending of the file tells."""
    name = format_name.lower() if format_name else by_ending(Path(path))
    if name not in FORMATS:
        known = "\n".join(f"  {known:<8} {about}" for known, (about, _) in FORMATS.items())
        msg = f"{format_name or os.fspath(path)!r} names no format of networks. Choose one with --format:\n{known}"
        raise InputError(msg)
    FORMATS[name][1](path, network)


def write_h5ad(path: str | os.PathLike[str], network: Network) -> None:
    """Write an AnnData file without observations that holds the network under the key ``dag``."""
    _write_anndata(path, to_anndata(network))


def read_anndata(path: str | os.PathLike[str], key: str = "dag", group: str | None = None) -> Network:
    """Read a network from an AnnData file; the expression of an h5ad file stays where it is."""
    import anndata

    is_zarr, adata = Path(path).suffix == ".zarr", None
    try:
        if not is_zarr:
            check_file(Path(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what anndata says of files that it did not write
            adata = anndata.read_zarr(path) if is_zarr else anndata.read_h5ad(path, backed="r")
            return read_keys(adata, key, group)
    except (AcyclomeError, MemoryError):
        raise
    except Exception as error:  # what h5py, zarr, anndata and JSON raise on damaged files has no base
        said = str(error).strip().split("\n")[0].rstrip(".")[:200] or type(error).__name__
        kind = "zarr" if is_zarr else "h5ad"
        msg = f"{os.fspath(path)} cannot be read as the {kind} of a network: {said}. Check the name, or copy it again."
        raise InputError(msg) from error
    finally:
        if adata is not None:
            adata.file.close()


def write_grnndata(path: str | os.PathLike[str], network: Network) -> None:
    """Write an AnnData file without observations that holds the network as GRnnData and as acyclome expect it."""
    _write_anndata(path, to_grnndata(to_anndata(network)))


def write_graphml(path: str | os.PathLike[str], network: Network) -> None:
    """Write GraphML with all columns of genes and edges; opens in Cytoscape, Gephi, yEd, igraph and networkx."""
    import igraph

    graph = igraph.Graph(n=len(network.genes), edges=_pairs(network), directed=True)
    graph.vs["name"] = [_in_line(gene) for gene in network.genes]
    for column in _told(network.nodes, NODE_COLUMNS):
        graph.vs[column] = [_in_line(value) for value in network.nodes[column].tolist()]
    for column in _told(network.edges, EDGE_COLUMNS):
        graph.es[column] = [_in_line(value) for value in network.edges[column].tolist()]
    with write_path(path) as temporary:
        graph.write_graphml(os.fspath(temporary))


def write_gexf(path: str | os.PathLike[str], network: Network) -> None:
    """Write GEXF 1.3 with all columns of genes and edges; opens in Gephi."""
    write_text(path, "\n".join(_gexf_lines(network)) + "\n")


def write_sif(path: str | os.PathLike[str], network: Network) -> None:
    """Write ``source <tab> activates or represses <tab> target``; opens in Cytoscape."""
    verb = network.edges["sign"].map({"+": "activates", "-": "represses"})
    rows = zip(network.edges["source"], verb, network.edges["target"], strict=True)
    write_text(path, "".join(f"{_in_line(source)}\t{word}\t{_in_line(target)}\n" for source, word, target in rows))


def write_dense_csv(path: str | os.PathLike[str], network: Network) -> None:
    """Write the weights as a full matrix, sources in rows and targets in columns."""
    d = len(network.genes)
    if d > MAX_DENSE_GENES:
        size = d * d * _BYTES_PER_CELL / 1e9
        msg = (
            f"A full matrix of {d:,} x {d:,} genes would be a text of {size:.1f} GB or more, nearly all of it zeros; "
            f"up to {MAX_DENSE_GENES:,} genes are written. Use h5ad (a sparse matrix in varp['dag']), parquet or tsv."
        )
        raise InputError(msg)
    table = pd.DataFrame(network.matrix().toarray(), columns=network.genes)
    table.insert(0, "source", network.genes, allow_duplicates=True)  # a gene may be called source
    tables.write_tsv(path, table, separator=",")


def write_cpdag_tsv(path: str | os.PathLike[str], network: Network) -> None:
    """Write the equivalence class: which edges the class directs, and which it leaves open (``undirected``)."""
    from acyclome.core.graph.equivalence import cpdag

    kind = np.where(cpdag(network.source, network.target, len(network.genes)), "directed", "undirected")
    tables.write_tsv(path, network.edges[["source", "target"]].assign(kind=kind, weight=network.edges["weight"]))


def write_scenic_csv(path: str | os.PathLike[str], network: Network) -> None:
    """Write ``TF,target,importance`` for pySCENIC; the importance is the size of the weight, its sign is lost."""
    edges = network.edges
    table = pd.DataFrame({"TF": edges["source"], "target": edges["target"], "importance": edges["weight"].abs()})
    tables.write_tsv(path, table.sort_values("importance", ascending=False, kind="stable"), separator=",")


FORMATS: dict[str, tuple[str, Callable[[str | os.PathLike[str], Network], None]]] = {
    "tsv": (
        "edge table, source target weight ...; .gz compresses (decoupler, Excel, anything)",
        lambda path, network: tables.write_tsv(path, network.with_symbols(network.edges)),
    ),
    "parquet": (
        "edge table (pandas, polars, R arrow, DuckDB)",
        lambda path, network: tables.write_parquet(path, network.with_symbols(network.edges), "edges"),
    ),
    "h5ad": ("AnnData with everything of the network (scanpy, acyclome)", write_h5ad),
    "grnndata": ("AnnData with the weights in varp['GRN'] (GRnnData, benGRN)", write_grnndata),
    "graphml": ("graph with all columns (Cytoscape, Gephi, yEd, igraph, networkx)", write_graphml),
    "gexf": ("graph with all columns (Gephi)", write_gexf),
    "sif": ("source, activates or represses, target (Cytoscape)", write_sif),
    "csv": (f"full matrix of weights, up to {MAX_DENSE_GENES:,} genes (Excel, R)", write_dense_csv),
    "cpdag": ("equivalence class as tsv: directed and undirected edges", write_cpdag_tsv),
    "scenic": ("TF, target, importance as csv (pySCENIC); the sign is lost", write_scenic_csv),
}


def by_ending(path: Path) -> str:
    """Return the ending that tells a format, without that of compression."""
    return next((ending[1:] for ending in reversed(path.suffixes) if ending != ".gz"), "").lower()


def _write_anndata(path: str | os.PathLike[str], adata: AnnData) -> None:
    write_adata(path, adata, compression="gzip")  # which every HDF5 reads, of R too


def _in_line(value: Any) -> Any:
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
        yield f'<node id="{index}" label={quoteattr(_in_line(row["gene"]))}>{_gexf_values(row, node_columns)}</node>'
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
            cells.append(f'<attvalue for="{number}" value={quoteattr(_in_line(text))}/>')
    return f"<attvalues>{''.join(cells)}</attvalues>"
