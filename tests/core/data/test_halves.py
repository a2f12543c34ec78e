"""Half-samples from shared sums against those standardised by themselves, and how they are dealt out."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.core.data import halves
from acyclome.core.data.halves import PAIRED, Half, HalfSums, Halving, packed_size, sum_halves
from acyclome.core.data.moments import correlations
from acyclome.core.data.standardized import standardize

ATOL = {np.float64: 1e-13, np.float32: 3e-6}  # sums of some hundred products of order one


def summed(X, halving, patterns, *, dtype=np.float64, threads=1):
    """Return the sums over half-samples of expression ``(d, n)``, which are kept in memory."""
    Z = np.empty(X.shape, dtype)
    standardize(lambda a, b: X[a:b], Z, 1)
    held, order = np.empty((1 + len(patterns), packed_size(len(Z))), dtype), halving.order()

    def write(row, start, values):
        held[row, start : start + len(values)] = values

    sums = sum_halves(lambda a, b: Z[a:b][:, order], halving, patterns, n_genes=len(Z), write=write, threads=threads)
    return HalfSums(
        halving, patterns, lambda row, start, size: held[row, start : start + size], *sums, np.arange(len(Z))
    )


def expression(seed, d, n):
    rng = np.random.default_rng([77, seed])
    return rng.standard_normal((d, d)) @ rng.standard_normal((d, n)) + rng.uniform(-5, 5, (d, 1))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("d", "n"), [(7, 321), (150, 100)])
def test_correlations_are_those_of_the_observations_of_the_half(monkeypatch, d, n, dtype):
    monkeypatch.setattr(halves, "SUBTILE", 64)
    monkeypatch.setattr(halves, "panel_genes", lambda _: 128)
    X, halving = expression(1, d, n), Halving.deal(np.random.default_rng(2).permutation(n))
    sums = summed(X, halving, [0, 5, 15], dtype=dtype)
    for half in itertools.starmap(Half, itertools.product([0, 5, 15], [False, True])):
        R = sums.correlations(half)
        np.testing.assert_allclose(R, np.corrcoef(X[:, halving.rows(half)]), atol=ATOL[dtype])
        np.testing.assert_array_equal(R, R.T)
        assert R.dtype == dtype
        assert (R.diagonal() == 1).all()


def test_a_gene_that_one_half_alone_varies_in_correlates_with_nothing_in_the_other():
    halving, half = Halving.deal(np.random.default_rng(3).permutation(200)), Half(3, is_second=True)
    X = expression(4, 6, 200)
    X[2, halving.rows(half)] = 100.0  # far from the others
    sums = summed(X, halving, [3])
    R = sums.correlations(half)
    assert not R[2].any()
    assert not R[:, 2].any()
    assert sums.correlations(Half(3, is_second=False))[2, 2] == 1


def test_neither_threads_nor_the_patterns_asked_for_change_a_bit(monkeypatch):
    monkeypatch.setattr(halves, "panel_genes", lambda _: 2 * halves.SUBTILE)
    X, halving = expression(5, 400, 90), Halving.deal(np.arange(90))
    few, many = summed(X, halving, [2]), summed(X, halving, list(range(PAIRED)), threads=3)
    for is_second in (False, True):
        one, other = (sums.correlations(Half(2, is_second)) for sums in (few, many))
        np.testing.assert_array_equal(one, other)


@given(n=st.integers(4, 400), seed=st.integers(0, 100))
def test_halves_are_complements_of_one_size_and_share_a_quarter_with_all_others(n, seed):
    halving = Halving.deal(np.random.default_rng(seed).permutation(n))
    rows = [[set(halving.rows(Half(pattern, side))) for side in (False, True)] for pattern in range(PAIRED)]
    for first, second in rows:
        assert len(first) == len(second) == n // 2
        assert not first & second
    blocks = 2 * PAIRED
    for one, other in itertools.combinations(itertools.chain.from_iterable(rows), 2):
        if n % blocks == 0 and one & other:
            assert len(one & other) == n // 4


def test_one_half_is_summed_as_it_is_by_itself_up_to_rounding():
    X, halving = expression(6, 30, 64), Halving.deal(np.random.default_rng(7).permutation(64))
    rows = halving.rows(Half(9, is_second=False))
    Z = np.empty((len(X), len(rows)))
    standardize(lambda a, b: X[a:b][:, rows], Z, 1)
    np.testing.assert_allclose(summed(X, halving, [9]).correlations(Half(9, False)), correlations(Z, 1), atol=1e-13)
