"""The linear model in batches: optimality, gradients, and what filling up may not change."""

import numpy as np
import pytest
import torch

from acyclome.core.acyclicity import LogDet, Series
from acyclome.core.data.candidates import Candidates
from acyclome.models.linear.batched import BatchedLinear
from acyclome.models.linear.gram_blocks import Blocks, Whole, eigenvalue_bound, side_by_side
from acyclome.models.linear.relaxation import Linear, LinearStatistics

LAMBDA1 = 0.03
SEM = BatchedLinear(LAMBDA1, steps=3000, tol=1e-7)
LIKE = torch.empty(0, dtype=torch.float64)
OPTIMAL = {torch.float64: 3e-7, torch.float32: 3e-5}  # of a slope: thrice the tolerance or the rounding, 4 eps L


def draw(lab, seed, d=20, share=0.5):
    rng = np.random.default_rng([61, seed])
    joined = rng.random((d, d)) < share
    candidates = Candidates.from_pairs(*np.nonzero(joined), d)
    R = lab.draw_correlations(seed, d)
    return candidates, lab.make_pools(R, candidates, 500), rng.uniform(0.5, 2.0, d), rng


def blocks_of(lab, seed, dtype=torch.float64, **options):
    candidates, pools, weight, rng = draw(lab, seed, **options)
    return Blocks.of(pools, weight, torch.empty(0, dtype=dtype)), candidates, pools, weight, rng


def spread(values, blocks):
    out = torch.zeros_like(blocks.cross)
    out[blocks.mask > 0] = torch.as_tensor(values, dtype=out.dtype)
    return out


def violation(statistics, ridge, W):
    """How far each slope is from the subgradient of the l1 penalty."""
    slope = -SEM.gradient(statistics, ridge, W) / statistics.along(statistics.weight)
    off = torch.where(W != 0, (slope - LAMBDA1 * W.sign()).abs(), (slope.abs() - LAMBDA1).clamp(min=0.0))
    return float((off * statistics.mask).max())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("steep", [0.0, 1.0, 1e4])
def test_blocks_are_solved_to_optimality_from_any_start(lab, dtype, steep):
    blocks, candidates, _, _, rng = blocks_of(lab, 1, dtype)
    ridge = spread(steep * rng.random(candidates.n_edges), blocks)
    for start in (0.0, 1.0):
        W = SEM.solve(blocks, ridge, spread(start * rng.standard_normal(candidates.n_edges), blocks))
        assert violation(blocks, ridge, W) < OPTIMAL[dtype]
        assert not W[blocks.mask == 0].any()


def test_whole_matrices_are_solved_to_optimality(lab):
    R = torch.as_tensor(np.stack([lab.draw_correlations(seed, 15) for seed in range(3)]).astype(float))
    statistics = Whole.of(R, torch.ones_like(R), torch.ones(3, 15, dtype=R.dtype))
    ridge = torch.as_tensor(np.random.default_rng(62).random((3, 15, 15)))
    assert violation(statistics, ridge, SEM.solve(statistics, ridge, torch.zeros_like(R))) < OPTIMAL[R.dtype]


def test_objective_and_solution_are_those_of_the_ragged_model(lab):
    blocks, candidates, pools, weight, rng = blocks_of(lab, 2)
    ragged, statistics = Linear(LAMBDA1, 2000, 1e-12), LinearStatistics(pools, weight)
    w, ridge = 0.2 * rng.standard_normal(candidates.n_edges), rng.random(candidates.n_edges)
    assert float(SEM.objective(blocks, spread(w, blocks))[0]) == pytest.approx(ragged.objective(statistics, w, 1))
    found = SEM.solve(blocks, spread(ridge, blocks), spread(w, blocks))
    expected = ragged.solve(statistics, ridge, w, 1)
    np.testing.assert_allclose(blocks.on_candidates(found[0], 0, candidates), expected, atol=1e-5)


def test_the_gradient_is_that_of_the_objective(lab):
    blocks, candidates, _, _, rng = blocks_of(lab, 3, d=6)
    smooth = BatchedLinear(0.0, 1, 1.0)
    W = spread(rng.standard_normal(candidates.n_edges), blocks).requires_grad_()
    ridge = spread(rng.random(candidates.n_edges), blocks)
    total = smooth.objective(blocks, W).sum() + (ridge * W * W).sum()
    (expected,) = torch.autograd.grad(total, W)
    np.testing.assert_allclose(smooth.gradient(blocks, ridge, W.detach()), expected, atol=1e-12)


@pytest.mark.parametrize("form", [Series(6, "logdet", 0.0), Series(5, "exponential", 0.0), LogDet()], ids=str)
def test_h_on_blocks_is_h_on_the_candidates(lab, monkeypatch, form):
    monkeypatch.setattr("acyclome.core.acyclicity.flow.FLOW_VALUES", 170)  # so that genes go in several blocks
    blocks, candidates, _, _, rng = blocks_of(lab, 4)
    A = rng.uniform(0.0, 0.08, candidates.n_edges) * (rng.random(candidates.n_edges) < 0.6)
    h, omega = blocks.cyclicity(form, spread(A, blocks))
    expected, slope = form.value_and_gradient(A, candidates, 1)
    assert float(h[0]) == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(blocks.on_candidates(omega[0], 0, candidates), slope, atol=1e-14)


def test_the_slope_of_the_flow_is_that_of_its_value(lab):
    blocks, candidates, _, _, rng = blocks_of(lab, 5, d=6)
    series = Series(5, "logdet", 0.0)
    strength = torch.as_tensor(rng.uniform(0.1, 0.3, candidates.n_edges)).requires_grad_()

    def value(strength):
        A = torch.zeros_like(blocks.cross)
        A[blocks.mask > 0] = strength
        return blocks.cyclicity(series, A)[0]

    assert torch.autograd.gradcheck(value, (strength,))
    (expected,) = torch.autograd.grad(value(strength).sum(), strength)
    omega = blocks.cyclicity(series, spread(strength.detach(), blocks))[1]
    np.testing.assert_allclose(omega[blocks.mask > 0], expected, atol=1e-12)


def test_networks_side_by_side_are_what_they_are_alone(lab):
    parts = [blocks_of(lab, seed, d=d, share=share) for seed, d, share in ((6, 20, 0.5), (7, 9, 0.9), (8, 14, 0.2))]
    joined = side_by_side([part[0] for part in parts])
    series = Series(6, "logdet", 0.0)
    values = [part[4].uniform(0.0, 0.2, part[1].n_edges) for part in parts]
    W = torch.zeros_like(joined.cross)
    for number, (part, one) in enumerate(zip(parts, values, strict=True)):
        own = spread(one, part[0])[0]
        W[number, : own.shape[0], : own.shape[1]] = own
    h, omega = joined.cyclicity(series, W * W)
    F, solved = SEM.objective(joined, W), SEM.solve(joined, omega, W)
    for number, (blocks, candidates, *_) in enumerate(parts):
        alone = spread(values[number], blocks)
        own_h, own_omega = blocks.cyclicity(series, alone * alone)
        assert float(h[number]) == pytest.approx(float(own_h[0]), rel=1e-12)
        assert float(F[number]) == pytest.approx(float(SEM.objective(blocks, alone)[0]), rel=1e-12)
        np.testing.assert_allclose(
            joined.on_candidates(omega[number], number, candidates),
            blocks.on_candidates(own_omega[0], 0, candidates),
            atol=1e-13,
        )
        np.testing.assert_allclose(
            joined.on_candidates(solved[number], number, candidates),
            blocks.on_candidates(SEM.solve(blocks, own_omega, alone)[0], 0, candidates),
            atol=1e-6,
        )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_bound_lies_above_the_largest_eigenvalue_and_close(lab, dtype):
    G = torch.as_tensor(np.stack([lab.draw_correlations(seed, 30, factors=1 + seed) for seed in range(5)]), dtype=dtype)
    largest = torch.linalg.eigvalsh(G)[:, -1]
    ratio = eigenvalue_bound(G) / largest
    assert (ratio >= 1.0).all()
    assert (ratio < 30 ** (1 / 16) * 1.001).all()
