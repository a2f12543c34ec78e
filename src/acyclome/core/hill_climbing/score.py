"""The score that is climbed on: that of a model, what an edge costs beside it, and a cache of what was asked before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acyclome.core.contract import LocalModel, LocalScore


@dataclass(frozen=True)
class PenalizedScore:
    """The local score of a model, and what the choice of each parent among all genes costs.

    Parameters
    ----------
    model
        The model on the data.
    structure_prior
        ``(d,)`` cost of an edge to each gene, ``gamma log p`` as in the extended BIC.
    """

    model: LocalModel
    structure_prior: np.ndarray

    def scores(self, j: int, sets: np.ndarray) -> np.ndarray:
        return self.model.scores(j, sets) + self.structure_prior[j] * sets.shape[1]

    def promise(self, j: int, parents: np.ndarray, others: np.ndarray) -> np.ndarray:
        return self.model.promise(j, parents, others)


class ScoreCache:
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

    def for_other_candidates(self) -> ScoreCache:
        """Return one that knows the same scores, but not which candidates are the most promising."""
        new = ScoreCache(self._score, len(self._known))
        new._known = self._known
        return new

    def scores(self, j: int, sets: np.ndarray) -> np.ndarray:
        """Score sets of parents of gene ``j``, all of one size and each rising, ``(s, p) -> (s,)``."""
        known, keys = self._known[j], [tuple(row) for row in sets.tolist()]
        new = [k for k, key in enumerate(keys) if key not in known]
        if new:
            known.update(zip([keys[k] for k in new], self._score.scores(j, sets[new]).tolist(), strict=True))
        return np.array([known[key] for key in keys])

    def most_promising(self, j: int, parents: np.ndarray, others: np.ndarray, *, most: int) -> np.ndarray:
        """Return positions of the most promising of ``others``, which ``j`` and ``parents`` decide, ``(most,)``."""
        listed, key = self._listed[j], tuple(parents.tolist())
        if key not in listed:
            promise = self._score.promise(j, parents, others)
            listed[key] = np.argsort(-promise, kind="stable")[:most]
        return listed[key]
