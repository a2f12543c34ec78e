"""Facts about the graph among modules."""

from types import SimpleNamespace

import numpy as np
import pytest

from acyclome.config import Config
from acyclome.core.backend import ThreadBackend
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.moments import correlate, scale_genes
from acyclome.core.data.problem import Problem
from acyclome.core.modules.graph import ModuleMoments, _may_act, find_graph, left_of_edges, module_moments
from acyclome.pipeline.engine_settings import engine_settings


@pytest.fixture(scope="module")
def problem(Z):
    data = correlate(scale_genes(lambda a, b: Z[a:b], len(Z), lost=0, threads=1), 1)
    return Problem(data, Constraints.none(len(Z)), ThreadBackend(1))


def found_edges(drawn, learned, graph, nodes):
    d, K = len(drawn.genes), learned.n_modules
    true = np.abs(np.corrcoef(learned.scores, drawn.activity.T)[:K, K:]).argmax(axis=1)
    source, target = nodes[graph.source], nodes[graph.target]
    both = (source >= d) & (target >= d)
    among = set(zip(true[source[both] - d], true[target[both] - d], strict=True))
    acting = {(s, true[t - d]) for s, t in zip(source, target, strict=True) if s < d <= t}
    return among, acting


def test_edges_among_modules_and_their_regulators_are_found(drawn, learned, problem):
    graph, nodes = find_graph(problem, learned, settings=engine_settings(Config()), seed=0)
    among, acting = found_edges(drawn, learned, graph, nodes)
    true = set(zip(drawn.source, drawn.target, strict=True))
    assert 2 * len(among & true) / (len(among) + len(true)) > 0.85
    shown = {(drawn.regulator[k], k) for k in set(drawn.target)}  # beside another parent; else nothing tells
    assert len(shown - acting) <= 1


def test_listed_regulators_act_on_modules_that_nothing_else_acts_on(drawn, learned, problem):
    listed = np.zeros(len(drawn.genes), bool)
    listed[drawn.regulator] = True
    rules = Constraints.of_sources(listed)
    settings = engine_settings(Config())
    graph, nodes = find_graph(Problem(problem.data, rules, problem.backend), learned, settings=settings, seed=0)
    _, acting = found_edges(drawn, learned, graph, nodes)
    assert acting == set(zip(drawn.regulator, range(6), strict=True))


def test_moments_of_modules_are_those_of_activities_not_of_scores(drawn, learned, problem):
    moments = module_moments(problem.data, learned)
    R = np.corrcoef(learned.scores, drawn.activity.T)[:6, 6:]
    true, sign = np.abs(R).argmax(axis=1), np.sign(R[np.arange(6), np.abs(R).argmax(axis=1)])
    expected = np.corrcoef(drawn.activity.T)[np.ix_(true, true)] * np.outer(sign, sign)
    np.testing.assert_allclose(moments.among, expected, atol=0.08)
    one = drawn.activity[:, true].T * sign[:, None] @ problem.data.Z.T / problem.data.n_obs
    np.testing.assert_allclose(moments.with_genes, one, atol=0.12)


def test_modules_carry_edges_among_their_genes_but_not_direct_ones(drawn, learned, problem):
    own = np.flatnonzero((drawn.loadings[:, 0] != 0) & (np.abs(drawn.loadings).sum(axis=1) > 0.7))[:6]
    source, target = own[:3], own[3:]
    carried = left_of_edges(problem.data, learned, (source, target))
    direct = left_of_edges(problem.data, learned, tuple(drawn.direct.T))
    assert carried.max() < 8 < np.median(direct)


def test_without_modules_an_edge_brings_what_it_does_alone(Z, problem, learned):
    none = learned.kept(np.zeros(learned.n_modules, bool))
    r = float(problem.data.R[3, 7])
    nats = left_of_edges(problem.data, none, (np.array([3]), np.array([7])))
    np.testing.assert_allclose(nats, -problem.data.n_effective / 2 * np.log(1 - r**2), atol=0.02)


def test_a_gene_acts_on_a_module_if_it_goes_with_no_other_that_it_loads_on(learned):
    """Three genes of module 0, which 1 and 2 move: one acts on it, one is moved by 0 and 2, one by 0 alone."""
    among = np.array([[1.0, 0.5, 0.5], [0.5, 1.0, 0.0], [0.5, 0.0, 1.0]])
    with_genes = np.array([[0.6, 0.0, 0.0], [0.6, 0.0, 0.6], [0.8, 0.4, 0.4]]).T
    data = SimpleNamespace(n_effective=500.0)
    acts = _may_act(data, learned.kept(np.arange(3)), ModuleMoments(with_genes, among), listed=None)
    assert acts.tolist() == [True, False, False]
