"""The ranking of pairs: how often networks have an edge, how strongly both genes go together, what interventions show.

Choice: two estimates of where the edges are are added, each scaled by its sum: the share of the networks that have a
pair, squared, and its association (:mod:`acyclome.core.screening.association`).  The first counts the less the more
the network leaves all genes in common, for which hidden causes must stand.
Reason: a sum is high where either is; a network is right where half-samples agree on it, and of the many pairs on which
they do not, associations know more.  The square is the chance that two resamples both find the edge.
What would change it: the settings are the same on all data, chosen once on those of ``docs/ranking.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from scipy import sparse

from acyclome.confidence.resample import Votes
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.index_maps import positions
from acyclome.core.effects.evidence import Effects
from acyclome.core.workers import run_blocks

LISTED = 200_000  # twice what DREAM5 asks of a ranking
FLOOR = 0.1  # of the lift: a cause whose targets are all alike is not nothing
TOGETHER = 16  # blocks between which the score that a pair must have is raised; their best pairs are held at once
TINY = 1e-300


class Experiments(NamedTuple):
    """What acting on genes did: its effects on pairs, and the log-likelihood that an edge has to bring, ``(d,)``."""

    effects: Callable[..., Effects]
    edge_cost: np.ndarray


class Associations(Protocol):
    """How strongly causes go with targets, for some targets at a time."""

    confounding: float  # 0 to 1, how little a network is to be believed
    causes: np.ndarray  # (p,) genes that may be causes
    threads: int

    @property
    def counted(self) -> np.ndarray:
        """Targets over which sums are taken."""

    def rows(self, targets: np.ndarray) -> np.ndarray:
        """Return the strengths of all causes, ``(t, p)``; zero where a pair may not be an edge."""

    def blocks(self, targets: np.ndarray) -> list[tuple[int, int]]:
        """Cut targets into blocks of a bounded number of pairs."""

    def total(self, work: Callable[[np.ndarray], list[np.ndarray]], targets: np.ndarray) -> list[np.ndarray]:
        """Add up what ``work`` makes of blocks of targets, in their order."""


def rank_pairs(
    final: Votes, votes: Votes, associations: Associations, *, experiments: Experiments | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return source, target and score of the best pairs by votes and associations.

    With experiments, what acting on the source did to the target is added, as a share of which one half is evidence
    that just pays for an edge; what is seen without them then counts as a share too.  ``final`` is the one vote of the
    network of all observations, ``votes`` are those of the resamples, if there are any.
    """
    source, target, seen = _best(_share(final, votes, associations.causes), associations)
    if experiments is None:
        return source, target, seen
    cost = experiments.edge_cost
    pairs = Candidates.from_pairs(source, target, final.pairs.n_genes)
    effects = experiments.effects(pairs=pairs)
    gain = np.concatenate([effects.gain, effects.more])
    ranked = np.zeros(len(gain))
    ranked[pairs.find(source, target)] = seen / (seen + 1.0)
    source, target = np.append(pairs.parent, effects.source), np.append(pairs.target, effects.target)
    share = np.divide(gain, gain + cost[target], out=np.zeros(len(gain)), where=gain > 0.0)
    return source, target, ranked + share


def _share(final: Votes, votes: Votes, causes: np.ndarray) -> sparse.csr_matrix:
    """Return the share of the networks, the final one among them, in which each pair is an edge, ``(d, p)``."""
    d = final.pairs.n_genes
    column, shape = positions(causes, d), (d, len(causes))
    count = sum(
        sparse.csr_matrix((one.count, (one.pairs.target, column[one.pairs.parent])), shape=shape)
        for one in (votes, final)
    )
    return count / (votes.total + 1)


def _best(share: sparse.csr_matrix, associations: Associations) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Add what networks have and how pairs go together, lift the causes that have much of either, and take the best.

    ``S = (1 - c) v^2 + a sum(v^2) / sum(a)``, times the root of the standard deviation of ``S`` over the targets of a
    cause, in terms of its mean over the causes.
    """
    twice = share.multiply(share).tocsr()  # the chance that two resamples both find the edge
    believed, weight, lift = _weights(twice, associations)

    def block(targets: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        strength = associations.rows(targets)
        score = (believed * twice[targets].toarray() + weight * strength) * lift
        at = np.flatnonzero((strength > 0) & (score >= least))
        at = at[_first(score.flat[at])]
        return at % score.shape[1], targets[at // score.shape[1]], score.flat[at]

    d = share.shape[0]
    every, cut = np.arange(d), associations.blocks(np.arange(d))
    cause, target, score = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    for first in range(0, len(cut), TOGETHER):
        least = float(score.min()) if len(score) >= LISTED else 0.0
        work = [(every[a:b], least) for a, b in cut[first : first + TOGETHER]]
        found = [(cause, target, score), *run_blocks(block, work, associations.threads)]
        cause, target, score = (np.concatenate(part) for part in zip(*found, strict=True))
        kept = _first(score)
        cause, target, score = cause[kept], target[kept], score[kept]
    return associations.causes[cause], target, score


def _weights(twice: sparse.csr_matrix, associations: Associations) -> tuple[float, float, np.ndarray]:
    """Return what votes and what associations count, and the lift of every cause, ``(p,)``."""
    counted, d = associations.counted, twice.shape[0]

    def sums(targets: np.ndarray) -> list[np.ndarray]:
        a = associations.rows(targets)
        return [a.sum(axis=0), np.square(a).sum(axis=0), twice[targets].multiply(a).sum(axis=0).A1]

    mean, square, both = (total / max(len(counted), 1) for total in associations.total(sums, counted))
    believed = 1.0 - associations.confounding
    weight = (twice.sum() or 1.0) / max(mean.sum() * d, TINY)
    voted, voted_square = twice.sum(axis=0).A1 / d, twice.multiply(twice).sum(axis=0).A1 / d
    variance = believed**2 * (voted_square - voted**2) + weight**2 * (square - mean**2)
    variance += 2 * believed * weight * (both - mean * voted)
    std = np.sqrt(np.maximum(variance, 0.0))
    return believed, weight, np.sqrt(std / max(float(std.mean()), TINY) + FLOOR)


def _first(score: np.ndarray) -> np.ndarray:
    """Return where the best scores are, ``LISTED`` at most, in their order; of equals the first."""
    if len(score) <= LISTED:
        return np.arange(len(score))
    last = np.partition(score, -LISTED)[-LISTED]  # sorting millions would be half of the ranking's time
    kept = score > last
    kept[np.flatnonzero(score == last)[: LISTED - np.count_nonzero(kept)]] = True
    return np.flatnonzero(kept)
