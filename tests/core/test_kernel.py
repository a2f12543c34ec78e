"""A kernel is compiled again when what it is compiled from changes, in whatever file, and only then."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.warm import Warm

import acyclome.core.kernel

CALL = """
import sys
from acyclome.core.outer import outer
print(outer(1.0), sum(outer.stats.cache_hits.values()))
"""
HEAD = "from acyclome.core.kernel import kernel\n"
INNER = "STEP = {step}\n\n@kernel\ndef inner(x):\n    return x + STEP\n"
MIDDLE = "from acyclome.core.inner import inner\n\n@kernel(fastmath=True)\ndef middle(x):\n    return 2.0 * inner(x)\n"
OUTER = "from acyclome.core.middle import middle\n\n@kernel\ndef outer(x):\n    return later(x)\n\n"
LATER = "@kernel\ndef later(x):\n    return middle(x)\n"
warmed: list[Warm] = []
NUMBERS = [29 * k % 101 for k in range(100)]
WANTED = {"sort": sorted(NUMBERS), "argsort": sorted(range(100), key=lambda k: NUMBERS[k])}


@pytest.fixture
def core(tmp_path: Path) -> Path:
    """Folder of a package whose kernels lie in three files, each of which calls into the one before."""
    core = tmp_path / "acyclome" / "core"
    core.mkdir(parents=True)
    for folder in (core, core.parent):
        (folder / "__init__.py").write_text('"""Package."""\n')
    shutil.copy(acyclome.core.kernel.__file__, core)
    for name, text in {"inner": INNER.format(step=1.0), "middle": MIDDLE, "outer": OUTER + LATER, "aside": ""}.items():
        (core / f"{name}.py").write_text(HEAD + text)
    return core


@pytest.fixture(scope="module", autouse=True)
def warm() -> Iterator[None]:
    """Processes begin with numba loaded, which has no kernels and has looked for its folder of them nowhere."""
    compiles = "numba.njit('i8(i8)')(lambda x: x)"  # which loads what types and lowers functions
    with Warm(f"import os; os.environ['NUMBA_CACHE_DIR'] = ''; import numba; {compiles}") as found:
        warmed.append(found)
        yield
        warmed.clear()


def python(core: Path, code: str, **environment: str) -> str:
    """Run code in a fresh process and return what it prints."""
    given = {**os.environ, "PYTHONPATH": str(core.parents[1]), **environment}
    answer = warmed[0].run(["-c", code], core, given)
    assert answer.code == 0, answer.text
    return answer.text


def call(core: Path, **environment: str) -> tuple[float, int]:
    """Call the kernel; return what it gives and how often it came from the cache."""
    value, hits = python(core, CALL, **environment).split()
    return float(value), int(hits)


def alone(core: Path, *names: str) -> list[int]:
    """Call some kernels in one process; return what the last one gives."""
    lines = [f"from acyclome.core.{name} import {name} as found; out = found(x.copy())" for name in names]
    code = "; ".join(["import numpy as np", f"x = np.array({NUMBERS})", *lines, "print(out.tolist())"])
    found: list[int] = json.loads(python(core, code))
    return found


def test_a_change_in_the_file_of_what_it_calls_is_seen(core):
    assert call(core) == (4.0, 0)
    (core / "inner.py").write_text(HEAD + INNER.format(step=2.0))
    assert call(core) == (6.0, 0)


def test_nothing_is_compiled_again_without_a_change_that_concerns_it(core):
    assert call(core) == (4.0, 0)
    (core / "aside.py").write_text("THIS = 1\n")
    os.utime(core / "inner.py", (1, 1))
    assert call(core) == (4.0, 1)


def test_kernels_that_were_compiled_in_several_processes_call_their_own_functions(core):
    """numba numbers functions by process, and by these numbers code from disk finds what it calls."""
    helpers = "".join(f"@kernel\ndef {name}(x):\n    return x\n\n" for name in "abc")  # then both have one number
    for name, start, inner in (("sort", "", "x"), ("argsort", helpers, "a(b(c(x)))")):
        text = f"import numpy as np\n{HEAD}\n{start}@kernel\ndef {name}(x):\n    return np.{name}({inner})\n"
        (core / f"{name}.py").write_text(text)
        assert alone(core, name) == WANTED[name]
    assert alone(core, "sort", "argsort") == WANTED["argsort"]
    assert alone(core, "argsort", "sort") == WANTED["sort"]


def test_signatures_compiled_at_once_do_not_take_one_another_for_theirs(core):
    """Of two processes that know of no index one may write it last, and the other its code."""
    code = (
        "from pathlib import Path\n"
        "from acyclome.core.inner import inner as one, kernel\n"
        "two, three = kernel(one.py_func), kernel(one.py_func)\n"
        "one(2.5)\n"
        "index = Path(one._cache._cache_file._index_path)\n"
        "written = index.read_bytes()\n"
        "index.unlink()\n"
        "two(2)\n"
        "index.write_bytes(written)\n"
        "print(three(2.5), sum(three.stats.cache_hits.values()))\n"
    )
    assert python(core, code).split() == ["3.5", "1"]


def test_a_folder_that_cannot_be_written_has_its_cache_elsewhere(core, tmp_path):
    (core / "__pycache__").write_text("no folder")
    elsewhere = {"XDG_CACHE_HOME": str(tmp_path / "home")}
    assert call(core, **elsewhere) == (4.0, 0)
    assert call(core, **elsewhere) == (4.0, 1)
    assert list((tmp_path / "home").rglob("*.nbi"))


def test_where_no_folder_takes_a_cache_kernels_are_compiled_all_the_same(core, tmp_path):
    (core / "__pycache__").write_text("in the way, as of a package that another user has installed")
    (tmp_path / "file").write_text("in the way, as of a user without a home")
    nowhere = str(tmp_path / "file" / "home")
    homes = ("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "LOCALAPPDATA")
    assert call(core, **dict.fromkeys(homes, nowhere)) == (4.0, 0)


def test_what_lies_on_disk_for_a_class_that_has_gone_is_no_hindrance(core):
    (core / "inner.py").write_text(HEAD + INNER.format(step=1.0))
    text = (
        "from typing import NamedTuple\n\nclass {name}(NamedTuple):\n    x: float\n\n"
        "@kernel\ndef of(one):\n    return one.x\n\ndef outer(x):\n    return of({name}(x))\n\nouter.stats = of.stats\n"
    )
    for name in ("Before", "After"):
        (core / "outer.py").write_text(HEAD + text.format(name=name))
        assert call(core) == (1.0, 0)


def test_constants_and_entries_of_arrays_are_numbers_as_all_others(core):
    """numba has a type for each of them, and would compile a kernel as often as it is called in another way."""
    text = (
        "import numpy as np\n\n@kernel\ndef of(n, is_it):\n    return n if is_it else 0\n\n"
        "@kernel\ndef calls(x, n, is_it):\n"
        "    return of(1, True) + of(x[1], is_it) + of(n, False) + of(n=n, is_it=True)\n"
    )
    (core / "outer.py").write_text(HEAD + text)
    code = "from acyclome.core.outer import *; print(calls(np.arange(3, dtype=np.int32), 3, True), len(of.overloads))"
    assert python(core, code).split() == ["5", "1"]


def test_code_from_disk_is_taken_without_what_numba_compiles_with_and_more_can_be_compiled_after_it(core):
    text = "import numpy as np\n\n@kernel\ndef of(n):\n    return np.sort(np.arange(n)[::-1])\n"
    (core / "outer.py").write_text(HEAD + text)
    loaded = "print(*(name in sys.modules for name in ('numba.np.linalg', 'numba.typed.typeddict')))"
    given = {**os.environ, "PYTHONPATH": str(core.parents[1])}  # of a process of its own, in which nothing is loaded
    for is_compiling, later in (("True True", "2.0"), ("False False", "np.float32(2)")):
        code = f"import sys; from acyclome.core.outer import *; x = of(3); {loaded}; print(x, of({later}))"
        answer = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True)
        assert answer.stdout.splitlines() == [is_compiling, "[0 1 2] [0. 1.]"]


def test_garbage_is_not_looked_for_while_kernels_are_compiled_and_is_again_afterwards(core):
    code = (
        "import gc\n"
        "from acyclome.core.outer import outer\n"
        "looks = []\n"
        "gc.callbacks.append(lambda phase, _: looks.append(phase))\n"
        "outer(1.0)\n"
        "print(len(looks) < 10, gc.isenabled())\n"
        "gc.disable()\n"
        "outer(1)\n"
        "print(gc.isenabled())\n"
    )
    assert python(core, code).split() == ["True", "True", "False"]
