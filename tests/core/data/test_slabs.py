"""Moments of sparse genes in slabs of observations: those of the whole, dense."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from tests.core.data.cells import draw_cells

from acyclome.core.data import slabs as module
from acyclome.core.data.moments import correlate, correlations, scale_genes
from acyclome.core.data.slabs import SparseGenes, describe, standardize_slabs
from acyclome.core.data.standardized import Standardized, write_scaled

D, N = 300, 5_000
CUTS = (0, 2_000, 3_500, N)


@pytest.fixture(scope="module")
def genes():
    return draw_cells(D, N, level=-2.0, seed=8)


def cut(X, cuts=CUTS):
    parts = [sp.csr_matrix(X[:, a:b]) for a, b in itertools.pairwise(cuts)]
    return lambda: iter(parts)


def sparse(X, cuts=CUTS, *, dtype=np.float32):
    mean, scale, _, seen = describe(cut(X), D)
    return SparseGenes(cut(X, cuts), mean, scale, seen, N, np.dtype(dtype))


def test_moments_are_those_of_the_whole(genes):
    mean, scale, skewness, seen = describe(cut(genes), D)
    X = genes.astype(np.float64)
    varies = X.std(axis=1) > 1e-7
    np.testing.assert_allclose(mean, X.mean(axis=1), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(scale[varies], X.std(axis=1)[varies], rtol=1e-10)
    Z = (X[varies] - X[varies].mean(axis=1, keepdims=True)) / X[varies].std(axis=1, keepdims=True)
    np.testing.assert_allclose(skewness[varies], np.mean(Z**3, axis=1), rtol=1e-8)
    np.testing.assert_array_equal(seen, np.count_nonzero(X, axis=1))
    assert (scale[[7, 8]] == 0).all()
    assert (skewness[[7, 8]] == 0).all()


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-6), (np.float64, 1e-12)])
@pytest.mark.parametrize("dense", [0.05, 0.4, 2.0])
def test_correlations_are_those_of_the_whole(genes, dtype, tolerance, dense, monkeypatch):
    monkeypatch.setattr(module, "DENSE", dense)
    monkeypatch.setattr(module, "TILE", 70)
    found = sparse(genes, dtype=dtype)
    R, varies = found.correlate(1), found.scale > 0
    expected = np.zeros((D, D))
    expected[np.ix_(varies, varies)] = np.corrcoef(genes[varies].astype(np.float64))
    np.testing.assert_allclose(R, expected, atol=tolerance)
    np.testing.assert_array_equal(R, R.T)
    np.testing.assert_array_equal(R.diagonal(), varies)
    assert R.dtype == dtype


def test_some_observations_of_all_genes_have_the_bits_of_whole_genes_and_take_none_of_these(genes):
    def refuse(*_):
        raise AssertionError("whole genes were formed")

    X = genes.astype(np.float32)
    as_asked = Standardized(lambda a, b: X[a:b], (D, N), np.float32)
    rows = standardize_slabs(cut(X), lambda a, b: X[a:b], as_asked)[0]
    index = np.array([4_999, 0, 2_001, 7, 3_499, 3_500])
    expected = rows.block(0, D)[:, index]
    np.testing.assert_array_equal(replace(rows, form=refuse).columns(index), expected)


def test_threads_change_no_bit(genes):
    np.testing.assert_array_equal(sparse(genes).correlate(1), sparse(genes).correlate(3))


def test_whether_somebody_asked_for_all_genes_before_changes_no_bit(genes):
    X = genes.astype(np.float32)
    formed, held = (
        standardize_slabs(cut(X), lambda a, b: X[a:b], Standardized(lambda a, b: X[a:b], (D, N), np.float32))[0]
        for _ in range(2)
    )
    assert held.whole.shape == (D, N)
    np.testing.assert_array_equal(correlations(formed, 1), correlations(held, 1))
    one, two = (rows.columns(np.arange(0, N, 7)) for rows in (formed, held))
    np.testing.assert_array_equal(one, two)
    assert one.strides == two.strides  # by which sums over them go


def test_genes_that_could_be_held_are_multiplied_by_what_is_seen_where_that_is_cheaper(genes, monkeypatch):
    X = genes.astype(np.float32)

    def moments(X, **given):
        given = {"slabs": cut(X), **given}
        return correlate(scale_genes(lambda a, b: X[a:b], len(X), **given), 1)

    assert moments(X).standardized.is_array  # of a second nothing can be saved
    monkeypatch.setattr(module, "WORTH", 0.0)
    found, dense = moments(X), moments(X, slabs=None)
    assert found.standardized.sparse is not None
    assert not found.standardized.is_held
    assert dense.standardized.is_array
    for name in ("R", "mean", "scale", "skewness"):
        np.testing.assert_allclose(getattr(found, name), getattr(dense, name), rtol=1e-7, atol=1e-12)
    np.testing.assert_array_equal(found.Z, standardize_again(X, found))
    assert moments(X + 1.0).standardized.is_array  # all of which are seen
    assert moments(X[:, :200], slabs=cut(X[:, :200], (0, 200))).standardized.is_array  # fewer than genes
    assert moments(X, size=np.ones(N)).standardized.is_array


def standardize_again(X, found):
    Z = np.empty(X.shape)
    write_scaled(X, found.mean, found.scale, Z)
    return Z


def test_what_products_take_is_counted(monkeypatch):
    monkeypatch.setattr(module, "DENSE", 0.5)
    assert module.share_of_products(np.full(10, 100), 100) == 1.0
    assert module.share_of_products(np.full(10, 25), 100) == 0.5
    assert module.share_of_products(np.array([100, 0]), 100) == pytest.approx(1 / 3)  # the one with itself
