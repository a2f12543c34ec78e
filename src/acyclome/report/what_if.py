"""What the page needs to answer "what if": the reach of its resamples, or answers that it cannot compute itself."""

from __future__ import annotations

from typing import Any

from acyclome.network.predict import reach, statement
from acyclome.report.packing import pack, pack_whole
from acyclome.report.source import Run
from acyclome.report.summary import top_genes

INTERVAL = 0.9  # as `acyclome predict` has it
ANSWERS = 50  # genes with the most effects, for which answers are computed: 5 s at 10,000 genes with 20 resamples
LISTED = 50  # changes of each


def page_answers(run: Run, *, has_members: bool, has_all_edges: bool) -> dict[str, Any]:
    """Return how the browser is to answer: by itself where the page holds all that counts, else with answers ready.

    It computes what :meth:`acyclome.network.Network.predict` does, of a network without interventions whose edges, and
    those of its resamples, are on the page.
    """
    network = run.network
    is_observed = network.effects is None and network.treatments is None
    is_whole = is_observed and has_all_edges and (has_members or network.members is None)
    lacks = "The resamples" if is_observed else "What interventions measured"
    if is_whole:
        resamples = 0 if network.members is None else network.members["member"].nunique()
        within, wider = reach(INTERVAL, resamples) if resamples else (INTERVAL, 1.0)
        return {"is_whole": True, "interval": INTERVAL, "reach": within, "wider": wider, "lacks": "", "answers": None}
    said = f"{lacks} have a say that the page holds for the {ANSWERS} genes with the most effects only."
    return {"is_whole": False, "interval": INTERVAL, "lacks": said, "answers": _answers(run)}


def _answers(run: Run) -> list[dict[str, Any]]:
    index_of = {gene: index for index, gene in enumerate(run.network.genes)}
    known = run.nodes.set_index("gene")["lowest"].notna()
    answers = []
    for gene in top_genes(run)["gene"].head(ANSWERS):
        if not known[gene]:
            continue
        table = run.network.predict(knockout=gene, interval=INTERVAL)
        shown = table[(table["change"] != 0) & (table["gene"] != gene)].head(LISTED)
        columns = {"gene": pack_whole(shown["gene"].map(index_of))}
        columns |= {name: pack(shown[name]) for name in ("change", "low", "high", "agreement")}
        answers.append({"source": index_of[gene], "columns": columns, "said": statement(table)})
    return answers
