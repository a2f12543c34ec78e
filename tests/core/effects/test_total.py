"""Effects of interventions: the closed form, the cut edges, and simulated interventions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.core.effects.total import changes, responses


def draw(seed, d=9):
    rng = np.random.default_rng([401, seed])
    order = rng.permutation(d)
    W = np.zeros((d, d))
    for k in range(1, d):
        for i in order[:k][rng.random(k) < 0.4]:
            W[i, order[k]] = rng.normal()
    return rng, order, W


def answer(W, order, shift, held):
    acted = np.flatnonzero(held | (shift != 0))
    return changes(total(W, order, acted), acted, shift[acted], held=held[acted])[0]


def total(W, order, genes):
    source, target = np.nonzero(W)
    return responses(source, target, W[source, target], order=order, genes=genes)


@given(st.integers(0, 2**32 - 1))
def test_shifts_are_the_inverse_of_the_structural_equations(seed):
    rng, order, W = draw(seed)
    shift = rng.normal(size=9)
    expected = np.linalg.solve((np.eye(9) - W).T, shift)
    np.testing.assert_allclose(answer(W, order, shift, np.zeros(9, bool)), expected, atol=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_a_held_gene_stays_where_it_is_put_and_its_causes_no_longer_count(seed):
    rng, order, W = draw(seed)
    held = rng.random(9) < 0.4
    shift = np.where(held, rng.normal(size=9), 0.0)
    cut = np.where(held[None, :], 0.0, W)
    found = answer(W, order, shift, held)
    np.testing.assert_allclose(found, np.linalg.solve((np.eye(9) - cut).T, shift), atol=1e-9)
    np.testing.assert_array_equal(found[held], shift[held])


def test_what_is_upstream_does_not_change():
    W = np.zeros((3, 3))
    W[0, 1], W[1, 2] = 2.0, -0.5
    np.testing.assert_allclose(
        answer(W, np.arange(3), np.array([0, 1.0, 0]), np.array([False, True, False])), [0, 1, -0.5]
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_of_simulated_interventions_is_what_is_predicted(seed):
    rng, order, W = draw(seed)
    held = np.zeros(9, bool)
    held[order[2]] = True
    noise = rng.normal(size=(200_000, 9))
    X = np.zeros_like(noise)
    for j in order:
        X[:, j] = 3.0 if held[j] else X @ W[:, j] + noise[:, j]
    np.testing.assert_allclose(answer(W, order, 3.0 * held, held), X.mean(axis=0), atol=0.06)


def test_total_effects_are_the_rows_of_the_inverse():
    _, order, W = draw(5)
    np.testing.assert_allclose(total(W, order, np.array([3, 7])), np.linalg.inv(np.eye(9) - W)[[3, 7]], atol=1e-9)


@pytest.mark.parametrize("loop", [0.4, 0.99, 1.0, 1.7])
def test_held_genes_that_hold_one_another_up_stay_where_they_are_put_and_nothing_runs_away(loop):
    T = np.array([[1.0, loop, 0.5], [1.0, 1.0, 0.0]])
    moved, added = changes(T, np.array([0, 1]), np.array([-1.0, -1.0]), held=np.ones(2, bool))
    np.testing.assert_array_equal(moved[:2], -1.0)
    assert np.all(np.abs(added) < 3)
    if loop == 0.4:
        np.testing.assert_allclose(moved[2], 0.5 * np.linalg.solve(T[:, :2].T, [-1, -1])[0])
