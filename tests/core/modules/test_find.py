"""Facts about learned and visible modules."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from acyclome.core.modules.find import FEWEST, Prices, Visible, find_modules, gene_weights, stand_out
from acyclome.core.modules.rotation import independent_loadings
from acyclome.core.modules.sparse_regression import select
from acyclome.evaluate.modules import simulate_modules


def test_modules_that_were_drawn_are_found_again(drawn, learned):
    inside = drawn.module >= 0
    assert adjusted_rand_score(drawn.module[inside], learned.main[inside]) > 0.9
    assert learned.n_modules == 6  # although ten were asked for: the others did not return in half-samples


def test_loadings_stand_out_from_those_of_all_other_genes():
    noise = np.random.default_rng(0).standard_normal((1000, 1))
    noise[:20] = [[6.0]] * 10 + [[-6.0]] * 10
    np.testing.assert_array_equal(np.flatnonzero(stand_out(noise)), np.arange(20))
    np.testing.assert_array_equal(stand_out(noise), stand_out(0.01 * noise))


def test_members_are_genes_that_a_module_moves_and_that_go_with_it(Z, learned):
    shared = np.corrcoef(learned.scores, Z)[:6, 6:].T ** 2
    assert np.all(learned.loadings[learned.members] != 0)
    assert shared[learned.members].min() > 0.25
    by_variance = learned.loadings**2 >= 0.4
    assert np.mean(learned.members[by_variance]) > 0.9
    assert learned.members.sum() > by_variance.sum()  # those of two modules, and of little variance explained


def test_a_module_of_many_genes_has_members_although_none_stands_out():
    rng = np.random.default_rng(1)
    activity = rng.standard_normal(300)
    Z = 0.8 * activity + 0.6 * rng.standard_normal((60, 300))
    found = find_modules(Z, np.ones(60), 1, visible=Visible.none(60), seed=0)
    assert found.members.mean() > 0.9


def test_scores_follow_the_activities(drawn, learned):
    R = np.abs(np.corrcoef(learned.scores, drawn.activity.T)[:6, 6:])
    assert np.all(R.max(axis=1) > 0.9)
    assert len(set(R.argmax(axis=1))) == 6


def test_scores_are_unbiased_for_the_loadings(learned):
    weights = learned.weights()
    np.testing.assert_allclose(weights @ learned.loadings, np.eye(6), atol=0.02)


def test_the_order_of_genes_does_not_matter(Z, learned):
    turned = np.random.default_rng(0).permutation(len(Z))
    again = find_modules(Z[turned], np.ones(len(Z)), 10, visible=Visible.none(len(Z)), seed=0)
    main = again.main
    assert adjusted_rand_score(learned.main[turned], main) > 0.99


def test_a_visible_module_follows_its_set_and_shows_links_from_outside(drawn, Z):
    own = drawn.loadings[:, 2] != 0
    left_out = np.flatnonzero(own)[:3]
    given = own.copy()
    given[left_out] = False
    found = find_modules(Z, np.ones(len(Z)), 10, visible=Visible(given[:, None]), seed=0)
    assert found.set_of[0] == 0
    assert np.sum(found.set_of >= 0) == 1
    assert np.mean(found.loadings[given, 0] != 0) > 0.9
    assert np.any(found.loadings[left_out, 0] != 0)
    assert np.abs(np.corrcoef(found.scores[0], drawn.activity[:, 2])[0, 1]) > 0.9
    others = np.abs(np.corrcoef(found.scores, drawn.activity.T)[1 : found.n_modules, found.n_modules :])
    assert set(others.argmax(axis=1)) == {0, 1, 3, 4, 5}  # what is visible is not learned over again


def test_visible_modules_may_be_all(drawn, Z):
    sets = np.zeros((len(Z), 2), bool)
    sets[:5, 0], sets[5:10, 1] = True, True
    found = find_modules(Z, np.ones(len(Z)), 0, visible=Visible(sets), seed=0)
    assert found.set_of.tolist() == [0, 1]
    assert found.stability.tolist() == [1.0, 1.0]


def test_modules_have_genes_enough(learned):
    assert np.all(learned.members.sum(axis=0) >= FEWEST)


def test_noise_has_no_modules():
    Z = np.random.default_rng(1).standard_normal((120, 200))
    Z = (Z - Z.mean(axis=1, keepdims=True)) / Z.std(axis=1, keepdims=True)
    found = find_modules(Z, np.ones(120), 20, visible=Visible.none(120), seed=0)
    assert found.n_modules == 0
    assert np.all(found.main == -1)


def test_genes_weigh_by_what_they_share_and_by_their_deviation():
    rng = np.random.default_rng(5)
    Z = rng.standard_normal((700, 150))  # more genes than are held at once
    Z[[3, 90, 400, 600]] += 2.0 * rng.standard_normal(150)
    Z = (Z - Z.mean(axis=1, keepdims=True)) / Z.std(axis=1, keepdims=True)
    scale = rng.uniform(0.5, 2.0, 700)
    squares = np.sort((np.corrcoef(Z) - np.eye(700)) ** 2, axis=1)
    np.testing.assert_allclose(gene_weights(Z, scale), np.sqrt(scale) * squares[:, -3:].mean(axis=1), rtol=1e-9)
    assert set(np.argsort(-gene_weights(Z, np.ones(700)))[:4]) == {3, 90, 400, 600}
    assert gene_weights(Z[:1], scale[:1]).tolist() == [0.0]


def test_modules_of_few_genes_are_found_beside_one_another():
    found = 0
    for seed in range(30, 36):  # with genes of one weight four of five
        s = simulate_modules(80, 100, n_modules=5, degree=1.0, direct=0.1, seed=seed)
        Z = np.ascontiguousarray(s.X.T)
        found += find_modules(Z, gene_weights(Z, np.ones(80)), 5, visible=Visible.none(80), seed=0).n_modules
    assert found >= 28


def test_independent_components_are_the_sparse_directions_of_a_rotated_basis():
    rng = np.random.default_rng(2)
    S = rng.laplace(size=(500, 4)) ** 3
    Z = S @ rng.standard_normal((4, 60))
    found = independent_loadings(Z, 4)
    R = np.abs(np.corrcoef(found.T, S.T)[:4, 4:])
    assert np.all(R.max(axis=1) > 0.95)
    assert len(set(R.argmax(axis=1))) == 4


@pytest.mark.parametrize("cost", [0.0, 4.0])
def test_selection_is_that_of_least_squares_on_what_was_chosen(cost):
    rng = np.random.default_rng(3)
    A = rng.standard_normal((5, 300))
    A = (A - A.mean(axis=1, keepdims=True)) / A.std(axis=1, keepdims=True)
    y = 0.7 * A[1] - 0.4 * A[3] + 0.3 * rng.standard_normal(300)
    y = (y - y.mean()) / y.std()
    found = select((A @ y / 300)[None], A @ A.T / 300, np.array(10.0 + cost), n_obs=300.0)[0]
    expected = np.linalg.lstsq(A[[1, 3]].T, y, rcond=None)[0]
    np.testing.assert_array_equal(np.flatnonzero(found), [1, 3])
    np.testing.assert_allclose(found[[1, 3]], expected, atol=1e-4)


def test_an_infinite_price_keeps_a_module_from_a_gene():
    found = select(np.array([[0.9, 0.8]]), np.array([[1.0, 0.9], [0.9, 1.0]]), np.array([[np.inf, 1.0]]), n_obs=200.0)
    assert found[0, 0] == 0
    assert found[0, 1] > 0.7


def test_dearer_loadings_are_fewer_and_dearer_links_from_outside_too(drawn, Z, learned):
    sets = (drawn.module == 0)[:, None] & (np.arange(len(Z)) % 2 == 0)[:, None]
    dear = find_modules(Z, np.ones(len(Z)), 10, visible=Visible.none(len(Z)), seed=0, prices=Prices(loadings=5.0))
    assert np.count_nonzero(dear.loadings) < np.count_nonzero(learned.loadings)
    links = [
        np.count_nonzero(find_modules(Z, np.ones(len(Z)), 0, visible=Visible(sets), seed=0, prices=prices).loadings)
        for prices in (Prices(outside=1.0), Prices(outside=30.0))
    ]
    assert links[0] > links[1]
