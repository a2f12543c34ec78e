"""Inputs read in children of a warm process: what a child does not survive is told by the number it had reached."""

from __future__ import annotations

import faulthandler
import os
import resource
import select
import shutil
import signal
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil

from acyclome.errors import AcyclomeError
from benchmarks.fuzzing.hdf5 import outside
from benchmarks.fuzzing.mutations import SENTINEL, pick
from benchmarks.fuzzing.roads import MARK, ROADS

MEMORY = 2**30  # bytes that acyclome is told the machine has
SPARE = 3 * 2**30  # of addresses that a child may take beside its own: what takes more did not keep to that
CPU_S, WALL_S = 10.0, 120.0  # what takes a hundredth of a second hangs if it takes so long
SCREEN = 2_600  # characters: 24 lines of 110


@dataclass(frozen=True)
class Outcome:
    """What reading one input ended in."""

    road: str
    number: int
    end: str  # read, refused, or what should not be: signal, hang, traceback, memory, outside, pickle, long message
    about: str = ""

    @property
    def is_fault(self) -> bool:
        return self.end not in ("read", "refused")


class Corpus:
    """Whole inputs of one road in a folder, and the inputs that are made of them, by number, in another."""

    def __init__(self, road: str, folder: Path, seed: int) -> None:
        self.road, self._seed = road, seed
        whole = folder / road.replace(" ", "_")
        if not whole.exists():
            whole.mkdir(parents=True)
            ROADS[road].make(whole)
        self._whole = sorted(whole.glob(ROADS[road].inputs))
        self._place = folder / f"place-{os.getpid()}"

    def input(self, number: int) -> Path:
        """Return the path of an input, made now."""
        shutil.rmtree(self._place, ignore_errors=True)
        self._place.mkdir()
        outside(self._place)
        rng = np.random.default_rng([self._seed, list(ROADS).index(self.road), number])
        source = pick(rng, self._whole)
        path = self._place / source.name
        shutil.copytree(source, path) if source.is_dir() else shutil.copy(source, path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ROADS[self.road].damage(path, rng, self._whole)
        return path

    def outcome(self, number: int) -> Outcome:
        """Make an input and read it."""
        try:
            path = self.input(number)
        except Exception as error:  # noqa: BLE001 - damage on damage, which the libraries themselves refuse to write
            return Outcome(self.road, number, "refused", f"not made: {type(error).__name__}")
        end, about = "read", ""
        try:
            ROADS[self.road].read(path)
        except AcyclomeError as error:
            end, about = ("refused", str(error)) if len(str(error)) < SCREEN else ("long message", str(error)[:200])
        except MemoryError as error:
            end, about = "memory", _told(error)
        except Exception as error:  # noqa: BLE001 - what we look for
            end, about = "traceback", _told(error)
        if SENTINEL in about:
            end = "outside"
        if (self._place / MARK).exists():
            end = "pickle"
        return Outcome(self.road, number, end, about)


def _told(error: BaseException) -> str:
    """Return an error with the place where it was raised, and the last place in acyclome before."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/acyclome/" in frame.filename]
    places = [f"{'/'.join(Path(f.filename).parts[-2:])}:{f.lineno}" for f in (*ours[-1:], frames[-1])]
    return f"{type(error).__name__}: {str(error)[:120]!r} at {' < '.join(dict.fromkeys(places))}"


def outcomes(road: str, numbers: Iterable[int], seed: int, folder: Path) -> Iterator[Outcome]:
    """Yield what reading each input ends in; a child reads until it dies, and the next goes on behind that input."""
    corpus, left = Corpus(road, folder, seed), list(numbers)
    while left:
        done = 0
        for outcome in _in_child(corpus, left):
            done += 1
            yield outcome
        left = left[done:]


def _in_child(corpus: Corpus, numbers: list[int]) -> Iterator[Outcome]:
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        _work(corpus, numbers, write)
    os.close(write)
    lines = _lines(read, child)
    for number in numbers:
        line = next(lines, None)
        if line is None:
            yield Outcome(corpus.road, number, *_death(child))
            return
        yield Outcome(corpus.road, number, *line.split("\t", 1))
    os.waitpid(child, 0)


def _work(corpus: Corpus, numbers: list[int], write: int) -> None:
    """Read inputs one after the other, in a process that is limited, and end it."""
    faulthandler.disable()  # a crash is told by the parent, in a line
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    limit = psutil.Process().memory_info().vms + SPARE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    psutil.virtual_memory = lambda: SimpleNamespace(total=MEMORY, available=MEMORY)
    warnings.simplefilter("error")
    for kind in (UserWarning, FutureWarning, DeprecationWarning):  # as on the command line
        warnings.simplefilter("ignore", kind)
    for number in numbers:
        signal.setitimer(signal.ITIMER_PROF, CPU_S)  # whose signal ends the process, also in compiled code
        outcome = corpus.outcome(number)
        signal.setitimer(signal.ITIMER_PROF, 0)
        about = " ".join(outcome.about.split())[:500]
        os.write(write, f"{outcome.end}\t{about}\n".encode("utf-8", "replace"))
    os._exit(0)


def _lines(read: int, child: int) -> Iterator[str]:
    """Yield what the child writes, a line at a time; one that is silent for too long is ended."""
    waiting, last = b"", time.monotonic()
    with os.fdopen(read, "rb", buffering=0) as stream:
        while True:
            ready, _, _ = select.select([stream], [], [], 1.0)
            if not ready:
                if time.monotonic() - last > WALL_S:
                    os.kill(child, signal.SIGKILL)
                    return
                continue
            data = stream.read(2**16)
            if not data:
                return
            *whole, waiting = (waiting + data).split(b"\n")
            last = time.monotonic()
            yield from (line.decode("utf-8", "replace") for line in whole)


def _death(child: int) -> tuple[str, str]:
    status = os.waitpid(child, 0)[1]
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number in (signal.SIGPROF, signal.SIGKILL):
        return "hang", f"after {CPU_S:g} s of processor time" if number == signal.SIGPROF else f"after {WALL_S:g} s"
    return "signal", signal.Signals(number).name if number else f"exit code {os.WEXITSTATUS(status)}"
