"""How many links the changes told for knock-outs need: edges of genes alone, and modules with edges beside.

``python -m benchmarks.module_links [--pymodulon WHEEL]``

Edges of a network are dropped in rounds, those first without which what is told of knock-outs changes least beyond what
modules can say. Any description has a link into every gene that is moved, and out of every gene that moves others, so
that the fewest genes that hold a share of the squares bound what it takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import acyclome as ac
from acyclome.core.data.moments import correlate, scale_genes
from acyclome.core.effects.total import responses
from acyclome.core.modules.find import Visible, find_modules, gene_weights
from acyclome.core.modules.knockouts import Knockouts, patterns
from acyclome.core.workers import one_blas_thread
from acyclome.evaluate.modules import simulate_modules
from acyclome.evaluate.simulate import simulate
from benchmarks.networks import known_networks
from benchmarks.report import publish
from benchmarks.tables import options

KEEPS = (0.5, 0.7, 0.9)
ROUNDS = np.arange(0.95, 0.0, -0.05)  # shares of the edges that are left after each
PATHS = ("DREAM5 E. coli", "PRECISE E. coli")
ASKED, OBSERVATIONS, SEED = 200, 500, 21  # modules, as for regulons; of what is drawn, no seed of other tables
SHARE = 3  # targets from which a module of two genes has fewer links than their edges
FIRST = 100  # genes that could each be the one regulator of a module


class Case(NamedTuple):
    """Expression, observations x genes, whose network any gene may act in, or those on a list."""

    name: str
    acts: str
    X: np.ndarray
    genes: list[str]
    regulators: tuple[str, ...] | None


def main() -> None:
    """Measure and write the tables."""
    parser = options(__doc__ or "")
    parser.add_argument("--pymodulon", type=Path, help="wheel of pymodulon, with PRECISE")
    given = parser.parse_args()
    links, left = [], []
    with one_blas_thread():
        for case in cases(given.data, given.pymodulon):
            found = measured(case)
            links += found[0]
            left.append(found[1])
    publish("module-links", links, "python -m benchmarks.module_links --pymodulon WHEEL", given)
    publish("module-left", left, "python -m benchmarks.module_links --pymodulon WHEEL", given)


def cases(data: Path, wheel: Path | None) -> Iterator[Case]:
    """Give networks that go through modules, and such that do not, drawn ones first."""
    drawn = simulate_modules(1000, OBSERVATIONS, n_modules=20, seed=SEED)
    yield Case("modules, drawn", "any gene", drawn.X, drawn.genes, None)
    for graph in ("er", "scale-free"):
        sample = simulate(1000, OBSERVATIONS, graph=graph, degree=2, seed=SEED)
        yield Case(f"{graph}, drawn", "any gene", sample.X, list(sample.genes), None)
    for known in (read() for read in list(known_networks(data, wheel))[:3]):
        if known.name in PATHS:
            X, genes = known.expression.to_numpy(float), list(known.expression.columns)
            yield Case(known.name, "any gene", X, genes, None)
            yield Case(known.name, "regulators", X, genes, known.regulators)


def measured(case: Case) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return a row for every share that is kept, and one of what modules leave."""
    X, scale = case.X, case.X.std(axis=0)
    Z = np.ascontiguousarray(((X - X.mean(axis=0)) / np.maximum(scale, 1e-12)).T)
    data = correlate(scale_genes(lambda a, b: Z[a:b], len(Z), lost=0, threads=1), 1)
    network = ac.learn(X, case.genes, regulators=case.regulators, n_resamples=0, random_state=0, threads=1)
    edges = (network.source, network.target, network.edges["weight"].to_numpy(float))
    knocked = Knockouts(*edges, order=network.order, price=np.zeros(len(Z)))
    modules = find_modules(data.Z, gene_weights(data.Z, scale), ASKED, visible=Visible.none(len(Z)), seed=0)
    T, basis, none = knocked.effects, patterns(modules), np.zeros((len(Z), 0))
    alone, beside = Dropped(knocked, none), Dropped(knocked, basis)
    names = {"data": case.name, "acts": case.acts}
    rows = [
        {
            **names,
            "keeps": keeps,
            "edges": len(edges[0]),
            "knocked": len(T),
            "sources": fewest(np.sum(T**2, axis=1), keeps),
            "targets": fewest(np.sum(T**2, axis=0), keeps),
            "alone": alone.needed(keeps),
            "n_modules": modules.n_modules,
            "loadings": int(np.count_nonzero(modules.loadings)),
            "beside": beside.needed(keeps),
        }
        for keeps in KEEPS
    ]
    return rows, names | {"n_modules": modules.n_modules, **what_is_left(knocked, basis, modules.members.any(axis=1))}


class Dropped:
    """Edges of a network, those that were given up last at the head, as ``basis`` says what others can say of genes."""

    def __init__(self, knocked: Knockouts, basis: np.ndarray) -> None:
        self.knocked, self.basis, self.whole = knocked, basis, float(np.sum(knocked.effects**2))
        kept, gone = np.ones(len(knocked.source), bool), list[np.ndarray]()
        for share in (*ROUNDS, 0.0):
            held = np.flatnonzero(kept)
            line = held[np.argsort(self._cost(kept), kind="stable")]
            gone.append(line[: len(held) - round(share * len(kept))])
            kept[gone[-1]] = False
        self.first = np.concatenate(gone)[::-1]

    def _cost(self, kept: np.ndarray) -> np.ndarray:
        """Return by how much the squares that are missed grow without each edge that is kept.

        Without ``i -> j`` the effects lose ``D = w T_.i T_j.``, exactly, and the squares of what is missed, ``R``, grow
        by ``|D|^2 + 2 <R, D>``, both beyond the basis.
        """
        source, target, weight = (
            part[kept] for part in (self.knocked.source, self.knocked.target, self.knocked.weight)
        )
        ends, at = np.unique(target, return_inverse=True)
        edges, order = (source, target, weight), self.knocked.order
        T = responses(*edges, order=order, genes=self.knocked.genes)
        moved = self._beyond(responses(*edges, order=order, genes=ends))
        squares = np.sum(T**2, axis=0)[source] * np.sum(moved**2, axis=1)[at]
        missed = self._missed(kept) @ moved.T
        cost: np.ndarray = weight**2 * squares + 2.0 * weight * np.sum(T[:, source] * missed[:, at], axis=0)
        return cost

    def _beyond(self, T: np.ndarray) -> np.ndarray:
        return T - (T @ self.basis) @ self.basis.T

    def _missed(self, which: np.ndarray) -> np.ndarray:
        return self._beyond(self.knocked.effects - self.knocked.effects_of(which))

    def kept(self, number: int) -> float:
        """Return the share of the squares that so many edges keep with the basis."""
        which = np.zeros(len(self.first), bool)
        which[self.first[:number]] = True
        return 1.0 - float(np.sum(self._missed(which) ** 2)) / self.whole

    def needed(self, keeps: float) -> int:
        """Return with how few edges a share is kept, by the rounds and by halving between two of them."""
        low = 0
        for share in (0.0, *ROUNDS[::-1], 1.0):
            high = round(share * len(self.first))
            if self.kept(high) >= keeps:
                break
            low = high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.kept(middle) >= keeps else (middle, high)
        return high


def fewest(squares: np.ndarray, keeps: float) -> int:
    """Return how many of the largest hold a share of all."""
    held = np.cumsum(np.sort(squares)[::-1])
    return int(np.searchsorted(held, keeps * held[-1]) + 1)


def what_is_left(knocked: Knockouts, basis: np.ndarray, is_member: np.ndarray) -> dict[str, float]:
    """Return where the squares are that modules leave, and which edges modules could stand for."""
    T, genes, source, target = knocked.effects, knocked.genes, knocked.source, knocked.target
    row = np.full(len(is_member), -1)
    row[genes] = np.arange(len(genes))
    is_direct, told = np.zeros(T.shape, bool), row[source] >= 0
    is_direct[row[source[told]], target[told]] = True
    rest, whole = (T - (T @ basis) @ basis.T) ** 2, float(np.sum(T**2))
    power = np.bincount(source, knocked.weight**2 * (1.0 + np.sum(T**2, axis=0))[source], len(is_member))
    hubs = np.isin(source, np.argsort(-power, kind="stable")[:FIRST])
    missed = float(np.sum((T - knocked.effects_of(hubs)) ** 2))
    pairs = Counter(pair for gene in np.unique(target) for pair in combinations(np.sort(source[target == gene]), 2))
    return {
        "left": float(rest.sum()) / whole,
        "of_no_module": float(rest[~is_member[genes]].sum() / rest.sum()),
        "into_none": float(rest[:, ~is_member].sum() / rest.sum()),
        "direct": float(rest[is_direct].sum() / rest.sum()),
        "pairs": sum(shared >= SHARE for shared in pairs.values()),
        "hundred": 1.0 - missed / whole,
    }


if __name__ == "__main__":
    main()
