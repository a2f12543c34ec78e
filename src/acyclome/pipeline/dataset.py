"""A data set: prepared expression and all that is known of it, the same for every stage and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from acyclome.config import Config
from acyclome.core.backend import Backend
from acyclome.core.data.confounders import Deconfounding, correlations_left
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.data.moments import PRECISE_GENES, WHOLE_GENES, Moments, dtype_of, scale_genes, with_correlations
from acyclome.core.data.problem import Problem
from acyclome.core.data.standardized import MarginalMap
from acyclome.core.effects.doses import Treatments
from acyclome.errors import ConfigError, InputError, examples
from acyclome.io.logarithms import with_logarithms
from acyclome.io.scratch import scratch_array
from acyclome.io.store import GeneMajor
from acyclome.io.store_part import StorePart
from acyclome.knowledge.edges import Prior, prior_of
from acyclome.knowledge.interventions import Perturbation, Strangers, find_targets
from acyclome.knowledge.regulators import Regulators, find_regulators
from acyclome.knowledge.shared import Shared
from acyclome.models import check_pairing, get_model
from acyclome.models.card import Ability
from acyclome.models.logarithms import find_amounts
from acyclome.prepare.checks import check_observations
from acyclome.prepare.size_factors import holds_counts, size_factors
from acyclome.wording import plural


class Labels(NamedTuple):
    """Targets of every treatment, and treatments of targets that are not measured, with the store that has them too."""

    names: list[tuple[str, ...]]
    strangers: Strangers
    whole: GeneMajor


@dataclass(frozen=True)
class Dataset:
    """What a network is learned from."""

    store: GeneMajor  # prepared expression
    prior: Prior  # what is known of the edges
    lost: float  # degrees of freedom that the preparation took out
    interventions: Interventions  # genes acted on, by observation
    treatments: Treatments  # the same, by what was done
    deconfounding: Deconfounding  # what hidden causes do, which the scaled genes are without
    size: np.ndarray | None = None  # (n,) size factors, where the store holds counts for a model of counts
    perturbation: Mapping[str, Any] = field(default_factory=dict)  # what is recorded of the interventions
    warnings: tuple[str, ...] = ()  # names that are not among the genes
    is_latent: bool = False  # whether counts are scored for the expression behind them
    marginal_map: MarginalMap | None = None  # what takes genes to the scales on which the model has its lines
    amounts: tuple[str, ...] = ()  # genes of which the store gives log(1 + x)
    labels: Labels | None = None  # names of the treatments; None of data without, and of a part
    shared: Shared | None = None  # what groups learned together decided for each

    @classmethod
    def build(
        cls,
        store: GeneMajor,
        config: Config,
        *,
        regulators: Regulators | None = None,
        knowledge: Any = None,
        group: str | None = None,
        shared: Shared | None = None,
    ) -> Self:
        """Find what the options and their files say of prepared expression, and refuse what cannot be kept to.

        ``regulators``, ``knowledge`` and ``group`` (which scopes of knowledge name) go over those of the config;
        ``shared`` is what the group shares with others that are learned together with it.
        """
        genes, symbols = store.genes, store.symbols
        sources, unknown = find_regulators(genes, regulators, config.knowledge.regulators, symbols=symbols)
        column, lost = config.input.perturbation, store.n_obs - float(store.facts.get("n_effective", store.n_obs))
        acted, whole = Perturbation.none(n_obs=store.n_obs, n_genes=store.n_vars), store
        if column is not None:
            acted = find_targets(store.obs_columns, column, config.input.control, genes=genes, symbols=symbols)
            if len(acted.rows) < store.n_obs:
                check_observations(len(acted.rows), "part of which it is known what was done", acted.warnings[0])
                store = StorePart(store, rows=acted.rows)
        label = group or config.input.group
        prior = prior_of(config, genes, table=knowledge, symbols=symbols, sources=sources, group=label, shared=shared)
        check_model(config, prior.constraints, has_targets=acted.interventions.any)
        is_latent = config.prepare.transform == "latent"
        if is_latent and store.n_vars > PRECISE_GENES:
            msg = (
                f"prepare.transform latent takes {PRECISE_GENES:,} genes at most, whose correlations it decomposes; "
                f"found {store.n_vars:,}. Keep fewer (prepare.n_top_genes), or take another transform."
            )
            raise InputError(msg)
        counts = config.counts
        if counts is not None and config.card is None and not holds_counts(store):
            counts = None  # auto then leaves out models of counts; one that was asked for refuses such data below
        return cls(
            store,
            prior,
            lost,
            acted.interventions,
            acted.treatments,
            Deconfounding.none(store.n_obs),
            None if counts is None else size_factors(store, counts.size_factors(config)),
            acted.facts,
            (*unknown, *acted.warnings, *prior.warnings),
            is_latent,
            amounts=tuple(store.facts.get("amounts", ())),
            shared=shared,
            labels=None if column is None else Labels(acted.names, acted.strangers, whole),
        )

    def subset(self, *, genes: np.ndarray | None = None, rows: np.ndarray | None = None) -> Self:
        """Return some genes and observations, given by rising positions; None takes all."""
        return replace(
            self,
            store=StorePart(self.store, genes=genes, rows=rows),
            prior=self.prior if genes is None else self.prior.subset(genes),
            interventions=self.interventions.subset(genes, rows),
            treatments=self.treatments.subset(genes, rows),
            deconfounding=self.deconfounding.subset(genes, rows),
            size=self.size if self.size is None or rows is None else self.size[rows],
            perturbation={},
            warnings=(),
            labels=None,
        )

    def as_whole(self) -> Self:
        """Return a part as a data set of its own: its values in memory, and no larger network around it."""
        store = self.store.in_memory() if isinstance(self.store, StorePart) else self.store
        return replace(self, store=store, prior=self.prior.as_whole())

    @property
    def n_genes(self) -> int:
        return self.store.n_vars

    @property
    def n_obs(self) -> int:
        return self.store.n_obs

    @property
    def n_effective(self) -> float:
        return max(self.n_obs - self.lost, 2.0)  # so that log n, the price of a coefficient, is above 0

    @property
    def n_own(self) -> np.ndarray:
        """Observations that count for the equation of each gene, ``(d,)``."""
        return np.maximum(self.n_effective - self.interventions.counts, 2.0)

    @property
    def constraints(self) -> Constraints:
        return self.prior.constraints

    @property
    def sources(self) -> np.ndarray:
        """Genes that may be causes, ``(d,)`` bool."""
        return self.prior.constraints.sources

    def edge_costs(self, config: Config) -> np.ndarray:
        """Return the log-likelihood that an edge into each gene has to bring, ``(d,)``."""
        # The extended BIC, log of how many others may be causes; of one alone there is nothing to choose or to pay.
        cost = config.score.gamma * np.log(max(int(self.sources.sum()) - 1, 1)) + np.zeros(self.n_genes)
        # Local scores have paid for the coefficients already.
        if not get_model(config.model).under(config).judges_by_score(config):
            cost += 0.5 * np.log(self.n_own)
        return cost

    def content(self) -> tuple[Any, ...]:
        """Return all that a result depends on beside the options, to be part of a key."""
        done = self.interventions
        counted = () if self.size is None else (self.size,)
        return (self.store.digest, done.indptr, done.row, *counted, *self.prior.content())

    def scaled(self, threads: int, scratch: Path | None = None) -> Moments:
        """Standardize the genes, in memory or on the disk of a folder; correlations are formed as they are needed."""
        d, n = self.n_genes, self.n_obs
        found = scale_genes(
            self.store.block,
            d,
            lost=self.lost,
            threads=threads,
            interventions=self.interventions,
            room=None if scratch is None else lambda: scratch_array(scratch, (d, n), dtype_of(d)),
            size=self.size,
            deconfounding=self.deconfounding,
            is_latent=self.is_latent,
            marginal_map=self.marginal_map,
            slabs=self.store.slabs,
        )
        wrong = np.flatnonzero(~(np.isfinite(found.mean) & np.isfinite(found.scale)))
        if wrong.size:  # what is prepared has none; a store may have been changed
            names = examples([self.store.genes[gene] for gene in wrong])
            msg = (
                f"The prepared values of {plural(wrong.size, 'gene')} are no numbers: {names}. Run `acyclome prepare` "
                "again."
            )
            raise InputError(msg)
        return found

    def correlate(self, bare: Moments, backend: Backend, scratch: Path | None = None) -> Moments:
        """Return the scaled genes with all correlations; of sparse ones factors are taken out of these."""
        hidden = self.deconfounding
        is_of_factors = hidden.n_factors > 0 and not hidden.trims and not len(hidden.regulators)
        if is_of_factors and backend.sums_halves and self.n_genes <= WHOLE_GENES and not bare.standardized.is_array:
            found = self.as_found.scaled(backend.threads, scratch).standardized
            if found.sparse is not None:
                R = found.sparse.correlate(backend.threads)
                return with_correlations(bare, correlations_left(R, found, hidden.scores, out=R))
        return backend.correlate(bare)

    @property
    def shows_errors(self) -> bool:
        """Whether genes are learned from as they were measured: neither scores of counts nor mixed observations."""
        return not (self.is_latent or self.deconfounding.trims)

    def under(self, config: Config) -> Self:
        """Return the data on the scales of the model; as they are where the data have yet to choose one."""
        card = config.card
        found = replace(self, marginal_map=None if card is None else card.marginal_map)
        # Once, on the whole: parts of the data have the logarithms of this one, whatever they look like by themselves.
        return found._with_logarithms(config.model) if card and card.takes_logarithms and not self.amounts else found

    def _with_logarithms(self, model: str) -> Self:
        """Return the data with the logarithms of amounts in their place."""
        every, labels = self.store if self.labels is None else self.labels.whole, self.labels
        is_amount = find_amounts(self.store.block, self.interventions)
        for j in np.flatnonzero(is_amount).tolist():  # nor may observations be negative of which only targets are known
            is_amount[j] = every.block(j, j + 1).min() >= 0
        found = [gene for gene, taken in zip(self.store.genes, is_amount, strict=True) if taken]
        amounts = tuple(found if self.shared is None else self.shared.amounts_among(self.store.genes, found))
        if not amounts:
            return self
        said = (
            f"Model {model} learned from the logarithms, log(1 + x), of {len(amounts):,} of {self.n_genes:,} genes "
            f"({examples(amounts)}), which are nearer to normal; noise_scale, lowest and knock-outs are of these."
        )
        return replace(
            self,
            store=with_logarithms(self.store, amounts),
            amounts=amounts,
            warnings=(*self.warnings, said),
            labels=labels and labels._replace(whole=with_logarithms(labels.whole, amounts)),
        )

    def without(self, deconfounding: Deconfounding) -> Self:
        """Return the data without what hidden causes do; a factor costs a degree of freedom."""
        return replace(self, deconfounding=deconfounding, lost=self.lost + deconfounding.n_factors)

    @property
    def as_found(self) -> Self:
        """The data with what hidden causes do still in them."""
        return replace(self, deconfounding=Deconfounding.none(self.n_obs)) if self.deconfounding.any else self

    def problem(self, backend: Backend, scratch: Path | None = None, R: np.ndarray | None = None) -> Problem:
        """Return what the network is learned from, with the correlations, formed here unless they are given.

        Those that are given, ``R``, are of the data as they were found; factors are taken out of them in their place.
        """
        bare = self.scaled(backend.threads, scratch)
        if R is None:
            return Problem(self.correlate(bare, backend, scratch), self.constraints, backend)
        if self.deconfounding.n_factors:
            found = self.as_found.scaled(backend.threads, scratch).standardized
            correlations_left(R, found, self.deconfounding.scores, out=R)
        return Problem(with_correlations(bare, R), self.constraints, backend)


def check_model(config: Config, constraints: Constraints, *, has_targets: bool) -> None:
    """Refuse interventions, or knowledge of edges, that the model cannot keep to."""
    if config.card is not None:
        if config.card.search == "relaxation" and config.fit.relax is False:
            msg = f"fit.relax false leaves nothing of model {config.model}, whose relaxation decides. Leave it at auto."
            raise ConfigError(msg)
        check_pairing(config.card, asked_by(constraints, has_targets=has_targets))


def asked_by(constraints: Constraints, *, has_targets: bool) -> set[Ability]:
    """Return what interventions and constraints ask of a model; forbidden edges, which are no candidates, nothing."""
    asked = {
        Ability.REQUIRED: len(constraints.required) > 0,
        Ability.SIGNED: len(constraints.signed) > 0,
        Ability.SOFT: len(constraints.soft) > 0,
        Ability.INTERVENTIONS: has_targets,
    }
    return {ability for ability, is_asked in asked.items() if is_asked}
