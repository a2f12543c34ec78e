"""What the user sees while a long computation runs: bars on a terminal, plain lines in a log, nothing with --quiet.

The pipeline calls one function, ``progress(stage, done, message)`` with `done` from 0 to 1; it may do so from several
threads. Everything goes to the error stream, so that the standard output stays free for results.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TextIO

HEARTBEAT_S = 10.0
MIN_SHARE_FOR_FORECAST = 0.02


class Progress(Protocol):
    """A callback for the pipeline that is also a context: leaving it puts the terminal back in order."""

    def __call__(self, stage: str, done: float, message: str = "") -> None:
        """Take note that `stage` is done to this share, 0 to 1."""

    def __enter__(self) -> Progress: ...

    def __exit__(self, *failure: object) -> None: ...


def choose_progress(*, quiet: bool, stream: TextIO | None = None) -> Progress:
    """Return the progress that suits the stream (default: the error stream)."""
    stream = sys.stderr if stream is None else stream
    if quiet:
        return SilentProgress()
    if stream.isatty():
        return BarProgress(stream)
    return PlainProgress(stream)


class SilentProgress:
    """Say nothing."""

    def __call__(self, stage: str, done: float, message: str = "") -> None:
        """Ignore it."""

    def __enter__(self) -> SilentProgress:
        return self

    def __exit__(self, *failure: object) -> None:
        return None


@dataclass
class _Stage:
    started: float
    done: float = 0.0
    told: float = field(default=float("-inf"))


class PlainProgress:
    """Write a line when a stage starts and ends, and a sign of life every few seconds in between.

    Parameters
    ----------
    stream
        Where the lines go.
    clock
        Seconds since any fixed moment; never goes back.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock()
        self._stages: dict[str, _Stage] = {}

    def __call__(self, stage: str, done: float, message: str = "") -> None:
        """Write a line if the stage starts, ends, or was silent for long."""
        with self._lock:
            now = self._clock()
            record = self._record(stage, done, now)
            finished = done >= 1.0 > record.done
            record.done = done
            if finished or now - record.told >= HEARTBEAT_S:
                record.told = now
                self._write(now, _sentence(stage, record, now, message))

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *failure: object) -> None:
        self._stream.flush()

    def _record(self, stage: str, done: float, now: float) -> _Stage:
        record = self._stages.get(stage)
        if record is None or done < record.done:
            record = self._stages[stage] = _Stage(started=now)
        return record

    def _write(self, now: float, text: str) -> None:
        self._stream.write(f"[{format_duration(now - self._began):>8}] {text}\n")
        self._stream.flush()


class BarProgress:
    """Show one bar per stage with its elapsed and remaining time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bars: Any = None
        self._lock = threading.Lock()
        self._tasks: dict[str, Any] = {}
        self._done: dict[str, float] = {}

    def __call__(self, stage: str, done: float, message: str = "") -> None:
        """Move the bar of the stage."""
        with self._lock:
            if self._bars is None:
                self._bars = _open_bars(self._stream)
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(stage, total=1.0, message="")
            elif done < self._done[stage]:
                self._bars.reset(self._tasks[stage])
            self._done[stage] = done
            self._bars.update(self._tasks[stage], completed=done, message=message)

    def __enter__(self) -> BarProgress:
        return self

    def __exit__(self, *failure: object) -> None:
        if self._bars is not None:
            self._bars.stop()


def _open_bars(stream: TextIO) -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bars = Progress(
        TextColumn("{task.description:<9}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[message]}", markup=False),
        console=Console(file=stream),
    )
    bars.start()
    return bars


def _sentence(stage: str, record: _Stage, now: float, message: str) -> str:
    tail = f": {message}" if message else ""
    spent = now - record.started
    if record.done >= 1.0:
        return f"{stage:<9} done in {format_duration(spent)}{tail}"
    if record.done <= 0.0:
        return f"{stage:<9} started{tail}"
    forecast = ""
    if record.done >= MIN_SHARE_FOR_FORECAST:
        forecast = f", about {format_duration(spent * (1.0 - record.done) / record.done)} left"
    return f"{stage:<9} {record.done:.0%}{forecast}{tail}"


def format_duration(seconds: float) -> str:
    """Return a time span as people write it: 0.4 s, 12 s, 3 min 05 s, 2 h 07 min."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


@contextmanager
def log_to_stderr(*, quiet: bool) -> Iterator[None]:
    """Send the package's log records to the error stream for the length of a command, and no longer.

    Warnings that other packages address to programmers are kept from the user.
    """
    handler = logging.StreamHandler(_ErrorStream())
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    handler.setLevel(logging.ERROR if quiet else logging.WARNING)
    logger = logging.getLogger("acyclome")
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            for category in (FutureWarning, DeprecationWarning, UserWarning):
                warnings.simplefilter("ignore", category)
            yield
    finally:
        logger.removeHandler(handler)


class _ErrorStream:
    """The error stream of the moment: bars replace it while they are shown, and log lines must go above them."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()
