"""The command ``export``: the network of a run, or a part of it, in the formats of other programs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cloup

from acyclome.cli.options import FILE, json_flag
from acyclome.cli.output import echo_json, say
from acyclome.cli.stages import run_folder
from acyclome.errors import InputError
from acyclome.wording import plural

if TYPE_CHECKING:
    from acyclome.network import Network

# As of io.formats, with which a test compares them: it is heavy to import, and help should come at once.
FORMAT_NAMES = (
    *("tsv", "csv", "parquet", "h5ad", "zarr", "grnndata", "genernib", "graphml", "cx2", "gexf", "gml", "dot", "sif"),
    *("gmt", "cpdag", "scenic", "matrix"),
)


@run_folder
@cloup.option(
    *("place", "-o", "--output"),
    type=FILE,
    metavar="PATH",
    help="File to write; of several formats a folder, for network.graphml ... Default: the folder of the run.",
)
@cloup.option(
    *("format_names", "-f", "--format"),
    metavar="NAME,...",
    help=f"Some of {', '.join(FORMAT_NAMES)}. Default: told by the ending of PATH.",
)
@cloup.option("--min-confidence", metavar="X", type=click.FloatRange(0, 1), help="Leave out edges of a lower score.")
@cloup.option("--genes", metavar="NAME,...|FILE", help="Only the network among these genes.")
@cloup.option("--regulators", metavar="FILE", help="Only edges out of these genes; human, mouse: as of `run`.")
@cloup.option("-q", "--quiet", is_flag=True, help="Say nothing unless something is wrong.")
@json_flag
def export(
    out: Path,
    *,
    place: Path | None,
    format_names: str | None,
    min_confidence: float | None,
    genes: str | None,
    regulators: str | None,
    quiet: bool,
    json: bool,
) -> None:
    """Write the network, or a part of it, in formats that other programs open."""
    from acyclome.io import formats
    from acyclome.io.networks import read
    from acyclome.io.runs import RunFolder
    from acyclome.io.subset import subset

    files = _files(out, place, [name.strip() for name in (format_names or "").split(",") if name.strip()])
    for file in files:
        RunFolder(out).check_apart(file, "The file")
    whole = read(out)
    chosen, sources = (None if names is None else _genes_of(whole, names) for names in (genes, regulators))
    network = subset(whole, genes=chosen, sources=sources, min_score=min_confidence)
    for file, name in files.items():
        formats.export(network, file, name)
        if not (quiet or json):
            say(f"{file}: {plural(len(network.genes), 'gene')}, {plural(network.n_edges, 'edge')}")
    if json:
        written = [{"file": str(file), "format": name} for file, name in files.items()]
        echo_json({"genes": len(network.genes), "edges": network.n_edges, "files": written})


def _files(out: Path, place: Path | None, names: list[str]) -> dict[Path, str]:
    """Return the formats of the files to write; what is asked for and no format is refused before any is written."""
    from acyclome.io import formats

    if not names:
        if place is None:
            msg = "export needs a file (-o network.graphml) or formats (--format graphml,gmt)."
            raise InputError(msg)
        name = formats.by_ending(place)
        formats.find_format(name, repr(str(place)))
        return {place: name}
    for name in names:
        formats.find_format(name)
    if place is not None and len(names) == 1 and (not place.is_dir() or formats.by_ending(place) == names[0]):
        return {place: names[0]}
    return {(place or out) / formats.file_name(name): name for name in dict.fromkeys(map(str.lower, names))}


def _genes_of(network: Network, given: str) -> list[str]:
    """Return the genes of the network that a list names, a file or one that comes with the package, else by commas."""
    from acyclome.knowledge.lists import is_shipped
    from acyclome.knowledge.regulators import find_regulators

    if not (is_shipped(given) or Path(given).is_file()):
        return [network.find(name.strip()) for name in given.split(",") if name.strip()]
    found, notes = find_regulators(network.genes, None, given, symbols=network.symbols)
    for note in notes:
        logging.getLogger("acyclome").warning(note)
    return [gene for gene, is_listed in zip(network.genes, found, strict=True) if is_listed]
