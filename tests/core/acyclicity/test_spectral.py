"""The spectral radius where power iteration is known to go wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from acyclicity_cases import cycle, draw_dag, on_candidates
from scipy.sparse import block_diag

from acyclome.core.acyclicity import SpectralRadius
from acyclome.core.data.candidates import Candidates

form = SpectralRadius()


def sparse(A):
    return form.value_and_gradient(*on_candidates(A, A > 0), 1)


@pytest.mark.parametrize("d", [2, 3, 10, 300])
def test_a_bare_cycle_has_radius_one(d):
    A = cycle(d)
    strength, _ = on_candidates(A, A > 0)
    h, omega = sparse(A)
    assert h == pytest.approx(1.0, rel=1e-9)
    # The radius is the d-th root of the product, so every edge holds the share 1 / d of it.
    np.testing.assert_allclose(omega * strength, 1.0 / d, rtol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_bare_cycle_has_radius_one_in_a_batch(dtype):
    A = torch.tensor(np.stack([cycle(50, seed) for seed in range(3)]), dtype=dtype)
    h, gradient = form.dense_value_and_gradient(A)
    rtol = 1e-10 if dtype == torch.float64 else 1e-3
    np.testing.assert_allclose(h, 1.0, rtol=rtol)
    np.testing.assert_allclose((gradient * A).sum((-2, -1)), h, rtol=rtol)


def test_a_large_dag_has_radius_zero():
    rng = np.random.default_rng(3)
    order = rng.permutation(2000)
    a, b = np.sort(rng.integers(0, 2000, (2, 4000)), axis=0)
    candidates = Candidates.from_pairs(np.r_[order[a], order[b]], np.r_[order[b], order[a]], 2000)
    place = np.argsort(order)
    forward = place[candidates.parent] < place[candidates.target]
    h, omega = form.value_and_gradient(np.where(forward, 1.0, 0.0), candidates, 1)
    assert h == 0.0
    assert not omega.any()


def test_nothing_is_added_to_weak_cycles():
    assert sparse(cycle(5) * 1e-9)[0] == pytest.approx(1e-9, rel=1e-9)


def test_components_that_share_the_radius_share_the_gradient():
    A = block_diag([cycle(3), cycle(3, 1), cycle(4) * 0.5]).toarray()
    A[2, 3] = 1.0  # a path from the first to the second
    for h, gradient in (sparse(A), tuple(x.numpy() for x in form.dense_value_and_gradient(torch.tensor(A)))):
        assert h == pytest.approx(1.0)
        values = gradient if gradient.ndim == 1 else gradient[A > 0][np.lexsort(np.nonzero(A))]
        assert (values > 0).sum() == 6
    h, omega = sparse(A)
    strength, _ = on_candidates(A, A > 0)
    assert omega @ strength == pytest.approx(1.0)


def test_paths_between_components_enter_the_gradient():
    A = np.zeros((4, 4))
    A[0, 1] = A[1, 0] = 0.5
    A[1, 2] = A[3, 0] = 0.2
    strength, candidates = on_candidates(A)
    _, omega = form.value_and_gradient(strength, candidates, 1)
    closing = candidates.find(np.array([2, 3]), np.array([3, 2]))
    step = 1e-6
    moved = A.copy()
    moved[2, 3] += step
    slope = (np.abs(np.linalg.eigvals(moved)).max() - 0.5) / step
    assert omega[closing[0]] == pytest.approx(slope, rel=1e-4)
    assert omega[closing[1]] == 0.0


def test_a_dag_beside_a_cycle_changes_nothing():
    A = block_diag([cycle(4) * 0.3, draw_dag(20, 1)]).toarray()
    h, omega = sparse(A)
    assert h == pytest.approx(0.3, rel=1e-10)
    assert np.count_nonzero(omega) == 4
