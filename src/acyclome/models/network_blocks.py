"""What models with a network a gene share: genes in batches, and torch with the same bits for any number of threads.

Genes with about as many candidates stand together, those with rows of their own alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from acyclome.core.data.candidates import Candidates
from acyclome.models.own_rows import FLAT

if TYPE_CHECKING:
    import torch
    from torch import Tensor

VALUES = 1 << 24  # numbers a block holds at once for the parents' data, 64 MB in float32
MULTIPLE = 8  # of candidates to which genes are filled up: a handful of batches, an eighth of the work for nothing
_lock = Lock()
_inside: list[int] = []


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


def padded(Z: np.ndarray, device: torch.device | str) -> Tensor:
    """Return genes ``(d, n)`` on the device with a last row of zeros, which fills blocks up, ``(d + 1, n)``."""
    import torch

    return torch.as_tensor(np.vstack([Z, np.zeros_like(Z[:1])]), device=device)


def standardized(values: Tensor) -> Tensor:
    """Mean 0 and mean square 1 along the last axis; constants become 0."""
    centered = values - values.mean(dim=-1, keepdim=True)
    return centered / centered.square().mean(dim=-1, keepdim=True).sqrt().clamp_min(FLAT)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Keep torch's products on one thread each, because their bits depend on how many share them.

    The number belongs to the process: the first to come sets it, the last to go lifts it.
    """
    import torch

    with _lock:
        _inside.append(_inside[0] if _inside else torch.get_num_threads())
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _lock:
            before = _inside.pop()
            if not _inside:
                torch.set_num_threads(before)
