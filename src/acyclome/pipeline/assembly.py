"""From the records of the stages to the network: confidence, ranking, and what interventions measured."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from acyclome.confidence.calibration import (
    Surroundings,
    arrow_probability,
    joined_probability,
    log_odds,
    probability,
)
from acyclome.confidence.ranking import Experiments, rank_pairs
from acyclome.confidence.resample import count_votes, support
from acyclome.core.data.confounders import Deconfounding
from acyclome.core.data.deconfounding import residual_correlation, residuals
from acyclome.core.data.problem import Problem
from acyclome.core.effects.direct import direct_effects
from acyclome.core.effects.evidence import effects_on_pairs
from acyclome.core.effects.measured import measured_effects
from acyclome.core.effects.total import responses
from acyclome.core.graph.neighbors import common_neighbors
from acyclome.core.screening.association import Associations, associations, spread_out
from acyclome.models import get_model
from acyclome.network import Network
from acyclome.network.build import build_network
from acyclome.network.tables import EFFECT_COLUMNS, MEMBER_COLUMNS
from acyclome.pipeline.held_out import treatments_table
from acyclome.pipeline.records import HeldOut, Ordered, Resampled
from acyclome.pipeline.stages import subsamples_of
from acyclome.pipeline.task import Task, seed_of

ASSOCIATED = 10  # resamples whose mean association is steady enough to rank by; all took longer


def assemble(task: Task, ordered: Ordered, resampled: Resampled, *, held_out: HeldOut | None = None) -> Network:
    data, d = task.data, task.data.n_genes
    source, target, cost = ordered.source, ordered.target, data.edge_costs(task.config)
    votes = count_votes(resampled.source, resampled.target, resampled.loss, n_genes=d, total=len(resampled.numbers))
    said = support(votes, source, target)
    left = _left(task, task.problem, ordered)
    around = None
    if left is not None:
        common = common_neighbors(source, target, d)
        around = Surroundings.of(common, residual_correlation(left), n_genes=d, n_obs=data.n_obs)
    joined, confounded = joined_probability(ordered.loss - cost[target], said, around)
    experiments = None
    if data.interventions.any:
        experiments = Experiments(partial(effects_on_pairs, task.bare, task.instruments.doses, least=cost), cost)
    ranking = rank_pairs(
        count_votes(source, target, ordered.loss, n_genes=d, total=1),
        votes,
        _associations(task, ordered, left),
        experiments=experiments,
    )
    edges = {
        "source": source,
        "target": target,
        "weight": ordered.weight,
        "score": joined * arrow_probability(ordered.arrow, said),
        "confounded": confounded,
        "stability": said.stability,
        "direction": said.direction,
        "reversible": ~ordered.compelled.astype(bool),
        "reversal_loss": ordered.reversal_loss,
        "oriented_by_intervention": ordered.oriented_by_intervention.astype(bool),
        "prior": data.prior.of(source, target),
    }
    if ordered.noise_evidence is not None:
        edges["noise_evidence"] = ordered.noise_evidence
    edges |= _by_instruments(task, ordered, edges["score"])
    return build_network(
        data.store.genes,
        edges,
        _nodes(task, ordered),
        ranking=ranking,
        members=_members(resampled),
        effects=_effects(task, ordered),
        treatments=None if held_out is None else treatments_table(task, held_out),
    )


def _by_instruments(task: Task, ordered: Ordered, score: np.ndarray) -> dict[str, np.ndarray]:
    """Return what experiments say of the edges, and scores that know it; nothing where no dose is known."""
    if not task.data.interventions.any:
        return {}
    told = direct_effects(
        task.bare,
        task.instruments,
        source=ordered.source,
        target=ordered.target,
        weight=ordered.weight,
        order=ordered.order,
        logit=log_odds(score),
    )
    if np.isnan(told.effect).all():
        return {}
    columns = {"direct_effect": told.effect, "direct_error": told.error, "instrument_evidence": told.evidence}
    return {"score": probability(told.logit), **columns}


def _nodes(task: Task, ordered: Ordered) -> dict[str, np.ndarray]:
    store = task.data.store
    return {
        "symbol": np.array([store.symbols.get(gene, "") for gene in store.genes], dtype=object),
        "order": ordered.order,
        "is_regulator": task.data.sources,
        "r2": 1.0 - ordered.residual,
        "noise_scale": np.sqrt(ordered.residual) * ordered.scale,
        "lowest": ordered.lowest,
    }


def _effects(task: Task, ordered: Ordered) -> pd.DataFrame | None:
    """Return the total effects that interventions measured; None without interventions."""
    if not task.data.interventions.any:
        return None
    answers = partial(responses, ordered.source, ordered.target, ordered.weight, order=ordered.order)
    measured = measured_effects(task.bare, task.instruments, lambda genes: answers(genes=genes))
    return pd.DataFrame(measured._asdict()).astype(EFFECT_COLUMNS)


def _left(task: Task, problem: Problem, ordered: Ordered) -> np.ndarray | None:
    """Return what the network leaves of every gene, in some observations; None where that says nothing of causes.

    What lines leave of curves and counts would pass for the work of hidden causes, and so would what latent scores
    leave, which the noise of counts blurs, and what interventions do: to act on a gene moves all that it reaches.
    """
    is_linear = get_model(task.config.model).under(task.config).search == "order_search"
    if not is_linear or task.data.is_latent or task.data.interventions.any:
        return None
    Z = problem.data.standardized.columns(spread_out(task.data.n_obs))
    return residuals(Z, ordered.source, ordered.target, threads=problem.threads)


def _associations(task: Task, ordered: Ordered, left: np.ndarray | None) -> Associations:
    """Return how strongly all pairs go together in the resamples or, without any, in all observations.

    Where edges were left out, errors of causes are what their targets have in common, and nothing is deconfounded.
    """
    samples = [one.rows for one in subsamples_of(task)[:ASSOCIATED]] or [np.arange(task.data.n_obs)]
    data, problem = task.data, task.problem
    if data.deconfounding.trims:  # half of the views have a spectrum of their own, and the others none that is changed
        problem = replace(data, deconfounding=Deconfounding.none(data.n_obs)).problem(task.backend, task.scratch)
        left = _left(task, problem, ordered)
    left = None if ordered.facts["pruned"] else left
    return associations(problem, samples, left=left, seed=seed_of(task.config, "ranking"))


def _members(resampled: Resampled) -> pd.DataFrame | None:
    if not resampled.numbers:
        return None
    edges = pd.DataFrame({name: getattr(resampled, name) for name in MEMBER_COLUMNS})
    # A resample without an edge has a row too, of weight 0, so that shares count it.
    idle = sorted(set(resampled.numbers) - set(edges["member"]))
    empty = pd.DataFrame({"member": idle}).assign(source=0, target=0, weight=0.0)
    return pd.concat([edges, empty]).astype(MEMBER_COLUMNS).sort_values("member", kind="stable", ignore_index=True)
