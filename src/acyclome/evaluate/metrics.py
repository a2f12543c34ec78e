"""The score of a run's files against a truth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from acyclome.evaluate.accuracy import graph_scores
from acyclome.evaluate.ranking import Universe, ranking_scores, scored_universe

if TYPE_CHECKING:
    import pandas as pd


def score_run(
    ranking: pd.DataFrame,
    edges: pd.DataFrame,
    truth: pd.DataFrame,
    genes: Iterable[str],
    regulators: Iterable[str] | None = None,
    *,
    restrict: bool = True,
    undirected: bool = False,
) -> dict[str, float | int | bool | None]:
    """Score the files of a run against a truth, as the DREAM challenges do.

    `ranking` (source, target, rank_score) and `edges` (source, target, perhaps sign) are those of the run, `genes` all
    its genes, `regulators` those that may be causes. `restrict` scores only over genes of which the truth speaks, see
    `scored_universe`; `undirected` counts each pair of the ranking once, see `ranking_scores`.

    Returns what `ranking_scores` and `graph_scores` give (without the ceiling), and sign_agreement, the share of the
    correct edges with the right sign; None where a figure is not defined.
    """
    universe = scored_universe(truth, genes, regulators=regulators, restrict=restrict)
    score = ranking["rank_score"].to_numpy()
    ranked = ranking_scores(ranking["source"], ranking["target"], score, universe, undirected=undirected)
    s, t, kept = universe.inside(edges["source"], edges["target"])
    graph = graph_scores((universe.source, universe.target), (s, t), universe.genes.size)
    del graph["ceiling"]
    agreement = _sign_agreement(universe, s, t, edges["sign"].to_numpy()[kept]) if "sign" in edges else float("nan")
    scores = {**ranked, **graph, "sign_agreement": agreement}
    return {key: None if isinstance(value, float) and np.isnan(value) else value for key, value in scores.items()}


def _sign_agreement(universe: Universe, source: np.ndarray, target: np.ndarray, sign: np.ndarray) -> float:
    d = universe.genes.size
    true, called = universe.source * d + universe.target, source * d + target
    _, at_truth, at_call = np.intersect1d(true, called, return_indices=True)
    expected = universe.sign[at_truth]
    agrees = np.where(sign[at_call] == "+", 1, -1) == expected
    return float(agrees[expected != 0].mean()) if (expected != 0).any() else float("nan")
