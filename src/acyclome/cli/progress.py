"""What the user sees while a long computation runs: bars on a terminal, plain lines in a log, nothing with --quiet.

The pipeline calls ``progress(stage, done, message)`` with `done` from 0 to 1; it may do so from several threads.
Everything goes to the error stream, so that the standard output stays free for results.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from acyclome import wording
from acyclome.errors import EarlierNameWarning, visible

HEARTBEAT_S = 10.0  # a log of an hour then has 360 lines at most, and no stage looks dead
LEAST_SHARE = 0.02  # below it the time left is a guess: it would be told as 49 times what has passed


class Progress:
    """Bars of rich on a terminal; elsewhere a line where a stage starts, ends, or was silent for long.

    Nothing if `quiet`; `stream` is the error stream unless another is given, and `clock` never goes back.
    """

    def __init__(
        self, *, quiet: bool, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        from rich import progress as rich
        from rich.console import Console

        self._stream = sys.stderr if stream is None else stream
        shows_bars = self._stream.isatty() and not quiet
        self._writes_lines, self._clock, self._began = not (quiet or shows_bars), clock, clock()
        self._bars = rich.Progress(
            rich.TextColumn("{task.description:<10}"),
            rich.BarColumn(bar_width=24),
            rich.TaskProgressColumn(),
            rich.TimeElapsedColumn(),
            rich.TextColumn("left"),
            rich.TimeRemainingColumn(),
            rich.TextColumn("{task.fields[message]}", markup=False),  # brackets in names of files are no markup
            console=Console(file=self._stream),
            get_time=clock,
            disable=not shows_bars,
        )
        self._lock = threading.Lock()  # resamples report from threads of their own
        self._tasks: dict[str, rich.Task] = {}
        self._told: dict[str, float] = {}

    def __call__(self, stage: str, done: float, message: str = "") -> None:
        """Take note that a stage is done to this share, 0 to 1."""
        message = visible(message)
        with self._lock:
            task = self._tasks.get(stage)
            if task is None:
                number = self._bars.add_task(stage, total=1.0, message=message)
                task = self._tasks[stage] = next(task for task in self._bars.tasks if task.id == number)
            elif done < task.completed:  # the stage of the next group
                self._bars.reset(task.id)
                del self._told[stage]
            was_done = task.finished
            self._bars.update(task.id, completed=done, message=message)
            now, told = self._clock(), self._told.setdefault(stage, float("-inf"))
            if self._writes_lines and (now - told >= HEARTBEAT_S or (task.finished and not was_done)):
                self._told[stage] = now
                elapsed, spent = wording.duration(now - self._began), task.elapsed or 0.0
                tail = f": {message}" if message else ""
                self._stream.write(f"[{elapsed:>10}] {stage:<10} {_state(done, spent)}{tail}\n")
                self._stream.flush()

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(self, *failure: object) -> None:
        if not self._bars.disable:  # rich before 14 would end a log with an empty line
            self._bars.stop()


def _state(done: float, spent: float) -> str:
    if done >= 1.0:
        return f"done in {wording.duration(spent)}"
    if done <= 0.0:
        return "started"
    left = wording.duration(spent * (1.0 - done) / done)
    return f"{done:.0%}" + (f", about {left} left" if done >= LEAST_SHARE else "")


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
