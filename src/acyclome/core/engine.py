"""The road through the core: screen, let the relaxation propose, let the order search decide.

Notebook, resamples, shards and the command line all take this road, so they give the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from acyclome.core.grow import grow
from acyclome.core.joint import JointSettings, look_further, search_joint
from acyclome.core.layout import Candidates
from acyclome.core.moments import Moments
from acyclome.core.order import Dag, ScoreSettings, build_pools, search_order
from acyclome.core.relax import Deal, Relaxation, RelaxSettings, relax, relax_mlp
from acyclome.core.screen import ScreenSettings, is_screened, screen
from acyclome.core.select import Pools
from acyclome.core.sem.mlp import Mlp

SIGMA_ROUNDS = 5
SIGMA_TOL = 1e-3


@dataclass(frozen=True)
class EngineSettings:
    """What to look for and how: settings of each part, and whether candidates grow after a first network.

    ``n_causes`` is the number of possible causes in the whole network, where the genes at hand are only a shard of it;
    ``joint`` is how nonlinear models search, None for the linear one; ``device`` is where networks are fitted.
    """

    screen: ScreenSettings
    relax: RelaxSettings | None
    score: ScoreSettings
    grows: bool
    n_causes: int | None = None
    joint: JointSettings | None = None
    device: str = "cpu"


def look(moments: Moments, settings: EngineSettings, causes: np.ndarray, threads: int) -> Candidates:
    """Screen: return the candidate edges."""
    found = screen(moments, settings.screen, causes, threads)
    if settings.joint is None:
        return found
    return look_further(moments, found, settings.joint, settings.screen, causes, threads)


def propose(
    moments: Moments, candidates: Candidates, settings: EngineSettings, causes: np.ndarray, seed: int, threads: int,
    deal: Deal | None = None,
) -> tuple[np.ndarray, Relaxation | None]:  # fmt: skip
    """Return an order to start from, ``(d,)``: that of the relaxation, or a seeded random one without it.

    Parameters
    ----------
    deal
        Deals the genes out to workers, see :func:`relax`.
    """
    tie = np.random.default_rng(seed).permutation(moments.n_genes).astype(np.int32)
    if settings.relax is None:
        return tie, None
    if isinstance(settings.relax.sem, Mlp):
        found = relax_mlp(
            moments.Z, candidates, settings.relax, tie, seed=seed, device=settings.device, threads=threads
        )
        return found.order, found
    pools = _pools(moments, candidates, settings, causes, None, threads)
    weight = moments.scale**2 / np.mean(moments.scale**2) if settings.score.equal_noise else np.ones(len(tie))
    found = relax(pools, candidates, settings.relax, np.maximum(weight, 1e-12), tie, threads, deal)
    return found.order, found


def decide(
    moments: Moments, candidates: Candidates, start: np.ndarray, settings: EngineSettings, causes: np.ndarray,
    seed: int, threads: int,
) -> tuple[Dag, Candidates]:  # fmt: skip
    """Search the order from ``start``, let the candidates grow, search on; return the DAG and the final candidates."""
    if settings.joint is not None:
        return _climb(moments, candidates, start, settings.joint, settings, causes, seed, threads)
    if settings.grows and is_screened(moments, settings.screen):
        dag = settle(moments, candidates, start, settings, causes, seed, threads)
        candidates = grow(moments, candidates, dag, settings.screen, causes, threads)
        start = dag.order
    _, second = np.random.SeedSequence(seed).generate_state(2)
    return _search(moments, candidates, start, settings, causes, int(second), threads), candidates


def settle(
    moments: Moments, candidates: Candidates, start: np.ndarray, settings: EngineSettings, causes: np.ndarray,
    seed: int, threads: int,
) -> Dag:  # fmt: skip
    """Search the order from ``start`` once, without shaking: the first network, from which candidates grow."""
    if settings.joint is not None:
        joint = replace(settings.joint, climb=replace(settings.joint.climb, rounds=0))
        return _climb(moments, candidates, start, joint, replace(settings, grows=False), causes, seed, threads)[0]
    first, _ = np.random.SeedSequence(seed).generate_state(2)
    quick = replace(settings, score=replace(settings.score, rounds=0))
    return _search(moments, candidates, start, quick, causes, int(first), threads)


def _search(
    moments: Moments, candidates: Candidates, start: np.ndarray, settings: EngineSettings, causes: np.ndarray,
    seed: int, threads: int,
) -> Dag:  # fmt: skip
    """One search; with equal noise the common variance is found first, by searches that are not shaken."""
    score = settings.score
    if not score.equal_noise:
        return search_order(
            _pools(moments, candidates, settings, causes, None, threads), candidates, start, score, seed, threads
        )
    quick = replace(score, rounds=0)
    sigma2 = float(np.median(moments.scale[moments.scale > 0] ** 2))
    for _ in range(SIGMA_ROUNDS):
        pools = _pools(moments, candidates, settings, causes, moments.scale**2 / sigma2, threads)
        dag = search_order(pools, candidates, start, quick, seed, threads)
        fitted = float(np.mean(moments.scale**2 * dag.rest))
        start = dag.order
        if abs(fitted - sigma2) <= SIGMA_TOL * sigma2:
            break
        sigma2 = fitted
    return search_order(pools, candidates, start, score, seed, threads) if score.rounds else dag


def _climb(
    moments: Moments, candidates: Candidates, start: np.ndarray, joint: JointSettings, settings: EngineSettings,
    causes: np.ndarray, seed: int, threads: int,
) -> tuple[Dag, Candidates]:  # fmt: skip
    return search_joint(
        moments, candidates, start, joint, settings.screen, causes, _n_allowed(settings, causes), seed, threads,
        grows=settings.grows, guided=settings.relax is not None,
    )  # fmt: skip


def _n_allowed(settings: EngineSettings, causes: np.ndarray) -> np.ndarray:
    """Size of the pool that the causes of each gene come from, ``(d,)``."""
    found: np.ndarray = (causes.sum() if settings.n_causes is None else settings.n_causes) - causes.astype(float)
    return found


def _pools(
    moments: Moments, candidates: Candidates, settings: EngineSettings, causes: np.ndarray,
    variance: np.ndarray | None, threads: int,
) -> Pools:  # fmt: skip
    n_obs = np.full(moments.n_genes, moments.n_effective)
    allowed = _n_allowed(settings, causes)
    return build_pools(moments, candidates, n_obs, allowed, settings.score.gamma, threads, variance)
