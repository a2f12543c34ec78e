"""From a first network of genes that are measured with error to one by the likelihood of what is measured.

Order searches and hill climbing take turns.  The order search has moments of what is hidden, given what is measured
and the network so far (structural expectation maximization, Friedman 1998): it moves genes through the order, yet
whatever measuring hides it fills in from that network.  Hill climbing sees the likelihood itself, but one edge at a
time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.core.data.search_result import SearchResult
from acyclome.core.graph.reach import sort_genes
from acyclome.core.measurement.climb import climb, rules
from acyclome.core.measurement.likelihood import LEAST_NOISE, Fit, Measured, Parameters, sort

# Genes up to which networks are refined: some hundred products of d^3, 3 to 5 s of a core for 300, 50 for 600.
MOST_GENES = 600
SEARCHES = 2  # of the order; a third and a fourth changed F1 by .01 at most, up and down
# Observations that expected moments are worth, of n times the mean reliability, the squared loading: what is hidden is
# filled in from a network that may be wrong.  1, .5, and a third or sixth of n ended within .02 of F1 of each other.
EXPECTED = 0.5
SURE = 0.999  # loading at most, so that V has an inverse

Search = Callable[[Problem, np.ndarray], SearchResult]
"""An order search on a problem from an order, ``(d,)``."""


def is_refined(data: Moments) -> bool:
    """Say whether the genes are measured with a known error, and few enough."""
    return data.measured is not None and data.n_genes <= MOST_GENES


def refine(problem: Problem, first: SearchResult, *, gamma: float, search: Search) -> SearchResult:
    """Return the best network by the likelihood of what is measured, from ``first`` on; ``gamma`` is that of the BIC.

    Its score is the extended BIC of that likelihood.
    """
    data = problem.data
    if data.measured is None or data.hermite is None:
        msg = "Nothing is known of the error of measuring; expected moments of scored counts."
        raise ValueError(msg)
    loading = np.clip(data.hermite[0], 0.0, SURE)
    measured = Measured(data.measured, loading, float(data.n_obs))
    known = rules(problem.constraints, n_obs=measured.n_obs, gamma=gamma)
    found = best = climb(measured, _start(first), known=known)
    worth = EXPECTED * measured.n_obs * float(np.mean(loading**2))
    for _ in range(SEARCHES):
        expected = replace(data, R=expected_correlations(found), measured=None, n_effective=max(worth, 2.0))
        more = search(replace(problem, data=expected), _order(found, first))
        found = climb(measured, _start(more), known=known)
        if known.total(found) < known.total(best):
            best = found
    return _as_result(best, first, score=known.total(best))


def expected_correlations(found: Fit) -> np.ndarray:
    """Return the correlations of ``z`` that are expected given what is measured, ``(d, d)``: ``E[z z' | x]``, scaled.

    ``S + K (R - V) K'`` with ``K = S C V^-1``, that is ``S - S C G C S``.
    """
    shown = found.measured.loading[:, None] * found.covariance
    moments = found.covariance - shown.T @ found.misfit @ shown
    scale = np.sqrt(moments.diagonal())
    moments = moments / scale / scale[:, None]
    R: np.ndarray = (moments + moments.T) / 2.0
    np.fill_diagonal(R, 1.0)
    return R


def _start(result: SearchResult) -> Parameters:
    noise = np.clip(result.residual, LEAST_NOISE, 1.0)
    return sort(result.source, result.target, weight=result.weight, noise=noise)


def _order(found: Fit, first: SearchResult) -> np.ndarray:
    """Return an order with parents first, near that of the first network."""
    edges = found.parameters
    return sort_genes(edges.source, edges.target, first.order).astype(np.int32)


def _as_result(best: Fit, first: SearchResult, *, score: float) -> SearchResult:
    """Return the network in standard deviations of ``z``."""
    edges, variance = best.parameters, best.covariance.diagonal()
    scale = np.sqrt(variance)
    return replace(
        first,
        source=edges.source.astype(np.int32),
        target=edges.target.astype(np.int32),
        weight=edges.weight * scale[edges.source] / scale[edges.target],
        loss=best.losses(),
        order=_order(best, first),
        residual=edges.noise / variance,
        score=score,
        score_at_local_optimum=score,
        refined=True,
    )
