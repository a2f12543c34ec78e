"""Published implementations of nonlinear models, called with the settings of their authors' examples.

They run on one thread and are ended after processor seconds, so that what else the machine does decides nothing.
NO-BEARS, the polynomial one, is not among them: it needs TensorFlow 1, which no current Python runs.
"""

from __future__ import annotations

import contextlib
import io
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from acyclome.evaluate.peers import PEERS, Peer
from acyclome.evaluate.trial import DONE
from benchmarks.measure import Cost, measured
from benchmarks.problems import Problem

Edges = tuple[np.ndarray, np.ndarray]
HIDDEN, SINES = 10, 10  # units of a gene's network; terms of a curve
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


class _OverError(Exception):
    """The processor seconds are used up."""


def published_rows(name: str, problems: list[Problem], limit: float) -> Iterator[dict[str, Any]]:
    """Run the implementation of this name in `PUBLISHED`, if it is installed; see :func:`rows_within`."""
    peer = PUBLISHED[name]
    if peer.is_installed:
        return rows_within(partial(_seeded, peer), problems, limit)
    return iter([{"seed": problems[0].seed, "status": f"not installed: {peer.install}"}])


def rows_within(work: Callable[[Problem], Edges], problems: list[Problem], limit: float) -> Iterator[dict[str, Any]]:
    """Run a method on the same kind of problem with one seed after the other, in a process of its own each time.

    Parameters
    ----------
    limit
        Processor seconds for all; a further seed is begun while there is time for one like the last.

    Yields
    ------
    ``seed``, ``status``, the F1 scores and the cost of a run; of one that was ended, the cost until then.
    """
    left, last = limit, 0.0
    for problem in problems:
        if last > left:
            return
        edges, cost = measured(partial(_within, left, partial(work, problem)))
        scores = {} if edges is None else problem.scores(*edges)
        status = f"ended at {left:.0f} s" if edges is None else DONE
        yield {"seed": problem.seed, "status": status, **scores, **cost.row()}
        left, last = left - cost.cpu, cost.cpu


def _seeded(peer: Peer, problem: Problem) -> Edges:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(problem.method_seed)
    with contextlib.redirect_stdout(io.StringIO()):
        return peer.edges(problem.X)


def _within(limit: float, work: Callable[[], Any]) -> Any:
    """Call ``work``; return None once it has used ``limit`` processor seconds."""

    def stop(*_: object) -> None:
        raise _OverError

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        return work()
    except _OverError:
        return None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _dagma_mlp(X: np.ndarray) -> np.ndarray:
    from dagma.nonlinear import DagmaMLP, DagmaNonlinear

    model = DagmaMLP(dims=[X.shape[1], HIDDEN, 1], bias=True)
    return DagmaNonlinear(model).fit(X, lambda1=0.02, lambda2=0.005)


def _notears_mlp(X: np.ndarray) -> np.ndarray:
    from notears.nonlinear import NotearsMLP

    return _notears(lambda d: NotearsMLP(dims=[d, HIDDEN, 1], bias=True), X)


def _notears_sobolev(X: np.ndarray) -> np.ndarray:
    from notears import nonlinear

    nonlinear.d = X.shape[1]  # NotearsSobolev.h_func reads this name, which the module never binds
    return _notears(lambda d: nonlinear.NotearsSobolev(d, SINES), X)


def _notears(model: Callable[[int], Any], X: np.ndarray) -> np.ndarray:
    import torch
    from notears.nonlinear import notears_nonlinear

    torch.set_default_dtype(torch.double)
    return notears_nonlinear(model(X.shape[1]), X, lambda1=0.01, lambda2=0.01)


PUBLISHED = {
    "NOTEARS-Sobolev": Peer("notears.nonlinear", PEERS["NOTEARS"].install, _notears_sobolev),
    "NOTEARS-MLP": Peer("notears.nonlinear", PEERS["NOTEARS"].install, _notears_mlp),
    "DAGMA-MLP": Peer("dagma.nonlinear", PEERS["DAGMA"].install, _dagma_mlp),
}


def run_sdcd(problem: Problem, python: str) -> tuple[Edges, Cost]:
    """Run SDCD with its defaults in the environment of that ``python``; return its edges and the cost."""
    with tempfile.TemporaryDirectory() as folder:
        data, result = Path(folder) / "X.npy", Path(folder) / "result.npz"
        np.save(data, problem.X.astype(np.float32))
        subprocess.run(
            [python, "-c", SDCD, str(data), str(problem.method_seed), str(result)],
            check=True,
            cwd=folder,
            env={"OMP_NUM_THREADS": "1", "WANDB_MODE": "disabled"},
        )
        with np.load(result) as found:
            return (found["source"], found["target"]), Cost(*found["cost"].tolist())
