"""The stages on data in memory: each takes what earlier stages found and gives arrays and facts.

``session`` keeps them in files for a run and in memory for :func:`acyclome.learn`; here nobody knows which.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from acyclome.config import Config
from acyclome.core.engine import decide, look, propose
from acyclome.core.equivalence import cpdag
from acyclome.core.interventions import Targets
from acyclome.core.layout import Candidates
from acyclome.core.moments import Moments, scale_genes
from acyclome.core.order import Dag
from acyclome.core.place import OnThreads, Place
from acyclome.core.rules import EdgeRules
from acyclome.core.settled import Directions, directions
from acyclome.core.shifts import total_effects
from acyclome.core.workers import one_blas_thread
from acyclome.distribute import dealing, run_pieces
from acyclome.errors import ConvergenceError
from acyclome.evaluate.sortability import r2_from_correlation, sortability
from acyclome.io.store import GeneMajor
from acyclome.memory import peak_memory_mb
from acyclome.network import Network, build_network
from acyclome.perturbation import effects_table
from acyclome.prior import Prior
from acyclome.ranking import Interventions, all_votes, rank_candidates
from acyclome.registry import JOINT, engine_settings
from acyclome.resample import Member, plan_resamples, stability_and_direction

R2_GENES = 3000
PATH_LENGTH = 5
TINY = 1e-300


class Stage(NamedTuple):
    """What a stage leaves behind."""

    arrays: dict[str, np.ndarray]
    facts: dict[str, Any]


def _silent(*_: object) -> None:
    """Tell nobody."""


@dataclass
class GeneData:
    """Prepared expression of one run, and how to compute on it; the moments are made when first asked for."""

    store: GeneMajor
    causes: np.ndarray
    threads: int
    progress: Callable[[str, float, str], None]
    warnings: list[str] = field(default_factory=list)
    dask: str | None = None
    targets: Targets | None = None
    prior: Prior = field(default_factory=Prior)
    perturbation: Mapping[str, Any] = field(default_factory=dict)
    place: Place = field(default_factory=OnThreads)

    def __getstate__(self) -> dict[str, Any]:
        """Travel to another process without what belongs to this one: progress, moments, workers."""
        return {"store": self.store, "causes": self.causes, "threads": 1, "progress": _silent, "warnings": [],
                "targets": self.targets, "prior": self.prior, "place": self.place}  # fmt: skip

    @property
    def rules(self) -> EdgeRules | None:
        """What is known of the edges beforehand."""
        return self.prior.rules

    @property
    def lost(self) -> float:
        """Degrees of freedom that the preparation took out."""
        return self.store.n_obs - float(self.store.facts.get("n_effective", self.store.n_obs))

    @property
    def n_effective(self) -> float:
        """Observations that count."""
        return self.store.n_obs - self.lost

    @property
    def n_own(self) -> np.ndarray:
        """Observations that count for the equation of each gene, ``(d,)``."""
        everywhere = np.full(self.store.n_vars, self.n_effective)
        return everywhere if self.targets is None else np.maximum(everywhere - self.targets.counts, 2.0)

    @cached_property
    def scaled(self) -> Moments:
        """Moments of all observations, without the correlations."""
        return scale_genes(self.store.block, self.store.n_vars, lost=self.lost, threads=self.threads,
                           targets=self.targets)  # fmt: skip

    @cached_property
    def moments(self) -> Moments:
        """Moments of all observations."""
        return self.place.correlate(self.scaled, self.threads)


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
    found = look(data.moments, engine_settings(config, data.rules), data.causes, data.threads, data.place)
    data.progress("screen", 1.0, f"{found.n_edges:,} candidate edges")
    return Stage({"indptr": found.indptr, "parent": found.parent}, _candidate_facts(found))


def fit(data: GeneData, config: Config, screened: Stage) -> Stage:
    """Relax: NOTEARS on the candidates, and the order it suggests."""
    data.progress("fit", 0.0, "NOTEARS on the candidates")
    with dealing(data.dask if data.place.deals and config.model == "linear" else None, data.threads,
                 data.store.folder) as deal:  # fmt: skip
        place = data.place if deal is None else OnThreads(deal)
        start, found = propose(data.moments, candidates_of(screened), engine_settings(config, data.rules), data.causes,
                               seed_of(config, "fit"), data.threads, place)  # fmt: skip
    data.progress("fit", 1.0, "" if found is None else found.status)
    if found is None:
        return Stage({"start": start}, {"relax": False, "convergence": []})
    path = [point._asdict() for point in found.path]
    data.warnings.extend(warnings_of(found.status, config))
    facts = {"relax": True, "convergence": path, "acyclic": found.is_acyclic, "status": found.status,
             "nonzero": int(np.count_nonzero(found.W)), "warnings": list(data.warnings)}  # fmt: skip
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
            "not finite. Use --acyclicity series, or go on without the relaxation (fit.relax: false)."
        )
        raise ConvergenceError(msg)
    if status != "max_steps":
        return []
    return [f"The relaxation stopped at its limit of {config.fit.max_steps} steps (fit.max_steps); "
            "the order search goes on from there."]  # fmt: skip


def order(data: GeneData, config: Config, screened: Stage, fitted: Stage) -> Stage:
    """Search the order from where the relaxation ended, and choose every gene's causes."""
    data.progress("order", 0.0, "order search")
    settings, seed = engine_settings(config, data.rules), seed_of(config, "order")
    dag, grown = decide(data.moments, candidates_of(screened), fitted.arrays["start"], settings, data.causes, seed,
                        data.threads)  # fmt: skip
    found, compelled = _directions(data, config, dag)
    data.progress("order", 1.0, f"{len(dag.source):,} edges")
    facts = {"score": dag.score, "settled_score": dag.settled_score, "edges": len(dag.source),
             "restarts": config.score.restarts, "candidates": _candidate_facts(grown),
             "sortability": _sortability(data.moments, dag.source, dag.target)}  # fmt: skip
    arrays = {"indptr": grown.indptr, "parent": grown.parent, "source": dag.source, "target": dag.target,
              "weight": dag.weight, "loss": dag.loss, "order": dag.order, "rest": dag.rest,
              "reversal_loss": found.loss, "compelled": compelled, "settled": found.settled,
              "scale": data.moments.scale}  # fmt: skip
    if found.shifts is not None:
        facts["effects"] = effects_table(found.shifts, data.store.genes)
    return Stage(arrays, facts)


def _directions(data: GeneData, config: Config, dag: Dag) -> tuple[Directions, np.ndarray]:
    """Return what is known of each direction, and whether it is compelled, ``(m,)``."""
    equal = config.score.noise == "equal"
    known = ~data.causes[dag.target]
    if data.rules is not None:
        known |= ~data.rules.allows(dag.target, dag.source)
    if dag.turning_loss is not None and dag.is_free is not None:
        return Directions(dag.turning_loss, np.zeros(len(known), bool), None), known | ~dag.is_free
    found = directions(data.moments, dag, equal_noise=equal)
    return found, equal | cpdag(dag.source, dag.target, data.store.n_vars, found.settled | known)


def resample(data: GeneData, config: Config, part: int, parts: int) -> Stage:
    """Learn the resamples ``part, part + parts, ...`` from scratch, each with its own screening."""
    strata = None if data.targets is None else data.targets.strata()
    plan = plan_resamples(data.store.n_obs, config.resample.resamples, config.resample.fraction,
                          seed_of(config, "resample"), strata)  # fmt: skip
    members = plan[part::parts]
    inner = 1 if data.dask else max(data.threads // max(len(members), 1), 1)
    data.progress("resample", 0.0, f"{len(members)} half-samples")

    def finished(number: int) -> None:
        data.progress("resample", number / len(members), f"{number} of {len(members)}")

    learn = partial(_learn_member, data, config, threads=inner)
    found = run_pieces(learn, members, data.threads, finished, data.dask)
    names = ("source", "target", "loss")
    arrays = {name: np.concatenate([one[name] for one in found]) if found else np.empty(0, int) for name in names}
    arrays["member"] = np.repeat([m.number for m in members], [len(one["source"]) for one in found]).astype(np.int32)
    return Stage(arrays, {"members": [m.number for m in members], "edges": [len(one["source"]) for one in found]})


def network(
    data: GeneData, config: Config, ordered: Stage, resampled: list[Stage], facts: Mapping[str, Any]
) -> Network:
    """Put the stages together."""
    a = ordered.arrays
    d = data.store.n_vars
    votes = all_votes(resampled, d)
    source, target = a["source"], a["target"]
    stability, direction = None, None
    price = config.score.gamma * np.log(max(int(data.causes.sum()) - 1, 1)) + np.zeros(d)
    if config.model not in JOINT:  # evidence has paid for the coefficients already
        price += 0.5 * np.log(data.n_own)
    score = 1.0 / (1.0 + np.exp(np.clip(price[target] - a["loss"], -50, 50)))
    if votes is not None:
        stability, direction = stability_and_direction(votes, source, target)
        score = stability * direction
    acting = None
    if data.targets is not None:
        effects = partial(total_effects, data.scaled, data.targets, causes=data.causes, price=price)
        acting = Interventions(partial(effects, threads=data.threads), price)
    ranking = rank_candidates(a, votes, d, acting)
    return build_network(
        data.store.genes, source, target, a["weight"], a["order"],
        ranking_source=ranking[0], ranking_target=ranking[1], rank_score=ranking[2],
        r2=1.0 - a["rest"], noise_scale=np.sqrt(a["rest"]) * a["scale"], stability=stability, direction=direction,
        score=score, reversal_loss=a["reversal_loss"], reversible=~a["compelled"].astype(bool),
        settled=a["settled"].astype(bool), prior=data.prior.of(source, target, d),
        is_regulator=data.causes, facts=facts,
    )  # fmt: skip


def _learn_member(data: GeneData, config: Config, member: Member, *, threads: int) -> dict[str, np.ndarray]:
    """One resample: moments of its rows, its own screening, a random start, no shaking."""
    settings = engine_settings(config.with_options(relax=False, restarts=0), data.rules)
    targets = None if data.targets is None else data.targets.among(member.rows)
    bare = scale_genes(data.store.block, data.store.n_vars, rows=member.rows, lost=data.lost, threads=threads,
                       targets=targets)  # fmt: skip
    own = data.place.correlate(bare, threads)
    candidates = look(own, settings, data.causes, threads, data.place)
    start, _ = propose(own, candidates, settings, data.causes, member.seed, threads)
    dag, _ = decide(own, candidates, start, settings, data.causes, member.seed, threads)
    return {"source": dag.source, "target": dag.target, "loss": dag.loss}


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
