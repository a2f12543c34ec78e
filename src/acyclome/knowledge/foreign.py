"""Tables of edges as the programs of the field write them, turned into ours: columns, signs in words, other weights.

decoupler and CollecTRI write source, target and a weight from -1 to 1, the mode of regulation; DoRothEA tf, target, mor
and confidence; pySCENIC TF, target, importance; OmniPath source_genesymbol and target_genesymbol; TRRUST four columns
without a header; Cytoscape source, interaction and targets, likewise. None of these numbers is the share of a cost, as
a weight is here: of a mode the sign is taken, and importances are left.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

_ALIASES = {  # of columns, likelier ones first
    "source": ("source", "source_genesymbol", "tf", "regulator", "cause", "parent", "gene1", "from"),
    "target": ("target", "target_genesymbol", "target_gene", "gene", "effect", "child", "gene2", "to"),
    "sign": ("sign", "regulation", "mode", "effect_type", "interaction"),
    "weight": ("weight", "mor"),
}
# Columns that no table of ours has, and those of other programs have beside a weight that is a mode of regulation.
_STRANGE = frozenset(
    ["mor", "confidence", "resources", "references", "sign_decision", "importance", "pmid", "is_stimulation"]
)
_PLUS = "activation activating activates activator stimulation positive up 1 +1"
_MINUS = "repression repressing represses repressor inhibition negative down -1"
_SIGNS = {
    word: sign for sign, words in (("+", _PLUS), ("-", _MINUS), ("", "unknown both 0 . na")) for word in words.split()
}
_TRRUST = ["source", "target", "sign", "pmid"]
_REGULON = re.compile(r"[ _]*\(([-+])\)$")


class Recognised(NamedTuple):
    """A table with the columns of ours, and what is to be said of how it was read; empty where it is one of ours."""

    rows: pd.DataFrame
    note: str


def recognise(rows: pd.DataFrame) -> Recognised:
    """Name the columns of a table, of whatever program, as ours are named, and tell signs from weights."""
    rows = rows.set_axis([str(column).strip().lower() for column in rows.columns], axis=1)
    names = {ours: next((name for name in names if name in rows), None) for ours, names in _ALIASES.items()}
    if names["source"] is None:  # a table of genes, perhaps, which is refused by the columns it has
        return Recognised(rows, "")
    found = {name: ours for ours, name in names.items() if name is not None and name != ours}
    is_strange = bool(_STRANGE.intersection(rows.columns)) or "source" not in rows
    rows = rows.drop(columns=[ours for ours in found.values() if ours in rows]).rename(columns=found)
    said = [f"{name} as {ours}" for name, ours in found.items() if ours in ("source", "target")]
    if "sign" in rows:
        rows = rows.assign(sign=_mapped(rows["sign"]))
    if "weight" in rows and "kind" not in rows and "sign" not in rows:
        weight = pd.to_numeric(rows["weight"].astype(object), errors="coerce").to_numpy(float)
        if is_strange or bool((weight >= 1).any()):
            sign = np.where(weight > 0, "+", np.where(weight < 0, "-", ""))
            rows = rows.drop(columns="weight").assign(sign=sign)
            said.append("only the signs of weights, which are modes of regulation and no shares of a cost")
    if "importance" in rows:
        said.append("importances left, for they are no shares of a cost")
    if said and "kind" not in rows:
        said.append(
            "all as known, which is shown and changes nothing; a column kind (soft, with a weight below 1) makes "
            "edges likelier"
        )
    return Recognised(rows, "; ".join(said))


def header_of(first: list[str]) -> list[str] | None:
    """Return names for the columns of a table whose first line is a row of TRRUST; None where it names them itself."""
    is_edge = 3 <= len(first) <= len(_TRRUST) and first[2].strip().lower() in ("activation", "repression", "unknown")
    return _TRRUST[: len(first)] if is_edge else None


def from_sets(lines: list[str]) -> pd.DataFrame:
    """Return the edges of the sets of a gmt file: name, description and genes; of pySCENIC the name has a sign."""
    cells = [line.rstrip().split("\t") for line in lines]
    rows = [(name, gene) for name, _, *genes in filter(lambda row: len(row) > 2, cells) for gene in genes if gene]
    table = pd.DataFrame(rows, columns=["source", "target"], dtype=object)
    signs = table["source"].str.extract(_REGULON, expand=False).fillna("")
    table = table.assign(source=table["source"].str.replace(_REGULON, "", regex=True), sign=signs)
    return table.astype("category")


def from_sif(lines: list[str]) -> pd.DataFrame:
    """Return the edges of a sif file: source, interaction and targets; words that are no signs say nothing of them."""
    cells = [line.rstrip("\n").split("\t") if "\t" in line else line.split() for line in lines]
    edges = [
        (source, _SIGNS.get(word.lower(), ""), target)
        for source, word, *targets in filter(lambda row: len(row) > 2, cells)
        for target in targets
    ]
    return pd.DataFrame(edges, columns=["source", "sign", "target"], dtype=object).astype("category")


def _mapped(signs: pd.Series) -> pd.Series:
    """Return signs as ours are written; a word that is none stays, and is refused by its line."""
    words = signs.astype(object).map(lambda word: str(word).strip())
    return words.map(lambda word: _SIGNS.get(word.lower(), word))
