"""Ranked edges of a real table of expression against its true edges, through ``acyclome run``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from acyclome import Network, read
from acyclome.evaluate.baselines import correlation_ranking
from acyclome.evaluate.ranking import ranking_scores, scored_universe
from acyclome.knowledge.regulators import read_regulators
from benchmarks.command import run_command
from benchmarks.measure import Cost

COLUMNS = 0xC01  # stream of the order of the columns, as in problems
SCORES = ("aupr", "auroc")


def rank_and_score(
    expression: pd.DataFrame,
    truth: pd.DataFrame,
    seed: int,
    threads: int,
    regulators: Path | None = None,
    model: str = "linear",
) -> dict[str, Any]:
    """Learn from ``expression`` (observations x genes), other options by default, and score ``ranking.tsv.gz``.

    The genes are dealt out anew. Without regulators all their ordered pairs are scored over, with them those that
    DREAM5 scores: regulators with a target in the truth, and genes it names. What is not listed ties at the bottom.
    """
    place = np.random.default_rng([COLUMNS, seed]).permutation(expression.shape[1])
    dealt = expression.iloc[:, place]
    causes = None if regulators is None else read_regulators(regulators)
    universe = scored_universe(truth, dealt.columns, regulators=causes, restrict=causes is not None)
    network, cost = learn_by_command(dealt, seed, threads, regulators=causes, model=model)
    ranking = network.ranking
    ours = ranking_scores(ranking["source"], ranking["target"], ranking["rank_score"].to_numpy(), universe)
    transform = next(step for step in network.facts["prepare"]["steps"] if step["step"] == "transform")["chosen"]
    found = {name: ours[name] for name in SCORES} | {"ranked": transform == "rank"} | _correlated(dealt, universe)
    return found | cost.row()


def learn_by_command(
    expression: pd.DataFrame,
    seed: int,
    threads: int,
    *,
    regulators: Iterable[str] | None = None,
    model: str = "linear",
) -> tuple[Network, Cost]:
    """Learn from ``expression`` (observations x genes) by ``acyclome run``, other options by default."""
    with tempfile.TemporaryDirectory() as folder:
        table, listed, out = (Path(folder) / name for name in ("expression.tsv", "regulators.txt", "out"))
        expression.to_csv(table, sep="\t")
        known: list[str | Path] = []
        if regulators is not None:
            listed.write_text("\n".join(regulators), encoding="utf-8")
            known = ["--regulators", listed]
        how = ["--model", model, "--seed", str(seed), "--threads", str(threads), "--quiet", *known]
        cost = run_command("run", table, "-o", out, *how)
        network = read(out)
    if not isinstance(network, Network):
        msg = "Found a network per group; expected a single one."
        raise TypeError(msg)
    return network, cost


def _correlated(expression: pd.DataFrame, universe: Any) -> dict[str, float]:
    source, target, score = correlation_ranking(expression.to_numpy(), per_gene=expression.shape[1] - 1)
    names = expression.columns.to_numpy()
    found = ranking_scores(names[source], names[target], score, universe)
    return {"correlation_aupr": float(found["aupr"])}
