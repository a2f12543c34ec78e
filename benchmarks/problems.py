"""Simulated problems with a known graph, columns dealt out anew.

They come from an independent simulator (``--bench``, a folder with ``simulate.py``) where there is one, else from the
simulator of the package; the protocol is the same. No stream is shared between data, columns and methods.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from acyclome.evaluate.simulate import simulate
from acyclome.evaluate.trial import figures

COLUMNS = 0xC01  # stream of the order of the columns, never that of the data
METHOD = 7000  # added to the seed of the data: a method draws nothing that its data were made of
# Of a gene's variance that its causes explain: bounded, so that variances do not give the order away.
SHARE = (0.3, 0.8)
PACKAGE_GRAPHS = {"ER": "er", "SF-out": "scale-free", "TF": "hub"}


@dataclass(frozen=True)
class Problem:
    """One data set with its truth; gene g is column g of X."""

    name: str
    seed: int
    X: np.ndarray  # (n, d)
    source: np.ndarray  # (m,)
    target: np.ndarray  # (m,)

    @property
    def d(self) -> int:
        """Number of genes."""
        return int(self.X.shape[1])

    @property
    def method_seed(self) -> int:
        """A seed for methods, never that of the data."""
        return METHOD + self.seed

    def standardised(self) -> Problem:
        """Return the same problem with every column centered and in unit variance."""
        Z = (self.X - self.X.mean(axis=0)) / self.X.std(axis=0)
        return Problem(self.name, self.seed, Z, self.source, self.target)

    @property
    def truth(self) -> tuple[np.ndarray, np.ndarray]:
        """The true edges, source and target."""
        return self.source, self.target

    def scores(self, source: np.ndarray, target: np.ndarray) -> dict[str, float | bool]:
        """Score the edges ``source -> target``: F1 three ways, the ceiling of the directed one, and whether acyclic."""
        found = figures(self.truth, (np.asarray(source), np.asarray(target)), self.d, self.seed)
        return {name: value for name, value in found.items() if name not in ("precision", "recall")}


@dataclass(frozen=True)
class Protocol:
    """A way to draw problems: kind of graph, and the options of the draw."""

    name: str
    kind: str
    standardised: bool = True
    parent_share: tuple[float, float] | None = SHARE
    extras: dict[str, Any] = field(default_factory=dict)
    degree: float = 2.0  # edges per gene
    is_of_package: bool = False  # whether the independent simulator cannot draw it

    def draw(self, d: int, n: int, seed: int, bench: Path | None) -> Problem:
        """Draw one problem of ``d`` genes and ``n`` observations, columns permuted."""
        draw = _from_package if bench is None or self.is_of_package else _from_bench(bench)
        X, source, target = draw(self, d, n, seed)
        place = np.random.default_rng([COLUMNS, seed]).permutation(X.shape[1])
        return Problem(self.name, seed, X[:, np.argsort(place)], place[source], place[target])


def find_bench(path: Path) -> Path | None:
    """Return the folder of the independent simulator if it is there."""
    return path if (path / "simulate.py").is_file() else None


def _from_package(protocol: Protocol, d: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    extras: dict[str, Any] = dict(protocol.extras)
    graph = PACKAGE_GRAPHS[protocol.kind]
    drawn = simulate(
        d,
        n,
        graph=graph,
        degree=protocol.degree,
        parent_share=protocol.parent_share,
        standardised=protocol.standardised,
        seed=seed,
        **extras,
    )
    return drawn.X, drawn.source, drawn.target


def _from_bench(bench: Path) -> Callable[[Protocol, int, int, int], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    outside = load(bench / "simulate.py")

    def draw(protocol: Protocol, d: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        share = None if protocol.kind == "TF" else protocol.parent_share
        drawn = outside.simulate(
            d,
            n,
            protocol.degree,
            protocol.kind,
            seed=seed,
            parent_share=share,
            standardised=protocol.standardised,
            **protocol.extras,
        )
        return drawn.X, drawn.edges[:, 0], drawn.edges[:, 1]

    return draw


def load(path: Path) -> Any:
    """Import a module of another folder."""
    name = f"independent_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            msg = f"{path} is no Python file."
            raise ImportError(msg)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
