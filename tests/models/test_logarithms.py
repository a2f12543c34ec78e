"""Amounts and their logarithms: which of the two is nearer to normal."""

import numpy as np
from scipy.stats import norm

from acyclome.models.logarithms import gains_of_logarithms

N = 400


def test_gains_are_differences_of_normal_likelihoods():
    X = np.exp(np.random.default_rng(3).standard_normal((2, N))) * 20
    for x, gain in zip(X, gains_of_logarithms(X), strict=True):
        logs = np.log1p(x)
        of_values = np.sum(norm.logpdf(x, x.mean(), x.std()))
        of_logs = np.sum(norm.logpdf(logs, logs.mean(), logs.std()) + np.log(1 / (1 + x)))  # times d log(1 + x) / dx
        assert abs(gain - (of_logs - of_values) / N) < 1e-12
    assert gains_of_logarithms(np.ones((1, N))) == 0.0
