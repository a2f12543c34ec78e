"""Clean simulations by this version and by the first one: is accuracy kept, and what does it cost to look for more.

``git worktree add FOLDER 0e854ad``, then ``python -m benchmarks.first_version FOLDER [--sizes 10000 --protocols ER-2]``

All learn the same data one after the other, each in a process that has learned a small network before, and the least
CPU time of ``--repeats`` counts: this version, this one without a look for hidden causes and activities, and the first.
``lost``: what the first version has more, in the column of F1 where that is most.  ``ratio``: CPU time beside that of
the first version, ``looking`` beside that of this one without a look; both are means of ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import HERE
from benchmarks.problems import Problem, Protocol, find_bench
from benchmarks.report import publish
from benchmarks.tables import options

PROTOCOLS = (Protocol("ER-2", "ER"), Protocol("hub", "TF"), Protocol("SF-out", "SF-out"))
WITHOUT = {"confounding": "none", "activity": "none"}
SIZES = (100, 300, 1000, 2000)
SHOWN = ("skeleton", "class", "directed")
# What a version is asked to do, a line of JSON each time; arguments had other names in the first.
WORKER = """
import gc, inspect, json, sys, time
import numpy as np
from acyclome import learn
known = inspect.signature(learn).parameters
resamples, seed = ("n_resamples", "random_state") if "random_state" in known else ("resamples", "seed")
def edges(X, number, threads, config):
    network = learn(X, **{resamples: 0, seed: number}, threads=threads, device="cpu", config=config)
    return network.source, network.target
for line in sys.stdin:
    asked, times = json.loads(line), []
    X = np.load(asked["data"])
    for _ in range(asked["repeats"]):
        gc.collect()
        began = time.process_time()
        found = edges(X, asked["seed"], asked["threads"], asked["config"])
        times.append(time.process_time() - began)
    np.save(asked["edges"], np.stack(found))
    print(json.dumps(min(times)), flush=True)
"""


class Version:
    """A version that learns in a process of its own."""

    def __init__(self, folder: Path) -> None:
        environment = os.environ | {"PYTHONPATH": str(folder / "src")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
            cwd=folder,
        )

    def learn(
        self, problem: Problem, given: argparse.Namespace, *, repeats: int, **config: str
    ) -> tuple[np.ndarray, float]:
        """Return the edges ``(2, m)`` and the least CPU time of so many runs, in seconds."""
        with tempfile.TemporaryDirectory() as folder:
            data, edges = Path(folder, "data.npy"), Path(folder, "edges.npy")
            np.save(data, problem.X)
            asked = {"data": str(data), "edges": str(edges), "seed": problem.method_seed, "config": config}
            asked |= {"threads": given.threads, "repeats": repeats}
            print(json.dumps(asked), file=self.process.stdin, flush=True)
            said = self.process.stdout.readline() if self.process.stdout else ""
            if not said:
                msg = f"A version ended with status {self.process.wait()} on {problem.name} of {problem.d} genes."
                raise RuntimeError(msg)
            return np.load(edges), float(json.loads(said))


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", n=1000)
    parser.add_argument("first", type=Path, help="work tree of the first version")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="numbers of genes")
    parser.add_argument("--protocols", nargs="+", default=[p.name for p in PROTOCOLS], help="only these of the data")
    parser.add_argument("--repeats", type=int, default=3, help="runs of a version, of which the shortest counts")
    given = parser.parse_args()
    words = ["python -m benchmarks.first_version FOLDER --seeds", *given.seeds, "--threads", given.threads]
    words += ["--repeats", given.repeats]
    name = "first-version"
    if given.sizes != list(SIZES):
        words += ["--sizes", *given.sizes]
        name += "".join(f"-{d}" for d in given.sizes)
    words += ["--protocols", *given.protocols] if len(given.protocols) < len(PROTOCOLS) else []
    publish(name, list(_rows(given)), " ".join(map(str, words)), given)


def _rows(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    this, first = Version(HERE), Version(given.first.resolve())
    warm = Protocol("warm", "ER").draw(100, 200, 1, None)
    for version in (this, first):
        version.learn(warm, given, repeats=1)
    asked = [protocol for protocol in PROTOCOLS if protocol.name in given.protocols]
    for d, protocol, seed in product(given.sizes, asked, given.seeds):
        problem = protocol.draw(d, given.n, seed, find_bench(given.bench))
        found, cpu = this.learn(problem, given, repeats=given.repeats)
        _, without = this.learn(problem, given, repeats=given.repeats, **WITHOUT)
        before, cpu_first = first.learn(problem, given, repeats=given.repeats)
        now, then = problem.scores(*found), problem.scores(*before)
        row: dict[str, Any] = {"data": protocol.name, "genes": d, "seed": seed, **{k: now[k] for k in SHOWN}}
        row |= {"directed_first": then["directed"], "lost": max(then[k] - now[k] for k in SHOWN)}
        row |= {"same_edges": {*zip(*found, strict=True)} == {*zip(*before, strict=True)}}
        row |= {"cpu_seconds": cpu, "cpu_first": cpu_first, "ratio": cpu / cpu_first, "looking": cpu / without}
        print(row, flush=True)
        yield row


if __name__ == "__main__":
    main()
