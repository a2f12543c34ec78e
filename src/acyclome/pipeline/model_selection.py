"""Model auto: which structural model makes observations most probable that it was not fitted to.

Every model that the options, the data and what is known of edges allow learns a network from three quarters of the
observations, as resamples do, and says how probable the last quarter is: the mean log density of a gene given its
causes.  Among the models within two standard errors of the best the simplest is taken (after the one-standard-error
rule of Breiman et al. 1984).  Also a simpler model is taken whose graph is as good, by the functions of whatever model
make most of it, if its own functions are not far behind.  No truth is looked at: likelihood says which family
describes, not which graph is right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

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
from acyclome.io.store import MemoryStore
from acyclome.models import check_pairing, get_model
from acyclome.models.card import Ability
from acyclome.models.held_out import REPEATED, repeated
from acyclome.models.logarithms import LOGARITHMS, gains_of_logarithms
from acyclome.pipeline.dataset import Dataset, asked_by
from acyclome.pipeline.durations import COMPARED_GENES, COMPARED_OBSERVATIONS, PARTS, parts_judged
from acyclome.pipeline.records import Chosen
from acyclome.pipeline.stages import learn_subsample
from acyclome.pipeline.task import Task, seed_of

LEAST_OBSERVATIONS = 60  # of which 15 are kept back; the standard error of fewer is no measure
STARTS = 4  # of clusters of genes, in large networks: 50 genes each; no other number is on record
CORRELATED = 1000  # observations by whose correlations these grow: a standard error of .03
VARIES = 0.01  # of a gene's variance, that it needs among the observations fitted to be judged
LOGARITHMS_SAID = (
    "The logarithms of these values are far nearer to normal, and models were compared on these; the network is "
    "learned from the values. With --prepare.log true it is learned from the logarithms."
)
ERRORS = 2.0  # Breiman et al. take one; with two, chance seldom passes over the simpler of equals
# Of what the best gains over the simplest, that functions must, if their graph is as good.  Curves have .74 to .88
# of it on Sachs, where more than curves only adds false edges, and .54 to .61 where causes do act together.
NEAR = 2 / 3
BLOCK = 8  # genes that a thread judges at once


def choose(task: Task) -> Chosen:
    """Compare the models that the options, the data and what is known of edges allow."""
    task.report("choose", 0.0, "held-out likelihood of the models")
    able, refused = _able(task.data, task.config)
    facts: dict[str, Any] = {"counts": task.data.size is not None, "refused": refused, "compared": []}
    name = next(iter(able))
    if len(able) > 1:
        seed = seed_of(task.config, "auto")
        sample, quarters = _sample(task, np.random.default_rng(seed))
        by_logarithms = task.data.size is None and _gains_by_logarithms(sample)
        if by_logarithms:
            values = np.log1p(sample.store.block(0, sample.n_genes))
            sample = replace(sample, store=MemoryStore(values, sample.store.genes, facts=sample.store.facts))
            facts["warnings"] = [LOGARITHMS_SAID]
        judged = _judge(sample, able, quarters, seed=seed, threads=task.runtime.threads)
        name, facts["compared"] = compare(judged, n_train=sample.n_obs - len(quarters[0]))
        n_test = len(np.unique(np.concatenate(quarters)))
        facts |= {"genes": sample.n_genes, "train": sample.n_obs - len(quarters[0]), "test": n_test}
        facts |= {"logarithms": by_logarithms}
    task.report("choose", 1.0, f"model {name}, of {len(able)} compared by held-out likelihood")
    return Chosen(facts={"name": name, **facts})


class Judged(NamedTuple):
    """How a model did: mean number of edges, and nats per gene of every observation kept back, ``(t,)``."""

    edges: int
    own: np.ndarray  # by its own functions of the causes in its graphs
    graph: np.ndarray  # by those functions, of any model, that make most of its graphs


def compare(judged: Mapping[str, Judged], *, n_train: int) -> tuple[str, list[dict[str, Any]]]:
    """Return the simplest model that is not measurably behind the best, and a row for each.

    ``judged`` has the simplest first.  Graphs learned from ``n_train`` other observations are by chance what they are
    too, which is a part of the errors (Nadeau and Bengio 2003).
    """
    own = _behind({name: one.own for name, one in judged.items()}, n_train)
    graph = _behind({name: one.graph for name, one in judged.items()}, n_train)
    gain = own[next(iter(own))][0]
    rows, chosen = [], []
    for name, one in judged.items():
        (behind, error), (graph_behind, graph_error) = own[name], graph[name]
        is_as_good = graph_behind <= ERRORS * graph_error and behind <= (1.0 - NEAR) * gain
        chosen += [name] * (behind <= ERRORS * error or is_as_good)
        row = {"model": name, "log_density": float(one.own.mean()), "behind": behind, "standard_error": error}
        rows.append(row | {"graph_behind": graph_behind, "graph_error": graph_error, "edges": one.edges})
    return chosen[0], rows


def _behind(values: dict[str, np.ndarray], n_train: int) -> dict[str, tuple[float, float]]:
    """Return by how much each is behind the best, and the standard error of that."""
    best = max(values, key=lambda name: float(values[name].mean()))
    scale, found = math.sqrt(1 / len(values[best]) + 1 / n_train), {}
    for name, density in values.items():
        behind = values[best] - density  # by observation, so that what makes one improbable for all models falls out
        found[name] = float(behind.mean()), float(behind.std(ddof=1)) * scale
    return found


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
    return float(np.mean([repeated(row) for row in data.store.rows(genes)]))


def _gains_by_logarithms(sample: Dataset) -> bool:
    """Say whether logarithms are so much nearer to normal that models are to be compared on these."""
    values = sample.store.block(0, sample.n_genes)
    if values.min() < 0 or _repeated(sample) > REPEATED:
        return False
    return float(gains_of_logarithms(values).mean()) > LOGARITHMS


def _sample(task: Task, rng: np.random.Generator) -> tuple[Dataset, list[np.ndarray]]:
    """Return some genes and observations of large data, all of small, and the quarters to be kept back in turn."""
    d, n = task.data.n_genes, task.data.n_obs
    rows = np.sort(rng.permutation(n)[:COMPARED_OBSERVATIONS])
    genes = np.arange(d)
    if d > COMPARED_GENES:  # genes at random would hardly be one another's causes, and all models alike
        drawn = task.scaled.standardized.columns(np.sort(rng.permutation(n)[:CORRELATED]))
        Z = np.ascontiguousarray(drawn, dtype=np.float32)
        genes = connected_genes(Z, task.data.sources, COMPARED_GENES, rng=rng)
    quarter, n_parts = len(rows) // PARTS, parts_judged(len(genes), len(rows))
    divisions = [rng.permutation(len(rows))[: PARTS * quarter] for _ in range(math.ceil(n_parts / PARTS))]
    parts = np.concatenate(divisions).reshape(-1, quarter)[:n_parts]
    return task.data.subset(genes=genes, rows=rows).as_whole(), [np.sort(part) for part in parts]


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


def _judge(
    sample: Dataset, able: Mapping[str, Config], quarters: list[np.ndarray], *, seed: int, threads: int
) -> dict[str, Judged]:
    """Learn without each of the quarters, and judge these."""
    data = sample.scaled(threads)
    problem = Problem(data, sample.constraints, ThreadBackend(threads))
    functions = [_held_out(options, problem, seed=seed) for options in able.values()]
    density, edges = [], np.zeros(len(able))
    for kept in quarters:
        train = np.setdiff1d(np.arange(sample.n_obs), kept)
        graphs = [_graph(sample, options, Subsample(0, train, seed), threads=threads) for options in able.values()]
        edges += [graph.n_edges for graph in graphs]
        density.append(_densities(data, graphs, functions, rows=(train, kept), threads=threads))
    found, mean_edges = np.concatenate(density, axis=2), np.rint(edges / len(quarters))
    best = found.mean(axis=2).argmax(axis=1)
    return {name: Judged(int(mean_edges[k]), found[k, k], found[k, best[k]]) for k, name in enumerate(able)}


def _graph(sample: Dataset, options: Config, subsample: Subsample, *, threads: int) -> Candidates:
    dag = learn_subsample(sample.under(options), options, subsample, backend=ThreadBackend(threads))
    return Candidates.from_pairs(dag.source, dag.target, sample.n_genes)


def _densities(
    data: Moments,
    graphs: list[Candidates],
    functions: list[HeldOut],
    *,
    rows: tuple[np.ndarray, np.ndarray],
    threads: int,
) -> np.ndarray:
    """Return nats per gene of every graph by all functions, fitted to the first ``rows``, in the second, ``(g, f, t)``.

    Graphs have many parents in common, to which functions are fitted once.
    """
    train, kept = rows
    judged = [j for j in range(data.n_genes) if _varies(data, j, train)]

    def block(a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
        total, n_genes = np.zeros((len(graphs), len(functions), len(kept))), np.zeros(len(kept))
        for j in judged[a:b]:
            own = ~np.isin(kept, data.interventions.of(j))  # elsewhere what was done decided its value, not its causes
            n_genes += own
            known: dict[bytes, np.ndarray] = {}
            for nats, graph in zip(total, graphs, strict=True):
                parents = graph.parent[graph.indptr[j] : graph.indptr[j + 1]]
                if (key := parents.tobytes()) not in known:
                    known[key] = np.where(own, [one.held_out(j, parents, train, kept) for one in functions], 0.0)
                nats += known[key]
        return total, n_genes

    found = run_blocks(block, gene_blocks(len(judged), BLOCK), threads)
    total, n_genes = (sum(part, np.zeros(1)) for part in zip(*found, strict=True))
    return np.asarray(total / np.maximum(n_genes, 1))


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
