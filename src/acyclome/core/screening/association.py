"""How strongly every possible cause goes with every gene, whatever network there is: the product of three views.

Choice: the share of a gene's variance that the splines of a cause explain, alone and in a boosted fit beside all
others, and the shrunken partial correlation freed of what both genes share with all.
Reason: a search for one acyclic network says little of the pairs that it left out, and on few observations of many
genes its picks stand in for one another; each of these views of all pairs errs in another way.
What would change it: more genes than all their pairs can be held for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from acyclome.core.data.basis import expand, standardized
from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.expansions import NaturalSplines
from acyclome.core.data.interventions import Interventions, own_moments
from acyclome.core.data.problem import Problem
from acyclome.core.kernel import kernel
from acyclome.core.screening.partial_correlation import partial_correlations
from acyclome.core.workers import run_blocks

# The same on all data: chosen among a few dozen combinations on DREAM4, DREAM5 and SynTReN, see docs/ranking.md.
SPLINES = NaturalSplines(3)
RATE = 0.1  # share of its least-squares step that a cause takes; small, so that many have their turn
ROUNDS, HANDS = 10, 10  # the sources are offered in hands, so that none hides another for good
SHRINKAGE = 0.8  # much more than the screening has: here all pairs are ranked, on few observations too
POWER = 2 / 3  # chosen with three others of the ranking from 108 combinations (docs/ranking.md)
FLOOR = 0.1  # of the mean, so that no view silences the others
OBSERVATIONS = 1000  # of a resample are enough to weigh one cause against another
BLOCK = 64  # genes that a thread takes at once
TINY = 1e-30  # where nothing goes with anything, as in constant data


def associations(problem: Problem, samples: Sequence[np.ndarray], *, seed: int) -> np.ndarray:
    """Return how strongly every source goes with every gene, ``(d, p)``; zero where the pair may not be an edge.

    Shares of variance are means over ``samples``, observations of each resample; ``seed`` decides the order in which
    causes are offered to the boosted fits.

    Notes
    -----
    ``(share x importance x partial x reach)^(2/3)``: the share of variance that the splines of a cause
    explain, their :func:`importance`, the partial correlation after :func:`product_corrected`, and the mean share of a
    cause over all genes, since few genes regulate and those that do regulate many.  Each is raised by a tenth of its
    mean, so that none is silenced by another.  Cost of a resample: ``9 p^2 n`` and ``d`` fits of ``300 p`` products.
    """
    constraints = problem.constraints
    pool = np.flatnonzero(constraints.sources)
    may = np.ones((problem.n_genes, len(pool)), bool)
    if constraints.excludes_pairs:
        may = ~constraints.excluded(0, problem.n_genes)[:, pool]
    may[pool, np.arange(len(pool))] = False
    share, gain = np.zeros(may.shape), np.zeros(may.shape)
    for number, rows in enumerate(samples):
        rng = np.random.default_rng([seed, number])
        alone, beside = _explained(problem, rows[:: -(-len(rows) // OBSERVATIONS)], may=may, rng=rng)
        share += alone
        gain += beside
    partial = np.maximum(product_corrected(partial_correlations(problem, shrinkage=SHRINKAGE), may), 0.0)
    reach = share.sum(axis=0) / np.maximum(may.sum(axis=0), 1)
    whole = np.where(may, 1.0, 0.0)
    for part in (share, gain, partial, np.where(may, reach, 0.0)):
        whole *= (part + FLOOR * part.sum() / max(may.sum(), 1) + TINY) ** POWER
    return whole


def product_corrected(strength: np.ndarray, may: np.ndarray) -> np.ndarray:
    """Take out of a strength of pairs what both ends share with all: average product correction.

    ``s_ij - s_i. s_.j / s..`` with means over the pairs that ``may`` be edges; a product of two vectors leaves nothing
    (Dunn, Wahl and Gloor 2008).
    """
    kept = np.where(may, strength, 0.0)
    row = kept.sum(axis=1) / np.maximum(may.sum(axis=1), 1)
    column = kept.sum(axis=0) / np.maximum(may.sum(axis=0), 1)
    mean = kept.sum() / max(may.sum(), 1)
    return np.where(may, kept - np.outer(row, column) / (mean + TINY), 0.0)


def importance(
    terms: np.ndarray, responses: np.ndarray, may: np.ndarray, *, offered: np.ndarray, threads: int
) -> tuple[np.ndarray, np.ndarray]:
    """Share of the variance of each response that every cause explains, alone and in a boosted fit, ``(d, p)`` each.

    ``terms`` are orthonormal, ``(p, t, n)``; ``responses`` ``(d, n)`` of mean 0 and mean square 1; ``may``, ``(d, p)``,
    says which cause may explain which response; ``offered``, ``(rounds, p)``, has the causes in the order in which each
    round deals them out, a tenth at a time.

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
        left = responses[a:b].astype(np.float32) @ flat.T / np.float32(n)
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


def _explained(
    problem: Problem, rows: np.ndarray, *, may: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the two shares of :func:`importance` on some observations, each gene on its own ones."""
    Z, pool = standardized(problem.data.Z[:, rows]), np.flatnonzero(problem.constraints.sources)
    offered = np.array([rng.permutation(len(pool)) for _ in range(ROUNDS)])
    own = _own(Z, problem.data.interventions.subset(rows=rows))
    terms = expand(Z[pool], SPLINES, problem.threads)
    return importance(terms, own, may, offered=offered, threads=problem.threads)


def _own(Z: np.ndarray, interventions: Interventions) -> np.ndarray:
    """Scale every gene over its own observations and put it to its mean in those in which it was a target."""
    if not interventions.any:  # not a bit is to change
        return Z
    mean, scale = own_moments(Z, interventions)
    own = (Z - mean[:, None]) / np.where(scale > 0, scale, 1.0)[:, None]
    own[interventions.gene, interventions.row] = 0.0
    return own
