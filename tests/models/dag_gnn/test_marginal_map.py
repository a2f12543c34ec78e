"""Rising maps that make a gene normal: known maps, the optimum, and what has no slope."""

import numpy as np
import pytest
from scipy.special import ndtr

from acyclome.models.dag_gnn.marginal_map import LINE, fit_map

N = 2000
CURVES = {
    "exp": np.exp,
    "sinh": lambda u: np.sinh(1.5 * u),
    "tanh": lambda u: np.tanh(1.2 * u),
    "cube": lambda u: u**3 + 0.3 * u,
    "share": ndtr,
}


def drawn(curve, seed=1, n=N):
    u = np.random.default_rng([151, seed]).standard_normal(n)
    x = curve(u)
    return u, (x - x.mean()) / x.std()


def log_likelihood(g, x):
    return np.sum(-0.5 * g.values(x) ** 2 + g.log_slope(x))


@pytest.mark.parametrize("name", CURVES)
def test_a_rising_curve_of_a_normal_variable_is_taken_back(name):
    u, x = drawn(CURVES[name])
    g = fit_map(x)
    assert np.corrcoef(g.values(x), u)[0, 1] > 0.9975
    assert np.corrcoef(g.values(x), u)[0, 1] > np.corrcoef(x, u)[0, 1]
    assert g.values(x).mean() == pytest.approx(0.0, abs=1e-6)
    assert g.values(x).std() == pytest.approx(1.0, abs=1e-3)  # scaling all slopes is one way uphill


def test_normal_values_stay_as_they_are():
    assert sum(fit_map(drawn(lambda u: u, seed)[1]) is LINE for seed in range(20)) == 20


@pytest.mark.parametrize("name", CURVES)
def test_slopes_are_those_of_the_values_and_positive_everywhere(name):
    g = fit_map(drawn(CURVES[name])[1])
    x, h = np.linspace(-6.0, 6.0, 401), 1e-6
    np.testing.assert_allclose(
        np.exp(g.log_slope(x)), (g.values(x + h) - g.values(x - h)) / (2 * h), rtol=1e-4, atol=1e-4
    )
    assert (np.diff(g.values(x)) > 0).all()


@pytest.mark.parametrize("name", CURVES)
def test_no_other_slopes_are_likelier(name):
    x = drawn(CURVES[name])[1]
    g, rng = fit_map(x), np.random.default_rng(152)
    best = log_likelihood(g, x)
    for _ in range(30):
        other = g._replace(slopes=g.slopes * np.exp(0.05 * rng.standard_normal(len(g.slopes))))
        centered = other._replace(center=other.center - other.values(x).mean())
        assert log_likelihood(centered, x) < best + 1e-6


def test_values_that_return_and_few_values_get_a_line():
    rng = np.random.default_rng(153)
    for x in (rng.poisson(0.3, 500).astype(float), rng.exponential(size=15), rng.exponential(size=500).clip(0.2)):
        assert fit_map((x - x.mean()) / x.std()) is LINE
