"""What the user sees while a long computation runs: bars on a terminal, plain lines in a log, nothing with --quiet.

The pipeline calls ``progress(stage, done, message)`` with `done` from 0 to 1; it may do so from several threads. Once
it knows what the plan gives the stages, it calls ``progress.expect``: from then on there is a bar for the whole.
Everything goes to the error stream, so that the standard output stays free for results.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from acyclome import wording
from acyclome.cli.forecast import Forecast
from acyclome.errors import EarlierNameWarning, visible

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

WHOLE = "in all"
BAR, TIMES = 12, 34  # letters; with the name and the share they leave a sixth of a line of 80 to the message
HEARTBEAT_S = 10.0  # a log of an hour then has 360 lines at most, and no stage looks dead
LEAST_SHARE = 0.02  # below it the time left is a guess: it would be told as 49 times what has passed


class Progress:
    """Bars of rich on a terminal; elsewhere a line where a stage starts, ends, or was silent for long.

    Nothing if `quiet`; `stream` is the error stream unless another is given, and `clock` never goes back.
    """

    def __init__(
        self, *, quiet: bool, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._is_quiet = quiet
        if quiet:
            return
        from rich import progress as rich  # here: a stage of a small job would load for it in vain
        from rich.console import Console
        from rich.table import Column

        self._stream = sys.stderr if stream is None else stream
        shows_bars = self._stream.isatty()
        self._writes_lines, self._clock, self._began = not shows_bars, clock, clock()
        self._bars = rich.Progress(
            rich.TextColumn("{task.description}", table_column=Column(no_wrap=True, min_width=11)),
            rich.BarColumn(bar_width=BAR, table_column=Column(min_width=BAR)),
            rich.TaskProgressColumn(table_column=Column(no_wrap=True, min_width=4)),
            _times_column(),
            # Brackets in names of files are no markup; what is too long for the rest of the line is cut.
            rich.TextColumn("{task.fields[message]}", markup=False, table_column=Column(no_wrap=True, ratio=1)),
            expand=True,
            console=Console(file=self._stream),
            get_time=clock,
            disable=not shows_bars,
        )
        self._lock = threading.Lock()  # resamples report from threads of their own
        self._tasks: dict[str, rich.Task] = {}
        self._told: dict[str, float] = {}
        self._forecast: Forecast | None = None
        self._expected_at = 0.0

    def expect(self, seconds: Mapping[str, float], number: int = 1, of: int = 1) -> None:
        """Take note of what the plan gives each stage of a network, of which there may be several."""
        if self._is_quiet:
            return
        with self._lock:
            self._forecast, self._expected_at = Forecast(seconds, number, of), self._clock()
            if WHOLE not in self._tasks:
                self._add(WHOLE, left=lambda _: self._left())
            self._bars.update(self._tasks[WHOLE].id, message=f"network {number} of {of}" if of > 1 else "")
            self._show_whole()

    def __call__(self, stage: str, done: float, message: str = "") -> None:
        """Take note that a stage is done to this share, 0 to 1."""
        if self._is_quiet:
            return
        message = visible(message)
        with self._lock:
            task = self._tasks.get(stage)
            if task is None:
                task = self._add(stage, left=lambda task: _left(task.completed, task.elapsed or 0.0))
            elif done < task.completed:  # the stage of the next group
                self._bars.reset(task.id)
                del self._told[stage]
            was_done = task.finished
            self._bars.update(task.id, completed=done, message=message)
            if self._forecast is not None:
                self._forecast.note(stage, done)
            self._show_whole()
            now, told = self._clock(), self._told.setdefault(stage, float("-inf"))
            if self._writes_lines and (now - told >= HEARTBEAT_S or (task.finished and not was_done)):
                self._told[stage] = now
                elapsed, spent = wording.duration(now - self._began), task.elapsed or 0.0
                tail = f": {message}" if message else ""
                self._stream.write(f"[{elapsed:>10}] {stage:<10} {_state(done, spent)}{self._said_of_whole()}{tail}\n")
                self._stream.flush()

    def _add(self, name: str, *, left: Callable[[Any], float | None]) -> Any:
        number = self._bars.add_task(name, total=1.0, message="", left=left)
        self._tasks[name] = next(task for task in self._bars.tasks if task.id == number)
        return self._tasks[name]

    def _left(self) -> float | None:
        return None if self._forecast is None else self._forecast.left(self._clock() - self._expected_at)

    def _show_whole(self) -> None:
        if self._forecast is not None:
            self._bars.update(self._tasks[WHOLE].id, completed=self._forecast.share)

    def _said_of_whole(self) -> str:
        left = self._left()
        return (
            ""
            if self._forecast is None or left is None
            else (f" ({WHOLE} {self._forecast.share:.0%}, about {wording.duration(left)} left)")
        )

    def __enter__(self) -> Progress:
        if not self._is_quiet:
            self._bars.start()
        return self

    def __exit__(self, *failure: object) -> None:
        if not (self._is_quiet or self._bars.disable):  # rich before 14 would end a log with an empty line
            if WHOLE in self._tasks and failure[:1] == (None,):
                self._bars.update(self._tasks[WHOLE].id, completed=1.0)
            self._bars.stop()


def _state(done: float, spent: float) -> str:
    if done >= 1.0:
        return f"done in {wording.duration(spent)}"
    if done <= 0.0:
        return "started"
    left = _left(done, spent)
    return f"{done:.0%}" + ("" if left is None else f", about {wording.duration(left)} left")


def _left(done: float, spent: float) -> float | None:
    """Return the seconds that are left of a stage, if enough of it is done to tell."""
    return spent * (1.0 - done) / done if done >= LEAST_SHARE else None


def _times_column() -> ProgressColumn:
    """Return a column that names both of its times, so that none is taken for the other."""
    from rich.progress import ProgressColumn
    from rich.table import Column
    from rich.text import Text

    class Times(ProgressColumn):
        max_refresh = 0.5  # seconds, as the other columns of time

        def render(self, task: Any) -> Text:
            if task.finished:
                return Text(f"took {wording.duration(task.finished_time or 0.0)}")
            left = task.fields["left"](task)
            told = "" if left is None else f", remaining {wording.duration(left)}"
            return Text(f"elapsed {wording.duration(task.elapsed or 0.0)}{told}")

    return Times(Column(no_wrap=True, min_width=TIMES))


@contextmanager
def log_to_stderr(*, quiet: bool) -> Iterator[None]:
    """Send the package's log records to the error stream for the length of a command, and no longer.

    Warnings that other packages address to programmers are kept from the user.
    """
    handler = logging.StreamHandler(_ErrorStream())
    handler.setFormatter(_Visible("%(levelname)s: %(message)s"))
    handler.setLevel(logging.ERROR if quiet else logging.WARNING)
    logger = logging.getLogger("acyclome")
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            for category in (FutureWarning, DeprecationWarning, UserWarning):  # RuntimeWarning would be ours to mend
                warnings.simplefilter("ignore", category)
            warnings.simplefilter("always", EarlierNameWarning)
            warnings.showwarning = lambda message, *_, **__: logger.warning(message)
            yield
    finally:
        logger.removeHandler(handler)


class _Visible(logging.Formatter):
    """Log lines in which what terminals would obey is escaped."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


class _ErrorStream:
    """The error stream of the moment: bars replace it while they are shown, and log lines must go above them."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()
