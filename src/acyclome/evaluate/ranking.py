"""Scores of ranked pairs, in closed form: pairs that are not listed tie below all that are.

A list of candidate edges is far shorter than the d (d - 1) ordered pairs it is scored over, so the absent pairs enter
as one last tie group. Ties count as one step of the curves; nothing depends on the order of the rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acyclome.errors import InputError, examples
from acyclome.wording import plural

if TYPE_CHECKING:
    import pandas as pd


def aupr(score: np.ndarray, label: np.ndarray, *, n_pairs: int | None = None, n_true: int | None = None) -> float:
    """Average precision: `sum over tie groups of (gain in recall) x (precision after the group)`.

    `score` and `label` are those of the listed pairs, (k,); `n_pairs` and `n_true` count the pairs scored over and the
    true ones among them, listed or not (None: the listed ones alone). nan where no pair is true.
    """
    k, tp = _steps(score, label, n_pairs, n_true)
    if not tp[-1]:
        return float("nan")
    return float((np.diff(tp) / tp[-1] * tp[1:] / np.maximum(k[1:], 1)).sum())


def auroc(score: np.ndarray, label: np.ndarray, *, n_pairs: int | None = None, n_true: int | None = None) -> float:
    """Probability that a true pair ranks above a false one, ties half; nan where all pairs or none are true."""
    k, tp = _steps(score, label, n_pairs, n_true)
    fp = k - tp
    if not tp[-1] or not fp[-1]:
        return float("nan")
    return float((np.diff(fp) * (tp[:-1] + tp[1:]) / 2.0).sum() / (tp[-1] * fp[-1]))


def early_precision(
    score: np.ndarray, label: np.ndarray, *, n_pairs: int | None = None, n_true: int | None = None
) -> float:
    """Precision among the first P pairs, P the number of true ones; a tie at the cut counts with its mean."""
    k, tp = _steps(score, label, n_pairs, n_true)
    if not tp[-1]:
        return float("nan")
    return float(np.interp(tp[-1], k, tp) / tp[-1])


def _steps(
    score: np.ndarray, label: np.ndarray, n_pairs: int | None, n_true: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs and true pairs passed after each tie group, from (0, 0) to (n_pairs, n_true)."""
    score, label = np.asarray(score, dtype=float).ravel(), np.asarray(label, dtype=bool).ravel()
    n_pairs = score.size if n_pairs is None else n_pairs
    n_true = int(label.sum()) if n_true is None else n_true
    if np.isnan(score).any() or n_pairs < score.size or not 0 <= n_true - label.sum() <= n_pairs - score.size:
        msg = (
            f"Found {score.size} listed pairs, {int(label.sum())} of them true and {int(np.isnan(score).sum())} without"
            f" a score, for {n_pairs} pairs with {n_true} true ones; scores must be numbers and the counts must fit."
        )
        raise ValueError(msg)
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True)[: score.size])
    k = np.concatenate([[0], last + 1, [n_pairs]])
    return k, np.concatenate([[0], np.cumsum(label[order])[last], [n_true]])


@dataclass(frozen=True)
class Universe:
    """The ordered pairs that are scored, and the true ones among them."""

    genes: pd.Index
    is_source: np.ndarray  # (d,) bool
    is_target: np.ndarray  # (d,) bool
    source: np.ndarray  # (m,) true edges between scored genes
    target: np.ndarray  # (m,)
    sign: np.ndarray  # (m,) +1, -1, or 0 where the truth gives none
    n_true_unmeasured: int  # true edges with an end outside the scored genes

    @property
    def n_pairs(self) -> int:
        """Ordered pairs of a scored source and another scored target."""
        return int(self.is_source.sum() * self.is_target.sum() - (self.is_source & self.is_target).sum())

    @property
    def n_joined(self) -> int:
        """The same pairs, each counted once where both directions are among them."""
        both = int((self.is_source & self.is_target).sum())
        return self.n_pairs - both * (both - 1) // 2

    def key(self, source: np.ndarray, target: np.ndarray, *, undirected: bool) -> np.ndarray:
        """Return a number for every pair, ``(k,)``; undirected, the same for both directions."""
        ends = (np.minimum(source, target), np.maximum(source, target)) if undirected else (source, target)
        return np.asarray(ends[0] * self.genes.size + ends[1])

    def inside(self, source: Iterable[str], target: Iterable[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Look names up: source and target indices of the rows that are scored pairs, and the mask of those, (k,)."""
        import pandas as pd

        s, t = (self.genes.get_indexer(pd.Index(list(end), dtype=object)) for end in (source, target))
        kept = (s >= 0) & (t >= 0) & (s != t)
        kept &= self.is_source[s] & self.is_target[t]
        return s[kept], t[kept], kept


def scored_universe(
    truth: pd.DataFrame, genes: Iterable[str], *, regulators: Iterable[str] | None = None, restrict: bool = True
) -> Universe:
    """Choose the pairs that are scored, as the DREAM challenges do: only genes of which the truth speaks.

    The truth has columns source, target and perhaps sign (+, - or a signed number); self loops and repeats fall out. Of
    `regulators`, the genes that may be causes, those are sources that have a target in the truth (DREAM5); without a
    list, every gene the truth names is one (DREAM4). Without `restrict`, all genes of the run (and all regulators) are
    scored, whether the truth names them or not.

    Raises an InputError if the truth lacks a column or no true edge lies among the pairs.
    """
    import pandas as pd

    if not {"source", "target"} <= set(truth.columns):
        msg = f"The truth has the columns {', '.join(map(str, truth.columns))}; it needs source and target."
        raise InputError(msg)
    index = pd.Index(list(genes), dtype=object)
    truth = truth[truth["source"] != truth["target"]].drop_duplicates(["source", "target"])
    named = index.isin(truth["source"]) | index.isin(truth["target"])
    is_target = named if restrict else np.ones(index.size, bool)
    is_source = is_target
    if regulators is not None:
        is_source = index.isin(list(regulators)) & (index.isin(truth["source"]) if restrict else True)
    empty = np.empty(0, np.int64)
    universe = Universe(index, is_source, is_target, empty, empty, empty, 0)
    s, t, kept = universe.inside(truth["source"], truth["target"])
    if not s.size:
        raise InputError(_no_overlap(truth, index, has_regulators=regulators is not None))
    sign = _signs(truth["sign"][kept]) if "sign" in truth else np.zeros(s.size, np.int64)
    return Universe(index, is_source, is_target, s, t, sign, int((~kept).sum()))


def ranking_scores(
    source_names: Iterable[str],
    target_names: Iterable[str],
    score: np.ndarray,
    universe: Universe,
    *,
    undirected: bool = False,
) -> dict[str, float | int]:
    """Score a ranked list of named edges, ``(k,)`` each, over a universe of pairs.

    Rows outside the universe are left out, absent pairs tie at the bottom. With `undirected`, each pair counts once,
    with the higher score of its directions, and is true if either direction is. `aupr_ratio` is aupr over the base
    rate. Raises an InputError if a pair is listed twice.
    """
    s, t, kept = universe.inside(source_names, target_names)
    key = universe.key(s, t, undirected=False)
    if np.unique(key).size < key.size:
        msg = (
            f"The ranking lists {key.size - np.unique(key).size} pairs more than once; each pair may stand there once."
        )
        raise InputError(msg)
    listed = np.asarray(score, dtype=float)[kept]
    true = np.unique(universe.key(universe.source, universe.target, undirected=undirected))
    if undirected:
        key, at = np.unique(universe.key(s, t, undirected=True), return_inverse=True)
        best = np.full(key.size, -np.inf)
        np.maximum.at(best, at, listed)
        listed = best
    label, n_true = np.isin(key, true), int(true.size)
    n_pairs = universe.n_joined if undirected else universe.n_pairs
    area = aupr(listed, label, n_pairs=n_pairs, n_true=n_true)
    return {
        "n_sources": int(universe.is_source.sum()),
        "n_targets": int(universe.is_target.sum()),
        "n_pairs": n_pairs,
        "n_true": n_true,
        "n_true_unmeasured": universe.n_true_unmeasured,
        "n_listed": int(key.size),
        "base_rate": n_true / n_pairs,
        "aupr": area,
        "aupr_ratio": area * n_pairs / n_true,
        "auroc": auroc(listed, label, n_pairs=n_pairs, n_true=n_true),
        "early_precision": early_precision(listed, label, n_pairs=n_pairs, n_true=n_true),
    }


def _signs(column: pd.Series) -> np.ndarray:
    import pandas as pd

    number = pd.to_numeric(column.astype(str).replace({"+": "1", "-": "-1"}), errors="coerce").fillna(0.0)
    return np.sign(number.to_numpy()).astype(np.int64)


def _no_overlap(truth: pd.DataFrame, index: pd.Index, *, has_regulators: bool) -> str:
    named = list(dict.fromkeys([*truth["source"], *truth["target"]]))
    common = int(index.isin(named).sum())
    hint = " and check the regulator list" if has_regulators else ""
    return (
        f"No true edge lies among the scored pairs: the truth names {plural(len(named), 'gene')} ({examples(named)}), "
        f"the run has {index.size} ({examples(list(index))}), {common} in common. Use the same kind of names in both "
        f"files{hint}."
    )
