"""Low rank: exact for factors, an approximation with a stated error for sparse strengths."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from acyclicity_cases import draw, on_candidates

from acyclome.core.acyclicity import LowRank, Series, factor_value_and_gradients, square_factors

SEEDS = (1, 2, 3)


def factors(d, rank, seed, scale=0.3):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, scale, (d, rank)), rng.uniform(0, scale, (d, rank))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["exponential", "logdet", "binomial"])
def test_low_rank_strengths_are_exact(seed, kind):
    U, V = factors(40, 3, seed)
    A = U @ V.T
    strength, candidates = on_candidates(A)
    A = np.where(np.eye(40, dtype=bool), 0.0, A)
    lifted = torch.tensor(U @ V.T)
    whole = Series(7, kind, 0.0).dense_value_and_gradient(lifted)
    short = LowRank(5, 7, kind, 0).dense_value_and_gradient(lifted)
    np.testing.assert_allclose(short[0], whole[0], rtol=1e-10)
    np.testing.assert_allclose(short[1], whole[1], rtol=1e-8, atol=1e-12)
    # Without its diagonal the matrix has full rank; then the bound must hold.
    exact = Series(7, kind, 0.0).value_and_gradient(strength, candidates, 1)[0]
    form = LowRank(5, 7, kind, 0)
    h, omega = form.value_and_gradient(strength, candidates, 1)
    assert abs(h - exact) <= form.error_bound(strength, candidates) + 1e-12
    assert (omega >= 0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_block_of_low_rank_among_sparse_edges_is_exact(seed):
    """Two groups of genes that drive each other, and an acyclic rest: sparse, and of rank 2 where it is cyclic."""
    rng = np.random.default_rng(seed)
    A = np.zeros((60, 60))
    u, v = rng.uniform(0.1, 0.4, (2, 8))
    A[:8, 8:16], A[8:16, :8] = np.outer(u, v), np.outer(v, u)
    A[16:, 16:] = np.triu(rng.random((44, 44)) < 0.1, 1)
    A[3, 20] = 1.0
    order = rng.permutation(60)
    strength, candidates = on_candidates(A[np.ix_(order, order)])
    form, whole = LowRank(4, 6, "logdet", seed), Series(6, "logdet", 0.0)
    h, omega = form.value_and_gradient(strength, candidates, 1)
    h_whole, omega_whole = whole.value_and_gradient(strength, candidates, 1)
    cyclic = (strength > 0) & (omega_whole > 0)
    assert h == pytest.approx(h_whole, rel=1e-10)
    np.testing.assert_allclose(omega[cyclic], omega_whole[cyclic], rtol=1e-8)
    assert form.error_bound(strength, candidates) < 1e-6 * h


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rank", [2, 5, 20])
def test_the_bound_holds_and_vanishes_at_full_rank(seed, rank):
    A, pattern = draw(20, seed, share=0.2)
    strength, candidates = on_candidates(A, pattern)
    form = LowRank(rank, 6, "exponential", seed)
    h, _ = form.value_and_gradient(strength, candidates, 1)
    exact = Series(6, "exponential", 0.0).value_and_gradient(strength, candidates, 1)[0]
    bound = form.error_bound(strength, candidates)
    assert abs(h - exact) <= bound + 1e-12
    if rank == 20:
        assert bound < 1e-6


def test_two_cycles_are_exact_at_any_rank():
    rng = np.random.default_rng(1)
    A = np.zeros((200, 200))
    for i in range(0, 200, 2):
        A[i, i + 1], A[i + 1, i] = rng.uniform(0.1, 0.9, 2)
    strength, candidates = on_candidates(A, A > 0)
    h, omega = LowRank(1, 2, "logdet", 0).value_and_gradient(strength, candidates, 1)
    h_whole, omega_whole = Series(2, "logdet", 0.0).value_and_gradient(strength, candidates, 1)
    assert h == pytest.approx(h_whole, rel=1e-12)
    np.testing.assert_allclose(omega, omega_whole, rtol=1e-12)


@pytest.mark.parametrize("kind", ["exponential", "logdet", "binomial"])
def test_factors_are_the_series_of_their_product(kind):
    U, V = (torch.tensor(np.stack([factors(15, 4, seed)[side] for seed in SEEDS])) for side in (0, 1))
    h, slope_u, slope_v = factor_value_and_gradients(U, V, kind, 9)
    whole, gradient = Series(9, kind, 0.0).dense_value_and_gradient(U @ V.mT)
    np.testing.assert_allclose(h, whole, rtol=1e-12)
    np.testing.assert_allclose(slope_u, gradient @ V, rtol=1e-10)
    np.testing.assert_allclose(slope_v, gradient.mT @ U, rtol=1e-10)


def test_square_factors_multiply_to_the_squared_weights():
    rng = np.random.default_rng(2)
    U, V = torch.tensor(rng.normal(size=(2, 3, 12, 4)))
    first, second = square_factors(U, V)
    assert first.shape == second.shape == (3, 12, 10)
    np.testing.assert_allclose(first @ second.mT, (U @ V.mT) ** 2, rtol=1e-10, atol=1e-13)


def test_acyclic_factors_have_value_zero():
    U, V = torch.zeros(6, 2), torch.zeros(6, 2)
    U[:3], V[3:] = 1.0, 1.0
    assert float(factor_value_and_gradients(U, V, "logdet", 8)[0]) == 0.0
