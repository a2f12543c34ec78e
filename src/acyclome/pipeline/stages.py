"""The stages on data in memory: each takes what earlier stages found and gives arrays and facts.

``session`` keeps them in files for a run and in memory for :func:`acyclome.learn`; here nobody knows which.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from acyclome.confidence.calibration import arrow_alone, arrow_probability, joined_probability
from acyclome.confidence.ranking import Associations, Interventions, all_votes, are_few, rank_pairs
from acyclome.confidence.resample import Member, plan_resamples, stability_and_direction
from acyclome.config import Config
from acyclome.core import engine
from acyclome.core.backend import ThreadBackend
from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.dag import Dag
from acyclome.core.data.moments import Moments, scale_genes
from acyclome.core.data.problem import Problem
from acyclome.core.directions.interventional import Directions, directions
from acyclome.core.directions.non_gaussian import ODDS, noise_evidence
from acyclome.core.effects.measured import measured_effects
from acyclome.core.effects.shifts import total_effects
from acyclome.core.effects.total import responses
from acyclome.core.graph.equivalence import cpdag
from acyclome.core.screening.association import associations
from acyclome.core.screening.partial_correlation import ROWS
from acyclome.core.screening.screen import Views, cut_genes, find_views
from acyclome.core.workers import one_blas_thread
from acyclome.errors import ConvergenceError
from acyclome.evaluate.sortability import r2_from_correlation, sortability
from acyclome.knowledge.interventions import effects_table
from acyclome.machine import peak_memory_mb
from acyclome.models.linear.relaxation import Linear
from acyclome.network import Network
from acyclome.network.build import build_network
from acyclome.network.tables import EFFECT_COLUMNS, MEMBER_COLUMNS
from acyclome.pipeline.dataset import GeneData, Stage, tell_nobody
from acyclome.pipeline.engine_settings import engine_settings
from acyclome.pipeline.executor import dealing, run_parts

R2_GENES = 3000
PATH_LENGTH = 5
ASSOCIATED = 10  # resamples whose mean association is steady enough to rank by
PIECES = 8  # of the screening on a Dask cluster; each is correlated anew, where its worker is
TINY = 1e-300


def measured(work: Callable[[], Stage]) -> Stage:
    """Run a stage and add its seconds and the peak memory of the process so far to its facts.

    Matrix products run on one thread each, because their bits depend on how many share them.
    """
    began = time.perf_counter()
    with one_blas_thread():
        arrays, facts = work()
    cost = {"seconds": round(time.perf_counter() - began, 3), "peak_memory_mb": peak_memory_mb()}
    return Stage(arrays, {**facts, "cost": cost})


def screen(data: GeneData, config: Config) -> Stage:
    """Find the candidate causes of every gene."""
    data.progress("screen", 0.0, "correlations and candidates")
    on_workers = data.dask is not None and data.backend.can_partition
    backend = ThreadBackend(data.threads, views=partial(_views, data, config)) if on_workers else data.backend
    found = engine.screen(replace(data.problem, backend=backend), engine_settings(config))
    data.progress("screen", 1.0, f"{found.n_edges:,} candidate edges")
    return Stage({"indptr": found.indptr, "parent": found.parent}, _candidate_facts(found))


def _views(data: GeneData, config: Config) -> Views:
    """Have the workers of Dask find what the screening sees, a range of genes each; they correlate for themselves."""
    pieces = cut_genes(data.store.n_vars, data.threads if data.dask == "local" else PIECES)
    found = run_parts(
        partial(_views_of_range, data, config), pieces, threads=data.threads, finished=tell_nobody, dask=data.dask
    )
    return Views(*(np.concatenate(part) for part in zip(*found, strict=True)))


def _views_of_range(data: GeneData, config: Config, genes: tuple[int, int]) -> Views:
    return find_views(data.problem, engine_settings(config).screen, genes=genes)


def fit(data: GeneData, config: Config, screened: Stage) -> Stage:
    """Relax: NOTEARS on the candidates, and the order it suggests."""
    data.progress("fit", 0.0, "NOTEARS on the candidates")
    settings = engine_settings(config)
    is_dealt = data.backend.can_partition and settings.relax is not None and isinstance(settings.relax.sem, Linear)
    with dealing(data.dask if is_dealt else None, data.threads, data.store.folder) as deal:
        backend = data.backend if deal is None else ThreadBackend(data.threads, deal)
        problem, seed = replace(data.problem, backend=backend), seed_of(config, "fit")
        start, found = engine.relax(problem, candidates_of(screened), settings, seed=seed)
    data.progress("fit", 1.0, "" if found is None else found.status)
    if found is None:
        return Stage({"start": start}, {"relax": False, "convergence": []})
    path = [point._asdict() for point in found.path]
    data.warnings.extend(warnings_of(found.status, config))
    facts = {
        "relax": True,
        "convergence": path,
        "acyclic": found.is_acyclic,
        "status": found.status,
        "nonzero": int(np.count_nonzero(found.W)),
        "warnings": list(data.warnings),
    }
    return Stage({"start": start, "W": found.W}, facts)


def warnings_of(status: str, config: Config) -> list[str]:
    """Return what is to be said of a relaxation that ended so.

    Raises
    ------
    ConvergenceError
        If it ended nowhere.
    """
    if status == "out_of_domain":
        msg = (
            f"The relaxation left the domain of the acyclicity function {config.fit.acyclicity!r}, where it is "
            "not finite. Use --fit.acyclicity series, or go on without the relaxation (fit.relax: false)."
        )
        raise ConvergenceError(msg)
    if status != "max_steps":
        return []
    return [
        f"The relaxation stopped at its limit of {config.fit.max_steps} steps (fit.max_steps); "
        "the order search goes on from there."
    ]


def order(data: GeneData, config: Config, screened: Stage, fitted: Stage) -> Stage:
    """Search the order from where the relaxation ended, and choose every gene's causes."""
    data.progress("order", 0.0, "order search")
    settings, seed = engine_settings(config), seed_of(config, "order")
    start = fitted.arrays["start"]
    dag, grown = engine.search(data.problem, candidates_of(screened), start, settings=settings, seed=seed)
    found, compelled, arrow = _directions(data, config, dag)
    data.progress("order", 1.0, f"{len(dag.source):,} edges")
    facts = {
        "score": dag.score,
        "settled_score": dag.settled_score,
        "edges": len(dag.source),
        "perturbations": config.search.perturbations,
        "candidates": _candidate_facts(grown),
        "sortability": _sortability(data.moments, dag.source, dag.target),
    }
    arrays = {
        "indptr": grown.indptr,
        "parent": grown.parent,
        "source": dag.source,
        "target": dag.target,
        "weight": dag.weight,
        "loss": dag.loss,
        "order": dag.order,
        "rest": dag.rest,
        "reversal_loss": found.loss,
        "compelled": compelled,
        "settled": found.settled,
        "arrow": arrow,
        "scale": data.moments.scale,
        "lowest": lowest_values(data),
    }
    if found.noise is not None:
        arrays["noise_evidence"] = found.noise
        facts["noise_decides"] = int(np.count_nonzero(found.noise >= ODDS))
    if found.shifts is not None:
        facts["effects"] = effects_table(found.shifts, data.store.genes)
    return Stage(arrays, facts)


def lowest_values(data: GeneData) -> np.ndarray:
    """Return where a knock-out puts every gene, ``(d,)`` in standard deviations from its mean.

    That is zero where the prepared data have nothing below, as counts and their logarithms; else the lowest value seen.
    """
    found = [data.store.block(a, b).min(axis=1) for a, b in gene_blocks(data.store.n_vars, ROWS)]
    lowest = np.concatenate(found).astype(float)
    floor = np.zeros_like(lowest) if lowest.min(initial=0.0) >= 0 else lowest
    m = data.moments
    return np.divide(floor - m.mean, m.scale, out=np.full(len(floor), np.nan), where=m.scale > 0)


def _directions(data: GeneData, config: Config, dag: Dag) -> tuple[Directions, np.ndarray, np.ndarray]:
    """Return what is known of each direction, whether it is compelled, and how probable it is, ``(m,)`` each."""
    equal = config.score.noise == "equal"
    known = ~data.prior.given.allows(dag.target, dag.source)
    if dag.turning_loss is not None and dag.is_free is not None:
        odds = np.exp(np.clip(dag.turning_loss, -50, 50))
        found = Directions(dag.turning_loss, np.zeros(len(known), bool), None)
        return found, known | ~dag.is_free, np.where(known, 1.0, odds / (1.0 + odds))
    found = directions(data.moments, dag, equal_noise=equal)
    sure, d = found.settled | known, data.store.n_vars
    decided = sure
    if config.reads_noise:
        noise = noise_evidence(data.moments, dag.source, dag.target)
        found = found._replace(loss=found.loss + noise, noise=noise)
        decided = sure | (noise >= ODDS)
    compelled = equal | cpdag(dag.source, dag.target, d, decided)
    return found, compelled, arrow_alone(dag.source, dag.target, compelled, found.loss, sure, d)


def resample(data: GeneData, config: Config, part: int, parts: int) -> Stage:
    """Learn the resamples ``part, part + parts, ...`` from scratch, each with its own screening."""
    members = _members(data, config)[part::parts]
    inner = 1 if data.dask else max(data.threads // max(len(members), 1), 1)
    data.progress("resample", 0.0, f"{len(members)} half-samples")

    def finished(number: int) -> None:
        data.progress("resample", number / len(members), f"{number} of {len(members)}")

    learn = partial(learn_member, data, config, threads=inner)
    found = run_parts(learn, members, threads=data.threads, finished=finished, dask=data.dask)
    names = ("source", "target", "loss", "weight")
    arrays = {name: np.concatenate([one[name] for one in found]) if found else np.empty(0, int) for name in names}
    arrays["member"] = np.repeat([m.number for m in members], [len(one["source"]) for one in found]).astype(np.int32)
    return Stage(arrays, {"members": [m.number for m in members], "edges": [len(one["source"]) for one in found]})


def _members(data: GeneData, config: Config) -> list[Member]:
    strata = data.interventions.strata() if data.interventions.any else None
    asked = config.resample
    return plan_resamples(data.store.n_obs, asked.resamples, asked.fraction, seed_of(config, "resample"), strata)


def network(data: GeneData, config: Config, ordered: Stage, resampled: list[Stage]) -> Network:
    """Put the stages together."""
    a, d = ordered.arrays, data.store.n_vars
    votes = all_votes(resampled, d)
    source, target = a["source"], a["target"]
    stability, direction, total = None, None, 0
    price = data.prices(config)
    if votes is not None:
        total, (stability, direction) = votes.total, stability_and_direction(votes, source, target)
    score = joined_probability(a["loss"] - price[target], stability, total)
    score *= arrow_probability(a["arrow"], direction, stability, total)
    acting = None
    if data.interventions.any:
        acting = Interventions(partial(total_effects, data.bare, least=price), price)
    ranking = rank_pairs(a, votes, d, None if votes is None else _associations(data, config), acting)
    return build_network(
        data.store.genes,
        source,
        target,
        a["weight"],
        a["order"],
        ranking_source=ranking[0],
        ranking_target=ranking[1],
        rank_score=ranking[2],
        r2=1.0 - a["rest"],
        noise_scale=np.sqrt(a["rest"]) * a["scale"],
        stability=stability,
        direction=direction,
        score=score,
        reversal_loss=a["reversal_loss"],
        reversible=~a["compelled"].astype(bool),
        settled=a["settled"].astype(bool),
        noise_evidence=a.get("noise_evidence"),
        prior=data.prior.of(source, target, d),
        is_regulator=data.sources,
        lowest=a["lowest"],
        members=_all_members(resampled),
        effects=_measured(data, a),
    )


def _measured(data: GeneData, a: Mapping[str, np.ndarray]) -> pd.DataFrame | None:
    """Return the total effects that interventions measured; None without any."""
    if not data.interventions.any:
        return None
    said = partial(responses, a["source"], a["target"], a["weight"], a["order"])
    found = measured_effects(data.bare, data.treatments, said)
    return pd.DataFrame(found._asdict()).astype(EFFECT_COLUMNS)


def _associations(data: GeneData, config: Config) -> Associations | None:
    """Return how strongly all pairs go together in the resamples; None where they are too many."""
    causes = np.flatnonzero(data.sources)
    if not are_few(data.store.n_vars, len(causes)):
        return None
    samples = [member.rows for member in _members(data, config)[:ASSOCIATED]]
    found = associations(data.problem, samples, seed=seed_of(config, "ranking"))
    return Associations(found, causes)


def _all_members(resampled: list[Stage]) -> pd.DataFrame | None:
    """Return the edges of all resamples, member after member; None if there are none."""
    if not any(len(stage.facts["members"]) for stage in resampled):
        return None
    parts = [pd.DataFrame({name: stage.arrays[name] for name in MEMBER_COLUMNS}) for stage in resampled]
    drawn = [number for stage in resampled for number in stage.facts["members"]]
    found = pd.concat(parts)
    idle = pd.DataFrame({"member": sorted(set(drawn) - set(found["member"]))}).assign(source=0, target=0, weight=0.0)
    whole = pd.concat([found, idle]).astype(MEMBER_COLUMNS)
    return whole.sort_values("member", kind="stable", ignore_index=True)


def learn_member(data: GeneData, config: Config, member: Member, *, threads: int) -> dict[str, np.ndarray]:
    """One resample: moments of its rows, its own screening, a random start, no shaking."""
    settings = engine_settings(config.with_options({"fit.relax": False, "search.perturbations": 0}))
    bare = scale_genes(
        data.store.block,
        data.store.n_vars,
        rows=member.rows,
        lost=data.lost,
        threads=threads,
        interventions=data.interventions.among(member.rows),
        room=data.room(len(member.rows)),
        size=data.size,
    )
    backend = data.backend.with_threads(threads)
    problem = Problem(backend.correlate(bare), data.constraints, backend)
    candidates = engine.screen(problem, settings)
    start, _ = engine.relax(problem, candidates, settings, seed=member.seed)
    dag, _ = engine.search(problem, candidates, start, settings=settings, seed=member.seed)
    return {"source": dag.source, "target": dag.target, "loss": dag.loss, "weight": dag.weight}


def candidates_of(screened: Stage) -> Candidates:
    """Return the candidates that a stage found."""
    return Candidates(screened.arrays["indptr"], screened.arrays["parent"])


def _candidate_facts(found: Candidates) -> dict[str, Any]:
    counts = found.counts
    return {"n_candidates": found.n_edges, "mean": float(counts.mean()), "max": int(counts.max(initial=0))}


def _sortability(m: Moments, source: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """How far variances, and the variance explained by all others, rise along the edges; .5 is no trend."""
    d = m.n_genes
    found = {"var_sortability": sortability(source, target, np.maximum(m.scale**2, TINY), max_length=PATH_LENGTH)}
    if m.R is not None and d <= R2_GENES:
        found["r2_sortability"] = sortability(
            source, target, np.maximum(r2_from_correlation(m.R, 0.1), 1e-12), max_length=PATH_LENGTH
        )
    return found


def seed_of(config: Config, stage: str) -> int:
    """Give every stage a seed of its own, which is never that of simulated data."""
    label = int.from_bytes(stage.encode(), "little") % 2**32
    return int(np.random.SeedSequence([config.seed, 0xACC10, label]).generate_state(1)[0])
