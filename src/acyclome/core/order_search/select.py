"""Choose the parents of one gene out of an allowed pool: the innermost kernel of the order search.

Grow and shrink: take the regressor that gains most while the score improves, then drop what no longer earns its
penalty.  Everything runs on the gene's own block of correlations.  The path of a selection (picks, gains, Cholesky
rows) is kept, because it answers in ``s^2`` operations whether one more allowed gene would change anything; nearly
always it would not.

Records, not bundles of arrays, go into the kernels: numba hands every array over in seven words, and these functions
take less time than that.  ``_nrt=False`` turns reference counting off where nothing is allocated, for the same reason.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from acyclome.core.kernel import kernel
from acyclome.core.order_search.cache import Memo, new_memo

MAX_PARENTS = 32
MIN_VARIANCE = 1e-6
GROW_AGAIN = 4
TIE = 1.0 - 1e-9  # a candidate as good as a pick, such as the pick itself, would enter whatever rounding says

GENE = np.dtype(
    [
        ("start", "i8"),
        ("offset", "i8"),
        ("width", "i8"),
        ("drop", "f8"),
        ("factor", "f8"),
        ("penalty", "f8"),
        ("is_constrained", "i8"),
        ("row", "i8"),
    ],
    align=True,
)
"""Selection problem of a gene: its ``width`` candidates from ``start``, their ``(width, width)`` block of correlations
from ``offset``; ``drop``, the share (unequal noise) or the amount (equal noise) of residual variance a parent has to
explain; ``factor``, ``n_j / 2`` (unequal) or ``n_j v_j / (2 sigma^2)`` (equal); ``penalty``, the cost of a parent;
``is_constrained``, whether anything is known of its parents beforehand; ``row``, the gene itself."""

PATH = np.dtype(
    [
        ("size", "i8"),
        ("pure", "i8"),
        ("rest", "f8"),
        ("score", "f8"),
        ("picks", "i4", MAX_PARENTS),
        ("gains", "f8", MAX_PARENTS),
        ("slope", "f8", MAX_PARENTS),
        ("chol", "f8", MAX_PARENTS * (MAX_PARENTS + 1) // 2),
    ],
    align=True,
)
"""A selection: ``picks`` (local indices in order), their ``gains`` and signed ``slope``, Cholesky rows one after the
other, the residual variance ``rest``, the ``score``, and ``pure``: nothing was dropped on the way."""


class Pools(NamedTuple):
    """The selection problems of all genes.

    Parameters
    ----------
    gene
        ``(d,)`` of ``GENE``.
    parent, cross
        ``(nnz,)`` candidates of all genes, and the correlation of each with its target.
    gram
        Blocks of correlations among the candidates of each gene, one after the other.
    relative
        Whether the noise is unequal.
    known
        ``(nnz,)`` of ``CONSTRAINT``, what is known of every edge beforehand.
    requires
        Whether any edge is required, so that a gene may not stand everywhere.
    Z
        ``(d, n)`` float32, standardized genes; empty where all noise counts as Gaussian.
    least
        Log-likelihood from which noise does not count as Gaussian, see :func:`entropy.least_gain`.
    """

    gene: np.ndarray
    parent: np.ndarray
    cross: np.ndarray
    gram: np.ndarray
    relative: bool
    known: np.ndarray
    requires: bool
    Z: np.ndarray
    least: float


class Work(NamedTuple):
    """Scratch of one thread: rows of ``single`` hold c, v, q and Q; ``double`` an inverse and one row of weights.

    A residual goes to ``rest``; ``gains`` remembers what the noise of a gene gains given its parents.
    """

    single: np.ndarray
    double: np.ndarray
    idx: np.ndarray
    rest: np.ndarray
    gains: Memo


def new_work(width: int, n_obs: int = 0, n_edges: int = 0) -> Work:
    """Scratch for pools of at most ``width`` candidates, and for residuals in ``n_obs`` observations if they count."""
    return Work(
        np.empty((MAX_PARENTS + 3, max(width, MAX_PARENTS)), np.float64),
        np.empty((MAX_PARENTS + 1, MAX_PARENTS), np.float64),
        np.empty(max(width, MAX_PARENTS), np.int32),
        np.empty(n_obs, np.float32),
        new_memo(n_edges),
    )


@kernel(fastmath=True, _nrt=False)
def select(g, allowed, cross, gram, relative, work, p):
    """Select the parents of gene ``g`` among its ``allowed`` candidates into the path ``p``; return the score."""
    n = 0
    for i in range(g.width):
        work.idx[n] = i
        n += allowed[i] != 0
    size = 0
    p.pure = 1
    for drops in range(GROW_AGAIN + 1):
        size = _grow(g, cross, gram, n, size, relative, work, p)
        if drops == GROW_AGAIN or size < 2 or not _shrink(size, g.drop, relative, work, p):
            break
        size -= 1
        p.pure = 0
    p.size = size
    base = np.log(p.rest) if relative else p.rest
    p.score = g.factor * base + g.penalty * size
    return p.score


@kernel(fastmath=True, _nrt=False)
def _grow(g, cross, gram, n, forced, relative, work, p):
    """Replay the first ``forced`` picks of ``p``, then pick on while the score gains; return the number of picks."""
    c, v, idx, picks = work.single[0], work.single[1], work.idx, p.picks
    for a in range(n):
        c[a] = cross[g.start + idx[a]]
        v[a] = 1.0
    rest = 1.0
    size = 0
    while size < MAX_PARENTS:
        best, at = np.float64(0.0), -1
        if size < forced:
            for a in range(n):
                if idx[a] == picks[size]:
                    at = a
            best = c[at] * c[at] / v[at]
        else:
            for a in range(n):
                if v[a] > np.float64(MIN_VARIANCE) and c[a] * c[a] > best * v[a]:
                    best, at = c[a] * c[a] / v[a], a
            if at < 0 or best <= (g.drop * rest if relative else g.drop) or best >= rest - 1e-9:
                break
        picks[size] = idx[at]
        rest -= float(best)
        p.gains[size] = best
        project(gram, g.offset, g.width, n, at, size, work, p)
        size += 1
    p.rest = max(rest, 1e-9)
    return size


@kernel(fastmath=True, _nrt=False)
def project(gram, offset, width, n, at, size, work, p):
    """Take pick number ``size`` (place ``at`` of the allowed) out of all remaining covariances and variances."""
    c, v, Q, idx = work.single[0], work.single[1], work.single[3:], work.idx
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
    v[at] = 0.0


@kernel(_nrt=False)
def coefficients(size, work, p):
    """Put the regression weights of the path ``p`` into the last row of ``work.double``, its inverse factor above."""
    chol, V = p.chol, work.double
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
def removal_loss(a, size, work):
    """Return the residual variance that comes back when pick ``a`` is taken out, after :func:`coefficients`."""
    total = 0.0
    for k in range(a, size):
        total += work.double[k, a] ** 2
    return work.double[MAX_PARENTS, a] ** 2 / total


@kernel(_nrt=False)
def _shrink(size, drop, relative, work, p):
    """Take out the pick whose loss is smallest if its penalty is larger; say whether one went."""
    coefficients(size, work, p)
    worst, at = np.inf, -1
    for a in range(size):
        loss = removal_loss(a, size, work)
        if loss < worst:
            worst, at = loss, a
    limit = p.rest * drop / (1.0 - drop) if relative else drop
    if worst >= limit or at == size - 1:
        return False
    for k in range(at, size - 1):
        p.picks[k] = p.picks[k + 1]
    return True


@kernel(fastmath=True, _nrt=False)
def would_enter(g, i, cross, gram, relative, q, p):
    """Say whether candidate ``i`` of gene ``g``, if it were allowed too, would change the selection ``p``.

    Exact where nothing was dropped on the way nor known beforehand; elsewhere the answer is yes.
    """
    if not p.pure:
        return True
    base = g.offset + i * g.width
    c = cross[g.start + i]
    v = np.float64(1.0)
    rest = 1.0
    chol, picks, gains, slope = p.chol, p.picks, p.gains, p.slope
    row = 0
    for k in range(p.size):
        if v > np.float64(MIN_VARIANCE) and c * c >= gains[k] * v * TIE:
            return True
        t = gram[base + picks[k]]
        for a in range(k):
            t -= chol[row + a] * q[a]
        t /= chol[row + k]
        row += k + 1
        q[k] = t
        c -= slope[k] * t
        v -= t * t
        rest -= gains[k]
    threshold = g.drop * rest if relative else g.drop
    return v > np.float64(MIN_VARIANCE) and c * c > threshold * v


@kernel(_nrt=False)
def matters(g, i, allowed, cross, gram, relative, q, p):
    """Say whether the selection ``p`` of gene ``g`` would change if its candidate ``i`` changed sides."""
    if not allowed:
        return would_enter(g, i, cross, gram, relative, q, p)
    if not p.pure:
        return True
    for k in range(p.size):  # noqa: SIM110 - a compiled loop, without a generator
        if p.picks[k] == i:
            return True
    return False
