"""Problems side by side: a batch is its members, one at a time; steps and schedules meet the dense reference."""

import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from acyclome.core.acyclicity import LogDet, Polynomial, Series, SpectralRadius, TraceExp
from acyclome.core.data.candidates import Candidates
from acyclome.core.relaxation.problem import OnCandidates, OnTensors
from acyclome.core.relaxation.schedule import AugmentedLagrangian, CentralPath, Weights
from acyclome.core.relaxation.solve import solve
from acyclome.core.relaxation.steps import BlockSolve, ProximalAdam
from acyclome.models.linear.batched import BatchedLeastSquares
from acyclome.models.linear.relaxation import Linear, LinearStatistics

LAMBDA1 = 0.05
PATH = (1.0, 0.1, 0.01, 0.001)
MODEL = BatchedLeastSquares(LAMBDA1, tol=1e-8)
TIGHT = CentralPath(PATH, max_steps=300, rtol=1e-6, max_halvings=12)
ADAM = ProximalAdam(rate=0.01, patience=100, every=100)
LAGRANGIAN = AugmentedLagrangian(
    rho=1.0,
    growth=10.0,
    rho_max=1e12,
    progress=0.25,
    h_tol=1e-8,
    max_stages=60,
    max_steps=3000,
    rtol=1e-4,
    max_halvings=12,
)
BATCH = 1e-9  # a product in a batch may add up in another order
SAME_OBJECTIVE = 1e-3  # as for the ragged model, see test_solve
# The multiplier method ends at h = 1e-8 where the path ends at 1e-5, and may take another branch: up to .6 % above.
LAGRANGIAN_OBJECTIVE = 1e-2


@pytest.fixture(scope="module")
def reference():
    """Return the module with the dense reference."""
    spec = importlib.util.spec_from_file_location("reference_notears", Path(__file__).with_name("reference_notears.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def batch(lab, seeds, d, dtype=torch.float64, candidates=None):
    """Networks side by side, all pairs candidates, and their correlations."""
    R = [lab.moments_of(lab.draw_linear(seed, d, 1000, degree=2)[0]).R for seed in seeds]
    candidates = lab.all_pairs(d) if candidates is None else candidates
    statistics = [LinearStatistics(lab.make_blocks(one, candidates, 1000), np.ones(d)) for one in R]
    return Linear(LAMBDA1, 1, 1.0).side_by_side(statistics, torch.empty(0, dtype=dtype))[1], R


def dense(solution, d):
    """Weights ``(d, d)`` of a solution whose candidates are all pairs."""
    W = np.zeros((d, d))
    W.T[~np.eye(d, dtype=bool)] = solution.params["W"].numpy().ravel()
    return W


def fit(statistics, form=None, schedule=TIGHT, stepper=None, model=MODEL):
    problem = OnTensors(model, form or LogDet(), statistics)
    return solve(problem, statistics.start(), schedule=schedule, stepper=stepper or BlockSolve())


@pytest.mark.parametrize(
    ("stepper", "schedule"),
    [
        (BlockSolve(), replace(TIGHT, rtol=1e-4)),
        (BlockSolve(), replace(LAGRANGIAN, h_tol=1e-3, rtol=1e-4)),
        (replace(ADAM, every=20), CentralPath((1.0, 0.1), 100, 1e-3, 12)),
    ],
    ids=["blocks, path", "blocks, lagrangian", "adam, path"],
)
def test_a_batch_is_its_members_one_at_a_time(lab, stepper, schedule):
    """Members end after different numbers of steps, so some are done while others go on, and are not changed."""
    statistics, _ = batch(lab, range(3), 10)
    together = fit(statistics, Series(8, "logdet", 0.0), schedule, stepper)
    for number, found in enumerate(together):
        (alone,) = fit(statistics.take(np.array([number])), Series(8, "logdet", 0.0), schedule, stepper)
        np.testing.assert_allclose(found.params["W"], alone.params["W"], atol=BATCH)
        assert [(p.steps, p.status) for p in found.path] == [(p.steps, p.status) for p in alone.path]
    assert len({sum(point.steps for point in found.path) for found in together}) > 1


def test_all_problems_taken_are_the_problems_themselves(lab):
    """Blocks of a batch are most of the memory, and nothing of them is copied before a member is done."""
    problem = OnTensors(MODEL, LogDet(), batch(lab, range(3), 5)[0])
    assert problem.take(np.arange(3)) is problem
    assert problem.take(np.array([2])).statistics.n_problems == 1


@dataclass(frozen=True)
class Counted:
    """A log det that writes down how many members it is asked for."""

    seen: list

    def blocks_value_and_gradient(self, A, parent):
        self.seen.append(len(A))
        return LogDet().blocks_value_and_gradient(A, parent)


def test_members_that_are_done_leave_the_arrays(lab):
    seen = []
    statistics, _ = batch(lab, range(4), 10)
    found = fit(statistics, Counted(seen), replace(TIGHT, rtol=1e-4))
    steps = [sum(point.steps for point in one.path) for one in found]
    assert seen[0] == 4
    assert seen[-1] == 1
    assert sum(seen) < 4 * (max(steps) + 1) + 12 * 4  # some halvings apart, as if each had stopped by itself


@pytest.mark.parametrize(
    "form",
    [LogDet(), TraceExp(), Polynomial(), Series(10, "logdet", 0.0), SpectralRadius()],
    ids=lambda form: type(form).__name__,
)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_every_form_goes_with_a_batch(lab, form, dtype):
    for found in fit(batch(lab, range(2), 8, dtype)[0], form, CentralPath((1.0, 0.1, 0.01), 60, 1e-4, 10)):
        assert found.params["W"].dtype == dtype
        assert found.path[-1].h < found.path[0].h < np.inf


@pytest.mark.parametrize(("stepper", "seeds"), [(BlockSolve(), (11, 12, 15)), (ADAM, (15,))], ids=["blocks", "adam"])
def test_the_central_path_meets_the_dense_reference(lab, reference, stepper, seeds):
    d = 20
    statistics, correlations = batch(lab, seeds, d)
    schedule = replace(TIGHT, max_steps=TIGHT.max_steps // stepper.every)
    for R, found in zip(correlations, fit(statistics, schedule=schedule, stepper=stepper), strict=True):
        expected = reference.notears(R, LAMBDA1, PATH)
        assert found.path[-1].objective == pytest.approx(reference.objective(dense(found, d), R, LAMBDA1), rel=1e-9)
        assert abs(found.path[0].objective / expected[0][1] - 1) < SAME_OBJECTIVE
        assert found.path[-1].objective / expected[-1][1] - 1 < SAME_OBJECTIVE


def test_the_augmented_lagrangian_meets_the_dense_reference(lab, reference):
    statistics, correlations = batch(lab, (11,), 20)
    for R, found in zip(correlations, fit(statistics, schedule=LAGRANGIAN), strict=True):
        expected = reference.notears(R, LAMBDA1, PATH)[-1][1]
        assert found.path[-1].h <= 2 * LAGRANGIAN.h_tol
        assert found.path[-1].objective / expected - 1 < LAGRANGIAN_OBJECTIVE


def test_first_order_steps_under_the_lagrangian_meet_the_dense_reference(lab, reference):
    statistics, (R,) = batch(lab, (2,), 8)
    (found,) = fit(statistics, schedule=replace(LAGRANGIAN, h_tol=1e-4, rtol=1e-5, max_steps=30), stepper=ADAM)
    expected = reference.notears(R, LAMBDA1, PATH)[-1][1]
    assert found.path[-1].h <= 1e-4
    assert abs(found.path[-1].objective / expected - 1) < LAGRANGIAN_OBJECTIVE


def test_the_batch_is_the_ragged_model(lab):
    d = 15
    candidates, series = lab.all_pairs(d), Series(8, "logdet", 0.0)
    blocks, (R,) = batch(lab, [3], d)
    statistics = LinearStatistics(lab.make_blocks(R, candidates, 1000), np.ones(d))
    ragged = OnCandidates(Linear(LAMBDA1, 1000, 1e-10), series, statistics, candidates, 1)
    (expected,) = solve(ragged, {"W": np.zeros((1, candidates.n_edges))}, schedule=TIGHT, stepper=BlockSolve())
    (found,) = fit(blocks, series)
    np.testing.assert_allclose(dense(found, d)[candidates.parent, candidates.target], expected.params["W"], atol=1e-4)
    assert found.path[-1].objective == pytest.approx(expected.path[-1].objective, rel=1e-6)


def test_places_that_are_filled_up_get_no_weight(lab):
    pairs = np.random.default_rng(51).random((12, 12)) < 0.5
    pairs[:, 0] = False
    statistics, _ = batch(lab, [4], 12, candidates=Candidates.from_pairs(*np.nonzero(pairs), 12))
    there = statistics.mask[0, :, :, 0] > 0
    for stepper in (BlockSolve(), ADAM):
        (found,) = fit(statistics, schedule=replace(TIGHT, max_steps=40 // stepper.every + 1), stepper=stepper)
        assert not found.params["W"][~there].any()
        assert found.params["W"][there].any()


def test_the_lagrangian_raises_rho_until_h_falls_and_then_the_multiplier():
    first = LAGRANGIAN.start()
    assert (first.mu, first.alpha, first.rho) == (1.0, 0.0, 1.0)
    second = LAGRANGIAN.tighten(first, 0.8)
    assert (second.alpha, second.rho, second.h) == (0.8, 1.0, 0.8)
    third = LAGRANGIAN.tighten(second, 0.5)  # more than a quarter of .8 is left
    assert (third.alpha, third.rho, third.h) == (0.8, 10.0, 0.8)
    fourth = LAGRANGIAN.tighten(third, 0.1)
    assert (fourth.alpha, fourth.rho, fourth.h) == (1.8, 10.0, 0.1)
    assert LAGRANGIAN.tighten(fourth, 1e-9) is None
    assert LAGRANGIAN.tighten(fourth._replace(rho=1e12), 0.09) is None
    assert LAGRANGIAN.tighten(fourth._replace(stage=59), 0.09) is None


def test_the_multiplier_is_the_slope_of_the_merit():
    weights, F, h, step = Weights(0.1, 0.7, 20.0, 0, np.inf), np.array([3.0]), np.array([0.02]), 1e-6
    rise = weights.merit(F, h + step) - weights.merit(F, h - step)
    np.testing.assert_allclose(weights.multiplier(h), rise / (2 * step), rtol=1e-6)
    assert weights.merit(F, np.array([np.inf])) == np.inf
