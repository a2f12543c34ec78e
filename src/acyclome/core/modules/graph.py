"""The graph among modules and the genes that act on them, by the order search, and what edges of genes it carries.

    m_k = sum_r A_rk x_r + sum_l B_lk m_l + g_k

Choice: scores of modules enter by their moments less what the noise of their genes adds, so that a module of three
genes counts as one of a hundred.  Genes that may act on modules are those that a list names, or else those that a
collider shows: a gene of module ``k`` that goes with others given ``k``, but with none of them alone, acts on ``k``
beside them.  Reason: nothing else tells a regulator from a gene that its module moves, and with every gene that loads
on two modules as a node F1 of module edges fell from .97 to .8.  What would change it: interventions on many genes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from acyclome.core.data.candidates import Candidates
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.core.data.search_result import SearchResult
from acyclome.core.data.standardized import Standardized
from acyclome.core.engine import EngineSettings, search
from acyclome.core.modules.find import Modules
from acyclome.core.modules.sparse_regression import select

LEAST_SHARED = 0.05  # of the variance of a score, that is activity: below, correlations would explode
LEAST_EIGENVALUE = 0.02  # of the moments less noise, which sampling may leave without an inverse
# Of the usual price, for a gene that nobody listed to act on a module, and for a module to move a listed regulator: as
# far as the data go either way explains a gene that goes with one module alone.
UNUSUAL = 1.5
RIDGE = 1e-3


class ModuleMoments(NamedTuple):
    """Correlations of activities, noise taken off: with genes ``(K, d)``, and with one another ``(K, K)``."""

    with_genes: np.ndarray
    among: np.ndarray


def module_moments(data: Moments, modules: Modules) -> ModuleMoments:
    """Return moments of activities: those of the scores, less what genes' own noise is of both sides."""
    w, n, psi = modules.weights(), data.n_obs, modules.unique
    C = (w @ data.Z) @ data.Z.T / n - w * psi
    M = modules.scores @ modules.scores.T / n - (w * psi) @ w.T
    scale = np.sqrt(np.maximum(M.diagonal(), LEAST_SHARED))
    among = np.clip(M / np.outer(scale, scale), -1.0, 1.0)
    np.fill_diagonal(among, 1.0)
    return ModuleMoments(np.clip(C / scale[:, None], -1.0, 1.0), among)


def find_graph(
    problem: Problem, modules: Modules, *, settings: EngineSettings, seed: int
) -> tuple[SearchResult, np.ndarray]:
    """Search the graph among modules and genes that act on them.

    Returns
    -------
    The graph over its nodes, and what those are, ``(D,)``: genes by position, then modules as ``d + k``.
    """
    data, K, d = problem.data, modules.n_modules, problem.n_genes
    moments = module_moments(data, modules)
    is_listed = not problem.constraints.sources.all()
    genes = np.flatnonzero(_may_act(data, modules, moments, listed=problem.constraints.sources if is_listed else None))
    G, nodes = len(genes), np.concatenate([genes, d + np.arange(K)])
    R = np.empty((G + K, G + K))
    R[:G, :G], R[G:, :G], R[G:, G:] = data.among(genes), moments.with_genes[:, genes], moments.among
    R[:G, G:] = R[G:, :G].T
    small = replace(problem, data=_nodes(data, genes, modules, R=_positive(R)), constraints=_prices(G, K, is_listed))
    graph, _ = search(
        small,
        _candidates(R, G, data.n_effective),
        np.random.default_rng(seed).permutation(G + K).astype(np.int32),
        settings=replace(settings, rescreens=False, turns=False, climbing=None, search="order_search", relax=None),
        seed=seed,
    )
    return graph, nodes


def _may_act(data: Moments, modules: Modules, moments: ModuleMoments, *, listed: np.ndarray | None) -> np.ndarray:
    """Say which genes may act on modules, ``(d,)`` bool."""
    marginal = np.abs(moments.with_genes.T)
    beyond = marginal > chance(data.n_effective)
    if listed is not None:
        chosen: np.ndarray = listed & beyond.any(axis=1)
        return chosen
    # Chosen anew, as genes outside the set of a visible module pay more for what they are moved by.
    bar = 0.5 * np.log(data.n_effective) + np.log(modules.n_modules)
    loadings = select(moments.with_genes.T, moments.among, np.array(bar), n_obs=data.n_effective)
    loads, main = loadings != 0, np.where(loadings.any(axis=1), np.abs(loadings).argmax(axis=1), -1)
    rows = np.arange(len(main))
    others = loads.copy()
    others[rows, main] = False
    # With all of them: where one module of several goes with a gene, a loading that the others hide is likelier than a
    # collider. On draws apart from those of tables F1 of module edges rose from .78 to .88 (3,000 genes, 10 modules).
    collides: np.ndarray = others.any(axis=1) & ~(others & beyond).any(axis=1) & beyond[rows, main] & (main >= 0)
    return collides


def chance(n: float) -> float:
    """Return the correlation that pays half of ``log n``, the price of a coefficient by the BIC."""
    return float(np.sqrt(1.0 - np.exp(-np.log(n) / n)))


def _candidates(R: np.ndarray, n_genes: int, n: float) -> Candidates:
    """Return all pairs with a module that correlate beyond chance, and all pairs of modules."""
    module = np.arange(len(R)) >= n_genes
    pairs = (module[:, None] & module) | ((module[:, None] | module) & (np.abs(R) > chance(n)))
    source, target = np.nonzero(pairs)
    return Candidates.from_pairs(source, target, len(R))


def _prices(n_genes: int, n_modules: int, is_listed: bool) -> Constraints:
    D = n_genes + n_modules
    gene, module = (part.ravel() for part in np.meshgrid(np.arange(n_genes), n_genes + np.arange(n_modules)))
    source, target = (module, gene) if is_listed else (gene, module)
    keys = np.sort(target.astype(np.int64) * D + source)
    return replace(Constraints.none(D), soft=keys, cost=np.full(len(keys), UNUSUAL))


def _nodes(data: Moments, genes: np.ndarray, modules: Modules, *, R: np.ndarray) -> Moments:
    """Return the moments of the nodes; what was done to genes counts for their equations, and none for modules."""
    deviation = np.maximum(modules.scores.std(axis=1, keepdims=True), 1e-12)
    Z = np.vstack([data.Z[genes], modules.scores / deviation]).astype(data.Z.dtype)
    D, K = len(Z), modules.n_modules
    done = data.interventions.subset(genes)
    done = Interventions(np.append(done.indptr, np.full(K, len(done.row))), done.row, data.n_obs)
    zeros, own = np.zeros(D), np.append(data.own_scale[genes], np.ones(K))
    rows = Standardized.of(Z)
    return Moments(rows, R.astype(Z.dtype), zeros, np.ones(D), zeros, data.n_effective, done, own, rows.form)


def _positive(R: np.ndarray) -> np.ndarray:
    """Raise eigenvalues to the least that the search can invert, and bring the diagonal back to 1."""
    value, vector = np.linalg.eigh(R)
    if len(value) and value[0] < LEAST_EIGENVALUE:
        R = (vector * np.maximum(value, LEAST_EIGENVALUE)) @ vector.T
        scale = np.sqrt(R.diagonal())
        R = R / np.outer(scale, scale)
    return R


def left_of_edges(data: Moments, modules: Modules, edges: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return the nats that each edge among genes still brings beside the modules of its target, ``(m,)``.

    Edges are sources and targets.  Modules are covariates of the equation of the target, as hidden factors are.
    """
    (source, target), n = edges, data.n_effective
    moments, out = module_moments(data, modules), np.zeros(len(source))
    for j in np.unique(target):
        at = np.flatnonzero(target == j)
        parents, own = source[at], np.flatnonzero(modules.loadings[j])
        beside = moments.with_genes[np.ix_(own, parents)]
        C = np.block([[data.among(parents), beside.T], [beside, moments.among[np.ix_(own, own)]]])
        given = np.append(data.pairs(parents, np.full(len(parents), j)), moments.with_genes[own, j])
        P = np.linalg.inv(C + RIDGE * np.eye(len(C)))
        b = P @ given
        left = max(1.0 - float(given @ b), RIDGE)
        of = np.arange(len(parents))
        out[at] = n / 2 * np.log1p(b[of] ** 2 / P[of, of] / left)
    return out
