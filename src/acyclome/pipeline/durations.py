"""How long the stages of a run take, from its sizes and the speed of the machine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from acyclome.config import Config
from acyclome.core.data.slabs import share_of_products
from acyclome.core.measurement.refine import MOST_GENES
from acyclome.core.screening.near import LISTED, WIDTH, is_worth_it
from acyclome.models.card import Cost
from acyclome.pipeline.engine_settings import looks_for_factors

COMPARED_GENES, COMPARED_OBSERVATIONS = 200, 4000  # of the sample on which models are compared, if there are more
PARTS = 4  # three quarters are more to learn from than the half of a resample; no other share is on record
CHECKED_GENES, CHECKED_OBSERVATIONS = 1000, 5000  # of the sample that checks learn from, which take a minute with it
CHECKED_ROUNDS = 3  # of permutations, over which the edges found are averaged
# Values judged, from which no further quarter is kept back: 20 genes in 1,000 observations; and quarters at most, in
# several divisions where one has not as many.  One of few values chose by its seed (Sachs: three in turn).
JUDGED, MOST_PARTS = 20_000, 8
RANKED = 3.0  # products of all pairs of genes in a ranking: 4.7 s at 10,000 genes, where one is 1.7
# Seconds a gene, and at least: .9 s of tables at 2,000 genes; of the page 1.2 at 3,000, 1.8 at 6,000.
TABLES, PAGE, LEAST_PAGE = 4e-4, 2.2e-4, 0.5
WRITTEN = ("validation", "report")  # what is done for the page, which a folder has
SHAKES = 4  # climbs' worth of scores in a round of perturbation
HELD_OUT_PARTS = 5  # of the targets of a screen, as in five-fold cross-validation: each network has four fifths of them
QUICK = 0.25  # of a search that is taken to its end: .21 at 1,000 genes and .29 at 3,000 of half-samples
HALF = 0.02  # seconds of a half-sample of any size, and of a check: what half-samples of 100 genes took beside
# The look for hidden causes: passes over the data in which factors are proposed, and for each fit of factors further
# ones, part of a search to its end, and multiplications for each pair of genes: of processor seconds of this stage
# alone, which are not on record; benchmarks/plans has whole runs beside what they foresee.  One fit is made where
# no factor is proposed, as in most simulated data; where some are, 42 were made of 3,000 genes and of 6,000.
PROPOSED, FITTED, FIT_SEARCH, FIT_PAIRS, MANY_FITS = 2.0, 0.6, 0.1, 600, 42
REFINED = 1e4  # times d^3 multiplications by the likelihood of latent scores: 4 s at 300 genes, 40 to 55 s at 600
# Of sparse data: products beside the share that is counted (:mod:`acyclome.core.data.slabs`), which dense ones of tiles
# and panels do not reach either; and what a gene that is read takes beside its values, as so many of these.
SPARSE, GENE_READ = 0.5, 1000
MEMBER = 1.2e-4  # seconds a gene that a half-sample takes in tables and page: .16 at 1,000 genes, .27 at 3,000


@dataclass(frozen=True)
class Rates:
    """What one core does in a second; these are of one at 3 GHz, and :mod:`.speed` measures others."""

    gram: float = 6e10  # multiplications in products of matrices
    forward: float = 6e9  # in the forward selection
    moves: float = 5e3  # genes moved by the order search
    scored: float = 2e10  # multiplications in scores and in the relaxation, which have small matrices
    values: float = 1e7  # of expression, filtered and scaled: of seconds of this stage, not on record either


REFERENCE = Rates()


def is_sharded(config: Config) -> bool:
    return config.shard.shards > 0 or config.shard.shard_memory is not None


def is_held_out(config: Config) -> bool:
    """Say whether networks are learned without parts of the targets, as resamples are, of more observations."""
    return config.input.perturbation is not None and config.resample.resamples > 0


def is_relaxed(config: Config) -> bool:
    """Say whether the relaxation decides, which then runs where others search."""
    return config.card is not None and config.card.search == "relaxation"


def cost_of(n_genes: Any, n_obs: int, config: Config) -> Cost:
    """Return what the model takes, without the relaxation where that does not run."""
    if config.card is None:
        return Cost()
    found = config.card.cost(config, n_genes, n_obs)
    return found if config.relaxes else found._replace(relaxed=0.0, on_device=0.0, relax=0.0)


def parts_judged(n_genes: int, n_obs: int) -> int:
    """Return how many quarters of the observations are kept back in turn where models are compared."""
    return min(MOST_PARTS, math.ceil(JUDGED / max(n_obs // PARTS * n_genes, 1)))


@dataclass(frozen=True)
class Filled:
    """What of sparse data is not zero, by which they are read and multiplied.

    ``share`` is what products of the genes take of those of dense matrices, ``kept`` their stored values, and
    ``values`` those of all ``genes`` that are read.
    """

    share: float
    kept: int
    genes: int
    values: int

    @classmethod
    def of(cls, seen: np.ndarray | None, n_obs: int, *, read: tuple[int, int] | None = None) -> Self | None:
        """Return that of genes that are ``seen`` in so many observations, ``(d,)``; None of dense ones, of None.

        ``read`` are the genes and values that are read; None where these are prepared already.
        """
        if seen is None:
            return None
        kept = int(seen.sum())
        return cls(share_of_products(seen, n_obs), kept, *(read or (len(seen), kept)))


@dataclass(frozen=True)
class Durations:
    """Seconds that a run with these options takes on so many threads of a machine.

    ``filled`` is given where products are those of sparse genes.
    """

    config: Config
    threads: int
    rates: Rates
    filled: Filled | None = None

    def of_stages(self, n_genes: int, n_obs: int, shards: tuple[int, int] | None = None) -> dict[str, float]:
        """Return the seconds of every stage, but for the choice of a model.

        ``shards`` are their number and the genes that each has at most; None where the network is not cut.
        """
        d, n, config, rates = float(n_genes), float(n_obs), self.config, self.rates
        gram, look, search = self._passes(d, n)
        refined = self._refinement(d)
        resampled = self._looks_of_halves(d, n) + config.resample.resamples * (HALF + gram + search * QUICK + refined)
        held_out = (HELD_OUT_PARTS - 1) * (look + gram) + HELD_OUT_PARTS * search * QUICK
        hidden = self.of_look(n_genes, n_obs)
        times = {
            "prepare": self._preparation(d, n),
            "confounding": hidden,
            "screen": 0.0 if hidden else look / self.threads,  # whose candidates are those of the other
            **({"fit": 0.0} if shards is None else self._of_shards(shards, n_genes, n_obs)),
            "order": (0.0 if self.filled else gram * 2 / self.threads)
            + search
            + config.search.perturbations * d / rates.moves
            + refined,
            "resample": resampled / self.threads,
            **({"held_out": held_out / self.threads} if is_held_out(config) else {}),
            "validation": self._check(d, n) / self.threads if config.validation.checks else 0.0,
            "network": RANKED * gram / self.threads + (TABLES + MEMBER * config.resample.resamples) * d,
            "report": LEAST_PAGE + PAGE * d,
        }
        for name, seconds in self._of_model(cost_of(d, n_obs, config), config).items():
            times[name] += seconds / self.threads
        return times

    def of_look(self, n_genes: int, n_obs: int, fits: int = 1) -> float:
        """Return the seconds of the look for hidden causes, where factors are fitted so many times; 0 without one."""
        if not looks_for_factors(self.config, n_genes=n_genes, is_counted=self.config.counts is not None):
            return 0.0
        d, n = float(n_genes), float(n_obs)
        _, look, search = self._passes(d, n)
        each = FITTED * d * n / self.rates.values + FIT_SEARCH * search + FIT_PAIRS * d * d / self.rates.gram
        return (look + search * QUICK + PROPOSED * d * n / self.rates.values + fits * each) / self.threads

    def of_choice(self, n_genes: int, n_obs: int) -> float:
        """Return the seconds of a search with every model on the sample where they are compared."""
        d, n = min(n_genes, COMPARED_GENES), min(n_obs, COMPARED_OBSERVATIONS)
        quick = self.config.with_options({"search.perturbations": 0, "resample.resamples": 0})
        costs = [(cost_of(d, n, one)._replace(relax=0.0), one) for one in quick.with_each_model()[0].values()]
        return parts_judged(d, n) * sum(sum(self._of_model(*one).values()) for one in costs) / self.threads

    def _passes(self, d: float, n: float) -> tuple[float, float, float]:
        """Return what one core takes for correlations, for candidates with them, and for a search to its end."""
        gram = d * d * n / self.rates.gram * (1.0 if self.filled is None else SPARSE * self.filled.share)
        forward = d * d * self.config.screen.forward_steps**2 / 2 / self.rates.forward
        partial = d * d * min(n, d) * 2 / self.rates.gram
        return gram, gram + forward + partial, 4 * d / self.rates.moves

    def _looks_of_halves(self, d: float, n: float) -> float:
        """Return what one core takes for the candidates of all half-samples, among all pairs or from lists of some."""
        gram, look, _ = self._passes(d, n)
        half, resamples = n / 2, self.config.resample.resamples
        if not is_worth_it(int(d), int(half), sources=int(d)) or not resamples:
            return resamples * look / 2
        each = gram / 2 + (look - gram) / 2 * (2 * WIDTH * LISTED / d) + 2 * d * half**2 / self.rates.gram
        return look + resamples * each

    def _preparation(self, d: float, n: float) -> float:
        """Return what one core takes to read and prepare all genes of a file."""
        if self.filled is None:
            return d * n / self.rates.values
        return (self.filled.values + GENE_READ * self.filled.genes) / self.rates.values

    def _check(self, d: float, n: float) -> float:
        """Return what one core takes for the checks, which learn from a sample as half-samples are learned from."""
        d, n = min(d, CHECKED_GENES), min(n, CHECKED_OBSERVATIONS)
        gram, look, search = self._passes(d, n)
        quick = self.config.with_options({"search.perturbations": 0, "resample.resamples": 0})
        decides = is_relaxed(self.config)
        cost = cost_of(d, int(n), self.config)
        of_model = sum(self._of_model(cost if decides else cost._replace(relax=0.0), quick).values())
        drawn = d * n / self.rates.values
        return (1 + CHECKED_ROUNDS) * (HALF + drawn + look + gram + search * QUICK + of_model + self._refinement(d))

    def _refinement(self, d: float) -> float:
        """Return what one core takes to go on from a network by the likelihood of latent scores, where that is done."""
        is_refined = self.config.prepare.transform == "latent" and d <= MOST_GENES
        return REFINED * d**3 / self.rates.gram if is_refined else 0.0

    def _of_model(self, cost: Cost, config: Config) -> dict[str, float]:
        """Return what one core takes in the stages, of what the model takes beside what all take."""
        rounds, resampled = config.search.perturbations, config.resample.resamples * config.resample.fraction
        decides = is_relaxed(config)
        search, relax = float(cost.search) / self.rates.scored, float(cost.relax) / self.rates.scored
        return {
            "screen": float(cost.screen) / self.rates.gram,
            "fit": 0.0 if decides or is_sharded(config) else relax,
            "order": relax if decides else search * (1 + SHAKES * rounds),
            "resample": (relax if decides else search) * resampled,
        }

    def _of_shards(self, shards: tuple[int, int], n_genes: int, n_obs: int) -> dict[str, float]:
        """Return the seconds of the shards: their relaxation and their first search, and the plan."""
        number, most = shards
        cost = cost_of(most, n_obs, self.config)
        of_model = float(cost.relax + cost.search) / self.rates.scored
        each = float(most) * most * n_obs / self.rates.gram + 2 * most / self.rates.moves + of_model
        return {"shard": 1e-4 * n_genes, "fit": each * math.ceil(number / self.threads), "merge": 1e-5 * n_genes}
