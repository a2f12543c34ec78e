"""Whether the network is worth believing: what the checks of a run found, what each means, and what would be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from acyclome import wording
from acyclome.network.screen import BY_NETWORK, MEAN, NETWORK
from acyclome.report.source import Run

OURS = "this method"
SORTED = {"sort by variance": "rising variance", "rising R2": "rising R²", "falling R2": "falling R²"}
NAMES = {
    **{name: f"genes sorted by {by}" for name, by in SORTED.items()},
    "random order": "genes in a random order",
    OURS: "this method, learned anew",
}
AGREES = 0.8  # of pairs and directions, from which on sorting alone gives the network; unchanged since the checks came
CHANCE = 0.05  # of the edges that may be false by chance, as is usual for false discoveries


@dataclass(frozen=True)
class Finding:
    """A figure, what it means, what would be a warning sign, and whether that is there (None: it was not measured)."""

    title: str
    value: str
    meaning: str
    sign: str
    is_bad: bool | None


def findings(run: Run) -> list[Finding]:
    return [_sorting(run), _heldout(run), _chance(run), _unseen(run), _known(run)]


def rivals(run: Run) -> list[dict[str, str]]:
    """Return a row for each network that was learned from a part of the observations, and judged by the rest."""
    return [
        {
            "name": NAMES.get(row["network"], row["network"]),
            "edges": wording.count(row["edges"]),
            "gain": wording.decimal(row["gain"], 1),
            "helped": wording.share(row["helped"]),
            "joined": wording.share(row["joined"]),
            "same": wording.share(row["same"]),
        }
        for row in run.fact("validation.rivals.networks") or []
    ]


def borne_out(run: Run) -> list[dict[str, str]]:
    """Return a row for each method that was scored by what acting on genes did, in cells not learned from."""
    return [
        {
            "scored_by": row["scored by"],
            "method": NAMES[OURS] if row["method"] == "network" else row["method"],
            "edges": wording.count(row["edges"]),
            "wasserstein": wording.decimal(row["wasserstein"], 3),
            "precision": wording.share(row["precision"]),
            "omission": wording.share(row["false_omission_rate"]),
        }
        for row in run.fact("validation.interventional") or []
    ]


def predictions(run: Run) -> list[dict[str, str]]:
    """Return a row for each kind of prediction of perturbations that was checked on some of them held out."""
    return [
        {
            "kind": kind,
            "held_out": wording.count(found["held_out"]),
            "answer": " + ".join(name for name, weight in found["weights"].items() if weight) or "no change",
            "error": wording.share(found["squared_error"]["chosen"] / (found["squared_error"]["no change"] or 1.0)),
            "others": ", ".join(
                f"{name} {wording.share(error / (found['squared_error']['no change'] or 1.0))}"
                for name, error in found["squared_error"].items()
                if name != "chosen"
            ),
            "coverage": wording.share(found["coverage_of_90"]),
        }
        for kind, found in (run.fact("prediction") or {}).items()
    ]


def _sorting(run: Run) -> Finding:
    title, sign = "Does sorting alone give this network?", "sorting gives most of the pairs, and their directions."
    rows = {row["network"]: row for row in run.fact("validation.rivals.networks") or []}
    agreements = [(_agreement(rows[name]), name) for name in SORTED if name in rows]
    if not agreements or not rows[OURS]["edges"]:
        return _missing(run, title, sign)
    most, name = max(agreements)
    row = rows[name]
    value = f"{wording.share(row['joined'])} of the pairs, {wording.share(row['same'])} of their directions"
    meaning = (
        f"Genes sorted by {SORTED[name]}, each then regressed on those before it, give so much of what the method "
        "finds; sorting knows nothing of causes, so what it gives too is no evidence of them."
    )
    return Finding(title, value, meaning, sign, most > AGREES)


def _agreement(row: dict[str, Any]) -> float:
    """Return the smaller of the shares of pairs and of directions in common; 0 where one of two networks is empty."""
    return min(row[name] if wording.is_number(row[name]) else 0.0 for name in ("joined", "same"))


def _heldout(run: Run) -> Finding:
    title = "Does it predict observations that it has not seen?"
    sign = "no gain, or a network along a random order or of the strongest correlations gains as much."
    rows = {row["network"]: row for row in run.fact("validation.rivals.networks") or []}
    if OURS not in rows:
        return _missing(run, title, sign)
    gain = rows[OURS]["gain"]
    # Sorting by variance or R2 is asked about above; here stand networks that know nothing of directions.
    others = {name: row["gain"] for name, row in rows.items() if name not in (OURS, *SORTED)}
    best = max(others, key=lambda name: others[name])
    value = f"{wording.decimal(gain, 1)} nats per observation over no edge"
    meaning = (
        "Learned from four fifths of the observations, the network makes the last fifth so much more likely than genes "
        f"that do not act on one another; with {NAMES.get(best, best)} it is {wording.decimal(others[best], 1)}. "
        "A gain says that pairs are real; where a random order gains nearly as much, it says little of directions."
    )
    return Finding(title, value, meaning, sign, gain <= max(others[best], 0.0))


def _chance(run: Run) -> Finding:
    title, sign = "How many edges does chance alone give?", f"more than {wording.share(CHANCE)} of the network's edges."
    facts = run.fact("validation.permuted")
    if not facts:
        return _missing(run, title, sign)
    edges = len(run.edges)
    value = f"about {wording.decimal(facts['false_edges'], 1)} of {wording.plural(edges, 'edge')}"
    permuted = "counts permuted among the observations, gene by gene, and prepared anew at the depth they have"
    if not facts.get("of_counts"):
        permuted = "values permuted among the observations, gene by gene"
    meaning = (
        f"With every gene's {permuted}, nothing is left to be found, and "
        f"{wording.decimal(facts['edges'], 1)} edges among {wording.count(facts['genes'])} genes are found all the "
        "same; edges that stand for a hidden cause or point the wrong way are not counted by this."
    )
    return Finding(title, value, meaning, sign, facts["false_edges"] > CHANCE * max(edges, 1))


def _unseen(run: Run) -> Finding:
    title = "Does it predict interventions that it has not seen?"
    sign = "an error as large as that of no change, or of the mean effect of the others."
    facts = (run.fact("prediction") or {}).get(BY_NETWORK)
    if not facts:
        why = "These data have no interventions, the only test of directions there is."
        if run.fact("perturbation"):
            why = "Too few genes were acted on alone to keep some of them back, or no half-samples were asked for."
        return Finding(title, "not measured", why, sign, None)
    error = facts["squared_error"]
    still = error["no change"] or 1.0
    value = f"{wording.share(error['chosen'] / still)} of the squared error of no change"
    said = facts["weights"][NETWORK]
    part = f"what the network says counts {wording.decimal(said)}" if said else "what the network says has no part"
    meaning = (
        f"Networks were learned without the observations in which {wording.plural(facts['held_out'], 'gene')} had been "
        f"acted on, a fifth at a time, and predicted what happened to all others in them. In the answer {part}; the "
        f"mean effect of the other interventions alone has {wording.share(error[MEAN] / still)}."
    )
    is_bad = error["chosen"] >= min(error["no change"], error[MEAN])
    return Finding(title, value, meaning, sign, is_bad)


def _known(run: Run) -> Finding:
    title, sign = "Does it find what is known?", "no more than chance, or as many reversed."
    facts = run.fact("validation.known")
    if not facts:
        return _missing(run, title, sign, why="No known edges were given (--knowledge, kind known).")
    value = f"{wording.count(facts['found'])} of {wording.plural(int(facts['known']), 'known edge')}"
    meaning = (
        f"A random network in which every gene keeps its numbers of causes and effects would have "
        f"{wording.decimal(facts['found_by_chance'], 1)}. Reversed it has {wording.count(facts['turned'])} "
        f"({wording.decimal(facts['turned_by_chance'], 1)} by chance). Known edges are often of other tissues and "
        "conditions, so few are expected."
    )
    is_bad = facts["found"] <= max(facts["found_by_chance"], facts["turned"])
    return Finding(title, value, meaning, sign, is_bad)


def _missing(run: Run, title: str, sign: str, *, why: str = "") -> Finding:
    off = "" if run.config.validation.checks else "The checks were switched off (validation.checks)."
    other = run.fact("validation.why_not") or "There was nothing to compare."
    return Finding(title, "not measured", off or why or other, sign, None)
