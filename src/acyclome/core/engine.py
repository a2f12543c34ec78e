"""The road through the core: screen, let the relaxation propose, let the order search decide.

Notebook, resamples, shards and the command line all take this road, so they give the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from acyclome.core.backend import OnThreads, Place
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.constraints import EdgeRules
from acyclome.core.data.dag import Dag
from acyclome.core.data.interventions import parent_spread
from acyclome.core.data.moments import Moments
from acyclome.core.directions.non_gaussian import turn_by_noise
from acyclome.core.hill_climbing.search import JointSettings, look_further, search_joint
from acyclome.core.order_search.search import ScoreSettings, build_pools, search_order
from acyclome.core.order_search.select import Pools
from acyclome.core.relaxation.relax import Relaxation, RelaxProblem, RelaxSettings, relax_data
from acyclome.core.screening.rescreen import grow
from acyclome.core.screening.screen import ScreenSettings, is_screened
from acyclome.models.linear.relaxation import Linear

THREADS = OnThreads()
LOOKS = 3  # at networks, from which candidates grow
WORTH = 0.5  # nats a gene that a look has to bring for another
SIGMA_ROUNDS = 5
SIGMA_TOL = 1e-3


@dataclass(frozen=True)
class EngineSettings:
    """What to look for and how: settings of each part, and whether candidates grow after a first network.

    ``n_causes`` is the number of possible causes in the whole network, where the genes at hand are only a shard of it;
    ``rules`` is what is known of the edges beforehand; ``joint`` is how nonlinear models search, None where it is
    linear; ``turns`` lets noise that is not Gaussian turn edges within the equivalence class.
    """

    screen: ScreenSettings
    relax: RelaxSettings | None
    score: ScoreSettings
    grows: bool
    n_causes: int | None = None
    rules: EdgeRules | None = None
    joint: JointSettings | None = None
    turns: bool = False


def look(
    moments: Moments, settings: EngineSettings, causes: np.ndarray, threads: int, place: Place = THREADS
) -> Candidates:
    """Screen: return the candidate edges."""
    found = place.screen(moments, settings.screen, causes, threads, settings.rules)
    if settings.joint is None:
        return found
    return look_further(moments, found, settings.joint, settings.screen, causes, threads, settings.rules)


def propose(
    moments: Moments,
    candidates: Candidates,
    settings: EngineSettings,
    causes: np.ndarray,
    seed: int,
    threads: int,
    place: Place = THREADS,
) -> tuple[np.ndarray, Relaxation | None]:
    """Return an order to start from, ``(d,)``: that of the relaxation, or a seeded random one without it."""
    return propose_together([(moments, candidates, causes)], settings, seed, threads, place)[0]


def propose_together(
    networks: Sequence[tuple[Moments, Candidates, np.ndarray]],
    settings: EngineSettings,
    seed: int,
    threads: int,
    place: Place,
) -> list[tuple[np.ndarray, Relaxation | None]]:
    """Return what :func:`propose` does for moments, candidates and causes of some networks, relaxed in one call."""
    ties = [np.random.default_rng(seed).permutation(m.n_genes).astype(np.int32) for m, *_ in networks]
    if settings.relax is None:
        return [(tie, None) for tie in ties]
    if not isinstance(settings.relax.sem, Linear):
        found = [
            relax_data(m.Z, candidates, settings.relax, tie, seed=seed, device=place.device, threads=threads)
            for (m, candidates, _), tie in zip(networks, ties, strict=True)
        ]
        return [(one.order, one) for one in found]
    problems = []
    for (m, candidates, causes), tie in zip(networks, ties, strict=True):
        pools = _pools(m, candidates, replace(settings, rules=None), causes, None, threads)
        problems.append(RelaxProblem(pools, candidates, _gene_weight(m, settings), tie))
    return [(one.order, one) for one in place.relax(problems, settings.relax, threads)]


def _gene_weight(moments: Moments, settings: EngineSettings) -> np.ndarray:
    """Weight of each gene's loss, ``(d,)``: its variance where noise is equal, its share of own observations."""
    equal = settings.score.equal_noise
    weight = moments.scale**2 / np.mean(moments.scale**2) if equal else np.ones(moments.n_genes)
    return np.maximum(weight * moments.n_own / moments.n_effective, 1e-12)


def decide(
    moments: Moments,
    candidates: Candidates,
    start: np.ndarray,
    settings: EngineSettings,
    causes: np.ndarray,
    seed: int,
    threads: int,
) -> tuple[Dag, Candidates]:
    """Search the order from ``start``, let the candidates grow, search on; return the DAG and the final candidates."""
    if settings.joint is not None:
        return _climb(moments, candidates, start, settings.joint, settings, causes, seed, threads)
    dag = None
    if settings.grows and is_screened(moments, settings.screen):
        dag, candidates = _grown(moments, candidates, start, settings, causes, seed, threads)
        start = dag.order
    if dag is None or settings.score.rounds:
        _, second = np.random.SeedSequence(seed).generate_state(2)
        dag = _search(moments, candidates, start, settings, causes, int(second), threads)
    return turn_by_noise(moments, dag, may_turn(dag, settings.rules, causes)) if settings.turns else dag, candidates


def _grown(
    moments: Moments,
    candidates: Candidates,
    start: np.ndarray,
    settings: EngineSettings,
    causes: np.ndarray,
    seed: int,
    threads: int,
) -> tuple[Dag, Candidates]:
    """Let the candidates grow from a first network, and again from the better one that this gives while it pays.

    A hub that the first network misses, for want of candidates, is offered to its other children by the second only.
    """
    dag = settle(moments, candidates, start, settings, causes, seed, threads)
    for _ in range(LOOKS):
        more = grow(moments, candidates, dag, settings.screen, causes, threads, settings.rules)
        found = settle(moments, more, dag.order, settings, causes, seed, threads)
        paid = dag.score - found.score
        if paid >= 0.0:
            dag, candidates = found, more
        if paid < WORTH * moments.n_genes:
            break
    return dag, candidates


def may_turn(dag: Dag, rules: EdgeRules | None, causes: np.ndarray) -> np.ndarray:
    """Say of every edge whether nothing known beforehand speaks on its direction, ``(m,)`` bool."""
    free: np.ndarray = causes[dag.target]
    return free if rules is None else free & rules.leave_open(dag.source, dag.target)


def settle(
    moments: Moments,
    candidates: Candidates,
    start: np.ndarray,
    settings: EngineSettings,
    causes: np.ndarray,
    seed: int,
    threads: int,
) -> Dag:
    """Search the order from ``start`` once, without shaking: the first network, from which candidates grow."""
    if settings.joint is not None:
        joint = replace(settings.joint, climb=replace(settings.joint.climb, rounds=0))
        return _climb(moments, candidates, start, joint, replace(settings, grows=False), causes, seed, threads)[0]
    first, _ = np.random.SeedSequence(seed).generate_state(2)
    quick = replace(settings, score=replace(settings.score, rounds=0))
    return _search(moments, candidates, start, quick, causes, int(first), threads)


def _search(
    moments: Moments,
    candidates: Candidates,
    start: np.ndarray,
    settings: EngineSettings,
    causes: np.ndarray,
    seed: int,
    threads: int,
) -> Dag:
    """One search; with equal noise the common variance is found first, by searches that are not shaken."""
    score = settings.score
    start = start if settings.rules is None else settings.rules.arrange(start)
    if not score.equal_noise:
        pools = _pools(moments, candidates, settings, causes, None, threads)
        return _in_own_units(moments, search_order(pools, candidates, start, score, seed, threads))
    quick = replace(score, rounds=0)
    sigma2 = float(np.median(moments.scale[moments.scale > 0] ** 2))
    for _ in range(SIGMA_ROUNDS):
        pools = _pools(moments, candidates, settings, causes, moments.scale**2 / sigma2, threads)
        dag = search_order(pools, candidates, start, quick, seed, threads)
        fitted = _common_variance(moments, dag)
        start = dag.order
        if abs(fitted - sigma2) <= SIGMA_TOL * sigma2:
            break
        sigma2 = fitted
    dag = search_order(pools, candidates, start, score, seed, threads) if score.rounds else dag
    scale = 0.5 * np.log(sigma2) * float(np.sum(moments.n_own))  # without it scores of two variances do not compare
    dag = replace(dag, score=dag.score + scale, settled_score=dag.settled_score + scale)
    return _in_own_units(moments, dag)


def _common_variance(moments: Moments, dag: Dag) -> float:
    """Return ``sigma^2 = sum_j rss_j / sum_j n_j``."""
    return moments.mean_over_genes(moments.scale**2 * dag.rest)


def _in_own_units(moments: Moments, dag: Dag) -> Dag:
    """Express weights per standard deviation of the source over its own observations, not over those of the target."""
    seen = parent_spread(moments.Z, moments.interventions, dag.source, dag.target)
    return replace(dag, weight=dag.weight * moments.own_scale[dag.source] / np.where(seen > 0, seen, 1.0))


def _climb(
    moments: Moments,
    candidates: Candidates,
    start: np.ndarray,
    joint: JointSettings,
    settings: EngineSettings,
    causes: np.ndarray,
    seed: int,
    threads: int,
) -> tuple[Dag, Candidates]:
    return search_joint(
        moments,
        candidates,
        start,
        joint,
        settings.screen,
        causes,
        _n_allowed(settings, causes),
        seed,
        threads,
        grows=settings.grows,
        guided=settings.relax is not None,
        rules=settings.rules,
    )


def _n_allowed(settings: EngineSettings, causes: np.ndarray) -> np.ndarray:
    """Size of the pool that the causes of each gene come from, ``(d,)``."""
    found: np.ndarray = (causes.sum() if settings.n_causes is None else settings.n_causes) - causes.astype(float)
    return found


def _pools(
    moments: Moments,
    candidates: Candidates,
    settings: EngineSettings,
    causes: np.ndarray,
    variance: np.ndarray | None,
    threads: int,
) -> Pools:
    own, allowed, score = moments.n_own, _n_allowed(settings, causes), settings.score
    return build_pools(
        moments, candidates, own, allowed, score.gamma, threads, variance, settings.rules, score.non_gaussian
    )
