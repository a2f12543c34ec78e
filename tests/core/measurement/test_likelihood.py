"""The likelihood of genes measured with error: beside its formula, finite differences, and fits."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from tests.core.measurement.populations import population

from acyclome.core.measurement.likelihood import Fit, fit


@pytest.fixture(scope="module")
def seen():
    return population(1)


FINE = {"rounds": 500, "tol": 1e-7}


def away(parameters, seed=3, by=0.1):
    """Move the parameters off the truth."""
    rng = np.random.default_rng(seed)
    weight = parameters.weight + by * rng.standard_normal(len(parameters.weight))
    return parameters._replace(weight=weight, noise=parameters.noise * np.exp(by * rng.standard_normal(12)))


def as_seen(measured, parameters):
    """What another population would show of the same genes."""
    V = np.linalg.inv(Fit.at(measured, parameters).inverse)
    return measured._replace(R=V)


def test_it_is_the_gaussian_likelihood_of_what_is_measured(seen):
    here = Fit.at(seen.measured, away(seen.truth))
    rng = np.random.default_rng(5)
    X = rng.standard_normal((40, 12))
    V = np.linalg.inv(here.inverse)
    dense = multivariate_normal(np.zeros(12), V).logpdf(X).sum() + 40 * 6 * np.log(2 * np.pi)
    sample = seen.measured._replace(R=X.T @ X / 40, n_obs=40.0)
    assert Fit.at(sample, here.parameters).loss == pytest.approx(-dense)


def test_the_true_parameters_are_where_nothing_pulls(seen):
    here = Fit.at(seen.measured, seen.truth)
    np.testing.assert_allclose(here.covariance, seen.S, atol=1e-12)
    for slope in here.slopes:
        np.testing.assert_allclose(slope, 0.0, atol=1e-12)


def test_slopes_are_those_of_finite_differences(seen):
    start = away(seen.truth)
    slope, at_noise = Fit.at(seen.measured, start).slopes
    step = 1e-5

    def loss(**changed):
        return Fit.at(seen.measured, start._replace(**changed)).loss / seen.measured.n_obs

    for k in (0, 7, 15):
        by = step * (np.arange(16) == k)
        numeric = (loss(weight=start.weight + by) - loss(weight=start.weight - by)) / (2 * step)
        assert slope[start.target[k], start.source[k]] == pytest.approx(numeric, rel=1e-5, abs=1e-8)
    for j in (0, 5):
        by = step * (np.arange(12) == j)
        numeric = (loss(noise=start.noise + by) - loss(noise=start.noise - by)) / (2 * step)
        assert at_noise[j] == pytest.approx(numeric, rel=1e-5, abs=1e-8)


def test_a_fit_of_the_true_graph_to_the_population_is_the_truth(seen):
    found = fit(seen.measured, away(seen.truth, by=0.2), **FINE).parameters
    np.testing.assert_allclose(found.weight, seen.truth.weight, atol=2e-3)
    np.testing.assert_allclose(found.noise, seen.truth.noise, atol=5e-3)


def test_genes_seen_without_error_have_the_weights_of_least_squares():
    drawn = population(2)
    sure = drawn.measured._replace(R=drawn.S, loading=np.full(12, 0.9999))
    wrong = drawn.truth.keep(np.arange(16) != 4)  # least squares of a graph that is not the truth
    found = fit(sure, wrong, **FINE).parameters
    for j in range(12):
        of = found.target == j
        parents = found.source[of]
        expected = np.linalg.solve(drawn.S[np.ix_(parents, parents)], drawn.S[parents, j])
        np.testing.assert_allclose(found.weight[of], expected, atol=5e-3)


@pytest.mark.parametrize("left_out", [0, 6, 13])
@pytest.mark.parametrize(("loading", "within"), [(0.999, 0.1), (0.6, 0.5)])
def test_gains_and_losses_foretell_what_fits_bring(seen, left_out, loading, within):
    """Nearly to the digit where genes do not share their errors' information, and about so where they do."""
    weight = np.where(np.arange(16) == left_out, 0.15, seen.truth.weight)  # within the reach of a parabola
    sure = seen.measured._replace(loading=np.full(12, loading))
    measured = as_seen(sure, seen.truth._replace(weight=weight))
    whole = fit(measured, seen.truth, **FINE)
    without = fit(measured, seen.truth.keep(np.arange(16) != left_out), **FINE)
    brought = without.loss - whole.loss
    gain = without.gains()[seen.truth.target[left_out], seen.truth.source[left_out]]
    assert gain == pytest.approx(brought, rel=within)
    assert whole.losses()[left_out] == pytest.approx(brought, rel=within)


def test_no_gain_is_foretold_where_an_edge_is_or_would_close_a_cycle(seen):
    here = Fit.at(seen.measured, away(seen.truth))
    gain = here.gains()
    assert not gain[seen.truth.target, seen.truth.source].any()
    ancestors = np.linalg.inv(np.eye(12) - (seen.B != 0)) > 0.5  # row on column
    assert not gain[ancestors.T].any()


def test_genes_that_are_not_seen_stay_as_they_are(seen):
    loading = seen.measured.loading.copy()
    loading[3] = 0.0
    R = seen.measured.R.copy()
    R[3] = R[:, 3] = np.arange(12) == 3
    touching = (seen.truth.source == 3) | (seen.truth.target == 3)
    found = fit(seen.measured._replace(R=R, loading=loading), seen.truth.keep(~touching))
    assert np.isfinite(found.loss)
    assert not found.gains()[3].any()
