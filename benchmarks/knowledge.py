"""Prior knowledge: whether it holds in random cases, and what a million forbidden pairs cost.

``python -m benchmarks.knowledge``

Random cases: 6 to 10 genes that all hang together, 60 observations, a table of forbidden and required edges and signs
that do not contradict one another, and in half of the cases tiers; ``learn`` with default options, every tenth case
with two resamples, in which the rules must hold too. To the forbidden edges of each case three contradictions are
added, one at a time: each must be refused with its lines. Then a million pairs at 10,000 genes: processor seconds to
read their file and to make rules of it, and those of the screening with and without them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from acyclome import Network, learn
from acyclome.config import Config
from acyclome.core import engine
from acyclome.core.backend import ThreadBackend
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.moments import Moments, correlate, scale_genes
from acyclome.core.data.problem import Problem
from acyclome.errors import InputError
from acyclome.knowledge.edges import make_prior
from acyclome.knowledge.tables import read_prior
from acyclome.pipeline.engine_settings import engine_settings
from benchmarks.measure import warm_up
from benchmarks.report import publish
from benchmarks.tables import options

N, GENES = 60, (6, 10)  # few observations and few genes: rules meet each other, and data that speak against them
STREAM = 0xC0DE  # a stream of its own
CONTRADICTIONS = {
    "required and forbidden": [("G0", "G1", "required", "", ""), ("G0", "G1", "forbidden", "", "")],
    "both signs": [("G2", "G3", "soft", "0", "+"), ("G2", "G3", "soft", "0", "-")],
    "a cycle": [("G0", "G1", "required", "", ""), ("G1", "G4", "required", "", ""), ("G4", "G0", "required", "", "")],
}


def main() -> None:
    """Measure and write both tables."""
    given = options(__doc__ or "", cases=1000, genes=10_000, pairs=1_000_000).parse_args()
    command = "python -m benchmarks.knowledge"
    warm_up()
    cases = [{"cases": 1, **random_case(number)} for number in range(given.cases)]
    publish("knowledge-cases", cases, command, given)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "forbidden.tsv"
        costs = [million(path, given.genes, given.pairs, seed, given.threads) for seed in given.seeds[:3]]
    publish("knowledge", costs, command, given)


def random_case(number: int) -> dict[str, int]:
    """Learn one random case; return its rules, those that do not hold, and contradictions made and not named."""
    rng = np.random.default_rng([STREAM, number])
    d = int(rng.integers(*GENES, endpoint=True))
    genes = [f"G{k}" for k in range(d)]
    X = rng.standard_normal((N, d)) + rng.standard_normal((N, 2)) @ rng.standard_normal((2, d))
    rules, tier = draw_rules(rng, d)
    table = rules.assign(source=np.take(genes, rules["source"]), target=np.take(genes, rules["target"]))
    with tempfile.TemporaryDirectory() as folder:
        config: dict[str, Any] = {}
        if tier is not None:
            path = Path(folder) / "tiers.tsv"
            pd.DataFrame({"gene": genes, "tier": tier}).to_csv(path, sep="\t", index=False)
            config = {"knowledge": {"tiers": str(path)}}
        resamples = 0 if number % 10 else 2
        network = learn(X, genes, knowledge=table, n_resamples=resamples, random_state=number, threads=1, config=config)
    if not isinstance(network, Network):
        msg = "Found a network per group; expected a single one."
        raise TypeError(msg)
    place = {gene: k for k, gene in enumerate(genes)}
    found = network.edges.assign(source=network.edges["source"].map(place), target=network.edges["target"].map(place))
    broken = count_broken(found, rules, tier)
    if network.members is not None:
        broken += sum(count_broken(part, rules, tier) for _, part in network.members.groupby("member"))
    kinds = {kind: int((rules["kind"] == kind).sum()) for kind in ("forbidden", "required")}
    return {
        **kinds,
        "signs": int((rules["sign"] != "").sum()),
        "tiers": int(tier is not None),
        "broken": broken,
        "contradictions named": sum(is_named(table, genes, kind) for kind in CONTRADICTIONS),
    }


def draw_rules(rng: np.random.Generator, d: int) -> tuple[pd.DataFrame, np.ndarray | None]:
    """Draw rules that can hold together: a table as that of the user, and the tier of every gene or None."""
    order = rng.permutation(d)
    early, late = (order[ends] for ends in np.triu_indices(d, 1))
    required = rng.random(len(early)) < 1.5 / d
    pairs = np.argwhere(~np.eye(d, dtype=bool))
    needed = np.isin(pairs @ [d, 1], (early * d + late)[required])
    kind = np.where(needed, "required", np.where(rng.random(len(pairs)) < 0.3, "forbidden", "soft"))
    sign = np.where(kind == "soft", rng.choice(["+", "-"], len(pairs)), "")
    kept = (kind != "soft") | (rng.random(len(pairs)) < 0.3)
    rows = pd.DataFrame({"source": pairs[:, 0], "target": pairs[:, 1], "kind": kind, "sign": sign})
    tier = np.empty(d, np.int64)
    tier[order] = np.sort(rng.integers(0, 3, d))
    return rows.assign(weight=np.where(kind == "soft", "0", ""))[kept], tier if rng.random() < 0.5 else None


def count_broken(edges: pd.DataFrame, rules: pd.DataFrame, tier: np.ndarray | None) -> int:
    """Count the rules that edges (source, target, weight) do not keep to."""
    joined = rules.merge(edges[["source", "target", "weight"]], "left", ["source", "target"], suffixes=("", "_found"))
    weight = joined["weight_found"]
    wrong = weight.notna() & (joined["kind"] == "forbidden") | weight.isna() & (joined["kind"] == "required")
    wrong |= (joined["sign"] == "+") & (weight < 0) | (joined["sign"] == "-") & (weight > 0)
    back = 0 if tier is None else int((tier[edges["source"]] > tier[edges["target"]]).sum())
    return int(wrong.sum()) + back


def is_named(table: pd.DataFrame, genes: list[str], kind: str) -> bool:
    """Say whether rules are refused, and the lines named, when a contradiction of this kind is added to them."""
    rows = pd.DataFrame(CONTRADICTIONS[kind], columns=["source", "target", "kind", "weight", "sign"])
    others = table[~table["source"].isin(rows["source"]) | ~table["target"].isin(rows["target"])]
    whole = pd.concat([others[others["kind"] == "forbidden"], rows], ignore_index=True)
    try:
        make_prior(read_prior(whole), genes)
    except InputError as error:
        lines = range(len(whole) - len(rows) + 1, len(whole) + 1)
        return all(f"line {line})" in str(error) for line in lines)
    return False


def million(path: Path, d: int, pairs: int, seed: int, threads: int) -> dict[str, Any]:
    """Time a table of forbidden pairs among ``d`` genes: its file read, its rules made, the screening with them."""
    rng = np.random.default_rng([STREAM, seed])
    genes = np.array([f"ENSG{k:011d}" for k in range(d)])
    keys = rng.choice(d * d, pairs + d, replace=False)
    keys = keys[keys // d != keys % d][:pairs]
    pd.DataFrame({"source": genes[keys % d], "target": genes[keys // d]}).to_csv(path, sep="\t", index=False)
    names = genes.tolist()
    read, rows = _seconds(lambda: read_prior(None, forbidden=path))
    built, prior = _seconds(lambda: make_prior(rows, names))
    Z = rng.standard_normal((d, N * 10)).astype(np.float32)
    m = correlate(scale_genes(lambda a, b: Z[a:b], d, threads=threads), threads)
    both = (Constraints.none(d), prior.constraints)
    free, bound = (_seconds(lambda known=known: _screen(m, known, threads))[0] for known in both)
    return {
        "genes": d,
        "forbidden": pairs,
        "seed": seed,
        "read": read,
        "make rules": built,
        "both": read + built,
        "screening without": free,
        "screening with": bound,
    }


def _screen(m: Moments, constraints: Constraints, threads: int) -> None:
    engine.screen(Problem(m, constraints, ThreadBackend(threads)), engine_settings(Config()))


def _seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


if __name__ == "__main__":
    main()
