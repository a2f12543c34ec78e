"""What turning an edge costs, against four refits in float64."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.core.data import moments as moments_module
from acyclome.core.data.search_result import SearchResult
from acyclome.core.directions.interventional import reversal_losses


def dag_of(pairs, d):
    source, target = (np.array(side, np.int32) for side in (zip(*pairs, strict=True) if pairs else ((), ())))
    nothing = np.zeros(len(pairs))
    return SearchResult(source, target, nothing, nothing, np.arange(d, dtype=np.int32), np.ones(d), 0.0, 0.0)


def draw_pairs(seed, d):
    rng = np.random.default_rng([81, seed])
    name = rng.permutation(d)
    pairs = [(int(name[i]), int(name[j])) for j in range(d) for i in range(j) if rng.random() < 0.5]
    return [pairs[k] for k in rng.permutation(len(pairs))]


def parents(pairs, j):
    return [i for i, k in pairs if k == j]


@given(seed=st.integers(0, 10_000), lost=st.sampled_from([0, 7]))
def test_it_is_the_likelihood_of_four_refits(lab, seed, lost):
    d, n = 6, 200
    m = lab.moments_of(lab.draw_linear(seed, d, n, 2)[0], lost=lost)
    pairs = draw_pairs(seed, d)
    found = reversal_losses(m, dag_of(pairs, d))[0]
    R = np.asarray(m.R, float)
    for (i, j), loss in zip(pairs, found, strict=True):
        mine, theirs = parents(pairs, j), parents(pairs, i)
        rests = [lab.rest_of(R, j, [k for k in mine if k != i]), lab.rest_of(R, i, [*theirs, j])]
        now = [lab.rest_of(R, j, mine), lab.rest_of(R, i, theirs)]
        assert loss == pytest.approx((n - lost) / 2 * (np.log(rests).sum() - np.log(now).sum()), abs=1e-3)


@given(seed=st.integers(0, 10_000))
def test_with_equal_noise_it_is_what_four_refits_leave_over_twice_the_noise(lab, seed):
    d, n = 6, 200
    X = lab.draw_linear(seed, d, n, 2)[0] * np.random.default_rng([82, seed]).uniform(1.0, 5.0, d)
    m, pairs = lab.moments_of(X), draw_pairs(seed, d)
    R, variance = np.asarray(m.R, float), X.var(axis=0)
    now = variance * [lab.rest_of(R, j, parents(pairs, j)) for j in range(d)]
    found = reversal_losses(m, replace(dag_of(pairs, d), residual=now / variance), equal_noise=True)[0]
    for (i, j), loss in zip(pairs, found, strict=True):
        without = lab.rest_of(R, j, [k for k in parents(pairs, j) if k != i])
        turned = variance[j] * without + variance[i] * lab.rest_of(R, i, [*parents(pairs, i), j])
        assert loss == pytest.approx(n / 2 * (turned - now[i] - now[j]) / now.mean(), rel=1e-3, abs=1e-2)


@given(seed=st.integers(0, 10_000))
def test_covered_edges_turn_for_nothing(lab, seed):
    d = 6
    m = lab.moments_of(lab.draw_linear(seed, d, 100, 2)[0])
    pairs = draw_pairs(seed, d)
    for (i, j), loss in zip(pairs, reversal_losses(m, dag_of(pairs, d))[0], strict=True):
        if set(parents(pairs, j)) == {*parents(pairs, i), i}:
            assert loss == pytest.approx(0.0, abs=1e-3)


def test_an_empty_network_has_nothing_to_turn(lab):
    assert reversal_losses(lab.moments_of(lab.draw_linear(1, 6, 100)[0]), dag_of([], 6))[0].shape == (0,)


def test_correlations_that_are_not_held_give_the_same(lab, monkeypatch):
    X, pairs = lab.draw_linear(2, 6, 100, 2)[0], draw_pairs(2, 6)
    held = reversal_losses(lab.moments_of(X), dag_of(pairs, 6))[0]
    monkeypatch.setattr(moments_module, "WHOLE_GENES", 0)
    np.testing.assert_allclose(reversal_losses(lab.moments_of(X), dag_of(pairs, 6))[0], held, atol=1e-3)
