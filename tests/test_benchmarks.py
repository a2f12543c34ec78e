"""The measurements start, and the core and its kernels need no more than torch, numpy, scipy and numba."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.warm import Warm

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = sorted(
    path.stem for path in (ROOT / "benchmarks").glob("*.py") if 'if __name__ == "__main__":' in path.read_text("utf-8")
)
# What torch, scipy and numba bring along is allowed; what else the package needs is not there.
BARE = """
import importlib, importlib.machinery, pkgutil, sys

MISSING = {"anndata", "dask", "distributed", "h5py", "igraph", "matplotlib", "pandas", "pyarrow", "pydantic", "rich",
           "scanpy", "sklearn", "snakemake", "threadpoolctl", "yaml", "zarr"}

class Bare:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] not in MISSING:
            return importlib.machinery.PathFinder.find_spec(name, path, target)

sys.meta_path = [Bare if finder is importlib.machinery.PathFinder else finder for finder in sys.meta_path]
import acyclome.core
for module in pkgutil.walk_packages(acyclome.core.__path__, "acyclome.core."):
    importlib.import_module(module.name)
print("CORE", len([name for name in sys.modules if name.startswith("acyclome.core.")]))
sys.argv = ["gpu", *"--device cpu --d 8 --genes 10 --n 40 --batch 2 5 --check 8 --ceiling 64".split()]
from benchmarks import gpu
gpu.MIN_SECONDS = 0.01
sys.exit(gpu.main())
"""


ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def python():
    """Run code in a process of its own, in which what all measurements import is there."""
    with Warm("import pandas, scipy.stats, torch, acyclome; from acyclome import pl, pp, tl; import anndata") as warm:
        yield lambda code: warm.run(["-c", code], ROOT, ENVIRONMENT)


def test_the_core_and_the_kernels_of_a_gpu_run_on_a_bare_machine():
    words = [sys.executable, "-c", BARE]
    answer = subprocess.run(words, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=600, check=False)
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert int(next(line for line in lines if line.startswith("CORE")).split()[1]) > 20
    about, *kernels = [json.loads(line) for line in lines if line.startswith("{")]
    assert about["matmul_tflops"] > 0
    assert about["bandwidth_gb_s"] > 0
    assert len(kernels) >= 18
    assert all(kernel["is_right"] and kernel["seconds"] > 0 for kernel in kernels)


def test_the_pages_of_results_are_what_the_runs_say():
    from benchmarks.report import ELSEWHERE, HEADLINE, PAGES, pages

    written = pages()
    old = [path.name for path, page in written.items() if path.read_text(encoding="utf-8") != page]
    assert old == [], "run: python -m benchmarks.report"
    assert {*ELSEWHERE.values(), *PAGES.glob("*.md")} == set(written)
    rows = [line for line in written[HEADLINE].splitlines() if line.startswith("| [")]
    assert 0 < len(rows) <= 20


def test_every_table_of_runs_is_on_a_page():
    from benchmarks.report import STAMPS, TEMPLATES
    from benchmarks.summaries import summary_of
    from benchmarks.tables import RESULTS

    words = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.md"))
    shown = {summary_of(name).runs or name for name in re.findall(r'table\("([^"]+)"\)', words)}
    assert {path.stem for path in RESULTS.glob("*.tsv")} - {STAMPS.stem} == shown


def test_the_measures_of_a_house_are_those_of_a_small_tree(tmp_path):
    from benchmarks.house import measures

    tree = tmp_path / "toy"
    (tree / "cellar").mkdir(parents=True)
    (tree / "__init__.py").write_text("")
    (tree / "cellar" / "__init__.py").write_text("from ..roof import top\n")
    (tree / "roof.py").write_text(
        "from toy import cellar  # a reason\n"
        "@kernel\ndef fast(a, b, c, d, e): pass  # fmt: skip\n"
        'def top(a: int, *, b=None) -> int:\n    """Say."""\n    return a if b is None else b\n'
    )
    found = measures(tree)
    assert (found["files"], found["lines"], found["code lines"]) == (3, 7, 6)
    assert (found["functions"], found["kernels among them"], found["lines a function, max"]) == (2, 1, 2)
    assert (found["parameters, max"], found["parameters by keyword only, %"], found["parameters annotated, %"]) == (
        2,
        50,
        50,
    )
    assert (found["four or more positional, %"], found["the same, kernels too, %"]) == (0, 50)
    assert found["comments per 100 code lines"] == pytest.approx(100 / 6)
    assert (found["fmt: skip or off"], found["public names"]) == (1, 2)
    assert (found["rooms"], found["arrows"], found["arrows that run up"], found["rooms in circles"]) == (3, 2, 1, 2)


def test_the_intervention_distance_counts_pairs_whose_effect_the_parents_do_not_tell():
    from benchmarks.intervention_distance import intervention_distance

    def graph(d, *edges):
        A = np.zeros((d, d), bool)
        A[tuple(zip(*edges, strict=True))] = True
        return A

    # As in Peters and Buehlmann (2015): an edge more is no error, one that is turned or missing is.
    truth = graph(5, (0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4))
    more, turned = truth.copy(), truth.copy()
    more[2, 3] = turned[1, 0] = True
    turned[0, 1] = False
    assert intervention_distance(truth, truth) == 0
    assert intervention_distance(truth, more) == 0
    assert intervention_distance(truth, turned) == 8
    chain = graph(3, (0, 1), (1, 2))
    assert intervention_distance(chain, np.zeros((3, 3), bool)) == 3
    assert intervention_distance(graph(3, (0, 2), (1, 2)), graph(3, (2, 0))) == 4  # 0 to 1, too: a collider is held


def test_every_measurement_has_help(python):
    code = (
        "import contextlib, importlib, io, sys\n"
        f"for name in {COMMANDS}:\n"
        "    sys.argv = [name, '--help']\n"
        "    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):\n"
        "        importlib.import_module(f'benchmarks.{name}').main()\n"
        "    assert '--seeds' in said.getvalue() or name in ('gpu', 'report', 'house'), name\n"
    )
    answer = python(code)
    assert answer.code == 0, answer.text
    page = (ROOT / "benchmarks/README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"python -m benchmarks.{name}" not in page] == []


def test_prior_knowledge_holds_in_random_cases_and_what_contradicts_it_is_named(python):
    code = (
        "from benchmarks.knowledge import CONTRADICTIONS, random_case\n"
        "cases = [random_case(number) for number in range(20)]\n"
        "assert sum(case['broken'] for case in cases) == 0\n"
        "assert all(case['contradictions named'] == len(CONTRADICTIONS) for case in cases)\n"
        "assert min(sum(case[kind] for case in cases) for kind in ('forbidden', 'required', 'signs', 'tiers')) > 6\n"
    )
    answer = python(code)
    assert answer.code == 0, answer.text


@pytest.mark.parametrize("sizes", [1, 2])
def test_a_projection_goes_on_from_what_was_measured(python, sizes):
    code = (
        "import pandas as pd\n"
        "from benchmarks.scaling_figure import projection\n"
        f"found = pd.Series([2.0, 16.0 * 2.0][-{sizes}:], index=[100, 200][-{sizes}:])\n"
        "further = projection(found, 400.0)\n"
        f"power = {4.0 if sizes == 2 else 3.0}\n"
        "assert abs(further.iloc[0] - 32.0) < 1e-9 and abs(further.iloc[-1] / 32.0 - 2.0**power) < 1e-9\n"
        "assert projection(found, 200.0) is None\n"
    )
    answer = python(code)
    assert answer.code == 0, answer.text


def test_a_method_is_ended_at_its_processor_seconds_and_no_further_seed_begun(python):
    code = (
        "import itertools\n"
        "import numpy as np\n"
        "from benchmarks.problems import Problem\n"
        "from benchmarks.published import rows_within\n"
        "edge = np.array([0]), np.array([1])\n"
        "problems = [Problem('', seed, np.eye(2), *edge) for seed in (1, 2, 3)]\n"
        "endless = lambda problem: edge if problem.seed == 1 else next(k for k in itertools.count() if k < 0)\n"
        "done, ended = rows_within(endless, problems, 0.3)\n"
        "assert done['status'] == 'done' and done['directed'] == 1\n"
        "assert ended['status'].startswith('ended') and 'directed' not in ended and ended['cpu_seconds'] < 2\n"
    )
    answer = python(code)
    assert answer.code == 0, answer.text


def test_a_compendium_is_read_from_its_wheel_and_a_missing_one_is_said_to_be_missing(python, tmp_path):
    wheel, folder = tmp_path / "pymodulon.whl", "pymodulon/data/ecoli"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{folder}/log_tpm.csv", ",s1,s2\nb1,1,2\nb2,3,4\nb3,5,7\n")
        archive.writestr(f"{folder}/gene_table.csv", ",gene_name\nb1,araC\nb2,thrA\nb3,thrB\n")
        archive.writestr(f"{folder}/trn.csv", "regulator,gene_id,effect\nAraC,b2,+\nAraC,b1,-\nnac,b3,+\nAraC,b9,+\n")
    code = (
        "from pathlib import Path\n"
        "from benchmarks.networks import known_networks, precise\n"
        f"known = precise(Path({str(wheel)!r}))\n"
        "assert known.expression.shape == (2, 3) and known.regulators == ('b1',)\n"
        "assert known.truth.to_numpy().tolist() == [['b1', 'b2']]\n"  # no self loop, nothing that is not measured
        "assert len(list(known_networks(Path(), None))) + 2 == len(list(known_networks(Path(), Path('x.whl'))))\n"
    )
    answer = python(code)
    assert answer.code == 0, answer.text
    assert "pip download --no-deps pymodulon" in answer.text


def test_of_a_ranking_the_first_pairs_are_judged_and_its_area_as_a_multiple_of_that_of_chance(python):
    code = (
        "import numpy as np, pandas as pd\n"
        "from acyclome.evaluate.ranking import scored_universe\n"
        "from benchmarks.real import judged\n"
        "truth = pd.DataFrame({'source': ['a', 'a'], 'target': ['b', 'c']})\n"
        "universe = scored_universe(truth, ['a', 'b', 'c', 'd'])\n"  # six pairs, two of them true
        "s, t, score = np.array([0, 0, 1]), np.array([1, 2, 0]), np.array([3.0, 2.0, 1.0])\n"
        "right, wrong = judged(universe, s, t, score), judged(universe, s[2:], t[2:], score[2:])\n"
        "assert abs(right['over_chance'] - 3.0) < 1e-9 and abs(right['first_1000'] - 2 / 3) < 1e-9\n"
        "assert wrong['first_1000'] == 0.0 and wrong['over_chance'] < right['over_chance']\n"
    )
    answer = python(code)
    assert answer.code == 0, answer.text


def test_kinetics_settle_where_their_equations_do_and_a_target_that_is_knocked_down_makes_a_share(python, tmp_path):
    (tmp_path / "sergio").mkdir()
    (tmp_path / "sergio/DS1_Interaction_cID_4.txt").write_text("1,1,0,40,2\n2,1,1,-40,2\n")
    (tmp_path / "sergio/DS1_Regs_cID_4.txt").write_text("0" + ",80" * 9 + "\n")
    code = (
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from benchmarks.sergio import screen\n"
        f"cells, acted = screen(Path({str(tmp_path)!r}), 'DS1', cells=900, controls=900, left=0.3, seed=1)\n"
        "first, second, third = *cells.source, cells.target[1]\n"
        "parts = [cells.X[acted == one] for one in (-1, first, second)]\n"
        "means = [[part[:, j].mean() for j in (first, second, third)] for part in parts]\n"
        "h = lambda x, half: x**2 / (half**2 + x**2)\n"
        "made = lambda a, b: (80 * a / 0.8, 40 * b * h(a, 1.0) / 0.8)\n"
        "for (a, b), found in zip(((1, 1), (0.3, 1), (1, 0.3)), means):\n"
        "    one, two = made(a, b)\n"
        "    assert np.allclose(found, [one, two, 40 * (1 - h(two, 25.0)) / 0.8], rtol=0.06), (a, b, found)\n"
    )
    answer = python(code)
    assert answer.code == 0, answer.text


def test_rows_of_programs_that_are_not_run_again_stand_with_their_systems():
    import pandas as pd
    from benchmarks.family import _with_programs

    before = [{"system": name, "road": "program", "shd": 1} for name in ("NOTEARS", "PC")]
    before.append({"system": "NOTEARS", "road": "search", "shd": 2})
    new = [{"system": name, "road": "search", "shd": 3} for name in ("NOTEARS", "CAM")]
    found = [(row["system"], row["road"], row["shd"]) for row in _with_programs(new, pd.DataFrame(before))]
    assert found == [("NOTEARS", "program", 1), ("NOTEARS", "search", 3), ("PC", "program", 1), ("CAM", "search", 3)]


def test_the_edge_that_is_dropped_first_is_that_without_which_least_is_missed(python):
    code = (
        "import numpy as np\n"
        "from acyclome.core.modules.knockouts import Knockouts\n"
        "from benchmarks.module_links import Dropped\n"
        "rng = np.random.default_rng(0)\n"
        "source, target = np.nonzero(np.triu(rng.random((12, 12)) < 0.3, 1))\n"
        "weight = rng.normal(size=len(source))\n"
        "knocked = Knockouts(source, target, weight, order=np.arange(12), price=np.zeros(12))\n"
        "dropped = Dropped(knocked, np.linalg.qr(rng.normal(size=(12, 2)))[0])\n"
        "kept = rng.random(len(source)) < 0.7\n"
        "before = np.sum(dropped._missed(kept) ** 2)\n"
        "without = [kept & (np.arange(len(kept)) != edge) for edge in np.flatnonzero(kept)]\n"
        "grows = [np.sum(dropped._missed(rest) ** 2) - before for rest in without]\n"
        "np.testing.assert_allclose(dropped._cost(kept), grows, atol=1e-12)\n"
        "number = dropped.needed(0.9)\n"
        "assert dropped.kept(number - 1) < 0.9 <= dropped.kept(number)\n"
    )
    answer = python(code)
    assert answer.code == 0, answer.text
