"""Associations of all pairs, against closed forms and what must not matter to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.core.data.basis import expand, explained, standardized
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.deconfounding import residuals
from acyclome.core.data.interventions import Interventions
from acyclome.core.screening import association, boosting
from acyclome.core.screening.partial_correlation import partial_correlations

D, N = 9, 120
FLOAT32 = 1e-4
NO_LINE = np.array([-1])
HALVES = [np.arange(0, N, 2), np.arange(1, N, 2)]


@pytest.fixture(scope="module")
def X(lab):
    return lab.draw_linear(31, D, N)[0]


NETWORK = (np.empty(0, int), np.empty(0, int))


def view_of(lab, X, constraints=None, *, threads=1, network=NETWORK, samples=HALVES, is_linear=True):
    problem = lab.problem_of(X, constraints, threads=threads)
    left = residuals(problem.data.Z[:, association.spread_out(len(X))], *network) if is_linear else None
    return association.associations(problem, samples, left=left, seed=5)


def of(lab, X, constraints=None, **given):
    view = view_of(lab, X, constraints, **given)
    return view.rows(np.arange(view.n_genes))


def product_corrected(strength, may):
    kept = np.where(may, strength, 0.0)
    column = kept.sum(axis=0) / np.maximum(may.sum(axis=0), 1)
    return association._corrected(strength, may, of_cause=column, mean=kept.sum() / may.sum())


@given(seed=st.integers(0, 1000))
def test_nothing_is_left_of_a_product_and_else_what_is_above_it(seed):
    rng = np.random.default_rng(seed)
    a, b, S = rng.random(7) + 0.1, rng.random(5) + 0.1, rng.random((7, 5)) + 0.1
    everywhere = np.ones((7, 5), bool)
    np.testing.assert_allclose(product_corrected(np.outer(a, b), everywhere), 0, atol=1e-12)
    expected = np.maximum(S - np.outer(S.mean(axis=1), S.mean(axis=0)) / S.mean(), 0)
    corrected = product_corrected(S, everywhere)
    np.testing.assert_allclose(corrected, expected, atol=1e-12)
    np.testing.assert_allclose(product_corrected(3 * S, everywhere), 3 * corrected, atol=1e-12)


def test_pairs_that_may_not_be_edges_count_for_no_mean():
    S, may = np.full((4, 4), 2.0), ~np.eye(4, dtype=bool)
    S[~may] = 99.0
    np.testing.assert_allclose(product_corrected(S, may), 0, atol=1e-12)


@pytest.mark.parametrize("n", [D - 3, N])
def test_partial_correlations_are_those_of_the_shrunken_matrix(lab, X, n):
    pool = np.array([0, 4, 7])
    rows = partial_correlations(lab.problem_of(X[:n], sources=np.isin(np.arange(D), pool)), shrinkage=0.8)
    found = rows(np.arange(D))
    np.testing.assert_allclose(rows(np.array([5, 2])), found[[5, 2]], rtol=1e-6)
    K = np.linalg.inv(0.2 * np.corrcoef(X[:n].T) + 0.8 * np.eye(D))
    dense = np.abs(K / np.sqrt(np.outer(K.diagonal(), K.diagonal())))[:, pool]
    other = np.arange(D)[:, None] != pool
    np.testing.assert_allclose(found[other], dense[other], atol=1e-6)


def orthogonal(p, n, seed):
    """Return terms of ``p`` causes of which each is orthogonal to all others, ``(p, 3, n)``."""
    rng = np.random.default_rng([41, seed])
    centered = rng.standard_normal((n, 3 * p))
    Q = np.linalg.qr(centered - centered.mean(axis=0))[0]
    return (Q.T * np.sqrt(n)).reshape(p, 3, n).astype(np.float32)


def test_causes_that_share_nothing_are_credited_with_what_all_their_steps_explain():
    p, n, rounds = 6, 200, 4
    terms = orthogonal(p, n, 1)
    rng = np.random.default_rng(42)
    response = np.einsum("i,in->n", rng.uniform(0.2, 1.0, p), terms[:, 1]) + terms[:, 2].sum(axis=0)
    response /= response.std()
    offered = np.array([rng.permutation(p) for _ in range(rounds)])
    asked = {"line": NO_LINE, "offered": offered, "threads": 1}
    alone, beside = boosting.importance(terms, response[None], np.ones((1, p), bool), **asked)
    assert alone.sum() == pytest.approx(1.0, abs=FLOAT32)
    np.testing.assert_allclose(beside, alone * (1 - (1 - boosting.RATE) ** (2 * rounds)), atol=FLOAT32)


def test_a_cause_that_another_one_explains_keeps_its_share_alone_and_loses_it_beside(lab):
    rng = np.random.default_rng(43)
    Z = rng.standard_normal((30, 400))
    Z[1] = Z[0] + 0.7 * rng.standard_normal(400)
    response = (Z[0] + 0.3 * rng.standard_normal(400))[None]
    Z, response = standardized(Z), standardized(response)
    terms = expand(Z, boosting.SPLINES)
    offered = np.array([rng.permutation(30) for _ in range(10)])
    asked = {"line": NO_LINE, "offered": offered, "threads": 1}
    alone, beside = boosting.importance(terms, response, np.ones((1, 30), bool), **asked)
    np.testing.assert_allclose(alone[0], explained(terms, response)[:, 0], atol=FLOAT32)
    assert beside[0, 0] > beside[0, 1]
    assert beside[0, 1] / beside[0, 0] < 0.8 * alone[0, 1] / alone[0, 0]


def test_units_do_not_matter_nor_do_threads(lab, X):
    one = of(lab, X)
    np.testing.assert_allclose(of(lab, 100.0 + X * np.geomspace(1e-3, 1e3, D)), one, rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(of(lab, X, threads=2), one)


def test_other_names_give_the_same_importance_under_other_names(X):
    rng = np.random.default_rng(44)
    Z, place = standardized(X.T), rng.permutation(D)
    offered = np.array([rng.permutation(D) for _ in range(10)])
    terms, may = expand(Z, boosting.SPLINES), ~np.eye(D, dtype=bool)
    line = np.arange(D)
    found = boosting.importance(terms, Z, may, line=line, offered=offered, threads=1)
    new = np.argsort(place)[offered]
    may_now, asked = may[np.ix_(place, place)], {"offered": new, "threads": 1}
    moved = boosting.importance(terms[place], Z[place], may_now, line=line, **asked)
    unnamed = boosting.importance(terms[place], Z[place], may_now, line=np.full(D, -1), **asked)
    for one, two in zip(moved, unnamed, strict=True):
        np.testing.assert_allclose(two, one, atol=FLOAT32)
    for one, two in zip(found, moved, strict=True):
        np.testing.assert_allclose(two, one[np.ix_(place, place)], atol=FLOAT32)


def test_no_pair_that_may_not_be_an_edge_and_all_others(lab, X):
    constraints = Constraints.of_sources(np.isin(np.arange(D), [0, 4, 7]))
    found = of(lab, X, replace(constraints, forbidden=np.array([0 * D + 4, 3 * D + 7])))
    assert found.shape == (D, 3)
    out = {(0, 0), (4, 1), (7, 2), (0, 1), (3, 2)}  # itself, or forbidden
    assert set(zip(*(ends.tolist() for ends in np.nonzero(found <= 0)), strict=True)) == out


def test_where_a_gene_was_a_target_its_values_do_not_matter(X):
    targets = Interventions.from_pairs(np.full(20, 2), np.arange(20), n_genes=D, n_obs=N)
    changed = X.T.copy()
    changed[2, :20] = 50.0
    one, two = (boosting.own_responses(standardized(Z), targets) for Z in (X.T, changed))
    np.testing.assert_allclose(two, one, atol=1e-8)
    assert not one[2, :20].any()


def test_a_bent_effect_is_seen(lab):
    rng = np.random.default_rng(45)
    Z = rng.standard_normal((N, D))
    Z[:, 3] = np.abs(Z[:, 5]) + 0.2 * rng.standard_normal(N)
    found = of(lab, Z)
    assert np.argmax(found[3]) == 5
    assert abs(np.corrcoef(Z[:, 3], Z[:, 5])[0, 1]) < 0.3


def test_associations_are_the_root_of_the_product_of_their_four_views(lab, X, monkeypatch):
    """Twice the same resample doubles three of the views, up to the order in which boosting is offered the causes."""
    monkeypatch.setattr(association, "SHARED", 0.0)
    one, two = (of(lab, X, samples=[np.arange(N)] * k) for k in (1, 2))
    there = one > np.quantile(one, 0.5)
    np.testing.assert_allclose(two[there] / one[there], 2 ** (3 / 2), rtol=0.15)  # 8 would be a weight of 1


def test_the_root_of_what_goes_with_every_cause_is_taken_out_of_a_target(lab, X, monkeypatch):
    pool = np.isin(np.arange(D), [0, 4, 7])
    found = of(lab, X, Constraints.of_sources(pool))
    monkeypatch.setattr(association, "SHARED", 0.0)
    whole = of(lab, X, Constraints.of_sources(pool))
    mean = whole.sum(axis=1) / np.where(pool, 2, 3)  # a gene is no cause of itself
    np.testing.assert_allclose(found, whole / np.sqrt(mean)[:, None], rtol=1e-6)


@pytest.fixture(scope="module")
def confounded():
    rng = np.random.default_rng(46)
    X = rng.standard_normal((60, 40))
    X[:, 1] += 2 * X[:, 0]
    return X + 2 * rng.standard_normal((60, 2)) @ rng.standard_normal((2, 40))


BIG = {"BOOSTED_PAIRS": 0, "BLOCK_PAIRS": 100}


@pytest.fixture(params=["boosted", "big"])
def size(request, monkeypatch):
    """The views of few pairs, and those of many."""
    for name, value in BIG.items() if request.param == "big" else ():
        monkeypatch.setattr(association, name, value)


def halves(X):
    return [np.arange(0, len(X), 2), np.arange(1, len(X), 2)]


@pytest.mark.usefixtures("size")
def test_of_confounded_data_fewer_pairs_stand_before_the_true_one_than_by_correlation(lab, confounded):
    view = view_of(lab, confounded, samples=halves(confounded))
    assert view.confounding > 0.99
    found, plain = view.rows(np.arange(40)), np.abs(np.corrcoef(confounded.T)) - np.eye(40)
    ahead, ahead_of_plain = (np.mean(S[1, 0] < S) for S in (found, plain))
    assert ahead < 0.5 * ahead_of_plain


@pytest.mark.usefixtures("size")
def test_what_all_genes_have_in_common_counts_only_beside_the_network(lab):
    rng = np.random.default_rng(47)
    X = rng.standard_normal((200, 40))
    X[:, 1:] += X[:, :1]
    star = np.zeros(39, int), np.arange(1, 40)
    assert view_of(lab, X, samples=halves(X)).confounding > 0.9
    assert view_of(lab, X, samples=halves(X), network=star).confounding < 1e-3


@pytest.mark.usefixtures("size")
def test_where_what_a_network_leaves_says_nothing_nothing_is_deconfounded(lab, confounded):
    assert view_of(lab, confounded, samples=halves(confounded), is_linear=False).confounding == 0.0


@pytest.mark.usefixtures("size")
def test_nor_does_the_value_of_a_gene_where_it_was_a_target_tell_of_its_own_causes(lab, monkeypatch):
    rng = np.random.default_rng(48)
    X, acted = rng.standard_normal((200, 8)), Interventions.from_pairs([2] * 20, np.arange(20), n_genes=8, n_obs=200)
    X[:20, 2] = -3.0
    X[:20, 5] += 4.0  # goes up where gene 2 was put down, not otherwise
    monkeypatch.setattr(association, "partial_correlations", lambda problem, shrinkage: lambda t: np.ones((len(t), 8)))
    found = association.associations(lab.problem_of(X, interventions=acted), halves(X), left=None, seed=5)
    rows = found.rows(np.arange(8))
    assert rows[5, 2] > 3 * rows[2, 5]


def test_the_order_of_genes_does_not_matter_to_pairs_of_which_only_some_targets_are_counted(
    lab, confounded, monkeypatch
):
    monkeypatch.setattr(association, "COUNTED_GENES", 15)
    monkeypatch.setattr(association, "COUNTED_PAIRS", 0)
    monkeypatch.setattr(association, "BOOSTED_PAIRS", 0)
    place = np.random.default_rng(4).permutation(40)
    one, two = (view_of(lab, X, samples=halves(X)) for X in (confounded, confounded[:, place]))
    assert len(one.counted) == len(two.counted) == 15
    np.testing.assert_array_equal(np.sort(place[two.counted]), one.counted)
    every = np.arange(40)
    np.testing.assert_allclose(two.rows(every), one.rows(every)[np.ix_(place, place)], rtol=1e-4)  # float32


def test_in_blocks_they_are_what_they_are_at_once_with_any_threads(lab, confounded, monkeypatch):
    monkeypatch.setattr(association, "BOOSTED_PAIRS", 0)
    whole = of(lab, confounded, samples=halves(confounded))
    R = np.corrcoef(confounded.T)
    assert whole.shape == R.shape
    monkeypatch.setattr(association, "BLOCK_PAIRS", 100)
    some = np.array([3, 17, 39])
    for threads in (1, 2):
        view = view_of(lab, confounded, samples=halves(confounded), threads=threads)
        np.testing.assert_allclose(view.rows(some), whole[some], rtol=1e-4)  # float32
