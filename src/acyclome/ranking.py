"""The ranking of all candidate edges: how often resamples find an edge, what it carries, what interventions show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from acyclome.core.layout import Candidates, from_pairs
from acyclome.core.shifts import Effects
from acyclome.resample import Votes, count_votes


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


def rank_candidates(
    a: Mapping[str, np.ndarray], votes: Votes | None, d: int, interventions: Interventions | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rank all candidate edges and all edges of the resamples; how often, then how much likelihood they carry.

    With interventions, what acting on the source did to the target is added, as a share of which one half is evidence
    that just pays for an edge: so an edge that all resamples find, and an effect beyond doubt, count alike.
    """
    final = Candidates(a["indptr"], a["parent"])
    source, target = final.parent, final.target
    if votes is not None:
        new = final.find(votes.pairs.parent, votes.pairs.target) < 0
        source = np.concatenate([source, votes.pairs.parent[new]])
        target = np.concatenate([target, votes.pairs.target[new]])
    if interventions is None:
        return source, target, _network_score(a, votes, d, source, target)
    pairs, price = from_pairs(source, target, d), interventions.price
    effects = interventions.effects(pairs)
    gain = np.concatenate([effects.gain, effects.more])
    source, target = np.append(pairs.parent, effects.source), np.append(pairs.target, effects.target)
    seen = _network_score(a, votes, d, source, target)
    seen = seen / (seen + price[target]) if votes is None else seen
    return source, target, seen + gain / (gain + price[target])


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
