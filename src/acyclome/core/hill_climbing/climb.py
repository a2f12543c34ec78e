"""Hill climbing over DAGs on a local score: add, drop and turn edges until none of it helps.

The score is a sum over genes, so the gain of adding or dropping an edge concerns its target alone, and turning an edge
is a drop and an addition.  Moves far apart are made in one round; within reach of one another the best goes first.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from acyclome.core.contract import LocalScore
from acyclome.core.data.candidates import Candidates, distinct
from acyclome.core.data.constraints import REQUIRED, Constraints
from acyclome.core.data.index_maps import inverse
from acyclome.core.graph.reach import Parents, is_ancestor, parents_of, sort_genes
from acyclome.core.hill_climbing.score import ScoreCache
from acyclome.core.workers import run_blocks

TOLERANCE = 1e-6  # nats a move has to gain: above the rounding of scores of thousands, below the worth of any edge
MAX_PARENTS = 16  # of a gene; with as many, each fit takes tens of times that of three
MAX_ROUNDS = 10_000  # never reached, since every round lowers the score
FIRST, LAST = 1, 2  # where a gene is pinned: without parents, or without children
ADD, DROP, TURN = 0, 1, 2  # moves


class Snapshot(NamedTuple):
    """What is known of a gene: which candidate edges are selected and what changing each would gain, and its score."""

    selected: np.ndarray
    gain: np.ndarray
    total: float


@dataclass
class HillClimbing:
    """Hill climbing under way: parents of every gene, gains of every candidate edge, and what was scored before.

    ``shortlist`` most promising candidates of a gene are scored as additions; ``start``, ``(d,)`` a permutation of the
    genes, decides between orders of one graph.  Required edges are never dropped nor turned; other constraints are the
    business of candidates and score.
    """

    score: LocalScore
    candidates: Candidates
    shortlist: int
    start: np.ndarray
    constraints: Constraints
    threads: int = 1
    graph: Parents = field(init=False)
    gain: np.ndarray = field(init=False)
    selected: np.ndarray = field(init=False)
    total: np.ndarray = field(init=False)
    mirror: np.ndarray = field(init=False)
    target: np.ndarray = field(init=False)
    required: np.ndarray = field(init=False)
    pinned: np.ndarray = field(init=False)
    cache: ScoreCache = field(init=False)
    position: np.ndarray | None = field(init=False, default=None)
    past: dict[int, Snapshot] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        d = self.candidates.n_genes
        self.target = self.candidates.target
        self.mirror = self.candidates.find(self.target, self.candidates.parent)
        self.required = (self.constraints.on(self.candidates)["kind"] & REQUIRED) > 0
        self.gain = np.full(self.candidates.n_edges, -np.inf)
        self.selected = np.zeros(self.candidates.n_edges, dtype=bool)
        self.total, self.pinned = np.zeros(d), np.zeros(d, dtype=np.int8)
        self.cache = ScoreCache(self.score, d)

    def parents(self, j: int) -> np.ndarray:
        """Parents of gene ``j``, rising, ``(p,)``."""
        chosen: np.ndarray = self.candidates.parent[self.edges_into(j)]
        return chosen

    def with_selected(self, candidates: Candidates) -> Candidates:
        """Return the candidates and the edges of the graph."""
        source = np.concatenate([candidates.parent, self.candidates.parent[self.selected]])
        target = np.concatenate([candidates.target, self.target[self.selected]])
        return Candidates.from_pairs(source, target, candidates.n_genes)

    def moved_to(self, candidates: Candidates) -> HillClimbing:
        """Return the same graph among other candidates, which have to include its edges; scores are kept."""
        new = replace(self, candidates=candidates)
        new.cache = self.cache.for_other_candidates()
        selected = np.zeros(candidates.n_edges, dtype=bool)
        at = candidates.find(self.candidates.parent[self.selected], self.target[self.selected])
        if (at < 0).any():
            msg = f"Of the graph {int((at < 0).sum())} are no candidates; expected all of its edges, see with_selected."
            raise ValueError(msg)
        selected[at] = True
        new.begin(selected)
        return new

    def begin(self, selected: np.ndarray) -> None:
        """Begin with the acyclic graph of the candidate edges ``selected``, required ones among them."""
        self.selected[:] = selected
        d, source, target = self.candidates.n_genes, self.candidates.parent[selected], self.target[selected]
        most = max(MAX_PARENTS, int(np.bincount(target, minlength=1).max()))  # more may be required
        self.graph = parents_of(source, target, n_genes=d, most=most)
        self._rescore(range(d))

    def run_along(self, order: np.ndarray) -> None:
        """Make moves until none helps, with edges that point forward in ``order``, ``(d,)``, alone."""
        self.position = inverse(order)
        self.run_to_optimum()
        self.position = None

    def run_to_optimum(self, near: set[int] | None = None) -> None:
        """Make moves until none helps; with ``near``, moves into or out of these genes and of those that changed."""
        for _ in range(MAX_ROUNDS):
            touched = self._round(near)
            if not touched:
                return
            self._rescore(sorted(touched))
            if near is not None:
                near |= touched

    def copy(self) -> HillClimbing:
        """Return one at the same point, which moves on its own; scores are shared."""
        new = copy(self)
        new.selected, new.gain = self.selected.copy(), self.gain.copy()
        new.total, new.pinned = self.total.copy(), self.pinned.copy()
        new.graph = self.graph.copy()
        return new

    def uproot(self, edges: np.ndarray, j: int) -> None:
        """Drop ``edges``, and score gene ``j`` and their targets anew.

        A target whose other parents may not be without the one it lost, by a sign, keeps the required ones alone.
        """
        genes = {j, *self.target[edges].tolist()}
        self._remember(genes)
        self._drop(edges)
        self._rescore(sorted(genes))
        if barred := [k for k in sorted(genes) if np.isinf(self.total[k])]:
            into = np.concatenate([self.edges_into(k) for k in barred])
            self._drop(into[~self.required[into]])
            self._rescore(barred)

    def _drop(self, edges: np.ndarray) -> None:
        self.selected[edges] = False
        for e in edges:
            self.graph.remove(int(self.candidates.parent[e]), int(self.target[e]))

    def snapshot(self, j: int) -> Snapshot:
        into = self._edges(j)
        return Snapshot(self.selected[into].copy(), self.gain[into].copy(), float(self.total[j]))

    def put(self, snapshots: dict[int, Snapshot]) -> None:
        """Give genes the parents that they have in ``snapshots``."""
        for j, snapshot in snapshots.items():
            into = self._edges(j)
            self.selected[into], self.gain[into], self.total[j] = snapshot
            self.graph.replace(j, self.parents(j))

    def _remember(self, genes: Iterable[int]) -> None:
        """Keep genes as they are, unless they are kept already or nobody wants to go back."""
        if self.past is not None:
            self.past |= {j: self.snapshot(j) for j in genes if j not in self.past}

    def _round(self, near: set[int] | None = None) -> set[int]:
        """Make the best moves of this round; return the genes whose parents changed."""
        edges = np.arange(self.candidates.n_edges) if near is None else self._around(near)
        gain, kind = self._moves(edges)
        touched: set[int] = set()
        blocked = np.zeros(self.candidates.n_genes, dtype=bool)
        good = np.flatnonzero(gain > TOLERANCE)
        for k in good[np.argsort(-gain[good], kind="stable")]:
            e = int(edges[k])
            i, j = int(self.candidates.parent[e]), int(self.target[e])
            if kind[k] == TURN and self.gain[e] > TOLERANCE and not self._is_open(TURN, i, j):
                kind[k] = DROP  # it cannot be turned, which would be better still
            if blocked[i] or blocked[j] or not self._is_open(kind[k], i, j):
                continue
            blocked[[i, j]] = True  # gains around a changed gene are those of before; the next round knows better
            blocked[self._beside(i)] = blocked[self._beside(j)] = True
            touched |= self._move(e, int(kind[k]), i=i, j=j)
        return touched

    def _around(self, genes: set[int]) -> np.ndarray:
        """Candidate edges into these genes, and the same turned round, rising."""
        into = np.concatenate([np.arange(edges.start, edges.stop) for edges in map(self._edges, genes)])
        turned = self.mirror[into]
        return distinct(np.concatenate([into, turned[turned >= 0]]))

    def _beside(self, j: int) -> np.ndarray:
        """Genes that may be a parent or a child of ``j``."""
        indptr, child, _ = self.candidates.children
        return np.append(self.candidates.parent[self._edges(j)], child[indptr[j] : indptr[j + 1]])

    def _moves(self, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gain and kind of the best move on each of ``edges``; joined pairs have no ADD, required edges none."""
        here, selected, mirror = self.gain[edges], self.selected[edges], self.mirror[edges]
        there = np.where(mirror >= 0, self.gain[mirror], -np.inf)
        joined = (mirror >= 0) & self.selected[mirror]
        turn = np.where(selected & ~np.isneginf(there), here + there, -np.inf)
        turned = selected & (turn > here)
        kind = np.where(turned, TURN, np.where(selected, DROP, ADD))
        stays = joined & ~selected | self.required[edges]
        return np.where(stays, -np.inf, np.where(turned, turn, here)), kind

    def _is_open(self, kind: int, i: int, j: int) -> bool:
        """Whether the move keeps to what is pinned, to the positions if there are any, and to acyclicity."""
        if kind == DROP:
            return True
        source, target = (i, j) if kind == ADD else (j, i)
        if self.pinned[target] == FIRST or self.pinned[source] == LAST or self.graph.size[target] >= MAX_PARENTS:
            return False
        if self.position is not None and self.position[source] > self.position[target]:
            return False
        # Turning i -> j closes a cycle only through another path from i to j.
        return not is_ancestor(self.graph, target, source, without=(i, j) if kind == TURN else (-1, -1))

    def _move(self, e: int, kind: int, *, i: int, j: int) -> set[int]:
        self._remember((i, j))
        if kind != ADD:
            self.selected[e] = False
            self.graph.remove(i, j)
        if kind == TURN:
            self.selected[self.mirror[e]] = True
            self.graph.insert(j, i)
            return {i, j}
        if kind == ADD:
            self.selected[e] = True
            self.graph.insert(i, j)
            if self.mirror[e] >= 0 and np.isneginf(self.gain[self.mirror[e]]):
                return {i, j}  # what the turned edge would gain was not scored yet
        return {j}

    def _rescore(self, genes: Iterable[int]) -> None:
        """Score the parents of these genes anew, and every change by one edge."""
        run_blocks(self._rescore_one, [(j,) for j in genes], self.threads)

    def _rescore_one(self, j: int) -> None:
        into = self._edges(j)
        parent, selected = self.candidates.parent[into], self.selected[into]
        parents = parent[selected]
        self.total[j] = self.cache.scores(j, parents[None])[0]
        gain = np.full(len(parent), -np.inf)
        if np.isinf(self.total[j]):  # these parents may not be, and no gain can be told
            self.gain[into] = gain
            return
        if selected.any():
            at = np.flatnonzero(selected)
            fewer = np.stack([np.delete(parents, k) for k in range(len(at))])
            gain[at] = self.total[j] - self.cache.scores(j, fewer)
        at = self._shortlisted(j, into, parents)
        if len(at) and len(parents) < MAX_PARENTS:
            more = np.sort(np.column_stack([np.tile(parents, (len(at), 1)), parent[at]]), axis=1)
            gain[at] = self.total[j] - self.cache.scores(j, more)
        self.gain[into] = gain

    def _shortlisted(self, j: int, into: slice, parents: np.ndarray) -> np.ndarray:
        """Positions among the candidates of ``j`` of those worth a score: the most promising, and its children."""
        parent = self.candidates.parent[into]
        out = np.flatnonzero(~self.selected[into])
        mirror = self.mirror[into][out]
        chosen = (mirror >= 0) & self.selected[mirror]
        if len(out) <= self.shortlist:
            return out
        chosen[self.cache.most_promising(j, parents, parent[out], most=self.shortlist)] = True
        return out[chosen]

    def edges_into(self, j: int) -> np.ndarray:
        into = self._edges(j)
        return into.start + np.flatnonzero(self.selected[into])

    def edges_out_of(self, j: int) -> np.ndarray:
        indptr, _, edge = self.candidates.children
        edges: np.ndarray = edge[indptr[j] : indptr[j + 1]]
        return edges[self.selected[edges]]

    def _edges(self, j: int) -> slice:
        return slice(int(self.candidates.indptr[j]), int(self.candidates.indptr[j + 1]))

    def topological(self) -> np.ndarray:
        """Return an order of the genes in which every parent stands before its children, ``(d,)`` int32."""
        order = sort_genes(self.candidates.parent[self.selected], self.target[self.selected], self.start)
        return order.astype(np.int32)
