"""The synthetic families of DAG-GNN, and genes that are measured through rising curves: models beside one another.

``python -m benchmarks.post_nonlinear [--d 10 20 50 100]``: SHD, a reversed edge counted once, on 5,000 observations of
``X = A'X + Z``, ``X = A'cos(X + 1) + Z``, ``X = 2 sin(A'(X + .5)) + A'(X + .5) + Z`` (Yu et al. 2019) and of the first
through a curve a gene.  ``--heldout``: how probable the models make observations kept back.  ``--program FOLDER``: the
program of the paper too, a clone of github.com/fishmoon1234/DAG-GNN, whose ``src/train.py`` runs on the same data.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import acyclome as ac
from acyclome.evaluate.trial import DONE
from acyclome.prepare.transform import rank_to_normal
from benchmarks.measure import Cost, learned, measured, warm_up_for
from benchmarks.problems import Problem
from benchmarks.report import publish
from benchmarks.tables import options

Edges = tuple[np.ndarray, np.ndarray]
Method = Callable[[Problem], tuple[Edges, Cost]]
FAMILIES = ("linear", "cosine", "sine", "post-nonlinear")
DEGREE = 3  # edges that a gene has on average, in and out, as in the paper
STREAM = 0xDA6
CURVES: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda u: np.sinh(1.5 * u),
    lambda u: np.tanh(1.2 * u),
    lambda u: u**3 + 0.3 * u,
    np.exp,
    lambda u: np.log1p(np.exp(3.0 * u)),
)
PLAIN = {"confounding": "none", "activity": "none"}  # there are no hidden causes, and none are looked for
MODELS: dict[str, dict[str, Any]] = {
    "linear": {},
    "linear, equal noise": {"score": {"noise": "equal"}},
    "linear, ranks": {},
    "dag_gnn": {"model": "dag_gnn"},
    "dag_gnn, relaxation": {"model": "dag_gnn", "dag_gnn": {"decides": "relaxation"}},
    "spline": {"model": "spline"},
}
COMPARED = ("linear", "dag_gnn", "spline")
PROGRAM = "program of the paper"
RUN = """
import resource, runpy, sys, time
import networkx as nx, numpy as np, torch
folder, data, truth, epochs, rounds, seed, out = sys.argv[1:8]
sys.path.insert(0, folder)
torch.set_num_threads(1)
import utils
def load_data(args, batch_size=1000, suffix="", debug=False):
    X = torch.as_tensor(np.load(data))[:, :, None]
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, X), batch_size=batch_size)
    return loader, loader, loader, nx.DiGraph(np.load(truth))
utils.load_data = load_data
size = str(np.load(data).shape[1])
sys.argv = ["train.py", "--epochs", epochs, "--k_max_iter", rounds, "--data_variable_size", size, "--seed", seed]
began, used = time.perf_counter(), time.process_time()
found = runpy.run_path(folder + "/train.py", run_name="__main__")
source, target = np.nonzero(found["best_ELBO_graph"])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
np.savez(out, source=source, target=target, cost=[time.perf_counter() - began, time.process_time() - used, peak])
"""


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", n=5000, epochs=300, rounds=100)
    parser.add_argument("--d", type=int, nargs="+", default=[10, 20, 50, 100], help="genes")
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=FAMILIES)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--heldout", action="store_true", help="measure likelihoods of observations kept back")
    parser.add_argument("--program", type=Path, help="clone of the program of the paper; empty: leave it out")
    parser.add_argument("--table", default="", help="name of the table; empty: by what is measured")
    given = parser.parse_args()
    warm_up_for(MODELS[name] for name in given.models if "relaxation" not in name)
    rows = list(_held_out(given) if given.heldout else _rows(given))
    name = "post-nonlinear-heldout" if given.heldout else "post-nonlinear"
    words = [
        "--d",
        *map(str, given.d),
        *(["--n", str(given.n)] if given.n != parser.get_default("n") else []),
        "--seeds",
        *map(str, given.seeds),
        *(["--families", *given.families] if given.families != list(FAMILIES) else []),
        *(["--models", *(f"'{name}'" for name in given.models)] if given.models != list(MODELS) else []),
        *(["--heldout"] if given.heldout else []),
        *([f"--program DAG-GNN --epochs {given.epochs} --rounds {given.rounds}"] if given.program else []),
    ]
    publish(given.table or name, rows, f"python -m benchmarks.post_nonlinear {' '.join(words)}", given)


def draw(family: str, d: int, n: int, *, seed: int) -> Problem:
    """Draw a problem as the program of the paper does: a random graph, weights of .5 to 2, noise of variance 1."""
    rng = np.random.default_rng([STREAM, seed, d])
    order = rng.permutation(d)
    W = np.triu(rng.random((d, d)) < DEGREE / (d - 1), 1) * rng.uniform(0.5, 2.0, (d, d)) * rng.choice([-1, 1], (d, d))
    X = rng.standard_normal((d, n))
    for j in range(d):
        parents = np.flatnonzero(W[:, j])
        shown = {"cosine": np.cos(X[parents] + 1.0), "sine": X[parents] + 0.5}.get(family, X[parents])
        total = W[parents, j] @ shown
        X[j] += 2.0 * np.sin(total) + total if family == "sine" else total
    if family == "post-nonlinear":
        Z = (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)
        X = np.array([CURVES[k](z) for k, z in zip(rng.integers(len(CURVES), size=d), Z, strict=True)])
    source, target = W.nonzero()
    return Problem(family, seed, X[np.argsort(order)].T.copy(), order[source], order[target])


def distance(truth: Edges, found: Edges, d: int) -> tuple[int, int]:
    """Return the SHD, pairs that are joined otherwise, and how many of these are only turned round."""
    A, B = np.zeros((2, d, d), bool)
    A[truth], B[found] = True, True
    return int(np.triu((A != B) | (A != B).T).sum()), int((A & B.T & ~B).sum())


def _problems(given: argparse.Namespace) -> Iterator[tuple[dict[str, Any], Problem]]:
    for d in given.d:
        for family in given.families:
            for seed in given.seeds:
                yield {"family": family, "genes": d}, draw(family, d, given.n, seed=seed)


def _rows(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield a row for every run of every method."""
    methods: dict[str, Method] = {name: partial(_ours, name=name, threads=given.threads) for name in given.models}
    if given.program:
        methods[PROGRAM] = partial(_program, given=given)
    for here, problem in _problems(given):
        for name, method in methods.items():
            edges, cost = method(problem)
            shd, turned = distance(problem.truth, edges, problem.d)
            counts = {"true edges": len(problem.source), "edges": len(edges[0]), "SHD": shd, "turned": turned}
            yield {**here, "method": name, "seed": problem.seed, "status": DONE, **counts, **cost.row()}


def _ours(problem: Problem, name: str, threads: int) -> tuple[Edges, Cost]:
    def work() -> Edges:
        X = rank_to_normal(problem.X.T).T if name == "linear, ranks" else problem.X
        return learned(X, problem.method_seed, threads, **PLAIN, **MODELS[name])

    return measured(work)


def _program(problem: Problem, given: argparse.Namespace) -> tuple[Edges, Cost]:
    """Run the program of the paper; it says every few steps how far from the truth it is, and never reads that."""
    d = problem.d
    truth = np.zeros((d, d))
    truth[problem.truth] = 1.0
    with tempfile.TemporaryDirectory() as folder:
        data, known, out = (str(Path(folder) / name) for name in ("X.npy", "truth.npy", "found.npz"))
        np.save(data, problem.X)
        np.save(known, truth)
        where = str((given.program / "src").resolve())
        words = [where, data, known, str(given.epochs), str(given.rounds), str(problem.method_seed), out]
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", RUN, *words],
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        with np.load(out) as found:
            return (found["source"], found["target"]), Cost(*found["cost"].tolist())


def _held_out(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield a row for every model: nats an observation and gene, and how far behind the best of all it is."""
    for here, problem in _problems(given):
        config = PLAIN | {"model": "auto", "search": {"perturbations": 0}, "resample": {"resamples": 0}}
        facts = ac.learn(problem.X, threads=given.threads, seed=problem.method_seed, config=config).facts["model"]
        kept = ("log_density", "behind", "standard_error")
        for row in (row for row in facts["compared"] if row["model"] in COMPARED):
            chosen = row["model"] == facts["name"]
            yield {**here, "model": row["model"], "seed": problem.seed, **{k: row[k] for k in kept}, "chosen": chosen}


if __name__ == "__main__":
    main()
