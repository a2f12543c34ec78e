"""Additive curves: objective, optimality and bits of the block solve, lines as a limit, every form of h."""

import numpy as np
import pytest

from acyclome.config import Config
from acyclome.core.acyclicity import Series
from acyclome.core.data.basis import expand
from acyclome.core.data.expansions import BSplines, Cosines, Powers
from acyclome.core.relaxation.problem import OnCandidates
from acyclome.core.relaxation.relax import Network, RelaxSettings, proposal
from acyclome.core.relaxation.solve import solve
from acyclome.core.relaxation.steps import BlockSolve
from acyclome.models.curves import relaxation as module
from acyclome.models.curves.relaxation import Additive
from acyclome.models.linear.relaxation import Linear, LinearStatistics
from acyclome.pipeline.engine_settings import ACYCLICITY, SCHEDULES

LAMBDA1 = 0.05
EXPANSIONS = [Powers(3), Cosines(5), BSplines(6)]
OPTIMAL = 2e-6  # of a slope: statistics are float32
LEFT = {"spectral": 0.2}  # of the h without constraint: where there is no cycle the radius has no slope, so steps stall
PATH = SCHEDULES["path"](Config())


def draw(seed, n=400):
    """A chain, a fork and a collider of even functions, so that causes and effects hardly correlate."""
    x = np.random.default_rng([82, seed]).standard_normal((n, 6))
    x[:, 4] = x[:, 1] ** 2 + 0.5 * x[:, 4]
    x[:, 2] = np.cos(2 * x[:, 1]) + 0.3 * x[:, 2]
    x[:, 0] = 0.7 * x[:, 5] ** 2 + np.cos(2 * x[:, 2]) + 0.4 * x[:, 0]
    return x


CAUSES = [(1, 4), (1, 2), (5, 0), (2, 0)]


def exact(expansion):
    return Additive(expansion, LAMBDA1, sweeps=20_000, tol=1e-12)


def problem(lab, expansion, seed=1):
    """Return model, candidates, statistics, ridges and weights to start from."""
    rng = np.random.default_rng([82, seed, 1])
    model, candidates = exact(expansion), lab.all_pairs(6)
    m = lab.moments_of(draw(seed))
    ridge = rng.uniform(0, 2, candidates.n_edges) * (rng.random(candidates.n_edges) < 0.5)
    start = 0.3 * rng.standard_normal((candidates.n_edges, expansion.terms))
    start[::3] = 0.0
    return m, candidates, model, model.statistics(lab.problem_of(m), candidates), *lab.freeze(ridge, start)


def start(model, candidates):
    return {"W": model.start(candidates, 0)["W"][None]}


def slopes(m, candidates, expansion, W):
    """Slope of the squared loss in every coefficient, ``(nnz, terms)``, from the curves themselves, float64."""
    basis = expand(m.Z, expansion).astype(float)
    rest = m.Z.astype(float).copy()
    for e, (i, j) in enumerate(zip(candidates.parent, candidates.target, strict=True)):
        rest[j] -= W[e] @ basis[i]
    return -np.einsum("etn,en->et", basis[candidates.parent], rest[candidates.target]) / m.n_obs, rest


@pytest.mark.parametrize("expansion", EXPANSIONS, ids=repr)
def test_the_objective_is_that_of_the_curves(lab, expansion):
    m, candidates, model, statistics, _, W = problem(lab, expansion)
    _, rest = slopes(m, candidates, expansion, W)
    price = LAMBDA1 * np.sqrt(expansion.terms) * np.linalg.norm(W, axis=1).sum()
    assert model.objective(statistics, {"W": W}, threads=1) == pytest.approx(
        0.5 * np.sum(rest**2) / m.n_obs + price, rel=1e-6
    )


@pytest.mark.parametrize("expansion", EXPANSIONS, ids=repr)
def test_a_solved_block_meets_the_optimality_conditions(lab, expansion):
    m, candidates, model, statistics, ridge, start = problem(lab, expansion)
    W = model.solve(statistics, {"W": start}, ridge, threads=1)["W"]
    slope = slopes(m, candidates, expansion, W)[0] + 2 * ridge[:, None] * W
    size, least = np.linalg.norm(W, axis=1, keepdims=True), LAMBDA1 * np.sqrt(expansion.terms)
    held = size[:, 0] > 0
    np.testing.assert_allclose(slope[held], -least * (W / np.maximum(size, 1e-30))[held], atol=OPTIMAL)
    assert (np.linalg.norm(slope[~held], axis=1) <= least + OPTIMAL).all()
    assert 0 < held.sum() < len(held)
    np.testing.assert_allclose(
        W, model.solve(statistics, {"W": np.zeros_like(start)}, ridge, threads=1)["W"], atol=1e-8
    )


def test_the_objective_is_flat_at_its_minimum_and_falls_as_the_slope_says(lab):
    m, candidates, model, statistics, ridge, start = problem(lab, Cosines(5))
    V, away = (
        model.solve(statistics, {"W": start}, ridge, threads=1)["W"],
        np.random.default_rng([82, 2]).standard_normal(start.shape),
    )
    along = away * (V != 0)

    def total(W):
        return model.objective(statistics, {"W": W}, threads=1) + ridge @ model.strength({"W": W})

    h = 1e-4
    assert (total(V + h * along) - total(V - h * along)) / (2 * h) == pytest.approx(0.0, abs=1e-5)
    W = start + 0.1  # away from zero, where the norm has no slope
    slope = slopes(m, candidates, Cosines(5), W)[0] + 2 * ridge[:, None] * W
    slope += model.least * W / np.linalg.norm(W, axis=1, keepdims=True)
    assert (total(W + h * away) - total(W - h * away)) / (2 * h) == pytest.approx(np.sum(slope * away), rel=1e-5)


def test_of_lines_it_is_the_linear_relaxation(lab):
    X, _ = lab.draw_linear(4, 12, 500)
    m, candidates = lab.moments_of(X), lab.all_pairs(12)
    lines, linear = exact(Powers(1)), Linear(LAMBDA1, 20_000, 1e-12)
    pools = LinearStatistics(lab.make_blocks(m.R, candidates, 500), np.ones(12))
    statistics, series = lines.statistics(lab.problem_of(m), candidates), Series(8, "logdet", 0.0)
    curved, straight = (
        solve(
            OnCandidates(model, series, own, candidates, 1),
            start(model, candidates),
            schedule=PATH,
            stepper=BlockSolve(),
        )[0]
        for model, own in ((lines, statistics), (linear, pools))
    )
    np.testing.assert_allclose(curved.params["W"][:, 0], straight.params["W"], atol=1e-5)
    assert [point.steps for point in curved.path] == [point.steps for point in straight.path]


def test_the_strength_of_an_edge_is_the_variance_of_its_curve(lab):
    m, candidates, model, _, _, W = problem(lab, BSplines(6))
    curves = np.einsum("et,etn->en", W, expand(m.Z, BSplines(6))[candidates.parent])
    np.testing.assert_allclose(model.strength({"W": W}), curves.var(axis=1), rtol=1e-5)


def test_terms_that_a_gene_has_not_stay_zero(lab):
    X = draw(3)
    X[:, 1] = X[:, 1] > 0
    m, candidates = lab.moments_of(X), lab.all_pairs(6)
    model = exact(Powers(3))
    W = model.solve(
        model.statistics(lab.problem_of(m), candidates), model.start(candidates, 0), np.zeros(30), threads=1
    )["W"]
    assert not W[candidates.parent == 1][:, 1:].any()
    assert np.isfinite(W).all()


def test_a_step_never_raises_the_surrogate(lab):
    _, _, _, statistics, ridge, W = problem(lab, BSplines(6))
    rough = Additive(BSplines(6), LAMBDA1, sweeps=1, tol=0.0)

    def total(V):
        return rough.objective(statistics, {"W": V}, threads=1) + ridge @ rough.strength({"W": V})

    for _ in range(5):
        V = rough.solve(statistics, {"W": W}, ridge, threads=1)["W"]
        assert total(V) <= total(W) + 1e-12
        W = V


def test_threads_do_not_change_a_bit(lab, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 2)
    m, candidates, model, _, ridge, start = problem(lab, Cosines(5))
    one, two = (model.statistics(lab.problem_of(m, threads=threads), candidates) for threads in (1, 2))
    for part in ("cross", "gram"):
        np.testing.assert_array_equal(getattr(one, part), getattr(two, part))
    np.testing.assert_array_equal(*(model.solve(one, {"W": start}, ridge, threads=threads)["W"] for threads in (1, 2)))
    assert model.objective(one, {"W": start}, threads=1) == model.objective(one, {"W": start}, threads=2)


def relaxed(lab, model, X, acyclicity, schedule):
    """Return the proposal of a relaxation on all pairs, and the solution it was read off."""
    m, candidates = lab.moments_of(X), lab.all_pairs(6)
    at = OnCandidates(model, acyclicity, model.statistics(lab.problem_of(m), candidates), candidates, 1)
    (found,) = solve(at, start(model, candidates), schedule=schedule, stepper=BlockSolve())
    settings = RelaxSettings(model, acyclicity, schedule, BlockSolve(), 0.1)
    return proposal(found, Network(lab.problem_of(m), candidates, np.arange(6, dtype=np.int32)), settings), found, at


def is_found(order):
    place = np.argsort(order)
    return all(place[i] < place[j] for i, j in CAUSES)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("form", ACYCLICITY)
def test_every_form_of_h_presses_cycles_out_and_finds_the_order(lab, form, schedule):
    model = Additive(Cosines(5), LAMBDA1, 100, 1e-6)
    acyclicity = ACYCLICITY[form](Config())
    proposed, found, at = relaxed(lab, model, draw(1), acyclicity, SCHEDULES[schedule](Config()))
    free = at.evaluate(at.solve({"W": np.zeros((1, 30, 5))}, np.zeros((1, 30))))
    assert free.h[0] > 0
    assert found.path[-1].h < LEFT.get(form, 1e-6) * free.h[0]
    assert proposed.is_acyclic
    assert is_found(proposed.order)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_even_functions_is_found_where_lines_see_nothing(lab, seed):
    series = ACYCLICITY["series"](Config())
    proposed, *_ = relaxed(lab, Additive(BSplines(8), LAMBDA1, 100, 1e-6), draw(seed), series, PATH)
    assert is_found(proposed.order)
    candidates = lab.all_pairs(6)
    source, target = np.transpose(CAUSES)
    assert (proposed.W[candidates.find(source, target)] > 0.1).all()
    straight, *_ = relaxed(lab, Additive(Powers(1), LAMBDA1, 100, 1e-6), draw(seed), series, PATH)
    assert (straight.W[candidates.find(source, target)] > 0.1).sum() < 2
