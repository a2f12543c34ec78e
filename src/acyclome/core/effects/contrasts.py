"""Do the same edges weigh the same in several groups of observations: one regression per gene and group.

In every group a gene is regressed on its causes, with an intercept, and with errors that ask for no equal variances
(HC3, MacKinnon and White 1985).  For an edge with slopes ``b_g`` and errors ``s_g`` in ``G`` groups,

    F = 1/(G - 1) sum_g (b_g - b)^2 / s_g^2,    b = sum_g b_g s_g^-2 / sum_g s_g^-2,

which is F-distributed with ``G - 1`` and the fewest degrees of freedom of a group where all slopes are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import fdtrc

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.interventions import Interventions
from acyclome.core.workers import run_blocks

BLOCK = 64  # genes that a thread takes at once
TINY = 1e-12  # error of a slope that is fitted without any, so that it can be divided by


class Contrasts(NamedTuple):
    """Slopes of every edge in every group and their errors, ``(m, G)`` each, and how probable it is that they agree.

    Where a group has too few observations for a gene and its causes, slopes are NaN and ``p`` is 1.
    """

    weight: np.ndarray
    error: np.ndarray
    p: np.ndarray


def contrasts(
    Z: np.ndarray,
    rows: Sequence[np.ndarray],
    *,
    source: np.ndarray,
    target: np.ndarray,
    interventions: Interventions,
    threads: int = 1,
) -> Contrasts:
    """Compare the edges ``source -> target`` between groups; those into one gene are fitted together.

    ``Z`` are genes in units that all groups share, ``(d, n)``, ``rows`` the observations of every group.
    """
    order = np.argsort(target, kind="stable")
    genes, first = np.unique(target[order], return_index=True)
    edges_of = np.split(order, first[1:]) if len(genes) else []
    weight, error = np.full((2, len(source), len(rows)), np.nan)
    p = np.ones(len(source))

    def block(a: int, b: int) -> None:
        for gene, at in zip(genes[a:b].tolist(), edges_of[a:b], strict=True):
            out = interventions.of(gene)
            freedom = np.inf
            for g, own in enumerate(rows):
                kept = own[~np.isin(own, out)] if len(out) else own
                weight[at, g], error[at, g], left = _slopes(Z[np.ix_(source[at], kept)], Z[gene, kept])
                freedom = min(freedom, left)
            if freedom > 0:
                p[at] = _same(weight[at], error[at], freedom)

    run_blocks(block, gene_blocks(len(genes), BLOCK), threads)
    return Contrasts(weight, error, p)


def _slopes(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return slopes and errors of ``y (n,)`` on ``X (p, n)``, and the degrees of freedom left."""
    k, n = X.shape
    left = float(n - k - 1)
    if left < 1:
        return np.full(k, np.nan), np.full(k, np.nan), 0.0
    X = X - X.mean(axis=1, keepdims=True)
    inverse = np.linalg.pinv(X @ X.T, hermitian=True)  # in a group causes may be constant or copies of one another
    H = inverse @ X
    slope = H @ y
    residual = y - y.mean() - slope @ X
    leverage = np.minimum(np.einsum("in,in->n", X, H) + 1.0 / n, 1.0 - 1e-6)  # not 1: a fit through y
    return slope, np.sqrt(H**2 @ (residual / (1.0 - leverage)) ** 2), left


def _same(b: np.ndarray, s: np.ndarray, freedom: float) -> np.ndarray:
    precision = 1.0 / np.maximum(s, TINY) ** 2
    middle = (b * precision).sum(axis=1, keepdims=True) / precision.sum(axis=1, keepdims=True)
    groups = b.shape[1]
    p: np.ndarray = fdtrc(groups - 1, freedom, ((b - middle) ** 2 * precision).sum(axis=1) / (groups - 1))
    return p
