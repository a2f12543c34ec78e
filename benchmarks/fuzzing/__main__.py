"""Damaged inputs by the ten thousand, on every road by which acyclome reads; counts, and what should not have been.

``python -m benchmarks.fuzzing --inputs 10000`` tries so many of each road; ``--roads "h5ad csc" --number 4711`` one
again, with its traceback.  The number and the seed are all that an input is made of.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from multiprocessing import get_context
from pathlib import Path

from benchmarks.fuzzing.pool import Corpus, Outcome, outcomes
from benchmarks.fuzzing.roads import ROADS

BATCH = 100  # inputs of a child: so that the memory that readers leave behind goes with it


def batch(task: tuple[str, int, int, int, Path]) -> list[Outcome]:
    """Read some inputs of a road."""
    road, first, last, seed, folder = task
    return list(outcomes(road, range(first, last), seed, folder))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzzing", description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=1000, help="of each road")
    parser.add_argument("--roads", nargs="*", default=[*ROADS], help=", ".join(ROADS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--number", type=int, help="read this one here, with its traceback")
    parser.add_argument("--folder", type=Path, help="where inputs are written; a file system in memory is faster")
    parser.add_argument("--log", type=Path, help="file of what was read, from which a run that was ended goes on")
    parser.add_argument("--results", action="store_true", help="keep the counts, and write their page anew")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as home:
        if asked.number is None:
            return fuzz(asked, Path(home))
        ROADS[asked.roads[0]].read(Corpus(asked.roads[0], Path(home), asked.seed).input(asked.number))
    return 0


def fuzz(asked: argparse.Namespace, folder: Path) -> int:
    """Read all inputs that were asked for, and say what they ended in; return 1 if one did not end as it should."""
    counts: dict[str, Counter[str]] = {road: Counter() for road in asked.roads}
    done = set()
    for line in asked.log.read_text().splitlines() if asked.log and asked.log.exists() else []:
        seed, road, first, last, ends = json.loads(line)
        if seed == asked.seed and road in counts:
            done.add((road, first, last))
            counts[road].update(ends)
    tasks = [
        (road, first, min(first + BATCH, asked.inputs), asked.seed, folder)
        for first in range(0, asked.inputs, BATCH)
        for road in asked.roads
        if (road, first, min(first + BATCH, asked.inputs)) not in done
    ]
    for road in {task[0] for task in tasks}:
        Corpus(road, folder, asked.seed)  # written once, for all jobs
    with get_context("fork").Pool(asked.jobs) as pool:
        for task, found in zip(tasks, pool.imap(batch, tasks), strict=True):
            ends = Counter(one.end for one in found)
            counts[task[0]].update(ends)
            if asked.log:
                with asked.log.open("a") as log:
                    log.write(f"{json.dumps([asked.seed, *task[:3], ends])}\n")
            for one in found:
                if one.is_fault:
                    print(f"{one.road} {one.number}: {one.end}: {one.about}", flush=True)
    for road, ends in counts.items():
        print(f"{road:12} {sum(ends.values()):>9,}   {', '.join(f'{n:,} {end}' for end, n in ends.most_common())}")
    faults = {road: sum(ends.values()) - ends["read"] - ends["refused"] for road, ends in counts.items()}
    if asked.results:
        rows = [
            {
                "read as": road,
                **{end: ends[end] for end in ("read", "refused")},
                "signal, hang, traceback": faults[road],
            }
            for road, ends in counts.items()
        ]
        from benchmarks.report import publish

        command = f"python -m benchmarks.fuzzing --inputs {asked.inputs} --seed {asked.seed}"
        publish("fuzzing", rows, command, argparse.Namespace(no_results=False))
    return int(any(faults.values()))


if __name__ == "__main__":
    sys.exit(main())
