"""The series on sparse strengths against dense float64 powers, on the whole candidate pattern."""

from math import comb, factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.core.acyclicity import Series
from acyclome.core.acyclicity import series as module
from acyclome.core.data.candidates import Candidates

KINDS = ("exponential", "logdet", "binomial")
RTOL = 1e-12


def coefficient(kind, k, d):
    return {"exponential": 1 / factorial(k), "logdet": 1 / k, "binomial": comb(d, k) / d**k}[kind]


def draw(seed, d=7, filled=0.5, candidates=0.8, largest=0.6):
    """Draw ``(A (d, d), candidates, A on the candidates)``; some candidates have no strength."""
    rng = np.random.default_rng([41, seed])
    joined = rng.random((d, d)) < candidates
    np.fill_diagonal(joined, False)
    A = np.where(joined & (rng.random((d, d)) < filled), rng.uniform(0.05, largest, (d, d)), 0.0)
    found = Candidates.from_pairs(*np.nonzero(joined), d)
    return A, found, A[found.parent, found.target]


def dense(A, kind, terms):
    """Return ``h`` and ``dh/dA`` from dense powers."""
    d = len(A)
    powers = [np.linalg.matrix_power(A, k) for k in range(terms + 1)]
    h = sum(coefficient(kind, k, d) * np.trace(powers[k]) for k in range(1, terms + 1))
    return h, sum(k * coefficient(kind, k, d) * powers[k - 1].T for k in range(1, terms + 1))


@pytest.mark.parametrize("terms", [1, 2, 5, 7])
@pytest.mark.parametrize("kind", KINDS)
def test_without_dropping_it_is_the_dense_series(kind, terms):
    for seed in range(5):
        A, candidates, strength = draw(seed)
        h, omega = Series(terms, kind, 0.0).value_and_gradient(strength, candidates, 1)
        expected, gradient = dense(A, kind, terms)
        assert h == pytest.approx(expected, rel=RTOL)
        np.testing.assert_allclose(omega, gradient[candidates.parent, candidates.target], rtol=RTOL)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_that_of_the_value_where_nothing_is_too(kind):
    series, step = Series(6, kind, 0.0), 1e-6
    _, candidates, strength = draw(3)
    _, omega = series.value_and_gradient(strength, candidates, 1)
    for e in range(candidates.n_edges):
        up, down = strength.copy(), strength.copy()
        up[e] += step
        down[e] -= min(step, strength[e])
        rise = series.value_and_gradient(up, candidates, 1)[0] - series.value_and_gradient(down, candidates, 1)[0]
        assert omega[e] == pytest.approx(rise / (up[e] - down[e]), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 10_000))
def test_h_is_zero_on_dags_and_only_there(kind, seed):
    A, candidates, strength = draw(seed, d=6, filled=0.3)
    is_dag = not np.linalg.matrix_power((A > 0).astype(int), 6).any()
    h, omega = Series(6, kind, 0.0).value_and_gradient(strength, candidates, 1)
    assert (h == 0.0) == is_dag
    assert (omega >= 0).all()


def test_an_absent_edge_that_would_close_a_cycle_is_felt():
    candidates = Candidates.from_pairs(
        [0, 1, 2, 0], [1, 2, 0, 2], 3
    )  # 0 -> 1 -> 2; absent 2 -> 0, which closes it, and 0 -> 2
    strength = np.array([0.0, 0.5, 0.0, 0.4])  # by target: 2 -> 0, 0 -> 1, 0 -> 2, 1 -> 2
    h, omega = Series(3, "logdet", 0.0).value_and_gradient(strength, candidates, 1)
    assert h == 0
    np.testing.assert_allclose(omega, [0.5 * 0.4, 0, 0, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_genes_do_not_matter(kind):
    _, candidates, strength = draw(8, d=9)
    new = np.random.default_rng([42, 8]).permutation(9)
    renamed = Candidates.from_pairs(new[candidates.parent], new[candidates.target], 9)
    at = renamed.find(new[candidates.parent], new[candidates.target])
    other = np.empty_like(strength)
    other[at] = strength
    for drop in (0.0, 1e-3):
        h, omega = Series(5, kind, drop).value_and_gradient(strength, candidates, 1)
        again, moved = Series(5, kind, drop).value_and_gradient(other, renamed, 1)
        assert again == pytest.approx(h, rel=1e-9)
        np.testing.assert_allclose(moved[at], omega, rtol=1e-9)


def test_the_log_det_series_approaches_the_log_det():
    A, candidates, strength = draw(2, largest=0.15)
    limit = -np.linalg.slogdet(np.eye(7) - A)[1]
    errors = [
        abs(Series(k, "logdet", 0.0).value_and_gradient(strength, candidates, 1)[0] - limit) for k in (2, 4, 8, 16)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-9 * limit


@pytest.mark.parametrize("drop", [1e-4, 1e-3, 1e-2])
def test_dropping_lowers_h_and_never_hides_a_cycle_of_two(drop):
    A, candidates, strength = draw(4, largest=0.3)
    whole, gradient = Series(7, "logdet", 0.0).value_and_gradient(strength, candidates, 1)
    h, omega = Series(7, "logdet", drop).value_and_gradient(strength, candidates, 1)
    twos = 0.5 * np.trace(A @ A)
    assert twos - 1e-12 <= h <= whole
    assert (omega <= gradient + 1e-12).all()
    assert (omega >= A.T[candidates.parent, candidates.target]).all()


def test_strengths_that_vanish_on_the_way_neither_count_twice_nor_leave_the_scratch():
    d = 40
    candidates = Candidates.from_pairs(*np.nonzero(~np.eye(d, dtype=bool)), d)
    strength = np.full(candidates.n_edges, 1e-200)  # every path of two steps underflows to zero
    strength[candidates.parent == 0] = 0.5
    A = np.zeros((d, d))
    A[candidates.parent, candidates.target] = strength
    h, omega = Series(4, "logdet", 0.0).value_and_gradient(strength, candidates, 1)
    expected, gradient = dense(A, "logdet", 4)
    assert h == pytest.approx(expected, rel=RTOL)
    np.testing.assert_allclose(omega, gradient[candidates.parent, candidates.target], rtol=RTOL)


def test_threads_do_not_change_a_bit(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 8)
    _, candidates, strength = draw(6, d=40, filled=0.2)
    one, two = (Series(8, "logdet", 1e-3).value_and_gradient(strength, candidates, threads) for threads in (1, 2))
    assert one[0] == two[0]
    np.testing.assert_array_equal(one[1], two[1])


def test_without_candidates_h_is_zero():
    h, omega = Series(4, "exponential", 1e-3).value_and_gradient(np.empty(0), Candidates.from_pairs([], [], 5), 1)
    assert (h, omega.shape) == (0.0, (0,))


@pytest.mark.parametrize("terms", [2, 6])
def test_a_cycle_of_two_is_seen_whole_however_weak_it_is(terms):
    source, target = np.array([0, 1, 2, 3, 0, 4]), np.array([1, 0, 3, 2, 2, 1])
    candidates = Candidates.from_pairs(source, target, 5)
    strength = np.random.default_rng([41, 9]).uniform(1e-4, 1e-3, 6)
    (h, omega), (whole, slope) = (
        Series(terms, "logdet", drop).value_and_gradient(strength, candidates, 1) for drop in (0.01, 0.0)
    )
    assert h == pytest.approx(whole, rel=1e-3)  # two such cycles, joined by an edge, make none that counts
    assert h > 0
    np.testing.assert_allclose(omega, slope, rtol=1e-2)
