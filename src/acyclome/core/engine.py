"""The way through the core: screen, let the relaxation propose an order, search from there.

Notebook, resamples, shards and the command line all go this way, so they give the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from acyclome.core.data.candidates import Candidates
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.core.data.search_result import SearchResult
from acyclome.core.directions.non_gaussian import turn_by_noise
from acyclome.core.hill_climbing import search as hill_climbing
from acyclome.core.hill_climbing.noisy_causes import explained_by_errors
from acyclome.core.measurement.refine import is_refined, refine
from acyclome.core.order_search.gram_blocks import ScoreSettings, build_blocks
from acyclome.core.order_search.search import search_order
from acyclome.core.relaxation.decide import search_result
from acyclome.core.relaxation.relax import Network, Relaxation, RelaxSettings, relax_networks
from acyclome.core.screening.rescreen import rescreen
from acyclome.core.screening.screen import ScreenSettings, is_screened

RESCREENS = 3  # at most: each costs a search
WORTH = 0.5  # nats a gene that a rescreening has to bring for another; as it was first written
SIGMA_ROUNDS = 5  # of fitting the common variance, each of which costs a search
SIGMA_TOL = 1e-3  # of it; its standard error is as large with 2 million values


@dataclass(frozen=True)
class EngineSettings:
    """What to look for and how; ``relax`` and ``climbing`` are None where they do not run.

    ``rescreens`` has a first network offer more candidates; ``prunes`` leave out what an error in a common cause
    explains, once an order is found; ``turns`` noise that is not Gaussian turn edges within the equivalence class.
    """

    screen: ScreenSettings
    relax: RelaxSettings | None
    score: ScoreSettings
    rescreens: bool
    search: Literal["order_search", "hill_climbing", "relaxation"] = "order_search"
    climbing: hill_climbing.Settings | None = None
    prunes: bool = False
    turns: bool = False


def screen(problem: Problem, settings: EngineSettings, *, known: Candidates | None = None) -> Candidates:
    """Find candidate edges; ``known`` are those that the screening for lines would find, if it was done already."""
    candidates = known or problem.backend.screen(problem, settings.screen)
    if settings.climbing is None:
        return candidates
    return hill_climbing.screen_by_terms(problem, candidates, settings=settings.climbing, screening=settings.screen)


def relax(
    problem: Problem, candidates: Candidates, settings: EngineSettings, *, seed: int
) -> tuple[np.ndarray, Relaxation | None]:
    """Return an order to start from, ``(d,)``: that of the relaxation, or a seeded random one without it."""
    return relax_together([(problem, candidates)], settings, seed=seed)[0]


def relax_together(
    problems: Sequence[tuple[Problem, Candidates]], settings: EngineSettings, *, seed: int
) -> list[tuple[np.ndarray, Relaxation | None]]:
    """Return what :func:`relax` does for some problems on one backend, relaxed in one call."""
    ties = [np.random.default_rng(seed).permutation(problem.n_genes).astype(np.int32) for problem, _ in problems]
    if settings.relax is None or settings.search == "relaxation":  # which runs when it decides, and once is enough
        return [(tie, None) for tie in ties]
    networks = [Network(*network, tie) for network, tie in zip(problems, ties, strict=True)]
    return [(one.order, one) for one in relax_networks(networks, settings.relax, seed=seed)]


def search(
    problem: Problem, candidates: Candidates, start: np.ndarray, *, settings: EngineSettings, seed: int
) -> tuple[SearchResult, Candidates]:
    """Search from the order ``start``, let the candidates grow, search on; return the DAG and the final candidates."""
    if settings.search == "hill_climbing":
        return _climb(problem, candidates, start, settings=settings, seed=seed)
    if settings.search == "relaxation":
        return _relax_to_the_end(problem, candidates, settings=settings, seed=seed), candidates
    result = None
    if settings.rescreens and is_screened(problem, settings.screen):
        result, candidates = _rescreened(problem, candidates, start, settings=settings, seed=seed)
        start = result.order
    if result is None or settings.score.rounds:
        _, second = np.random.SeedSequence(seed).generate_state(2)
        result = _search_order(problem, candidates, start, score=settings.score, seed=int(second))
    if is_refined(problem.data):
        result = refine(
            problem, result, gamma=settings.score.gamma, search=partial(_anew, settings=settings, seed=seed)
        )
    if settings.prunes:
        result = _pruned(problem, result, score=settings.score, seed=seed)
    return turn_by_noise(problem, result) if settings.turns else result, candidates


def _anew(problem: Problem, start: np.ndarray, *, settings: EngineSettings, seed: int) -> SearchResult:
    """Search on other moments of the same genes, with candidates of their own."""
    return search(problem, screen(problem, settings), start, settings=settings, seed=seed)[0]


def _rescreened(
    problem: Problem, candidates: Candidates, start: np.ndarray, *, settings: EngineSettings, seed: int
) -> tuple[SearchResult, Candidates]:
    """Rescreen with a first network, and again with the better one that this gives while it pays.

    A hub that the first network misses, for want of candidates, is offered to its other children by the second only.
    """
    result = search_once(problem, candidates, start, settings=settings, seed=seed)
    for _ in range(RESCREENS):
        more = rescreen(problem, candidates, result, settings=settings.screen)
        better = search_once(problem, more, result.order, settings=settings, seed=seed)
        gain = result.score - better.score
        if gain >= 0.0:  # more candidates may lead to a worse local optimum
            result, candidates = better, more
        if gain < WORTH * problem.n_genes:
            break
    return result, candidates


def search_once(
    problem: Problem, candidates: Candidates, start: np.ndarray, *, settings: EngineSettings, seed: int
) -> SearchResult:
    """Search from ``start`` to a first local optimum: the network by which candidates are screened again."""
    if settings.search == "relaxation":
        return _relax_to_the_end(problem, candidates, settings=settings, seed=seed)
    if settings.climbing is not None:
        quick = replace(settings, climbing=replace(settings.climbing, perturbations=0), rescreens=False)
        return _climb(problem, candidates, start, settings=quick, seed=seed)[0]
    first, _ = np.random.SeedSequence(seed).generate_state(2)
    return _search_order(problem, candidates, start, score=replace(settings.score, rounds=0), seed=int(first))


def _relax_to_the_end(problem: Problem, candidates: Candidates, *, settings: EngineSettings, seed: int) -> SearchResult:
    if settings.relax is None:
        msg = "The relaxation decides, and there is none; expected its settings."
        raise ValueError(msg)
    tie = np.random.default_rng(seed).permutation(problem.n_genes).astype(np.int32)
    network = Network(problem, candidates, tie)
    (relaxation,) = relax_networks([network], settings.relax, seed=seed)
    local = None if settings.climbing is None else settings.climbing.model.prepare(problem, seed)
    return search_result(network, relaxation, settings=settings.relax, gamma=settings.score.gamma, local=local)


def _search_order(
    problem: Problem, candidates: Candidates, start: np.ndarray, *, score: ScoreSettings, seed: int
) -> SearchResult:
    """Search once; with equal noise the common variance is found first, by searches to a first local optimum."""
    data, start = problem.data, problem.constraints.arrange(start)
    find = partial(search_order, candidates=candidates, seed=seed, threads=problem.threads)
    if not score.equal_noise:
        blocks = build_blocks(problem, candidates, score=score)
        return _in_own_units(data, find(blocks, start=start, rounds=score.rounds))
    sigma2 = float(np.median(data.scale[data.scale > 0] ** 2))  # too large, as genes vary by their parents too
    for _ in range(SIGMA_ROUNDS):
        blocks = build_blocks(problem, candidates, score=score, variance=data.scale**2 / sigma2)
        result = find(blocks, start=start, rounds=0)
        fitted = data.mean_over_genes(data.scale**2 * result.residual)  # sum of rss over sum of n
        start = result.order
        if abs(fitted - sigma2) <= SIGMA_TOL * sigma2:
            break
        sigma2 = fitted
    if score.rounds:
        result = find(blocks, start=start, rounds=score.rounds)
    scale = 0.5 * np.log(sigma2) * float(np.sum(data.n_own))  # without it scores of two variances do not compare
    result = replace(result, score=result.score + scale, score_at_local_optimum=result.score_at_local_optimum + scale)
    return _in_own_units(data, result)


def _pruned(problem: Problem, result: SearchResult, *, score: ScoreSettings, seed: int) -> SearchResult:
    """Leave out edges that an error in a common cause explains, and search on among those left, either way round."""
    dropped = explained_by_errors(problem.data, result.source, result.target, threads=problem.threads)
    if not dropped.any():
        return result
    source, target = result.source[~dropped], result.target[~dropped]
    pairs = np.concatenate([source, target]), np.concatenate([target, source])
    left = problem.constraints.apply(Candidates.from_pairs(*pairs, problem.n_genes))  # required ones come back
    found = _search_order(problem, left, result.order, score=replace(score, rounds=0), seed=seed)
    return replace(found, pruned=result.n_edges - found.n_edges)


def _in_own_units(data: Moments, result: SearchResult) -> SearchResult:
    return replace(result, weight=data.per_own_scale(result.weight, source=result.source, target=result.target))


def _climb(
    problem: Problem, candidates: Candidates, start: np.ndarray, *, settings: EngineSettings, seed: int
) -> tuple[SearchResult, Candidates]:
    if settings.climbing is None:
        msg = "Hill climbing decides, and there is no local score; expected settings of the hill climbing."
        raise ValueError(msg)
    return hill_climbing.search(
        problem,
        candidates,
        start,
        settings=settings.climbing,
        screening=settings.screen,
        seed=seed,
        rescreens=settings.rescreens,
        guided=settings.relax is not None,
    )
