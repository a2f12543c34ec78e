"""Whether a network is worth believing, asked of its own data.

The method is run anew on observations of which a fifth is kept back, beside simpler networks; on genes that are each
permuted by themselves, counts before they are prepared, where every edge is false; and on half of the cells of a
screen, to be scored by the other half.  That takes samples of the genes and the observations of large data, so it costs
no more with more of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from acyclome.confidence.resample import Subsample
from acyclome.config import Config
from acyclome.core.backend import Backend, ThreadBackend
from acyclome.core.data.confounders import Deconfounding
from acyclome.core.data.index_maps import positions
from acyclome.core.data.interventions import Interventions
from acyclome.core.effects.doses import Treatments
from acyclome.evaluate.rivals import OURS, beside_rivals, met_by_chance, rival_networks
from acyclome.io.logarithms import with_logarithms
from acyclome.io.store import GeneMajor, MemoryStore
from acyclome.io.store_part import StorePart
from acyclome.knowledge.edges import Prior
from acyclome.models import AUTO
from acyclome.pipeline import interventional
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.durations import CHECKED_GENES, CHECKED_OBSERVATIONS, CHECKED_ROUNDS
from acyclome.pipeline.records import Ordered, Validated
from acyclome.pipeline.stages import learn_subsample
from acyclome.pipeline.task import Task, seed_of
from acyclome.prepare.permuted import ROUND
from acyclome.prepare.size_factors import size_factors
from acyclome.report.validation import CHANCE

CELLS = 50_000  # of a screen, which has few for each target; 0.2 GB of 1,000 genes
LEAST_GENES, LEAST_OBSERVATIONS = 3, 30  # a fifth of fewer tells nothing
HELD_OUT = 0.2  # a fifth, as in five-fold cross-validation, of which it is one fold
# Edges by chance, for each gene and at all, that no warning is made of: the price of an edge lets so many pass.
FALSE_EDGES, LEAST_FALSE = 0.01, 2.0


def validate(task: Task, ordered: Ordered, permuted: GeneMajor | None = None) -> Validated:
    """Collect what speaks for and against the network of the search.

    ``permuted`` holds permuted counts, prepared (:mod:`acyclome.prepare.permuted`); without it prepared values are
    permuted.
    """
    data, config = task.data, task.config
    backend = ThreadBackend(task.runtime.threads)  # a sample is small, and bits that no device touches can be compared
    task.report("validation", 0.0, "held-out observations, permuted genes")
    facts: dict[str, Any] = {}
    prior = data.prior.keys_of("known")
    if len(prior):
        facts["known"] = met_by_chance(ordered.source, ordered.target, prior, data.n_genes)
    seed = seed_of(config, "validation")
    sample = draw_sample(data, np.random.default_rng([seed, 0]))
    d, n = sample.n_genes, sample.n_obs
    if d < LEAST_GENES or n < LEAST_OBSERVATIONS:
        facts["why_not"] = f"{d} genes that vary and {n} observations are too few to keep a fifth of them back."
    else:
        facts["rivals"] = {"genes": d, "observations": n, "networks": _rivals(sample, config, seed, backend=backend)}
        rng = np.random.default_rng([seed, 2])
        rounds = _of_values(sample, rng) if permuted is None else _of_counts(data, permuted, config)
        facts["permuted"] = _permuted(rounds, config, seed, n_genes=data.n_genes, backend=backend)
        facts["permuted"]["of_counts"] = permuted is not None
        facts["warnings"] = _by_chance(facts["permuted"], len(ordered.source), data.n_genes)
        if sample.interventions.any:
            whole = draw_sample(data, np.random.default_rng([seed, 4]), observations=CELLS)
            if len(interventional.scored_targets(whole)) >= interventional.LEAST:
                facts["interventional"] = interventional.compare(whole, config, seed=seed, backend=backend)
    task.report("validation", 1.0, "")
    return Validated(facts=facts)


def draw_sample(data: Dataset, rng: np.random.Generator, *, observations: int | None = None) -> Dataset:
    """Draw genes and observations; up to half of the genes are regulators on a list, or were acted on.

    Genes that do not vary in the observations drawn are left out.
    """
    genes = draw_genes((data.sources & ~data.sources.all()) | (data.interventions.counts > 0), rng)
    rows = np.sort(rng.permutation(data.n_obs)[: observations or CHECKED_OBSERVATIONS])
    sample = data.subset(genes=genes, rows=rows).as_whole()
    varies = np.ptp(sample.store.block(0, len(genes)), axis=1) > 0
    return sample if varies.all() else sample.subset(genes=np.flatnonzero(varies)).as_whole()


def draw_genes(special: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw genes, rising; up to half of them are ``special``, ``(d,)`` bool."""
    line = rng.permutation(len(special))
    first, others = line[special[line]], line[~special[line]]
    return np.sort(np.concatenate([first[: CHECKED_GENES // 2], others, first[CHECKED_GENES // 2 :]])[:CHECKED_GENES])


def even_values(sample: Dataset) -> np.ndarray:
    """Return what Gaussian models are fitted to, ``(genes, observations)``: of counts, logarithms."""
    X = sample.store.block(0, sample.n_genes)
    return X if sample.size is None else np.log1p(X / sample.size).astype(np.float32)


def _rivals(sample: Dataset, config: Config, seed: int, *, backend: Backend) -> list[dict[str, Any]]:
    """Learn from four fifths of the observations, as simpler methods do, and judge all by the last."""
    d, n = sample.n_genes, sample.n_obs
    shuffled = np.random.default_rng([seed, 1]).permutation(n)
    test, train = np.sort(shuffled[: int(HELD_OUT * n)]), np.sort(shuffled[int(HELD_OUT * n) :])
    dag = learn_subsample(sample, config, Subsample(0, train, seed), backend=backend)
    values = sample.store.block(0, d)  # a gene that is constant in either part can be neither fitted nor judged
    seen = np.flatnonzero((np.ptp(values[:, train], axis=1) > 0) & (np.ptp(values[:, test], axis=1) > 0))
    position = positions(seen, d)
    source, target = position[dag.source], position[dag.target]
    ours = source[(source >= 0) & (target >= 0)], target[(source >= 0) & (target >= 0)]
    X = even_values(sample)[seen].T
    networks = {OURS: ours, **rival_networks(X[train], len(ours[0]), sample.sources[seen], seed)}
    acted = [sample.interventions.subset(seen, part) for part in (train, test)]
    return beside_rivals(X[train], X[test], networks, acted)


def _of_values(sample: Dataset, rng: np.random.Generator) -> Iterator[Dataset]:
    """Yield the data with prepared values permuted."""
    X, n = sample.store.block(0, sample.n_genes), sample.n_obs
    size = None if sample.size is None else np.ones(n)  # counts drawn anew no longer follow their sum
    bare = _bare(sample, sample.store, sample.sources, size=size, lost=sample.lost)
    for _ in range(CHECKED_ROUNDS):
        yield replace(bare, store=MemoryStore(rng.permuted(X, axis=1), sample.store.genes))


def _of_counts(data: Dataset, permuted: GeneMajor, config: Config) -> Iterator[Dataset]:
    """Yield what preparation made of permuted counts, round by round."""
    place = {gene: k for k, gene in enumerate(data.store.genes)}
    genes = np.array([k for k, gene in enumerate(permuted.genes) if gene in place])
    sources = data.sources[[place[permuted.genes[k]] for k in genes]]
    assert permuted.obs_columns is not None, "it says of which round each observation is"
    columns, counts = permuted.obs_columns, config.counts or config.with_options({"model": AUTO}).counts
    for number, n_effective in enumerate(permuted.facts["n_effective"]):
        rows = np.flatnonzero(columns[ROUND].to_numpy() == number)
        part = StorePart(permuted, genes=genes, rows=rows)
        values = with_logarithms(part, data.amounts).block(0, len(genes))
        store = MemoryStore(values, part.genes, obs_columns=part.obs_columns)
        size = None
        if data.size is not None and counts is not None:
            size = size_factors(store, counts.size_factors(config))
        yield _bare(data, store, sources, size=size, lost=len(rows) - n_effective)


def _bare(data: Dataset, store: GeneMajor, sources: np.ndarray, *, size: np.ndarray | None, lost: float) -> Dataset:
    """Return permuted data, of which nothing is known but which genes may be causes."""
    n, d = store.n_obs, store.n_vars
    return replace(  # whatever else the data are, counts that are scored for example, permuted ones are too
        data,
        store=store,
        prior=Prior.of_sources(sources),
        lost=lost,
        interventions=Interventions.none(n_obs=n, n_genes=d),
        treatments=Treatments.none(n),
        deconfounding=Deconfounding(np.empty((0, n)), data.deconfounding.trims),
        size=size,
        perturbation={},
        warnings=(),
    )


def _permuted(
    rounds: Iterable[Dataset], config: Config, seed: int, *, n_genes: int, backend: Backend
) -> dict[str, float]:
    """Count the edges among genes that are each permuted by themselves; what is known is left aside."""
    counts, sizes = [], []
    for number, data in enumerate(rounds):
        every = np.arange(data.n_obs)
        dag = learn_subsample(data, config, Subsample(number, every, seed + number), backend=backend)
        counts.append(len(dag.source))
        sizes.append(data.n_genes)
    mean, d = float(np.mean(counts)), float(np.mean(sizes))
    return {"rounds": float(len(counts)), "genes": d, "edges": mean, "false_edges": mean * n_genes / d}


def _by_chance(facts: dict[str, Any], edges: int, genes: int) -> list[str]:
    """Return a warning if chance gives too many of the edges."""
    if facts["false_edges"] <= max(CHANCE * edges, FALSE_EDGES * genes, LEAST_FALSE):
        return []
    made = " Preparation makes them: counts were permuted before it." if facts["of_counts"] else ""
    return [
        f"About {facts['false_edges']:.0f} edges are found where every gene is permuted by itself, and none is right; "
        f"the network has {edges:,}. Do not believe it as it is.{made}"
    ]
