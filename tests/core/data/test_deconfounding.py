"""Spectral deconfounding, against a dense singular value decomposition and what must not matter to it."""

from __future__ import annotations

import numpy as np
import pytest

from acyclome.core.data.deconfounding import (
    SOFT,
    damp,
    has_component,
    left_in_common,
    residual_correlation,
    residuals,
    standardized_rows,
    trim,
)

SHAPES = pytest.mark.parametrize(("d", "n"), [(60, 25), (25, 60), (40, 40)])
NONE = np.empty(0, int)


def drawn(d, n, seed=0, factors=3):
    rng = np.random.default_rng([61, seed])
    return standardized_rows(
        rng.standard_normal((d, n)) + rng.standard_normal((d, factors)) @ rng.standard_normal((factors, n))
    )


def dense(Z, change):
    """Return the same by the singular value decomposition of the centered genes."""
    U, s, V = np.linalg.svd(Z - Z.mean(axis=1, keepdims=True), full_matrices=False)
    kept = s > 1e-9 * s[0]
    X = (U[:, kept] * change(s[kept], np.median(s[kept]))) @ V[kept]
    return X / X.std(axis=1, keepdims=True)


@SHAPES
def test_trim_caps_singular_values_at_their_median(d, n):
    Z = drawn(d, n)
    np.testing.assert_allclose(trim(Z), dense(Z, np.minimum), atol=1e-8)


@SHAPES
def test_damp_is_the_soft_form_with_twice_the_median(d, n):
    Z = drawn(d, n)
    soft = dense(Z, lambda s, m: s * SOFT * m / np.sqrt(s**2 + (SOFT * m) ** 2))
    np.testing.assert_allclose(damp(Z), soft, atol=1e-8)


@pytest.mark.parametrize("change", [trim, damp])
@SHAPES
def test_neither_order_of_genes_nor_threads_nor_precision_matter(change, d, n, monkeypatch):
    monkeypatch.setattr("acyclome.core.data.deconfounding.TILE", 7)
    Z, place = drawn(d, n), np.random.default_rng(3).permutation(d)
    found = change(Z)
    np.testing.assert_array_equal(change(Z, threads=2), found)
    np.testing.assert_allclose(change(Z[place]), found[place], atol=1e-8)
    np.testing.assert_allclose(change(Z.astype(np.float32)), found, atol=1e-4)


@pytest.mark.parametrize("change", [trim, damp])
def test_a_gene_that_does_not_vary_stays_zero_and_rows_are_standardized(change):
    Z = drawn(30, 20)
    Z[4] = 0.0
    found = change(Z)
    assert not found[4].any()
    np.testing.assert_allclose(found.mean(axis=1), 0, atol=1e-10)
    np.testing.assert_allclose(np.mean(np.delete(found, 4, axis=0) ** 2, axis=1), 1)
    assert not change(np.zeros((5, 8))).any()


def test_a_hidden_cause_of_many_genes_is_taken_out_and_a_pair_stays():
    rng = np.random.default_rng(62)
    Z = rng.standard_normal((200, 100))
    Z[1] += 3 * Z[0]
    Z = standardized_rows(Z + 2 * rng.standard_normal((200, 1)) * rng.standard_normal(100))
    before, after = (np.abs(np.corrcoef(X)) for X in (Z, damp(Z)))
    np.fill_diagonal(before, 0)
    np.fill_diagonal(after, 0)
    assert before[0, 1] < np.quantile(before, 0.99)
    assert after[0, 1] == after.max()


def test_noise_has_nothing_in_common_and_a_hidden_cause_has():
    noise = drawn(100, 60, factors=0)
    assert left_in_common(noise) < 1e-3
    assert left_in_common(drawn(100, 60)) > 0.3


def test_a_network_that_is_right_leaves_nothing_in_common():
    rng = np.random.default_rng(63)
    Z = rng.standard_normal((80, 200))
    Z[1:] = Z[1:] + Z[0]  # a star
    Z, target = standardized_rows(Z), np.arange(1, 80)
    assert left_in_common(Z) > 0.3
    left = residuals(Z, np.zeros(79, int), target)
    found = left_in_common(left)
    assert found < 1e-3
    assert left_in_common(left, threads=2) == found
    np.testing.assert_array_equal(residuals(Z, np.zeros(79, int), target, threads=2), left)


def test_constant_data_have_nothing_in_common():
    assert left_in_common(np.zeros((4, 9))) == 0.0


@pytest.mark.parametrize("shape", [(40, 300), (100, 300), (300, 100)])
def test_a_component_is_what_noise_does_not_have_and_nothing_has_none(shape):
    rng = np.random.default_rng(17)
    noise = rng.standard_normal(shape)
    assert not has_component(noise)
    assert has_component(noise + rng.standard_normal((shape[0], 1)) * rng.standard_normal(shape[1]))
    assert not has_component(np.full(shape, 3.0))


def test_residual_correlation_is_zero_for_noise_and_what_is_there_else():
    rng = np.random.default_rng(13)
    E = rng.standard_normal((200, 400))
    assert residual_correlation(E) < 0.02
    assert residual_correlation(np.sqrt(0.9) * E + np.sqrt(0.1) * rng.standard_normal(400)) == pytest.approx(
        0.1, abs=0.02
    )


def test_residual_correlation_is_the_same_by_genes_and_by_observations():
    E = drawn(100, 60)
    R = np.corrcoef(E)
    excess = (np.sum(R**2) - len(E)) / (len(E) * (len(E) - 1)) - 1 / (E.shape[1] - 1)
    assert residual_correlation(E) == pytest.approx(np.sqrt(excess), rel=1e-4)
    R = np.corrcoef(E[:, :40])
    excess = (np.sum(R**2) - len(E)) / (len(E) * (len(E) - 1)) - 1 / 39
    assert residual_correlation(E[:, :40]) == pytest.approx(np.sqrt(excess), rel=1e-4)
