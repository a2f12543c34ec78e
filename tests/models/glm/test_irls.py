"""Regressions of counts against the maximum that a general optimizer finds, closed forms, and limits."""

import numpy as np
import pytest
from scipy import special
from scipy.optimize import minimize

from acyclome.models.glm.irls import POISSON, Response, digamma, fit_sets, judge, score_tests, solve_cholesky, trigamma

N = 400
CLOSE = 1e-4  # of a log-likelihood of some hundreds


def response(y, size, *, binary=False, center=POISSON, width=0.0, ridge=1e-6):
    value, times = np.unique(y, return_counts=True)
    return Response(y, np.log(size), value, times.astype(float), binary, center, width, ridge)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng([90, 1])
    Z = rng.standard_normal((4, N))
    Z = ((Z - Z.mean(axis=1, keepdims=True)) / Z.std(axis=1, keepdims=True)).astype(np.float32)
    size = np.exp(0.3 * rng.standard_normal(N))
    mean = size * np.exp(0.7 + 0.5 * Z[0] - 0.3 * Z[1])
    return Z, size, mean, rng.negative_binomial(2.5, 1 / (1 + 0.4 * mean)).astype(float), (rng.random(N) < 0.4) * 1.0


def density(y, size, Z, beta, theta):
    """Log-likelihood of negative binomial counts written out, but for ``log y!``."""
    a, mean = np.exp(theta), size * np.exp(beta[0] + beta[1:] @ Z.astype(float))
    rising = special.gammaln(y + 1 / a) - special.gammaln(1 / a)
    return np.sum(rising + y * np.log(a * mean) - (y + 1 / a) * np.log1p(a * mean))


@pytest.mark.parametrize("causes", [[], [0], [0, 1], [2, 3, 0]])
def test_the_negative_binomial_fit_is_the_maximum(data, causes):
    Z, size, _, y, _ = data
    gene = response(y, size, center=-1.0, width=1.0, ridge=0.5)

    def minus(x):
        beta, theta = x[:-1], x[-1]
        return -density(y, size, Z[causes], beta, theta) + (theta + 1) ** 2 / 2 + np.sum(beta[1:] ** 2) / 4

    best = minimize(minus, np.append(np.zeros(len(causes) + 1), -1.0), method="BFGS")
    log_likelihood, beta, theta = fit_sets(gene, Z, np.array([causes], dtype=np.int64), 0.0, -1.0)
    assert log_likelihood[0] == pytest.approx(-best.fun, abs=CLOSE)
    np.testing.assert_allclose([*beta[0], theta[0]], best.x, atol=1e-3)


def test_the_logistic_fit_is_the_maximum(data):
    Z, size, _, _, seen = data
    gene = response(seen, size, binary=True, ridge=1e-6)
    sign = 2 * seen - 1

    def minus(beta):
        return np.sum(np.logaddexp(0, -sign * (np.log(size) + beta[0] + beta[1:] @ Z[:2].astype(float))))

    best = minimize(minus, np.zeros(3), method="BFGS")
    log_likelihood, beta, _ = fit_sets(gene, Z, np.array([[0, 1]]), 0.0, POISSON)
    assert log_likelihood[0] == pytest.approx(-best.fun, abs=CLOSE)
    np.testing.assert_allclose(beta[0], best.x, atol=1e-3)


def test_poisson_with_one_binary_cause_has_a_closed_form(data):
    """The fitted means are the counts over the size factors of either group."""
    _, size, mean, _, group = data
    y = np.random.default_rng([90, 2]).poisson(mean).astype(float)
    Z = ((group - group.mean()) / group.std()).astype(np.float32)[None]
    _, beta, _ = fit_sets(response(y, size, ridge=1e-9), Z, np.array([[0]]), 0.0, POISSON)
    low, high = (np.log(y[group == g].sum() / size[group == g].sum()) for g in (0.0, 1.0))
    assert beta[0, 1] * (Z.max() - Z.min()) == pytest.approx(high - low, abs=1e-4)


def test_without_dispersion_the_negative_binomial_is_poisson(data):
    Z, size, _, y, _ = data
    sets = np.array([[0, 1]])
    poisson, slopes, _ = fit_sets(response(y, size), Z, sets, 0.0, POISSON)
    for theta, far in ((-6.0, 20.0), (-8.5, 2.0)):
        found, beta, held = fit_sets(response(y, size), Z, sets, 0.0, theta)
        assert held[0] == theta
        assert found[0] == pytest.approx(poisson[0], abs=far)
        np.testing.assert_allclose(beta, slopes, atol=far / 500)


def test_derivatives_are_those_of_the_log_likelihood(data):
    Z, size, _, y, _ = data
    X, beta, step = np.concatenate([np.ones((1, N)), Z[:1]]), np.array([0.4, 0.2]), 1e-5
    gene = response(y, size, center=-1.0, width=0.7)
    slope, weight = np.empty(N), np.empty(N)
    values = [judge(gene, X, beta, -0.5 + k * step, slope, weight) for k in (-1, 0, 1)]
    assert values[1][1] == pytest.approx((values[2][0] - values[0][0]) / (2 * step), rel=1e-4)
    assert values[1][2] == pytest.approx((values[2][1] - values[0][1]) / (2 * step), rel=1e-4)
    judge(gene, X, beta, -0.5, slope, weight)
    uphill = float(X[1] @ slope) - gene.ridge * beta[1]
    around = [judge(gene, X, beta + np.array([0, k * step]), -0.5, np.empty(N), np.empty(N))[0] for k in (-1, 1)]
    assert uphill == pytest.approx((around[1] - around[0]) / (2 * step), rel=1e-4)


@pytest.mark.parametrize("binary", [True, False], ids=["logistic", "poisson"])
def test_of_a_canonical_link_the_fisher_weight_is_the_curvature_and_no_dispersion_counts(data, binary):
    _, size, _, y, _ = data
    X, beta, step = np.ones((1, N)), np.array([0.4]), 1e-5
    gene, slopes, weight = response(y, size, binary=binary), np.empty((2, N)), np.empty(N)
    for k in range(2):
        judge(gene, X, beta + (k - 0.5) * step, POISSON, slopes[k], weight)
    value, first, second = judge(gene, X, beta, POISSON, np.empty(N), weight)
    np.testing.assert_allclose(weight, (slopes[0] - slopes[1]) / step, rtol=1e-4)
    assert value == judge(gene, X, beta, POISSON + 1.0, np.empty(N), np.empty(N))[0]
    assert first == second == 0.0  # so that the value is the same


def test_a_step_solves_the_normal_equations_and_promises_what_they_say():
    rng = np.random.default_rng([90, 4])
    X, slope = rng.standard_normal((5, 40)), rng.standard_normal(5)
    H, step = X @ X.T, slope.copy()
    promised = solve_cholesky(np.tril(H), step)
    np.testing.assert_allclose(step, np.linalg.solve(H, slope), rtol=1e-9)
    assert promised == pytest.approx(slope @ np.linalg.solve(H, slope), rel=1e-9)


def test_the_score_test_is_what_a_weak_cause_gains(data):
    Z, size, mean, *_ = data
    rng = np.random.default_rng([90, 3])
    y = rng.negative_binomial(2.5, 1 / (1 + 0.4 * mean * np.exp(0.1 * Z[2]))).astype(float)
    gene = response(y, size, center=-1.0, width=1.0)
    log_likelihood, beta, theta = fit_sets(gene, Z, np.array([[0, 1], [0, 1]]), 0.0, -1.0)
    more = fit_sets(gene, Z, np.array([[0, 1, 2], [0, 1, 3]]), 0.0, -1.0)[0]
    promised = score_tests(gene, Z, np.array([0, 1]), np.array([2, 3]), beta[0], theta[0])
    np.testing.assert_allclose(promised, more - log_likelihood, rtol=0.15, atol=0.05)


def test_a_cause_that_separates_the_counts_keeps_a_finite_slope():
    y = np.repeat([0.0, 5.0], 50)
    Z = np.repeat([-1.0, 1.0], 50).astype(np.float32)[None]
    for binary in (True, False):
        gene = response(y, np.ones(100), binary=binary, ridge=1.0)
        log_likelihood, beta, _ = fit_sets(gene, Z, np.array([[0]]), 0.0, POISSON)
        assert np.isfinite(log_likelihood[0])
        assert 1 < beta[0, 1] < 10


def test_gamma_derivatives():
    x = np.array([1e-3, 0.3, 1.0, 7.9, 8.1, 1e4])
    np.testing.assert_allclose([digamma(at) for at in x], special.digamma(x), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose([trigamma(at) for at in x], special.polygamma(1, x), rtol=1e-9, atol=1e-9)
