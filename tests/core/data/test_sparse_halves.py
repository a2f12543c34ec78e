"""Products of sparse genes over half-samples: those of the observations of the half, dense."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from tests.core.data.cells import draw_cells

from acyclome.core.data import slabs, sparse_halves
from acyclome.core.data.halves import Half, HalfSums, Halving, packed_size
from acyclome.core.data.slabs import SparseGenes, describe
from acyclome.core.data.sparse_halves import sum_sparse_halves

D, N = 300, 2_001  # three panels, and an observation that no half has
PATTERNS = [0, 5, 15]


@pytest.fixture(scope="module")
def genes():
    return draw_cells(D, N, level=-1.0, seed=18)


@pytest.fixture(scope="module")
def halving():
    return Halving.deal(np.random.default_rng(19).permutation(N))


def sums_of(X, halving, *, cuts=(0, 700, 1_500, N), dtype=np.float32, threads=1):
    """Return the sums over half-samples, kept in memory, from slabs that end at ``cuts``."""
    parts = [sp.csr_matrix(X[:, a:b]) for a, b in itertools.pairwise(cuts)]
    mean, scale, _, seen = describe(lambda: iter([sp.csr_matrix(X)]), D)
    sparse = SparseGenes(lambda: iter(parts), mean, scale, seen, N, np.dtype(dtype))
    held = np.full((1 + len(PATTERNS), packed_size(D)), np.nan, dtype)

    def write(row, start, values):
        held[row, start : start + len(values)] = values

    sums = sum_sparse_halves(sparse, halving, PATTERNS, write=write, room=np.zeros, threads=threads)
    return HalfSums(halving, PATTERNS, lambda k, start, size: held[k, start : start + size], *sums, sparse.rising)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 3e-6), (np.float64, 1e-12)])
@pytest.mark.parametrize("dense", [0.05, 0.4, 2.0])
def test_correlations_are_those_of_the_observations_of_the_half(genes, halving, dtype, tolerance, dense, monkeypatch):
    monkeypatch.setattr(slabs, "DENSE", dense)
    monkeypatch.setattr(slabs, "TILE", 70)
    monkeypatch.setattr(sparse_halves, "HEIGHT", 128)
    sums = sums_of(genes, halving, dtype=dtype)
    for half in itertools.starmap(Half, itertools.product(PATTERNS, [False, True])):
        R, X = sums.correlations(half), genes[:, halving.rows(half)].astype(np.float64)
        varies, expected = X.std(axis=1) > 1e-7, np.zeros((D, D))
        expected[np.ix_(varies, varies)] = np.corrcoef(X[varies])
        np.testing.assert_allclose(R, expected, atol=tolerance)
        np.testing.assert_array_equal(R, R.T)
        np.testing.assert_array_equal(R.diagonal(), varies)
        assert R.dtype == dtype


@pytest.mark.parametrize(("cuts", "threads"), [((0, N), 1), ((0, 1, 2_000, N), 2), (range(0, N + 1, 3), 3)])
def test_neither_slabs_nor_threads_change_a_bit(genes, halving, cuts, threads):
    one, other = sums_of(genes, halving), sums_of(genes, halving, cuts=cuts, threads=threads)
    for half in itertools.starmap(Half, itertools.product(PATTERNS, [False, True])):
        np.testing.assert_array_equal(one.correlations(half), other.correlations(half))
