"""Climb over DAGs on a local score: add, drop and turn edges until none of it helps, then shake.

The score is a sum over genes, so the gain of adding or dropping an edge concerns its target alone, and turning an edge
is a drop and an addition.  Moves far apart are made in one round; within reach of one another the best goes first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from acyclome.core.layout import Candidates, from_pairs
from acyclome.core.reach import Above, above, leads_to, sort_genes
from acyclome.core.workers import run_blocks

TOLERANCE = 1e-6
MAX_CAUSES = 16
MAX_ROUNDS = 10_000
FIRST, LAST = 1, 2
ADD, DROP, TURN = 0, 1, 2


class LocalScore(Protocol):
    """A score of a gene and its causes; lower is better."""

    def scores(self, j: int, sets: np.ndarray) -> np.ndarray:
        """Score sets of causes of gene ``j``, all of one size, ``(s, p) -> (s,)``."""
        ...

    def promise(self, j: int, causes: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Say how promising each of ``others`` is as one more cause of ``j``, ``(len(others),)``; higher is better."""
        ...


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
    known: list[dict[tuple[int, ...], float]] = field(init=False)
    listed: list[dict[tuple[int, ...], np.ndarray]] = field(init=False)
    place: np.ndarray | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        d = self.candidates.n_genes
        self.target = self.candidates.target
        self.mirror = self.candidates.find(self.target, self.candidates.parent)
        self.gain = np.full(self.candidates.n_edges, -np.inf)
        self.held = np.zeros(self.candidates.n_edges, dtype=bool)
        self.total, self.rule = np.zeros(d), np.zeros(d, dtype=np.int8)
        self.known, self.listed = [{} for _ in range(d)], [{} for _ in range(d)]
        self._redraw()

    def causes(self, j: int) -> np.ndarray:
        """Causes of gene ``j``, rising, ``(p,)``."""
        own = self._edges(j)
        found: np.ndarray = self.candidates.parent[own][self.held[own]]
        return found

    def with_own(self, candidates: Candidates) -> Candidates:
        """Return the candidates and the edges of the graph."""
        source = np.concatenate([candidates.parent, self.candidates.parent[self.held]])
        return from_pairs(source, np.concatenate([candidates.target, self.target[self.held]]), candidates.n_genes)

    def moved_to(self, candidates: Candidates) -> Climb:
        """Return the same graph among other candidates, which have to include its edges; scores are kept."""
        new = Climb(self.score, candidates, self.settings, self.start, self.threads)
        new.known = self.known
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
        return float(self._score(j, fewer[None])[0] + self._score(i, more[None])[0] - now)

    def begin(self, held: np.ndarray) -> None:
        """Begin with the acyclic graph of the candidate edges ``held``, ``(nnz,)`` bool."""
        self.held[:] = held
        self._redraw()
        self._look(range(self.candidates.n_genes))

    def settle_along(self, order: np.ndarray) -> None:
        """Make moves until none helps, with edges that point forward in ``order``, ``(d,)``, alone."""
        self.place = np.empty(len(order), dtype=np.int64)
        self.place[order] = np.arange(len(order))
        self.settle()
        self.place = None

    def settle(self) -> None:
        """Make moves until none helps."""
        for _ in range(MAX_ROUNDS):
            touched = self._round()
            if not touched:
                return
            self._look(sorted(touched))

    def shake(self, rng: np.random.Generator) -> None:
        """Put every gene first or last for a while, in a random order, and keep what is better afterwards."""
        for j in rng.permutation(self.candidates.n_genes):
            for rule in (FIRST, LAST):
                self._try(int(j), rule)

    def _try(self, j: int, rule: int) -> None:
        before = (self.held.copy(), self.gain.copy(), self.total.copy())
        into = self.held & (self.target == j) if rule == FIRST else self.held & (self.candidates.parent == j)
        if not into.any():
            return
        self.held[into] = False
        self.rule[j] = rule
        self._redraw()
        self._look(sorted({j, *self.target[into].tolist()}))
        self.settle()
        self.rule[j] = 0
        self.settle()
        if self.total.sum() >= before[2].sum() - TOLERANCE:
            self.held, self.gain, self.total = before
            self._redraw()

    def _round(self) -> set[int]:
        """Make the best moves of this round; return the genes whose causes changed."""
        gain, kind = self._moves()
        touched: set[int] = set()
        blocked = np.zeros(self.candidates.n_genes, dtype=bool)
        good = np.flatnonzero(gain > TOLERANCE)
        for e in good[np.lexsort((good, -gain[good]))]:
            i, j = int(self.candidates.parent[e]), int(self.target[e])
            if kind[e] == TURN and self.gain[e] > TOLERANCE and not self._is_open(TURN, i, j):
                kind[e] = DROP  # it cannot be turned, which would be better still
            if blocked[i] or blocked[j] or not self._is_open(kind[e], i, j):
                continue
            blocked[[i, j]] = True
            blocked[self._beside(i)] = blocked[self._beside(j)] = True
            touched |= self._move(int(e), int(kind[e]), i, j)
        return touched

    def _beside(self, j: int) -> np.ndarray:
        """Genes that may be a cause or an effect of ``j``."""
        indptr, child, _ = self.candidates.children
        return np.concatenate([self.candidates.parent[self._edges(j)], child[indptr[j] : indptr[j + 1]]])

    def _moves(self) -> tuple[np.ndarray, np.ndarray]:
        """Best move on every candidate edge: its gain and kind, ``(nnz,)`` each; a pair that is joined has no ADD."""
        there = np.where(self.mirror >= 0, self.gain[self.mirror], -np.inf)
        joined = (self.mirror >= 0) & self.held[self.mirror]
        turn = np.where(self.held & ~np.isneginf(there), self.gain + there, -np.inf)
        turned = self.held & (turn > self.gain)
        kind = np.where(turned, TURN, np.where(self.held, DROP, ADD))
        gain = np.where(turned, turn, np.where(joined & ~self.held, -np.inf, self.gain))
        return gain, kind

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
        self.total[j] = self._score(j, causes[None])[0]
        gain = np.full(len(parent), -np.inf)
        if held.any():
            at = np.flatnonzero(held)
            fewer = np.stack([np.delete(causes, k) for k in range(len(at))])
            gain[at] = self.total[j] - self._score(j, fewer)
        at = self._shortlisted(j, own, causes)
        if len(at) and len(causes) < MAX_CAUSES:
            more = np.sort(np.column_stack([np.tile(causes, (len(at), 1)), parent[at]]), axis=1)
            gain[at] = self.total[j] - self._score(j, more)
        self.gain[own] = gain

    def _shortlisted(self, j: int, own: slice, causes: np.ndarray) -> np.ndarray:
        """Positions among the candidates of ``j`` of those worth a score: the most promising, and its effects."""
        parent = self.candidates.parent[own]
        out = np.flatnonzero(~self.held[own])
        mirror = self.mirror[own][out]
        effect = (mirror >= 0) & self.held[mirror]
        if len(out) > self.settings.shortlist:
            key = tuple(causes.tolist())
            if key not in self.listed[j]:
                promise = self.score.promise(j, causes, parent[out])
                self.listed[j][key] = np.argsort(-promise, kind="stable")[: self.settings.shortlist]
            effect[self.listed[j][key]] = True
            out = out[effect]
        return out

    def _score(self, j: int, sets: np.ndarray) -> np.ndarray:
        known, keys = self.known[j], [tuple(row) for row in sets.tolist()]
        new = [k for k, key in enumerate(keys) if key not in known]
        if new:
            known.update(zip([keys[k] for k in new], self.score.scores(j, sets[new]).tolist(), strict=True))
        return np.array([known[key] for key in keys])

    def _edges(self, j: int) -> slice:
        return slice(int(self.candidates.indptr[j]), int(self.candidates.indptr[j + 1]))

    def _redraw(self) -> None:
        parent, target = self.candidates.parent[self.held], self.target[self.held]
        self.graph = above(parent, target, self.candidates.n_genes, MAX_CAUSES)

    def topological(self) -> np.ndarray:
        """Return an order of the genes in which every cause stands before its effects, ``(d,)`` int32."""
        return sort_genes(self.candidates.parent[self.held], self.target[self.held], self.start).astype(np.int32)
