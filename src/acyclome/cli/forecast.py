"""How much of a run is done, and what is left: the times that its plan gives its stages, corrected as they pass."""

from __future__ import annotations

from collections.abc import Mapping

MOST_BEFORE_END = 0.99  # until its last file is written
TRUST = 0.1  # of the planned time: as much as if it had passed as planned, so that the first second decides nothing


class Forecast:
    """The share of a run that is done, and the seconds that are left.

    Parameters
    ----------
    seconds
        What the plan gives each stage; others take part in nothing.
    number, of
        The network that is learned, from 1, and how many there are, each as long as this one.
    """

    def __init__(self, seconds: Mapping[str, float], number: int = 1, of: int = 1) -> None:
        self._seconds, self._number, self._of = dict(seconds), number, of
        self._done: dict[str, float] = {}

    def note(self, stage: str, done: float) -> None:
        """Take note that a stage is done to this share.

        One that is done when it is first heard of was kept, and those before it that were not heard of are not run.
        """
        if stage in self._seconds and stage not in self._done:
            before = list(self._seconds)[: list(self._seconds).index(stage)]
            for name in [*(name for name in before if name not in self._done), *([stage] if done >= 1.0 else [])]:
                del self._seconds[name]
        self._done[stage] = done

    @property
    def share(self) -> float:
        """Share of the whole that is done, below 1."""
        return min((self._number - 1 + self._passed / max(self._planned, 1e-9)) / self._of, MOST_BEFORE_END)

    def left(self, elapsed: float) -> float:
        """Seconds that are left, where these have passed since this network was begun."""
        trusted = TRUST * self._planned
        pace = (elapsed + trusted) / (self._passed + trusted) if self._planned else 1.0
        return pace * (self._planned - self._passed + (self._of - self._number) * self._planned)

    @property
    def _planned(self) -> float:
        return sum(self._seconds.values())

    @property
    def _passed(self) -> float:
        return sum(seconds * self._done.get(stage, 0.0) for stage, seconds in self._seconds.items())
