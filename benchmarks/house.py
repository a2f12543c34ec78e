"""The house beside others: lengths, parameters, words and arrows of source trees, all measured alike.

``python -m benchmarks.house acyclome=src/acyclome optimistix=PATH ...`` measures each tree, as a wheel has it
(``pip download --no-deps NAME`` and unzip), and writes the table; the version is read beside the tree, ``--split``
names folders whose children are rooms.  Lengths of functions leave their docstring out.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import revision
from benchmarks.report import publish
from benchmarks.rooms import arrows, floors, in_circles, runs_up

Function = ast.FunctionDef | ast.AsyncFunctionDef
KERNELS = re.compile(r"\b(kernel|njit|jit|jitclass|vectorize|guvectorize)\b")  # numba's, and our name for it
PRAGMA = re.compile(r"#\s*(fmt:|type:|noqa|pragma:|pylint:|pyright:|ruff:|!)")  # comments to tools, not to readers
UNFORMATTED = re.compile(r"#\s*fmt:\s*(skip|off)")


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", nargs="+", metavar="NAME=PATH", help="source trees; PATH is the package's folder")
    parser.add_argument("--split", nargs="*", default=["core"], help="folders whose children are rooms")
    parser.add_argument("--no-results", action="store_true", help="print only; leave the runs and the pages alone")
    given = parser.parse_args()
    rows = []
    for word in given.trees:
        name, _, path = word.partition("=")
        rows.append({"tree": name, "version": _version(Path(path)), **measures(Path(path), tuple(given.split))})
    publish("house", rows, "python -m benchmarks.house NAME=PATH ...", given)


def measures(root: Path, split: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return all measures of the source tree of a package."""
    paths = [path for path in sorted(root.rglob("*.py")) if "tests" not in path.relative_to(root).parts]
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    trees = {path: ast.parse(text) for path, text in texts.items()}
    lines = {path: len(text.splitlines()) for path, text in texts.items()}
    total = sum(lines.values())
    docs = sum(_doc_lines(node) for tree in trees.values() for node in ast.walk(tree))
    comments, alone, unformatted = np.sum([_comments(text) for text in texts.values()], axis=0).tolist()
    blank = sum(not line.strip() for text in texts.values() for line in text.splitlines())
    code = total - docs - alone - blank
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    graph = arrows(root, split)
    return {
        "files": len(texts),
        "lines": total,
        "code lines": code,
        **_spread("lines a file", (count for path, count in lines.items() if path.stem != "__init__")),
        **_functions([node for node in nodes if isinstance(node, Function)]),
        "docstring lines, % of all": 100 * docs / total,
        "comments per 100 code lines": 100 * comments / code,
        "classes": sum(isinstance(node, ast.ClassDef) for node in nodes),
        "public names": sum(1 for tree in trees.values() for _ in _public(tree)),
        "isinstance per 1,000 code lines": 1000 * sum(map(_is_instance_test, nodes)) / code,
        "is None per 1,000 code lines": 1000 * sum(map(_is_none_test, nodes)) / code,
        "fmt: skip or off": unformatted,
        "files in the root": len(list(root.glob("*.py"))),
        "rooms": len(graph),
        "floors": floors(graph),
        "arrows": graph.number_of_edges(),
        "arrows that run up": runs_up(graph),
        "rooms in circles": in_circles(graph),
    }


def _functions(functions: list[Function]) -> dict[str, Any]:
    """Measure functions; those that numba compiles count apart, its arguments have no names to call them by."""
    plain = [node for node in functions if not any(KERNELS.search(ast.unparse(d)) for d in node.decorator_list)]
    lengths = [_length(node) for node in functions]
    counts = [len(_parameters(node)) for node in plain]
    positional = [len(_parameters(node)) - len(node.args.kwonlyargs) for node in plain]
    arguments = [argument for node in plain for argument in _parameters(node)]
    said = [lines for node in functions if (lines := _doc_lines(node))]
    return {
        "functions": len(functions),
        "kernels among them": len(functions) - len(plain),
        **_spread("lines a function", lengths),
        "over 25 lines, %": _share(length > 25 for length in lengths),
        "with a docstring, %": 100 * len(said) / len(functions),
        "lines of a docstring, median": float(np.median(said)),
        **_spread("parameters", counts),
        "parameters, mean": float(np.mean(counts)),
        "seven or more parameters, %": _share(count >= 7 for count in counts),
        "four or more positional, %": _share(count >= 4 for count in positional),
        "the same, kernels too, %": _share(len(_parameters(f)) - len(f.args.kwonlyargs) >= 4 for f in functions),
        "parameters by keyword only, %": 100 * (1 - sum(positional) / sum(counts)),
        "parameters annotated, %": _share(argument.annotation is not None for argument in arguments),
    }


def _spread(name: str, values: Iterable[int]) -> dict[str, float]:
    found = np.asarray(list(values))
    return {
        f"{name}, median": float(np.median(found)),
        f"{name}, p90": float(np.percentile(found, 90, method="nearest")),
        f"{name}, max": int(found.max()),
    }


def _share(answers: Iterable[bool]) -> float:
    return 100 * float(np.mean(list(answers)))


def _parameters(node: Function) -> list[ast.arg]:
    """Return the parameters that a caller gives: all but self and cls, and what takes in any number."""
    found = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return found[1:] if found and found[0].arg in ("self", "cls") else found


def _length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1 - _doc_lines(node)


def _doc_lines(node: ast.AST) -> int:
    if not isinstance(node, Function | ast.ClassDef | ast.Module) or ast.get_docstring(node, clean=False) is None:
        return 0
    first = node.body[0]
    return (first.end_lineno or first.lineno) - first.lineno + 1


def _comments(text: str) -> tuple[int, int, int]:
    """Count comments to readers, lines that hold a comment and nothing else, and switches of the formatter."""
    found = [token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == tokenize.COMMENT]
    alone = sum(token.line.lstrip().startswith("#") for token in found)
    said = sum(PRAGMA.match(token.string) is None for token in found)
    return said, alone, sum(UNFORMATTED.match(token.string) is not None for token in found)


def _public(tree: ast.Module) -> Iterator[str]:
    """Yield the functions and classes at the head of a module whose name has no underscore."""
    found = (node.name for node in tree.body if isinstance(node, Function | ast.ClassDef))
    return (name for name in found if not name.startswith("_"))


def _is_instance_test(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance"


def _is_none_test(node: ast.AST) -> bool:
    if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Is | ast.IsNot):
        return False
    return isinstance(node.comparators[0], ast.Constant) and node.comparators[0].value is None


def _version(root: Path) -> str:
    """Return the version of the wheel that holds the tree, or the commit of ours."""
    wheels = [
        path.stem.partition("-")[2] for path in root.parent.glob("*.dist-info") if path.name.startswith(root.name)
    ]
    return wheels[0] if wheels else revision(root)


if __name__ == "__main__":
    main()
