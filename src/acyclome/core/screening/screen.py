"""Screening: which pairs may become edges.

Two views of one correlation matrix are united, because each is blind where the other sees: forward selection finds the
regulators of hub graphs, shrunken partial correlation the neighbours in sparse ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.index_maps import positions
from acyclome.core.data.moments import WHOLE_GENES
from acyclome.core.data.problem import Problem
from acyclome.core.screening.partial_correlation import ROWS, strongest_partial
from acyclome.core.screening.spurious import are_spurious, edge_cost
from acyclome.core.screening.stepwise import EXCLUDED, forward_block
from acyclome.core.screening.strongest import largest
from acyclome.core.workers import run_blocks

BLOCK = 64  # genes that a thread takes at once
PRESCREEN = 128  # genes among which forward selection looks where the correlations of all do not fit: blocks of 64 kB
UNSCREENED = 3  # times max_candidates, up to which a network has no more pairs than the blocks of candidates hold
NOWHERE = np.full(1, -1)  # a gene that is none of its own regressors


@dataclass(frozen=True)
class ScreenSettings:
    """How many candidates to look for.

    Parameters
    ----------
    forward_steps
        Forward-selection steps per gene.
    min_gain
        A step must gain at least this much log-likelihood, ``n/2 log(v / v_new)``; the search of a gene ends otherwise.
    partial
        Strongest shrunken partial correlations kept per gene.
    shrinkage
        Weight ``a`` of the identity in ``(1 - a) R + a I``.
    max_candidates
        Candidate parents per gene at most; the strongest by order of discovery stay.
    """

    forward_steps: int
    min_gain: float
    partial: int
    shrinkage: float
    max_candidates: int


class Views(NamedTuple):
    """Sources found for every target, -1 where none.

    Parameters
    ----------
    selected
        ``(d, forward_steps)`` by forward selection.
    strongest
        ``(d, partial)`` by shrunken partial correlation.
    """

    selected: np.ndarray
    strongest: np.ndarray


def screen(problem: Problem, settings: ScreenSettings) -> Candidates:
    """Return the candidate edges: forward selection and shrunken partial correlation, made symmetric.

    In small networks every pair with an allowed source is a candidate, unless it correlates by chance alone.  Forbidden
    pairs make room for others, required ones are always in.  Cost: ``d^2 forward_steps^2 / 2`` for the first, ``min(d,
    n) d^2`` for the second.
    """
    if not is_screened(problem, settings):
        d, sources = problem.n_genes, problem.constraints.sources
        source, target = np.nonzero(np.broadcast_to(sources[:, None], (d, d)))
        real = ~are_spurious(problem.data, source, target)
        return problem.constraints.apply(Candidates.from_pairs(source[real], target[real], d))
    return unite(problem, find_views(problem, settings), settings)


def find_views(problem: Problem, settings: ScreenSettings, *, genes: tuple[int, int] | None = None) -> Views:
    """Find what either view shows of genes ``genes[0]`` to ``genes[1]`` (all if None), which are whole ``blocks``."""
    sources = np.flatnonzero(problem.constraints.sources)
    selected = forward_select(problem, sources, steps=settings.forward_steps, min_gain=settings.min_gain, genes=genes)
    strongest = strongest_partial(problem, keep=settings.partial, shrinkage=settings.shrinkage, genes=genes)
    return Views(selected, strongest)


def unite(problem: Problem, views: Views, settings: ScreenSettings) -> Candidates:
    """Unite what the views show of all genes to candidates."""
    source, target = (np.concatenate(side) for side in zip(*map(as_pairs, views), strict=True))
    return symmetric(problem, source, target, max_candidates=settings.max_candidates)


def cut_genes(n_genes: int, ranges: int) -> list[tuple[int, int]]:
    """Cut the genes into about so many ranges of whole blocks, the same bits in each as in one."""
    return gene_blocks(n_genes, max(-(-n_genes // (ranges * ROWS)), 1) * ROWS)


def is_screened(problem: Problem, settings: ScreenSettings) -> bool:
    """Say whether the network is so large, ``UNSCREENED`` times ``max_candidates``, that pairs have to be left out."""
    return problem.n_genes > UNSCREENED * settings.max_candidates


def symmetric(problem: Problem, source: np.ndarray, target: np.ndarray, *, max_candidates: int) -> Candidates:
    """Let every pair be a candidate in both directions, as far as constraints and the cap allow.

    A pair that was found for its target goes before one that only mirrors another; within each, the larger
    correlation goes first.  So a hub with thousands of children keeps ``max_candidates`` possible parents.  Pairs that
    correlate by chance alone fall out.
    """
    d, data, constraints = problem.n_genes, problem.data, problem.constraints
    real = ~are_spurious(data, source, target)
    source, target = source[real], target[real]
    own = Candidates.from_pairs(source, target, d)
    both = Candidates.from_pairs(np.concatenate([source, target]), np.concatenate([target, source]), d)
    t, s = both.target, both.parent
    mirrored = own.find(s, t) < 0
    strength = np.abs(data.pairs(s, t))
    order = np.lexsort((-strength, mirrored, t))
    rank = np.empty(both.n_edges, dtype=np.int64)
    may = constraints.allows(s, t)
    allowed = may[order]
    before = np.cumsum(allowed) - allowed  # a pair that may be no edge takes no place
    start = both.indptr[:-1][t[order]]
    rank[order] = before - before[np.minimum(start, max(both.n_edges - 1, 0))]
    keep = may & (rank < max_candidates)
    return constraints.apply(Candidates.from_pairs(s[keep], t[keep], d))


def as_pairs(view: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(d, k)`` sources per target, -1 where none -> pairs."""
    target = np.repeat(np.arange(view.shape[0]), view.shape[1])
    source = view.ravel()
    return source[source >= 0], target[source >= 0]


def forward_select(
    problem: Problem, regressors: np.ndarray, *, steps: int, min_gain: float, genes: tuple[int, int] | None = None
) -> np.ndarray:
    """Select regressors forward for every gene: take the best, project it out, repeat.

    ``regressors``, ``(p,)``, are genes that may be selected, sources all of them; a step must gain ``min_gain`` of
    log-likelihood; ``genes`` are the first to search for and the one behind the last, at multiples of ``ROWS``, all if
    None. Where the correlations of the regressors do not fit, each gene's search runs among the ``PRESCREEN`` genes
    that correlate most with it.  Returned are ``(d, steps)`` int32 in order of discovery, -1 after the last.
    """
    data, constraints, threads = problem.data, problem.constraints, problem.threads
    n, d = data.n_effective, data.n_genes
    first, last = genes or (0, d)
    out = np.full((d, steps), -1, dtype=np.int32)
    if len(regressors) == 0:
        return out[first:last]
    position = positions(regressors, d)
    min_drop = 1.0 - np.exp(-2.0 * min_gain / n)
    skewness, least, some = data.skewness, edge_cost(n, d), None if len(regressors) == d else regressors
    whole = data.R is not None or len(regressors) <= WHOLE_GENES
    P = data.R if some is None and data.R is not None else None
    if P is None and whole:
        P = data.among(regressors, threads)
    every = np.ones(len(regressors), data.dtype)

    def block(a: int, b: int) -> None:
        C = np.ascontiguousarray(data.rows(a, b, some))
        C = constraints.without_excluded(C, a, fill=EXCLUDED, sources=regressors)
        if P is not None:
            own, others = skewness[a:b], skewness[regressors]
            selected = forward_block(P, C, position[a:b], own, others, n, least, steps, min_drop)
            out[a:b] = np.where(selected >= 0, regressors[selected], -1)
            return
        C[np.arange(b - a), np.maximum(position[a:b], 0)] *= position[a:b] < 0
        C[C >= EXCLUDED] = 0.0
        near = np.empty((b - a, PRESCREEN), np.int32)
        # Its own column is 0 by now; first = -len(C) has largest look for none.
        largest(C, every, -len(C), PRESCREEN, C.dtype.type(0.0), near)
        for g in range(b - a):
            few = np.sort(near[g][near[g] >= 0])
            genes, own = regressors[few], skewness[a + g : a + g + 1]
            selected = forward_block(
                data.among(genes), C[g : g + 1, few], NOWHERE, own, skewness[genes], n, least, steps, min_drop
            )[0]
            out[a + g] = np.where(selected >= 0, genes[selected], -1)

    # Of genes on the disk all are read once for each block.
    blocks = gene_blocks(d, ROWS if data.R is None or data.standardized.is_on_disk else BLOCK)
    run_blocks(block, [(a, b) for a, b in blocks if first <= a < last], threads)
    return out[first:last]
