"""The ranking of pairs: how often resamples find an edge, how strongly both genes go together, what interventions show.

Choice: two estimates of where the edges are are added, each scaled by its sum: the share of resamples that find a pair,
squared, and its association (:mod:`acyclome.core.screening.association`), with three times the weight.
Reason: a sum is high where either is; a network is right where half-samples agree on it, and of the many pairs on which
they do not, associations know more.  The square is the chance that two resamples both find the edge.
What would change it: the settings are the same on all data, chosen once on those of ``benchmarks/RESULTS.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from acyclome.confidence.resample import Votes
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.index_maps import positions
from acyclome.core.effects.shifts import Effects

MAX_GENES, MAX_PAIRS = 4_000, 1_000_000  # of which all associations are held, 8 MB
LISTED = 200_000  # twice what DREAM5 asks of a ranking
ASSOCIATION_WEIGHT = 3.0  # chosen with FLOOR, see above
FLOOR = 0.1  # of the lift: a cause whose targets are all alike is not nothing


class Experiments(NamedTuple):
    """What acting on genes did: its effects on pairs, and the log-likelihood that an edge has to bring, ``(d,)``."""

    effects: Callable[[Candidates], Effects]
    edge_cost: np.ndarray


class Associations(NamedTuple):
    """How strongly pairs go together."""

    strength: np.ndarray  # (d, p), target by cause; zero where a pair may not be an edge
    causes: np.ndarray  # (p,) genes that may be causes


def are_few(d: int, n_causes: int) -> bool:
    """Say whether all pairs can be held, so that each can be ranked by its association too."""
    return d <= MAX_GENES and d * n_causes <= MAX_PAIRS


def rank_pairs(
    candidates: Candidates,
    final: Votes,
    votes: Votes,
    *,
    associations: Associations | None = None,
    experiments: Experiments | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rank pairs: the best of all by votes and associations, or without these all candidates and all voted for.

    With experiments, what acting on the source did to the target is added, as a share of which one half is evidence
    that just pays for an edge; what is seen without them then counts as a share too.  ``final`` is the one vote of the
    network of all observations, ``votes`` are those of the resamples.
    """
    source, target, seen = _seen(candidates, final, votes, associations=associations)
    if experiments is None:
        return source, target, seen
    d, cost = candidates.n_genes, experiments.edge_cost
    pairs = Candidates.from_pairs(source, target, d)
    effects = experiments.effects(pairs)
    gain = np.concatenate([effects.gain, effects.more])
    unit = np.ones(d) if votes.total else cost  # without resamples, what was seen is a log-likelihood too
    ranked = np.zeros(len(gain))
    ranked[pairs.find(source, target)] = seen / (seen + unit[target])
    source, target = np.append(pairs.parent, effects.source), np.append(pairs.target, effects.target)
    return source, target, ranked + gain / (gain + cost[target])


def _seen(
    candidates: Candidates, final: Votes, votes: Votes, *, associations: Associations | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rank pairs by what was seen without acting."""
    if votes.total and associations is not None:
        return _best(_joined(_share(final, votes, associations.causes), associations.strength), associations)
    source, target = candidates.parent, candidates.target
    new = candidates.find(votes.pairs.parent, votes.pairs.target) < 0
    source = np.concatenate([source, votes.pairs.parent[new]])
    target = np.concatenate([target, votes.pairs.target[new]])
    return source, target, _network_score(final, votes, source, target=target)


def _share(final: Votes, votes: Votes, causes: np.ndarray) -> np.ndarray:
    """Return the share of the networks, the final one among them, in which each pair is an edge, ``(d, p)``."""
    d = votes.pairs.n_genes
    column, count = positions(causes, d), np.zeros((d, len(causes)))
    for one in (votes, final):
        count[one.pairs.target, column[one.pairs.parent]] += one.count
    return count / (votes.total + 1)


def _joined(share: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Add what resamples find and how pairs go together, and lift the causes that have much of either, ``(d, p)``.

    ``S = v^2 + 3 a sum(v^2) / sum(a)``, times the root of the standard deviation of ``S`` over the targets of a cause.
    """
    twice = share**2  # the chance that two resamples both find the edge
    total = twice.sum() or 1.0
    whole = twice + strength * (ASSOCIATION_WEIGHT * total / max(strength.sum(), 1e-300))
    std = whole.std(axis=0)
    return np.asarray(whole * np.sqrt(std / max(std.mean(), 1e-300) + FLOOR))


def _best(score: np.ndarray, associations: Associations) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs with the highest scores, ties at the end included."""
    may = associations.strength > 0
    least = 0.0 if may.sum() <= LISTED else np.partition(score[may], -LISTED)[-LISTED]
    target, at = np.nonzero(may & (score >= least))
    return associations.causes[at], target, score[target, at]


def _network_score(final: Votes, votes: Votes, source: np.ndarray, *, target: np.ndarray) -> np.ndarray:
    """How often the pair is an edge, and a little how much likelihood it carries; that alone without resamples."""
    carried = final.gain_of(source, target)
    if not votes.total:
        return carried
    carried = (carried + votes.total * votes.gain_of(source, target)) / (votes.total + 1)
    share = (final.of(source, target) + votes.total * votes.of(source, target)) / (votes.total + 1)
    # So little that likelihood orders pairs of one share alone: shares of fewer than 1,000 networks differ by more.
    return np.asarray(share + 1e-3 * carried / (carried.max(initial=0.0) + 1e-12))
