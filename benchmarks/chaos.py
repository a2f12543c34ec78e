"""Disks that fail, processes that are ended, and random problems: what holds of all of them, counted.

``make chaos`` tries all; ``--parts`` and ``--share`` take some.  With ``--log`` what was tried is kept, and a run that
was ended goes on.  The counts become ``docs/reliability.md``.
"""

from __future__ import annotations

import argparse
import atexit
import functools
import json
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.reliability.faults import Step, disturbed, faults_of, steps_of
from benchmarks.reliability.problems import SMALL, behind, checked, draw
from benchmarks.reliability.problems import WAYS as VARIATIONS
from benchmarks.reliability.sandbox import Fault, Runner, Sandbox
from benchmarks.reliability.ways import RUN, WAYS, WORKFLOW, draw_input, way_of
from benchmarks.reliability.workflow import Workflow
from benchmarks.report import publish

SLICES = 8  # of the faults of a way, each a task
BLOCK = 20  # problems of a task
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)
PARTS = ("faults", "signals", "problems")
NAMES = [way.name for way in (*WAYS, WORKFLOW)]
Row = dict[str, Any]


def main() -> int:
    """Try all, and write the tables; the answer is 1 if something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--ways", nargs="+", default=NAMES, help="ways in, by name")
    parser.add_argument("--share", type=float, default=1.0, help="of the calls of the system that are made to fail")
    parser.add_argument("--signals", type=int, default=9, help="signals at random times, for each way in")
    parser.add_argument("--problems", type=int, default=200, help="random problems of each model")
    parser.add_argument("--seeds", type=int, default=0, help="of what is random")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--log", type=Path, help="file of what was tried, from which a run that was ended goes on")
    parser.add_argument("--no-results", action="store_true", help="print only; leave the runs and the pages alone")
    given = parser.parse_args()
    rows = list(tried(given))
    for part in given.parts:
        of_part = [row for row in rows if row["part"] == part]
        publish(f"chaos-{part}", counted(of_part, part), asked(part, given), given)
    wrong = [row for row in rows if row["wrong"]]
    for row in wrong:
        print(json.dumps(row))
    return int(bool(wrong))


def asked(part: str, given: argparse.Namespace) -> str:
    """Return the command that makes a table again."""
    amount = {"faults": f"--share {given.share:g}", "signals": f"--signals {given.signals}"}
    if part != "problems" and len(given.ways) < len(NAMES):
        amount[part] += f" --ways {shlex.join(given.ways)}"
    return f"python -m benchmarks.chaos --parts {part} {amount.get(part, f'--problems {given.problems}')}"


def tried(given: argparse.Namespace) -> Iterator[Row]:
    """Yield what became of everything, from the log where it was tried already."""
    done: dict[str, list[Row]] = {}
    for line in given.log.read_text("utf-8").splitlines() if given.log and given.log.exists() else []:
        task, rows = json.loads(line)
        done[json.dumps(task)] = rows
    tasks = [task for part in given.parts for task in TASKS[part](given)]
    yield from chain.from_iterable(done[json.dumps(task)] for task in tasks if json.dumps(task) in done)
    left = [task for task in tasks if json.dumps(task) not in done]
    with ProcessPoolExecutor(given.jobs) as pool:
        for task, rows in zip(left, pool.map(work, left), strict=True):
            if given.log:
                with given.log.open("a", encoding="utf-8") as log:
                    log.write(f"{json.dumps([task, rows])}\n")
            yield from rows


def work(task: Sequence[Any]) -> list[Row]:
    """Do a task: its part, and what that takes."""
    part, *given = task
    found = {"faults": faulty, "signals": signalled, "problems": learned}[part](*given)
    return [{"part": part, **row} for row in found]


def faulty(name: str, turn: int, stride: int) -> Iterator[Row]:
    """Yield every so-many-th fault of a way."""
    faults = [(step, fault) for step in undisturbed(name) for fault in faults_of(step)]
    for step, fault in faults[turn::stride]:
        outcome, wrong = disturbed(step, fault, sandbox())
        call = step.calls[fault.at - 1][0]
        yield {"way": name, "what": fault.name, "call": call, "code": outcome.code, "wrong": wrong}


def signalled(name: str, number: int, seed: int) -> Iterator[Row]:
    """Yield what becomes of a way that is ended at a random time."""
    rng = np.random.default_rng([seed, number])
    steps = undisturbed(name)
    for what in SIGNALS:
        step = steps[rng.integers(len(steps))]
        fault = Fault(what.name, signal=what, after=float(rng.uniform(0.02, 0.9) * step.seconds))
        outcome, wrong = disturbed(step, fault, runner(name))
        answered = outcome.answered
        yield {"way": name, "what": what.name, "code": outcome.code, "answered": answered, "wrong": wrong}


@functools.cache  # of a process: to warm one takes longer than ten runs in it
def sandbox() -> Sandbox:
    """Return a warm sandbox with an input in its folder."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    draw_input(folder / "x.h5ad")
    made = Sandbox(folder)
    made.warm(RUN, folder / "x.h5ad", folder / "warm")
    return made


@functools.cache
def undisturbed(name: str) -> list[Step]:
    """Walk a way in."""
    folder = sandbox().folder
    return steps_of(way_of(name), runner(name), folder / "x.h5ad", folder / name.replace(" ", "-"))


def runner(name: str) -> Runner:
    """Return what runs a way in."""
    return Workflow() if name == WORKFLOW.name else sandbox()


def learned(model: str, first: int, last: int) -> Iterator[Row]:
    """Yield what becomes of random problems of a model."""
    for seed in range(first, last):
        verdict = checked(draw(seed, model))
        elsewhere = {name: int(name in verdict.elsewhere) for name in VARIATIONS}
        yield {"model": model, "wrong": verdict.wrong, **elsewhere}
        if model == "linear":
            order, climb = behind(seed)
            yield {"model": "linear, both searches", "wrong": [], "other score": int(abs(order - climb) > 1e-6)}


TASKS = {
    "faults": lambda given: [
        ["faults", name, turn, round(slices / given.share)]
        for slices in [max(1, round(SLICES * given.share))]
        for name in given.ways
        if name != WORKFLOW.name  # whose jobs are the stages
        for turn in range(slices)
    ],
    "signals": lambda given: [
        ["signals", name, number, given.seeds] for name in given.ways for number in range(given.signals // len(SIGNALS))
    ],
    "problems": lambda given: [
        ["problems", model, given.seeds + first, given.seeds + min(first + BLOCK, given.problems)]
        for first in range(0, given.problems, BLOCK)
        for model in SMALL
    ],
}


def counted(rows: list[Row], part: str) -> list[Row]:
    """Count by way and what happened, or by model."""
    table = pd.DataFrame(rows)
    table["held"] = ~table["wrong"].astype(bool)
    by = {"faults": ["way", "call", "what"], "signals": ["way", "what"], "problems": ["model"]}[part]
    groups = table.groupby(by, sort=False)
    found = groups["held"].agg(["count", "sum"]).set_axis(["tried", "held"], axis=1)
    if part == "signals":
        found["slowest answer, s"] = groups["answered"].max()
    if part == "problems":
        others = [name for name in table if name in VARIATIONS or name == "other score"]
        counts = groups[others].sum(min_count=1).astype("Int64").astype(str)
        found = found.join(counts.replace("<NA>", "-"))
    return found.reset_index().to_dict("records")


if __name__ == "__main__":
    sys.exit(main())
