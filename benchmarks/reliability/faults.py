"""Every call of the system that changes a folder made to fail, and every one a moment at which a process is ended."""

from __future__ import annotations

import errno
import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.reliability.sandbox import KINDS, Fault, Outcome, Runner, spelled
from benchmarks.reliability.ways import Way, contents, is_passing, is_whole_or_empty

from acyclome.io.lock import LOCK

SCREEN = 24  # lines
PIECE = re.compile(r"stages/(fit|resample)-\d+-of-\d+\.npz$")  # what was done of a stage that was not finished
MOST = 6  # calls of one kind on one file; every file has opening, flushing, closing and renaming beside
CREATING, ALL = KINDS["open"] | KINDS["mkdir"] | KINDS["write"], sum(set(KINDS.values()))
FULL = Fault("disk full", errno.ENOSPC, lasts=CREATING)
DENIED = Fault("no permission", errno.EACCES, lasts=KINDS["open"] | KINDS["mkdir"] | KINDS["rename"] | KINDS["unlink"])
BROKEN = Fault("disk broken", errno.EIO, lasts=ALL - KINDS["unlink"])
PASSING = [Fault("one failure", errno.EIO), Fault("interrupted", errno.EINTR), Fault("once full", errno.ENOSPC)]
SIGNALS = [Fault(number.name, signal=number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)]
LASTING = {"open": (FULL, DENIED), "mkdir": (FULL, DENIED), "write": (FULL,), "truncate": (FULL,)}
LASTING |= {"rename": (DENIED, BROKEN), "unlink": (DENIED,), "rmdir": (DENIED,)}


@dataclass(frozen=True)
class Step:
    """A command line of a way, and the folder before and after it."""

    words: list[str]
    again: list[str]
    before: Path
    after: Path
    calls: list[tuple[str, str]]  # kind and path of each that is counted
    seconds: float
    states: tuple[dict[str, Any], dict[str, Any]]  # contents before and after


def steps_of(way: Way, runner: Runner, source: Path, folder: Path) -> list[Step]:
    """Walk a way undisturbed, and keep the folder at each step."""
    place, steps = folder / "out", []
    folder.mkdir()
    for number, line in enumerate((*way.before, *way.lines)):
        before, after = folder / f"{number}", folder / f"{number + 1}"
        copy(place, before)
        words = spelled(line, source, place)
        outcome = runner.call(words, place, counts=True)
        assert outcome.code == 0, outcome
        copy(place, after)
        if number >= len(way.before):
            states = contents(before), contents(after)
            again = [*words, *way.again]
            steps.append(Step(words, again, before, after, outcome.calls, outcome.seconds, states))
    return steps


def copy(folder: Path, to: Path) -> None:
    """Make one folder what another is; none of one that is not there."""
    shutil.rmtree(to, ignore_errors=True)
    if folder.exists():
        shutil.copytree(folder, to)


def faults_of(step: Step) -> Iterator[Fault]:
    """Yield for every call an error that lasts, one that passes, and a signal.

    Of the writes to one file, of which HDF5 makes hundreds, some are taken: the first, the last, and some between.
    """
    same: dict[tuple[str, str], list[int]] = {}
    for number, call in enumerate(step.calls, start=1):
        same.setdefault(call, []).append(number)
    chosen = {numbers[k * (len(numbers) - 1) // (MOST - 1)] for numbers in same.values() for k in range(MOST)}
    for turn, number in enumerate(sorted(chosen)):
        lasting = LASTING.get(step.calls[number - 1][0], (BROKEN,))
        for several in (lasting, PASSING, SIGNALS):
            yield replace(several[turn % len(several)], at=number)


def disturbed(step: Step, fault: Fault, runner: Runner) -> tuple[Outcome, list[str]]:
    """Run a step with a fault and then again; return how it ended, and what is wrong, which is nothing."""
    place = step.before.parent / "out"
    copy(step.before, place)
    outcome = runner.call(step.words, place, fault)
    wrong = [*complaints(outcome, runner.codes[fault.signal]), *left_behind(place, fault, step)]
    again = runner.call(step.again, place)
    wrong += [f"again: {text}" for text in complaints(again, (0,))]
    found = contents(place)
    wrong += [
        f"again: {name} differs" for name in {*found, *step.states[1]} if found.get(name) != step.states[1].get(name)
    ]
    wrong += [f"again: {path.name} is left" for path in place.rglob("*") if is_passing(path)]
    return outcome, wrong


def complaints(outcome: Outcome, codes: tuple[int, ...]) -> list[str]:
    """Say what is wrong with how a command line ended."""
    wrong = []
    if outcome.code not in codes:
        wrong.append(f"exit code {outcome.code}")
    if "Traceback" in outcome.errors or "Exception ignored" in outcome.errors:
        wrong.append("a traceback: " + outcome.errors[-600:])
    if len(outcome.errors.splitlines()) > SCREEN:
        wrong.append("more than a screen")
    if outcome.code == 2 and not outcome.errors.strip():
        wrong.append("nothing is said")
    return wrong


def left_behind(place: Path, fault: Fault, step: Step) -> list[str]:
    """Say what is wrong with a folder after a fault."""
    wrong = []
    before, after = step.states
    try:
        found = contents(place)
    except Exception as error:  # noqa: BLE001 - whatever a reader says of half a file
        return [f"half-written: {error}"]
    kept = {name for name in found if PIECE.search(name)} - {*before, *after}  # whole, as they were read
    for name, content in found.items():
        if name not in kept and content not in (before.get(name), after.get(name)):
            wrong.append(f"{name} is neither of before nor of after")
    if not is_whole_or_empty(place):
        wrong.append("results are not whole")
    fails = fault.lasts | KINDS[step.calls[fault.at - 1][0]] if fault.error else 0
    for path in place.rglob("*"):
        # A lock that was not taken yet is nobody's.
        if path.name.startswith(LOCK) and fault.at and LOCK in step.calls[fault.at - 1][1]:
            continue
        # What cannot be removed stays, and so does a lock of which nobody can say whose it is.
        may_stay = fails & KINDS["unlink"] or (path.name.startswith(LOCK) and fails & KINDS["lock"])
        if is_passing(path) and not may_stay and fault.signal != signal.SIGKILL:
            wrong.append(f"{path.name} is left")
    return wrong
