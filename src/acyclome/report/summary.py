"""The facts of a run as rows and sentences: what the sections of the page show."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from acyclome import wording
from acyclome.options.sections import SHIPPED_REGULATORS
from acyclome.report.confidence import is_strong
from acyclome.report.source import Run

if TYPE_CHECKING:
    import pandas as pd

TOP_REGULATORS = 20  # a page; the tables of the run have all
RANKING_HEAD = 20  # as many
# In the order of a run.
STAGES = ["prepare", "confounding", "choose", "screen", "shard", "fit", "order", "resample", "held_out", "validation"]
SORTABILITIES = {
    "var_sortability": ("Variance", "variance"),
    "r2_sortability": ("R²", "share of variance explained by the other genes"),
}
_COUNTED = {
    "n_obs": "observations",
    "n_vars": "genes",
    "obs_dropped": "observations left out",
    "genes_dropped": "genes left out",
}


def data_name(run: Run) -> str:
    """Return the name by which a reader knows the data: the file without its suffixes, and the group."""
    stem = PurePath(run.fact("input.path") or run.folder.resolve().name).name  # learn and tl.dag had no file
    for suffix in (".gz", ".h5ad", ".zarr", ".h5", ".mtx", ".csv", ".tsv", ".txt"):
        stem = stem.removesuffix(suffix)
    return f"{stem}, {run.config.input.group}" if run.config.input.group else stem


def counts(run: Run) -> dict[str, Any]:
    edges = run.edges
    return {
        "genes": len(run.nodes),
        "observations": run.fact("prepare.n_obs"),
        "edges": len(edges),
        "is_dag": run.network.is_dag,
        "reversible": float(edges["reversible"].mean()) if len(edges) else None,
        "stability": float(edges["stability"].median()) if run.has_stability else None,
        "strong": int(is_strong(run).sum()),
    }


def cards(run: Run) -> list[dict[str, str]]:
    """Return the summary cards: a figure, what it is, and a line that says what to make of it."""
    total = counts(run)
    whole, per_gene = run.fact("input.n_obs"), wording.decimal(total["edges"] / max(total["genes"], 1), 1)
    stability = f"over {run.resamples} resamples" if run.has_stability else "not measured: 0 resamples"
    return [
        _card("Genes", wording.count(total["genes"]), f"of {wording.count(run.fact('input.n_vars'))} in the file"),
        _card("Observations", wording.count(total["observations"]), f"of {wording.count(whole)} in the file"),
        _card("Edges", wording.count(total["edges"]), f"{per_gene} per gene"),
        _card("Acyclic", "yes" if total["is_dag"] else "no", "an order of the genes proves it"),
        _card("Reversible", wording.share(total["reversible"]), "of the edges fit as well reversed"),
        _card("Median stability", wording.decimal(total["stability"]), stability),
    ]


def _card(name: str, value: str, note: str) -> dict[str, str]:
    return {"name": name, "value": value, "note": note}


def preparation(run: Run) -> list[dict[str, str]]:
    """Return what was read and every step of its preparation, each with its counts."""
    matrix = ", ".join(run.fact(f"input.{key}") for key in ("matrix", "kind") if run.fact(f"input.{key}"))
    source = PurePath(run.fact("input.path") or "the input").name + (f" ({matrix})" if matrix else "")
    read = {"title": "File", "text": source, "counts": _counted(run.fact("input"))}
    steps = run.fact("prepare.steps")
    return [read, *({"title": _sentence(one["step"]), "text": one["what"], "counts": _counted(one)} for one in steps)]


def _sentence(name: str) -> str:
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _counted(facts: Mapping[str, Any]) -> str:
    shown = {}
    for key, value in facts.items():
        if wording.is_number(value) and not isinstance(value, float):  # counts are whole; gains and errors are not
            shown[_COUNTED.get(key, key.removeprefix("n_").replace("_", " "))] = wording.count(value)
    return " · ".join(f"{value} {name}" for name, value in shown.items())


def top_genes(run: Run) -> pd.DataFrame:
    """Return the genes that have targets, most first; of equals, those with more strong ones first, then by order."""
    strong = run.edges.loc[is_strong(run), "source"].value_counts()
    table = run.nodes.assign(strong=run.nodes["gene"].map(strong).fillna(0).astype(int))
    return table[table["out_degree"] > 0].sort_values(
        ["out_degree", "strong", "order"], ascending=[False, False, True], kind="stable"
    )


def top_regulators(run: Run) -> list[dict[str, Any]]:
    table = top_genes(run)
    most = int(table["out_degree"].max()) if len(table) else 1
    return [
        {
            "gene": row["gene"],
            "targets": wording.count(row["out_degree"]),
            "width": f"{100 * row['out_degree'] / most:.1f}%",  # of the longest bar
            "strong_width": f"{100 * row['strong'] / most:.1f}%",
            "strong": wording.count(row["strong"]),
            "causes": wording.count(row["in_degree"]),
            "depth": wording.count(row["depth"]),
            "r2": wording.share(row["r2"]),
        }
        for row in table.head(TOP_REGULATORS).to_dict("records")
    ]


def regulators_listed(run: Run) -> str:
    allowed = int(run.nodes["is_regulator"].sum())
    if run.config.knowledge.regulators or allowed < len(run.nodes):
        listed = run.config.knowledge.regulators or "the regulator list"
        source = f"the list of {listed} transcription factors" if listed in SHIPPED_REGULATORS else "the regulator list"
        return f"Only the {wording.plural(allowed, 'gene')} of {source} could be causes."
    return (
        "No regulator list was given, so every gene could be a cause; a gene in this table need not be a transcription "
        "factor."
    )


def ranking_head(run: Run) -> list[dict[str, str]]:
    """Return the first pairs of the ranking and what became of them in the network."""
    kept = set(zip(run.edges["source"], run.edges["target"], strict=True))
    rows = []
    for rank, row in enumerate(run.network.ranking.head(RANKING_HEAD).to_dict("records"), start=1):
        pair = (row["source"], row["target"])
        fate = "yes" if pair in kept else "reversed" if pair[::-1] in kept else "no"
        score = wording.significant(row["rank_score"])
        rows.append({"rank": str(rank), "source": pair[0], "target": pair[1], "score": score, "fate": fate})
    return rows


def sortability(run: Run) -> list[dict[str, str]]:
    """Return each measure of how far the data alone give away an order of the genes, with what its value means."""
    found = {key: run.fact(f"sortability.{key}") for key in SORTABILITIES}
    return [
        {
            "name": f"{SORTABILITIES[key][0]} sortability",
            "value": wording.decimal(value),
            "at": f"{100 * value:.1f}%",
            "meaning": _lean(SORTABILITIES[key][1], value),
        }
        for key, value in found.items()
        if wording.is_number(value)
    ]


def _lean(what: str, value: float) -> str:
    if abs(value - 0.5) < 0.1:  # two standard errors of a hundred pairs; the words below go by eye
        return f"Near one half: the {what} says little about the order of causes and effects."
    side = "rises" if value > 0.5 else "falls"
    firmness = "clearly" if abs(value - 0.5) > 0.25 else "somewhat"
    return f"The {what} {firmness} {side} from causes to effects."


def compared(run: Run) -> list[dict[str, Any]]:
    """Return a row for each model that was compared, the simplest first; none where the model was asked for."""
    return [
        {
            "name": row["model"],
            "is_chosen": row["model"] == run.model,
            "density": wording.decimal(row["log_density"], 4),
            "behind": wording.decimal(row["behind"], 4),
            "error": wording.decimal(row["standard_error"], 4),
            "edges": wording.count(row["edges"]),
        }
        for row in run.fact("model.compared") or []
    ]


def stages(run: Run) -> list[dict[str, str]]:
    """Return time and memory of each stage, in the order of a run; parts of one by their names."""
    told = run.fact("stages")
    order = {name: place for place, name in enumerate(STAGES)}
    return [
        {"name": name, "time": wording.duration(cost.get("seconds")), "memory": _megabytes(cost.get("peak_memory_mb"))}
        for name, cost in sorted(told.items(), key=lambda item: order.get(item[0].partition("-")[0], len(order)))
    ]


def _megabytes(value: Any) -> str:
    if not wording.is_number(value):
        return wording.ABSENT
    return f"{value / 1024:.1f} GB" if value >= 1024 else f"{round(value)} MB"


def command(run: Run) -> str:
    given = run.fact("command")
    return " ".join(given) if isinstance(given, list) else str(given)  # of learn and tl.dag it is their name


def options(run: Run) -> list[tuple[str, str]]:
    """Return every option of the run with its value, in the order of the configuration."""
    rows: list[tuple[str, str]] = []
    for key, value in run.config.model_dump(mode="json").items():
        leaves = value.items() if isinstance(value, Mapping) else [("", value)]
        rows += [(f"{key}.{leaf}".rstrip("."), _option_text(content)) for leaf, content in leaves]
    return rows


def _option_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or wording.ABSENT
    return wording.ABSENT if value is None else str(value)
