"""Associations of all pairs, against closed forms and what must not matter to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.core.data.basis import expand, explained, standardized
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.screening import association
from acyclome.core.screening.partial_correlation import partial_correlations

D, N = 9, 120
FLOAT32 = 1e-4
HALVES = [np.arange(0, N, 2), np.arange(1, N, 2)]


@pytest.fixture(scope="module")
def X(lab):
    return lab.draw_linear(31, D, N)[0]


def of(lab, X, constraints=None, threads=1):
    return association.associations(lab.problem_of(X, constraints, threads=threads), HALVES, seed=5)


@given(seed=st.integers(0, 1000))
def test_nothing_is_left_of_a_product_and_no_gene_is_above_the_others_on_average(seed):
    rng = np.random.default_rng(seed)
    a, b, S = rng.random(7) + 0.1, rng.random(5) + 0.1, rng.random((7, 5)) + 0.1
    everywhere = np.ones((7, 5), bool)
    np.testing.assert_allclose(association.product_corrected(np.outer(a, b), everywhere), 0, atol=1e-12)
    corrected = association.product_corrected(S, everywhere)
    np.testing.assert_allclose(corrected.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(corrected.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(association.product_corrected(3 * S, everywhere), 3 * corrected, atol=1e-12)


def test_pairs_that_may_not_be_edges_count_for_no_mean():
    S, may = np.full((4, 4), 2.0), ~np.eye(4, dtype=bool)
    S[~may] = 99.0
    np.testing.assert_allclose(association.product_corrected(S, may), 0, atol=1e-12)


@pytest.mark.parametrize("n", [D - 3, N])
def test_partial_correlations_are_those_of_the_shrunken_matrix(lab, X, n):
    pool = np.array([0, 4, 7])
    found = partial_correlations(lab.problem_of(X[:n], sources=np.isin(np.arange(D), pool)), shrinkage=0.8)
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
    alone, beside = association.importance(terms, response[None], np.ones((1, p), bool), offered=offered, threads=1)
    assert alone.sum() == pytest.approx(1.0, abs=FLOAT32)
    np.testing.assert_allclose(beside, alone * (1 - (1 - association.RATE) ** (2 * rounds)), atol=FLOAT32)


def test_a_cause_that_another_one_explains_keeps_its_share_alone_and_loses_it_beside(lab):
    rng = np.random.default_rng(43)
    Z = rng.standard_normal((30, 400))
    Z[1] = Z[0] + 0.7 * rng.standard_normal(400)
    response = (Z[0] + 0.3 * rng.standard_normal(400))[None]
    Z, response = standardized(Z), standardized(response)
    terms = expand(Z, association.SPLINES)
    offered = np.array([rng.permutation(30) for _ in range(10)])
    alone, beside = association.importance(terms, response, np.ones((1, 30), bool), offered=offered, threads=1)
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
    terms, may = expand(Z, association.SPLINES), ~np.eye(D, dtype=bool)
    found = association.importance(terms, Z, may, offered=offered, threads=1)
    new = np.argsort(place)[offered]
    moved = association.importance(terms[place], Z[place], may[np.ix_(place, place)], offered=new, threads=1)
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
    one, two = (association._own(standardized(Z), targets) for Z in (X.T, changed))
    np.testing.assert_allclose(two, one, atol=1e-8)
    assert not one[2, :20].any()


def test_a_bent_effect_is_seen(lab):
    rng = np.random.default_rng(45)
    Z = rng.standard_normal((N, D))
    Z[:, 3] = np.abs(Z[:, 5]) + 0.2 * rng.standard_normal(N)
    found = of(lab, Z)
    assert np.argmax(found[3]) == 5
    assert abs(np.corrcoef(Z[:, 3], Z[:, 5])[0, 1]) < 0.3


def test_associations_are_their_four_views_multiplied_and_weighed_by_two_thirds(lab, X):
    """Twice the same resample doubles three of the views, up to the order in which boosting is offered the causes."""
    one, two = (association.associations(lab.problem_of(X), [np.arange(N)] * k, seed=5) for k in (1, 2))
    there = one > np.quantile(one, 0.5)
    np.testing.assert_allclose(two[there] / one[there], 2 ** (3 * 2 / 3), rtol=0.15)  # 8 would be a weight of 1
