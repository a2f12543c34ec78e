"""The search for regulators that act otherwise than their expression shows, by the score that chooses edges.

    S = - log-likelihood + bar (edges + regulators with an activity)

Targets of such a regulator depend on one another given its expression, so that a search joins them to one another.
Regulators are taken one after the other: the gene whose residual explains most of those of the others, which among
targets of one activity is their regulator, as no target shows it better.  With each that is taken, all genes choose
their regulators anew and the activities are fitted.  In the end all genes may be causes again, activities in place of
expression, and what was found counts if it describes the data better than the first graph, of expression alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from acyclome.core.confounding.activity import Activities, expected_moments, fit
from acyclome.core.data.candidates import distinct
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.deconfounding import standardized_rows
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.core.data.search_result import SearchResult
from acyclome.core.engine import EngineSettings, screen, search_once
from acyclome.core.graph.neighbors import common_neighbors

# Of the edges, those in triangles, from which regulators are looked for: two joined targets and their regulator make
# one.  Simulated graphs of 1,000 genes have .03 to .15 whatever their kind, noisy hubs .6 to .9.
JOINED = 0.4
TARGETS = 4  # of a regulator: with fewer an edge between two of them explains the data as well
STRONGEST, APART = 0.5, 0.1  # those that gain half of what the best does, without correlation, are taken with it
ROUNDS = 80  # a large part of them takes several regulators
EM_ROUNDS, LAST_ROUNDS = 10, 30  # 30 in all rounds found the same regulators
CLOSEST = 0.999  # squared correlation beyond which a gain is not counted: copies would outweigh all else
MARGIN = 10.0, 0.01  # edges' worth that activities must bring, and more by each edge, as of factors
# Of what curves gain, that activities must.  Where curves alone join targets (SynTReN, saturation without an error)
# they gain .27 at most, and rankings lose by them; saturation with errors of .06 and more of a variance .52 at least.
CURVED = 0.4


@dataclass(frozen=True)
class _Fit:
    """Activities, coefficients (target by source), and the description."""

    activities: Activities
    weights: sparse.csr_matrix
    description: float


def find_activities(
    problem: Problem, settings: EngineSettings, graph: SearchResult | None, *, seed: int
) -> tuple[Activities, float]:
    """Return the activities of regulators that act otherwise than they show, and the nats that they gain.

    ``graph`` is what a quick search with these settings, of an order search, found of expression; None where there was
    none yet.  Without many joined targets in it nothing is looked for, nor where correlations cannot be held at once.
    """
    nothing = Activities.of_expression(problem.data, np.empty(0, np.int64))
    if problem.data.R is None:
        return nothing, 0.0
    if graph is None:
        start = np.random.default_rng(seed).permutation(problem.n_genes).astype(np.int32)
        graph = search_once(problem, screen(problem, settings), start, settings=settings, seed=seed)
    if graph.n_edges == 0 or np.mean(common_neighbors(graph.source, graph.target, graph.n_genes) > 0) < JOINED:
        return nothing, 0.0
    search = _Search(problem, settings, order=graph.order, seed=seed)
    plain = search.fit((graph.source, graph.target), nothing, rounds=1)
    children = np.bincount(graph.source, minlength=problem.n_genes)
    chosen = _choose(search, np.flatnonzero(children >= TARGETS))
    if len(chosen.genes) == 0:
        return nothing, 0.0
    last = search.fit(search.graph(chosen, problem.constraints), chosen, rounds=LAST_ROUNDS)
    fixed, by_edge = MARGIN
    gain = plain.description - last.description
    least = search.bar * (fixed + by_edge * graph.n_edges), CURVED * gain_of_curves(problem.data, plain.weights)
    return (last.activities if gain > max(least) else nothing), gain


def gain_of_curves(data: Moments, weights: sparse.csr_matrix) -> float:
    """Return the nats that the square of what parents say of a gene explains of what they leave of it, over all genes.

    The test of one degree of freedom for curves, less what chance gains; ``weights`` are target by source.
    """
    caused = np.flatnonzero(np.diff(weights.indptr))
    said = standardized_rows(weights[caused] @ data.Z)
    left = standardized_rows(data.Z[caused] - weights[caused] @ data.Z)
    square = standardized_rows(said**2)
    square = standardized_rows(square - np.mean(square * said, axis=1, keepdims=True) * said)
    explained = np.minimum(np.mean(square * left, axis=1) ** 2, CLOSEST)
    return float(np.sum(-data.n_obs / 2 * np.log1p(-explained) - 0.5))


def _choose(search: _Search, candidates: np.ndarray) -> Activities:
    """Take regulators one after the other, while one explains what those before leave of several genes."""
    data, nothing = search.problem.data, np.empty(0, np.int64)
    now = search.fit((nothing, nothing), Activities.of_expression(data, nothing), rounds=1)
    for _ in range(ROUNDS):
        left = np.setdiff1d(candidates, now.activities.genes)
        if len(now.activities.genes) > data.n_obs // 4:  # drawn activities need as many directions beside the means
            break
        taken = search.next(now, left) if len(left) else left
        if len(taken) == 0:
            break
        now = search.refit(now.activities.on(np.union1d(now.activities.genes, taken), data))
        now = search.refit(search.closest(now.activities))
    return now.activities


class _Search:
    """Quick searches and fits, all from one order."""

    def __init__(self, problem: Problem, settings: EngineSettings, *, order: np.ndarray, seed: int) -> None:
        self.problem, self.settings, self.order, self.seed = problem, settings, order, seed
        others = max(int(problem.constraints.sources.sum()) - 1, 1)
        self.bar = 0.5 * np.log(problem.data.n_effective) + settings.score.gamma * np.log(others)

    def graph(self, activities: Activities, constraints: Constraints) -> tuple[np.ndarray, np.ndarray]:
        """Search with activities in place of expression; return source and target of the edges."""
        moments = expected_moments(self.problem.data, activities)
        problem = replace(self.problem, data=moments, constraints=constraints)
        candidates = screen(problem, self.settings)
        found = search_once(problem, candidates, self.order, settings=self.settings, seed=self.seed)
        return found.source, found.target

    def fit(self, edges: tuple[np.ndarray, np.ndarray], activities: Activities, *, rounds: int) -> _Fit:
        fitted, weights = fit(self.problem.data, edges, activities, rounds=rounds)
        n_parameters = len(edges[0]) + len(activities.genes)
        return _Fit(fitted, weights, self.bar * n_parameters - fitted.log_likelihood)

    def refit(self, activities: Activities) -> _Fit:
        """Choose every gene's regulators among those with an activity, and fit."""
        return self.fit(self.graph(activities, self._of_regulators(activities.genes)), activities, rounds=EM_ROUNDS)

    def _of_regulators(self, genes: np.ndarray) -> Constraints:
        """Allow these genes alone as causes, and none of one another: targets taken for regulators then stay without.

        With edges among them a target that was taken became a target again, and its siblings kept it as a cause.
        """
        given, d = self.problem.constraints, self.problem.n_genes
        sources = np.zeros(d, bool)
        sources[genes] = sources[given.required % d] = True
        among = np.setdiff1d((genes[:, None] * d + genes).ravel(), given.required)
        return replace(given, sources=sources, forbidden=distinct(np.concatenate([given.forbidden, among])))

    def next(self, now: _Fit, candidates: np.ndarray) -> np.ndarray:
        """Return the genes whose residuals gain most of those of all genes, uncorrelated ones together."""
        T = self.problem.data.Z.copy()
        T[now.activities.genes] = now.activities.mean
        E, n = standardized_rows(T - now.weights @ T), self.problem.data.n_effective
        R = E[candidates] @ E.T / E.shape[1]
        R[np.arange(len(candidates)), candidates] = 0.0
        gains = np.maximum(-n / 2 * np.log1p(-np.minimum(R**2, CLOSEST)) - self.bar, 0.0)
        total = np.where((gains > 0).sum(axis=1) >= TARGETS, gains.sum(axis=1), 0.0)
        taken: list[int] = []
        for c in np.argsort(-total, kind="stable"):
            if total[c] <= STRONGEST * total.max():
                break
            if np.all(np.abs(R[c, candidates[taken]]) < APART):
                taken.append(int(c))
        return candidates[taken]

    def closest(self, activities: Activities) -> Activities:
        """Name every activity by the gene that goes with it best: a target may have been taken for its regulator."""
        Z, genes = self.problem.data.Z, activities.genes.copy()
        share = (standardized_rows(activities.mean).astype(Z.dtype) @ Z.T / Z.shape[1]) ** 2
        share[:, ~self.problem.constraints.sources] = 0.0
        for k in range(len(genes)):
            share[k, np.delete(genes, k)] = 0.0
            genes[k] = np.argmax(share[k])
        return activities.named(genes)
