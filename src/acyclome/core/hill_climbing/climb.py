"""Climb over DAGs on a local score: add, drop and turn edges until none of it helps.

The score is a sum over genes, so the gain of adding or dropping an edge concerns its target alone, and turning an edge
is a drop and an addition.  Moves far apart are made in one round; within reach of one another the best goes first.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from acyclome.core.contract import LocalScore
from acyclome.core.data.candidates import Candidates, distinct
from acyclome.core.data.index_maps import inverse
from acyclome.core.graph.reach import Above, above, leads_to, sort_genes
from acyclome.core.hill_climbing.cache import ScoreMemo
from acyclome.core.workers import run_blocks

TOLERANCE = 1e-6
MAX_CAUSES = 16
MAX_ROUNDS = 10_000
FIRST, LAST = 1, 2
ADD, DROP, TURN = 0, 1, 2


@dataclass(frozen=True)
class ClimbSettings:
    """How far to climb.

    Parameters
    ----------
    shortlist
        Most promising candidates of a gene whose addition is scored.
    rounds
        How often every gene is shaken.
    """

    shortlist: int
    rounds: int


class Look(NamedTuple):
    """What is known of a gene: which of its candidate edges are held, what each would gain, ``(k,)``, and its score."""

    held: np.ndarray
    gain: np.ndarray
    total: float


@dataclass
class Climb:
    """A climb under way: causes of every gene, gains of every candidate edge, and what was scored before.

    Parameters
    ----------
    score
        The local score.
    candidates
        Edges that may be.
    settings
        How far to climb.
    start
        ``(d,)`` a permutation of the genes that decides between orders of one graph.
    threads
        Genes looked at at once; no bit depends on it.
    """

    score: LocalScore
    candidates: Candidates
    settings: ClimbSettings
    start: np.ndarray
    threads: int = 1
    graph: Above = field(init=False)
    gain: np.ndarray = field(init=False)
    held: np.ndarray = field(init=False)
    total: np.ndarray = field(init=False)
    mirror: np.ndarray = field(init=False)
    target: np.ndarray = field(init=False)
    rule: np.ndarray = field(init=False)
    memo: ScoreMemo = field(init=False)
    place: np.ndarray | None = field(init=False, default=None)
    past: dict[int, Look] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        d = self.candidates.n_genes
        self.target = self.candidates.target
        self.mirror = self.candidates.find(self.target, self.candidates.parent)
        self.gain = np.full(self.candidates.n_edges, -np.inf)
        self.held = np.zeros(self.candidates.n_edges, dtype=bool)
        self.total, self.rule = np.zeros(d), np.zeros(d, dtype=np.int8)
        self.memo = ScoreMemo(self.score, d)

    def causes(self, j: int) -> np.ndarray:
        """Causes of gene ``j``, rising, ``(p,)``."""
        found: np.ndarray = self.candidates.parent[self.edges_into(j)]
        return found

    def with_own(self, candidates: Candidates) -> Candidates:
        """Return the candidates and the edges of the graph."""
        source = np.concatenate([candidates.parent, self.candidates.parent[self.held]])
        return Candidates.from_pairs(
            source, np.concatenate([candidates.target, self.target[self.held]]), candidates.n_genes
        )

    def moved_to(self, candidates: Candidates) -> Climb:
        """Return the same graph among other candidates, which have to include its edges; scores are kept."""
        new = Climb(self.score, candidates, self.settings, self.start, self.threads)
        new.memo = self.memo.without_lists()
        held = np.zeros(candidates.n_edges, dtype=bool)
        at = candidates.find(self.candidates.parent[self.held], self.target[self.held])
        if (at < 0).any():
            msg = f"{int((at < 0).sum())} edges of the graph are no candidates; expected all of them, see with_own."
            raise ValueError(msg)
        held[at] = True
        new.begin(held)
        return new

    def turning_loss(self, i: int, j: int) -> float:
        """Score lost by turning the edge ``i -> j``, all other edges held."""
        own, theirs = self.causes(j), self.causes(i)
        fewer, more = own[own != i], np.sort(np.append(theirs, j))
        now = self.total[j] + self.total[i]
        return float(self.memo.scores(j, fewer[None])[0] + self.memo.scores(i, more[None])[0] - now)

    def begin(self, held: np.ndarray) -> None:
        """Begin with the acyclic graph of the candidate edges ``held``, ``(nnz,)`` bool."""
        self.held[:] = held
        self.graph = above(self.candidates.parent[held], self.target[held], self.candidates.n_genes, MAX_CAUSES)
        self._look(range(self.candidates.n_genes))

    def settle_along(self, order: np.ndarray) -> None:
        """Make moves until none helps, with edges that point forward in ``order``, ``(d,)``, alone."""
        self.place = inverse(order)
        self.settle()
        self.place = None

    def settle(self, near: set[int] | None = None) -> None:
        """Make moves until none helps; with ``near``, moves into or out of these genes and of those that changed."""
        for _ in range(MAX_ROUNDS):
            touched = self._round(near)
            if not touched:
                return
            self._look(sorted(touched))
            if near is not None:
                near |= touched

    def copy(self) -> Climb:
        """Return a climb at the same place, which moves on its own; scores are shared."""
        new = copy(self)
        new.held, new.gain, new.total, new.rule = (
            part.copy() for part in (self.held, self.gain, self.total, self.rule)
        )
        new.graph = self.graph.copy()
        return new

    def uproot(self, edges: np.ndarray, j: int) -> None:
        """Drop ``edges``, and look at gene ``j`` and at their targets."""
        genes = {j, *self.target[edges].tolist()}
        self._keep(genes)
        for e in edges:
            self.held[e] = False
            self.graph.remove(int(self.candidates.parent[e]), int(self.target[e]))
        self._look(sorted(genes))

    def look_of(self, j: int) -> Look:
        """Return what is known of gene ``j``."""
        own = self._edges(j)
        return Look(self.held[own].copy(), self.gain[own].copy(), float(self.total[j]))

    def put(self, looks: dict[int, Look]) -> None:
        """Give genes the causes that they have in ``looks``."""
        for j, look in looks.items():
            own = self._edges(j)
            self.held[own], self.gain[own], self.total[j] = look
            self.graph.replace(j, self.causes(j))

    def _keep(self, genes: Iterable[int]) -> None:
        """Remember genes as they are, unless they are remembered or nobody wants to go back."""
        if self.past is not None:
            self.past |= {j: self.look_of(j) for j in genes if j not in self.past}

    def _round(self, near: set[int] | None = None) -> set[int]:
        """Make the best moves of this round; return the genes whose causes changed."""
        edges = np.arange(self.candidates.n_edges) if near is None else self._around(near)
        gain, kind = self._moves(edges)
        touched: set[int] = set()
        blocked = np.zeros(self.candidates.n_genes, dtype=bool)
        good = np.flatnonzero(gain > TOLERANCE)
        for k in good[np.lexsort((good, -gain[good]))]:
            e = int(edges[k])
            i, j = int(self.candidates.parent[e]), int(self.target[e])
            if kind[k] == TURN and self.gain[e] > TOLERANCE and not self._is_open(TURN, i, j):
                kind[k] = DROP  # it cannot be turned, which would be better still
            if blocked[i] or blocked[j] or not self._is_open(kind[k], i, j):
                continue
            blocked[[i, j]] = True
            blocked[self._beside(i)] = blocked[self._beside(j)] = True
            touched |= self._move(e, int(kind[k]), i, j)
        return touched

    def _around(self, genes: set[int]) -> np.ndarray:
        """Candidate edges into these genes, and the same turned round, rising."""
        into = np.concatenate([np.arange(own.start, own.stop) for own in map(self._edges, genes)])
        turned = self.mirror[into]
        return distinct(np.concatenate([into, turned[turned >= 0]]))

    def _beside(self, j: int) -> np.ndarray:
        """Genes that may be a cause or an effect of ``j``."""
        indptr, child, _ = self.candidates.children
        return np.append(self.candidates.parent[self._edges(j)], child[indptr[j] : indptr[j + 1]])

    def _moves(self, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Best move on each of ``edges``: its gain and kind, ``(m,)`` each; a pair that is joined has no ADD."""
        own, held, mirror = self.gain[edges], self.held[edges], self.mirror[edges]
        there = np.where(mirror >= 0, self.gain[mirror], -np.inf)
        joined = (mirror >= 0) & self.held[mirror]
        turn = np.where(held & ~np.isneginf(there), own + there, -np.inf)
        turned = held & (turn > own)
        kind = np.where(turned, TURN, np.where(held, DROP, ADD))
        return np.where(turned, turn, np.where(joined & ~held, -np.inf, own)), kind

    def _is_open(self, kind: int, i: int, j: int) -> bool:
        """Whether the move breaks neither the rules of the day nor acyclicity."""
        if kind == DROP:
            return True
        cause, effect = (i, j) if kind == ADD else (j, i)
        if self.rule[effect] == FIRST or self.rule[cause] == LAST or self.graph.size[effect] == MAX_CAUSES:
            return False
        if self.place is not None and self.place[cause] > self.place[effect]:
            return False
        return not leads_to(self.graph, effect, cause, (i, j) if kind == TURN else (-1, -1))

    def _move(self, e: int, kind: int, i: int, j: int) -> set[int]:
        self._keep((i, j))
        if kind != ADD:
            self.held[e] = False
            self.graph.remove(i, j)
        if kind == TURN:
            self.held[self.mirror[e]] = True
            self.graph.insert(j, i)
            return {i, j}
        if kind == ADD:
            self.held[e] = True
            self.graph.insert(i, j)
            if self.mirror[e] >= 0 and np.isneginf(self.gain[self.mirror[e]]):
                return {i, j}  # what the turned edge would gain was not scored yet
        return {j}

    def _look(self, genes: Iterable[int]) -> None:
        """Score the causes of these genes anew, and every change by one edge."""
        run_blocks(self._look_at, [(j,) for j in genes], self.threads)

    def _look_at(self, j: int) -> None:
        own = self._edges(j)
        parent, held = self.candidates.parent[own], self.held[own]
        causes = parent[held]
        self.total[j] = self.memo.scores(j, causes[None])[0]
        gain = np.full(len(parent), -np.inf)
        if held.any():
            at = np.flatnonzero(held)
            fewer = np.stack([np.delete(causes, k) for k in range(len(at))])
            gain[at] = self.total[j] - self.memo.scores(j, fewer)
        at = self._shortlisted(j, own, causes)
        if len(at) and len(causes) < MAX_CAUSES:
            more = np.sort(np.column_stack([np.tile(causes, (len(at), 1)), parent[at]]), axis=1)
            gain[at] = self.total[j] - self.memo.scores(j, more)
        self.gain[own] = gain

    def _shortlisted(self, j: int, own: slice, causes: np.ndarray) -> np.ndarray:
        """Positions among the candidates of ``j`` of those worth a score: the most promising, and its effects."""
        parent = self.candidates.parent[own]
        out = np.flatnonzero(~self.held[own])
        mirror = self.mirror[own][out]
        effect = (mirror >= 0) & self.held[mirror]
        if len(out) <= self.settings.shortlist:
            return out
        effect[self.memo.most_promising(j, causes, parent[out], self.settings.shortlist)] = True
        return out[effect]

    def edges_into(self, j: int) -> np.ndarray:
        """Positions of the edges from the causes of ``j``."""
        own = self._edges(j)
        return own.start + np.flatnonzero(self.held[own])

    def edges_out_of(self, j: int) -> np.ndarray:
        """Positions of the edges from ``j`` to its effects."""
        indptr, _, edge = self.candidates.children
        found: np.ndarray = edge[indptr[j] : indptr[j + 1]]
        return found[self.held[found]]

    def _edges(self, j: int) -> slice:
        return slice(int(self.candidates.indptr[j]), int(self.candidates.indptr[j + 1]))

    def topological(self) -> np.ndarray:
        """Return an order of the genes in which every cause stands before its effects, ``(d,)`` int32."""
        return sort_genes(self.candidates.parent[self.held], self.target[self.held], self.start).astype(np.int32)
