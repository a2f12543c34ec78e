"""Choose the parents of one gene among its allowed candidates: the innermost kernel of the order search.

Grow and shrink: take the regressor that gains most while the score improves, then drop what no longer earns its
penalty.  Everything runs on the gene's block of correlations.  A selection keeps its parents in the order they were
found, their gains and Cholesky rows, because these answer in ``s^2`` operations whether one more allowed gene would
change anything; nearly always it would not.

Records, not bundles of arrays, go into the kernels: numba hands every array over in seven words, and these functions
take less time than that.  ``_nrt=False`` turns reference counting off where nothing is allocated, for the same reason.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from acyclome.core.kernel import kernel
from acyclome.core.order_search.cache import ScoreCache, new_cache

MAX_PARENTS = 32  # of a gene; a selection then takes 5 kB, most of it the Cholesky rows
LEAST_RESIDUAL = 1e-9  # of a variance of 1: a copy of the gene leaves no more, and its logarithm must not run away
MIN_VARIANCE = 1e-6  # left of a candidate by the selected: with less it is a copy of them
GROW_AGAIN = 4  # after a parent was dropped; without an end two candidates could take turns
TIE = 1.0 - 1e-9  # a candidate as good as a parent, such as that parent itself, would enter whatever rounding says

SELECTION = np.dtype(
    [
        ("size", "i8"),
        ("pure", "i8"),
        ("at_bound", "i8"),
        ("residual", "f8"),
        ("score", "f8"),
        ("selected", "i4", MAX_PARENTS),
        ("gains", "f8", MAX_PARENTS),
        ("slope", "f8", MAX_PARENTS),
        ("chol", "f8", MAX_PARENTS * (MAX_PARENTS + 1) // 2),
    ],
    align=True,
)
"""A selection: ``selected`` (local indices in order), their ``gains`` and signed ``slope``, Cholesky rows one after the
other, the residual variance ``residual``, the ``score``, ``pure``: nothing was dropped on the way, and ``at_bound``:
how many of the last have weight 0, required with another sign than the data give them."""


class Scratch(NamedTuple):
    """Scratch of one thread: rows of ``single`` hold c, v, q and Q; ``double`` an inverse and one row of weights.

    A residual goes to ``residual``; ``gains`` remembers what the noise of a gene gains given its parents.
    """

    single: np.ndarray
    double: np.ndarray
    idx: np.ndarray
    residual: np.ndarray
    gains: ScoreCache


def new_scratch(width: int, n_obs: int = 0, n_edges: int = 0) -> Scratch:
    """Scratch for blocks of at most ``width`` candidates, and for residuals in ``n_obs`` observations if they count."""
    return Scratch(
        np.empty((MAX_PARENTS + 3, max(width, MAX_PARENTS)), np.float64),
        np.empty((MAX_PARENTS + 1, MAX_PARENTS), np.float64),
        np.empty(max(width, MAX_PARENTS), np.int32),
        np.empty(n_obs, np.float32),
        new_cache(n_edges),
    )


@kernel(fastmath=True, _nrt=False)
def select(g, allowed, cross, gram, relative, scratch, p):
    """Select the parents of gene ``g`` among its ``allowed`` candidates into the selection ``p``; return the score."""
    n = 0
    for i in range(g.width):  # without a branch: which candidates are allowed is as good as random
        scratch.idx[n] = i
        n += allowed[i] != 0
    size = 0
    p.pure, p.at_bound = 1, 0
    for drops in range(GROW_AGAIN + 1):
        size = _grow(g, cross, gram, n, size, relative, scratch, p)
        if drops == GROW_AGAIN or size < 2 or not _shrink(size, g.drop, relative, scratch, p):
            break
        size -= 1
        p.pure = 0
    p.size = size
    base = np.log(p.residual) if relative else p.residual
    p.score = g.factor * base + g.penalty * size
    return p.score


@kernel(fastmath=True, _nrt=False)
def _grow(g, cross, gram, n, forced, relative, scratch, p):
    """Replay the first ``forced`` selected of ``p``, then select on while the score gains; return the size."""
    c, v, idx, selected = scratch.single[0], scratch.single[1], scratch.idx, p.selected
    for a in range(n):
        c[a] = cross[g.start + idx[a]]
        v[a] = 1.0
    residual = 1.0
    size = 0
    while size < MAX_PARENTS:
        best, at = np.float64(0.0), -1
        if size < forced:
            for a in range(n):
                if idx[a] == selected[size]:
                    at = a
            best = c[at] * c[at] / v[at]
        else:
            for a in range(n):
                if v[a] > np.float64(MIN_VARIANCE) and c[a] * c[a] > best * v[a]:  # a product, not a division
                    best, at = c[a] * c[a] / v[a], a
            if at < 0 or best <= (g.drop * residual if relative else g.drop) or best >= residual - LEAST_RESIDUAL:
                break
        selected[size] = idx[at]
        residual -= float(best)
        p.gains[size] = best
        project(gram, g.offset, g.width, n, at, size, scratch, p)
        size += 1
    p.residual = max(residual, LEAST_RESIDUAL)
    return size


@kernel(fastmath=True, _nrt=False)
def project(gram, offset, width, n, at, size, scratch, p):
    """Take parent number ``size`` (number ``at`` of the allowed) out of all remaining covariances and variances."""
    c, v, Q, idx = scratch.single[0], scratch.single[1], scratch.single[3:], scratch.idx
    row = p.chol[size * (size + 1) // 2 :]
    root = np.sqrt(v[at])
    slope = c[at] / root
    p.slope[size] = slope
    for k in range(size):
        row[k] = Q[k, at]
    row[size] = root
    base = offset + idx[at] * width
    new = Q[size]
    for a in range(n):
        new[a] = gram[base + idx[a]]
    for k in range(size):
        f, old = row[k], Q[k]
        for a in range(n):
            new[a] -= f * old[a]
    back = np.float64(1.0) / root
    for a in range(n):
        q = new[a] * back
        new[a] = q
        c[a] -= slope * q
        v[a] -= q * q
    v[at] = 0.0  # what rounding left of it


@kernel(_nrt=False)
def coefficients(size, scratch, p):
    """Put the weights of the selection ``p`` into the last row of ``scratch.double``, its inverse factor above."""
    chol, V = p.chol, scratch.double
    for a in range(size):
        row = chol[a * (a + 1) // 2 :]
        V[a, a] = 1.0 / row[a]
        for b in range(a):
            total = 0.0
            for k in range(b, a):
                total += row[k] * V[k, b]
            V[a, b] = -total * V[a, a]
    for a in range(size):
        total = 0.0
        for k in range(a, size):
            total += V[k, a] * p.slope[k]
        V[MAX_PARENTS, a] = total


@kernel(_nrt=False)
def removal_loss(a, size, scratch):
    """Return the residual variance that comes back when parent ``a`` is taken out, after :func:`coefficients`."""
    total = 0.0
    for k in range(a, size):
        total += scratch.double[k, a] ** 2
    return scratch.double[MAX_PARENTS, a] ** 2 / total


@kernel(_nrt=False)
def _shrink(size, drop, relative, scratch, p):
    """Take out the parent whose loss is smallest if its penalty is larger; say whether one went."""
    coefficients(size, scratch, p)
    worst, at = np.inf, -1
    for a in range(size):
        loss = removal_loss(a, size, scratch)
        if loss < worst:
            worst, at = loss, a
    limit = p.residual * drop / (1.0 - drop) if relative else drop
    if worst >= limit or at == size - 1:  # the last one has just earned its place
        return False
    for k in range(at, size - 1):
        p.selected[k] = p.selected[k + 1]
    return True


@kernel(fastmath=True, _nrt=False)
def would_enter(g, i, cross, gram, relative, q, p):
    """Say whether candidate ``i`` of gene ``g``, if it were allowed too, would change the selection ``p``.

    Exact where nothing was dropped on the way nor known beforehand; elsewhere the answer is yes.
    """
    if not p.pure:  # parents were dropped, and the way there is not known any more
        return True
    base = g.offset + i * g.width
    c = cross[g.start + i]
    v = np.float64(1.0)
    residual = 1.0
    chol, selected, gains, slope = p.chol, p.selected, p.gains, p.slope
    row = 0
    for k in range(p.size):
        if v > np.float64(MIN_VARIANCE) and c * c >= gains[k] * v * TIE:  # it would be taken instead of parent k
            return True
        t = gram[base + selected[k]]
        for a in range(k):
            t -= chol[row + a] * q[a]
        t /= chol[row + k]
        row += k + 1
        q[k] = t
        c -= slope[k] * t
        v -= t * t
        residual -= gains[k]
    threshold = g.drop * residual if relative else g.drop
    return v > np.float64(MIN_VARIANCE) and c * c > threshold * v


@kernel(_nrt=False)
def matters(g, i, allowed, cross, gram, relative, q, p):
    """Say whether the selection ``p`` of gene ``g`` would change if its candidate ``i`` changed sides."""
    if not allowed:
        return would_enter(g, i, cross, gram, relative, q, p)
    if not p.pure:
        return True
    for k in range(p.size):  # noqa: SIM110 - a compiled loop, without a generator
        if p.selected[k] == i:
            return True
    return False
