"""Genes of NOTEARS-MLP in batches: those with about as many candidates together, those with rows of their own alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from acyclome.core.data.candidates import Candidates

VALUES = 1 << 24  # numbers a block holds at once for the parents' data, 64 MB in float32
MULTIPLE = 8  # of candidates to which genes are filled up: a handful of batches, an eighth of the work for nothing


class Block(NamedTuple):
    """Genes with about as many candidates each: a problem of one batch."""

    gene: np.ndarray  # (g,) the genes
    parent: np.ndarray  # (g, k) their candidates; d, a gene that is always 0, fills up
    edge: np.ndarray  # (g, k) positions of the candidate edges; nnz fills up
    rows: np.ndarray | None  # observations of one gene that stands alone, being a target in others; None for all


def cut_into_blocks(candidates: Candidates, *, n_obs: int, hidden: int, rows: Mapping[int, np.ndarray]) -> list[Block]:
    """Put genes of about as many candidates together, filled up to a multiple of ``MULTIPLE``; some stand alone."""
    width = -(-candidates.counts // MULTIPLE) * MULTIPLE
    alone = [j for j in rows if width[j]]
    blocks = [_block(candidates, np.array([j]), int(width[j]), rows=rows[j]) for j in alone]
    width[alone] = 0
    for k in np.unique(width[width > 0]):
        genes = np.flatnonzero(width == k)
        most = max(VALUES // (max(int(k), hidden) * n_obs), 1)
        blocks += [
            _block(candidates, part, int(k), rows=None) for part in np.split(genes, np.arange(most, len(genes), most))
        ]
    return blocks


def _block(candidates: Candidates, genes: np.ndarray, width: int, *, rows: np.ndarray | None) -> Block:
    at = candidates.indptr[genes][:, None] + np.arange(width)
    real = at < candidates.indptr[genes + 1][:, None]
    parent = candidates.parent[np.minimum(at, candidates.n_edges - 1)]
    parent = np.where(real, parent, candidates.n_genes).astype(np.int64)
    return Block(genes, parent, np.where(real, at, candidates.n_edges), rows)
