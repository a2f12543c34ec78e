"""How many edges reach which stability, and how many of them chance alone could explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from acyclome.report.source import Run

if TYPE_CHECKING:
    import pandas as pd

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # the bound on false edges holds above one half
STRONG = 0.8  # from here on an arrow is taken as a hypothesis, as README says
MAX_POINTS = 100  # of the curve; more are closer than a pixel
_SLACK = 1e-6  # shares such as 16 of 20 are no exact binary numbers


@dataclass(frozen=True)
class Level:
    """A stability, the edges at or above it, and a bound on the false ones among them (None: no bound holds)."""

    stability: float
    edges: int
    expected_false: float | None


def stability_levels(run: Run, levels: tuple[float, ...] = LEVELS) -> list[Level]:
    return [Level(level, edges_at_least(run, level), expected_false(run, level)) for level in levels]


def stability_curve(run: Run) -> list[Level]:
    """Return the counts at every stability that the number of resamples can give, from 0 to 1."""
    points = min(run.resamples, MAX_POINTS)  # stability is a number of resamples by their count
    return stability_levels(run, tuple(number / points for number in range(points + 1)))


def edges_at_least(run: Run, stability: float) -> int:
    return int((run.edges["stability"] >= stability - _SLACK).sum())


def expected_false(run: Run, stability: float) -> float | None:
    """Return the bound on the expected number of false edges at or above a stability.

    ``E[V] <= q^2 / ((2 pi - 1) p)`` with pi the stability, q the mean number of edges of one resample and p the number
    of pairs they were chosen from (Meinshausen and Bühlmann 2010, theorem 1). It holds for half-samples, pi > 1/2,
    pairs without an edge that are exchangeable, and a method not worse than guessing. None where the conditions on pi
    or on the size of the samples are not met.
    """
    pairs = possible_pairs(run)
    if stability <= 0.5 or run.config.resample.fraction > 0.5 or pairs == 0:
        return None
    bound = edges_per_resample(run) ** 2 / ((2 * stability - 1) * pairs)
    return min(bound, float(edges_at_least(run, stability)))  # more than all of them cannot be false


def edges_per_resample(run: Run) -> float:
    """Return the mean number of edges of one resample; without resamples, of the network."""
    return float(run.fact("resample.mean_edges") or len(run.edges))


def possible_pairs(run: Run) -> int:
    """Count the unordered pairs of genes of which at least one may be a cause."""
    causes = int(run.nodes["is_regulator"].sum())
    return causes * (len(run.nodes) - causes) + causes * (causes - 1) // 2


def is_strong(run: Run) -> pd.Series:
    """Return for each edge whether its stability, or its score where there is none, is that of a strong one."""
    return run.edges["stability" if run.has_stability else "score"] >= STRONG - _SLACK
