"""Choose the parents of a gene of which something is known beforehand; of all others, :func:`select` does.

Required parents go in first and stay.  The others follow by what they gain less what they cost, each at its own cost,
and a parent whose weight ends with the wrong sign is taken out and the choice begun anew.
"""

from __future__ import annotations

import numpy as np

from acyclome.core.data.constraints import NEGATIVE, POSITIVE, REQUIRED
from acyclome.core.kernel import kernel
from acyclome.core.order_search.negentropy import selected_gain
from acyclome.core.order_search.select import (
    GROW_AGAIN,
    MAX_PARENTS,
    MIN_VARIANCE,
    coefficients,
    project,
    removal_loss,
    select,
)


@kernel(_nrt=False)
def choose(g, allowed, pools, work, p):
    """Select the parents of gene ``g`` among its ``allowed`` candidates into the path ``p``; return the score."""
    if g.is_constrained:
        _choose_constrained(g, allowed, pools, work, p)
    else:
        select(g, allowed, pools.cross, pools.gram, pools.relative, work, p)
    if len(pools.Z):
        p.score -= selected_gain(g, pools, work, p)
    return p.score


@kernel(_nrt=False)
def _choose_constrained(g, allowed, pools, work, p):
    """Select the parents of a gene of which something is known."""
    n = 0
    for i in range(g.width):
        if allowed[i]:
            work.idx[n] = i
            n += 1
    while True:
        size = _select(g, n, pools, work, p)
        wrong = _wrong_sign(g, size, pools, work, p)
        if wrong < 0:
            break
        m = 0
        for a in range(n):
            if work.idx[a] != p.picks[wrong]:
                work.idx[m] = work.idx[a]
                m += 1
        n = m
    p.size, p.pure = size, 0
    p.score = g.factor * (np.log(p.rest) if pools.relative else p.rest)
    for a in range(size):
        p.score += g.penalty * pools.known[g.start + p.picks[a]].cost


@kernel(_nrt=False)
def _select(g, n, pools, work, p):
    """Pick the required parents, then grow and shrink among ``work.idx[:n]``; return the number of picks."""
    due = 0
    for a in range(n):
        if pools.known[g.start + work.idx[a]].kind & REQUIRED and due < MAX_PARENTS:
            p.picks[due] = work.idx[a]
            due += 1
    size = due
    for drops in range(GROW_AGAIN + 1):
        size = _grow(g, n, size, pools, work, p)
        if drops == GROW_AGAIN or size <= due or not _shrink(g, due, size, pools, work, p):
            break
        size -= 1
    return size


@kernel(_nrt=False)
def _bar(g, relative, cost):
    """Share (``relative``) or amount of residual variance that a parent of this cost has to explain."""
    drop = g.penalty * cost / max(g.factor, 1e-300)
    return 1.0 - np.exp(-drop) if relative else drop


@kernel(_nrt=False)
def _grow(g, n, forced, pools, work, p):
    """Replay the first ``forced`` picks, then pick on while the score gains; return the number of picks."""
    c, v, idx, picks = work.single[0], work.single[1], work.idx, p.picks
    for a in range(n):
        c[a], v[a] = pools.cross[g.start + idx[a]], 1.0
    rest, size = 1.0, 0
    while size < MAX_PARENTS:
        at = -1
        if size < forced:
            for a in range(n):
                if idx[a] == picks[size]:
                    at = a
            v[at] = max(v[at], MIN_VARIANCE)
        else:
            at = _next_pick(g, n, rest, pools, work)
            if at < 0:
                break
        gain = c[at] * c[at] / v[at]
        picks[size] = idx[at]
        rest -= gain
        p.gains[size] = gain
        project(pools.gram, g.offset, g.width, n, at, size, work, p)
        size += 1
    p.rest = max(rest, 1e-9)
    return size


@kernel(_nrt=False)
def _next_pick(g, n, rest, pools, work):
    """Place of the candidate that lowers the score most, at its cost and with its sign; -1 if none does."""
    c, v, idx = work.single[0], work.single[1], work.idx
    best, at = 0.0 if not pools.relative else rest, -1
    for a in range(n):
        known = pools.known[g.start + idx[a]]
        if v[a] <= MIN_VARIANCE or (known.kind & POSITIVE and c[a] < 0.0) or (known.kind & NEGATIVE and c[a] > 0.0):
            continue
        gain, bar = c[a] * c[a] / v[a], _bar(g, pools.relative, known.cost)
        if gain >= rest - 1e-9:
            continue
        after = (rest - gain) / (1.0 - bar) if pools.relative else bar - gain
        if after < best:
            best, at = after, a
    return at


@kernel(_nrt=False)
def _shrink(g, due, size, pools, work, p):
    """Take out the pick that earns least of its cost, if it does not earn it; required ones stay."""
    coefficients(size, work, p)
    worst, at = 0.0, -1
    for a in range(due, size - 1):
        bar = _bar(g, pools.relative, pools.known[g.start + p.picks[a]].cost)
        limit = p.rest * bar / (1.0 - bar) if pools.relative else bar
        earned = removal_loss(a, size, work) - limit
        if earned < worst:
            worst, at = earned, a
    if at < 0:
        return False
    for k in range(at, size - 1):
        p.picks[k] = p.picks[k + 1]
    return True


@kernel(_nrt=False)
def _wrong_sign(g, size, pools, work, p):
    """Return the pick of smallest weight with the wrong sign, -1 if there is none; a required one stays anyway."""
    coefficients(size, work, p)
    smallest, at = np.inf, -1
    for a in range(size):
        kind, weight = pools.known[g.start + p.picks[a]].kind, work.double[MAX_PARENTS, a]
        wrong = (kind & POSITIVE and weight < 0.0) or (kind & NEGATIVE and weight > 0.0)
        if wrong and not kind & REQUIRED and abs(weight) < smallest:
            smallest, at = abs(weight), a
    return at
