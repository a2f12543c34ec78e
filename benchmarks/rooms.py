"""Who imports whom in a source tree: its rooms, the arrows between them, and those that run up or in a circle.

A room is a module or folder right below the package; of a folder that itself holds only rooms (``--split core``) its
children are; folders called ``tests`` are none.  The front door, the package's own ``__init__``, is a room on top of
all.  Imports inside functions count, those under TYPE_CHECKING do not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import networkx as nx

FRONT = "(front door)"
EXACT = 14  # rooms in a circle up to which all their orders are compared: 2^14 sets of rooms take a second


def arrows(root: Path, split: tuple[str, ...] = ()) -> nx.DiGraph:
    """Return the rooms of a package as a graph, an arrow from each room to those that it imports."""
    paths = [path for path in sorted(root.rglob("*.py")) if "tests" not in path.relative_to(root).parts]
    known = {_name(root, path): path for path in paths}
    graph: nx.DiGraph = nx.DiGraph()
    for name, path in known.items():
        here = _room(name, split)
        graph.add_node(here)
        package = name if path.stem == "__init__" else name.rpartition(".")[0]
        for full in _imports(ast.parse(path.read_text(encoding="utf-8")), root.name, package):
            there = _room(next(part for part in _stems(full) if part in known), split)
            if there != here:
                graph.add_edge(here, there)
    return graph


def runs_up(graph: nx.DiGraph) -> int:
    """Count the arrows that no order of the rooms spares: at least these run up (in large circles: at most)."""
    circles = (graph.subgraph(part) for part in nx.strongly_connected_components(graph) if len(part) > 1)
    return sum(_fewest_back(part) for part in circles)


def floors(graph: nx.DiGraph) -> int:
    """Count the floors: the rooms on the longest way down, rooms in a circle on the same one."""
    return int(nx.dag_longest_path_length(nx.condensation(graph))) + 1


def in_circles(graph: nx.DiGraph) -> int:
    """Count the rooms from which imports lead back to them."""
    return sum(len(part) for part in nx.strongly_connected_components(graph) if len(part) > 1)


def _fewest_back(circle: nx.DiGraph) -> int:
    nodes = list(circle)
    if len(nodes) > EXACT:
        return _greedy_back(circle)
    out = [sum(1 << nodes.index(end) for end in circle.successors(node)) for node in nodes]

    @cache
    def fewest(placed: int) -> int:
        """Place all other rooms above those placed; a room looks up at what is not placed yet."""
        open_rooms = [k for k in range(len(nodes)) if not placed >> k & 1]
        return min(
            ((out[k] & ~placed & ~(1 << k)).bit_count() + fewest(placed | 1 << k) for k in open_rooms), default=0
        )

    return fewest(0)


def _greedy_back(circle: nx.DiGraph) -> int:
    """Place the room first that has most arrows in for its arrows out, as Eades, Lin and Smyth (1993) do."""
    left, back = circle.copy(), 0
    while left:
        node = min(left, key=lambda name: (left.out_degree(name) - left.in_degree(name), str(name)))
        back += left.out_degree(node)
        left.remove_node(node)
    return back


def _name(root: Path, path: Path) -> str:
    parts = (root.name, *path.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _stems(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:length]) for length in range(len(parts), 0, -1))


def _room(name: str, split: tuple[str, ...]) -> str:
    parts = name.split(".")[1:]
    return ".".join(parts[: 2 if parts and parts[0] in split else 1]) or FRONT


def _imports(tree: ast.AST, top: str, package: str) -> Iterator[str]:
    """Yield the full name of everything of the package that is imported when the code runs."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from (name for branch in node.orelse for name in _imports(branch, top, package))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == top)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            source = ".".join(part for part in (base, node.module) if part)
            yield from (f"{source}.{alias.name}" for alias in node.names if source.split(".")[0] == top)
        else:
            yield from _imports(node, top, package)
