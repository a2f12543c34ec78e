"""The road through the core: screen, let the relaxation propose, let the order search decide.

Notebook, resamples, shards and the command line all take this road, so they give the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acyclome.core.grow import grow
from acyclome.core.layout import Candidates
from acyclome.core.moments import Moments
from acyclome.core.order import Dag, ScoreSettings, build_pools, search_order
from acyclome.core.relax import Relaxation, RelaxSettings, relax
from acyclome.core.screen import ScreenSettings, is_screened, screen
from acyclome.core.select import Pools

SIGMA_ROUNDS = 5
SIGMA_TOL = 1e-3


@dataclass(frozen=True)
class EngineSettings:
    """What to look for and how: settings of each part, and whether candidates grow after a first network."""

    screen: ScreenSettings
    relax: RelaxSettings | None
    score: ScoreSettings
    grows: bool


def look(moments: Moments, settings: EngineSettings, causes: np.ndarray, threads: int) -> Candidates:
    """Screen: return the candidate edges."""
    return screen(moments, settings.screen, causes, threads)


def propose(
    moments: Moments, candidates: Candidates, settings: EngineSettings, causes: np.ndarray, seed: int, threads: int
) -> tuple[np.ndarray, Relaxation | None]:
    """Return an order to start from, ``(d,)``: that of the relaxation, or a seeded random one without it."""
    tie = np.random.default_rng(seed).permutation(moments.n_genes).astype(np.int32)
    if settings.relax is None:
        return tie, None
    pools = _pools(moments, candidates, settings.score, causes, None, threads)
    weight = moments.scale**2 / np.mean(moments.scale**2) if settings.score.equal_noise else np.ones(len(tie))
    found = relax(pools, candidates, settings.relax, np.maximum(weight, 1e-12), tie, threads)
    return found.order, found


def decide(
    moments: Moments, candidates: Candidates, start: np.ndarray, settings: EngineSettings, causes: np.ndarray,
    seed: int, threads: int,
) -> tuple[Dag, Candidates]:  # fmt: skip
    """Search the order from ``start``, let the candidates grow, search on; return the DAG and the final candidates."""
    first, second = np.random.SeedSequence(seed).generate_state(2)
    if settings.grows and is_screened(moments, settings.screen):
        quick = ScoreSettings(settings.score.equal_noise, settings.score.gamma, rounds=0)
        dag = _search(moments, candidates, start, quick, causes, int(first), threads)
        candidates = grow(moments, candidates, dag, settings.screen, causes, threads)
        start = dag.order
    return _search(moments, candidates, start, settings.score, causes, int(second), threads), candidates


def _search(
    moments: Moments, candidates: Candidates, start: np.ndarray, score: ScoreSettings, causes: np.ndarray, seed: int,
    threads: int,
) -> Dag:  # fmt: skip
    """One search; with equal noise the common variance is found first, by searches that are not shaken."""
    if not score.equal_noise:
        return search_order(
            _pools(moments, candidates, score, causes, None, threads), candidates, start, score, seed, threads
        )
    quick = ScoreSettings(True, score.gamma, rounds=0)
    sigma2 = float(np.median(moments.scale[moments.scale > 0] ** 2))
    for _ in range(SIGMA_ROUNDS):
        pools = _pools(moments, candidates, score, causes, moments.scale**2 / sigma2, threads)
        dag = search_order(pools, candidates, start, quick, seed, threads)
        fitted = float(np.mean(moments.scale**2 * dag.rest))
        start = dag.order
        if abs(fitted - sigma2) <= SIGMA_TOL * sigma2:
            break
        sigma2 = fitted
    return search_order(pools, candidates, start, score, seed, threads) if score.rounds else dag


def _pools(
    moments: Moments, candidates: Candidates, score: ScoreSettings, causes: np.ndarray, variance: np.ndarray | None,
    threads: int,
) -> Pools:  # fmt: skip
    d = moments.n_genes
    n_obs = np.full(d, moments.n_effective)
    return build_pools(moments, candidates, n_obs, causes.sum() - causes.astype(float), score.gamma, threads, variance)
