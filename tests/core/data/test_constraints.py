"""What is known of edges beforehand holds in what is learned, whatever the data say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acyclome.config import Config
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.constraints import CONSTRAINT, NEGATIVE, POSITIVE, REQUIRED, SOFT, Constraints
from acyclome.core.order_search.constrained import choose
from acyclome.core.order_search.select import SELECTION, new_scratch
from acyclome.pipeline.engine_settings import engine_settings

N = 60
FEW = {"screen": {"max_candidates": 4, "forward_steps": 2, "partial": 2}, "fit": {"mu": [1.0, 0.1, 0.01]}}


def keys(source, target, d):
    return np.unique(np.asarray(target, np.int64) * d + source)


def known(d, **fields):
    return replace(Constraints.none(d), **fields)


def learn(lab, X, constraints, seed=1, config=None, threads=1):
    settings = engine_settings(Config.from_mapping(config or FEW))
    return lab.learn_dag(lab.problem_of(X, constraints, threads=threads), settings, seed)[0]


def draw(rng, d):
    """Data in which everything hangs together, and constraints that do not contradict one another."""
    X = rng.standard_normal((N, d)) + rng.standard_normal((N, 2)) @ rng.standard_normal((2, d))
    order = rng.permutation(d)
    pairs = np.array([(order[a], order[b]) for a in range(d) for b in range(a + 1, d)])
    required = pairs[rng.random(len(pairs)) < 1.5 / d]
    every = np.array([(i, j) for i in range(d) for j in range(d) if i != j])
    forbidden = keys(*every[rng.random(len(every)) < 0.3].T, d)
    needed = keys(*required.T, d)
    tier = np.empty(d, np.int64)
    tier[order] = np.sort(rng.integers(0, 3, d))
    signed = keys(*every[rng.random(len(every)) < 0.2].T, d)
    sign = rng.choice(np.array([-1, 1], np.int8), len(signed))
    return X, known(
        d,
        forbidden=np.setdiff1d(forbidden, needed),
        required=needed,
        signed=signed,
        sign=sign,
        tier=tier * (rng.random() < 0.5),
    )


@settings(max_examples=100, deadline=None)
@given(st.integers(3, 18), st.integers(0, 2**32 - 1))
def test_forbidden_edges_never_required_edges_always_and_signs_hold(lab, d, seed):
    X, rules = draw(np.random.default_rng(seed), d)
    dag = learn(lab, X, rules)
    found = keys(dag.source, dag.target, d)
    place = np.argsort(dag.order)
    assert np.isin(rules.required, found).all()
    assert not np.isin(found, rules.forbidden).any()
    assert (place[dag.source] < place[dag.target]).all()
    assert (rules.tier[dag.source] <= rules.tier[dag.target]).all()
    at = rules.on(Candidates.from_pairs(dag.source, dag.target, d))["kind"]
    by_key = np.argsort(dag.target.astype(np.int64) * d + dag.source)
    weight = dag.weight[by_key]
    assert (weight[at & POSITIVE > 0] >= 0).all()
    assert (weight[at & NEGATIVE > 0] <= 0).all()


def test_a_required_edge_whose_sign_the_data_contradict_weighs_nothing_and_the_others_are_fitted_without_it(lab):
    rng = np.random.default_rng(12)
    X = rng.standard_normal((400, 8))
    X[:, 2] += 0.8 * X[:, 0] + 0.8 * X[:, 1]
    plain = learn(lab, X, known(8, required=keys([0, 1], [2, 2], 8)))
    bound = learn(
        lab, X, known(8, required=keys([0, 1], [2, 2], 8), signed=keys([0], [2], 8), sign=np.array([-1], np.int8))
    )
    at, free = ((dag.target == 2) & (dag.source == 0) for dag in (bound, plain))
    assert plain.weight[free] > 0.5
    assert bound.weight[at].tolist() == bound.loss[at].tolist() == [0.0]
    others = bound.source[(bound.target == 2) & (bound.source != 0)]
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    slope, left = np.linalg.lstsq(Z[:, others], Z[:, 2], rcond=None)[:2]
    np.testing.assert_allclose(bound.weight[(bound.target == 2) & (bound.source != 0)], slope, rtol=1e-5)
    np.testing.assert_allclose(bound.residual[2], left[0] / 400, rtol=1e-5)


def test_constraints_that_say_nothing_new_change_no_bit(lab):
    X, _ = lab.draw_linear(3, 20, 300)
    plain = learn(lab, X, known(20))
    itself = keys(np.arange(20), np.arange(20), 20)
    ruled = learn(lab, X, known(20, forbidden=itself, soft=itself, cost=np.ones(20)))
    for name in ("source", "target", "weight", "order", "score"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(ruled, name))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("variance", [None, np.full(20, 1.5)])
def test_rules_that_do_not_bind_leave_the_selection_as_it_is(lab, seed, variance):
    blocks = lab.make_blocks(lab.draw_correlations(seed, 20), lab.all_pairs(20), 200, variance=variance)
    gene = blocks.gene.copy()
    gene["is_constrained"] = 1
    marked = np.zeros(len(blocks.parent), CONSTRAINT)
    marked["cost"] = 1.0
    ruled = blocks._replace(gene=gene, constraint=marked)
    rng, paths, scratch = np.random.default_rng(seed), np.zeros(2, SELECTION), new_scratch(20)
    for j in range(20):
        allowed = (rng.random(19) < 0.6).astype(np.uint8)
        for k, problem in enumerate((blocks, ruled)):
            choose(problem.gene[j], allowed, problem, scratch, paths[k])
        one, two = paths
        assert set(one["selected"][: one["size"]]) == set(two["selected"][: two["size"]])
        np.testing.assert_allclose(one["score"], two["score"], rtol=1e-9)


def test_threads_change_no_bit(lab):
    X, rules = draw(np.random.default_rng(8), 40)
    one, two = (learn(lab, X, rules, config={"screen": {"max_candidates": 12}}, threads=t) for t in (1, 2))
    for name in ("source", "target", "weight", "order"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


@pytest.mark.parametrize(("cost", "is_edge"), [(1.0, False), (0.05, True), (3.0, False)])
def test_a_soft_edge_enters_where_its_cost_falls_below_what_it_gains(lab, cost, is_edge):
    rng = np.random.default_rng(11)
    x = rng.standard_normal(400)
    X = np.column_stack([x, 0.12 * x + rng.standard_normal(400), rng.standard_normal((400, 6))])
    soft = keys([0, 1], [1, 0], 8)
    dag = learn(lab, X, known(8, soft=soft, cost=np.full(2, cost)))
    assert ({0, 1} in [{s, t} for s, t in zip(dag.source, dag.target, strict=True)]) is is_edge


def test_an_arranged_order_keeps_what_it_may():
    rules = known(5, required=keys([4, 3], [0, 4], 5))
    assert rules.arrange(np.array([0, 1, 2, 3, 4])).tolist() == [1, 2, 3, 4, 0]
    assert rules.arrange(np.array([3, 4, 0, 2, 1])).tolist() == [3, 4, 0, 2, 1]


def test_rules_among_some_genes_are_those_of_the_whole():
    rng = np.random.default_rng(5)
    _, rules = draw(rng, 15)
    genes = np.sort(rng.choice(15, 9, replace=False))
    few = rules.subset(genes)
    a, b = np.nonzero(~np.eye(9, dtype=bool))
    np.testing.assert_array_equal(few.allows(a, b), rules.allows(genes[a], genes[b]))
    np.testing.assert_array_equal(
        few.on(Candidates.from_pairs(a, b, 9))["kind"], rules.on(Candidates.from_pairs(genes[a], genes[b], 15))["kind"]
    )
    np.testing.assert_array_equal(few.excluded(2, 7), ~few.allows(np.arange(9)[None, :], np.arange(2, 7)[:, None]))


def test_a_mark_sums_what_holds_of_an_edge():
    pair = keys([0], [1], 3)
    rules = known(3, required=pair, signed=pair, sign=np.array([-1], np.int8), soft=pair, cost=np.array([0.5]))
    marked = rules.on(Candidates.from_pairs([0, 2], [1, 1], 3))
    assert marked["kind"].tolist() == [REQUIRED | NEGATIVE | SOFT, 0]
    assert marked["cost"].tolist() == [0.5, 1.0]
