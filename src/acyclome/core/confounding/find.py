"""The search for hidden causes: factors and graph together, by the score that chooses edges.

    S = n/2 sum_j log psi_j + n/2 log det(I + L' Psi^-1 L) + bar (edges) + sum_jk min(bar, n/2 log(1 + l_jk^2 / psi_j))

is the description of genes with factors, where ``bar`` is what the extended BIC asks of an edge: a loading costs as
much, or what it brings.  Factors are proposed from what a first graph leaves, all at once; those for which an observed
gene stands go; graph and factors are then refined in turn while the description gets shorter, and factors that shorten
it by less than their price go again.

Factors and observed causes of many genes span one space, and no principal component is either.  What tells them apart
is that an observed cause has a gene without variance of its own, on whose noise only its children load.  Of few genes
one may be hardly more than a factor: then the description says which of both it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from acyclome.core.confounding.factor_analysis import Factors, of_scores, principal, refine, span, varimax
from acyclome.core.confounding.observed import without_observed
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.confounders import LEAST_LEFT, without_factors, without_scores
from acyclome.core.data.deconfounding import has_component, residual_correlation, standardized_rows
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.core.data.search_result import SearchResult
from acyclome.core.engine import EngineSettings, screen, search_once
from acyclome.core.graph.neighbors import common_neighbors
from acyclome.core.screening.rescreen import rescreen

SMALL = 400  # genes at most, of which one may be hardly more than a factor: of more none tells so much of all
LEAST_GENES = 30  # on which a factor must load to be looked for: it stands for the edges between them, hundreds
# Nats an observation that it must bring, for each gene of so few: five factors of half of the variance of 200 genes
# bring 4 each, three of .3 on half 1.3 to 4.3.  Graphs of 400 and more without hidden causes had up to 4.1.
GAIN_OF_GENE, LEAST_GAIN = 0.01, 5.0
# Or so much of what all edges of the first graph bring: counts of which 3 to 30 % are filled show factors and edges
# alike dimly.  Hidden programs of cells brought .17 to 3.8 of that, regulators whose own counts hardly show them .1
# and less, but for graphs that bring hardly anything; graphs without factors or counting .05 at most.
OF_GRAPH = 0.25
# Neighbors that two joined targets of a hidden cause share.  Clusters of genes that such edges join had 38 genes and
# more where a factor or regulator of 40 was hidden among 400 and 1,000, but for one of 23 beside a component beyond
# chance; where nothing was, 2 to 18, of scale-free graphs 7 to 33.
COMMON = 2
LEAST_LOADED = 8  # genes of a proposal; those of fewer cost searches and were never kept
PROPOSED, LEADING = 40, 0.1  # components at most, and the share of the strongest gain that each needs
CHILDREN, JOINED = 5, 0.5  # of a clean hub: so many, joined by fewer than half as many edges
LEAST_VARIANCE = 0.05  # in the description: below it copies of genes would shorten it without bound
EM_ROUNDS, FIRST_ROUNDS = 20, 10  # of scores and loadings; cheap beside a search, three products of matrices each
MARGIN = 10.0, 0.01  # edges' worth that factors must bring, and more by each edge: quick searches end so far apart
REFINED, WORTH = 15, 3.0  # rounds at most, and edges' worth that each must bring


@dataclass(frozen=True)
class HiddenCauses:
    """What was found: scores ``(r, n)``, drawn from their posterior, loadings ``(d, r)``, and what is left unexplained.

    ``residual_correlation`` is the root of the mean squared correlation of what graph and factors leave of two genes,
    beyond chance, and ``without`` that of what a graph without factors leaves: .01 and less of simulated graphs whose
    factors are known, .02 to .04 where they are not.
    """

    scores: np.ndarray
    loadings: np.ndarray
    residual_correlation: float
    without: float
    gain: float  # nats by which they shorten the description
    edges: int  # of the graph beside them
    graph: SearchResult  # without them, from a quick search


@dataclass(frozen=True)
class _Fit:
    """Factors, the graph beside them, what both leave, the description, and the candidates of the graph."""

    factors: Factors
    graph: SearchResult
    E: np.ndarray  # what the graph leaves, factors in it, (d, n)
    description: float
    candidates: Candidates


def find_factors(
    problem: Problem, candidates: Candidates, settings: EngineSettings, *, seed: int, most: int
) -> HiddenCauses:
    """Find hidden causes of many genes; none where nothing speaks for one.

    ``candidates`` are those of the screening of the problem, with which the first graph is searched.  ``settings`` are
    those of the order search of a linear model; the data are without interventions, whose effects on many genes a
    factor would take for its own.
    """
    search = _Search(problem, candidates, settings, seed=seed)
    first = now = search.fit(np.empty((0, problem.data.n_obs)), candidates)
    search.least_gain = _least_gain(first, is_small=search.is_small)
    if _shows_nothing(search, first):
        most = 0
    while len(now.factors.scores) < most:
        sets = [np.vstack([now.factors.scores, one]) for one in _proposals(search, now)]
        shared = search.beside(span(sets)) if sets else candidates
        tried = [search.pruned(search.fit(scores, shared)) for scores in sets]
        better = min(tried, key=lambda one: one.description, default=now)
        # A graph without factors may be better too, from another order: that is for the search to find.
        if len(better.factors.scores) == 0 or better.description > now.description - search.margin(now):
            break
        now = search.refined(better)
    factors = _to_sparse(now.factors)
    without = residual_correlation(first.E)
    beside = residual_correlation(now.E - factors.loadings @ factors.scores) if len(factors.scores) else without
    gain = first.description - now.description
    return HiddenCauses(factors.drawn(seed), factors.loadings, beside, without, gain, now.graph.n_edges, first.graph)


class _Search:
    """Quick searches of a graph beside factors; the order of the last is where the next begins."""

    def __init__(self, problem: Problem, candidates: Candidates, settings: EngineSettings, *, seed: int) -> None:
        self.problem, self.candidates, self.settings, self.seed = problem, candidates, settings, seed
        self._room: np.ndarray | None = None
        self.least_gain = np.inf
        data, self.is_small = problem.data, problem.n_genes <= SMALL
        others = max(int(problem.constraints.sources.sum()) - 1, 1)
        self.bar = 0.5 * np.log(data.n_effective) + settings.score.gamma * np.log(others)
        self.order = np.random.default_rng(seed).permutation(data.n_genes).astype(np.int32)

    def margin(self, now: _Fit) -> float:
        fixed, by_edge = MARGIN
        return self.bar * (fixed + by_edge * now.graph.n_edges)

    def without(self, scores: np.ndarray) -> tuple[Moments, np.ndarray]:
        """Return what :func:`without_factors` does, whose correlations stand until this is asked again."""
        data = self.problem.data
        if self._room is None and data.R is not None and len(scores):
            self._room = np.empty(data.R.shape, data.R.dtype)
        return without_factors(data, scores, out=self._room)

    def beside(self, scores: np.ndarray) -> Candidates:
        """Screen for a graph beside factors, and keep the candidates of the data as they are.

        So that all sets of these factors can be tried with the same: a screening takes as long as several searches.
        """
        more = screen(replace(self.problem, data=self.without(scores)[0]), self.settings)
        source = np.concatenate([self.candidates.parent, more.parent])
        return Candidates.from_pairs(source, np.concatenate([self.candidates.target, more.target]), more.n_genes)

    def fit(self, scores: np.ndarray, candidates: Candidates) -> _Fit:
        """Fit graph and factors, and leave out factors for which a gene stands, unless that lengthens the description.

        A gene may be hardly more than a factor; as a cause it leaves the others joined.
        """
        start = self.order
        kept: _Fit | None = None
        while True:
            now = self._step(scores, candidates, start)
            if kept is None or not self.is_small or now.description < kept.description + self.margin(kept):
                kept = now
            factors, genes = without_observed(now.factors)
            if len(genes) == 0:
                return kept
            scores = factors.scores
            start = np.concatenate([genes, np.setdiff1d(now.graph.order, genes, assume_unique=True)]).astype(np.int32)

    def _step(self, scores: np.ndarray, candidates: Candidates, start: np.ndarray) -> _Fit:
        data, scale = self.without(scores)
        graph = search_once(replace(self.problem, data=data), candidates, start, settings=self.settings, seed=self.seed)
        E = self.left_by(graph, scale, np.ones(graph.n_edges, bool))
        factors = refine(E, of_scores(E, scores), EM_ROUNDS)
        return _Fit(factors, graph, E, self._description(factors, graph), candidates)

    def left_by(self, graph: SearchResult, scale: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """Return what some edges leave of the genes as they came, of whose scales factors left so much, ``(d, n)``."""
        s, t, Z = graph.source[kept], graph.target[kept], self.problem.data.Z
        weight = graph.weight[kept] * scale[t] / np.where(scale[s] > 0, scale[s], 1.0)
        left: np.ndarray = Z - sparse.csr_matrix((weight.astype(Z.dtype), (t, s)), shape=(len(Z), len(Z))) @ Z
        return left

    def left_by_better(self, graph: SearchResult) -> np.ndarray:
        """Return what a better graph without factors leaves of the genes: of hubs a first one misses targets."""
        more = rescreen(self.problem, self.candidates, graph, settings=self.settings.screen)
        better = search_once(self.problem, more, graph.order, settings=self.settings, seed=self.seed)
        return self.left_by(better, np.ones(better.n_genes), np.ones(better.n_edges, bool))

    def _description(self, factors: Factors, graph: SearchResult) -> float:
        n, L = self.problem.data.n_effective, factors.loadings
        unique = np.maximum(factors.unique, LEAST_VARIANCE)
        shares = L**2 / unique[:, None]
        _, determinant = np.linalg.slogdet(np.eye(L.shape[1]) + (L / unique[:, None]).T @ L)
        loadings = np.minimum(self.bar, n / 2 * np.log1p(shares)).sum()
        return float(n / 2 * (np.log(unique).sum() + determinant) + self.bar * graph.n_edges + loadings)

    def refined(self, now: _Fit) -> _Fit:
        """Go on in turn while that pays."""
        for _ in range(REFINED if len(now.factors.scores) else 0):
            self.order = now.graph.order
            new = self.fit(now.factors.drawn(self.seed), now.candidates)
            gain = now.description - new.description
            now = new if gain > 0 else now
            if gain < WORTH * self.bar:
                break
        self.order = now.graph.order
        return now

    def pruned(self, now: _Fit) -> _Fit:
        """Leave out the factors that bring least while that costs no more than their margin."""
        outer = self.order
        while len(now.factors.scores):
            self.order = now.graph.order
            turned = _to_sparse(now.factors)
            weakest = np.argsort(self.gains(turned).sum(axis=0), kind="stable")[:2]
            fewer = (self.fit(np.delete(turned.scores, k, axis=0), now.candidates) for k in weakest)
            kept = next((one for one in fewer if one.description < now.description + self.margin(now)), None)
            if kept is None:
                break
            now = kept
        self.order = outer
        return now

    def gains(self, factors: Factors) -> np.ndarray:
        """Nats that each loading brings beyond the price of an edge, ``(d, r)``."""
        squared, n = factors.loadings**2, self.problem.data.n_effective
        share = squared / (squared.sum(axis=1) + factors.unique)[:, None]
        gains: np.ndarray = np.maximum(-n / 2 * np.log(np.maximum(1.0 - share, LEAST_LEFT)) - self.bar, 0.0)
        return gains


def _shows_nothing(search: _Search, first: _Fit) -> bool:
    """Say whether no hidden cause of many genes can stand behind a graph without factors, so that none is looked for.

    Either it leaves a component beyond chance, or edges among its targets stand for it: nearly all of these are then
    joined to one another, and the ends of most such edges have several neighbors in common.
    """
    graph = first.graph
    among = common_neighbors(graph.source, graph.target, graph.n_genes) >= COMMON
    ends = (graph.source[among], graph.target[among])
    edges = sparse.coo_matrix((np.ones(len(ends[0])), ends), shape=(graph.n_genes, graph.n_genes))
    _, cluster = connected_components(edges, directed=False)
    if np.bincount(cluster).max(initial=0) >= LEAST_GENES:
        return False
    return not has_component(first.E) or not has_component(search.left_by_better(graph))


def _proposals(search: _Search, now: _Fit) -> list[np.ndarray]:
    """Return sets of scores to be added, with and without observed causes, of those that make a hidden cause likely.

    The hubs of a graph make factors of their own, so what clean hubs explain is taken out first.  Of a hub that stands
    in for a hidden cause the children are joined to one another; a clean one has few such edges.
    """
    E = standardized_rows(_without_hubs(search, now))
    components = principal(E, PROPOSED)
    if len(components.scores) == 0:
        return []
    left, _ = without_observed(refine(E, components, FIRST_ROUNDS))
    left = _to_sparse(of_scores(E, left.scores))  # what the directions left out explain is unexplained now
    sets = [one for one in (_to_sparse(components), left) if search.is_small or _is_hidden(search, search.gains(left))]
    return [_leading(search, one) for one in sets if _is_hidden(search, search.gains(one))]


def _to_sparse(factors: Factors) -> Factors:
    """Turn factors to sparse loadings."""
    return factors.turned(varimax(factors.loadings))


def _leading(search: _Search, factors: Factors) -> np.ndarray:
    gains = search.gains(factors)
    gain = np.where((gains > 0).sum(axis=0) >= LEAST_LOADED, gains.sum(axis=0), 0.0)
    return factors.scores[gain > LEADING * gain.max()]


def _least_gain(first: _Fit, *, is_small: bool) -> float:
    """Return the nats an observation that a factor must bring."""
    if is_small:
        return GAIN_OF_GENE * len(first.E)
    E = first.E[np.unique(first.graph.target)]  # of others nothing is explained, or nothing of them was drawn
    left = np.maximum(np.mean(np.square(E), axis=1), LEAST_VARIANCE)
    return min(LEAST_GAIN, OF_GRAPH * float(-0.5 * np.log(left).sum()))


def _is_hidden(search: _Search, gains: np.ndarray) -> bool:
    """Say whether a factor brings so much, and on so many genes, that it is worth a search."""
    least = search.problem.data.n_effective * search.least_gain
    return bool(np.any(((gains > 0).sum(axis=0) >= LEAST_GENES) & (gains.sum(axis=0) >= least)))


def _without_hubs(search: _Search, now: _Fit) -> np.ndarray:
    graph, d = now.graph, now.graph.n_genes
    A = sparse.csr_matrix((np.ones(graph.n_edges), (graph.source, graph.target)), shape=(d, d))
    children = np.asarray(A.sum(axis=1)).ravel()
    inside = np.asarray((A @ A).multiply(A).sum(axis=1)).ravel()  # edges between two children of each
    clean = (children >= CHILDREN) & (inside < JOINED * children)
    _, scale = search.without(now.factors.scores)
    return without_scores(search.left_by(graph, scale, clean[graph.source]), now.factors.scores)
