"""Effects that run through another gene: down-weighted by what its own knockout says it would pass on.

Acting on ``i`` moves ``j`` by ``t_ij`` and ``k`` by ``t_ik``; acting on ``j`` moves itself by ``t_jj`` and ``k`` by
``t_jk``.  If ``i`` reaches ``k`` through ``j`` alone, and answers are lines, ``t_ik = t_ij t_jk / t_jj``.  What is left
of ``t_ik`` beyond the gene that explains most, as far as errors can tell, is the share that counts.

Pinna, Soranzo and de la Fuente (2010) take edges out of feed-forward paths by their presence alone; sizes tell those
that stand beside a path from those that stand for it.
"""

from __future__ import annotations

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.index_maps import positions, row_pointers
from acyclome.core.kernel import kernel
from acyclome.core.workers import run_blocks

SOURCES = 16  # that a thread takes at once


def share_beyond(
    source: np.ndarray, target: np.ndarray, effect: np.ndarray, *, own: np.ndarray, threads: int
) -> np.ndarray:
    """Return the share, 0 to 1, of each effect that no third gene explains, ``(m,)``.

    ``effect``, ``(m,)``, are measured effects in units of their standard errors, ``own``, ``(d,)``, those of genes on
    themselves, 0 where that is not known.
    """
    by_source = np.argsort(source, kind="stable")
    genes = np.unique(source)
    place = positions(genes, len(own))
    indptr = row_pointers(place[source], len(genes))
    child, size = target[by_source].astype(np.int64), effect[by_source].astype(float)
    left = np.ones(len(source))

    def block(a: int, b: int) -> None:
        _explain(a, b, indptr, child, size, place, own, left)

    run_blocks(block, gene_blocks(len(genes), SOURCES), threads)
    share = np.empty(len(source))
    share[by_source] = np.sqrt(left)
    return share


@kernel
def _explain(first, last, indptr, child, effect, place, own, left):
    """Write over ``left`` of the sources from ``first`` to ``last`` the least share of the square that is left."""
    at = np.full(len(own), -1)
    for i in range(first, last):
        for e in range(indptr[i], indptr[i + 1]):
            at[child[e]] = e
        for e in range(indptr[i], indptr[i + 1]):
            j = place[child[e]]
            if j < 0 or own[child[e]] == 0.0:
                continue
            passed = effect[e] / own[child[e]]
            for f in range(indptr[j], indptr[j + 1]):
                k = at[child[f]]
                if k >= 0:
                    rest = effect[k] - passed * effect[f]
                    error = 1.0 + passed**2 + (effect[f] / own[child[e]]) ** 2
                    left[k] = min(left[k], (rest**2 + error) / effect[k] ** 2)
        for e in range(indptr[i], indptr[i + 1]):
            at[child[e]] = -1
