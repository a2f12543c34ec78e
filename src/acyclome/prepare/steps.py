"""The preparation, step by step, in memory or straight into a store."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from acyclome.config import Config
from acyclome.core.data.moments import dtype_of
from acyclome.core.data.standardized import is_small
from acyclome.core.workers import one_blas_thread
from acyclome.io.expression import open_expression
from acyclome.io.matrices import COUNTS, MatrixFacts
from acyclome.io.store import write_store
from acyclome.io.store_writer import slabs_of
from acyclome.prepare import aggregate, covariates, depth, genes, selection, structure, transform
from acyclome.prepare.copies import copies_in, drop_copies
from acyclome.prepare.matrix import Draft, Matrix, blocks, dense
from acyclome.prepare.named import named_genes
from acyclome.prepare.streamed import Streamed, held, seen_in
from acyclome.prepare.symbols import find_symbols

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from acyclome.knowledge.regulators import Regulators

_PLAIN = {"b": bool, "i": np.int64, "u": np.uint64, "f": np.float64}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """A matrix that can be learned from."""

    X: Matrix  # (n_vars, n_obs) float32, gene-major, dense or CSR
    genes: list[str]
    observations: list[str]
    facts: dict[str, Any]  # steps, warnings, sizes; n_effective: observations less the degrees that covariates took
    obs_columns: pd.DataFrame
    symbols: dict[str, str] = field(default_factory=dict)  # of genes, where the data have them beside


@dataclass(frozen=True)
class Plan:
    """A draft and what remains to be done to its genes, each by itself."""

    draft: Draft
    Q: np.ndarray | None
    is_ranked: bool
    facts: dict[str, Any]

    @property
    def is_slabbed(self) -> bool:
        """Whether the matrix is sparse, and of more values than are held dense: it is then written in slabs."""
        X = self.draft.X
        is_sparse = isinstance(X, Streamed) or sp.issparse(X)
        return is_sparse and self.Q is None and not is_small(X.shape, np.dtype(dtype_of(X.shape[0])))

    def slabs(self) -> Iterator[sp.csr_matrix]:
        """Give the finished matrix in slabs of observations."""
        X = self.draft.X
        if not isinstance(X, Streamed):
            return slabs_of(self.whole())
        return X.by_genes(transform.rank_to_normal).slabs() if self.is_ranked else X.slabs()

    def whole(self) -> Matrix:
        """Return the finished matrix ``(n_vars, n_obs)``."""
        finished = list(self.blocks())
        return sp.vstack(finished, format="csr") if sp.issparse(finished[0]) else np.concatenate(finished)

    def blocks(self) -> Iterator[Matrix]:
        X = held(self.draft.X)
        for a, b in blocks(*X.shape):
            block = transform.rank_to_normal(X[a:b]) if self.is_ranked else X[a:b]
            yield block if self.Q is None else covariates.residuals(block, self.Q)


def prepare(adata: AnnData, config: Config | None = None, *, regulators: Regulators | None = None) -> Prepared:
    """Prepare one matrix of an AnnData as the configuration says; the AnnData is not changed.

    The steps, in order: choose matrix and group, leave out rare genes, join observations (pseudobulk or metacells),
    normalise, logarithm, highly variable genes, marginal transform, covariates.  ``regulators`` stay among the highly
    variable genes, in place of those that the configuration lists.
    """
    config = config or Config()
    with one_blas_thread():
        plan = _plan(adata, config, regulators)
        X = plan.whole()
    draft, genes = plan.draft, list(plan.draft.genes)
    symbols = find_symbols(adata, config.input, genes)
    return Prepared(X, genes, _names(draft), plan.facts, plain_columns(draft.obs), symbols)


def prepare_to_store(
    path_in: str | os.PathLike[str], path_store: str | os.PathLike[str], config: Config | None = None
) -> dict[str, Any]:
    """Prepare an expression file and write the result as a store; return the facts, with the store's ``digest``.

    The values are those of :func:`prepare`. Sparse values stay sparse; dense ones are written as they are made, so that
    they need not fit into memory together.
    """
    config = config or Config()
    return write_prepared(open_expression(path_in, config.input.genes_as), path_store, config)


def write_prepared(
    adata: AnnData, path_store: str | os.PathLike[str], config: Config, *, regulators: Regulators | None = None
) -> dict[str, Any]:
    """Prepare one matrix of an AnnData as :func:`prepare` does, and write the result as a store."""
    with one_blas_thread():
        plan = _plan(adata, config, regulators)
        draft = plan.draft
        columns = plain_columns(draft.obs)
        digest = write_store(
            path_store,
            plan.slabs() if plan.is_slabbed else plan.blocks(),
            list(draft.genes),
            observations=_names(draft),
            facts=plan.facts,
            obs_columns=columns,
            symbols=find_symbols(adata, config.input, list(draft.genes)),
            in_slabs=plan.is_slabbed,
        )
    _log.info("prepared %d genes x %d observations", draft.n_vars, draft.n_obs)
    return {**plan.facts, "digest": digest}


class PreparedSize(NamedTuple):
    """How many observations and genes the filters would leave, before anything is joined.

    ``seen`` ``(d,)`` says in how many observations each of these is not zero, None of dense data: of the most variable
    genes, which are not known before they are looked for, it takes those that are seen most often, none of which is a
    regulator or target, for these stay beside them.  Of all genes there are ``genes_read``, with ``values_read`` that
    are stored.
    """

    n_obs: int
    n_vars: int
    seen: np.ndarray | None
    genes_read: int
    values_read: int


def prepared_size(path_in: str | os.PathLike[str], config: Config) -> PreparedSize:
    """Return what the filters would leave of a file."""
    adata = open_expression(path_in, config.input.genes_as)
    draft, _ = _filtered(adata, config)
    named = named_genes(adata, draft, config)
    n_others = int((~named).sum())
    size = draft.n_vars - n_others + min(n_others, config.prepare.n_top_genes or n_others)
    if not (isinstance(draft.X, Streamed) or sp.issparse(draft.X)):
        return PreparedSize(draft.n_obs, size, None, adata.n_vars, adata.n_vars * draft.n_obs)
    seen = seen_in(draft.X)
    most = np.lexsort((seen, named))[draft.n_vars - size :]
    return PreparedSize(draft.n_obs, size, np.sort(seen[most]), adata.n_vars, int(seen.sum()))


def _plan(adata: AnnData, config: Config, regulators: Regulators | None) -> Plan:
    draft, read = selected(adata, config)
    plan = planned(adata, draft, read, config=config, regulators=regulators)
    asked = config.input
    given = {*config.prepare.covariates, asked.group_by, asked.perturbation}
    if not (found := structure.explaining(plan.draft, plan.Q, given)):
        return plan
    said = structure.warning(found, plan.draft.obs)
    facts = {"structure": {"column": list(found), "share": list(found.values())}}
    return replace(plan, facts={**plan.facts, **facts, "warnings": [*plan.facts["warnings"], said]})


def selected(adata: AnnData, config: Config) -> tuple[Draft, MatrixFacts]:
    """Return the chosen matrix without rare genes, as it was measured, and what it holds."""
    selection.check_perturbation(adata, config.input)
    return _filtered(adata, config)


def _filtered(adata: AnnData, config: Config) -> tuple[Draft, MatrixFacts]:
    draft, read = selection.select(adata, config.input, config.prepare)
    is_part = config.input.group is not None or draft.n_obs < adata.n_obs  # observations with gaps may be left out
    return genes.filter_genes(draft, config.prepare, is_part=is_part), read


def planned(
    adata: AnnData, draft: Draft, read: MatrixFacts, *, config: Config, regulators: Regulators | None = None
) -> Plan:
    """Take all steps from there on."""
    options = config.prepare
    is_counted = config.counts is not None and (config.card is not None or draft.kind == COUNTS)
    if is_counted or options.pseudobulk_by is not None or options.metacells is not None or options.covariates:
        draft = replace(draft, X=held(draft.X))
    draft = aggregate.aggregate(draft, options, config.seed, config.input.perturbation)
    copies = copies_in(draft)  # proportional counts are not so as logarithms; they stay in the totals
    named = named_genes(adata, draft, config, regulators=regulators)
    if is_counted:
        counted = drop_copies(genes.keep_counts(draft, options, named), copies)
        return Plan(counted, None, False, _facts(adata, counted, read, None, "none"))
    draft = genes.top_genes(genes.take_log(genes.normalize(draft, options), options), options, named)
    draft = drop_copies(genes.drop_constant(draft, is_part=True), copies)  # joining observations may have made some so
    Q = covariates.basis(draft.obs, options.covariates) if options.covariates else None
    if draft.log_depth is not None:
        draft = replace(draft, X=held(draft.X))
    Q = Q if draft.log_depth is None else depth.beside(Q, draft.X, draft.log_depth)
    asked = "kept" if config.keeps_values else options.transform
    choice = _choose_transform(draft, Q, asked, config.seed)
    draft = draft.noted("transform", **choice)
    if Q is not None and options.covariates:
        draft = covariates.leave_out_explained(draft, Q, options.covariates)
    return Plan(draft, Q, choice["chosen"] == "rank", _facts(adata, draft, read, Q, choice["chosen"]))


def _choose_transform(draft: Draft, Q: np.ndarray | None, asked: str, seed: int) -> dict[str, Any]:
    if asked != "auto":
        text = {
            "none": "none, as asked",
            "rank": "ranks to normal scores, as asked",
            "kept": "none, since the model reads the shape of curves or noise",
        }[asked]
        return {"what": text, "chosen": "rank" if asked == "rank" else "none"}
    chosen, observations = transform.draw_sample(draft.n_vars, draft.n_obs, seed=seed)
    part = dense(draft.X[chosen][:, observations])
    Q = None if Q is None else covariates.basis_of_rows(Q, observations)
    choice = transform.choose_transform(part, seed, Q)
    words = {"none": "none", "rank": "ranks to normal scores"}[choice.transform]
    figures = {"gain_none": choice.gain_none, "gain_rank": choice.gain_rank, "standard_error": choice.standard_error}
    return {"what": f"{words}: {choice.reason}", "chosen": choice.transform, **figures}


def _facts(adata: AnnData, draft: Draft, read: MatrixFacts, Q: np.ndarray | None, chosen: str) -> dict[str, Any]:
    return {
        "matrix": read.name,
        "kind": read.kind,
        "n_obs_input": int(adata.n_obs),
        "n_vars_input": read.n_vars,
        "n_obs": draft.n_obs,
        "n_vars": draft.n_vars,
        "n_effective": draft.n_obs - (0 if Q is None else Q.shape[1] - 1),
        "transform": chosen,
        "warnings": list(draft.warnings),
        "steps": [dict(step) for step in draft.steps],
    }


def _names(draft: Draft) -> list[str]:
    return [str(name) for name in draft.obs.index]


def plain_columns(obs: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of the observations as numbers where they hold such, and as categories of texts elsewhere.

    A column of objects, as a notebook makes it of texts and gaps, is then as anndata reads it back from a file.
    """
    import pandas as pd

    kept = pd.DataFrame(index=pd.Index([str(name) for name in obs.index]))
    for name, column in obs.items():
        kind = column.dtype.kind
        if kind in "biuf" and not column.isna().any():
            values = column.to_numpy()
            is_plain = values.dtype != object  # that of pandas' own kinds may come as objects
            kept[str(name)] = values if is_plain else values.astype(_PLAIN[kind])
        elif kind in "iuf":  # of pandas' own kinds, which mark what is missing
            kept[str(name)] = column.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            kept[str(name)] = pd.Categorical(column.astype(object).map(str).to_numpy())
    return kept
