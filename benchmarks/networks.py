"""Real and realistic expression with known networks: DREAM, SynTReN, BEELINE, and two bacterial compendia of a wheel.

PRECISE (E. coli, RNA sequencing) and the arrays of B. subtilis lie in the wheel of pymodulon, which need not be
installed: it is read as the archive that it is.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from acyclome.cli.truth import read_truth
from acyclome.knowledge.regulators import read_regulators
from benchmarks.syntren import SETS as SYNTREN
from benchmarks.syntren import read_set

NO_WHEEL = (
    "B. subtilis and PRECISE are left out: pymodulon is not installed. Fetch its wheel (50 MB) with "
    "`pip download --no-deps pymodulon==0.2.1` and name it: --pymodulon FILE."
)
CURATED = ("mCAD-2000-1", "mCAD-2000-1-50", "GSD-2000-1", "GSD-2000-1-50")


@dataclass(frozen=True)
class Known:
    """Expression, observations x genes, true edges (source, target), and the genes that may be sources, if known."""

    name: str
    expression: pd.DataFrame
    truth: pd.DataFrame
    regulators: tuple[str, ...] | None = None


def known_networks(data: Path, wheel: Path | None) -> Iterator[Callable[[], Known]]:
    """Give what reads each set, living cells first; a line says which are left out, and why."""
    yield partial(_dream5, data / "dream5")
    installed = importlib.util.find_spec("pymodulon")
    if wheel is None and installed is None:
        print(NO_WHEEL)
    else:
        place = wheel or Path(str(installed and installed.origin)).parent
        yield partial(_subtilis, place)
        yield partial(precise, place)
    for name in ("mESC", "hHep"):
        yield partial(_cells, data / "beeline", name)
    for number in (1, 2, 3):
        yield partial(_dream4, data / "dream4", number)
    for name in CURATED:
        yield partial(_curated, data / "beeline", name)
    for name in SYNTREN:
        yield partial(_syntren, data / "syntren_nobears", name)


def _dream4(folder: Path, number: int) -> Known:
    stem = folder / f"insilico_size100_{number}_multifactorial"
    expression = pd.read_csv(f"{stem}.tsv.gz", sep="\t").rename(lambda row: f"sample_{row}")
    truth = read_truth(stem.with_name(f"{stem.name}_goldstandard.tsv.gz"))
    return Known(f"DREAM4 {number}", expression, truth)


def _dream5(folder: Path) -> Known:
    expression = pd.read_csv(folder / "net3_expression_goldgenes_steadystate_averaged.tsv.gz", sep="\t", index_col=0)
    listed = read_regulators(folder / "net3_transcription_factors.tsv")
    regulators = tuple(name for name in listed if name in expression)
    return Known("DREAM5 E. coli", expression, read_truth(folder / "net3_goldstandard.tsv.gz"), regulators)


def _syntren(folder: Path, name: str) -> Known:
    return Known(f"SynTReN {name}", *read_set(folder, name))


def _curated(folder: Path, name: str) -> Known:
    expression, truth = _beeline(folder, f"curated_{name}", "refNetwork.csv")
    return Known(f"BEELINE {name}", expression, truth)


def _cells(folder: Path, name: str) -> Known:
    expression, truth = _beeline(folder, f"real_{name}_500nTF", "STRING-network.csv.gz")
    return Known(f"BEELINE {name}, STRING", expression, truth, _sources(truth, expression))


def _beeline(folder: Path, stem: str, network: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    expression = pd.read_csv(folder / f"{stem}_ExpressionData.csv.gz", index_col=0).T
    truth = pd.read_csv(folder / f"{stem}_{network}").rename(columns={"Gene1": "source", "Gene2": "target"})
    return expression, truth[["source", "target"]]


def precise(place: Path) -> Known:
    """Read PRECISE, samples x genes, and its curated network from the wheel of pymodulon or where that is installed."""

    def table(name: str, **given: int) -> pd.DataFrame:
        return pd.read_csv(io.BytesIO(file_of(place, f"data/ecoli/{name}.csv")), **given)

    expression = table("log_tpm", index_col=0).T
    return _compendium("PRECISE E. coli", expression, table("gene_table", index_col=0), table("trn"))


def _subtilis(place: Path) -> Known:
    held = json.loads(gzip.decompress(file_of(place, "data/objects/bsub_data.json.gz")))
    expression, genes, network = (pd.DataFrame(json.loads(held[name])) for name in ("log_tpm", "gene_table", "trn"))
    return _compendium("B. subtilis", expression.T, genes, network)


def compendium_sets(data: Path, wheel: Path | None) -> Iterator[tuple[str, pd.DataFrame, dict[str, set[str]]]]:
    """Give compendia with the genes of every regulator of their curated networks, be it a gene or not."""

    def sets(table: pd.DataFrame, by: str, of: str) -> dict[str, set[str]]:
        return {str(name): set(genes) for name, genes in table.groupby(by)[of]}

    known = _dream5(data / "dream5")
    yield known.name, known.expression, sets(known.truth, "source", "target")
    if wheel is None:
        print(NO_WHEEL)
        return
    held = json.loads(gzip.decompress(file_of(wheel, "data/objects/bsub_data.json.gz")))
    expression, network = (pd.DataFrame(json.loads(held[name])) for name in ("log_tpm", "trn"))
    yield "B. subtilis", expression.T, sets(network, "regulator", "gene_id")
    expression, network = (
        pd.read_csv(io.BytesIO(file_of(wheel, f"data/ecoli/{name}.csv"))) for name in ("log_tpm", "trn")
    )
    yield "PRECISE E. coli", expression.set_index(expression.columns[0]).T, sets(network, "regulator", "gene_id")


def file_of(place: Path, name: str) -> bytes:
    """Read a file of the package, installed or in its wheel."""
    if place.is_dir():
        return (place / name).read_bytes()
    with zipfile.ZipFile(place) as wheel:
        return wheel.read(f"pymodulon/{name}")


def _compendium(name: str, expression: pd.DataFrame, genes: pd.DataFrame, network: pd.DataFrame) -> Known:
    """Find the regulators, which the network names, among the genes, which have an id."""
    id_of = {str(gene).lower(): number for number, gene in genes["gene_name"].items()}
    source = network["regulator"].astype(str).str.lower().map(id_of)
    truth = pd.DataFrame({"source": source, "target": network["gene_id"]}).dropna().drop_duplicates()
    kept = truth["source"].isin(expression) & truth["target"].isin(expression)
    truth = truth[kept & (truth["source"] != truth["target"])]
    return Known(name, expression, truth, _sources(truth, expression))


def _sources(truth: pd.DataFrame, expression: pd.DataFrame) -> tuple[str, ...]:
    return tuple(sorted(set(truth["source"]) & set(expression)))
