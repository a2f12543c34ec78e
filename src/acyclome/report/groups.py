"""The page of several groups: their networks beside one another, and which edges differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from acyclome import wording
from acyclome.io import tables
from acyclome.io.names import DIFFERENTIAL, SHARED
from acyclome.io.runs import RunFolder
from acyclome.report.confidence import is_strong
from acyclome.report.source import Run, read_run
from acyclome.report.summary import TOP_REGULATORS, data_name
from acyclome.report.validation import findings

if TYPE_CHECKING:
    import pandas as pd

DIFFERENT = 0.05  # share of false discoveries up to which a difference is counted, as is usual
EMBEDDED_ROWS = 5_000  # of the differential table, most different first: about 1 MB with ten groups
FIGURES = {"source": str, "target": str, "shared": bool, "difference": float, "z": float, "p": float, "q": float}


@dataclass(frozen=True)
class Groups:
    """The runs of some groups by label, the run that all share, and the table of differences, if there are those."""

    runs: Mapping[str, Run]
    shared: Run | None
    differential: pd.DataFrame | None

    @property
    def any(self) -> Run:
        return next(iter(self.runs.values()))


def group_folders(folder: Path) -> list[Path]:
    """Return the folders of groups in the folder of a run; none where it holds a network itself."""
    return [] if (folder / "edges.tsv.gz").is_file() else [folder / name for name in RunFolder(folder).groups()]


def read_groups(folder: Path) -> Groups:
    runs, shared = {}, None
    for path in group_folders(folder):
        run = read_run(path)
        if path.name == SHARED and run.config.input.group is None:
            shared = run
        else:
            runs[run.config.input.group or path.name] = run
    table = folder / DIFFERENTIAL
    numbers = {f"{part}_{label}": float for label in runs for part in ("weight", "error")}
    return Groups(runs, shared, tables.read_tsv(table, {**FIGURES, **numbers}) if table.is_file() else None)


def context(groups: Groups) -> dict[str, Any]:
    """Return what the template shows of the groups."""
    first = groups.any
    return {
        "name": data_name(first).removesuffix(f", {first.config.input.group}"),
        "column": first.config.input.group_by,
        "version": first.fact("version"),
        "groups": [_row(label, run) for label, run in groups.runs.items()],
        "shared": None if groups.shared is None else _row(SHARED, groups.shared),
        "overlap": _overlap(groups),
        "held": _held_by(groups),
        "regulators": _regulators(groups),
        "labels": list(groups.runs),
        "different": None if groups.differential is None else int((groups.differential["q"] <= DIFFERENT).sum()),
        "level": DIFFERENT,
    }


def page_data(groups: Groups) -> dict[str, Any]:
    """Return the rows of the differential table that the page carries, column by column."""
    if groups.differential is None:
        return {"labels": list(groups.runs), "rows": None}
    rows = groups.differential.head(EMBEDDED_ROWS)
    symbols = groups.any.network.symbols
    numbers = [name for name in rows if name not in ("source", "target", "shared")]
    return {
        "labels": list(groups.runs),
        "total": len(groups.differential),
        "rows": {
            "source": list(rows["source"]),
            "target": list(rows["target"]),
            "shared": [bool(value) for value in rows["shared"]],
            **{name: [_number(value) for value in rows[name]] for name in numbers},
        },
        "symbols": {gene: symbols[gene] for gene in {*rows["source"], *rows["target"]} if gene in symbols},
    }


def _number(value: float) -> float | None:
    return float(f"{value:.4g}") if np.isfinite(value) else None  # what JSON has no word for is not known


def _row(label: str, run: Run) -> dict[str, Any]:
    edges = run.edges
    return {
        "label": label,
        "page": f"{run.folder.name}/report.html",
        "observations": wording.count(run.fact("prepare.n_obs")),
        "genes": wording.count(len(run.nodes)),
        "edges": wording.count(len(edges)),
        "strong": wording.count(int(is_strong(run).sum())),
        "stability": wording.decimal(edges["stability"].median() if run.has_stability else None),
        "warnings": len(run.fact("warnings")) + sum(bool(one.is_bad) for one in findings(run)),
    }


def _pairs(run: Run) -> set[tuple[str, str]]:
    return set(zip(run.edges["source"], run.edges["target"], strict=True))


def _overlap(groups: Groups) -> list[dict[str, Any]]:
    """Return, for each two groups, the edges of both as a share of those of either."""
    pairs = {label: _pairs(run) for label, run in groups.runs.items()}
    rows = []
    for label, own in pairs.items():
        shares = [len(own & other) / max(len(own | other), 1) for other in pairs.values()]
        rows.append({"label": label, "cells": [{"share": wording.share(one), "depth": f"{one:.2f}"} for one in shares]})
    return rows


def _held_by(groups: Groups) -> list[dict[str, str]]:
    """Return how many edges stand in how many groups."""
    counts: dict[tuple[str, str], int] = {}
    for run in groups.runs.values():
        for pair in _pairs(run):
            counts[pair] = counts.get(pair, 0) + 1
    numbers = np.bincount(np.array(list(counts.values()), int), minlength=len(groups.runs) + 1)[1:]
    return [{"groups": str(k), "edges": wording.count(int(n))} for k, n in enumerate(numbers, start=1)]


def _regulators(groups: Groups) -> list[dict[str, Any]]:
    """Return the genes with the most effects in any group, and how many they have in each."""
    effects = {label: run.nodes.set_index("gene")["out_degree"] for label, run in groups.runs.items()}
    most: dict[str, int] = {}
    for counts in effects.values():
        for gene, number in counts[counts > 0].items():
            most[str(gene)] = max(most.get(str(gene), 0), int(number))
    best = sorted(most, key=lambda gene: (-most[gene], gene))[:TOP_REGULATORS]
    label = groups.any.network.label
    return [
        {
            "gene": label(gene),
            "cells": [
                {
                    "effects": wording.count(effects[name].get(gene)),
                    "page": f"{run.folder.name}/report.html#gene={quote(gene)}",
                }
                for name, run in groups.runs.items()
            ],
        }
        for gene in best
    ]
