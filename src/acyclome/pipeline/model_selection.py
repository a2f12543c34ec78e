"""Model auto: which structural model makes observations most probable that it was not fitted to.

Every model that the options, the data and what is known of edges allow learns a network from three quarters of the
observations, as resamples do, and says how probable the last quarter is: the mean log density of a gene given its
causes.  Among the models within two standard errors of the best the simplest is taken (after the one-standard-error
rule of Breiman et al. 1984).  No truth is looked at: likelihood says which family describes, not which graph is right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from acyclome.confidence.resample import Subsample
from acyclome.config import Config
from acyclome.core.backend import ThreadBackend
from acyclome.core.contract import HeldOut
from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.interventions import LEAST_OWN
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.core.workers import run_blocks
from acyclome.errors import ConfigError
from acyclome.models import check_pairing, get_model
from acyclome.models.card import Ability
from acyclome.pipeline.dataset import Dataset, asked_by
from acyclome.pipeline.records import Chosen
from acyclome.pipeline.resources import COMPARED_GENES, COMPARED_OBSERVATIONS
from acyclome.pipeline.stages import learn_subsample
from acyclome.pipeline.task import Task, seed_of

HELD_OUT = 0.25  # three quarters are more to learn from than the half of a resample; no other share is on record
LEAST_OBSERVATIONS = 60  # of which 15 are kept back; the standard error of fewer is no measure
STARTS = 4  # of clusters of genes, in large networks: 50 genes each; no other number is on record
CORRELATED = 1000  # observations by whose correlations these grow: a standard error of .03
VARIES = 0.01  # of a gene's variance, that it needs among the observations fitted to be judged
REPEATED = 0.05  # of the observations; a kernel density of a value that returns is as high as the kernel is narrow
ERRORS = 2.0  # Breiman et al. take one; with two, chance seldom passes over the simpler of equals
BLOCK = 8  # genes that a thread judges at once


def choose(task: Task) -> Chosen:
    """Compare the models that the options, the data and what is known of edges allow."""
    task.report("choose", 0.0, "held-out likelihood of the models")
    able, refused = _able(task.data, task.config)
    facts: dict[str, Any] = {"counts": task.data.size is not None, "refused": refused, "compared": []}
    name = next(iter(able))
    if len(able) > 1:
        seed, threads = seed_of(task.config, "auto"), task.runtime.threads
        sample, test = _sample(task, np.random.default_rng(seed))
        judged = {name: _judge(sample, options, test, seed=seed, threads=threads) for name, options in able.items()}
        name, facts["compared"] = compare(judged)
        facts |= {"genes": sample.n_genes, "train": int((~test).sum()), "test": int(test.sum())}
    task.report("choose", 1.0, f"model {name}, of {len(able)} compared by held-out likelihood")
    return Chosen(facts={"name": name, **facts})


def compare(judged: Mapping[str, tuple[int, np.ndarray]]) -> tuple[str, list[dict[str, Any]]]:
    """Return the simplest model that is not measurably behind the best, and a row for each.

    ``judged`` has, the simplest first, edges, and nats per gene of every observation kept back, ``(t,)``.
    """
    values = {name: density for name, (_, density) in judged.items()}
    best = max(values, key=lambda name: float(values[name].mean()))
    rows: list[dict[str, Any]] = []
    for name, (edges, density) in judged.items():
        behind = values[best] - density  # by observation, so that what makes one improbable for all models falls out
        row = {"model": name, "log_density": float(density.mean()), "behind": float(behind.mean())}
        rows.append(row | {"standard_error": float(behind.std(ddof=1) / np.sqrt(len(behind))), "edges": edges})
    return next(row["model"] for row in rows if row["behind"] <= ERRORS * row["standard_error"]), rows


def _able(data: Dataset, config: Config) -> tuple[dict[str, Config], dict[str, str]]:
    able, refused = config.with_each_model()
    asked = _asked(data) | ({Ability.SOFT} if config.input.joint else set())  # what groups share is soft in each
    for name in able:
        try:
            check_pairing(get_model(name).under(able[name]), asked)
        except ConfigError as error:
            refused[name] = str(error)
    able = {name: options for name, options in able.items() if name not in refused}
    if data.n_obs < LEAST_OBSERVATIONS:
        first, *others = able
        refused |= dict.fromkeys(others, f"Of under {LEAST_OBSERVATIONS} observations none are kept back.")
        able = {first: able[first]}
    return able, refused


def _asked(data: Dataset) -> set[Ability]:
    """Return what the data and what is known of edges ask of a model that is compared."""
    asked = asked_by(data.constraints, has_targets=data.interventions.any)
    has_counts = data.size is not None
    if not has_counts:
        asked.add(Ability.REAL_VALUES)
    if has_counts or _repeated(data) > REPEATED:
        asked.add(Ability.RETURNING_VALUES)
    if data.store.facts.get("transform") == "rank":
        asked.add(Ability.RANK_TRANSFORM)
    return asked


def _repeated(data: Dataset) -> float:
    """Return the share of observations in which a gene has its most frequent value, such as 0, averaged over genes."""
    genes = np.unique(np.linspace(0, data.n_genes - 1, COMPARED_GENES).astype(int))
    most = [np.unique(row, return_counts=True)[1].max() for row in data.store.rows(genes)]
    return float(np.mean(most)) / data.n_obs


def _sample(task: Task, rng: np.random.Generator) -> tuple[Dataset, np.ndarray]:
    """Return some genes and observations of large data, all of small, and which observations are kept back, bool."""
    d, n = task.data.n_genes, task.data.n_obs
    rows = np.sort(rng.permutation(n)[:COMPARED_OBSERVATIONS])
    genes = np.arange(d)
    if d > COMPARED_GENES:  # genes at random would hardly be one another's causes, and all models alike
        Z = np.ascontiguousarray(task.scaled.Z[:, np.sort(rng.permutation(n)[:CORRELATED])], dtype=np.float32)
        genes = connected_genes(Z, task.data.sources, COMPARED_GENES, rng=rng)
    test = np.zeros(len(rows), bool)
    test[rng.permutation(len(rows))[: int(HELD_OUT * len(rows))]] = True
    return task.data.subset(genes=genes, rows=rows).as_whole(), test


def connected_genes(Z: np.ndarray, causes: np.ndarray, wanted: int, *, rng: np.random.Generator) -> np.ndarray:
    """Grow ``STARTS`` clusters from random genes, each by the gene that correlates most with one of it; rising indices.

    ``Z`` is ``(d, n)`` standardized, ``causes`` ``(d,)`` which genes may be causes: one of each pair has to be. Cost:
    ``d n`` multiplications per gene.
    """
    line, chosen, reach = rng.permutation(len(Z)), np.zeros(len(Z), bool), np.zeros(len(Z))
    for k in range(wanted):
        is_start = k % math.ceil(wanted / STARTS) == 0
        new = line[~chosen[line]][0] if is_start else int(np.argmax(np.where(chosen, -1.0, reach)))
        chosen[new] = True
        near = np.abs(Z @ Z[new])
        near = near if causes[new] else np.where(causes, near, 0.0)
        reach = near if is_start else np.maximum(reach, near)
    return np.flatnonzero(chosen)


def _judge(sample: Dataset, options: Config, test: np.ndarray, *, seed: int, threads: int) -> tuple[int, np.ndarray]:
    """Learn from the observations that are not kept back; return the number of edges, and nats per gene, ``(t,)``."""
    train, kept, backend = np.flatnonzero(~test), np.flatnonzero(test), ThreadBackend(threads)
    dag = learn_subsample(sample.under(options), options, Subsample(0, train, seed), backend=backend)
    network = Candidates.from_pairs(dag.source, dag.target, sample.n_genes)
    parents = np.split(network.parent, network.indptr[1:-1])
    data = sample.scaled(threads)
    local = _held_out(options, Problem(data, sample.constraints, backend), seed=seed)
    judged = [j for j in range(data.n_genes) if _varies(data, j, train)]

    def block(a: int, b: int) -> np.ndarray:
        total = np.zeros((2, len(kept)))
        for j in judged[a:b]:
            own = ~np.isin(kept, data.interventions.of(j))  # elsewhere what was done decided its value, not its causes
            total += np.where(own, local.held_out(j, parents[j], train, kept), 0.0), own
        return total

    density, n_genes = sum(run_blocks(block, gene_blocks(len(judged), BLOCK), threads), np.zeros((2, len(kept))))
    return network.n_edges, density / np.maximum(n_genes, 1)


def _varies(data: Moments, j: int, train: np.ndarray) -> bool:
    """Say whether a gene varies enough in its own among the rows ``train`` for its equation to be judged."""
    own = np.setdiff1d(train, data.interventions.of(j))
    return len(own) >= LEAST_OWN and float(data.Z[j, own].var()) > VARIES


def _held_out(options: Config, problem: Problem, *, seed: int) -> HeldOut:
    """Return what says how probable observations are, under the model, that it was not fitted to."""
    card = get_model(options.model)
    if card.structural_model is not None:
        return card.structural_model(options).prepare(problem, seed)
    assert card.held_out is not None, "a card has one of the two"
    return card.held_out(options, problem, seed)
