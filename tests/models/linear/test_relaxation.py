"""Blocks of the linear model: optimality conditions, and the objective against its dense formula."""

import numpy as np
import pytest

from acyclome.config import Config
from acyclome.models.linear import relaxation as module
from acyclome.models.linear.card import LINEAR
from acyclome.models.linear.relaxation import Linear, LinearStatistics

EXACT = Linear(lambda1=0.08, sweeps=20_000, tol=1e-10)
KKT_TOL = 1e-6


def problem(lab, seed, d=9, *, weighted=False):
    """Draw statistics, ridge weights and a start on all pairs of strongly correlated genes."""
    rng = np.random.default_rng([61, seed])
    R = lab.draw_correlations(seed, d, noise=1.0)
    candidates = lab.all_pairs(d)
    v = rng.uniform(0.2, 5.0, d) if weighted else np.ones(d)
    ridge = np.where(rng.random(candidates.n_edges) < 0.5, rng.uniform(0, 3, candidates.n_edges), 0.0)
    start = rng.standard_normal(candidates.n_edges) * (rng.random(candidates.n_edges) < 0.3)
    return (
        R.astype(float),
        candidates,
        LinearStatistics(lab.make_blocks(R, candidates, 100), v),
        *lab.freeze(ridge, start),
    )


def dense(candidates, values):
    W = np.zeros((candidates.n_genes,) * 2)
    W[candidates.parent, candidates.target] = values
    return W


@pytest.mark.parametrize("weighted", [False, True])
def test_the_objective_is_the_dense_formula(lab, weighted):
    for seed in range(5):
        R, candidates, statistics, _, start = problem(lab, seed, weighted=weighted)
        W, d = dense(candidates, start), len(R)
        loss = 0.5 * np.einsum("ij,ik,kj->j", np.eye(d) - W, R, np.eye(d) - W)
        expected = statistics.gene_weight @ (loss + EXACT.lambda1 * np.abs(W).sum(axis=0))
        assert EXACT.objective(statistics, {"W": start}, threads=1) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_solved_block_meets_the_optimality_conditions(lab, weighted):
    for seed in range(5):
        R, candidates, statistics, ridge, start = problem(lab, seed, weighted=weighted)
        W = EXACT.solve(statistics, {"W": start}, ridge, threads=1)["W"]
        v = statistics.gene_weight[candidates.target]
        slope = v * (R @ dense(candidates, W) - R)[candidates.parent, candidates.target] + 2 * ridge * W
        active = W != 0
        np.testing.assert_allclose(slope[active], -(v * EXACT.lambda1 * np.sign(W))[active], atol=KKT_TOL)
        assert (np.abs(slope[~active]) <= v[~active] * EXACT.lambda1 + KKT_TOL).all()
        assert 0 < active.sum() < len(active)


def test_where_it_starts_does_not_matter(lab):
    _, _, statistics, ridge, start = problem(lab, 7)
    np.testing.assert_allclose(
        EXACT.solve(statistics, {"W": start}, ridge, threads=1)["W"],
        EXACT.solve(statistics, {"W": np.zeros_like(start)}, ridge, threads=1)["W"],
        atol=1e-7,
    )


def test_without_penalties_it_is_least_squares(lab):
    R, candidates, statistics, ridge, start = problem(lab, 3, d=5)
    W = dense(
        candidates, Linear(0.0, 100_000, 1e-12).solve(statistics, {"W": start}, np.zeros_like(ridge), threads=1)["W"]
    )
    for j in range(5):
        others = [i for i in range(5) if i != j]
        np.testing.assert_allclose(W[others, j], np.linalg.solve(R[np.ix_(others, others)], R[others, j]), atol=1e-5)


def test_a_solved_step_never_raises_the_surrogate(lab):
    rough = Linear(lambda1=0.08, sweeps=1, tol=1e-4)
    for seed in range(5):
        _, _, statistics, ridge, start = problem(lab, seed)
        before = rough.objective(statistics, {"W": start}, threads=1) + ridge @ start**2
        W = rough.solve(statistics, {"W": start}, ridge, threads=1)["W"]
        assert rough.objective(statistics, {"W": W}, threads=1) + ridge @ W**2 <= before + 1e-9


def test_threads_do_not_change_a_bit(lab, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 2)
    _, _, statistics, ridge, start = problem(lab, 5)
    np.testing.assert_array_equal(
        *(EXACT.solve(statistics, {"W": start}, ridge, threads=threads)["W"] for threads in (1, 2))
    )
    assert EXACT.objective(statistics, {"W": start}, threads=1) == EXACT.objective(statistics, {"W": start}, threads=2)


def test_strength_is_the_square():
    np.testing.assert_array_equal(EXACT.strength({"W": np.array([-2.0, 0.0, 0.5])}), [4.0, 0.0, 0.25])


@pytest.mark.parametrize("noise", ["equal", "unequal"])
def test_losses_weigh_as_variances_where_the_options_say_that_noise_is_equal(lab, noise):
    X = np.random.default_rng([62, 1]).standard_normal((50, 3)) * [1.0, 2.0, 4.0]
    model = LINEAR.relaxation(Config.from_mapping({"score": {"noise": noise}}))
    weight = model.statistics(lab.problem_of(X), lab.all_pairs(3)).gene_weight
    expected = X.var(axis=0) / X.var(axis=0).mean() if noise == "equal" else np.ones(3)
    np.testing.assert_allclose(weight, expected, rtol=1e-6)
