"""Order search: from candidates and correlations to a DAG whose order is its certificate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.interventions import own_blocks
from acyclome.core.data.problem import Problem
from acyclome.core.data.search_result import SearchResult
from acyclome.core.kernel import kernel
from acyclome.core.order_search.cache import new_memo
from acyclome.core.order_search.moves import Scratch, initialize, settle
from acyclome.core.order_search.negentropy import least_gain
from acyclome.core.order_search.perturb import CHUNK, Lanes
from acyclome.core.order_search.select import GENE, MAX_PARENTS, PATH, Pools, coefficients, new_work, removal_loss
from acyclome.core.order_search.state import Neighbors, State
from acyclome.core.workers import run_blocks

BLOCK = 256
MAX_MOVES = 40
TINY = 1e-300
BATCHES = 64  # of shakes tried at once, in a round
MOVES, SAVED = 256, 1024  # that one shake may make and touch


@dataclass(frozen=True)
class ScoreSettings:
    """What is minimized.

    Parameters
    ----------
    equal_noise
        One noise variance for all genes instead of one each.
    gamma
        Weight of ``log p`` in the extended BIC.
    rounds
        How often the neighborhood of every gene is shaken.
    non_gaussian
        Noise that is measurably not Gaussian counts with its own log-likelihood.
    """

    equal_noise: bool
    gamma: float
    rounds: int
    non_gaussian: bool = False


def build_pools(
    problem: Problem, candidates: Candidates, *, score: ScoreSettings, variance: np.ndarray | None = None
) -> Pools:
    """Gather each gene's block of correlations, ``sum_j k_j^2`` float64, and its thresholds.

    Parameters
    ----------
    variance
        ``(d,)`` variance of each gene over the common noise variance, for the score with equal noise.
    """
    data, constraints, threads = problem.data, problem.constraints, problem.threads
    counts = candidates.counts
    offset = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts.astype(np.int64) ** 2, out=offset[1:])
    gram = np.empty(offset[-1])
    cross = data.pairs(candidates.parent, candidates.target).astype(np.float64)

    def gather(a: int, b: int) -> None:
        if data.R is not None:
            _gather(data.R, candidates.indptr, candidates.parent, offset, gram, a, b)
            return
        for j in range(a, b):
            block = data.among(candidates.parent[candidates.indptr[j] : candidates.indptr[j + 1]])
            gram[offset[j] : offset[j + 1]] = block.ravel()

    run_blocks(gather, gene_blocks(len(counts), BLOCK), threads)
    gene = np.zeros(len(counts), dtype=GENE)
    gene["start"], gene["offset"], gene["width"] = candidates.indptr[:-1], offset[:-1], counts
    gene["row"] = np.arange(len(counts))
    if (done := data.interventions).any:
        run_blocks(
            lambda a, b: own_blocks(gene, candidates.parent, cross, gram, data.Z, done.indptr, done.row, a, b),
            gene_blocks(len(counts), BLOCK),
            threads,
        )
    n_obs = data.n_own
    gene["penalty"] = 0.5 * np.log(n_obs) + score.gamma * np.log(np.maximum(constraints.n_allowed, 1))
    gene["factor"] = n_obs / 2.0 if variance is None else n_obs / 2.0 * variance
    share = gene["penalty"] / np.maximum(gene["factor"], TINY)
    gene["drop"] = 1.0 - np.exp(-share) if variance is None else share
    known = constraints.on(candidates)
    gene["is_constrained"][candidates.target[known["kind"] > 0]] = 1
    requires = bool(len(constraints.required))
    Z = data.Z.astype(np.float32, copy=False) if score.non_gaussian else np.empty((0, 0), np.float32)
    least = least_gain(data.n_effective, data.n_genes)
    return Pools(gene, candidates.parent, cross, gram, variance is None, known, requires, Z, least)


@kernel
def _gather(R, indptr, parent, offset, gram, first, last):
    for j in range(first, last):
        a, m = indptr[j], indptr[j + 1] - indptr[j]
        at = offset[j]
        for x in range(m):
            row = R[parent[a + x]]
            for y in range(m):
                gram[at + x * m + y] = row[parent[a + y]]


def search_order(
    pools: Pools, candidates: Candidates, start: np.ndarray, *, rounds: int, seed: int, threads: int = 1
) -> SearchResult:
    """Improve the order ``start`` until no gene has a better place, then shake and settle.

    Parameters
    ----------
    start
        ``(d,)`` a permutation of the genes, first to last.
    rounds
        How often the neighborhood of every gene is shaken.
    threads
        How many shakes are tried at once; the result does not depend on it.

    Notes
    -----
    Score: ``sum_j n_j/2 log(rss_j/n_j) + s_j (log(n_j)/2 + gamma log p_j)``, the extended BIC (Chen and Chen 2008) over
    orders; single-gene moves to the best place as in Teyssier and Koller (2005) and Andrews et al. (2023, BOSS).
    """
    d = candidates.n_genes
    rng = np.random.default_rng(seed)
    rng_state = rng.integers(0, 2**63, size=1).astype(np.uint64)
    kids = Neighbors(*candidates.children)
    state, room = _new_state(start, candidates, rng.permutation(d)), _new_scratch(candidates, pools.Z.shape[1])
    initialize(state, pools, room.work)
    _settle_all(state, pools, kids, room, rng_state, MAX_MOVES * d)
    settled = float(state.path["score"].sum())
    genes = np.concatenate([rng.permutation(d) for _ in range(rounds)] or [np.empty(0, np.int64)])
    seeds = rng.integers(0, 2**63, size=len(genes)).astype(np.uint64)
    copies = (
        [(_copied(state), _new_scratch(candidates, pools.Z.shape[1])) for _ in range(threads - 1)] if rounds else []
    )
    lanes = Lanes(state, room, copies)
    for a, b in gene_blocks(len(genes), max(d // BATCHES, min(4 * CHUNK, d // 16), 1)):
        lanes.shake(genes[a:b], seeds[a:b], pools, kids)
    if rounds:
        _queue_all(state)
        _settle_all(state, pools, kids, room, rng_state, MAX_MOVES * d)
    return _result(state, pools, room, settled)


def _settle_all(state: State, pools: Pools, kids: Neighbors, room: Scratch, rng_state: np.ndarray, moves: int) -> None:
    """Settle what is queued, then ask every gene again until a whole sweep moves none."""
    left = moves
    while left > 0:
        _, made, status = settle(state, pools, kids, room, rng_state, left, len(state.key))
        left -= max(made, 1)
        if status != 0:
            _spread(state.key)
        elif made == 0:
            break
        else:
            _queue_all(state)


def _queue_all(state: State) -> None:
    """Let every gene look again, those that were too wide to be shaken among them."""
    d = len(state.key)
    state.queue[:] = np.argsort(state.key, kind="stable")
    state.queued[:] = 1
    state.cursor[:2] = (0, d)


def _spread(key: np.ndarray) -> None:
    """Replace the keys by their ranks; the order stays."""
    order = np.lexsort((np.arange(len(key)), key))
    key[order] = np.arange(len(key), dtype=np.float64)


def _new_state(start: np.ndarray, candidates: Candidates, queue: np.ndarray) -> State:
    d = candidates.n_genes
    key = np.empty(d)
    key[start] = np.arange(d, dtype=np.float64)
    return State(
        key,
        np.zeros(candidates.n_edges, np.uint8),
        np.zeros(d, np.uint64),
        np.zeros(d, PATH),
        queue.astype(np.int64),
        np.ones(d, np.uint8),
        np.array([0, d, -1, -1], np.int64),
        np.empty(MOVES, np.int64),
        np.empty(MOVES),
        np.empty(SAVED, PATH),
        np.empty(SAVED, np.int64),
        np.full(d, -1, np.int32),
    )


def _copied(state: State) -> State:
    return State(*(part.copy() for part in state))


def _new_scratch(candidates: Candidates, n_obs: int = 0) -> Scratch:
    d = candidates.n_genes
    width = int(candidates.counts.max(initial=1))
    most = int((candidates.counts + np.bincount(candidates.parent, minlength=d)).max(initial=1)) + 1
    ints = [np.empty(most, np.int64) for _ in range(4)]
    work = new_work(width, n_obs, candidates.n_edges if n_obs else 0)
    return Scratch(
        work,
        np.zeros(2, PATH),
        ints[0],
        ints[1],
        ints[2],
        ints[3],
        np.empty(most),
        np.empty(width, np.uint8),
        new_memo(candidates.n_edges),
    )


def _result(state: State, pools: Pools, room: Scratch, settled: float) -> SearchResult:
    """Read the DAG off the selections: weights, losses and the order."""
    d = len(state.key)
    source, target, weight, loss = _edges(pools, state.path, room.work, int(state.path["size"].sum()))
    order = np.lexsort((np.arange(d), state.key)).astype(np.int32)
    score = float(state.path["score"].sum())
    return SearchResult(source, target, weight, loss, order, state.path["rest"].copy(), score, settled)


@kernel
def _edges(pools, path, work, total):
    source, target = np.empty(total, np.int32), np.empty(total, np.int32)
    weight, loss = np.empty(total), np.empty(total)
    at = 0
    for j in range(len(path)):
        p, g = path[j], pools.gene[j]
        if p.size == 0:
            continue
        coefficients(p.size, work, p)
        for a in range(p.size):
            source[at] = pools.parent[g.start + p.picks[a]]
            target[at] = j
            weight[at] = work.double[MAX_PARENTS, a]
            more = removal_loss(a, p.size, work)
            loss[at] = g.factor * (np.log((p.rest + more) / p.rest) if pools.relative else more)
            at += 1
    return source, target, weight, loss
