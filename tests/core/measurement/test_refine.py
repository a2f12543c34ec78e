"""Networks by the likelihood of what is measured: known answers, what is known of edges, and the expected moments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.measurement.populations import population

from acyclome.core.data.constraints import Constraints
from acyclome.core.graph.equivalence import is_dag
from acyclome.core.measurement.climb import climb, rules
from acyclome.core.measurement.likelihood import Fit, Measured, fit, sort
from acyclome.core.measurement.refine import expected_correlations

NOTHING = np.empty(0, np.int64)


@pytest.fixture(scope="module")
def seen():
    return population(1)


def empty(d=12):
    return sort(NOTHING, NOTHING, weight=np.empty(0), noise=np.ones(d))


def free(drawn, **known):
    constraints = Constraints.of_sources(np.ones(12, bool))
    constraints = Constraints(constraints.sources, constraints.tier, 12, **known)
    return rules(constraints, n_obs=drawn.measured.n_obs, gamma=1.0)


def test_a_blurred_cause_joins_its_effects_and_the_likelihood_parts_them():
    """z0 -> z1, z0 -> z2, z0 seen poorly: what is measured of the effects correlates given what is seen of it."""
    S = np.array([[1.0, 0.8, 0.8], [0.8, 1.0, 0.64], [0.8, 0.64, 1.0]])
    loading = np.array([0.5, 0.95, 0.95])
    R = S * np.outer(loading, loading)
    np.fill_diagonal(R, 1.0)
    assert abs(np.linalg.inv(R)[1, 2]) > 0.3
    measured = Measured(R, loading, 5000.0)
    known = rules(Constraints.none(3), n_obs=5000.0, gamma=1.0)
    full = sort(np.array([0, 0, 1]), np.array([1, 2, 2]), weight=np.array([0.5, 0.3, 0.5]), noise=np.ones(3))
    found = climb(measured, full, known=known).parameters
    assert set(zip(found.source, found.target, strict=True)) == {(0, 1), (0, 2)}
    np.testing.assert_allclose(found.weight, 0.8, atol=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_from_the_true_graph_of_a_population_nothing_moves(seed):
    drawn = population(seed, n=1e5)
    found = climb(drawn.measured, drawn.truth, known=free(drawn)).parameters
    np.testing.assert_array_equal(found.source, drawn.truth.source)
    np.testing.assert_array_equal(found.target, drawn.truth.target)


@pytest.mark.parametrize("seed", range(4))
def test_edges_that_were_left_out_come_back(seed):
    drawn = population(seed, n=1e5)
    left_out = np.arange(16) == 5
    found = climb(drawn.measured, drawn.truth.keep(~left_out), known=free(drawn)).parameters
    ends = drawn.truth.source[left_out][0], drawn.truth.target[left_out][0]
    assert ends in set(zip(found.source, found.target, strict=True))


@given(st.integers(0, 10_000))
def test_what_is_known_of_edges_holds_and_no_cycle_closes(seed):
    rng = np.random.default_rng(seed)
    drawn = population(seed, n=float(rng.integers(100, 5000)))
    place = np.argsort(drawn.order)
    ordered = [(a, b) for a in range(12) for b in range(12) if place[a] < place[b]]
    pairs = rng.permutation(ordered)[:9]
    keys = pairs[:, 1] * 12 + pairs[:, 0]
    sign = rng.choice([-1, 1], 3).astype(np.int8)
    by_key = np.argsort(keys[6:])
    required, forbidden = np.sort(keys[:3]), np.sort(keys[3:6])
    known = free(drawn, required=required, forbidden=forbidden, signed=keys[6:][by_key], sign=sign[by_key])
    start = sort(pairs[:3, 0], pairs[:3, 1], weight=np.zeros(3), noise=np.ones(12))
    found = climb(drawn.measured, start, known=known).parameters
    made = found.target * 12 + found.source
    assert is_dag(found.source, found.target, 12)
    assert np.isin(required, made).all()
    assert not np.isin(forbidden, made).any()
    for key, wanted in zip(keys[6:], sign, strict=True):
        assert (np.sign(found.weight[made == key]) == wanted).all()


def test_from_no_edge_climbing_finds_many_that_pay():
    for seed in range(5):
        drawn = population(seed)
        known = free(drawn)
        found = climb(drawn.measured, empty(), known=known)
        assert len(found.parameters.source) >= 8
        assert known.total(found) < known.total(fit(drawn.measured, empty())) - 100.0  # of 4,000 observations


def test_expected_moments_are_those_of_the_conditional_law(seen):
    """E[z z' | x], its mean over x whose covariance is R: var(z | x) + K R K', with the joint law written out."""
    rng = np.random.default_rng(4)
    weight = seen.truth.weight + 0.1 * rng.standard_normal(16)
    here = Fit.at(seen.measured, seen.truth._replace(weight=weight))
    S, C = here.covariance, np.diag(seen.measured.loading)
    V = C @ S @ C + np.eye(12) - C @ C
    K = S @ C @ np.linalg.inv(V)
    moments = S - K @ C @ S + K @ seen.measured.R @ K.T
    scale = np.sqrt(moments.diagonal())
    np.testing.assert_allclose(expected_correlations(here), moments / np.outer(scale, scale), atol=1e-10)


def test_where_the_network_is_right_what_is_expected_is_what_it_says(seen):
    np.testing.assert_allclose(expected_correlations(Fit.at(seen.measured, seen.truth)), seen.S, atol=1e-10)
