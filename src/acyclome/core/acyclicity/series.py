"""Truncated power series, on the flow along the candidate edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import comb, factorial
from typing import TYPE_CHECKING, Literal

import numpy as np

from acyclome.core.acyclicity.flow import follow_flow
from acyclome.core.acyclicity.matrix import within_domain
from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.kernel import SHORT, kernel
from acyclome.core.workers import run_blocks

if TYPE_CHECKING:
    import torch

BLOCK = 256  # genes a thread takes at once: some milliseconds at 10,000 genes
Kind = Literal["exponential", "logdet", "binomial"]


@dataclass(frozen=True)
class Series:
    """Truncated power series ``h(A) = sum_{k=1..K} c_k tr(A^k)`` on sparse strengths.

    ``dh/dA_ij = sum_k k c_k (A^(k-1))_ji``: what flows from ``j`` back to ``i``.  From every gene the flow is followed
    for ``terms - 1`` steps.  Two-cycles are always seen whole; on longer ones a stretch that carries less than ``drop``
    is let go, in the value as in the gradient; cycles longer than ``terms`` are not seen.

    Parameters
    ----------
    terms
        ``K``.
    kind
        ``exponential`` (1/k!, NOTEARS: Zheng et al. 2018), ``logdet`` (1/k, the series of DAGMA's -log det(I - A):
        Bello et al. 2022) or ``binomial`` (C(d, k)/d^k, DAG-GNN: Yu et al. 2019).
    drop
        Flow below this is let go after the first step; 0 keeps all.

    Notes
    -----
    Cost per call: for each gene the edges met within ``terms - 1`` steps.  Exact with ``drop = 0`` and ``terms = d``.
    """

    terms: int
    kind: Kind
    drop: float

    def coefficients(self, n_genes: int) -> np.ndarray:
        return coefficients(self.kind, self.terms, n_genes)

    def value_and_gradient(self, A: np.ndarray, candidates: Candidates, threads: int) -> tuple[float, np.ndarray]:
        d = candidates.n_genes
        c = self.coefficients(d)
        view = candidates.children
        lists = _flow_lists(view, A, threads)
        omega = np.zeros(candidates.n_edges)
        traces = np.zeros((d, self.terms))

        def block(a: int, b: int) -> None:
            _flow_back(a, b, candidates.indptr, candidates.parent, A, lists, c, self.drop, omega, traces)

        run_blocks(block, gene_blocks(d, BLOCK), threads)
        return float(traces.sum(axis=0) @ c), omega

    def blocks_value_and_gradient(self, A: torch.Tensor, parent: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return follow_flow(self.coefficients(A.shape[1]), A, parent)

    def dense_value_and_gradient(self, A: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``h`` and ``dh/dA`` as of the others; nothing is let go here, whatever ``drop`` is."""
        c = self.coefficients(A.shape[-1]).tolist()
        h = c[0] * A.diagonal(dim1=-2, dim2=-1).sum(-1)
        gradient = A.new_zeros(A.shape)
        gradient.diagonal(dim1=-2, dim2=-1).fill_(c[0])
        power = A
        for k in range(2, self.terms + 1):
            gradient = gradient + k * c[k - 1] * power
            h = h + c[k - 1] * (power * A.mT).sum((-2, -1))
            if k < self.terms:
                power = power @ A
        return within_domain(h, gradient.mT)


def coefficients(kind: Kind, terms: int, n_genes: int) -> np.ndarray:
    """``c_1 .. c_K`` of a series, ``(K,)``."""
    k = range(1, terms + 1)
    if kind == "exponential":
        return np.array([1.0 / factorial(i) for i in k])
    if kind == "logdet":
        return np.array([1.0 / i for i in k])
    return np.array([comb(n_genes, i) / n_genes**i for i in k])


def _flow_lists(view: tuple[np.ndarray, ...], A: np.ndarray, threads: int) -> tuple[np.ndarray, ...]:
    """Children view ``(indptr, child, flow)`` of the edges with ``A > 0``, the largest flow of every gene first."""
    indptr, child, edge = view
    flow = A[edge]
    keep = flow > 0
    start, child, flow = np.concatenate([[0], np.cumsum(keep)])[indptr], child[keep], flow[keep]
    run_blocks(partial(_sort_flow, start, child, flow), gene_blocks(len(indptr) - 1, BLOCK), threads)
    return start, child, flow


@kernel
def _sort_flow(start, child, flow, first, last):
    for j in range(first, last):
        a, b = start[j], start[j + 1]
        if b - a > SHORT:  # hubs
            order = np.argsort(-flow[a:b], kind="mergesort")
            child[a:b] = child[a:b][order]
            flow[a:b] = flow[a:b][order]
            continue
        for s in range(a + 1, b):
            x, g, t = flow[s], child[s], s
            while t > a and flow[t - 1] < x:
                flow[t], child[t] = flow[t - 1], child[t - 1]
                t -= 1
            flow[t], child[t] = x, g


@kernel
def _flow_back(first, last, indptr, parent, A, lists, c, drop, omega, traces):
    """For genes ``first`` to ``last``: follow the flow out of ``j`` and read it at the candidate parents of ``j``."""
    d = len(indptr) - 1
    out, child, flow = lists
    now, new = np.zeros(d), np.zeros(d)
    here, there = np.empty(d, np.int32), np.empty(d, np.int32)
    for j in range(first, last):
        now[j], here[0], n = 1.0, j, 1
        for k in range(len(c)):
            for e in range(indptr[j], indptr[j + 1]):
                x = now[parent[e]]
                if x > 0.0:
                    omega[e] += (k + 1) * c[k] * x
                    traces[j, k] += A[e] * x
            if k + 1 == len(c) or n == 0:
                break
            least = 0.0 if k == 0 else drop  # the first step whole, so that two-cycles are
            m = 0
            for s in range(n):
                i = here[s]
                x = now[i]
                now[i] = 0.0
                for t in range(out[i], out[i + 1]):
                    y = x * flow[t]
                    if y < least or y == 0.0:  # those behind carry less still
                        break
                    g = child[t]
                    if new[g] == 0.0:  # met for the first time, as every flow is above 0
                        there[m] = g
                        m += 1
                    new[g] += y
            n = m
            for s in range(m):
                g = there[s]
                here[s] = g
                now[g] = new[g]
                new[g] = 0.0
        for s in range(n):
            now[here[s]] = 0.0  # clean for the next gene, where it was touched
