"""A local score of genes and their causes that remembers what it was asked."""

from __future__ import annotations

import numpy as np

from acyclome.core.contract import LocalScore


class ScoreMemo:
    """A score and its answers, kept for as long as the data are; threads may ask at once, and get the same bits.

    Parameters
    ----------
    score
        The local score.
    n_genes
        Number of genes.
    """

    def __init__(self, score: LocalScore, n_genes: int) -> None:
        self._score = score
        self._known: list[dict[tuple[int, ...], float]] = [{} for _ in range(n_genes)]
        self._listed: list[dict[tuple[int, ...], np.ndarray]] = [{} for _ in range(n_genes)]

    def without_lists(self) -> ScoreMemo:
        """Return one that knows the same scores, for other candidates."""
        new = ScoreMemo(self._score, len(self._known))
        new._known = self._known
        return new

    def scores(self, j: int, sets: np.ndarray) -> np.ndarray:
        """Score sets of causes of gene ``j``, all of one size and each rising, ``(s, p) -> (s,)``."""
        known, keys = self._known[j], [tuple(row) for row in sets.tolist()]
        new = [k for k, key in enumerate(keys) if key not in known]
        if new:
            known.update(zip([keys[k] for k in new], self._score.scores(j, sets[new]).tolist(), strict=True))
        return np.array([known[key] for key in keys])

    def most_promising(self, j: int, causes: np.ndarray, others: np.ndarray, most: int) -> np.ndarray:
        """Return positions of the most promising of ``others``, which ``j`` and ``causes`` decide, ``(most,)``."""
        listed, key = self._listed[j], tuple(causes.tolist())
        if key not in listed:
            promise = self._score.promise(j, causes, others)
            listed[key] = np.argsort(-promise, kind="stable")[:most]
        return listed[key]
