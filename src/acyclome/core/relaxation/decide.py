"""A relaxation decides: the edges that it leaves are made acyclic, kept to what is known, judged and certified."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, cast

import numpy as np

from acyclome.core.contract import LocalModel
from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.constraints import NEGATIVE, POSITIVE, REQUIRED
from acyclome.core.data.index_maps import inverse, row_pointers
from acyclome.core.data.interventions import LEAST_OWN
from acyclome.core.data.problem import Problem
from acyclome.core.data.search_result import SearchResult
from acyclome.core.graph.feedback import order_from_weights
from acyclome.core.order_search.gram_blocks import ScoreSettings, build_blocks
from acyclome.core.relaxation.problem import JudgingModel, PruningModel
from acyclome.core.relaxation.relax import Network, Relaxation, RelaxSettings
from acyclome.core.relaxation.tree import Params
from acyclome.core.workers import run_blocks
from acyclome.errors import ConvergenceError

BLOCK = 16  # genes that a thread takes in a row
LEAST = 1e-12  # share of variance below which a fit is perfect, and added to blocks that are not of full rank


class Judgement(NamedTuple):
    """Weights and losses of the edges, ``(m,)``; log-likelihoods and shares of variance left of the genes, ``(d,)``."""

    weight: np.ndarray
    loss: np.ndarray
    log_likelihood: np.ndarray
    residual: np.ndarray


def search_result(
    network: Network,
    relaxation: Relaxation,
    *,
    settings: RelaxSettings,
    gamma: float,
    local: LocalModel | None = None,
) -> SearchResult:
    """Return the network of a relaxation: its edges from the threshold on, without those against the order.

    The order goes against as little strength as possible, and against no required edge; these are edges whatever their
    weight; a model that has ``prune`` keeps those that it needs.  Signed ones of the other sign are none, or if
    required have weight 0.  A model that has ``judge`` judges its edges itself, else its ``local`` score does, or least
    squares.  Lower scores are better: minus log-likelihood, plus ``gamma log(p)`` an edge, and ``log(n)/2`` where no
    local score has paid for it.

    Raises
    ------
    ConvergenceError
        If the relaxation ended nowhere.
    """
    if relaxation.status == "out_of_domain":
        msg = (
            "The relaxation, which decides, left the domain of the acyclicity function, where it is not finite. Take "
            "another one (--fit.acyclicity series), or another model."
        )
        raise ConvergenceError(msg)
    problem, constraints = network.problem, network.problem.constraints
    source, target = network.candidates.parent, network.candidates.target
    known = constraints.on(network.candidates)["kind"]
    required = known & REQUIRED > 0
    order, keep = _without_cycles(network, relaxation, required, settings=settings)
    if "prune" in settings.model.abilities:
        model, statistics = cast(PruningModel, settings.model), settings.model.statistics(problem, network.candidates)
        keep = model.prune(statistics, keep, threads=problem.threads) | required
    judge = partial(_judge, network=network, params=relaxation.params, settings=settings, local=local)
    fitted = keep.copy()  # all but the required edges whose weight is at its bound
    judged = judge(fitted)
    has_sign = "judge" not in settings.model.abilities or "sign" in settings.model.abilities
    while has_sign and (wrong := _has_wrong_sign(judged.weight, known[fitted])).any():
        fitted[np.flatnonzero(fitted)[wrong]] = False
        judged = judge(fitted)
    keep &= fitted | required
    weight, loss = np.zeros((2, len(keep)))
    weight[fitted], loss[fitted] = judged.weight, judged.loss
    cost = gamma * np.log(np.maximum(constraints.n_allowed, 1)) + np.zeros(problem.n_genes)
    if local is None:
        cost += 0.5 * np.log(problem.data.n_own)
    score = float(np.sum(cost[target[keep]]) - np.sum(judged.log_likelihood))
    return SearchResult(
        source[keep],
        target[keep],
        weight=weight[keep],
        loss=loss[keep],
        order=order,
        residual=judged.residual,
        score=score,
        score_at_local_optimum=score,
        relaxation=relaxation,
    )


def _without_cycles(
    network: Network, relaxation: Relaxation, required: np.ndarray, *, settings: RelaxSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Return an order, ``(d,)`` int32, and which edges from the threshold on go along it, ``(nnz,)`` bool."""
    problem, candidates, tie = network
    source, target, constraints = candidates.parent, candidates.target, problem.constraints
    strength, known = settings.model.strength(relaxation.params), constraints.on(candidates)["kind"]
    keep = (np.abs(relaxation.W) >= settings.w_threshold) & (strength > 0.0) & constraints.allows(source, target)
    keep = keep & ~(("sign" in settings.model.abilities) & _has_wrong_sign(relaxation.W, known)) | required
    flow = np.where(required, 1.0 + strength.sum(), strength)[keep]  # one outweighs all others together
    order = constraints.arrange(order_from_weights(source[keep], target[keep], flow, tie=tie)).astype(np.int32)
    rank = inverse(order)
    return order, keep & (rank[source] < rank[target])


def _has_wrong_sign(weight: np.ndarray, known: np.ndarray) -> np.ndarray:
    return ((known & POSITIVE > 0) & (weight < 0.0)) | ((known & NEGATIVE > 0) & (weight > 0.0))


def _judge(
    keep: np.ndarray, network: Network, params: Params, *, settings: RelaxSettings, local: LocalModel | None
) -> Judgement:
    if "judge" in settings.model.abilities:
        return _judge_by_model(network, params, keep, model=cast(JudgingModel, settings.model))
    candidates = network.candidates
    own = Candidates(row_pointers(candidates.target[keep], candidates.n_genes), candidates.parent[keep])
    if local is not None:
        return _judge_by_score(network.problem, own, local)
    return _judge_by_least_squares(network.problem, own)


def _judge_by_model(network: Network, params: Params, keep: np.ndarray, *, model: JudgingModel) -> Judgement:
    """Take out one parent of every gene at a time: as many fits as the most parents that a gene has."""
    problem, candidates, _ = network
    statistics, left = model.statistics(problem, candidates), model.without(params, ~keep)
    log_likelihood, residual = model.judge(statistics, left, threads=problem.threads)
    edge, target = np.flatnonzero(keep), candidates.target[keep]
    turn = np.arange(len(edge)) - row_pointers(target, problem.n_genes)[target]
    loss = np.empty(len(edge))
    for number in range(turn.max(initial=-1) + 1):
        out = np.zeros(len(keep), bool)
        out[edge[turn == number]] = True
        fewer, _ = model.judge(statistics, model.without(left, out), threads=problem.threads)
        loss[turn == number] = (log_likelihood - fewer)[target[turn == number]]
    return Judgement(model.weight(left)[keep], loss, log_likelihood, residual)


def _judge_by_least_squares(problem: Problem, edges: Candidates) -> Judgement:
    """Fit every gene anew to its parents, on its own observations."""
    data, d = problem.data, problem.n_genes
    blocks = build_blocks(problem, edges, score=ScoreSettings(equal_noise=False, gamma=0.0, rounds=0))
    weight, loss, residual = np.empty(edges.n_edges), np.empty(edges.n_edges), np.ones(d)
    for j, gene in enumerate(blocks.gene):
        own, k = slice(gene["start"], gene["start"] + gene["width"]), gene["width"]
        G = blocks.gram[gene["offset"] : gene["offset"] + k * k].reshape(k, k)
        inverse_block = np.linalg.inv(G + LEAST * np.eye(k))
        weight[own] = inverse_block @ blocks.cross[own]
        residual[j] = max(1.0 - float(blocks.cross[own] @ weight[own]), LEAST)
        loss[own] = 0.5 * data.n_own[j] * np.log1p(weight[own] ** 2 / np.diagonal(inverse_block) / residual[j])
    weight = data.per_own_scale(weight, source=edges.parent, target=edges.target)
    return Judgement(weight, loss, -0.5 * data.n_own * np.log(residual), residual)


def _judge_by_score(problem: Problem, edges: Candidates, local: LocalModel) -> Judgement:
    """Ask the local score of the model, with all parents of a gene and without each in turn."""
    data, d = problem.data, problem.n_genes
    weight, loss = np.zeros((2, edges.n_edges))
    log_likelihood, residual = np.zeros(d), np.ones(d)
    n, targeted = data.n_obs, data.interventions.counts

    def block(a: int, b: int) -> None:
        for j in range(a, b):
            own = slice(int(edges.indptr[j]), int(edges.indptr[j + 1]))
            parents = edges.parent[own]
            if len(parents) == 0 or n - targeted[j] < LEAST_OWN:
                continue
            whole = float(local.scores(j, parents[None])[0])
            fewer = np.stack([np.delete(parents, k) for k in range(len(parents))])
            weight[own], loss[own] = local.weights(j, parents), local.scores(j, fewer) - whole
            log_likelihood[j] = -whole
            residual[j] = float(np.mean(local.residual(j, parents) ** 2)) * (n / (n - targeted[j]))

    run_blocks(block, gene_blocks(d, BLOCK), problem.threads)
    return Judgement(weight, loss, log_likelihood, residual)
