"""A network and simpler rankings beside one another, scored by cells that none of them was learned from."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from acyclome.confidence.calibration import joined_probability, log_odds
from acyclome.confidence.resample import Subsample, Support
from acyclome.config import Config
from acyclome.core.backend import Backend
from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.index_maps import locate, positions
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.core.data.search_result import SearchResult
from acyclome.core.effects.direct import direct_effects
from acyclome.core.effects.doses import SEVERAL, Instruments, Treatments
from acyclome.core.effects.measured import measured_effects
from acyclome.core.effects.profiles import profiles_of
from acyclome.core.effects.total import responses
from acyclome.core.screening.boosting import explained_alone_and_beside
from acyclome.core.screening.partial_correlation import partial_correlations
from acyclome.errors import InputError
from acyclome.evaluate.interventional import CONTROL, LEAST_CELLS, OTHER, Cells, Edges, halves, interventional_scores
from acyclome.evaluate.peers import gies, has_gies
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.stages import learn_subsample
from acyclome.wording import plural

UNSEEN, SEEN = "targets never learned from", "other cells of the same targets"
LEAST = 4  # targets, of which half are left out
SHRINKAGE = 0.5  # of the partial correlations; anchors of real compendia were .5 and .9
BLOCK = 1024  # genes whose partial correlations are held at once
BOOSTED = 2000  # genes up to which splines are boosted, in a minute


class Trial(NamedTuple):
    """How networks are scored, by which targets, and the edges of each by name."""

    scored_by: str
    asked: np.ndarray
    networks: dict[str, Edges]


def compare(
    data: Dataset, config: Config, *, seed: int, backend: Backend, edges: int | None = None
) -> list[dict[str, Any]]:
    """Score networks that were learned from half of the cells by the other half; see :func:`learn_halves`."""
    cells, trials = learn_halves(data, config, seed=seed, backend=backend, edges=edges)
    return [
        {"scored by": trial.scored_by, "method": method, **scores}
        for trial in trials
        for method, scores in interventional_scores(cells, trial.networks, sources=trial.asked, seed=seed).items()
    ]


def learn_halves(
    data: Dataset, config: Config, *, seed: int, backend: Backend, edges: int | None = None
) -> tuple[Cells, list[Trial]]:
    """Learn from half of the cells, once of all targets and once of half of them; return the cells to score by, too.

    Every ranking gives as many pairs, out of the targets scored, as the network has edges there; ``edges`` of them at
    most, of the network the likeliest, and then no others. GIES, where it can run, gives a graph of its own.
    """
    treatments, targets = data.treatments, scored_targets(data)
    if len(targets) < LEAST:
        msg = (
            f"{plural(len(targets), 'gene|s of these data was|were')} acted on alone in {2 * LEAST_CELLS} observations "
            f"or more; at least {LEAST} are needed to score a network by what acting on genes did. Name the column of "
            "targets (--perturbation) when the network is learned."
        )
        raise InputError(msg)
    rng = np.random.default_rng([seed, 0])
    learn, score = halves(treatments.kind, rng)
    cells = Cells(data.subset(rows=score).scaled(backend.threads).Z, _only(treatments)[score])
    targets = np.intersect1d(targets, cells.targets)  # whose cells are enough for a test
    unseen = np.sort(rng.permutation(targets)[: len(targets) // 2])
    acted = np.concatenate([np.empty(0, np.int64), *(data.interventions.of(gene) for gene in unseen)])
    learned = partial(_networks, data, config, seed=seed, backend=backend, most=edges)
    return cells, [
        Trial(SEEN, targets, learned(learn, asked=targets, is_seen=True)),
        Trial(UNSEEN, unseen, learned(np.setdiff1d(learn, acted), asked=unseen, is_seen=False)),
    ]


def scored_targets(data: Dataset) -> np.ndarray:
    """Return the genes that may be causes and were acted on alone, in enough observations for two halves, rising."""
    kind, gene = data.treatments
    count = np.bincount(kind[kind >= 0], minlength=len(gene))
    targets = np.unique(gene[(gene >= 0) & (count // 2 >= LEAST_CELLS)])
    may: np.ndarray = targets[data.sources[targets]]
    return may


def _only(treatments: Treatments) -> np.ndarray:
    """Return the only gene acted on in every observation, ``(n,)``."""
    gene = np.append(np.where(treatments.gene <= SEVERAL + 1, OTHER, treatments.gene), CONTROL)
    only: np.ndarray = gene[treatments.kind]
    return only


def _networks(
    data: Dataset,
    config: Config,
    rows: np.ndarray,
    *,
    asked: np.ndarray,
    seed: int,
    backend: Backend,
    is_seen: bool,
    most: int | None = None,
) -> dict[str, Edges]:
    """Return the network that the observations give, and as many pairs by every simpler ranking."""
    part = data.subset(rows=rows)
    dag = learn_subsample(data, config, Subsample(0, rows, seed), backend=backend)
    problem, d = part.problem(backend), data.n_genes
    instruments = Instruments.of(problem, part.treatments)
    at = np.flatnonzero(np.isin(dag.source, asked))
    count, every = len(at), np.arange(len(dag.source))
    if most is not None:
        count = min(count, most)
        likely = _log_odds(part.edge_costs(config), problem, instruments, dag=dag)
        every = np.sort(at[np.argsort(-likely[at], kind="stable")[:count]])
    rankings = _observed(problem, asked, seed=seed)
    if is_seen:
        rankings["mean difference"] = _mean_difference(problem, instruments, asked)
        rankings["network and measured effects"] = _effects(problem, instruments, dag, asked=asked)
    else:
        rankings["total effects of the network"] = np.abs(_said(dag, asked))
    rankings["any pairs"] = np.random.default_rng([seed, 1]).random((len(asked), d))
    found = {"network": (dag.source[every], dag.target[every])}
    for name, value in rankings.items():
        value[np.arange(len(asked)), asked] = -1.0  # no gene is its own target
        best = np.argsort(-value, axis=None, kind="stable")[:count]
        best = best[value.ravel()[best] > 0]
        found[name] = asked[best // d], best % d
    if has_gies(d):
        found["GIES"] = _gies(problem.data, part.treatments)
    return found


def _log_odds(cost: np.ndarray, problem: Problem, instruments: Instruments, *, dag: SearchResult) -> np.ndarray:
    """Return how likely every edge is, ``(m,)``: by the likelihood it carries, and by experiments on its source."""
    gain = dag.loss - cost[dag.target]
    unasked = np.full(len(gain), np.nan)  # no resamples
    joined, _ = joined_probability(gain, Support(unasked, unasked, 0))
    edges = {"source": dag.source, "target": dag.target, "weight": dag.weight, "order": dag.order}
    return direct_effects(problem, instruments, **edges, logit=log_odds(joined)).logit


def _observed(problem: Problem, asked: np.ndarray, *, seed: int) -> dict[str, np.ndarray]:
    """Return rankings that know of no interventions, ``(k, d)`` each."""
    data, d, sources = problem.data, problem.data.n_genes, problem.constraints.sources
    of, column = partial_correlations(problem, shrinkage=SHRINKAGE), positions(np.flatnonzero(sources), d)[asked]
    partial = np.concatenate([of(np.arange(a, b))[:, column] for a, b in gene_blocks(d, BLOCK)])
    found = {
        "correlation": np.abs(data.Z[asked] @ data.Z.T) / data.n_obs,
        "partial correlation": partial.T.astype(float),
    }
    if d <= BOOSTED:
        may = np.ones((d, len(asked)), bool)
        may[asked, np.arange(len(asked))] = False
        _, beside = explained_alone_and_beside(
            data, asked, [np.arange(data.n_obs)], may=may, seed=seed, threads=problem.threads
        )
        found["boosted splines"] = beside.T.astype(float)
    return found


def _gies(data: Moments, treatments: Treatments) -> Edges:
    """Return what greedy search among graphs makes of the controls and of cells in which one gene was acted on."""
    only = _only(treatments)
    rows = np.flatnonzero((only == CONTROL) | (only >= 0))
    return gies(data.Z[:, rows].T, np.maximum(only[rows], -1))


def _mean_difference(problem: Problem, instruments: Instruments, asked: np.ndarray) -> np.ndarray:
    treatments = instruments.treatments
    found = profiles_of(problem, treatments, instruments.by)
    place = {int(gene): k for k, gene in enumerate(treatments.gene) if gene >= 0}
    differs: np.ndarray = np.abs(found.change[[place[int(gene)] for gene in asked]])
    return differs


def _said(dag: SearchResult, genes: np.ndarray) -> np.ndarray:
    return responses(dag.source, dag.target, dag.weight, order=dag.order, genes=genes)


def _effects(problem: Problem, instruments: Instruments, dag: SearchResult, *, asked: np.ndarray) -> np.ndarray:
    """Return how far measured effects, weighed against the network and against nothing, move every gene, ``(k, d)``."""
    found = measured_effects(problem, instruments, lambda genes: _said(dag, genes))
    dose = _mean_difference(problem, instruments, asked)[np.arange(len(asked)), asked]
    moved = np.zeros((len(asked), problem.data.n_genes))
    row = locate(found.source, asked)
    at = row >= 0
    moved[row[at], found.target[at]] = np.abs(found.effect[at]) * dose[row[at]]
    return moved
