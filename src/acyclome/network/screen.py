"""The treatments of a screen, and how far each kind of prediction is to be believed, as those held out tell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from acyclome.core.effects.stacking import LEAST, NOTHING, Profiles, Stack, stack

MEAN, NETWORK = "mean of the other perturbations", "network"
SUM, SHRUNKEN, LARGER = "sum of both", "shrunken sum of both", "larger of both"
# Kinds of predictions.
SINGLE, BY_NETWORK, PAIR = "single", "single, by the network", "pair"
UNMEASURED = "single, of no measured gene"
# Treatments from which those of targets that are measured, or that are not, are weighed by themselves: of simulated
# screens with 4, 6, 9 and 12 of a kind it cost .8 % of the squared error at most where both kinds have one law, and
# saved 1 to 50 % where what they have in common has another size; intervals want more than 4.
ALIKE = 6


class Answer(NamedTuple):
    """Change of every gene, ``(d,)``, its spread beyond the error of a mean, and where it comes from."""

    change: np.ndarray
    spread: np.ndarray
    basis: str


class Screen:
    """Treatments as a network holds them (``TREATMENT_COLUMNS``); a knock-out puts genes at ``lowest``, ``(d,)``."""

    def __init__(self, table: pd.DataFrame | None, genes: Sequence[str], lowest: np.ndarray) -> None:
        d = len(genes)
        rows = [] if table is None else table.to_dict("records")
        self.lowest, self.position = lowest, {gene: j for j, gene in enumerate(genes)}
        self.names = [frozenset(row["targets"].split(";")) for row in rows]
        self.place = {names: k for k, names in enumerate(self.names)}
        change, error = (np.array([row[name] for row in rows], float).reshape(-1, d) for name in ("change", "error"))
        self.seen = Profiles(np.array([row["observations"] for row in rows], np.int64), change, error)
        self.said = [row["network"] for row in rows]
        # Genes that were no target, of which alone an answer tells anything.
        self.counts = np.ones((len(rows), d), bool)
        for k, names in enumerate(self.names):
            self.counts[k, [self.position[name] for name in names if name in self.position]] = False

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def singles(self) -> np.ndarray:
        """Treatments of one target, ``(k,)``."""
        return np.array([k for k, names in enumerate(self.names) if len(names) == 1], np.int64)

    @cached_property
    def mean(self) -> np.ndarray:
        """Mean change of every gene over treatments of one other gene, ``(d,)``."""
        return _mean(self.seen.change[self.singles], self.counts[self.singles])

    @cached_property
    def mean_of_pairs(self) -> np.ndarray:
        """The same over treatments of two targets that were acted on alone too, ``(d,)``."""
        return _mean(self.seen.change[self.pairs], self.counts[self.pairs])

    @cached_property
    def stacks(self) -> dict[str, Stack]:
        """What held-out treatments say of each kind of prediction; kinds with too few of them are not there."""
        each = {SINGLE: self.by_mean, BY_NETWORK: self._by_network()}
        each |= {UNMEASURED: self._unmeasured(), PAIR: self._of_pairs()}
        return {kind: found for kind, found in each.items() if found is not None}

    @cached_property
    def by_mean(self) -> Stack | None:
        """What treatments of one target say of predicting one from the others, ``None`` of too few."""
        return self._stack(self.singles, {MEAN: self._others}, {})

    @cached_property
    def _others(self) -> np.ndarray:
        return _without_each(self.seen.change[self.singles], self.counts[self.singles])

    def _by_network(self) -> Stack | None:
        asked = np.array([k for k in self.singles if len(self.said[k])], np.int64)
        if len(asked) < LEAST:
            return None
        means = self._others[np.searchsorted(self.singles, asked)]
        return self._stack(asked, {MEAN: means}, {NETWORK: np.array([self.said[k] for k in asked], float)})

    def _unmeasured(self) -> Stack | None:
        asked = np.array([k for k in self.singles if not self.names[k] & self.position.keys()], np.int64)
        if not ALIKE <= len(asked) < len(self.singles):
            return None
        return self._stack(asked, {MEAN: self._others[np.searchsorted(self.singles, asked)]}, {})

    def foreseen(self, *, is_measured: bool) -> Stack | None:
        """Return what held-out treatments say of a new target, those of its kind if there are enough of them."""
        found = self.stacks.get(BY_NETWORK if is_measured else UNMEASURED)
        if found is not None and (found.treatments >= ALIKE or found.weight.get(NETWORK)):
            return found
        return self.stacks.get(SINGLE)

    def _of_pairs(self) -> Stack | None:
        pairs = self.pairs
        if len(pairs) < LEAST:
            return None
        both = [self.both_of(*sorted(self.names[k])) for k in pairs]
        raw, added, larger = (np.array(part) for part in zip(*both, strict=True))
        answers = {MEAN: _without_each(self.seen.change[pairs], self.counts[pairs]), SUM: raw}
        return self._stack(pairs, answers, {SHRUNKEN: added, LARGER: larger})

    def _stack(self, rows: np.ndarray, answers: dict[str, np.ndarray], fitted: dict[str, np.ndarray]) -> Stack | None:
        if len(rows) < LEAST:
            return None
        seen = Profiles(*(part[rows] for part in self.seen))
        return stack(seen, answers, fitted=fitted, counts=self.counts[rows])

    @cached_property
    def pairs(self) -> np.ndarray:
        """Treatments of two targets of which each was acted on alone too, ``(k,)``."""
        alone = set().union(*(self.names[k] for k in self.singles))
        return np.array([k for k, names in enumerate(self.names) if len(names) == 2 and names <= alone], np.int64)

    def both_of(self, a: str, b: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the sum of both single effects as measured and shrunken, and of each gene the larger of both."""
        raw = sum(self.seen.change[self.place[frozenset([name])]] for name in (a, b))
        one, two = (self.measured(self.place[frozenset([name])]).change for name in (a, b))
        return raw, one + two, np.where(np.abs(one) >= np.abs(two), one, two)

    def measured(self, k: int) -> Answer:
        """Return what a treatment did, drawn to what one would have said without it by how far that misses.

        The variance of what is missed is that of all treatments times one factor for the treatment, as its own misses
        have it: treatments differ in strength.
        """
        change, error, found = self.seen.change[k], self.seen.error[k], self.by_mean
        if found is None:
            return Answer(change, error, "measured")
        others = _without(self.seen.change[self.singles], self.counts[self.singles], self.singles == k)
        prior = found.answer({MEAN: others})
        v = found.spread**2
        at = self.counts[k]
        missed = float(np.mean((change - prior)[at] ** 2 - error[at] ** 2))
        v = v * max(missed, 0.0) / max(float(np.mean(v[at])), 1e-12)
        share = v / (v + error**2)
        return Answer(prior + share * (change - prior), np.sqrt(share) * error, "measured")

    @cached_property
    def error(self) -> np.ndarray:
        """Error of the mean of every gene over as many observations as half of the treatments have, ``(d,)``."""
        middle: np.ndarray = np.median(self.seen.error, axis=0)
        return middle

    @cached_property
    def dose(self) -> np.ndarray:
        """How far treatments move their own target, typically, ``(d,)``; nan where none is measured."""
        own = [(k, self.position[name]) for k in self.singles for name in self.names[k] if name in self.position]
        if not own:
            return np.full(len(self.lowest), np.nan)
        k, gene = np.array(own).T
        moved = self.seen.change[k, gene]
        is_there = self.lowest[gene] < 0
        if np.median(moved) < 0 and is_there.any():  # of what is there, which a knock-down takes a share
            return float(np.nanmedian(moved[is_there] / self.lowest[gene][is_there])) * self.lowest
        return np.full(len(self.lowest), float(np.median(moved)))

    def summary(self) -> dict[str, Any]:
        """Return what is recorded of the checks, by kind of prediction."""
        return {
            kind: {
                "held_out": found.treatments,
                "weights": found.weight,
                "squared_error": found.error,
                "coverage_of_90": found.coverage,
            }
            for kind, found in self.stacks.items()
        }


def basis_of(found: Stack) -> str:
    """Return in words what goes into an answer."""
    return " + ".join(name for name, weight in found.weight.items() if weight) or NOTHING


def _mean(change: np.ndarray, counts: np.ndarray) -> np.ndarray:
    mean: np.ndarray = np.where(counts, change, 0.0).sum(axis=0) / np.maximum(counts.sum(axis=0), 1)
    return mean


def _without(change: np.ndarray, counts: np.ndarray, out: np.ndarray) -> np.ndarray:
    return _mean(change[~out], counts[~out])


def _without_each(change: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return for each treatment the mean of the others, ``(K, d)``."""
    kept = np.where(counts, change, 0.0)
    n = counts.sum(axis=0) - counts
    others: np.ndarray = (kept.sum(axis=0) - kept) / np.maximum(n, 1)
    return others
