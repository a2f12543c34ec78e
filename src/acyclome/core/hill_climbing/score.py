"""The score that is climbed on: that of a model, with what is known of edges, and a cache of what was asked before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from acyclome.core.contract import LocalModel, LocalScore
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.index_maps import locate
from acyclome.core.data.interventions import LEAST_OWN
from acyclome.core.data.problem import Problem


class Known(NamedTuple):
    """What is known of a gene beforehand.

    Parameters
    ----------
    parent
        ``(k,)`` int64, rising: sources of which something is known.
    sign
        ``(k,)`` int8, what the weight of an edge has to be; 0 where that is open.
    extra
        ``(k,)`` what a soft edge costs beside others.
    required
        ``(k,)`` bool.
    has_equation
        Whether the gene has enough observations of its own.
    """

    parent: np.ndarray
    sign: np.ndarray
    extra: np.ndarray
    required: np.ndarray
    has_equation: bool

    @property
    def may_be_bound(self) -> bool:
        """Whether an edge is required with a sign, so that its weight may end at the bound, 0."""
        return bool((self.required & (self.sign != 0)).any())

    def of(self, values: np.ndarray, sets: np.ndarray) -> np.ndarray:
        """Return one of the values for every parent in ``sets``, ``(s, p)``; zero where nothing is known."""
        return np.append(values, values.dtype.type(0))[locate(sets, self.parent)]  # -1, the last: nothing is known


@dataclass(frozen=True)
class PenalizedScore:
    """The local score of a model, what the choice of each parent among all genes costs, and what is known of edges.

    Sets of parents that may not be score infinity: those with a signed edge whose weight has the other sign, and any
    but required parents of a gene with fewer than ``LEAST_OWN`` observations of its own.  A required parent whose
    weight has the other sign stays at its bound, 0: the set scores as it would without it.

    ``edge_cost``, ``(d,)``, is the cost of an edge to each gene, ``gamma log p`` as in the extended BIC; ``known`` has
    the genes of which something is known.
    """

    model: LocalModel
    edge_cost: np.ndarray
    known: dict[int, Known]

    @classmethod
    def on(cls, problem: Problem, model: LocalModel, *, gamma: float) -> Self:
        """Make the score of a model on a problem.

        A soft edge has its share of the whole cost of an edge in the extended BIC, ``1/2 log n + gamma log p``,
        whatever the model asks for its flexibility.
        """
        n_allowed = np.maximum(problem.constraints.n_allowed, 1.0)
        whole = 0.5 * np.log(problem.data.n_own) + gamma * np.log(n_allowed)
        has_equation = problem.data.n_obs - problem.data.interventions.counts >= LEAST_OWN
        return cls(model, gamma * np.log(n_allowed), _known(problem.constraints, whole, has_equation))

    def scores(self, j: int, sets: np.ndarray) -> np.ndarray:
        score = self.unrestricted(j, sets)
        if j in self.known:
            score[~self._may_be(j, sets)] = np.inf
        return score

    def unrestricted(self, j: int, sets: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Score sets of parents, ``(s, p) -> (s,)``, those that may not be as well; in other ``rows`` if given."""
        cost, known = float(self.edge_cost[j]) * sets.shape[1], self.known.get(j)
        if known is None:
            return self.model.scores(j, sets, rows) + cost
        score = np.zeros(len(sets))
        if known.has_equation and known.may_be_bound:
            for k, parents in enumerate(sets):
                score[k] = self.model.scores(j, self.fitted(j, parents)[None], rows)[0]
        elif known.has_equation:
            score = self.model.scores(j, sets, rows)
        return score + cost + known.of(known.extra, sets).sum(axis=1)

    def fitted(self, j: int, parents: np.ndarray) -> np.ndarray:
        """Return the parents ``(p,)`` without required ones whose weight is at its bound, smallest weights first."""
        known = self.known.get(j)
        if known is None or not known.has_equation or not known.may_be_bound:
            return parents
        bound = known.of(known.sign * known.required, parents)
        while bound.any():
            weight = bound * self.model.weights(j, parents)
            if (weight >= 0.0).all():
                break
            left = np.arange(len(parents)) != np.argmin(np.where(weight < 0.0, -weight, np.inf))
            parents, bound = parents[left], bound[left]
        return parents

    def promise(self, j: int, parents: np.ndarray, others: np.ndarray) -> np.ndarray:
        return self.model.promise(j, parents, others) if self.has_equation(j) else np.zeros(len(others))

    def cost_of(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return what each edge costs, ``(m,)``."""
        cost = np.array(self.edge_cost[target])
        for j, known in self.known.items():
            into = target == j
            cost[into] += known.of(known.extra, source[into])
        return cost

    def has_equation(self, j: int) -> bool:
        """Say whether gene ``j`` has enough observations of its own."""
        return j not in self.known or self.known[j].has_equation

    def _may_be(self, j: int, sets: np.ndarray) -> np.ndarray:
        known = self.known[j]
        if not known.has_equation:
            required: np.ndarray = known.of(known.required, sets)
            return np.asarray(required.all(axis=1))
        sign = known.of(known.sign, sets)
        may_be = np.ones(len(sets), bool)
        for k in np.flatnonzero(sign.any(axis=1)):
            parents = self.fitted(j, sets[k])
            may_be[k] = (known.of(known.sign, parents) * self.model.weights(j, parents) >= 0.0).all()
        return may_be


def _known(constraints: Constraints, whole: np.ndarray, has_equation: np.ndarray) -> dict[int, Known]:
    """Gather what is known by gene; ``whole`` ``(d,)`` is the usual cost of an edge to each."""
    d = constraints.n_genes
    keys = np.unique(np.concatenate([constraints.required, constraints.signed, constraints.soft]))
    target, source = keys // d, keys % d
    required = np.isin(keys, constraints.required)
    sign, extra = np.zeros(len(keys), np.int8), np.zeros(len(keys))
    sign[np.searchsorted(keys, constraints.signed)] = constraints.sign
    at = np.searchsorted(keys, constraints.soft)
    extra[at] = (constraints.cost - 1.0) * whole[target[at]]
    genes = np.union1d(target, np.flatnonzero(~has_equation))
    known = {}
    for j in genes.tolist():
        into = slice(*np.searchsorted(target, (j, j + 1)))
        known[j] = Known(source[into], sign[into], extra[into], required[into], bool(has_equation[j]))
    return known


class ScoreCache:
    """A score and its answers, kept for as long as the data are; threads may ask at once, and get the same bits."""

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
