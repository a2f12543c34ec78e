"""Sortability: against the measuring tools, and where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from acyclome.evaluate.simulate import simulate
from acyclome.evaluate.sortability import r2_from_correlation, r2_values, sortability


def dense(s):
    W = np.zeros((len(s.genes), len(s.genes)), bool)
    W[s.source, s.target] = True
    return W


@pytest.mark.parametrize("graph", ["er", "hub", "scale-free"])
@pytest.mark.parametrize("seed", [1, 2])
def test_sortability_matches_the_measuring_tool(bench, graph, seed):
    s = simulate(60, 200, graph=graph, parent_share=None, seed=seed)
    metrics = bench("metrics")
    ours = (sortability(s.source, s.target, values) for values in (np.var(s.X, axis=0), r2_values(s.X)))
    assert next(ours) == pytest.approx(metrics.varsortability(s.X, dense(s)))
    assert next(ours) == pytest.approx(metrics.r2_sortability(s.X, dense(s)))


@pytest.mark.parametrize("max_length", [1, 2, 3])
def test_capped_sortability_matches_the_measuring_tool(bench, max_length):
    s = simulate(50, 100, degree=3, seed=3)
    values = np.random.default_rng(0).uniform(1, 2, 50)
    theirs = bench("metrics").sortability(dense(s), values, max_len=max_length)
    assert sortability(s.source, s.target, values, max_length=max_length) == pytest.approx(theirs)


@pytest.mark.parametrize(("n", "d", "shrinkage"), [(200, 20, None), (60, 50, None), (30, 90, None), (40, 120, 0.3)])
def test_r2_values_match_the_plain_inverse(bench, n, d, shrinkage):
    X = simulate(d, n, seed=4).X
    np.testing.assert_allclose(r2_values(X, shrinkage), bench("metrics").r2_values(X, shrinkage), rtol=1e-8, atol=1e-10)


def test_r2_is_that_of_a_regression_on_all_other_columns():
    X = simulate(8, 500, seed=5).X
    Z = X - X.mean(axis=0)
    others = np.delete(Z, 3, axis=1)
    rest = Z[:, 3] - others @ np.linalg.lstsq(others, Z[:, 3], rcond=None)[0]
    assert r2_values(X, 1e-10)[3] == pytest.approx(1 - rest.var() / Z[:, 3].var(), abs=1e-7)
    assert r2_from_correlation(np.corrcoef(X.T), 1e-10)[3] == pytest.approx(r2_values(X, 1e-10)[3])


def test_units_do_not_move_r2():
    X = simulate(30, 100, seed=6).X
    np.testing.assert_allclose(r2_values(X), r2_values(X * np.logspace(-5, 5, 30) + 3.0), rtol=1e-6, atol=1e-9)


def test_rising_falling_and_tied_values_along_a_chain():
    source, target = np.arange(4), np.arange(1, 5)
    rising = np.arange(1.0, 6.0)
    assert sortability(source, target, rising) == 1.0
    assert sortability(source, target, rising[::-1]) == 0.0
    assert sortability(source, target, np.ones(5)) == 0.5


def test_reversing_the_values_gives_the_complement():
    s = simulate(200, 2, seed=7)
    values = np.random.default_rng(1).uniform(1, 2, 200)
    up, down = sortability(s.source, s.target, values), sortability(s.source, s.target, 1 / values)
    assert up + down == pytest.approx(1.0)


def test_every_path_length_counts_once():
    source, target = np.array([0, 0, 1]), np.array([1, 2, 2])  # 0 reaches 2 by one step and by two
    assert sortability(source, target, np.array([2.0, 1.0, 3.0])) == pytest.approx(3 / 4)


def test_raw_simulations_are_var_sortable_and_standardised_ones_are_not():
    raw = simulate(300, 400, parent_share=None, seed=11)
    assert sortability(raw.source, raw.target, np.var(raw.X, axis=0)) > 0.9
    scaled = simulate(300, 400, parent_share=None, seed=11, standardised=True)
    assert sortability(scaled.source, scaled.target, np.var(scaled.X, axis=0)) == 0.5


def test_no_edges_no_answer_and_bad_values_are_refused():
    nothing = np.empty(0, np.int64)
    assert np.isnan(sortability(nothing, nothing, np.ones(3)))
    with pytest.raises(ValueError, match="1 of 3 values"):
        sortability(nothing, nothing, np.array([1.0, 0.0, 2.0]))
    with pytest.raises(ValueError, match="1 of 2 columns are constant"):
        r2_values(np.array([[1.0, 2.0], [1.0, 3.0], [1.0, 5.0]]))
