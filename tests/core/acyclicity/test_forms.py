"""What holds for every form of acyclicity, on candidates and in dense batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from acyclicity_cases import CASES, TERMS, cycle, draw, draw_dag, on_candidates
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

RTOL = {torch.float64: 1e-10, torch.float32: 2e-4}
SEEDS = (1, 2, 3, 4)

every_form = pytest.mark.parametrize("case", CASES, ids=str)
complete = [case for case in CASES if case.complete]


def dense(form, A, dtype=torch.float64):
    h, gradient = form.dense_value_and_gradient(torch.tensor(A, dtype=dtype))
    return h.numpy(), gradient.numpy()


def together(A):
    label = connected_components(A > 0, directed=True, connection="strong")[1]
    return label[:, None] == label


def slopes(oracle, A, step=1e-5):
    """Central differences of the oracle in every entry."""
    out = np.zeros_like(A)
    for at in np.ndindex(A.shape):
        move = np.zeros_like(A)
        move[at] = step
        out[at] = (oracle(A + move) - oracle(A - move)) / (2 * step)
    return out


@every_form
@pytest.mark.parametrize("seed", SEEDS)
def test_value_and_gradient_are_those_of_the_oracle(case, seed):
    A, pattern = draw(8, seed)
    strength, candidates = on_candidates(A, pattern)
    h, omega = case.form.value_and_gradient(strength, candidates, 1)
    assert h == pytest.approx(case.oracle(A), rel=1e-9, abs=1e-12)
    expected = slopes(case.oracle, A)[candidates.parent, candidates.target]
    counted = np.ones(len(omega), bool) if case.between else together(A)[candidates.parent, candidates.target]
    np.testing.assert_allclose(omega[counted], expected[counted], rtol=1e-5, atol=1e-7)
    assert (omega >= 0).all()
    assert (strength == 0).any()


@every_form
@pytest.mark.parametrize("seed", SEEDS)
def test_sparse_is_dense_read_on_the_candidates(case, seed):
    A, pattern = draw(15, seed, share=0.25)
    strength, candidates = on_candidates(A, pattern)
    h, omega = case.form.value_and_gradient(strength, candidates, 1)
    h_dense, gradient = dense(case.form, A)
    assert h == pytest.approx(h_dense, rel=1e-9, abs=1e-13)
    np.testing.assert_allclose(omega, gradient[candidates.parent, candidates.target], rtol=1e-7, atol=1e-10)


class Value(torch.autograd.Function):
    """``h`` with the gradient that the form states."""

    @staticmethod
    def forward(ctx, A, form):
        h, gradient = form.dense_value_and_gradient(A.detach())
        ctx.save_for_backward(gradient)
        return h

    @staticmethod
    def backward(ctx, slope):
        return slope[..., None, None] * ctx.saved_tensors[0], None


@every_form
def test_gradcheck(case):
    A = torch.tensor(np.random.default_rng(5).uniform(0.05, 0.3, (2, 4, 4)), requires_grad=True)
    assert torch.autograd.gradcheck(lambda A: Value.apply(A, case.form), (A,), eps=1e-6, atol=1e-6)


@every_form
@given(seed=st.integers(0, 10_000), d=st.integers(1, 25))
def test_h_is_zero_on_dags(case, seed, d):
    A = draw_dag(d, seed)
    strength, candidates = on_candidates(A)
    assert case.form.value_and_gradient(strength, candidates, 1)[0] == 0.0
    # The log-determinant of a whole matrix pivots on strong edges and so rounds; all others are exact here too.
    assert abs(dense(case.form, A)[0]) <= (1e-9 if case.name == "logdet" else 0.0)


@pytest.mark.parametrize("case", complete, ids=str)
@given(seed=st.integers(0, 10_000), d=st.integers(2, 12))
def test_complete_forms_see_one_edge_backwards(case, seed, d):
    rng = np.random.default_rng(seed)
    A = np.minimum(draw_dag(d, seed), 0.3)
    i, j = rng.choice(d, 2, replace=False)
    A[i, j] = A[j, i] = 0.01
    strength, candidates = on_candidates(A)
    assert case.form.value_and_gradient(strength, candidates, 1)[0] > 0.0
    assert dense(case.form, A)[0] > 0.0


@every_form
def test_an_absent_edge_that_would_close_a_cycle_has_a_gradient(case):
    if case.name in ("spectral", "low rank"):
        pytest.skip("beside an acyclic graph, or between components, the gradient is not seen")
    A = np.zeros((3, 3))
    A[0, 1] = A[1, 2] = 0.5
    strength, candidates = on_candidates(A)
    h, omega = case.form.value_and_gradient(strength, candidates, 1)
    closing = candidates.find(np.array([2]), np.array([0]))
    assert h == 0.0
    assert omega[closing] > 0.0
    assert (omega[strength > 0] == 0.0).all()


@every_form
@pytest.mark.parametrize("seed", SEEDS)
def test_names_of_genes_do_not_matter(case, seed):
    A, _ = draw(12, seed)
    new = np.random.default_rng([seed, 1]).permutation(12)
    h, gradient = dense(case.form, A)
    h_new, gradient_new = dense(case.form, A[np.ix_(new, new)])
    np.testing.assert_allclose(h_new, h, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(gradient_new, gradient[np.ix_(new, new)], rtol=1e-6, atol=1e-9)


@every_form
@pytest.mark.parametrize("d", [TERMS, TERMS + 1, 40])
def test_a_bare_cycle_is_seen_up_to_the_length_that_is_declared(case, d):
    A = cycle(d)
    strength, candidates = on_candidates(A, A > 0)
    h, _ = case.form.value_and_gradient(strength, candidates, 1)
    if case.complete or d <= TERMS:
        assert h > 0.0
        assert h == pytest.approx(case.oracle(A) if d <= 10 else h, rel=1e-6)
    else:
        assert h == pytest.approx(0.0, abs=1e-12)


@every_form
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_batch_is_its_members(case, dtype):
    members = np.stack([draw(9, seed)[0] for seed in range(5)] + [draw_dag(9, 1)]).reshape(2, 3, 9, 9)
    h, gradient = case.form.dense_value_and_gradient(torch.tensor(members, dtype=dtype))
    assert (h.shape, gradient.shape, h.dtype, gradient.dtype) == ((2, 3), (2, 3, 9, 9), dtype, dtype)
    for at in np.ndindex(2, 3):
        one, slope = dense(case.form, members[at], dtype)
        np.testing.assert_allclose(h[at], one, rtol=RTOL[dtype], atol=RTOL[dtype])
        np.testing.assert_allclose(gradient[at], slope, rtol=RTOL[dtype], atol=RTOL[dtype] * max(slope.max(), 1.0))


@every_form
def test_a_member_without_a_value_spoils_no_other(case):
    A, _ = draw(7, 1)
    bad = A.copy()
    bad[0, 1] = np.inf
    h, gradient = dense(case.form, np.stack([A, bad]))
    one, slope = dense(case.form, A)
    assert h[1] == np.inf
    assert (gradient[1] == 0.0).all()
    np.testing.assert_allclose(h[0], one, rtol=1e-10)
    np.testing.assert_allclose(gradient[0], slope, rtol=1e-8, atol=1e-12)


@every_form
def test_arguments_stay_as_they_are_and_calls_repeat_to_the_bit(case):
    A, pattern = draw(10, 2)
    strength, candidates = on_candidates(A, pattern)
    tensor = torch.tensor(A)
    first, second = (case.form.value_and_gradient(strength, candidates, threads) for threads in (1, 2))
    batch, again = (case.form.dense_value_and_gradient(tensor) for _ in range(2))
    assert first[0] == second[0]
    np.testing.assert_array_equal(first[1], second[1])
    assert torch.equal(batch[0], again[0])
    assert torch.equal(batch[1], again[1])
    np.testing.assert_array_equal(tensor.numpy(), A)


@every_form
def test_without_candidates_there_is_nothing(case):
    strength, candidates = on_candidates(np.zeros((3, 3)), np.zeros((3, 3), bool))
    h, omega = case.form.value_and_gradient(strength, candidates, 1)
    assert (h, len(omega)) == (0.0, 0)
