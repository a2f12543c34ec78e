"""Search by hill climbing, for models whose local score decides directions.

More candidates by terms, a climb over DAGs, rescreening by what it leaves, and perturbations.  Additive-noise models
with curves or without a normal distribution are identifiable (Shimizu et al. 2006; Hoyer et al. 2009; Peters et al.
2014), so that no equivalence class is involved.  Which model is scored is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from acyclome.core.contract import StructuralModel
from acyclome.core.data.basis import own_standardized, screen_expanded
from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.core.data.search_result import SearchResult
from acyclome.core.hill_climbing.climb import HillClimbing
from acyclome.core.hill_climbing.noisy_causes import explained_by_errors
from acyclome.core.hill_climbing.perturb import perturb
from acyclome.core.hill_climbing.reversals import weigh_reversals
from acyclome.core.hill_climbing.score import PenalizedScore
from acyclome.core.screening.screen import ScreenSettings, is_screened, symmetric
from acyclome.core.workers import run_blocks

BLOCK = 16  # genes that a thread takes in a row


@dataclass(frozen=True)
class Settings:
    """How to search with the local score of a model.

    ``shortlist`` most promising candidates of a gene are scored as additions; every gene is perturbed ``perturbations``
    times; ``expanded`` candidates per gene come by what the terms of another gene explain; ``gamma`` weighs ``log p``
    per parent, as in the extended BIC.  ``prunes``: edges are left out that an error in a common cause explains.
    """

    model: StructuralModel
    shortlist: int
    perturbations: int
    expanded: int
    gamma: float
    prunes: bool = False


def screen_by_terms(
    problem: Problem, candidates: Candidates, *, settings: Settings, screening: ScreenSettings
) -> Candidates:
    """Add the parents that explain most of each gene by their terms; in small networks all pairs are there."""
    basis = settings.model.expand(problem) if is_screened(problem, screening) else None
    if basis is None:
        return candidates
    return _more(problem, candidates, basis, responses=_own(problem.data), settings=settings, screening=screening)


def search(
    problem: Problem,
    candidates: Candidates,
    start: np.ndarray,
    *,
    settings: Settings,
    screening: ScreenSettings,
    seed: int,
    rescreens: bool,
    guided: bool = False,
) -> tuple[SearchResult, Candidates]:
    """Climb from the required edges, offer what explains the residuals, climb on, perturb; return DAG and candidates.

    ``start``, ``(d,)`` a permutation of the genes, decides the order of genes that no path joins, and if ``guided``
    which edges the first climb may take.
    """
    data = problem.data
    model = settings.model.prepare(problem, seed)
    score = PenalizedScore.on(problem, model, gamma=settings.gamma)
    start = problem.constraints.arrange(start)
    climb = HillClimbing(score, candidates, settings.shortlist, start, problem.constraints, problem.threads)
    climb.begin(climb.required)
    if guided:
        climb.run_along(start)
    climb.run_to_optimum()
    if rescreens and is_screened(problem, screening):
        basis = data.Z[:, None].astype(np.float32, copy=False) if model.basis is None else model.basis
        left = _residuals(climb, score, data)
        more = _more(problem, candidates, basis, responses=left, settings=settings, screening=screening)
        candidates = climb.with_selected(more)  # the limit knows correlations alone, and might have dropped an edge
        climb = climb.moved_to(candidates)
        climb.run_to_optimum()
    first = float(climb.total.sum())
    rng = np.random.default_rng([seed, 1])  # another stream than the model's, which has the seed alone
    for _ in range(settings.perturbations):
        perturb(climb, rng)
    n_edges = int(climb.selected.sum())
    if settings.prunes:
        climb = _pruned(climb, data)
    result = _result(data, climb, score, at_local_optimum=first)
    return replace(result, pruned=n_edges - result.n_edges), candidates


def _pruned(climb: HillClimbing, data: Moments) -> HillClimbing:
    """Leave out edges that an error in a common cause explains, and climb on among those left, either way round."""
    selected = np.flatnonzero(climb.selected)
    explained = explained_by_errors(
        data, climb.candidates.parent[selected], climb.target[selected], threads=climb.threads
    )
    dropped = selected[explained & ~climb.required[selected]]
    if len(dropped) == 0:
        return climb
    climb.uproot(dropped, int(climb.target[dropped[0]]))
    kept = np.flatnonzero(climb.selected)
    kept = np.concatenate([kept, climb.mirror[kept]])
    kept = kept[kept >= 0]
    pairs = climb.candidates.parent[kept], climb.target[kept]
    climb = climb.moved_to(Candidates.from_pairs(*pairs, climb.candidates.n_genes))
    climb.run_to_optimum()
    return climb


def _more(
    problem: Problem,
    candidates: Candidates,
    basis: np.ndarray,
    *,
    responses: np.ndarray,
    settings: Settings,
    screening: ScreenSettings,
) -> Candidates:
    """Add the pairs found by terms of the sources, beyond the limit of the linear screening by as many."""
    source, target = screen_expanded(problem, basis, responses, keep=settings.expanded, min_gain=screening.min_gain)
    limit = screening.max_candidates + settings.expanded
    source, target = np.concatenate([candidates.parent, source]), np.concatenate([candidates.target, target])
    return symmetric(problem, source, target, max_candidates=limit)


def _own(data: Moments) -> np.ndarray:
    """Return the genes as what is to be explained of them, ``(d, n)`` float32; :func:`own_standardized`."""
    Z, interventions = data.Z.astype(np.float32, copy=False), data.interventions
    if not interventions.any:
        return Z
    return np.concatenate([own_standardized(Z[j : j + 1], interventions.of(j)) for j in range(len(Z))])


def _residuals(climb: HillClimbing, score: PenalizedScore, data: Moments) -> np.ndarray:
    """Take out what the parents explain of every gene, ``(d, n)`` float32; :func:`own_standardized`."""
    left = np.empty((data.n_genes, data.n_obs), dtype=np.float32)

    def block(a: int, b: int) -> None:
        for j in range(a, b):
            residual = score.model.residual(j, score.fitted(j, climb.parents(j)))
            left[j] = own_standardized(residual[None], data.interventions.of(j))[0]

    run_blocks(block, gene_blocks(len(left), BLOCK), climb.threads)
    return left


def _result(data: Moments, climb: HillClimbing, score: PenalizedScore, *, at_local_optimum: float) -> SearchResult:
    """Read the DAG off the climb: weights, log-likelihood that every edge carries, cost of turning it round."""
    selected = np.flatnonzero(climb.selected)
    source, target = climb.candidates.parent[selected], climb.target[selected]
    weight, residual = np.zeros(len(selected)), np.ones(data.n_genes)
    n, targeted = data.n_obs, data.interventions.counts

    def block(a: int, b: int) -> None:
        for j in filter(score.has_equation, range(a, b)):
            parents = score.fitted(j, climb.parents(j))
            residual[j] = float(np.mean(score.model.residual(j, parents) ** 2)) * (n / (n - targeted[j]))
            weight[(target == j) & np.isin(source, parents)] = score.model.weights(j, parents)

    run_blocks(block, gene_blocks(data.n_genes, BLOCK), climb.threads)
    loss = -climb.gain[selected]
    for e in np.flatnonzero(np.isinf(loss)):  # without it a sign would be wrong
        j, parents = int(target[e]), climb.parents(int(target[e]))
        fewer = parents[parents != source[e]]
        loss[e] = score.unrestricted(j, fewer[None])[0] - score.unrestricted(j, parents[None])[0]
    reversals = weigh_reversals(climb, score, data, source=source, target=target)
    return SearchResult(
        source=source,
        target=target,
        weight=weight,
        loss=loss + score.cost_of(source, target),
        order=climb.topological(),
        residual=residual,
        score=float(climb.total.sum()),
        score_at_local_optimum=at_local_optimum,
        reversal_loss=reversals.loss,
        reversible=reversals.is_open,
        intervention_gain=reversals.by_intervention,
    )
