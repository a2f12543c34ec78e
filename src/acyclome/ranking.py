"""The ranking of all candidate edges: how often resamples find an edge, how much likelihood it carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from acyclome.core.layout import Candidates
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
    a: Mapping[str, np.ndarray], votes: Votes | None, d: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rank all candidate edges and all edges of the resamples; how often, then how much likelihood they carry."""
    final = Candidates(a["indptr"], a["parent"])
    source, target = final.parent, final.target
    if votes is not None:
        new = final.find(votes.pairs.parent, votes.pairs.target) < 0
        source = np.concatenate([source, votes.pairs.parent[new]])
        target = np.concatenate([target, votes.pairs.target[new]])
    at = count_votes(a["source"], a["target"], a["loss"], d, 1)
    carried = at.gain_of(source, target)
    if votes is None:
        return source, target, carried
    carried = (carried + votes.total * votes.gain_of(source, target)) / (votes.total + 1)
    share = (at.of(source, target) + votes.total * votes.of(source, target)) / (votes.total + 1)
    return source, target, share + 1e-3 * carried / (carried.max(initial=0.0) + 1e-12)
