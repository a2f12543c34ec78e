"""Moments against numpy in float64; bits for any number of threads."""

from functools import partial

import numpy as np
import pytest

from acyclome.core.data import moments as module
from acyclome.core.data import standardized
from acyclome.core.data.confounders import Deconfounding
from acyclome.core.data.moments import correlate, correlations, scale_genes
from acyclome.errors import InputError

ATOL = 1e-5  # float32 sums of n products of order one


def expression(seed, n, d):
    rng = np.random.default_rng([31, seed])
    X = rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + rng.uniform(-5, 5, d)
    X.flags.writeable = False
    return X


def reader(X):
    return lambda a, b: X.T[a:b]


def moments(read, n_genes, threads=1, **options):
    return correlate(scale_genes(read, n_genes, threads=threads, **options), threads)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "d"), [(50, 7), (300, 40), (20, 60)])
def test_correlations_are_those_of_numpy(monkeypatch, n, d, dtype):
    monkeypatch.setattr(module, "PRECISE_GENES", 0 if dtype == np.float32 else d)
    X = expression(n, n, d)
    m = moments(reader(X), d)
    np.testing.assert_allclose(m.R, np.corrcoef(X.T), atol=ATOL)
    np.testing.assert_allclose(m.mean, X.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(m.scale, X.std(axis=0), rtol=1e-12)
    np.testing.assert_allclose(m.Z, ((X - X.mean(axis=0)) / X.std(axis=0)).T, atol=ATOL)
    assert (m.n_genes, m.n_obs, m.n_effective) == (d, n, n)
    assert m.Z.dtype == m.R.dtype == dtype


def test_correlations_are_symmetric_with_a_unit_diagonal(monkeypatch):
    monkeypatch.setattr(module, "panel_genes", lambda _: 16)
    R = moments(reader(expression(1, 100, 50)), 50).R
    np.testing.assert_array_equal(R, R.T)
    np.testing.assert_array_equal(R.diagonal(), 1)


@pytest.mark.parametrize("tile", [16, 1024])
def test_threads_do_not_change_a_bit(monkeypatch, tile):
    monkeypatch.setattr(module, "panel_genes", lambda _: tile)
    X = expression(2, 200, 70)
    one, two = (moments(reader(X), 70, threads=threads) for threads in (1, 2))
    for name in ("Z", "R", "mean", "scale"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_tiles_change_rounding_only(monkeypatch):
    Z = moments(reader(expression(3, 150, 70)), 70).Z
    whole = correlations(Z, 1)
    monkeypatch.setattr(module, "panel_genes", lambda _: 32)
    np.testing.assert_allclose(correlations(Z, 1), whole, atol=1e-6)


def test_a_constant_gene_correlates_with_nothing_not_even_itself():
    X = expression(4, 60, 5).copy()
    X[:, 2] = 0.1
    m = moments(reader(X.astype(np.float32)), 5)
    np.testing.assert_array_equal(m.Z[2], 0)
    np.testing.assert_array_equal(m.R[2], 0)
    np.testing.assert_array_equal(m.R[:, 2], 0)
    assert m.scale[2] == 0
    assert np.isfinite(m.R).all()


def test_lost_degrees_of_freedom_lower_the_effective_observations_to_two_at_least():
    X = expression(6, 30, 4)
    assert moments(reader(X), 4, lost=3).n_effective == 27
    assert moments(reader(X), 4, lost=100).n_effective == 2


def test_units_do_not_change_correlations():
    X = expression(7, 90, 8)
    scaled = X * 2.0 ** np.arange(-4, 4) + 0
    np.testing.assert_array_equal(moments(reader(scaled), 8).R, moments(reader(X), 8).R)
    np.testing.assert_allclose(moments(reader(X * 1e3 + 7), 8).R, moments(reader(X), 8).R, atol=ATOL)


def test_correlations_too_many_to_hold_are_formed_when_asked_for(monkeypatch):
    X = expression(8, 100, 30)
    held = moments(reader(X), 30)
    monkeypatch.setattr(module, "WHOLE_GENES", 29)
    monkeypatch.setattr(module, "PAIR_VALUES", 500)
    formed = moments(reader(X), 30)
    assert formed.R is None
    source, target = np.indices((30, 30)).reshape(2, -1)
    pool = np.array([3, 17, 4, 29])
    for name, given in (("pairs", (source, target)), ("rows", (4, 19)), ("rows", (4, 19, pool)), ("among", (pool,))):
        np.testing.assert_allclose(getattr(formed, name)(*given), getattr(held, name)(*given), atol=ATOL)


def test_skewness_is_the_third_standardized_moment():
    X = np.random.default_rng(33).exponential(size=(400, 5))
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(moments(reader(X), 5).skewness, (Z**3).mean(axis=0), rtol=1e-10)


@pytest.mark.parametrize("factors", [0, 2])
def test_genes_that_are_formed_as_they_are_asked_for_are_those_that_are_held(monkeypatch, factors):
    X, rng = expression(5, 300, 40), np.random.default_rng(6)
    deconfounding = Deconfounding(rng.standard_normal((factors, 300)))
    held = moments(reader(X), 40, deconfounding=deconfounding)
    monkeypatch.setattr(standardized, "HELD_BYTES", 0)
    formed = moments(reader(X), 40, threads=2, deconfounding=deconfounding)
    assert held.standardized.is_held
    assert not formed.standardized.is_held
    some = np.array([7, 3, 30])
    close = partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-12)
    exact = close if factors else np.testing.assert_array_equal  # products of other blocks round otherwise
    for name in ("R", "mean", "scale", "skewness", "own_scale"):
        exact(getattr(formed, name), getattr(held, name))
    exact(formed.standardized.genes(some), held.Z[some])
    exact(formed.standardized.columns(some), held.Z[:, some])
    assert not formed.standardized.is_held
    exact(formed.Z, held.Z)


@pytest.mark.parametrize("wrong", [np.inf, np.nan])
def test_values_that_are_not_finite_are_refused_with_their_gene(wrong):
    X = np.random.default_rng(3).normal(size=(4, 30))
    X[2, 7] = wrong
    with pytest.raises(InputError, match="Values of gene 2"):
        scale_genes(lambda a, b: X[a:b], 4)
