"""Nonlinear mechanisms: models of curves beside the linear one, the sort-and-regress baselines, and SDCD where it is.

``python -m benchmarks.nonlinear [--d 20] [--mechanisms mlp gp-add] [--models linear spline] [--sdcd PYTHON]``; the data
are those of the independent simulator, which alone has nonlinear mechanisms. ``--sdcd`` names the Python of an
environment with the package ``sdcd``; it runs there with its defaults.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from acyclome.evaluate.baselines import sort_and_regress
from benchmarks.measure import Cost, learned, measured
from benchmarks.problems import Problem, Protocol, find_bench
from benchmarks.tables import means, options, publish

Method = Callable[[Problem], tuple[tuple[np.ndarray, np.ndarray], Cost]]
MECHANISMS = ("mlp", "gp-add", "gp-rff", "mim")
MODELS = ("linear", "polynomial", "sobolev", "spline", "mlp")
SORTS = {"rising R2": "r2", "falling R2": "r2-falling", "random order": "random"}
SDCD = """
import resource, sys, time
import numpy as np, pandas as pd, torch
torch.set_num_threads(1)
from sdcd.models import SDCD
from sdcd.utils import create_intervention_dataset
X = np.load(sys.argv[1])
np.random.seed(int(sys.argv[2])); torch.manual_seed(int(sys.argv[2]))
frame = pd.DataFrame(X, columns=[str(k) for k in range(X.shape[1])])
frame["perturbation_label"] = "obs"
data = create_intervention_dataset(frame, perturbation_colname="perturbation_label")
began, used = time.perf_counter(), time.process_time()
model = SDCD()
model.train(data)
A = np.asarray(model.get_adjacency_matrix(threshold=True))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
np.savez(sys.argv[3], source=A.nonzero()[0], target=A.nonzero()[1],
         cost=[time.perf_counter() - began, time.process_time() - used, peak])
"""


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", d=20, n=1000)
    parser.add_argument("--mechanisms", nargs="+", default=list(MECHANISMS), help="mechanisms of the simulator")
    parser.add_argument("--models", nargs="+", default=list(MODELS),
                        help="structural models; sobolev:indices sets what its curves are of")  # fmt: skip
    parser.add_argument("--table", default="", help="name of the table in RESULTS.md; empty: by what is measured")
    parser.add_argument("--sdcd", default="", help="Python of an environment with sdcd; empty: leave it out")
    parser.add_argument("--methods", nargs="+", default=[], help="only these of the methods; empty: all")
    parser.add_argument("--guided", action="store_true", help="measure the start from NOTEARS-MLP too")
    parser.add_argument("--still", action="store_true", help="measure the climb without shaking too")
    given = parser.parse_args()
    bench = find_bench(given.bench)
    _warm_up(given.models)
    chosen = {name: method for name, method in _methods(given).items() if name in given.methods or not given.methods}
    rows = []
    for mechanism in given.mechanisms:
        protocol = Protocol(mechanism, "ER", parent_share=None, extras={"mechanism": mechanism})
        for seed in given.seeds:
            problem = protocol.draw(given.d, given.n, seed, bench)
            for name, method in chosen.items():
                (source, target), cost = method(problem)
                scores = problem.scores(source, target)
                kept = {key: scores[key] for key in ("skeleton", "directed")}
                row = {"mechanism": mechanism, "genes": given.d, "method": name, "seed": seed, **kept, **cost.row()}
                rows.append(row)
    table = means(rows, ("mechanism", "genes", "method"))
    name = "nonlinear-sdcd" if given.sdcd else "nonlinear-guided" if given.guided else f"nonlinear-{given.d}"
    words = [
        f"--d {given.d}",
        "--mechanisms",
        *given.mechanisms,
        *(["--models", *given.models] if given.models != list(MODELS) else []),
        *(["--methods", *given.methods] if given.methods else []),
    ]
    publish(given.table or name, rows, table, f"python -m benchmarks.nonlinear {' '.join(words)}", given)


def _methods(given: argparse.Namespace) -> dict[str, Method]:
    """Return what is measured, by name: each takes a problem, gives edges and their cost."""
    ours = {model: _options(model) for model in given.models}
    if given.still:
        ours |= {f"{model}, not shaken": _options(model) | {"score": {"restarts": 0}} for model in given.models}
    if given.guided:
        ours["mlp, guided, not shaken"] = {"model": "mlp", "mlp": {"guided": True}, "score": {"restarts": 0}}
        ours["mlp, guided"] = {"model": "mlp", "mlp": {"guided": True}}
    found = {
        name: lambda p, config=config: measured(lambda: learned(p.X, p.method_seed, given.threads, **config))
        for name, config in ours.items()
    }
    found |= {name: partial(_sorted, key=key) for name, key in SORTS.items()}
    return found | ({"SDCD": partial(_sdcd, python=given.sdcd)} if given.sdcd else {})


def _options(model: str) -> dict[str, Any]:
    """Return the options that ``model`` or ``model:of`` names."""
    name, _, of = model.partition(":")
    return {"model": name} | ({"curves": {"of": of}} if of else {})


def _sorted(problem: Problem, key: str) -> tuple[tuple[np.ndarray, np.ndarray], Cost]:
    stream = list(SORTS.values()).index(key)
    rng = np.random.default_rng([stream, problem.method_seed])
    graph, cost = measured(lambda: sort_and_regress(problem.X, key, rng=rng))
    return (graph.source, graph.target), cost


def _sdcd(problem: Problem, python: str) -> tuple[tuple[np.ndarray, np.ndarray], Cost]:
    with tempfile.TemporaryDirectory() as folder:
        data, result = Path(folder) / "X.npy", Path(folder) / "result.npz"
        np.save(data, problem.X.astype(np.float32))
        subprocess.run([python, "-c", SDCD, str(data), str(problem.method_seed), str(result)], check=True, cwd=folder,
                       env={"OMP_NUM_THREADS": "1", "WANDB_MODE": "disabled"})  # fmt: skip
        with np.load(result) as found:
            return (found["source"], found["target"]), Cost(*found["cost"].tolist())


def _warm_up(models: list[str]) -> None:
    X = np.random.default_rng(3).standard_normal((200, 12))
    for model in models:
        learned(X, 1, 1, **_options(model))


if __name__ == "__main__":
    main()
