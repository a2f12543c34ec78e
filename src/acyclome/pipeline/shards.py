"""The fit in shards: cut the candidates, fit every shard on its own, put together what the owners found.

A shard reads its genes from the store and correlates only them, so a worker never holds what the whole run holds. The
order search over all genes comes afterwards, from the order that is made here, and decides.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from acyclome.config import Config
from acyclome.core import engine
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.moments import scale_genes
from acyclome.core.data.problem import Problem
from acyclome.core.relaxation.relax import Relaxation
from acyclome.core.shards import Plan, merge_orders, plan_shards, restrict
from acyclome.core.workers import run_blocks
from acyclome.machine import peak_memory_mb
from acyclome.pipeline.dataset import GeneData, Stage
from acyclome.pipeline.engine_settings import engine_settings
from acyclome.pipeline.executor import run_parts
from acyclome.pipeline.resources import shard_sizes
from acyclome.pipeline.stages import candidates_of, seed_of, warnings_of


@dataclass(frozen=True)
class Piece:
    """One shard as it travels to a worker: its number, its genes ``(s,)``, which of them it owns ``(s,)`` bool, the
    candidates among them, and the positions of these in the whole, ``(nnz',)``.
    """  # noqa: D205 - one sentence

    number: int
    genes: np.ndarray
    own: np.ndarray
    candidates: Candidates
    edges: np.ndarray


def shard(data: GeneData, config: Config, screened: Stage) -> Stage:
    """Cut the candidates into shards."""
    data.progress("shard", 0.0, "cores and halos")
    candidates = candidates_of(screened)
    shards, most = shard_sizes(data.store.n_vars, data.store.n_obs, config)
    # Never from the correlation matrix, which a job of its own does not have: the bits would differ.
    strength = np.abs(data.scaled.pairs(candidates.parent, candidates.target))
    plan = plan_shards(candidates, strength, shards, most, seed_of(config, "shard"))
    data.progress("shard", 1.0, f"{shards:,} shards of up to {int(plan.sizes.max()):,} genes")
    facts = {"shards": shards, "largest": int(plan.sizes.max()), "smallest": int(plan.sizes.min())}
    return Stage({"owner": plan.owner, "indptr": plan.indptr, "genes": plan.genes}, facts)


def fit_part(data: GeneData, config: Config, screened: Stage, cut: Stage, part: int, parts: int) -> Stage:
    """Fit the shards ``part, part + parts, ...``: the relaxation and a first order search, each on its own genes."""
    plan, candidates = _plan(cut), candidates_of(screened)
    pieces = [_piece(plan, candidates, number) for number in range(part, plan.n_shards, parts)]
    runs = data.backend.together([len(piece.genes) for piece in pieces], config.screen.max_candidates)
    groups = [pieces[a:b] for a, b in runs]
    data.progress("fit", 0.0, f"{len(pieces)} shards")

    def finished(number: int) -> None:
        done = len(pieces) * number // len(groups)
        data.progress("fit", done / len(pieces), f"{done} of {len(pieces)}")

    inner = 1 if data.dask else max(data.threads // max(len(groups), 1), 1)
    work = partial(_fit_shards, data, config, threads=inner)
    done = run_parts(work, groups, threads=data.threads, finished=finished, dask=data.dask)
    found = [one for group in done for one in group]
    names = ("gene", "place", "edge", "W", "source", "target", "loss")
    arrays = {name: np.concatenate([one.arrays[name] for one in found]) if found else np.empty(0) for name in names}
    return Stage(arrays, {"members": [piece.number for piece in pieces], "fits": [one.facts for one in found]})


def merge(data: GeneData, config: Config, screened: Stage, cut: Stage, parts: list[Stage]) -> Stage:
    """Put together what every shard found for the genes that it owns: weights, and an order to start from."""
    data.progress("merge", 0.0, "orders of the shards")
    a = {
        name: np.concatenate([part.arrays[name] for part in parts if len(part.facts["members"])])
        for name in parts[0].arrays
    }
    place, W = np.empty(data.store.n_vars), np.zeros(candidates_of(screened).n_edges)
    place[a["gene"]], W[a["edge"]] = a["place"], a["W"]
    start, against = merge_orders(a["source"], a["target"], a["loss"], place, seed_of(config, "shard"))
    fits = [fit for part in parts for fit in part.facts["fits"]]
    found = {fit["status"] for fit in fits}
    status = next(status for status in ("max_steps", "stalled", "converged", "none") if status in found | {"none"})
    data.warnings.extend(warnings_of(status, config))
    data.progress(
        "merge", 1.0, f"{len(a['source']):,} edges of {_plan(cut).n_shards} shards, {against} of them in cycles"
    )
    facts = {
        "relax": status != "none",
        "convergence": [],
        "status": status,
        "nonzero": int(np.count_nonzero(W)),
        "shards": len(fits),
        "edges": len(a["source"]),
        "against": against,
        "warnings": list(data.warnings),
    }
    return Stage({"start": start, "W": W}, facts)


def _fit_shards(data: GeneData, config: Config, pieces: list[Piece], *, threads: int) -> list[Stage]:
    """Fit some shards, relaxed in one call: moments of their genes, relaxation, first searches, and what they say."""
    began = time.perf_counter()
    settings = engine_settings(config)
    problems = [_problem(data, piece, threads) for piece in pieces]
    networks = [(problem, piece.candidates) for problem, piece in zip(problems, pieces, strict=True)]
    relaxed = engine.relax_together(networks, settings, seed=seed_of(config, "fit"))
    spent = (time.perf_counter() - began) / len(pieces)
    inner = data.backend.with_threads(max(threads // len(pieces), 1))
    each = [
        (piece, replace(problem, backend=inner), *one)
        for piece, problem, one in zip(pieces, problems, relaxed, strict=True)
    ]
    return run_blocks(partial(_search_shard, config, spent), each, threads)


def _problem(data: GeneData, piece: Piece, threads: int) -> Problem:
    genes, backend = piece.genes, data.backend.with_threads(threads)
    bare = scale_genes(
        lambda a, b: data.store.rows(genes[a:b]),
        len(genes),
        lost=data.lost,
        threads=threads,
        interventions=data.interventions.restrict(genes),
        size=data.size,
    )
    return Problem(backend.correlate(bare), data.constraints.subset(genes), backend)


def _search_shard(
    config: Config, spent: float, piece: Piece, problem: Problem, start: np.ndarray, relaxed: Relaxation | None
) -> Stage:
    """Search one shard once, and say what it found of the genes that it owns."""
    began = time.perf_counter()
    genes, status = piece.genes, "none" if relaxed is None else relaxed.status
    warnings_of(status, config)
    arrays: dict[str, np.ndarray]
    arrays = {"source": np.empty(0, np.int32), "target": np.empty(0, np.int32), "loss": np.empty(0)}
    if not piece.own.all():  # a shard that owns all it sees has nobody to agree with; the order search alone decides
        settings, seed = engine_settings(config), seed_of(config, "order")
        dag = engine.search_once(problem, piece.candidates, start, settings=settings, seed=seed)
        owned = piece.own[dag.target]
        arrays = {"source": genes[dag.source[owned]], "target": genes[dag.target[owned]], "loss": dag.loss[owned]}
        start = dag.order
    place = np.empty(len(genes))
    place[start] = np.arange(len(genes)) / len(genes)
    mine = piece.own[piece.candidates.target]
    W = np.zeros(piece.candidates.n_edges) if relaxed is None else relaxed.W
    arrays |= {"gene": genes[piece.own], "place": place[piece.own], "edge": piece.edges[mine], "W": W[mine]}
    cost = {"seconds": round(spent + time.perf_counter() - began, 3), "peak_memory_mb": peak_memory_mb()}
    return Stage(arrays, {"genes": len(genes), "owned": int(piece.own.sum()), "status": status, "cost": cost})


def _plan(cut: Stage) -> Plan:
    return Plan(cut.arrays["owner"], cut.arrays["indptr"], cut.arrays["genes"])


def _piece(plan: Plan, candidates: Candidates, number: int) -> Piece:
    genes = plan.of(number)
    return Piece(number, genes, plan.owner[genes] == number, *restrict(candidates, genes))
