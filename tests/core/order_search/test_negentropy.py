"""Negentropy and what it is worth: its law for Gaussian noise, known cases, an independent residual."""

import numpy as np
import pytest

from acyclome.core.order_search.negentropy import least_gain, negentropy, noise_gain

DRAWS, N_OBS = 4000, 300
NOISE = {
    "exponential": lambda rng, n: rng.exponential(size=n),
    "laplace": lambda rng, n: rng.laplace(size=n),
    "uniform": lambda rng, n: rng.uniform(size=n),
}


def standard(x):
    return (x - x.mean()) / x.std()


def gain(Z, j, causes, least=0.0, out=()):
    Z = np.ascontiguousarray(Z, dtype=np.float32)
    causes, p = np.array(causes, dtype=np.int32), len(causes)
    out, n = np.array(out, dtype=np.int64), Z.shape[1]
    return noise_gain(Z, j, causes, out, n - len(out), least, np.empty(n, np.float32), np.empty((p + 1, max(p, 1))))


def test_gaussian_noise_exceeds_t_with_the_chance_exp_minus_t():
    rng = np.random.default_rng(61)
    found = np.array([N_OBS * negentropy(standard(rng.standard_normal(N_OBS)), 1.0) for _ in range(DRAWS)])
    for t in (1.0, 2.0, 3.0):
        chance = np.exp(-t)
        assert abs((found > t).mean() - chance) < 4 * np.sqrt(chance / DRAWS)


@pytest.mark.parametrize("kind", NOISE)
def test_mixing_brings_noise_closer_to_gaussian(kind):
    rng = np.random.default_rng(62)
    one, other = (standard(NOISE[kind](rng, 20_000)) for _ in range(2))
    alone, mixed = negentropy(one, 1.0), negentropy(standard(one + other), 1.0)
    assert 0.0 < mixed < 0.6 * alone


def test_the_scale_of_noise_does_not_matter():
    u = standard(np.random.default_rng(63).exponential(size=500))
    assert negentropy(7.0 * u, 7.0) == pytest.approx(negentropy(u, 1.0), rel=1e-12)


def test_the_gain_is_that_of_the_least_squares_residual():
    rng = np.random.default_rng(64)
    Z = np.array([standard(x) for x in rng.exponential(size=(4, 400)) + rng.exponential(size=400)])
    weights = np.linalg.lstsq(Z[:3].T, Z[3], rcond=None)[0]
    expected = 400 * negentropy(standard(Z[3] - weights @ Z[:3]), 1.0)
    assert gain(Z, 3, [0, 1, 2]) == pytest.approx(expected, rel=1e-4)


def test_the_noise_of_a_gene_is_read_in_its_own_observations():
    rng = np.random.default_rng(66)
    Z = np.array([standard(x) for x in rng.exponential(size=(4, 400)) + rng.exponential(size=400)])
    out = np.sort(rng.permutation(400)[:150])
    own = np.delete(Z, out, axis=1)
    A = np.vstack([own[:3], np.ones(250)])
    left = own[3] - np.linalg.lstsq(A.T, own[3], rcond=None)[0] @ A
    assert gain(Z, 3, [0, 1, 2], out=out) == pytest.approx(250 * negentropy(standard(left), 1.0), rel=1e-3)
    assert gain(Z, 3, [0, 1], out=np.arange(395)) == 0.0


def test_noise_that_could_be_gaussian_gains_nothing():
    rng = np.random.default_rng(65)
    Z = np.array([standard(x) for x in rng.standard_normal((50, 300))])
    least = least_gain(300, 50)
    assert [gain(Z, j, [(j + 1) % 50], least) for j in range(50)] == [0.0] * 50


def test_with_more_genes_noise_of_none_counts_as_measurably_not_gaussian_more_often():
    for d in (1, 50, 20_000):  # P(n J > t) = exp(-t), times the number of genes
        assert d * np.exp(-least_gain(300, d)) == pytest.approx(1 / 300)
