"""The ranking of pairs: how often resamples find an edge, how strongly both genes go together, what interventions show.

Choice: two estimates of where the edges are are added, each scaled by its sum: the share of resamples that find a pair,
squared, and its association (:mod:`acyclome.core.screening.association`), with three times the weight.
Reason: a sum is high where either is; a network is right where half-samples agree on it, and of the many pairs on which
they do not, associations know more.  The square is the chance that two resamples both find the edge.
What would change it: the settings are the same on all data, chosen once on those of ``benchmarks/RESULTS.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from acyclome.confidence.resample import Votes, count_votes
from acyclome.core.data.candidates import Candidates, from_pairs
from acyclome.core.effects.shifts import Effects

MAX_GENES, MAX_PAIRS = 4_000, 1_000_000
LISTED = 200_000
ASSOCIATION_WEIGHT = 3.0
FLOOR = 0.1


class Resampled(Protocol):
    """What a stage of resamples leaves behind: arrays ``source``, ``target``, ``loss``, ``member``, and its facts."""

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Arrays by name."""
        ...

    @property
    def facts(self) -> dict[str, Any]:
        """Facts by name."""
        ...


class Interventions(NamedTuple):
    """What interventions say: their effects on pairs, and the log-likelihood that an edge has to bring, ``(d,)``."""

    effects: Callable[[Candidates], Effects]
    price: np.ndarray


class Associations(NamedTuple):
    """How strongly pairs go together.

    Parameters
    ----------
    strength
        ``(d, p)``, target by cause; zero where a pair may not be an edge.
    causes
        ``(p,)`` genes that may be causes.
    """

    strength: np.ndarray
    causes: np.ndarray


def are_few(d: int, n_causes: int) -> bool:
    """Say whether all pairs can be held, so that each can be ranked by its association too."""
    return d <= MAX_GENES and d * n_causes <= MAX_PAIRS


def all_votes(resampled: Sequence[Resampled], d: int) -> Votes | None:
    """Count the edges of all resamples, in the order of the members; None if there are none."""
    total = sum(len(stage.facts["members"]) for stage in resampled)
    if total == 0:
        return None
    source, target, loss = (
        np.concatenate([s.arrays[name] for s in resampled]) for name in ("source", "target", "loss")
    )
    order = np.argsort(np.concatenate([s.arrays["member"] for s in resampled]), kind="stable")
    return count_votes(source[order], target[order], loss[order], d, total)


def rank_pairs(
    a: Mapping[str, np.ndarray],
    votes: Votes | None,
    d: int,
    associations: Associations | None = None,
    interventions: Interventions | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rank pairs: the best of all by votes and associations, or without these all candidates and all voted for.

    With interventions, what acting on the source did to the target is added, as a share of which one half is evidence
    that just pays for an edge; what is seen without them then counts as a share too.
    """
    source, target, seen = _seen(a, votes, d, associations)
    if interventions is None:
        return source, target, seen
    pairs, price = from_pairs(source, target, d), interventions.price
    effects = interventions.effects(pairs)
    gain = np.concatenate([effects.gain, effects.more])
    unit = price if votes is None else np.ones(d)
    ranked = np.zeros(len(gain))
    ranked[pairs.find(source, target)] = seen / (seen + unit[target])
    source, target = np.append(pairs.parent, effects.source), np.append(pairs.target, effects.target)
    return source, target, ranked + gain / (gain + price[target])


def _seen(
    a: Mapping[str, np.ndarray], votes: Votes | None, d: int, associations: Associations | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rank pairs by what was seen without acting."""
    if votes is not None and associations is not None:
        return _best(_joined(_share(a, votes, d, associations.causes), associations.strength), associations)
    final = Candidates(a["indptr"], a["parent"])
    source, target = final.parent, final.target
    if votes is not None:
        new = final.find(votes.pairs.parent, votes.pairs.target) < 0
        source = np.concatenate([source, votes.pairs.parent[new]])
        target = np.concatenate([target, votes.pairs.target[new]])
    return source, target, _network_score(a, votes, d, source, target)


def _share(a: Mapping[str, np.ndarray], votes: Votes, d: int, causes: np.ndarray) -> np.ndarray:
    """Return the share of the networks, the final one among them, in which each pair is an edge, ``(d, p)``."""
    place = np.empty(d, np.int64)
    place[causes] = np.arange(len(causes))
    count = np.zeros((d, len(causes)))
    count[votes.pairs.target, place[votes.pairs.parent]] = votes.count
    count[a["target"], place[a["source"]]] += 1.0
    found: np.ndarray = count / (votes.total + 1)
    return found


def _joined(share: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Add what resamples find and how pairs go together, and lift the causes that have much of either, ``(d, p)``.

    ``S = v^2 + 3 a sum(v^2) / sum(a)``, times the root of the spread of ``S`` over the targets of each cause.
    """
    twice = share**2
    total = twice.sum() or 1.0
    whole = twice + strength * (ASSOCIATION_WEIGHT * total / max(strength.sum(), 1e-300))
    spread = whole.std(axis=0)
    lift = spread / max(spread.mean(), 1e-300) + FLOOR
    lifted: np.ndarray = whole * np.sqrt(lift)
    return lifted


def _best(score: np.ndarray, associations: Associations) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs with the highest scores, ties at the end included."""
    may = associations.strength > 0
    least = 0.0 if may.sum() <= LISTED else np.partition(score[may], -LISTED)[-LISTED]
    target, at = np.nonzero(may & (score >= least))
    return associations.causes[at], target, score[target, at]


def _network_score(
    a: Mapping[str, np.ndarray], votes: Votes | None, d: int, source: np.ndarray, target: np.ndarray
) -> np.ndarray:
    """How often the pair is an edge, and a little how much likelihood it carries; that alone without resamples."""
    at = count_votes(a["source"], a["target"], a["loss"], d, 1)
    carried = at.gain_of(source, target)
    if votes is None:
        return carried
    carried = (carried + votes.total * votes.gain_of(source, target)) / (votes.total + 1)
    share = (at.of(source, target) + votes.total * votes.of(source, target)) / (votes.total + 1)
    scored: np.ndarray = share + 1e-3 * carried / (carried.max(initial=0.0) + 1e-12)
    return scored
