"""Facts about the number of modules, and about enrichment."""

import numpy as np
import pytest
from scipy import stats

from acyclome.core.modules.enrichment import enrichment, overlaps
from acyclome.core.modules.find import Visible
from acyclome.core.modules.path import PathPoint, elbow, log_likelihood, regularisation_path


def test_the_elbow_is_the_number_that_was_drawn(Z):
    numbers = (2, 4, 6, 8, 12, 20)
    path = regularisation_path(Z, np.ones(len(Z)), visible=Visible.none(len(Z)), seed=0, numbers=numbers)
    assert elbow(path) == 6
    assert path[-1].number < 20  # hardly anything was gained before


def test_the_elbow_takes_the_fewest_within_two_standard_errors():
    path = [PathPoint(k, k, score, 0.1, 0.5, 1.0, 0.8) for k, score in ((5, -2.0), (10, -1.15), (20, -1.0), (30, -1.1))]
    assert elbow(path) == 10


def test_the_likelihood_is_that_of_the_gaussian_with_the_covariance_of_factors(Z, learned):
    A = learned.scores / learned.scores.std(axis=1, keepdims=True)
    prior = 0.9 * (A @ A.T) / A.shape[1] + 0.1 * np.eye(6)
    cov = learned.loadings @ prior @ learned.loadings.T + np.diag(learned.unique)
    expected = stats.multivariate_normal(np.zeros(len(Z)), cov).logpdf(Z[:, :5].T)
    np.testing.assert_allclose(log_likelihood(Z[:, :5], learned), expected, rtol=1e-9)


def test_enrichment_is_fishers_exact_test():
    rng = np.random.default_rng(0)
    members, sets = rng.random((80, 2)) < 0.2, rng.random((80, 3)) < 0.3
    p, q = enrichment(members, sets)
    for k in range(2):
        for s in range(3):
            table = [[np.sum(members[:, k] & sets[:, s]), np.sum(members[:, k] & ~sets[:, s])]]
            table.append([np.sum(~members[:, k] & sets[:, s]), np.sum(~members[:, k] & ~sets[:, s])])
            assert p[k, s] == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue)
    assert np.all(q >= p)


def test_a_module_that_is_its_set_overlaps_wholly():
    members = np.array([[True, False], [True, False], [False, True]])
    np.testing.assert_array_equal(overlaps(members, members), np.eye(2))
