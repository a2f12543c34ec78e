"""Order search: from candidates and correlations to a DAG whose order is its certificate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.index_maps import inverse
from acyclome.core.data.search_result import SearchResult
from acyclome.core.kernel import kernel
from acyclome.core.order_search.cache import new_cache
from acyclome.core.order_search.gram_blocks import GramBlocks
from acyclome.core.order_search.moves import MoveScratch, initialize, run_to_optimum
from acyclome.core.order_search.perturb import BATCH, perturb
from acyclome.core.order_search.select import MAX_PARENTS, SELECTION, coefficients, new_scratch, removal_loss
from acyclome.core.order_search.state import Children, State

MOVES_PER_GENE = 40  # of a run to a local optimum, at most: a guard, since every move has to gain
ROUNDS_OF_TRIALS = 64  # in which the perturbations of all genes are tried, so that few meet a state that has changed
# Perturbations end where a million stakes that were weighed, which take 2 s, gained less than so many nats each.  From
# 200 to 30,000 simulated observations a thousand stakes gain mostly 1 to 5 nats in the first quarter of a round (.2 to
# 14; .2 to 3 around hubs); of 100,000 to a million sparse cells, whose rounds are 2 to 100 times as long, .1 and less.
STAKES, WORTH = 1_000_000, 2e-4
MOVES, SAVED = 256, 1024  # that one perturbation may make and touch; those that need more are given up


def search_order(
    blocks: GramBlocks, candidates: Candidates, start: np.ndarray, *, rounds: int, seed: int, threads: int = 1
) -> SearchResult:
    """Improve the order ``start``, ``(d,)``, until no gene has a better gap, then perturb every gene ``rounds`` times.

    Perturbations end early where they hardly gain (:data:`WORTH`).
    Score: ``sum_j n_j/2 log(rss_j/n_j) + s_j (log(n_j)/2 + gamma log p_j)``, the extended BIC (Chen and Chen 2008) over
    orders; single-gene moves to the best gap as in Teyssier and Koller (2005) and Andrews et al. (2023, BOSS).
    """
    d = candidates.n_genes
    rng = np.random.default_rng(seed)
    rng_state = rng.integers(0, 2**63, size=1).astype(np.uint64)
    children = Children(*candidates.children)
    state, scratch = _new_state(start, candidates, rng.permutation(d)), _new_move_scratch(candidates, blocks.Z.shape[1])
    initialize(state, blocks, scratch.selecting)
    _run_all(state, scratch, blocks, children=children, rng_state=rng_state)
    at_local_optimum = float(state.selection["score"].sum())
    if rounds:
        genes = np.concatenate([rng.permutation(d) for _ in range(rounds)])
        workers = [(state, scratch)]
        for _ in range(threads - 1):
            copy = State(*(part.copy() for part in state))
            workers.append((copy, _new_move_scratch(candidates, blocks.Z.shape[1])))
        _perturb_while_worth(workers, genes, rng, blocks=blocks, children=children)
        _queue_all(state)
        _run_all(state, scratch, blocks, children=children, rng_state=rng_state)
    return _result(state, scratch, blocks, score_at_local_optimum=at_local_optimum)


def _perturb_while_worth(
    workers: Sequence[tuple[State, MoveScratch]],
    genes: np.ndarray,
    rng: np.random.Generator,
    *,
    blocks: GramBlocks,
    children: Children,
) -> None:
    """Perturb ``genes``, some at once, until that gains less than it is worth."""
    d = len(blocks.gene)
    seeds = rng.integers(0, 2**63, size=len(genes)).astype(np.uint64)
    gain, weighed = 0.0, 0
    for a, b in gene_blocks(len(genes), max(d // ROUNDS_OF_TRIALS, min(4 * BATCH, d // 16), 1)):
        more, stakes = perturb(workers, genes[a:b], seeds[a:b], blocks=blocks, children=children)
        gain, weighed = gain + more, weighed + stakes
        if weighed >= STAKES:
            if gain < WORTH * weighed:
                break
            gain, weighed = 0.0, 0


def _run_all(
    state: State, scratch: MoveScratch, blocks: GramBlocks, *, children: Children, rng_state: np.ndarray
) -> None:
    """Move what is queued, then ask every gene again until a whole sweep moves none."""
    left = MOVES_PER_GENE * len(state.key)
    while left > 0:
        _, made, status = run_to_optimum(state, blocks, children, scratch, rng_state, left, len(state.key))
        left -= max(made, 1)  # a call that made none counts too, so that the loop ends
        if status != 0:
            _renumber(state.key)
        elif made == 0:
            break
        else:
            _queue_all(state)


def _queue_all(state: State) -> None:
    """Have every gene asked again, those that had too many neighbors to be perturbed among them."""
    d = len(state.key)
    state.queue[:] = np.argsort(state.key, kind="stable")
    state.queued[:] = 1
    state.cursor[:2] = (0, d)


def _renumber(key: np.ndarray) -> None:
    """Replace the keys by their ranks; the order stays."""
    order = np.argsort(key, kind="stable")
    key[order] = np.arange(len(key), dtype=np.float64)


def _new_state(start: np.ndarray, candidates: Candidates, queue: np.ndarray) -> State:
    d = candidates.n_genes
    return State(
        inverse(start).astype(np.float64),
        np.zeros(candidates.n_edges, np.uint8),
        np.zeros(d, np.uint64),
        np.zeros(d, SELECTION),
        queue.astype(np.int64),
        np.ones(d, np.uint8),
        np.array([0, d, -1, -1, 0], np.int64),
        np.empty(MOVES, np.int64),
        np.empty(MOVES),
        np.empty(SAVED, SELECTION),
        np.empty(SAVED, np.int64),
        np.full(d, -1, np.int32),
    )


def _new_move_scratch(candidates: Candidates, n_obs: int = 0) -> MoveScratch:
    d = candidates.n_genes
    width = int(candidates.counts.max(initial=1))
    most = int((candidates.counts + np.bincount(candidates.parent, minlength=d)).max(initial=1)) + 1
    return MoveScratch(
        selecting=new_scratch(width, n_obs, candidates.n_edges if n_obs else 0),
        trial=np.zeros(2, SELECTION),
        gene=np.empty(most, np.int64),
        candidate=np.empty(most, np.int64),
        edge=np.empty(most, np.int64),
        by_key=np.empty(most, np.int64),
        delta=np.empty(most),
        mask=np.empty(width, np.uint8),
        cache=new_cache(candidates.n_edges),
    )


def _result(state: State, scratch: MoveScratch, blocks: GramBlocks, *, score_at_local_optimum: float) -> SearchResult:
    """Read the DAG off the selections: weights, losses and the order."""
    selection = state.selection
    source, target, weight, loss = _edges(blocks, selection, scratch.selecting, int(selection["size"].sum()))
    return SearchResult(
        source=source,
        target=target,
        weight=weight,
        loss=loss,
        order=np.argsort(state.key, kind="stable").astype(np.int32),
        residual=selection["residual"].copy(),
        score=float(selection["score"].sum()),
        score_at_local_optimum=score_at_local_optimum,
    )


@kernel
def _edges(blocks, selection, scratch, total):
    source, target = np.empty(total, np.int32), np.empty(total, np.int32)
    weight, loss = np.empty(total), np.empty(total)
    at = 0
    for j in range(len(selection)):
        p, g = selection[j], blocks.gene[j]
        if p.size == 0:
            continue
        coefficients(p.size, scratch, p)
        for a in range(p.size):
            source[at] = blocks.parent[g.start + p.selected[a]]
            target[at] = j
            weight[at] = scratch.double[MAX_PARENTS, a]
            more = removal_loss(a, p.size, scratch)
            loss[at] = g.factor * (np.log((p.residual + more) / p.residual) if blocks.relative else more)
            at += 1
    return source, target, weight, loss
