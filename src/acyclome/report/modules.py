"""Modules of a run on its page: what each is, the graph among them, and how many there had to be."""

from __future__ import annotations

from typing import Any

from acyclome import wording
from acyclome.io.names import MODULES
from acyclome.io.runs import RunFolder
from acyclome.network.modules import ACTS, AMONG, ModuleNetwork
from acyclome.report.source import Run

SHARES = ("explained", "enriched", "named_again", "carried", "knockouts")
ROWS, WORDS = 30, 8  # of a table, and genes of a module, that are read on a page; the files have all


def modules(run: Run) -> dict[str, Any] | None:
    """Return what the page says of modules; None where none were learned."""
    if not (run.folder / MODULES[0]).is_file():
        return None
    found = RunFolder(run.folder).read_modules()
    edges = found.edges[found.edges["kind"].isin([AMONG, ACTS])]
    return {
        "number": len(found.modules),
        "n_edges": run.network.n_edges,
        "kinds": found.edges["kind"].value_counts().to_dict(),
        "outside": int(found.edges["outside"].sum()),
        "rows": [_module(row, run) for row in found.modules.head(ROWS).to_dict("records")],
        "edges": [_edge(row, found, run) for row in edges.head(ROWS).to_dict("records")],
        "path": [_point(row) for row in found.path.to_dict("records")],
    }


def _module(row: dict[Any, Any], run: Run) -> dict[str, str]:
    genes = [run.network.label(gene) for gene in str(row["genes"]).split(";")]
    more = f" and {len(genes) - WORDS} more" if len(genes) > WORDS else ""
    return {
        "module": str(row["module"]),
        "name": run.network.label(str(row["name"])),
        "genes": ", ".join(genes[:WORDS]) + more,
        "regulators": ", ".join(run.network.label(gene) for gene in str(row["regulators"]).split(";") if gene),
        "enriched": str(row["enriched"]).replace(";", ", "),
        "variance": wording.share(row["variance"]),
        "stability": wording.decimal(row["stability"], 2),
    }


def _edge(row: dict[Any, Any], found: ModuleNetwork, run: Run) -> dict[str, str]:
    ends = [
        f"{row[end]} ({found.names[row[end]]})" if row[end] in found.names else run.network.label(row[end])
        for end in ("source", "target")
    ]
    return {"source": ends[0], "target": ends[1], "weight": f"{row['weight']:+.2f}", "loss": f"{row['loss']:.1f}"}


def _point(row: dict[Any, Any]) -> dict[str, Any]:
    shares = {name: "-" if row[name] != row[name] else wording.share(row[name]) for name in SHARES}
    numbers = {name: wording.decimal(row[name], 4) for name in ("log_likelihood", "standard_error")}
    stability = wording.decimal(row["stability"], 2)
    counts = {name: row[name] for name in ("number", "n_modules", "chosen")} | {"direct": wording.count(row["direct"])}
    return {**counts, **shares, **numbers, "stability": stability}
