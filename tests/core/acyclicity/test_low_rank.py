"""Low rank: exact for factors, an approximation for sparse strengths."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from acyclicity_cases import draw, on_candidates

from acyclome.core.acyclicity import LowRank, Series

SEEDS = (1, 2, 3)


def factors(d, rank, seed, scale=0.3):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, scale, (d, rank)), rng.uniform(0, scale, (d, rank))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["exponential", "logdet", "binomial"])
def test_low_rank_strengths_are_exact(seed, kind):
    U, V = factors(40, 3, seed)
    lifted = torch.tensor(U @ V.T)
    whole = Series(7, kind, 0.0).dense_value_and_gradient(lifted)
    short = LowRank(5, 7, kind, 0).dense_value_and_gradient(lifted)
    np.testing.assert_allclose(short[0], whole[0], rtol=1e-10)
    np.testing.assert_allclose(short[1], whole[1], rtol=1e-8, atol=1e-12)


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


@pytest.mark.parametrize("seed", SEEDS)
def test_more_dimensions_see_more_and_all_see_everything(seed):
    A, pattern = draw(20, seed, share=0.6)
    strength, candidates = on_candidates(A, pattern)
    exact = Series(6, "exponential", 0.0).value_and_gradient(strength, candidates, 1)[0]
    gaps = []
    for rank in (1, 4, 20):
        h, omega = LowRank(rank, 6, "exponential", seed).value_and_gradient(strength, candidates, 1)
        gaps.append(abs(h - exact))
        assert (omega >= 0).all()
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 1e-12 * exact


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
