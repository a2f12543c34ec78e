"""Shares of a gene's variance that the splines of every cause explain, alone and in a boosted fit beside all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from acyclome.core.data.basis import expand, standardized
from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.expansions import NaturalSplines
from acyclome.core.data.interventions import Interventions, own_moments
from acyclome.core.data.moments import Moments
from acyclome.core.kernel import kernel
from acyclome.core.workers import run_blocks

SPLINES = NaturalSplines(3)
RATE = 0.1  # share of its least-squares step that a cause takes; small, so that many have their turn
ROUNDS, HANDS = 10, 10  # the sources are offered in hands, so that none hides another for good
OBSERVATIONS = 1000  # of a resample are enough to weigh one cause against another
BLOCK = 64  # genes that a thread takes at once


def explained_alone_and_beside(
    data: Moments, pool: np.ndarray, samples: Sequence[np.ndarray], *, may: np.ndarray, seed: int, threads: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums over samples of the two shares of :func:`importance` of the genes of ``pool``, ``(d, p)`` each.

    Cost of a sample: ``9 p^2 n`` and ``d`` fits of ``300 p`` products.
    """
    share, gain = np.zeros(may.shape), np.zeros(may.shape)
    for number, rows in enumerate(samples):
        rng = np.random.default_rng([seed, number])
        thinned = rows[:: max(-(-len(rows) // OBSERVATIONS), 1)]
        Z = standardized(data.standardized.columns(thinned))
        offered = np.array([rng.permutation(len(pool)) for _ in range(ROUNDS)])
        own = own_responses(Z, data.interventions.subset(rows=thinned))
        terms = expand(Z[pool], SPLINES, threads)
        alone, beside = importance(terms, own, may, line=_lines(pool, own, Z), offered=offered, threads=threads)
        share += alone
        gain += beside
    return share, gain


def _lines(pool: np.ndarray, own: np.ndarray, Z: np.ndarray) -> np.ndarray:
    """Return the cause in ``pool`` that each response is, ``(d,)``, -1 where it is none or own observations differ."""
    line = np.full(len(Z), -1)
    if own is Z:
        line[pool] = np.arange(len(pool))
    return line


def importance(
    terms: np.ndarray,
    responses: np.ndarray,
    may: np.ndarray,
    *,
    line: np.ndarray,
    offered: np.ndarray,
    threads: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Share of the variance of each response that every cause explains, alone and in a boosted fit, ``(d, p)`` each.

    ``terms`` are orthonormal, ``(p, t, n)``; ``responses`` ``(d, n)`` of mean 0 and mean square 1; ``may``, ``(d, p)``,
    says which cause may explain which response; ``line``, ``(d,)``, which cause a response is, as its first term then
    is, -1 where it is none; ``offered``, ``(rounds, p)``, has the causes in the order in which each round deals them
    out, a tenth at a time.

    Notes
    -----
    Componentwise L2 boosting (Buhlmann and Yu 2003) on covariances: of the causes at hand that which explains most of
    what is left takes a tenth of its least-squares step, and is credited with ``rate (2 - rate)`` of what the whole
    step would explain.  A cause that another one hides is still offered without it, as in a random forest.
    """
    p, t, n = terms.shape
    flat = terms.reshape(p * t, n)
    gram = flat @ flat.T / np.float32(n)
    cuts = np.linspace(0, p, min(HANDS, p) + 1).astype(np.int64)

    def block(a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
        known = line[a:b] >= 0
        left = np.empty((b - a, p * t), np.float32)
        left[known] = gram[t * line[a:b][known]]
        left[~known] = responses[a:b][~known].astype(np.float32) @ flat.T / np.float32(n)
        with np.errstate(under="ignore"):  # of a correlation of nothing
            alone = np.where(may[a:b], np.square(left).reshape(b - a, p, t).sum(axis=2), 0.0)
        return alone, _boost(gram, left, may[a:b], offered, cuts, np.float32(RATE))

    shares = run_blocks(block, gene_blocks(len(responses), BLOCK), threads)
    alone, beside = (np.concatenate(part) for part in zip(*shares, strict=True))
    return alone, beside


@kernel(fastmath=True)
def _boost(gram, left, may, offered, cuts, rate):
    """Boost every row of ``left``, covariances with all terms, which it uses up; return the gain of every cause."""
    t = gram.shape[0] // may.shape[1]
    gain = np.zeros(may.shape)
    for j in range(len(left)):
        c = left[j]
        for turn in range(len(offered)):
            for hand in range(len(cuts) - 1):
                best, at = np.float32(0.0), -1
                for a in range(cuts[hand], cuts[hand + 1]):
                    i = offered[turn, a]
                    share = np.float32(0.0)
                    for u in range(i * t, (i + 1) * t):
                        share += c[u] * c[u]
                    if share > best and may[j, i]:
                        best, at = share, i
                if at >= 0:  # on orthonormal terms the least-squares step is the covariance
                    gain[j, at] += rate * (2 - rate) * best
                    for u in range(at * t, (at + 1) * t):
                        step, row = rate * c[u], gram[u]
                        for k in range(len(c)):
                            c[k] -= step * row[k]
    return gain


def own_responses(Z: np.ndarray, interventions: Interventions) -> np.ndarray:
    """Scale every gene over its own observations and put it to its mean in those in which it was a target."""
    if not interventions.any:  # not a bit is to change
        return Z
    mean, scale = own_moments(Z, interventions)
    own = (Z - mean[:, None]) / np.where(scale > 0, scale, 1.0)[:, None]
    own[interventions.gene, interventions.row] = 0.0
    return own
