"""A network and simpler rankings beside one another, scored by cells that none of them was learned from."""

from __future__ import annotations

from typing import Any

import numpy as np

from acyclome.confidence.resample import Subsample
from acyclome.config import Config
from acyclome.core.backend import Backend
from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.index_maps import locate, positions
from acyclome.core.data.problem import Problem
from acyclome.core.data.search_result import SearchResult
from acyclome.core.effects.doses import SEVERAL, Treatments, yardstick
from acyclome.core.effects.measured import measured_effects
from acyclome.core.effects.profiles import profiles
from acyclome.core.effects.total import responses
from acyclome.core.screening.boosting import explained_alone_and_beside
from acyclome.core.screening.partial_correlation import partial_correlations
from acyclome.errors import InputError
from acyclome.evaluate.interventional import CONTROL, OTHER, Cells, Edges, halves, interventional_scores
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.stages import learn_subsample

UNSEEN, SEEN = "targets never learned from", "other cells of the same targets"
LEAST = 4  # targets, of which half are left out
SHRINKAGE = 0.5  # of the partial correlations; anchors of real compendia were .5 and .9
BLOCK = 1024  # genes whose partial correlations are held at once
BOOSTED = 2000  # genes up to which splines are boosted, in a minute


def compare(data: Dataset, config: Config, *, seed: int, backend: Backend) -> list[dict[str, Any]]:
    """Learn from half of the cells, once of all targets and once of half of them, and score by the other half.

    Every ranking gives as many pairs, out of the targets scored, as the network has edges there.
    """
    treatments, targets = data.treatments, scored_targets(data)
    if len(targets) < LEAST:
        msg = (
            f"{len(targets)} genes of these data were acted on alone; at least {LEAST} are needed to score a network "
            "by what acting on genes did. Name the column of targets (--perturbation) when the network is learned."
        )
        raise InputError(msg)
    rng = np.random.default_rng([seed, 0])
    learn, score = halves(treatments.kind, rng)
    cells = Cells(data.subset(rows=score).scaled(backend.threads).Z, _only(treatments)[score])
    rows = []
    for name, asked in ((SEEN, targets), (UNSEEN, np.sort(rng.permutation(targets)[: len(targets) // 2]))):
        kept = learn
        if name == UNSEEN:
            acted = np.concatenate([data.interventions.of(gene) for gene in asked])
            kept = np.setdiff1d(learn, acted)
        networks = _networks(data, config, kept, asked=asked, seed=seed, backend=backend, is_seen=name == SEEN)
        scored = interventional_scores(cells, networks, sources=asked, seed=seed)
        rows += [{"scored by": name, "method": method, **found} for method, found in scored.items()]
    return rows


def scored_targets(data: Dataset) -> np.ndarray:
    """Return the genes that were acted on alone and may be causes, rising."""
    targets = np.unique(data.treatments.gene[data.treatments.gene >= 0])
    may: np.ndarray = targets[data.sources[targets]]
    return may


def _only(treatments: Treatments) -> np.ndarray:
    """Return the only gene acted on in every observation, ``(n,)``."""
    gene = np.append(np.where(treatments.gene <= SEVERAL + 1, OTHER, treatments.gene), CONTROL)
    only: np.ndarray = gene[treatments.kind]
    return only


def _networks(
    data: Dataset, config: Config, rows: np.ndarray, *, asked: np.ndarray, seed: int, backend: Backend, is_seen: bool
) -> dict[str, Edges]:
    """Return the network that the observations give, and as many pairs by every simpler ranking."""
    part = data.subset(rows=rows)
    dag = learn_subsample(data, config, Subsample(0, rows, seed), backend=backend)
    problem, d = part.problem(backend), data.n_genes
    count = int(np.isin(dag.source, asked).sum())
    rankings = _observed(problem, asked, seed=seed)
    if is_seen:
        rankings["mean difference"] = _mean_difference(problem, part.treatments, asked)
        rankings["network and measured effects"] = _effects(problem, part.treatments, dag, asked=asked)
    else:
        rankings["total effects of the network"] = np.abs(_said(dag, asked))
    rankings["any pairs"] = np.random.default_rng([seed, 1]).random((len(asked), d))
    found = {"network": (dag.source, dag.target)}
    for name, value in rankings.items():
        value[np.arange(len(asked)), asked] = -1.0  # no gene is its own target
        best = np.argsort(-value, axis=None, kind="stable")[:count]
        best = best[value.ravel()[best] > 0]
        found[name] = asked[best // d], best % d
    return found


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


def _mean_difference(problem: Problem, treatments: Treatments, asked: np.ndarray) -> np.ndarray:
    Z, by = problem.data.Z, yardstick(problem, treatments)
    found = profiles(lambda a, b: Z[a:b], treatments.kind, by, n_kinds=len(treatments.gene), threads=problem.threads)
    place = {int(gene): k for k, gene in enumerate(treatments.gene) if gene >= 0}
    differs: np.ndarray = np.abs(found.change[[place[int(gene)] for gene in asked]])
    return differs


def _said(dag: SearchResult, genes: np.ndarray) -> np.ndarray:
    return responses(dag.source, dag.target, dag.weight, order=dag.order, genes=genes)


def _effects(problem: Problem, treatments: Treatments, dag: SearchResult, *, asked: np.ndarray) -> np.ndarray:
    """Return how far measured effects, weighed against the network and against nothing, move every gene, ``(k, d)``."""
    found = measured_effects(problem, treatments, lambda genes: _said(dag, genes))
    dose = _mean_difference(problem, treatments, asked)[np.arange(len(asked)), asked]
    moved = np.zeros((len(asked), problem.data.n_genes))
    row = locate(found.source, asked)
    at = row >= 0
    moved[row[at], found.target[at]] = np.abs(found.effect[at]) * dose[row[at]]
    return moved
