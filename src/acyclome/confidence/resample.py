"""Resamples: which observations each one sees, and what their networks say together about an edge.

Half-samples come in complementary pairs (Shah and Samworth 2013), so that the two of a pair share no observation, and
pairs are dealt out so that any two half-samples of different pairs share a quarter of all (McCarthy 1969).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from acyclome.core.data.candidates import Candidates
from acyclome.core.data.halves import PAIRED, Half, Halving
from acyclome.core.data.index_maps import row_pointers

HALF = 0.5  # of the observations: only then do subsamples come in complementary pairs


@dataclass(frozen=True)
class Subsample:
    """One resample: its number, the observations it sees, rising ``(n,)``, and the seed of its search.

    A half-sample is the ``half`` of a ``halving``, which several share; ``dealing`` is the number of it.
    """

    number: int
    rows: np.ndarray
    seed: int
    half: Half | None = None
    halving: Halving | None = None
    dealing: int = 0


def plan_subsamples(
    n_obs: int, wanted: int, *, fraction: float, seed: int, strata: np.ndarray | None = None
) -> list[Subsample]:
    """Draw the observations of every resample, a ``fraction`` of all each, without replacement.

    With one half, subsamples 2k and 2k + 1 are complementary, and as many as one dealing has are balanced
    (:mod:`acyclome.core.data.halves`).  ``strata`` ``(n_obs,)`` are labels, of each of which every resample keeps its
    share, within one observation.
    """
    # Fewer observations than a dealing has blocks have too few different halves in it.
    pairs = 1 if fraction != HALF or n_obs < 2 * PAIRED else PAIRED
    subsamples: list[Subsample] = []
    dealings: dict[int, Halving] = {}
    for number in range(wanted):
        own_seed = int(np.random.SeedSequence([seed, 2, number]).generate_state(1)[0])
        pair = number // 2 if fraction == HALF else number
        drawing = pair // pairs  # by number: more resamples change none
        if fraction == HALF:
            if drawing not in dealings:
                dealings[drawing] = Halving.deal(_line(n_obs, [seed, 1, drawing], strata))
            halving, half = dealings[drawing], Half(pair % pairs, number % 2 == 1)
            subsamples.append(Subsample(number, halving.rows(half), own_seed, half, halving, drawing))
            continue
        line = _line(n_obs, [seed, 1, drawing], strata)
        if strata is not None:
            line = _counted_off(line, fraction)
        subsamples.append(Subsample(number, np.sort(line[: max(int(n_obs * fraction), 1)]), own_seed))
    return subsamples


def _line(n_obs: int, seed: list[int], strata: np.ndarray | None) -> np.ndarray:
    """Return the observations in random order, strata one after the other, which come in a random order themselves."""
    shuffled = np.random.default_rng(seed).permutation(n_obs)
    if strata is None:
        return shuffled
    labels = strata[shuffled]
    _, first = np.unique(labels, return_index=True)
    rank = np.empty(int(labels.max()) + 1)
    rank[labels[first]] = first
    return shuffled[np.argsort(rank[labels], kind="stable")]


def _counted_off(line: np.ndarray, fraction: float) -> np.ndarray:
    """Put first what a share of every stratum is, counted off evenly along the line."""
    step = np.floor(np.arange(1, len(line) + 1) * fraction)
    taken = np.diff(step, prepend=0.0) > 0
    return np.concatenate([line[taken], line[~taken]])


@dataclass(frozen=True)
class Votes:
    """How often every pair was an edge."""

    pairs: Candidates  # all pairs that were an edge at least once, CSR by target
    count: np.ndarray  # (nnz,) networks with the directed edge
    gain: np.ndarray  # (nnz,) mean over all resamples of the log-likelihood that the edge carried
    total: int  # resamples, those without the pair counted too

    def of(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        return self._take(self.count, source, target) / max(self.total, 1)

    def gain_of(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Mean log-likelihood carried by ``source -> target``; zero where it was no edge."""
        return self._take(self.gain, source, target)

    def _take(self, values: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        at = self.pairs.find(source, target)
        return np.where(at >= 0, values[np.maximum(at, 0)], 0.0) if len(values) else np.zeros(len(at))


def count_votes(source: np.ndarray, target: np.ndarray, loss: np.ndarray, *, n_genes: int, total: int) -> Votes:
    """Count the edges of all resamples, given one after the other."""
    keys, inverse = np.unique(np.asarray(target, np.int64) * n_genes + source, return_inverse=True)
    count = np.bincount(inverse, minlength=len(keys)).astype(float)
    gain = np.bincount(inverse, weights=loss, minlength=len(keys)) / max(total, 1)
    return Votes(
        Candidates(row_pointers(keys // n_genes, n_genes), (keys % n_genes).astype(np.int32)), count, gain, total
    )


class Support(NamedTuple):
    """What resamples say of some edges."""

    stability: np.ndarray  # (m,) share of the resamples that join both genes, either way; NaN without resamples
    direction: np.ndarray  # (m,) share of those with this arrow, 0 where none joins them; NaN without resamples
    resamples: int


def support(votes: Votes, source: np.ndarray, target: np.ndarray) -> Support:
    """Count what resamples say of the edges ``source -> target``."""
    if not votes.total:
        return Support(np.full(len(source), np.nan), np.full(len(source), np.nan), 0)
    forward, backward = votes.of(source, target), votes.of(target, source)
    joined = forward + backward
    return Support(joined, np.divide(forward, joined, out=np.zeros_like(joined), where=joined > 0), votes.total)
