"""Whether a network is worth believing, asked of its own data.

The method is run anew on observations of which a fifth is kept back, beside simpler networks; on genes that are each
permuted by themselves, where every edge is false; and without some of the interventions.  That takes samples of the
genes and the observations of large data, so it costs no more with more of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from acyclome.confidence.resample import Member
from acyclome.config import Config
from acyclome.core.backend import ThreadBackend
from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.effects.doses import Treatments
from acyclome.evaluate.rivals import OURS, beside_rivals, met_by_chance, rival_networks, unseen_targets
from acyclome.io.store import MemoryStore
from acyclome.knowledge.edges import Prior
from acyclome.pipeline.dataset import GeneData, Stage
from acyclome.pipeline.stages import learn_member, seed_of

GENES, OBSERVATIONS = 1000, 5000  # of a sample
LEAST_GENES, LEAST_OBSERVATIONS, LEAST_TARGETS = 3, 30, 10
HELD_OUT = 0.2
ROUNDS = 3  # of permutations
BLOCK = 100


@dataclass(frozen=True)
class Sample:
    """Some of the data.

    Parameters
    ----------
    X
        ``(genes, observations)`` float32, gene-major.
    genes
        Which genes they are, rising.
    interventions
        Those among them.
    lost
        Degrees of freedom that the preparation took out.
    constraints
        What is known of their edges.
    size
        ``(observations,)`` size factors, where ``X`` holds counts for a model of counts.
    """

    X: np.ndarray
    genes: np.ndarray
    interventions: Interventions
    lost: float
    constraints: Constraints
    size: np.ndarray | None = None

    @property
    def even(self) -> np.ndarray:
        """The values that Gaussian models are fitted to, ``(genes, observations)``: of counts, logarithms."""
        return self.X if self.size is None else np.log1p(self.X / self.size).astype(np.float32)

    def data(self, X: np.ndarray, threads: int) -> GeneData:
        """Return the same with other values, as stages take it."""
        n = X.shape[1]
        store = MemoryStore(X, [str(gene) for gene in self.genes], facts={"n_effective": max(n - self.lost, 2.0)})
        treatments = Treatments.none(n)
        prior, backend = Prior(self.constraints), ThreadBackend(threads)
        return GeneData(store, prior, backend, self.interventions, treatments, size=self.size)


def validate(data: GeneData, config: Config, ordered: Stage) -> Stage:
    """Collect what speaks for and against the network of the order search."""
    data.progress("validation", 0.0, "held-out observations, permuted genes")
    facts: dict[str, Any] = {}
    source, target = ordered.arrays["source"], ordered.arrays["target"]
    known = data.prior.keys_of("known")
    if len(known):
        facts["known"] = met_by_chance(source, target, known, data.store.n_vars)
    seed = seed_of(config, "validation")
    sample = _draw(data, np.random.default_rng([seed, 0]))
    d, n = sample.X.shape
    if d < LEAST_GENES or n < LEAST_OBSERVATIONS:
        facts["why_not"] = f"{d} genes that vary and {n} observations are too few to keep a fifth of them back."
    else:
        facts["rivals"] = {"genes": d, "observations": n, "networks": _rivals(sample, config, seed, data.threads)}
        facts["permuted"] = _permuted(sample, config, seed, data.threads, data.store.n_vars)
        if sample.interventions.any:
            facts["unseen"] = _unseen(sample, config, seed, data.threads)
    data.progress("validation", 1.0, "")
    return Stage({}, facts)


def _draw(data: GeneData, rng: np.random.Generator) -> Sample:
    """Draw genes and observations; up to half of the genes are regulators on a list, or were acted on.

    Genes that do not vary in the observations drawn are left out.
    """
    d, n = data.store.n_vars, data.store.n_obs
    special = (data.sources & ~data.sources.all()) | (data.interventions.counts > 0)
    line = rng.permutation(d)
    first, others = line[special[line]], line[~special[line]]
    genes = np.sort(np.concatenate([first[: GENES // 2], others, first[GENES // 2 :]])[:GENES])
    rows = np.sort(rng.permutation(n)[:OBSERVATIONS])
    X = np.vstack([data.store.rows(genes[a:b])[:, rows] for a, b in gene_blocks(len(genes), BLOCK)])
    varies = np.ptp(X, axis=1) > 0
    genes = genes[varies]
    interventions = data.interventions.among(rows).restrict(genes)
    constraints = data.constraints.subset(genes).as_whole()
    size = None if data.size is None else data.size[rows]
    return Sample(X[varies].astype(np.float32), genes, interventions, data.lost, constraints, size)


def _rivals(sample: Sample, config: Config, seed: int, threads: int) -> list[dict[str, Any]]:
    """Learn from four fifths of the observations, as simpler methods do, and judge all by the last."""
    d, n = sample.X.shape
    shuffled = np.random.default_rng([seed, 1]).permutation(n)
    test, train = np.sort(shuffled[: int(HELD_OUT * n)]), np.sort(shuffled[int(HELD_OUT * n) :])
    found = learn_member(sample.data(sample.X, threads), config, Member(0, train, seed), threads=threads)
    seen = np.flatnonzero((np.ptp(sample.X[:, train], axis=1) > 0) & (np.ptp(sample.X[:, test], axis=1) > 0))
    place = np.full(d, -1, np.int64)
    place[seen] = np.arange(len(seen))
    source, target = place[found["source"]], place[found["target"]]
    ours = source[(source >= 0) & (target >= 0)], target[(source >= 0) & (target >= 0)]
    known = sample.even[seen].T
    networks = {OURS: ours, **rival_networks(known[train], len(ours[0]), sample.constraints.sources[seen], seed)}
    acted = sample.interventions.restrict(seen)
    return beside_rivals(known[train], known[test], networks, (acted.among(train), acted.among(test)))


def _permuted(sample: Sample, config: Config, seed: int, threads: int, n_genes: int) -> dict[str, float]:
    """Count the edges among genes that are each permuted by themselves; what is known is left aside."""
    d, n = sample.X.shape
    size = None if sample.size is None else np.ones(n)  # counts that are dealt out anew no longer follow their sum
    bare = Sample(
        sample.X,
        sample.genes,
        Interventions.none(n_obs=n, n_genes=d),
        sample.lost,
        Constraints.of_sources(sample.constraints.sources),
        size,
    )
    rng, counts = np.random.default_rng([seed, 2]), []
    for number in range(ROUNDS):
        permuted = bare.data(rng.permuted(sample.X, axis=1), threads)
        found = learn_member(permuted, config, Member(number, np.arange(n), seed + number), threads=threads)
        counts.append(len(found["source"]))
    mean = float(np.mean(counts))
    return {"rounds": float(len(counts)), "genes": float(d), "edges": mean, "false_edges": mean * n_genes / d}


def _unseen(sample: Sample, config: Config, seed: int, threads: int) -> dict[str, float] | None:
    """Learn without the observations of a fifth of the targets, and predict what happened in them; None if too few."""
    X, targets, d = sample.even, sample.interventions, len(sample.genes)
    alone = np.bincount(targets.row, minlength=X.shape[1]) == 1
    rows = {gene: kept for gene in range(d) if len(kept := targets.of(gene)[alone[targets.of(gene)]])}
    if len(rows) < LEAST_TARGETS:
        return None
    held = np.sort(np.random.default_rng([seed, 3]).permutation(np.array(list(rows)))[: int(HELD_OUT * len(rows))])
    train = np.setdiff1d(np.arange(X.shape[1]), np.concatenate([targets.of(gene) for gene in held]))
    found = learn_member(sample.data(sample.X, threads), config, Member(0, train, seed), threads=threads)
    rest = targets.untouched if len(targets.untouched) > 1 else train
    center, scale = X[:, rest].mean(axis=1), np.maximum(X[:, train].std(axis=1), 1e-12)
    change = {gene: (X[:, at].mean(axis=1) - center) / scale for gene, at in rows.items()}
    others = np.setdiff1d(list(rows), held)
    seen = np.array([np.where(np.arange(d) == gene, np.nan, change[gene]) for gene in others])
    edges = found["source"], found["target"], found["weight"]
    return unseen_targets(edges, seen, np.array([change[gene] for gene in held]), held)
