"""What hidden causes do is taken out of the genes: by regression on scores, or by trimming the spectrum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.core.data.confounders import Deconfounding, correlations_left
from acyclome.core.data.moments import correlations, scale_genes
from acyclome.core.data.standardized import Standardized


def standardized(X: np.ndarray) -> np.ndarray:
    X = X - X.mean(axis=1, keepdims=True)
    return X / X.std(axis=1, keepdims=True)


@given(seed=st.integers(0, 10_000), r=st.integers(1, 4))
def test_what_is_left_is_the_residual_of_a_regression_on_the_scores(seed, r):
    rng = np.random.default_rng(seed)
    scores, Z = rng.standard_normal((r, 60)), standardized(rng.standard_normal((7, 60)))
    design = np.vstack([scores, np.ones(60)]).T
    left = Z - (design @ np.linalg.lstsq(design, Z.T, rcond=None)[0]).T
    taken = Z.copy()
    scale = Deconfounding(scores).apply(taken, 1)
    np.testing.assert_allclose(taken * scale[:, None], left, atol=1e-10)
    np.testing.assert_allclose(np.mean(taken**2, axis=1), 1.0)


def test_only_the_span_of_the_scores_counts():
    rng = np.random.default_rng(1)
    scores, Z = rng.standard_normal((3, 80)), standardized(rng.standard_normal((5, 80)))
    one, other = Z.copy(), Z.copy()
    Deconfounding(scores).apply(one, 1)
    Deconfounding(rng.standard_normal((3, 3)) @ scores + 4.0).apply(other, 1)
    np.testing.assert_allclose(one, other, atol=1e-10)


def test_a_gene_that_a_factor_explains_wholly_becomes_a_constant_one():
    rng = np.random.default_rng(3)
    Z = standardized(rng.standard_normal((4, 40)))
    taken = Z.copy()
    scale = Deconfounding(Z[:1] * 3.0).apply(taken, 1)
    assert scale[0] == 0.0
    assert np.all(taken[0] == 0.0)
    assert np.all(scale[1:] > 0.5)


@pytest.mark.parametrize("trims", [False, True])
def test_no_bit_depends_on_threads(trims):
    rng = np.random.default_rng(4)
    Z = standardized(rng.standard_normal((3000, 20)))
    scores = Z[: 0 if trims else 2].copy()
    taken = [Z.copy(), Z.copy()]
    for threads, one in zip((1, 3), taken, strict=True):
        Deconfounding(scores, trims).apply(one, threads)
    assert np.array_equal(*taken)


def test_scales_of_moments_are_those_of_what_is_left():
    rng = np.random.default_rng(5)
    factor = rng.standard_normal(5000)
    X = np.stack([5.0 + 3.0 * factor + 2.0 * rng.standard_normal(5000), rng.standard_normal(5000)])
    bare = scale_genes(lambda a, b: X[a:b], 2, deconfounding=Deconfounding(factor[None]))
    assert bare.scale[0] == pytest.approx(2.0, rel=0.05)
    assert bare.mean[0] == pytest.approx(X[0].mean())


def test_correlations_that_are_left_are_the_same_in_the_place_of_those_as_found():
    rng = np.random.default_rng(6)
    rows, scores = Standardized.of(standardized(rng.standard_normal((30, 80)))), rng.standard_normal((2, 80))
    R = correlations(rows, 1)
    left = correlations_left(R, rows, scores)
    assert not np.array_equal(left, R)
    assert correlations_left(R, rows, scores, out=R) is R
    np.testing.assert_array_equal(R, left)
