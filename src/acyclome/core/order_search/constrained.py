"""Choose the parents of a gene of which something is known beforehand; of all others, :func:`select` does.

Required parents go in first and stay.  The others follow by what they gain less what they cost, each at its own cost,
and a parent whose weight ends with the wrong sign is taken out and the choice begun anew; a required one then stays at
its bound, with weight 0.
"""

from __future__ import annotations

import numpy as np

from acyclome.core.data.constraints import NEGATIVE, POSITIVE, REQUIRED
from acyclome.core.kernel import kernel
from acyclome.core.order_search.negentropy import selected_gain
from acyclome.core.order_search.select import (
    GROW_AGAIN,
    LEAST_RESIDUAL,
    MAX_PARENTS,
    MIN_VARIANCE,
    coefficients,
    project,
    removal_loss,
    select,
)


@kernel(_nrt=False)
def choose(g, allowed, blocks, scratch, p):
    """Select the parents of gene ``g`` among its ``allowed`` candidates into the selection ``p``; return the score."""
    if g.is_constrained:
        _choose_constrained(g, allowed, blocks, scratch, p)
    else:
        select(g, allowed, blocks.cross, blocks.gram, blocks.relative, scratch, p)
    if len(blocks.Z):
        p.score -= selected_gain(g, blocks, scratch, p)
    return p.score


@kernel(_nrt=False)
def _choose_constrained(g, allowed, blocks, scratch, p):
    n = 0
    for i in range(g.width):
        if allowed[i]:
            scratch.idx[n] = i
            n += 1
    idx, n_allowed = scratch.idx, n
    p.at_bound = 0
    while True:
        size = _select(g, n, blocks, scratch, p)
        wrong = _wrong_sign(g, size, blocks, scratch, p)
        if wrong < 0:
            break
        out, m = p.selected[wrong], 0
        for a in range(n):
            if idx[a] != out:
                idx[m] = idx[a]
                m += 1
        n -= 1
        idx[n] = out  # behind those that are left
        p.at_bound += blocks.constraint[g.start + out].kind & REQUIRED
    for a in range(n, n_allowed):
        if blocks.constraint[g.start + idx[a]].kind & REQUIRED:
            _append_at_bound(idx[a], size, p)
            size += 1
    p.size, p.pure = size, 0
    p.score = g.factor * (np.log(p.residual) if blocks.relative else p.residual)
    for a in range(size):
        p.score += g.penalty * blocks.constraint[g.start + p.selected[a]].cost


@kernel(_nrt=False)
def _append_at_bound(i, size, p):
    """Let candidate ``i`` be parent number ``size`` with weight 0: a Cholesky row that no other parent is part of."""
    p.selected[size], p.gains[size], p.slope[size] = i, 0.0, 0.0
    row = p.chol[size * (size + 1) // 2 :]
    row[:size] = 0.0
    row[size] = 1.0


@kernel(_nrt=False)
def _select(g, n, blocks, scratch, p):
    """Take the required parents, then grow and shrink among ``scratch.idx[:n]``; return the number of selected."""
    n_required = 0
    for a in range(n):
        if blocks.constraint[g.start + scratch.idx[a]].kind & REQUIRED and n_required < MAX_PARENTS:
            p.selected[n_required] = scratch.idx[a]
            n_required += 1
    size = n_required
    for drops in range(GROW_AGAIN + 1):
        size = _grow(g, n, size, blocks, scratch, p)
        if drops == GROW_AGAIN or size <= n_required or not _shrink(g, n_required, size, blocks, scratch, p):
            break
        size -= 1
    return size


@kernel(_nrt=False)
def _bar(g, relative, cost):
    """Share (``relative``) or amount of residual variance that a parent of this cost has to explain."""
    drop = g.penalty * cost / max(g.factor, 1e-300)  # 1e-300: a constant gene has no variance to weigh
    return 1.0 - np.exp(-drop) if relative else drop


@kernel(_nrt=False)
def _grow(g, n, forced, blocks, scratch, p):
    """Replay the first ``forced`` selected, then select on while the score gains; return the size."""
    c, v, idx, selected = scratch.single[0], scratch.single[1], scratch.idx, p.selected
    for a in range(n):
        c[a], v[a] = blocks.cross[g.start + idx[a]], 1.0
    residual, size = 1.0, 0
    while size < MAX_PARENTS - p.at_bound:
        at = -1
        if size < forced:
            for a in range(n):
                if idx[a] == selected[size]:
                    at = a
            v[at] = max(v[at], MIN_VARIANCE)  # a required copy of another parent comes in all the same
        else:
            at = _next_parent(g, n, residual, blocks, scratch)
            if at < 0:
                break
        gain = c[at] * c[at] / v[at]
        selected[size] = idx[at]
        residual -= gain
        p.gains[size] = gain
        project(blocks.gram, g.offset, g.width, n, at, size, scratch, p)
        size += 1
    p.residual = max(residual, LEAST_RESIDUAL)
    return size


@kernel(_nrt=False)
def _next_parent(g, n, residual, blocks, scratch):
    """Return which of the allowed candidates lowers the score most with its sign, its number; -1 if none does."""
    c, v, idx = scratch.single[0], scratch.single[1], scratch.idx
    best, at = 0.0 if not blocks.relative else residual, -1
    for a in range(n):
        constraint = blocks.constraint[g.start + idx[a]]
        if (
            v[a] <= MIN_VARIANCE
            or (constraint.kind & POSITIVE and c[a] < 0.0)
            or (constraint.kind & NEGATIVE and c[a] > 0.0)
        ):
            continue
        gain, bar = c[a] * c[a] / v[a], _bar(g, blocks.relative, constraint.cost)
        if gain >= residual - LEAST_RESIDUAL:
            continue
        # The score afterwards, but for what all share: log likelihoods are compared as the variances that they are of.
        after = (residual - gain) / (1.0 - bar) if blocks.relative else bar - gain
        if after < best:
            best, at = after, a
    return at


@kernel(_nrt=False)
def _shrink(g, n_required, size, blocks, scratch, p):
    """Take out the parent that earns least of its cost, if it does not earn it; required ones stay."""
    coefficients(size, scratch, p)
    worst, at = 0.0, -1
    for a in range(n_required, size - 1):  # the last has just earned its place
        bar = _bar(g, blocks.relative, blocks.constraint[g.start + p.selected[a]].cost)
        limit = p.residual * bar / (1.0 - bar) if blocks.relative else bar
        earned = removal_loss(a, size, scratch) - limit
        if earned < worst:
            worst, at = earned, a
    if at < 0:
        return False
    for k in range(at, size - 1):
        p.selected[k] = p.selected[k + 1]
    return True


@kernel(_nrt=False)
def _wrong_sign(g, size, blocks, scratch, p):
    """Return the parent of smallest weight with the wrong sign, -1 if there is none."""
    coefficients(size, scratch, p)
    smallest, at = np.inf, -1
    for a in range(size):
        kind, weight = blocks.constraint[g.start + p.selected[a]].kind, scratch.double[MAX_PARENTS, a]
        wrong = (kind & POSITIVE and weight < 0.0) or (kind & NEGATIVE and weight > 0.0)
        if wrong and abs(weight) < smallest:
            smallest, at = abs(weight), a
    return at
