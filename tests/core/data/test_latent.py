"""Latent expression behind counts: moments, scores and correlations against the values that were counted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import gammaln

from acyclome.core.data.latent import LEAST_CORRELATION, latent_correlations, latent_scores
from acyclome.core.data.moments import correlate, scale_genes

N = 40_000


def counted(z, depth, spread, size=None, seed=0):
    """Counts of values ``(d, n)`` of variance 1, with the given means; size factors of mean 1."""
    rng = np.random.default_rng([83, seed])
    size = np.ones(z.shape[1]) if size is None else size
    return rng.poisson(size * depth[:, None] * np.exp(spread[:, None] * z - spread[:, None] ** 2 / 2)).astype(float)


def chain(n, seed=0):
    rng = np.random.default_rng([84, seed])
    z = rng.standard_normal((4, n))
    z[1] = 0.8 * z[0] + 0.6 * z[1]
    z[2] = -0.7 * z[1] + np.sqrt(1 - 0.49) * z[2]
    return z  # the last is apart


DEPTH, SPREAD = np.array([1.0, 3.0, 0.7, 2.0]), np.array([0.7, 0.5, 0.8, 0.4])


def sizes(n):
    s = np.exp(0.4 * np.random.default_rng(5).standard_normal(n))
    return s / s.mean()


def test_means_and_spreads_of_the_latent_logarithm_come_back():
    size = sizes(N)
    found = latent_scores(counted(chain(N), DEPTH, SPREAD, size), size)
    np.testing.assert_allclose(found.spread, SPREAD, rtol=0.05)
    np.testing.assert_allclose(found.log_mean, np.log(DEPTH) - SPREAD**2 / 2, atol=0.03)


def test_correlations_are_those_of_the_values_that_were_counted():
    z, size = chain(N), sizes(N)
    found = latent_scores(counted(z, DEPTH, SPREAD, size), size)
    seen = np.corrcoef(found.Z)
    R = latent_correlations(seen, found.hermite, N).R
    np.testing.assert_allclose(R, np.corrcoef(z), atol=0.04)
    assert np.abs(seen[0, 1]) < 0.5 * R[0, 1]  # what counting took of it


def test_scores_are_the_means_of_the_posterior():
    size = sizes(500)
    y = counted(chain(500), DEPTH, SPREAD, size)
    found = latent_scores(y, size)
    z = np.linspace(-8, 8, 4001)
    for g in range(len(y)):
        log_rate = np.log(size)[:, None] + found.log_mean[g] + found.spread[g] * z
        log_p = y[g][:, None] * log_rate - np.exp(log_rate) - gammaln(y[g] + 1)[:, None] - z**2 / 2
        p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
        mean = p @ z / p.sum(axis=1)
        np.testing.assert_allclose(found.Z[g], (mean - mean.mean()) / mean.std(), atol=0.01)


def test_scores_follow_the_values_as_the_first_hermite_coefficient_says():
    z, size = chain(N), sizes(N)
    found = latent_scores(counted(z, DEPTH, SPREAD, size), size)
    seen = (found.Z * z).mean(axis=1) / z.std(axis=1)
    np.testing.assert_allclose(seen, found.hermite[0], atol=0.02)


def test_deep_counts_are_their_logarithms():
    z = chain(2000)
    y = counted(z, np.full(4, 400.0), SPREAD)
    found = latent_scores(y, np.ones(2000))
    for g in range(4):
        assert np.corrcoef(found.Z[g], np.log(np.maximum(y[g], 0.5)))[0, 1] > 0.999
    assert (found.hermite[0] > 0.98).all()
    R, worth, _ = latent_correlations(np.corrcoef(found.Z), found.hermite, 2000)
    np.testing.assert_allclose(R, np.corrcoef(z), atol=0.05)
    assert worth > 1000


def test_genes_that_only_counting_moves_have_no_latent_variance_and_no_correlation():
    rng = np.random.default_rng(8)
    size = sizes(N)
    y = rng.poisson(size * np.array([[0.3], [1.0], [4.0]])).astype(float)
    found = latent_scores(y, size)
    assert (found.spread < 0.2).all()
    R = latent_correlations(np.corrcoef(found.Z), found.hermite, N).R
    assert np.abs(R - np.eye(3)).max() < LEAST_CORRELATION  # of chance; its sampling deviation is half of that at most


def test_no_pair_counts_for_more_than_all_observations_and_shallow_ones_for_few():
    z = chain(4000)
    deep, shallow = (latent_scores(counted(z, DEPTH * f, SPREAD), np.ones(4000)) for f in (100.0, 0.1))
    worth = [latent_correlations(np.corrcoef(one.Z), one.hermite, 4000).worth for one in (deep, shallow)]
    assert 4000 >= worth[0] > 5 * worth[1]


def test_correlations_are_positive_definite_with_a_unit_diagonal():
    rng = np.random.default_rng(9)
    y = rng.poisson(0.2, size=(60, 100)).astype(float)
    found = latent_scores(y, np.ones(100))
    R, worth, _ = latent_correlations(np.corrcoef(found.Z), found.hermite, 100)
    assert np.linalg.eigvalsh(R).min() > 0
    np.testing.assert_array_equal(R, R.T)
    np.testing.assert_array_equal(R.diagonal(), 1.0)
    assert 2 <= worth <= 100


def test_a_gene_without_counts_is_no_gene():
    y = np.vstack([counted(chain(300), DEPTH, SPREAD), np.zeros((1, 300))])
    data = correlate(scale_genes(lambda a, b: y[a:b], 5, size=np.ones(300), is_latent=True), 1)
    assert data.scale[4] == 0
    assert not data.Z[4].any()
    np.testing.assert_array_equal(data.R[4], 0.0)
    np.testing.assert_array_equal(data.R[:, 4], 0.0)


@pytest.mark.parametrize("threads", [2, 3])
def test_bits_do_not_depend_on_threads(threads):
    y = np.random.default_rng(4).poisson(1.0, size=(150, 200)).astype(float)
    one, more = (
        correlate(scale_genes(lambda a, b: y[a:b], 150, size=sizes(200), is_latent=True, threads=t), t)
        for t in (1, threads)
    )
    for name in ("Z", "R", "mean", "scale", "hermite"):
        np.testing.assert_array_equal(getattr(one, name), getattr(more, name))
    assert one.n_effective == more.n_effective


def test_of_more_genes_correlations_are_worth_more_up_to_all_observations():
    rng = np.random.default_rng(6)
    y = rng.poisson(np.exp(0.6 * rng.standard_normal((600, 1500)))).astype(float)
    found = latent_scores(y, np.ones(1500))
    seen = np.corrcoef(found.Z)
    few, more = (latent_correlations(seen[:k, :k], found.hermite[:, :k], 1500).worth for k in (300, 600))
    assert 1.5 * few < more <= 1500
