"""The data that the page carries for its table and its explorer, as JSON that is safe inside HTML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from acyclome.report.source import Run

if TYPE_CHECKING:
    import pandas as pd

EMBEDDED_EDGES = 20_000  # best ones, which the page carries: about 0.6 MB
# Characters by which a text in a script could end it, start a tag, or end a line of JavaScript.
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def page_data(run: Run) -> dict[str, Any]:
    """Return the genes and the best edges column by column; edges name genes by their index in the list of genes."""
    edges = run.edges.head(EMBEDDED_EDGES)
    index_of = {gene: index for index, gene in enumerate(run.nodes["gene"])}
    return {
        "total": len(run.edges),
        "genes": list(run.nodes["gene"]),
        "symbols": list(run.nodes["symbol"]) if run.network.symbols else None,
        "causes": [int(value) for value in run.nodes["in_degree"]],
        "effects": [int(value) for value in run.nodes["out_degree"]],
        "depth": [int(value) for value in run.nodes["depth"]],
        "edges": {
            "source": [index_of[gene] for gene in edges["source"]],
            "target": [index_of[gene] for gene in edges["target"]],
            "weight": _numbers(edges["weight"]),
            "score": _numbers(edges["score"]),
            "stability": _numbers(edges["stability"]) if run.has_stability else None,
            "direction": _numbers(edges["direction"]) if run.has_stability else None,
            **{name: [int(value) for value in edges[name]] for name in ("reversible", "settled")},
        },
    }


def json_for_html(data: Any) -> str:
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, escaped in _UNSAFE.items():
        text = text.replace(character, escaped)
    return text


def _numbers(column: pd.Series) -> list[float | None]:
    # Three decimals are what the table shows; NaN, which JSON does not know, becomes null.
    return [None if value != value else round(float(value), 3) for value in column]
