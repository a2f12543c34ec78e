"""Counts of independent genes, prepared as the data were: what preparation alone makes of them.

Every gene's counts are permuted among the observations by themselves, as they were measured, and all steps are taken
anew: size factors, logarithms, joining of similar cells, covariates.  A permutation of prepared values would not see
that totals of few genes bind them, or that metacells of similar cells hold what is alike by chance.

Depth is no dependence of genes, so it has to stay.  A count that comes to an observation of another depth is brought to
that: thinned binomially where it is lower, with a Poisson number added where it is higher.  Where counts show no
depth (:mod:`acyclome.prepare.depth`) this is a plain permutation.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from acyclome.config import Config
from acyclome.core.workers import one_blas_thread
from acyclome.io.expression import open_expression
from acyclome.io.matrices import COUNTS
from acyclome.io.store import write_store
from acyclome.prepare.depth import Totals
from acyclome.prepare.genes import drop_constant
from acyclome.prepare.matrix import Draft, Matrix, blocks, dense
from acyclome.prepare.steps import Plan, plain_columns, planned, selected

ROUND = "acyclome_round"  # column of the observations: of which permutation each is
_STREAM = 0x9E12  # keeps the draws of this step apart from all others of the same seed


def permuted_to_store(
    path_in: str | os.PathLike[str],
    path_store: str | os.PathLike[str],
    config: Config,
    *,
    genes: Sequence[str],
    n_obs: int,
    rounds: int,
    key: str = "",
) -> None:
    """Permute the counts of an expression file, prepare them, and write some genes as a store; of none an empty one.

    Observations of all rounds stand one after the other, about `n_obs` of each at most; ``facts["n_effective"]`` has a
    number a round, and ``facts["key"]`` is the `key` of what all this depends on.
    """
    plans = _plans(path_in, config, genes, n_obs=n_obs, rounds=rounds) if len(genes) else []
    facts = {"key": key, "n_effective": [plan.facts["n_effective"] for plan in plans]}
    if not plans:
        write_store(path_store, np.empty((0, 0)), [], observations=[], facts=facts)
        return
    with one_blas_thread():
        found = [plan.whole() for plan in plans]
    X = sp.hstack(found, format="csr") if all(map(sp.issparse, found)) else np.concatenate(list(map(dense, found)), 1)
    columns = pd.concat([plain_columns(plan.draft.obs).assign(**{ROUND: k}) for k, plan in enumerate(plans)])
    names = [f"{row[ROUND]}:{name}" for name, row in columns[[ROUND]].iterrows()]
    columns.index = pd.Index(names)
    write_store(path_store, X, list(plans[0].draft.genes), observations=names, facts=facts, obs_columns=columns)


def _plans(
    path_in: str | os.PathLike[str], config: Config, genes: Sequence[str], *, n_obs: int, rounds: int
) -> list[Plan]:
    """Return the preparation of each round; none where there are no counts, or no two genes that vary in all."""
    rng = np.random.default_rng([config.seed, _STREAM])
    with one_blas_thread():
        adata = open_expression(path_in, config.input.genes_as)
        draft, read = selected(adata, config)
        if draft.kind != COUNTS:
            return []
        draft = _some(draft, config, rng, wanted=n_obs * (config.prepare.metacells or 1))
        depths = Totals.of(draft.X).depths
        plans, common = [], set(genes)
        for _ in range(rounds):
            permuted = replace(draft, X=independent(draft.X, depths, rng))
            plan = _of_genes(planned(adata, permuted, read, config=config), common)
            common = set(plan.draft.genes)  # a gene may be constant in one of them
            plans.append(plan)
    return [_of_genes(plan, common) for plan in plans] if len(common) > 1 else []


def _of_genes(plan: Plan, genes: Collection[str]) -> Plan:
    return replace(plan, draft=plan.draft.with_genes(np.isin(plan.draft.genes, list(genes))))


def independent(X: Matrix, depths: np.ndarray, rng: np.random.Generator) -> Matrix:
    """Return counts ``(d, n)`` with every row permuted by itself, at the depths ``(n,)`` of the columns."""
    parts = []
    for a, b in blocks(*X.shape):
        place = rng.permuted(np.broadcast_to(np.arange(X.shape[1]), (b - a, X.shape[1])), axis=1)
        part = X[a:b]
        if sp.issparse(part):
            rows = np.repeat(np.arange(b - a), np.diff(part.indptr))
            to = place[rows, part.indices]
            values = _at_depth(part.data, rng, before=depths[part.indices], after=depths[to])
            moved = sp.csr_matrix((values, to, part.indptr), part.shape)
            moved.sort_indices()
            moved.eliminate_zeros()
        else:
            moved = np.empty_like(part)
            np.put_along_axis(moved, place, _at_depth(part, rng, before=depths[None], after=depths[place]), axis=1)
        parts.append(moved)
    return sp.vstack(parts, format="csr") if sp.issparse(X) else np.concatenate(parts)


def _at_depth(counts: np.ndarray, rng: np.random.Generator, *, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    ratio = np.broadcast_to(after / before, counts.shape)
    thinned = rng.binomial(counts.astype(np.int64), np.minimum(ratio, 1.0))
    return (thinned + rng.poisson(counts * np.maximum(ratio - 1.0, 0.0))).astype(np.float32)


def _some(draft: Draft, config: Config, rng: np.random.Generator, *, wanted: int) -> Draft:
    """Return some of the observations, unless labels say which are joined."""
    if config.prepare.pseudobulk_by is not None or draft.n_obs <= wanted:
        return draft
    rows = np.sort(rng.permutation(draft.n_obs)[:wanted])
    return drop_constant(replace(draft, X=draft.X[:, rows], obs=draft.obs.iloc[rows]), is_part=True)
