"""Programs of papers, run as their authors left them: in a process of their own, on one thread, for so many seconds.

A program is a clone of its repository in the folder ``--clones`` (names below), or a package of the interpreter
``--python``.  What a program lacks here is put in for it, and said at its words.  NO-BEARS needs TensorFlow 1 and CAM
needs R: neither is here.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from acyclome.evaluate.cost import Cost
from acyclome.evaluate.trial import DONE

BEFORE = """
import contextlib, io, resource, sys, time, types, warnings
import numpy as np
warnings.simplefilter("ignore")
folder, data, seed, out = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
X = np.load(data)
np.random.seed(seed)
try:
    import torch
    torch.set_num_threads(1); torch.manual_seed(seed)
except ImportError:
    pass
began, used = time.perf_counter(), time.process_time()
"""
AFTER = """
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
np.savez(out, A=np.asarray(A) != 0, cost=[time.perf_counter() - began, time.process_time() - used, peak])
"""
NOTEARS = """
sys.path.insert(0, folder + "/notears")
from notears.linear import notears_linear
A = notears_linear(X - X.mean(0), lambda1=0.1, loss_type="l2")
"""
NOTEARS_MLP = """
sys.path.insert(0, folder + "/notears")
torch.set_default_dtype(torch.double)
from notears.nonlinear import NotearsMLP, notears_nonlinear
A = notears_nonlinear(NotearsMLP(dims=[X.shape[1], 10, 1], bias=True), X, lambda1=0.01, lambda2=0.01)
"""
# It says every few steps how far from the truth it is, and never reads that.
DAG_GNN = """
import runpy
import networkx as nx
sys.path.insert(0, folder + "/DAG-GNN/src")
import utils
def load_data(args, batch_size=1000, suffix="", debug=False):
    T = torch.as_tensor(X)[:, :, None]
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(T, T), batch_size=100)
    return loader, loader, loader, nx.DiGraph(np.zeros((X.shape[1],) * 2))
utils.load_data = load_data
sys.argv = ["train.py", "--data_variable_size", str(X.shape[1]), "--seed", str(seed)]
A = runpy.run_path(folder + "/DAG-GNN/src/train.py", run_name="__main__")["best_ELBO_graph"]
"""
# cdt, which counts errors against the truth that nobody gives it, and pictures are put in as empty names.  Its last
# step, pruning by CAM, is a program in R: the caller prunes.
GRAN_DAG = """
import tempfile
sys.path.insert(0, folder + "/GraN-DAG")
np.float = float
empty = lambda *words, **options: (0, 0, 0)
cdt = types.ModuleType("cdt")
cdt.metrics = types.SimpleNamespace(SID=lambda **_: 0, SHD_CPDAG=lambda **_: 0, retrieve_adjacency_matrix=None)
held = {"cdt": cdt, "cdt.utils": types.ModuleType("cdt.utils"), "cdt.utils.R": types.ModuleType("cdt.utils.R")}
held["cdt.utils.R"].RPackages = held["cdt.utils.R"].launch_R_script = None
plot = types.ModuleType("gran_dag.plot")
for name in ("weighted_adjacency", "adjacency", "learning_curves", "learning_curves_retrain"):
    setattr(plot, "plot_" + name, empty)
measures = types.ModuleType("gran_dag.utils.metrics")
measures.edge_errors, measures.shd = empty, lambda *_: 0
sys.modules.update(held | {"gran_dag.plot": plot, "gran_dag.utils.metrics": measures})
from gran_dag.models.learnables import LearnableModel_NonLinGaussANM
from gran_dag.train import pns, to_dag, train
torch.set_default_dtype(torch.double)
torch.set_default_tensor_type("torch.DoubleTensor")
class Part:
    def __init__(self, rows):
        self.dataset = torch.as_tensor((rows - X.mean(0)) / X.std(0))
        self.num_samples, self.adjacency = len(rows), torch.zeros(X.shape[1], X.shape[1])
        self.random = np.random.RandomState(seed)
    def sample(self, size):
        return self.dataset[self.random.choice(self.num_samples, int(size), replace=False)], None
line, cut = np.random.RandomState(seed).permutation(len(X)), int(0.8 * len(X))
first, rest = Part(X[line[:cut]]), Part(X[line[cut:]])
opt = types.SimpleNamespace(
    exp_path=tempfile.mkdtemp(), num_vars=X.shape[1], optimizer="rmsprop", lr=1e-3, lr_reinit=1e-3,
    num_train_iter=10**5, train_batch_size=64, no_w_adjs_log=True, mu_init=1e-3, lambda_init=0.0, omega_lambda=1e-4,
    omega_mu=0.9, h_threshold=1e-8, stop_crit_win=100, edge_clamp_range=1e-4, plot_freq=10**9, jac_thresh=True)
model = LearnableModel_NonLinGaussANM(X.shape[1], 2, 10, nonlin="leaky-relu", norm_prod="paths", square_prod=False)
quiet = lambda **_: None
if X.shape[1] >= 50:
    pns(model, first, rest, X.shape[1], 0.75, opt.exp_path, quiet, None)
model = train(model, None, first, rest, opt, quiet, None)
A = to_dag(model, first, rest, opt, quiet, None).adjacency.numpy()
"""
CLASSICAL = """
from causallearn.search.{module} import {name}
{call}
"""
JOINED = "A = (G != 0) & (G.T != 0) & (G != 1)"  # a line from i to j that may point there: an arrowhead is G[j, i] = 1
PC = CLASSICAL.format(
    module="ConstraintBased.PC",
    name="pc",
    call=f'G = pc(X, alpha=0.01, indep_test="fisherz", show_progress=False).G.graph\n{JOINED}',
)
GES = CLASSICAL.format(
    module="ScoreBased.GES", name="ges", call=f'G = ges(X, score_func="local_score_BIC")["G"].graph\n{JOINED}'
)
LINGAM = CLASSICAL.format(
    module="FCMBased.lingam",
    name="DirectLiNGAM",
    call="model = DirectLiNGAM(); model.fit(X)\nA = model.adjacency_matrix_.T",
)
PROGRAMS = {
    "NOTEARS": NOTEARS,
    "NOTEARS-MLP": NOTEARS_MLP,
    "DAG-GNN": DAG_GNN,
    "GraN-DAG": GRAN_DAG,
    "LiNGAM": LINGAM,
    "PC": PC,
    "GES": GES,
}


class Place(NamedTuple):
    """Where programs are: an interpreter that has what they import, and the folder of their clones."""

    python: Path
    clones: Path


class Answer(NamedTuple):
    """What a program said: ``A[i, j]`` where an edge from i to j may be, None where it was ended; cost, and status."""

    A: np.ndarray | None
    cost: Cost
    status: str


def run_program(name: str, X: np.ndarray, seed: int, *, place: Place, limit: int) -> Answer:
    """Run a program on ``X (n, d)``; it is ended after so many processor seconds."""
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "X.npy", Path(folder) / "A.npz"
        np.save(data, np.ascontiguousarray(X, dtype=float))
        code = f"{BEFORE}with contextlib.redirect_stdout(io.StringIO()):\n{_inside(PROGRAMS[name])}{AFTER}"
        words = [str(place.clones.resolve()), str(data), str(seed), str(out)]
        ended = subprocess.run(
            ["bash", "-c", f'ulimit -t {limit}; exec "$@"', "program", str(place.python), "-c", code, *words],
            cwd=folder,
            env={"OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin", "TMPDIR": folder},
            capture_output=True,
            text=True,
            check=False,
        )
        if out.exists():
            with np.load(out) as found:
                return Answer(found["A"], Cost(*found["cost"].tolist()), DONE)
        said = (ended.stderr.strip().splitlines() or [""])[-1]
        status = f"ended at {limit} s" if ended.returncode < 0 else f"failed: {said[:60]}"
        return Answer(None, Cost(np.nan, float(limit) if ended.returncode < 0 else np.nan, np.nan), status)


def _inside(code: str) -> str:
    return "".join(f"    {line}\n" for line in code.strip("\n").splitlines())
