"""The road of models whose score decides directions: more candidates, a climb over DAGs, a second look, shakes.

Additive-noise models with curves or without a normal distribution are identifiable (Shimizu et al. 2006; Hoyer et al.
2009; Peters et al. 2014), so that no equivalence class is involved.  Which family is scored is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acyclome.core.contract import Family, Local
from acyclome.core.data.basis import own_standardized, screen_expanded
from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.core.data.search_result import SearchResult
from acyclome.core.graph.reach import leads_to
from acyclome.core.hill_climbing.climb import Climb, ClimbSettings
from acyclome.core.hill_climbing.perturb import shake
from acyclome.core.screening.screen import ScreenSettings, is_screened, symmetric
from acyclome.core.workers import run_blocks

BLOCK = 16
OPEN = 3.0  # log odds, 20 to 1, below which a direction is left open


@dataclass(frozen=True)
class JointSettings:
    """How to search with the local score of a family.

    Parameters
    ----------
    family
        The structural model.
    climb
        How far to climb.
    expanded
        Candidates per gene by the share of its variance that the terms of another gene explain.
    gamma
        Weight of ``log p`` per cause, as in the extended BIC.
    """

    family: Family
    climb: ClimbSettings
    expanded: int
    gamma: float


@dataclass(frozen=True)
class Priced:
    """A local score and what the choice of each cause among all genes costs, ``price`` ``(d,)``."""

    local: Local
    price: np.ndarray

    def scores(self, j: int, sets: np.ndarray) -> np.ndarray:
        """Score sets of causes of gene ``j``, ``(s, p) -> (s,)``."""
        return self.local.scores(j, sets) + self.price[j] * sets.shape[1]

    def promise(self, j: int, causes: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Say how promising each of ``others`` is, ``(len(others),)``."""
        return self.local.promise(j, causes, others)


def look_further(
    problem: Problem, candidates: Candidates, *, settings: JointSettings, screening: ScreenSettings
) -> Candidates:
    """Add the causes that explain most of each gene by their terms; in small networks all pairs are there."""
    basis = settings.family.expand(problem.data, problem.threads) if is_screened(problem, screening) else None
    if basis is None:
        return candidates
    responses = _own(problem.data)
    return _more(problem, candidates, basis, responses=responses, settings=settings, screening=screening)


def search_joint(
    problem: Problem,
    candidates: Candidates,
    start: np.ndarray,
    *,
    settings: JointSettings,
    screening: ScreenSettings,
    seed: int,
    rescreens: bool,
    guided: bool = False,
) -> tuple[SearchResult, Candidates]:
    """Climb from the empty graph, offer what explains the residuals, climb on, shake; return the DAG and candidates.

    Parameters
    ----------
    start
        ``(d,)`` a permutation of the genes; decides the order of genes that no path joins.
    guided
        The first climb keeps to ``start``.
    """
    data, threads = problem.data, problem.threads
    local = settings.family.prepare(data, seed, threads)
    score = Priced(local, settings.gamma * np.log(np.maximum(problem.constraints.n_allowed, 1.0)))
    climb = Climb(score, candidates, settings.climb, start, threads)
    climb.begin(np.zeros(candidates.n_edges, dtype=bool))
    if guided:
        climb.settle_along(start)
    climb.settle()
    if rescreens and is_screened(problem, screening):
        basis = data.Z[:, None].astype(np.float32, copy=False) if local.basis is None else local.basis
        rest = _residuals(climb, local, data)
        more = _more(problem, candidates, basis, responses=rest, settings=settings, screening=screening)
        candidates = climb.with_own(more)  # the limit knows correlations alone, and might have dropped a held edge
        climb = climb.moved_to(candidates)
        climb.settle()
    settled = float(climb.total.sum())
    rng = np.random.default_rng([seed, 1])
    for _ in range(settings.climb.rounds):
        shake(climb, rng)
    return _result(data, climb, score, settled=settled), candidates


def _more(
    problem: Problem,
    candidates: Candidates,
    basis: np.ndarray,
    *,
    responses: np.ndarray,
    settings: JointSettings,
    screening: ScreenSettings,
) -> Candidates:
    """Add the pairs found by terms of the causes, beyond the limit of the linear screening by as many."""
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


def _residuals(climb: Climb, local: Local, data: Moments) -> np.ndarray:
    """Take out what the parents explain of every gene, ``(d, n)`` float32; :func:`own_standardized`."""
    left = np.empty((data.n_genes, data.n_obs), dtype=np.float32)

    def block(a: int, b: int) -> None:
        for j in range(a, b):
            left[j] = own_standardized(local.residual(j, climb.causes(j))[None], data.interventions.of(j))[0]

    run_blocks(block, gene_blocks(len(left), BLOCK), climb.threads)
    return left


def _result(data: Moments, climb: Climb, score: Priced, *, settled: float) -> SearchResult:
    """Read the DAG off the climb: weights, log-likelihood that every edge carries, cost of turning it round."""
    held = np.flatnonzero(climb.held)
    source, target = climb.candidates.parent[held], climb.target[held]
    d, n, targeted = data.n_genes, data.n_obs, data.interventions.counts
    weight, residual = np.empty(len(held)), np.empty(d)

    def block(a: int, b: int) -> None:
        for j in range(a, b):
            causes = climb.causes(j)
            residual[j] = float(np.mean(score.local.residual(j, causes) ** 2)) * (n / (n - targeted[j]))
            weight[target == j] = score.local.weights(j, causes)

    run_blocks(block, gene_blocks(d, BLOCK), climb.threads)
    loss = score.price[target] - climb.gain[held]
    turned = np.array([climb.turning_loss(int(i), int(j)) for i, j in zip(source, target, strict=True)])
    free = np.array(
        [
            abs(lost) < OPEN and not leads_to(climb.graph, int(i), int(j), (int(i), int(j)))
            for i, j, lost in zip(source, target, turned, strict=True)
        ],
        dtype=bool,
    )
    return SearchResult(
        source=source,
        target=target,
        weight=weight,
        loss=loss,
        order=climb.topological(),
        residual=residual,
        score=float(climb.total.sum()),
        score_at_local_optimum=settled,
        reversal_loss=turned,
        reversible=free,
    )
