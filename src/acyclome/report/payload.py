"""The data that the page carries for its tables and pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from acyclome.network.explain import REFUTED
from acyclome.network.tables import MEMBER_COLUMNS
from acyclome.report.layout import positions
from acyclome.report.packing import pack, pack_whole
from acyclome.report.sample import ABSENT, page_values
from acyclome.report.source import Run
from acyclome.report.what_if import page_answers

EMBEDDED_EDGES = 50_000  # best ones, which the page carries: about 1.2 MB
EMBEDDED_MEMBERS = 100_000  # edges of all resamples together, which it carries as a whole or not at all: 0.9 MB
# Columns of edges that most runs do not fill.
MAY_LACK = ("confounded", "noise_evidence", "direct_effect", "direct_error", "instrument_evidence")
NEXT = 3  # pairs into each gene that were ranked but left out


def page_data(run: Run) -> dict[str, Any]:
    """Return the genes and the best edges column by column; edges name genes by their index in the list of genes."""
    values, nodes, members = page_values(run), run.nodes, _members(run)
    shown = slice(EMBEDDED_EDGES)
    places = positions(run.network.source[shown], run.network.target[shown], len(nodes), seed=run.config.seed)
    return {
        "total": len(run.edges),
        "genes": list(nodes["gene"]),
        "symbols": list(nodes["symbol"]) if run.network.symbols else None,
        "resamples": run.resamples if run.has_stability else 0,
        "nodes": {
            "causes": pack_whole(nodes["in_degree"]),
            "effects": pack_whole(nodes["out_degree"]),
            "depth": pack_whole(nodes["depth"]),
            "regulator": pack_whole(nodes["is_regulator"].astype(int)),
            "r2": pack(nodes["r2"]),
            "lowest": pack(nodes["lowest"]),
            "x": pack(places[:, 0]),
            "y": pack(places[:, 1]),
        },
        "edges": _edges(run),
        "priors": _priors(run),
        "acted_on": _acted_on(run),
        "refuted": REFUTED,
        "next": _next_ranked(run),
        "members": members,
        "what_if": page_answers(run, has_members=members is not None, has_all_edges=len(run.edges) <= EMBEDDED_EDGES),
        "values": values,
        "no_values": ABSENT,
    }


def _edges(run: Run) -> dict[str, Any]:
    edges, n = run.edges.head(EMBEDDED_EDGES), min(len(run.edges), EMBEDDED_EDGES)
    measures = ["weight", "score", "reversal_loss"]
    measures += ["stability", "direction"] if run.has_stability else []
    measures += [name for name in MAY_LACK if edges[name].notna().any()]
    columns = {"source": pack_whole(run.network.source[:n]), "target": pack_whole(run.network.target[:n])}
    columns |= {name: pack(edges[name]) for name in measures}
    columns |= {name: pack_whole(edges[name].astype(int)) for name in ("reversible", "oriented_by_intervention")}
    names = {name: code for code, name in enumerate(_priors(run))}
    columns["prior"] = pack_whole(edges["prior"].map(names))
    if run.network.effects is not None:
        keys = pd.MultiIndex.from_arrays([run.network.source[:n], run.network.target[:n]])
        measured = run.network.effects.set_index(["source", "target"]).reindex(keys)
        columns |= {"effect": pack(measured["effect"]), "error": pack(measured["error"])}
    return columns


def _priors(run: Run) -> list[str]:
    return sorted(run.edges["prior"].unique())


def _acted_on(run: Run) -> list[int] | None:
    """Return the genes whose effects interventions have measured; None without interventions."""
    effects = run.network.effects
    return None if effects is None else [int(gene) for gene in effects["source"].unique() if gene >= 0]


def _next_ranked(run: Run) -> dict[str, Any]:
    """Return, gene by gene, the best ranked pairs into it that the network has in neither direction."""
    index_of = {gene: index for index, gene in enumerate(run.network.genes)}
    ranking = run.network.ranking
    source, target = (ranking[end].map(index_of).to_numpy(np.int64) for end in ("source", "target"))
    d = len(index_of)
    kept = np.concatenate([run.network.source * d + run.network.target, run.network.target * d + run.network.source])
    rest = np.flatnonzero(~np.isin(source * d + target, kept.astype(np.int64)))
    rows = pd.DataFrame({"source": source[rest], "target": target[rest], "rank": rest + 1})
    rows = rows.groupby("target", sort=False).head(NEXT).sort_values(["target", "rank"], kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(rows["target"], minlength=d))])
    return {"start": pack_whole(start), "source": pack_whole(rows["source"]), "rank": pack_whole(rows["rank"])}


def _members(run: Run) -> dict[str, Any] | None:
    members = run.network.members
    if members is None or not 0 < len(members) <= EMBEDDED_MEMBERS:
        return None
    members = members.sort_values(["member", "source", "target"], kind="stable")
    return {name: (pack if name == "weight" else pack_whole)(members[name]) for name in MEMBER_COLUMNS}
