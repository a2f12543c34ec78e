"""Forward selection of regressors for some targets, from correlations: take the best, project it out, repeat.

Choice: one pass over all regressors a step writes the new direction, a second one compares gains, many at once and
without a division, and looks more closely only at blocks in which one may be the best.
Reason: gains compared one by one took half of the time of 11,000 genes; what is left is mostly waiting for memory, from
which each step reads the correlations of what it selected.
"""

from __future__ import annotations

import numpy as np

from acyclome.core.kernel import kernel
from acyclome.core.screening.spurious import is_doubtful, is_spurious

LEAST_LEFT = 1e-5  # of a regressor's variance by those selected before: with less it is a copy of them
LEAST_RESIDUAL = 1e-6  # of the target's variance, below which float32 has no more to explain
EXCLUDED = 2.0  # stands where a correlation would, of a pair that may not be an edge
LANES = 256  # regressors compared at once; with 64 or 128 the start of each gene takes longer, with no gain elsewhere
BELOW = 1.0 - 1e-6  # of a gain, five times what rounding may take from it


@kernel(fastmath=True)
def forward_block(P, C, position, own, skewness, n, least, steps, min_drop):
    """Return the regressors of some targets, ``(genes, steps)``, in order of discovery, -1 after the last.

    Rows of ``C`` are the correlations of the targets with the regressors, ``P`` those of these with one another;
    ``position`` is where a target is among the regressors, -1 where it is none.
    """
    genes, p = C.shape
    selected = np.full((genes, steps), -1, np.int32)
    Q = np.empty((steps, p), np.float32)
    variance = np.empty(p, np.float32)
    for i in range(p):
        variance[i] = P[i, i]
    c = np.empty(p, np.float32)
    v = np.empty(p, np.float32)
    for g in range(genes):
        _start(C[g], variance, own[g] * skewness, n, least, c, v)
        if position[g] >= 0:
            v[position[g]] = 0.0
        residual = np.float32(1.0)
        for step in range(steps):
            best, at = _best(c, v, min_drop * residual)
            if at < 0 or residual < np.float32(LEAST_RESIDUAL):
                break
            selected[g, step] = at
            residual -= best
            _take(P[at], Q, step, at, c, v)
    return selected


@kernel(fastmath=True)
def forward_near(R, C, first, indptr, genes, skewness, n, least, min_drop, selected):
    """Write the regressors of genes ``first``, ... into ``selected``, ``(rows, steps)``, each from a list of its own.

    ``genes[indptr[r]:indptr[r + 1]]`` is that of a gene, ``R`` are correlations of all genes, and rows of ``C`` those
    of the genes with all, each over its own observations.
    """
    steps, widest = selected.shape[1], np.max(np.diff(indptr))
    Q = np.empty((steps, widest), np.float32)
    rows = np.empty(widest, np.float32), np.empty(widest, np.float32), np.empty(widest, np.float32)
    for r in range(len(indptr) - 1):
        few = genes[indptr[r] : indptr[r + 1]]
        own, m = skewness[first + r], len(few)
        row, c, v = rows[0][:m], rows[1][:m], rows[2][:m]
        for i in range(m):
            row[i], v[i] = C[r, few[i]], R[few[i], few[i]]
        _start(row, v, own * skewness[few], n, least, c, v)
        residual = np.float32(1.0)
        for step in range(steps):
            best, at = _best(c, v, min_drop * residual)
            if at < 0 or residual < np.float32(LEAST_RESIDUAL):
                break
            selected[r, step] = few[at]
            residual -= best
            for i in range(m):
                row[i] = R[few[at], few[i]]
            _take(row, Q[:, :m], step, at, c, v)


@kernel(fastmath=True)
def _take(row, Q, step, at, c, v):
    """Take a regressor, whose correlations are ``row``: project it out of what is to be explained, and out of all."""
    q = Q[step]
    _project(row, Q[:step], at, q)
    root = np.float32(1.0) / np.sqrt(v[at])
    slope = c[at] * root
    for i in range(len(c)):
        q[i] *= root
        c[i] -= slope * q[i]
        v[i] -= q[i] * q[i]
    v[at] = 0.0  # rounding would offer it again


@kernel(fastmath=True)
def _start(row, variance, skewness, n, least, c, v):
    """Write what is to be explained of a target, and what every regressor has to explain it with.

    With ``v = 0`` it is never taken: chance alone, or no edge, whatever it would explain.
    """
    for start in range(0, len(row), LANES):
        r, m, left = c[start : start + LANES], skewness[start : start + LANES], v[start : start + LANES]
        of, own = row[start : start + LANES], variance[start : start + LANES]
        doubtful = 0
        for i in range(len(r)):
            r[i], left[i] = of[i], own[i]
            doubtful += is_doubtful(r[i], m[i], n, least) | (r[i] >= EXCLUDED)
        if doubtful == 0:
            continue
        for i in range(len(r)):
            if r[i] >= EXCLUDED or is_spurious(r[i], m[i], n, least):
                left[i] = 0.0


@kernel(fastmath=True)
def _best(c, v, least):
    """Return the largest gain ``c^2 / v`` of at least so much and the first regressor that has it, -1 if none does.

    Without a division, values are compared many at once; rounding lets too many pass rather than too few.
    """
    best, at, bar = np.float32(0.0), -1, np.float32(BELOW * least)
    for start in range(0, len(c), LANES):
        explained, left = c[start : start + LANES], v[start : start + LANES]
        passing = 0
        for i in range(len(left)):
            passing += (explained[i] * explained[i] >= bar * left[i]) & (left[i] > np.float32(LEAST_LEFT))
        if passing == 0:
            continue
        for i in range(len(left)):
            if explained[i] * explained[i] >= bar * left[i] and left[i] > np.float32(LEAST_LEFT):
                gain = explained[i] * explained[i] / left[i]
                if gain > best and gain >= least:
                    best, at, bar = gain, start + i, max(bar, np.float32(BELOW) * gain)
    return best, at


@kernel(fastmath=True)
def _project(row, Q, at, q):
    """Write into ``q`` what the directions ``Q``, ``(k, p)``, of those selected before leave of a ``row`` of theirs."""
    for i in range(len(q)):
        q[i] = row[i]
    k = 0
    while k + 3 < len(Q):  # four at once, so that q is read and written once for all
        a, b, c, d = Q[k], Q[k + 1], Q[k + 2], Q[k + 3]
        f, g, h, j = a[at], b[at], c[at], d[at]
        for i in range(len(q)):
            q[i] -= f * a[i] + g * b[i] + h * c[i] + j * d[i]
        k += 4
    while k < len(Q):
        a = Q[k]
        f = a[at]
        for i in range(len(q)):
            q[i] -= f * a[i]
        k += 1
