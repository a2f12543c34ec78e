"""The fit in shards: cut the candidates, fit every shard on its own, put together what the owners found.

A shard reads its genes from the store and correlates only them, so a worker never holds what the whole run holds. The
order search over all genes comes afterwards, from the order that is made here, and decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from acyclome.config import Config
from acyclome.core import engine
from acyclome.core.backend import Backend
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.problem import Problem
from acyclome.core.relaxation.relax import Relaxation
from acyclome.core.shards import Plan, merge_orders, plan_shards
from acyclome.core.workers import run_blocks
from acyclome.machine import peak_memory_mb
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.engine_settings import engine_settings
from acyclome.pipeline.executor import run_parts
from acyclome.pipeline.keys import Part
from acyclome.pipeline.records import Relaxed, RelaxedShards, Screened, Sharded
from acyclome.pipeline.resources import shard_sizes
from acyclome.pipeline.stages import warnings_of
from acyclome.pipeline.task import Task, seed_of
from acyclome.wording import plural

STATUSES = ("max_steps", "stalled", "converged", "none")  # the first that any shard has is that of all


@dataclass(frozen=True)
class Shard:
    """One shard as it travels to a worker."""

    number: int
    genes: np.ndarray  # (s,)
    is_owned: np.ndarray  # (s,)
    candidates: Candidates  # among its genes
    edges: np.ndarray  # (nnz',) their positions in the whole

    @classmethod
    def of(cls, plan: Plan, candidates: Candidates, number: int) -> Shard:
        genes = plan.of(number)
        return cls(number, genes, plan.owner[genes] == number, *candidates.subset(genes))


def shard(task: Task, screened: Screened) -> Sharded:
    task.report("shard", 0.0, "cores and halos")
    candidates = screened.candidates
    shards, most = shard_sizes(task.data.n_genes, task.data.n_obs, task.config)
    # Never from the correlation matrix, which a job of its own does not have: the bits would differ.
    strength = np.abs(task.scaled.pairs(candidates.parent, candidates.target))
    plan = plan_shards(candidates, strength, shards=shards, most=most, seed=seed_of(task.config, "shard"))
    task.report("shard", 1.0, f"{shards:,} shards of up to {int(plan.sizes.max()):,} genes")
    facts = {"shards": shards, "largest": int(plan.sizes.max()), "smallest": int(plan.sizes.min())}
    return Sharded(owner=plan.owner, indptr=plan.indptr, genes=plan.genes, facts=facts)


def relax_part(
    task: Task,
    screened: Screened,
    *,
    sharded: Sharded,
    part: Part,
    found: Sequence[RelaxedShards] = (),
    keep: Callable[[Sequence[RelaxedShards]], None] = lambda _: None,
) -> RelaxedShards:
    """Fit the shards of a part: the relaxation and a first order search, each on its own genes.

    Those that were ``found`` are taken as they are; ``keep`` is given others as soon as they are fitted.
    """
    plan = sharded.plan
    done = {number: one for one in found for number in one.facts["members"]}
    numbers = [number for number in range(part.number, plan.n_shards, part.of) if number not in done]
    shards = [Shard.of(plan, screened.candidates, number) for number in numbers]
    runs = task.backend.together([len(one.genes) for one in shards], task.config.screen.max_candidates)
    together = [shards[a:b] for a, b in runs]
    task.report("fit", 0.0, plural(len(shards), "shard") + (f", {len(done)} are kept" if done else ""))

    def finished(number: int) -> None:
        done = len(shards) * number // len(together)
        task.report("fit", done / len(shards), f"{done} of {len(shards)}")

    runtime = task.runtime
    work = partial(_relax_shards, task.data, task.config, backend=task.backend_of_part(len(together)))
    each = run_parts(
        work,
        together,
        name="fit",
        threads=runtime.threads,
        finished=finished,
        keep=lambda _, some: keep(some),
        dask=runtime.dask,
        folder=task.data.store.folder,
    )
    done |= {number: one for some in each for one in some for number in one.facts["members"]}
    relaxed = [done[number] for number in sorted(done)]
    facts = {"members": sorted(done), "fits": [fit for one in relaxed for fit in one.facts["fits"]]}
    return RelaxedShards.joined(relaxed, facts)


def merge(task: Task, screened: Screened, parts: list[RelaxedShards]) -> Relaxed:
    """Put together what every shard found for the genes that it owns: weights, and an order to start from."""
    task.report("merge", 0.0, "orders of the shards")
    fits = [fit for part in parts for fit in part.facts["fits"]]
    each = RelaxedShards.joined(parts, {})
    position, W = np.empty(task.data.n_genes), np.zeros(screened.candidates.n_edges)
    position[each.gene], W[each.edge] = each.position, each.W
    seed = seed_of(task.config, "shard")
    start, against = merge_orders(each.source, each.target, each.loss, position=position, seed=seed)
    status = next(status for status in STATUSES if status in {"none", *(fit["status"] for fit in fits)})
    edges = len(each.source)
    task.report("merge", 1.0, f"{plural(edges, 'edge')} of {len(fits)} shards, {against} of them in cycles")
    facts = {
        "relax": status != "none",
        "convergence": [],
        "status": status,
        "nonzero": int(np.count_nonzero(W)),
        "shards": len(fits),
        "edges": edges,
        "against": against,
        "warnings": warnings_of(status, task.config),
    }
    return Relaxed(start=start, W=W, facts=facts)


def _relax_shards(data: Dataset, config: Config, shards: list[Shard], *, backend: Backend) -> list[RelaxedShards]:
    """Fit some shards, relaxed in one call: moments of their genes, relaxation, first searches, and what they say."""
    began = time.perf_counter()
    problems = [data.subset(genes=shard.genes).problem(backend) for shard in shards]
    networks = [(problem, shard.candidates) for problem, shard in zip(problems, shards, strict=True)]
    relaxed = engine.relax_together(networks, engine_settings(config), seed=seed_of(config, "fit"))
    spent = (time.perf_counter() - began) / len(shards)
    inner = backend.with_threads(max(backend.threads // len(shards), 1))
    problems = [replace(problem, backend=inner) for problem in problems]
    each = list(zip(shards, problems, relaxed, strict=True))
    return run_blocks(partial(_search_shard, config=config, spent=spent), each, backend.threads)


def _search_shard(
    shard: Shard, problem: Problem, proposed: tuple[np.ndarray, Relaxation | None], *, config: Config, spent: float
) -> RelaxedShards:
    start, relaxed = proposed
    began = time.perf_counter()
    genes, status = shard.genes, "none" if relaxed is None else relaxed.status
    warnings_of(status, config)  # an error for one that ended nowhere
    source, target, loss = np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0)
    if not shard.is_owned.all():  # one that owns all it sees has nobody to agree with; the order search decides
        settings, seed = engine_settings(config), seed_of(config, "order")
        dag = engine.search_once(problem, shard.candidates, start, settings=settings, seed=seed)
        owned = shard.is_owned[dag.target]
        source, target, loss, start = genes[dag.source[owned]], genes[dag.target[owned]], dag.loss[owned], dag.order
    position = np.empty(len(genes))
    position[start] = np.arange(len(genes)) / len(genes)
    mine = shard.is_owned[shard.candidates.target]
    W = np.zeros(shard.candidates.n_edges) if relaxed is None else relaxed.W
    cost = {"seconds": round(spent + time.perf_counter() - began, 3), "peak_memory_mb": peak_memory_mb()}
    fit = {"genes": len(genes), "owned": int(shard.is_owned.sum()), "status": status, "cost": cost}
    return RelaxedShards(
        gene=genes[shard.is_owned],
        position=position[shard.is_owned],
        edge=shard.edges[mine],
        W=W[mine],
        source=source,
        target=target,
        loss=loss,
        facts={"members": [shard.number], "fits": [fit]},
    )
