"""Random mutants of core and models, and whether the tests of their rooms notice them.

``python tests/mutation.py --seed 0 --mutants 100``: no part of ``make test``.  A mutant is one small change of the
source, drawn from all that the syntax allows.  The tests of the room (the folder of tests that mirrors that of the
source) run against it in a copy of the tree, then those of the rooms above, then those elsewhere that import the file,
until one fails.  What is found is kept in ``--log``, so that a run that was ended goes on.  Survivors are judged in
``tests/mutants.md``: all other tests may still know them.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("core", "models")
COMPARED = {  # the limit moved to the other side, and the contrary
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
}
COMPUTED = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Pow: "*", ast.Mod: "*"}
SMALL = 8  # whole numbers from here are sizes and limits, of which one more would change little
SLACK, FACTOR = 300.0, 8.0  # seconds, and times the tests without a mutant: all kernels may have to be compiled anew


@dataclass(frozen=True)
class Mutant:
    """One change: ``before`` is replaced by ``after`` at bytes ``start`` to ``end`` of a file."""

    path: str
    line: int
    kind: str
    start: int
    end: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}  {self.kind}  {self.before}  ->  {self.after}"


class Sites(ast.NodeVisitor):
    """Collect the mutants of one file; what only annotates, decorates, documents or words an error is left alone."""

    def __init__(self, path: Path, text: bytes) -> None:
        self.path, self.text, self.found = path.relative_to(ROOT).as_posix(), text, list[Mutant]()
        self.starts = [0]
        for line in text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.visit(ast.parse(text))

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Return the bytes of a node."""
        end = self.starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        return self.starts[node.lineno - 1] + node.col_offset, end

    def add(self, node: ast.expr | ast.stmt, kind: str, after: str) -> None:
        """Add a mutant that replaces a node."""
        start, end = self.span(node)
        before = " ".join(self.text[start:end].decode().split())
        self.found.append(Mutant(self.path, node.lineno, kind, start, end, before, after))

    def source(self, node: ast.expr) -> str:
        """Return the text of a node, in brackets."""
        start, end = self.span(node)
        return f"({self.text[start:end].decode()})"

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.visit(default)
        for statement in node.body:
            self.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if not any(ast.unparse(base).startswith("Protocol") for base in node.bases):
            for statement in node.body:
                self.visit(statement)

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) != "TYPE_CHECKING":
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        if ast.unparse(node.targets[0]) in ("msg", "__all__"):
            return
        if not isinstance(node.targets[0], ast.Name | ast.Tuple):
            self.add(node, "removed statement", "pass")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.add(node, "removed statement", "pass")
        if type(node.op) in COMPUTED:
            target = ast.unparse(node.target)
            self.add(node, "arithmetic", f"{target} {COMPUTED[type(node.op)]}= {ast.unparse(node.value)}")
        self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self.add(node, "removed statement", "pass")
            self.generic_visit(node)

    def remove(self, node: ast.stmt) -> None:
        """Add a mutant without a statement."""
        self.add(node, "removed statement", "pass")

    visit_Raise = visit_Break = visit_Continue = remove

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            self.add(node, "return", "return None")
            self.visit(node.value)

    def visit_Compare(self, node: ast.Compare) -> None:
        if len(node.ops) == 1:
            for word in COMPARED[type(node.ops[0])]:
                self.add(node, "comparison", f"{self.source(node.left)} {word} {self.source(node.comparators[0])}")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if type(node.op) in COMPUTED and not (_is_text(node.left) or _is_text(node.right)):
            word = COMPUTED[type(node.op)]
            self.add(node, "arithmetic", f"{self.source(node.left)} {word} {self.source(node.right)}")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        word = " or " if isinstance(node.op, ast.And) else " and "
        self.add(node, "boolean", f"({word.join(self.source(part) for part in node.values)})")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.Invert | ast.USub):
            self.add(node, "boolean" if not isinstance(node.op, ast.USub) else "arithmetic", self.source(node.operand))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self.add(node, "constant", str(not value))
        elif isinstance(value, int):
            self.add(node, "constant", str(value + 1 if value < SMALL else 2 * value))
        elif isinstance(value, float):
            self.add(node, "constant", repr(2.0 * value if value else 1.0))

    def visit_Slice(self, node: ast.Slice) -> None:
        for side in filter(None, (node.lower, node.upper)):
            self.add(side, "off by one", f"{self.source(side)} + 1")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id == "range":
            stop = node.args[min(len(node.args), 2) - 1]
            self.add(stop, "off by one", f"{self.source(stop)} - 1")
        for part in [*node.args, *(keyword.value for keyword in node.keywords)]:
            self.visit(part)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Words."""


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def every_mutant() -> list[Mutant]:
    """Return all mutants of core and models."""
    files = [path for room in ROOMS for path in sorted((ROOT / "src/acyclome" / room).rglob("*.py"))]
    return [mutant for path in files for mutant in Sites(path, path.read_bytes()).found]


def rooms_of(path: str) -> Iterator[list[str]]:
    """Yield the test file of a source file, those of its room and of each room above, and others that name the file."""
    tests, own = ROOT / "tests", Path(path).relative_to("src/acyclome")
    named = re.compile(rf"acyclome\.{'.'.join(own.parent.parts)}(\.| import .*\b){own.stem}\b")
    stages = [[tests / own.parent / f"test_{own.stem}.py"]]
    stages += [sorted((tests / room).glob("test_*.py")) for room in list(own.parents)[:-1]]
    stages += [[file for file in sorted(tests.rglob("test_*.py")) if named.search(file.read_text(encoding="utf-8"))]]
    seen = set[Path]()
    for stage in stages:
        if files := [file for file in stage if file.is_file() and file not in seen]:
            seen.update(files)
            yield [file.relative_to(ROOT).as_posix() for file in files]


def tests_fail(tree: Path, names: list[str], limit: float | None) -> tuple[bool | None, str]:
    """Say whether a test fails in a tree, None where they do not end, and what was printed."""
    environment = os.environ | {"PYTHONPATH": str(tree / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *names]
    with subprocess.Popen(
        command, cwd=tree, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            said, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None, ""
    if process.returncode > 2 and process.returncode != 139:
        sys.exit(f"pytest ended with {process.returncode}:\n{said.decode()}")
    return process.returncode != 0, said.decode()


def copied(target: Path) -> Path:
    """Copy the tree, with the kernels that lie compiled beside their sources, and return the copy."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    kernels = [path.relative_to(ROOT).as_posix() for path in (ROOT / "src").rglob("__pycache__/*.nb?")]
    for name in [*filter(None, names), *kernels]:
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


class Bench:
    """Where mutants are tried: a copy of the tree that stays as it is, linked anew for each mutant."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clean = folder, copied(folder / "clean")
        self.seconds: dict[tuple[str, ...], float] = {}

    def limit(self, names: list[str]) -> float:
        """Return the seconds that tests may take with a mutant; without one they have to pass."""
        key = tuple(names)
        if key not in self.seconds:
            began = time.monotonic()
            fails, said = tests_fail(self.clean, names, None)
            if fails:
                sys.exit(f"Without any mutant a test fails:\n{said}")
            self.seconds[key] = time.monotonic() - began
        return FACTOR * self.seconds[key] + SLACK

    def result(self, mutant: Mutant) -> str:
        """Try one mutant: killed, timeout or survived."""
        tree = self.folder / "mutated"
        shutil.copytree(self.clean, tree, copy_function=os.link)
        try:
            path = tree / mutant.path
            text = path.read_bytes()
            path.unlink()  # a link: the clean file stays
            path.write_bytes(text[: mutant.start] + mutant.after.encode() + text[mutant.end :])
            for names in rooms_of(mutant.path):
                fails, _ = tests_fail(tree, names, self.limit(names))
                if fails is not False:
                    return "killed" if fails else "timeout"
            return "survived"
        finally:
            shutil.rmtree(tree)


def main() -> int:
    """Try the mutants that the seed draws, those in the log excepted; say how many were killed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mutants", type=int, default=100)
    parser.add_argument("--log", type=Path, default=ROOT / ".mutation.jsonl", help="what is known of mutants already")
    words = parser.parse_args()
    drawn = random.Random(words.seed).sample(every_mutant(), words.mutants)
    lines = words.log.read_text(encoding="utf-8").splitlines() if words.log.exists() else []
    known = {line["mutant"]: line["result"] for line in map(json.loads, lines)}
    counts = {"killed": 0, "timeout": 0, "survived": 0}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, words.log.open("a", encoding="utf-8") as log:
        bench = Bench(Path(folder))
        for number, mutant in enumerate(drawn, 1):
            if str(mutant) not in known:
                known[str(mutant)] = bench.result(mutant)
                log.write(json.dumps({"mutant": str(mutant), "result": known[str(mutant)]} | asdict(mutant)) + "\n")
                log.flush()
            counts[known[str(mutant)]] += 1
            sys.stdout.write(f"{number:3d}  {known[str(mutant)]:8s}  {mutant}\n")
            sys.stdout.flush()
    noticed = counts["killed"] + counts["timeout"]
    sys.stdout.write(f"{noticed} of {len(drawn)} noticed ({counts['timeout']} did not end), {counts['survived']} not\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
