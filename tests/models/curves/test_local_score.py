"""Curves of causes and of their sums: against the smoother written out, the linear BIC, and what each cannot see."""

import numpy as np
import pytest

from acyclome.core.data.expansions import BSplines, Cosines, Powers
from acyclome.models.curves import projection_pursuit
from acyclome.models.curves.local_score import JITTER, Curves, degrees, fit_terms, smoothness
from acyclome.models.curves.projection_pursuit import Ridges
from acyclome.models.own_rows import OwnRows

N = 400


@pytest.fixture(scope="module")
def moments(lab):
    X = np.random.default_rng([81, 1]).standard_normal((N, 5))
    X[:, 3] = np.sin(2 * X[:, 0]) + X[:, 1] ** 2 / 2 + 0.3 * X[:, 3]
    X[:, 4] = np.cos(1.2 * (X[:, 0] - X[:, 1])) + 0.2 * X[:, 4]
    return lab.moments_of(X)


def test_degrees_of_freedom_are_the_trace_of_the_smoother(moments, lab):
    basis = Curves(Cosines(6), smoothness(6)).expand(lab.problem_of(moments))
    F, y, P = basis[[0, 1]].reshape(12, N).astype(float), moments.Z[3], np.tile(smoothness(6), 2) + JITTER
    cost, _, b = fit_terms(F[None], y, P - JITTER, N)
    for g in range(len(P)):
        S = F.T @ np.linalg.solve(F @ F.T + N * np.diag(P[g]), F)
        rest = np.sum((y - S @ y) ** 2) / np.sum(y**2)
        assert cost[0, g] == pytest.approx(N / 2 * np.log(rest) + np.trace(S) / 2 * np.log(N), rel=1e-4)
        np.testing.assert_allclose(b[0, g] @ F, S @ y, atol=1e-4)


@pytest.mark.parametrize("family", [Curves(Powers(3), degrees(3)), Curves(BSplines(8), smoothness(8))], ids=repr)
def test_a_line_costs_what_the_linear_model_charges(family, lab):
    X, _ = lab.draw_linear(3, 4, 2000)
    m = lab.moments_of(X)
    found = family.prepare(lab.problem_of(m), 0).scores(1, np.array([[0, 2, 3]]))[0]
    linear = 2000 / 2 * np.log(lab.rest_of(m.R, 1, [0, 2, 3])) + 1.5 * np.log(2000)
    assert linear - 3 < found < linear + 0.1


def test_weights_are_slopes_and_strengths_are_norms(moments, lab):
    local = Curves(BSplines(8), smoothness(8)).prepare(lab.problem_of(moments), 0)
    B = local.coefficients(3, np.array([0, 1]), OwnRows.of(moments, 3))
    assert local.weights(3, np.array([0, 1])).tolist() == B[:, 0].tolist()
    explained = np.sum(B**2)  # causes are independent, so that variances add up
    assert explained + np.mean(local.residual(3, np.array([0, 1])) ** 2) == pytest.approx(1, abs=0.1)
    assert np.linalg.norm(B[1]) > 3 * abs(B[1, 0])


def test_sums_of_curves_miss_what_a_curve_of_a_sum_sees(moments, lab):
    pair = np.array([[0, 1]])
    apart = Curves(Cosines(8), smoothness(8)).prepare(lab.problem_of(moments), 0).scores(4, pair)[0]
    together = Ridges(Cosines(8), smoothness(8), 1).prepare(lab.problem_of(moments), 0).scores(4, pair)[0]
    assert together < apart - 100


def test_several_indices_hold_two_curves_that_one_index_cannot(moments, lab):
    pair = np.array([[0, 1]])
    one, some = (
        Ridges(Cosines(8), smoothness(8), m).prepare(lab.problem_of(moments), 0).scores(3, pair)[0] for m in (1, 3)
    )
    additive = Curves(Cosines(8), smoothness(8)).prepare(lab.problem_of(moments), 0).scores(3, pair)[0]
    assert some < one - 50
    assert some < additive + 30


def test_an_index_of_one_cause_is_its_curve(moments, lab):
    families = Curves(BSplines(8), smoothness(8)), Ridges(BSplines(8), smoothness(8), 3)
    first, second = (family.prepare(lab.problem_of(moments), 0).scores(3, np.array([[0]]))[0] for family in families)
    assert first == pytest.approx(second, abs=1e-2)


def test_the_curve_of_one_cause_is_judged_as_in_the_pursuit_that_looks_for_it(moments, lab):
    local = Ridges(Cosines(6), smoothness(6), 1).prepare(lab.problem_of(moments), 0)
    for i, j in ((0, 1), (0, 3), (1, 3)):
        cost, _ = local._curve(moments.Z[j].astype(float), moments.Z[i].astype(float))
        assert cost == pytest.approx(local.scores(j, np.array([[i]]))[0], abs=0.05)


def test_further_steps_of_the_pursuit_never_fit_worse(moments, lab, monkeypatch):
    local = Ridges(Cosines(8), smoothness(8), 1).prepare(lab.problem_of(moments), 0)
    y, inputs, costs = moments.Z[4].astype(float), moments.Z[:3].astype(float), []
    for steps in range(9):
        monkeypatch.setattr(projection_pursuit, "STEPS", steps)
        costs.append(local._curve(y, local._direction(y, inputs, local.basis[:3]) @ inputs)[0])
    assert costs[1] < costs[0]
    assert (np.diff(costs) <= 0).all()
