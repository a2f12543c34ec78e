"""Fixtures for all tests: shared data, a network that no test may change, small problems and what float64 says."""

import gc
import shutil
import signal
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import settings

from acyclome.core import engine
from acyclome.core.backend import ThreadBackend
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.data.moments import Moments, correlate, scale_genes
from acyclome.core.data.problem import Problem
from acyclome.core.data.standardized import Standardized
from acyclome.core.order_search.gram_blocks import ScoreSettings, build_blocks
from acyclome.network import Network
from acyclome.network.build import build_network

SHARED_DATA = Path(__file__).parents[1] / ".." / "shared" / "data"
TOY_GENES = ("SPI1", "CEBPA", "LYZ", "GATA1", "HBB")

# The longest test begins first, and beside it, while its jobs compile the kernels, what needs hardly any; then files of
# many seconds, of which none may be the last.
FIRST = (
    *("workflow/test_run", "workflow", "test_architecture", "report", "io", "test_wrong_inputs"),
    *("io/test_lock", "workflow/test_slurm", "pipeline/test_dask", "models/test_constraints", "test_benchmarks"),
    *("pipeline/test_model_selection", "core/relaxation/test_decide", "test_fuzz", "knowledge/test_ways_in"),
)

# Shells start what a script puts into the background with Ctrl-C ignored, and what tests start would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("acyclome", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("acyclome")


gc.set_threshold(50_000)  # as in a process of the command line


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of every later look for garbage: it stays to the end."""
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort files by what of :data:`FIRST` names them most fully; the rest follows from both ends of the list inwards.

    Neighbours call the same kernels: two processes that had them at once would both compile them.
    """

    def name(item: pytest.Item) -> str:
        return item.path.relative_to(Path(__file__).parent).as_posix()

    files = dict.fromkeys(map(name, items))
    named = [file for file in files if file.startswith(FIRST)]
    named.sort(key=lambda file: FIRST.index(max(filter(file.startswith, FIRST), key=len)))
    rest = [file for file in files if file not in named]
    inwards = [file for ends in zip(rest, reversed(rest), strict=True) for file in ends]  # each twice, the first counts
    place = {file: at for at, file in enumerate(dict.fromkeys([*named, *inwards]))}
    items.sort(key=lambda item: place[name(item)])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the public data sets used in tests."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the shared data sets (../shared/data) are not on this machine")
    return SHARED_DATA


@pytest.fixture(scope="session")
def slurm() -> None:
    """Skip a test where no cluster of SLURM answers, such as the one on a machine of docs/cluster.md."""
    if shutil.which("sbatch") is None:
        pytest.skip("there is no SLURM on this machine (sbatch)")
    if subprocess.run(["sinfo"], capture_output=True, timeout=30, check=False).returncode:
        pytest.skip("no controller of SLURM answers (sinfo)")


@pytest.fixture(scope="session")
def toy_network() -> Network:
    """CEBPA -> SPI1 -> LYZ <- CEBPA and GATA1 -> HBB, in the order GATA1 CEBPA SPI1 HBB LYZ; arrays are read-only."""
    edges = {
        "source": np.array([1, 0, 1, 3]),
        "target": np.array([0, 2, 2, 4]),
        "weight": np.array([0.5, 0.8, -0.25, 0.1]),
        "stability": np.array([0.6, 0.95, 0.55, 0.9]),
        "direction": np.array([0.5, 1.0, 0.75, 0.8]),
        "score": np.array([0.55, 0.9, 0.5, 0.9]),
        "reversal_loss": np.array([0.0, 7.5, 3.0, 0.25]),
        "reversible": np.array([True, False, False, True]),
    }
    nodes = {
        "order": np.array([3, 1, 0, 4, 2]),
        "r2": np.array([0.25, 0.5, 0.6, 0.0, 0.01]),
        "noise_scale": np.array([0.9, 1.0, 0.6, 1.0, 0.99]),
        "is_regulator": np.array([True, True, False, True, False]),
    }
    ranking = (
        np.array([0, 1, 0, 1, 3, 2]),
        np.array([1, 0, 2, 2, 4, 0]),
        np.array([0.4, 0.5, 0.9, 0.3, 0.8, 0.0]),
    )
    for array in (*edges.values(), *nodes.values(), *ranking):
        array.flags.writeable = False
    facts = {"seed": 7, "n": None, "warnings": ["a", {"b": [1.5]}]}
    return build_network(TOY_GENES, edges, nodes, ranking=ranking, facts=facts)


def freeze(*arrays):
    """Make arrays read-only and return them."""
    for array in arrays:
        array.flags.writeable = False
    return arrays if len(arrays) > 1 else arrays[0]


def draw_linear(seed, d, n, degree=1.5):
    """Draw ``(X (n, d), W)`` of a random linear DAG in no order of columns, Gaussian noise of unit variance."""
    rng = np.random.default_rng([2024, seed])
    order = rng.permutation(d)
    W = np.zeros((d, d))
    for k in range(1, d):
        for i in order[:k][rng.random(k) < degree / (d - 1) * 2]:
            W[i, order[k]] = rng.uniform(0.5, 1.0) * rng.choice([-1, 1])
    noise = rng.standard_normal((n, d))
    return freeze(np.linalg.solve((np.eye(d) - W).T, noise.T).T.copy(), W)


def draw_correlations(seed, d, factors=4, noise=0.3):
    """Draw a correlation matrix of genes that share hidden factors, and so stand in for each other; float32."""
    rng = np.random.default_rng([2025, seed])
    L = rng.standard_normal((d, factors))
    S = L @ L.T + noise * np.diag(rng.uniform(0.2, 1.0, d))
    scale = np.sqrt(np.diag(S))
    return freeze((S / scale / scale[:, None]).astype(np.float32))


def all_pairs(d):
    """Return the candidate set of all ordered pairs of ``d`` genes."""
    return Candidates.from_pairs(*np.nonzero(~np.eye(d, dtype=bool)), d)


def make_blocks(R, candidates, n, gamma=1.0, variance=None):
    """Build pools for ``n`` observations, every gene allowed as a source."""
    d = candidates.n_genes
    one, none = np.ones(d), Interventions.none(n_obs=0, n_genes=d)
    nothing, zero = np.empty((d, 0), np.float32), np.zeros(d)
    held = Moments(Standardized.of(nothing), R, zero, one, zero, float(n), none, one, lambda a, b: nothing[a:b])
    score = ScoreSettings(variance is not None, gamma, 0)
    return build_blocks(problem_of(held), candidates, score=score, variance=variance)


def moments_of(X, **options):
    """Moments of an observations x genes matrix."""
    return correlate(scale_genes(lambda a, b: X.T[a:b], X.shape[1], **options), 1)


def problem_of(data, constraints=None, *, sources=None, threads=1, backend=None, **options):
    """Return the problem of an observations x genes matrix, or of moments; nothing is known of edges by default."""
    data = data if isinstance(data, Moments) else moments_of(data, threads=threads, **options)
    sources = np.ones(data.n_genes, bool) if sources is None else sources
    return Problem(data, constraints or Constraints.of_sources(sources), backend or ThreadBackend(threads))


def learn_dag(problem, settings, seed=3):
    """Take the way through the core: return the DAG, the final candidates, the start and the relaxation."""
    candidates = engine.screen(problem, settings)
    start, relaxation = engine.relax(problem, candidates, settings, seed=seed)
    dag, final = engine.search(problem, candidates, start, settings=settings, seed=seed)
    return dag, final, start, relaxation


def rest_of(R, j, given):
    """Variance of gene ``j`` left by the genes ``given``, from the float64 normal equations."""
    given = list(given)
    R = np.asarray(R, float)
    return 1.0 - (R[j, given] @ np.linalg.solve(R[np.ix_(given, given)], R[given, j]) if given else 0.0)


def score_of(R, parents, n, gamma=1.0, variance=None):
    """Extended BIC of a DAG, given as a list of parents per gene, in float64."""
    d = len(parents)
    penalty = 0.5 * np.log(n) + gamma * np.log(d - 1)
    rest = np.array([rest_of(R, j, parents[j]) for j in range(d)])
    fit = np.log(rest) if variance is None else variance * rest
    return float(n / 2 * fit.sum() + penalty * sum(map(len, parents)))


def parents_of(dag):
    """Return the parents of every gene as lists."""
    return [dag.source[dag.target == j].tolist() for j in range(len(dag.order))]


@pytest.fixture(scope="session")
def lab():
    """Return the builders and float64 references of this page."""
    return SimpleNamespace(
        draw_linear=draw_linear,
        draw_correlations=draw_correlations,
        all_pairs=all_pairs,
        make_blocks=make_blocks,
        moments_of=moments_of,
        problem_of=problem_of,
        learn_dag=learn_dag,
        rest_of=rest_of,
        score_of=score_of,
        parents_of=parents_of,
        freeze=freeze,
        settled=ScoreSettings(equal_noise=False, gamma=1.0, rounds=0),
    )
