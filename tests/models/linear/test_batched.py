"""The linear model in batches: optimality, gradients, and what filling up may not change."""

import numpy as np
import pytest
import torch

from acyclome.config import Config
from acyclome.core.acyclicity import LogDet, Series
from acyclome.core.data.candidates import Candidates
from acyclome.models.linear.batched import BatchedLeastSquares
from acyclome.models.linear.card import least_squares_on_device
from acyclome.models.linear.relaxation import Linear, LinearStatistics
from acyclome.models.linear.tensor_blocks import eigenvalue_bound

LAMBDA1 = 0.03
MODEL = BatchedLeastSquares(LAMBDA1, tol=1e-7, steps=3000)
OPTIMAL = {torch.float64: 3e-7, torch.float32: 3e-5}  # of a slope: thrice the tolerance or the rounding, 4 eps L


def draw(lab, seed, d=20, share=0.5):
    rng = np.random.default_rng([61, seed])
    joined = rng.random((d, d)) < share
    candidates = Candidates.from_pairs(*np.nonzero(joined), d)
    R = lab.draw_correlations(seed, d)
    return candidates, lab.make_blocks(R, candidates, 500), rng.uniform(0.5, 2.0, d), rng


def blocks_of(lab, seed, dtype=torch.float64, **options):
    candidates, pools, weight, rng = draw(lab, seed, **options)
    return laid_out([LinearStatistics(pools, weight)], dtype), candidates, pools, weight, rng


def laid_out(statistics, dtype=torch.float64):
    return Linear(LAMBDA1, 1, 1.0).side_by_side(statistics, torch.empty(0, dtype=dtype))[1]


def spread(values, blocks, number=0):
    """Lay values of the edges of one problem out as ``(1, d, k)``."""
    there = blocks.mask[number, None, :, :, 0] > 0
    out = torch.zeros_like(there, dtype=blocks.cross.dtype)
    out[there] = torch.as_tensor(values, dtype=out.dtype)
    return out


def weights(values, blocks, number=0):
    return {"W": spread(values, blocks, number)[..., None]}


def on_edges(blocks, number, values):
    return blocks.on_candidates(number, values[number])


def violation(statistics, ridge, W):
    """How far each slope is from the subgradient of the l1 penalty."""
    slope = -MODEL.gradient(statistics, {"W": W}, ridge)["W"] / statistics.along(statistics.weight)
    off = torch.where(W != 0, (slope - LAMBDA1 * W.sign()).abs(), (slope.abs() - LAMBDA1).clamp(min=0.0))
    return float((off * statistics.mask).max())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("steep", [0.0, 1.0, 1e4])
def test_blocks_are_solved_to_optimality_from_any_start(lab, dtype, steep):
    blocks, candidates, _, _, rng = blocks_of(lab, 1, dtype)
    ridge = spread(steep * rng.random(candidates.n_edges), blocks)
    for start in (0.0, 1.0):
        W = MODEL.solve(blocks, weights(start * rng.standard_normal(candidates.n_edges), blocks), ridge)["W"]
        assert violation(blocks, ridge, W) < OPTIMAL[dtype]
        assert not (W * (1 - blocks.mask)).any()


def test_objective_and_solution_are_those_of_the_ragged_model(lab):
    blocks, candidates, pools, weight, rng = blocks_of(lab, 2)
    ragged, statistics = Linear(LAMBDA1, 2000, 1e-12), LinearStatistics(pools, weight)
    w, ridge = 0.2 * rng.standard_normal(candidates.n_edges), rng.random(candidates.n_edges)
    expected = ragged.objective(statistics, {"W": w}, threads=1)
    assert float(MODEL.objective(blocks, weights(w, blocks))[0]) == pytest.approx(expected)
    found = {"W": MODEL.solve(blocks, weights(w, blocks), spread(ridge, blocks))["W"][0]}
    expected = ragged.solve(statistics, {"W": w}, ridge, threads=1)["W"]
    np.testing.assert_allclose(ragged.on_candidates(blocks, 0, found)["W"], expected, atol=1e-5)


def test_the_gradient_is_that_of_the_objective(lab):
    blocks, candidates, _, _, rng = blocks_of(lab, 3, d=6)
    smooth = BatchedLeastSquares(0.0, 1.0)
    W = weights(rng.standard_normal(candidates.n_edges), blocks)["W"].requires_grad_()
    ridge = spread(rng.random(candidates.n_edges), blocks)
    total = smooth.objective(blocks, {"W": W}).sum() + (ridge * smooth.strength({"W": W})).sum()
    (expected,) = torch.autograd.grad(total, W)
    found = smooth.gradient(blocks, {"W": W.detach()}, ridge)["W"]
    np.testing.assert_allclose(found, expected * blocks.mask, atol=1e-12)


@pytest.mark.parametrize("form", [Series(6, "logdet", 0.0), Series(5, "exponential", 0.0), LogDet()], ids=str)
def test_h_on_blocks_is_h_on_the_candidates(lab, monkeypatch, form):
    monkeypatch.setattr("acyclome.core.acyclicity.flow.FLOW_VALUES", 170)  # so that genes go in several blocks
    blocks, candidates, _, _, rng = blocks_of(lab, 4)
    A = rng.uniform(0.0, 0.08, candidates.n_edges) * (rng.random(candidates.n_edges) < 0.6)
    h, omega = form.blocks_value_and_gradient(spread(A, blocks), blocks.parent)
    expected, slope = form.value_and_gradient(A, candidates, 1)
    assert float(h[0]) == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(on_edges(blocks, 0, omega), slope, atol=1e-14)


def test_the_slope_of_the_flow_is_that_of_its_value(lab):
    blocks, candidates, _, _, rng = blocks_of(lab, 5, d=6)
    series = Series(5, "logdet", 0.0)
    strength = torch.as_tensor(rng.uniform(0.1, 0.3, candidates.n_edges)).requires_grad_()

    def value(strength):
        A = torch.zeros_like(blocks.cross[..., 0])
        A[blocks.mask[..., 0] > 0] = strength
        return series.blocks_value_and_gradient(A, blocks.parent)[0]

    assert torch.autograd.gradcheck(value, (strength,))
    (expected,) = torch.autograd.grad(value(strength).sum(), strength)
    omega = series.blocks_value_and_gradient(spread(strength.detach(), blocks), blocks.parent)[1]
    np.testing.assert_allclose(on_edges(blocks, 0, omega), expected, atol=1e-12)


def test_networks_side_by_side_are_what_they_are_alone(lab):
    parts = [blocks_of(lab, seed, d=d, share=share) for seed, d, share in ((6, 20, 0.5), (7, 9, 0.9), (8, 14, 0.2))]
    joined = laid_out([LinearStatistics(pools, weight) for _, _, pools, weight, _ in parts])
    series = Series(6, "logdet", 0.0)
    values = [part[4].uniform(0.0, 0.2, part[1].n_edges) for part in parts]
    W = {"W": torch.cat([weights(one, joined, number)["W"] for number, one in enumerate(values)])}
    h, omega = series.blocks_value_and_gradient(MODEL.strength(W), joined.parent)
    F, solved = MODEL.objective(joined, W), MODEL.solve(joined, W, omega)["W"]
    for number, (blocks, *_) in enumerate(parts):
        alone = weights(values[number], blocks)
        own_h, own_omega = series.blocks_value_and_gradient(MODEL.strength(alone), blocks.parent)
        assert float(h[number]) == pytest.approx(float(own_h[0]), rel=1e-12)
        assert float(F[number]) == pytest.approx(float(MODEL.objective(blocks, alone)[0]), rel=1e-12)
        np.testing.assert_allclose(on_edges(joined, number, omega), on_edges(blocks, 0, own_omega), atol=1e-13)
        own_solved = MODEL.solve(blocks, alone, own_omega)["W"]
        np.testing.assert_allclose(on_edges(joined, number, solved), on_edges(blocks, 0, own_solved), atol=1e-6)


def test_the_memory_of_a_device_grows_by_what_wider_blocks_take_at_least(lab):
    held, said = [], []
    for share in (0.1, 1.0):
        blocks = blocks_of(lab, 9, torch.float32, d=40, share=share)[0]
        held.append(sum(part.nbytes for part in blocks))
        said.append(least_squares_on_device(Config(), *blocks.parent.shape[1:]))
    assert held[1] - held[0] < said[1] - said[0] < 20 * (held[1] - held[0])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_bound_lies_above_the_largest_eigenvalue_and_close(lab, dtype):
    G = torch.as_tensor(np.stack([lab.draw_correlations(seed, 30, factors=1 + seed) for seed in range(5)]), dtype=dtype)
    largest = torch.linalg.eigvalsh(G)[:, -1]
    ratio = eigenvalue_bound(G) / largest
    assert (ratio >= 1.0).all()
    assert (ratio < 30 ** (1 / 16) * 1.001).all()
