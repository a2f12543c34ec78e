"""The stages on data in memory: each takes a task and the records of earlier stages, and returns one of its own.

``session`` keeps them in files for a run, in memory for :func:`acyclome.learn`; here nobody knows which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from acyclome.confidence.calibration import arrow_alone
from acyclome.confidence.resample import Subsample, plan_subsamples
from acyclome.config import Config
from acyclome.core import engine
from acyclome.core.backend import Backend, ThreadBackend
from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.moments import Moments
from acyclome.core.data.search_result import SearchResult
from acyclome.core.directions.interventional import Directions, directions
from acyclome.core.directions.non_gaussian import ODDS, noise_evidence
from acyclome.core.graph.equivalence import cpdag
from acyclome.core.relaxation.relax import Relaxation
from acyclome.core.screening.partial_correlation import ROWS
from acyclome.core.screening.screen import Views, cut_genes, find_views
from acyclome.errors import ConvergenceError
from acyclome.evaluate.sortability import r2_from_correlation, sortability
from acyclome.knowledge.interventions import effects_table
from acyclome.models import get_model
from acyclome.pipeline import halves
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.engine_settings import engine_settings
from acyclome.pipeline.executor import relaxing_workers, run_parts
from acyclome.pipeline.feedback import look_for_feedback
from acyclome.pipeline.keys import Part
from acyclome.pipeline.records import Ordered, Relaxed, Resampled, Screened
from acyclome.pipeline.task import Task, seed_of
from acyclome.wording import plural

R2_GENES = 3000  # above, the inverse of the correlations would take longer than the search
PATH_LENGTH = 5  # of the paths along which sortability is counted; the time grows with it
VIEWS = 8  # parts of the screening on a Dask cluster; each is correlated anew, where its worker is
TINY = 1e-300  # of a variance: its logarithm stays finite


def screen(task: Task, known: Candidates | None = None) -> Screened:
    """Find candidate edges; those of lines are ``known`` where hidden causes were looked for in the same data."""
    task.report("screen", 0.0, "correlations and candidates")
    on_workers = task.runtime.dask is not None and task.backend.can_partition
    backend = ThreadBackend(task.backend.threads, views=partial(_views, task)) if on_workers else task.backend
    candidates = engine.screen(replace(task.problem, backend=backend), task.settings, known=known)
    task.report("screen", 1.0, plural(candidates.n_edges, "candidate edge"))
    facts = {**_candidate_facts(candidates), "n_effective": task.problem.data.n_effective}
    return Screened(indptr=candidates.indptr, parent=candidates.parent, facts=facts)


def _views(task: Task) -> Views:
    """Have the workers of Dask find what the screening sees, a range of genes each; they correlate for themselves."""
    runtime = task.runtime
    ranges = cut_genes(task.data.n_genes, runtime.threads if runtime.dask == "local" else VIEWS)
    work = partial(_views_of_range, task.data, task.config, backend=task.backend.with_threads(1), scratch=task.scratch)
    given: dict[str, Any] = {"name": "screen", "threads": runtime.threads, "dask": runtime.dask}
    views = run_parts(work, ranges, finished=lambda _: None, folder=task.data.store.folder, **given)
    return Views(*(np.concatenate(part) for part in zip(*views, strict=True)))


def _views_of_range(
    data: Dataset, config: Config, genes: tuple[int, int], *, backend: Backend, scratch: Path | None
) -> Views:
    return find_views(data.problem(backend, scratch), engine_settings(config).screen, genes=genes)


def relax(task: Task, screened: Screened) -> Relaxed:
    task.report("fit", 0.0, "NOTEARS on the candidates")
    settings, dask, threads = task.settings, task.runtime.dask, task.backend.threads
    abilities = frozenset() if settings.relax is None else settings.relax.model.abilities
    in_parts = task.backend.can_partition and "partition" in abilities
    with relaxing_workers(dask if in_parts else None, threads, task.data.store.folder) as workers:
        backend = task.backend if workers is None else ThreadBackend(threads, workers)
        problem, seed = replace(task.problem, backend=backend), seed_of(task.config, "fit")
        start, relaxation = engine.relax(problem, screened.candidates, settings, seed=seed)
    task.report("fit", 1.0, "" if relaxation is None else relaxation.status)
    if relaxation is None:
        return Relaxed(start=start, facts={"relax": False, "convergence": []})
    return Relaxed(start=start, W=relaxation.W, facts=_relaxation_facts(relaxation, task.config))


def _relaxation_facts(relaxation: Relaxation, config: Config) -> dict[str, Any]:
    return {
        "relax": True,
        "convergence": [point._asdict() for point in relaxation.path],
        "acyclic": relaxation.is_acyclic,
        "status": relaxation.status,
        "nonzero": int(np.count_nonzero(relaxation.W)),
        "warnings": warnings_of(relaxation.status, config),
    }


def warnings_of(status: str, config: Config) -> list[str]:
    """Return what is to be said of a relaxation that ended so; one that ended nowhere is a ConvergenceError."""
    if status == "out_of_domain":
        msg = (
            f"The relaxation left the domain of the acyclicity function {config.fit.acyclicity!r}, where it is "
            "not finite. Use --fit.acyclicity series, or go on without the relaxation (fit.relax: false)."
        )
        raise ConvergenceError(msg)
    if status != "max_steps":
        return []
    decides = get_model(config.model).under(config).search == "relaxation"
    then = "the network is what it had found by then" if decides else "the order search goes on from there"
    return [f"The relaxation stopped at its limit of {config.fit.max_steps} steps (fit.max_steps); {then}."]


def order(task: Task, screened: Screened, relaxed: Relaxed) -> Ordered:
    """Search the order from where the relaxation ended, and choose every gene's causes."""
    config, seed = task.config, seed_of(task.config, "order")
    task.report("order", 0.0, "order search")
    dag, grown = engine.search(task.problem, screened.candidates, relaxed.start, settings=task.settings, seed=seed)
    turned, compelled, arrow = _directions(task, dag)
    task.report("order", 1.0, plural(len(dag.source), "edge"))
    facts = {
        "score": dag.score,
        "score_at_local_optimum": dag.score_at_local_optimum,
        "edges": len(dag.source),
        **{"pruned": dag.pruned, "refined": dag.refined},
        "perturbations": config.search.perturbations,
        "candidates": _candidate_facts(grown),
        "sortability": _sortability(task.moments, dag.source, dag.target),
    }
    if dag.relaxation is not None:
        facts["relaxation"] = _relaxation_facts(dag.relaxation, config)
    if turned.noise is not None:
        facts["noise_decides"] = int(np.count_nonzero(turned.noise >= ODDS))
    if task.data.interventions.any:
        facts["effects"] = effects_table(turned.shifts, task.data.store.genes)
        facts["feedback"] = look_for_feedback(task)
    return Ordered(
        indptr=grown.indptr,
        parent=grown.parent,
        source=dag.source,
        target=dag.target,
        weight=dag.weight,
        loss=dag.loss,
        order=dag.order,
        residual=dag.residual,
        reversal_loss=turned.loss,
        compelled=compelled,
        oriented_by_intervention=turned.oriented_by_intervention,
        arrow=arrow,
        scale=task.moments.scale,
        lowest=lowest_values(task),
        noise_evidence=turned.noise,
        facts=facts,
    )


def lowest_values(task: Task) -> np.ndarray:
    """Return where a knock-out puts every gene, ``(d,)`` in standard deviations from its mean."""
    store, m = task.data.store, task.moments
    if m.hermite is not None:  # what the lowest count tells of expression, whose logarithm has no lowest value
        return np.asarray(m.Z.min(axis=1), np.float64) * m.hermite[0]
    if store.slabs is None:
        parts = (store.block(a, b).min(axis=1) for a, b in gene_blocks(store.n_vars, ROWS))
        lowest = np.concatenate(list(parts)).astype(float)
    else:
        lowest = np.min([_lowest(slab) for slab in store.slabs()], axis=0).astype(float)
    # Nothing below zero means counts or their logarithms, where no expression is zero; else the lowest value seen.
    floor = np.zeros_like(lowest) if lowest.min(initial=0.0) >= 0 else lowest
    return np.divide(floor - m.mean, m.scale, out=np.full(len(floor), np.nan), where=m.scale > 0)


def _lowest(slab: sp.csr_matrix) -> np.ndarray:
    """Return the least value of every row, ``(d,)``; scipy sorts a copy of the slab for it."""
    lowest, seen = np.zeros(slab.shape[0], slab.dtype), np.diff(slab.indptr)
    lowest[seen > 0] = np.minimum.reduceat(slab.data, slab.indptr[:-1][seen > 0]) if slab.nnz else 0.0
    return np.where(seen < slab.shape[1], np.minimum(lowest, 0.0), lowest)


def _directions(task: Task, dag: SearchResult) -> tuple[Directions, np.ndarray, np.ndarray]:
    """Return what turning each edge loses, whether it is compelled, and how probable it is, ``(m,)`` each."""
    data, config = task.data, task.config
    equal = config.score.noise == "equal"
    given = ~data.prior.given.allows(dag.target, dag.source)  # turned it would be forbidden
    turned = directions(task.moments, dag, equal_noise=equal)
    sure, d = turned.oriented_by_intervention | given, data.n_genes
    if dag.reversible is not None:
        odds = np.exp(np.clip(turned.loss, -50, 50))  # beyond, the probability is 0 or 1 and exp may overflow
        return turned, sure | ~dag.reversible, np.where(sure, 1.0, odds / (1.0 + odds))
    decided = sure
    if config.reads_noise:
        noise = noise_evidence(task.moments, dag.source, dag.target)
        turned = turned._replace(loss=turned.loss + noise, noise=noise)
        decided = sure | (noise >= ODDS)
    compelled = equal | cpdag(dag.source, dag.target, d, directed=decided)
    arrow = arrow_alone(dag.source, dag.target, n_genes=d, compelled=compelled, decided=sure, loss=turned.loss)
    return turned, compelled, arrow


def resample(
    task: Task,
    part: Part,
    *,
    found: Sequence[Resampled] = (),
    keep: Callable[[Sequence[Resampled]], None] = lambda _: None,
) -> Resampled:
    """Learn the resamples ``part.number, part.number + part.of, ...`` from scratch, each with candidates of its own.

    Those that were ``found`` are taken as they are; ``keep`` is given each of the others as soon as it is learned.
    """
    done = {number for one in found for number in one.numbers}
    subsamples = [one for one in subsamples_of(task)[part.number :: part.of] if one.number not in done]
    task.report("resample", 0.0, plural(len(subsamples), "half-sample") + (f", {len(done)} are kept" if done else ""))
    backend = task.backend_of_part(len(subsamples))
    total, runtime = len(subsamples) + len(done), task.runtime

    def finished(number: int) -> None:
        task.report("resample", (number + len(done)) / total, f"{number + len(done)} of {total}")

    with halves.shared(task, subsamples) as sums:
        learn = partial(learn_subsample, task.data, task.config, backend=backend, scratch=task.scratch, sums=sums)
        dags = run_parts(
            learn,
            subsamples,
            name="resample",
            threads=runtime.threads,
            finished=finished,
            keep=lambda one, dag: keep([_resampled(one, dag)]),
            dask=runtime.dask,
            folder=task.data.store.folder,
        )
    return Resampled.joined([*found, *map(_resampled, subsamples, dags)])


def _resampled(subsample: Subsample, dag: SearchResult) -> Resampled:
    return Resampled(
        source=dag.source,
        target=dag.target,
        loss=dag.loss,
        weight=dag.weight,
        member=np.full(len(dag.source), subsample.number, np.int32),
        facts={"members": [subsample.number], "edges": [len(dag.source)]},
    )


def subsamples_of(task: Task) -> list[Subsample]:
    done, asked = task.data.interventions, task.config.resample
    return plan_subsamples(
        task.data.n_obs,
        asked.resamples,
        fraction=asked.fraction,
        seed=seed_of(task.config, "resample"),
        strata=done.strata() if done.any else None,
    )


def learn_subsample(
    data: Dataset,
    config: Config,
    subsample: Subsample,
    *,
    backend: Backend,
    scratch: Path | None = None,
    sums: Path | None = None,
) -> SearchResult:
    """Learn from the observations of one resample: candidates of its own, a random start, no perturbation.

    ``sums`` is a folder that :func:`acyclome.pipeline.halves.shared` gives; None where correlations are formed here.
    """
    quickly = {"fit.relax": False, "search.perturbations": 0}
    settings = engine_settings(config.with_options(quickly), shows_errors=data.shows_errors)
    R = None if sums is None else halves.correlations(sums, subsample)
    problem = data.subset(rows=subsample.rows).problem(backend, scratch, R)
    candidates = engine.screen(problem, settings, known=halves.candidates(sums, problem, settings.screen))
    start, _ = engine.relax(problem, candidates, settings, seed=subsample.seed)
    return engine.search(problem, candidates, start, settings=settings, seed=subsample.seed)[0]


def _candidate_facts(pairs: Candidates) -> dict[str, Any]:
    return {"n_candidates": pairs.n_edges, "mean": float(pairs.counts.mean()), "max": int(pairs.counts.max(initial=0))}


def _sortability(m: Moments, source: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """How far variances, and the variance explained by all others, rise along the edges; .5 is no trend."""
    d = m.n_genes
    facts = {"var_sortability": sortability(source, target, np.maximum(m.scale**2, TINY), max_length=PATH_LENGTH)}
    if m.R is not None and d <= R2_GENES:
        explained = np.maximum(r2_from_correlation(m.R, 0.1), 1e-12)  # a ridge, for there may be fewer observations
        facts["r2_sortability"] = sortability(source, target, explained, max_length=PATH_LENGTH)
    return facts
