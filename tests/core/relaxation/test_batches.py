"""Problems side by side: a batch is its members, one at a time; steps and schedules meet the dense reference."""

import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from acyclome.core.acyclicity import LogDet, Polynomial, Series, SpectralRadius, TraceExp
from acyclome.core.relaxation.problem import OnCandidates, OnTensors
from acyclome.core.relaxation.schedule import AugmentedLagrangian, CentralPath, Weights
from acyclome.core.relaxation.solve import solve
from acyclome.core.relaxation.steps import BlockSolve, ProximalAdam
from acyclome.errors import ConfigError
from acyclome.models.linear.batched import BatchedLinear
from acyclome.models.linear.gram_blocks import Whole
from acyclome.models.linear.relaxation import Linear, LinearStatistics

LAMBDA1 = 0.05
PATH = (1.0, 0.1, 0.01, 0.001)
SEM = BatchedLinear(LAMBDA1, steps=2000, tol=1e-8)
TIGHT = CentralPath(PATH, max_steps=300, rtol=1e-6, max_halvings=12)
ADAM = ProximalAdam(rate=0.01, settle=100, every=100)
LAGRANGIAN = AugmentedLagrangian(
    rho=1.0,
    growth=10.0,
    rho_max=1e12,
    progress=0.25,
    h_tol=1e-8,
    max_stages=60,
    max_steps=3000,
    rtol=1e-6,
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


def batch(lab, seeds, d, dtype=torch.float64, mask=None):
    R = np.stack([lab.moments_of(lab.draw_linear(seed, d, 1000, degree=2)[0]).R for seed in seeds])
    R = torch.as_tensor(R, dtype=dtype)
    return Whole.of(R, torch.ones_like(R) if mask is None else mask, torch.ones(R.shape[:2], dtype=dtype))


def fit(statistics, form=None, schedule=TIGHT, stepper=None, sem=SEM):
    problem = OnTensors(sem, form or LogDet(), statistics)
    return solve(problem, schedule, stepper or BlockSolve(), torch.zeros_like(statistics.cross))


@pytest.mark.parametrize(
    ("stepper", "schedule"),
    [
        (BlockSolve(), replace(TIGHT, rtol=1e-4)),
        (BlockSolve(), replace(LAGRANGIAN, h_tol=1e-3, rtol=1e-4)),
        (replace(ADAM, every=20), CentralPath((1.0, 0.1), 2000, 1e-3, 12)),
    ],
    ids=["blocks, path", "blocks, lagrangian", "adam, path"],
)
def test_a_batch_is_its_members_one_at_a_time(lab, stepper, schedule):
    """Members end after different numbers of steps, so some are done while others go on, and are not changed."""
    statistics = batch(lab, range(3), 10)
    together = fit(statistics, Series(8, "logdet", 0.0), schedule, stepper)
    for number, found in enumerate(together):
        (alone,) = fit(statistics.take(np.array([number])), Series(8, "logdet", 0.0), schedule, stepper)
        np.testing.assert_allclose(found.W, alone.W, atol=BATCH)
        assert [(p.steps, p.status) for p in found.path] == [(p.steps, p.status) for p in alone.path]
    assert len({sum(point.steps for point in found.path) for found in together}) > 1


@dataclass(frozen=True)
class Counted:
    """A log det that writes down how many members it is asked for."""

    seen: list

    def dense_value_and_gradient(self, A):
        self.seen.append(len(A))
        return LogDet().dense_value_and_gradient(A)


def test_members_that_are_done_leave_the_arrays(lab):
    seen = []
    statistics = batch(lab, range(4), 10)
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
    for found in fit(batch(lab, range(2), 8, dtype), form, CentralPath((1.0, 0.1, 0.01), 60, 1e-4, 10)):
        assert found.W.dtype == dtype
        assert found.path[-1].h < found.path[0].h < np.inf


@pytest.mark.parametrize(("stepper", "seeds"), [(BlockSolve(), (11, 12, 15)), (ADAM, (15,))], ids=["blocks", "adam"])
def test_the_central_path_meets_the_dense_reference(lab, reference, stepper, seeds):
    statistics = batch(lab, seeds, 20)
    for R, found in zip(statistics.cross.numpy(), fit(statistics, stepper=stepper), strict=True):
        expected = reference.notears(R, LAMBDA1, PATH)
        assert found.path[-1].objective == pytest.approx(reference.objective(found.W.numpy(), R, LAMBDA1), rel=1e-9)
        assert abs(found.path[0].objective / expected[0][1] - 1) < SAME_OBJECTIVE
        assert found.path[-1].objective / expected[-1][1] - 1 < SAME_OBJECTIVE


def test_the_augmented_lagrangian_meets_the_dense_reference(lab, reference):
    statistics = batch(lab, (11,), 20)
    for R, found in zip(statistics.cross.numpy(), fit(statistics, schedule=LAGRANGIAN), strict=True):
        expected = reference.notears(R, LAMBDA1, PATH)[-1][1]
        assert found.path[-1].h <= 2 * LAGRANGIAN.h_tol
        assert found.path[-1].objective / expected - 1 < LAGRANGIAN_OBJECTIVE


def test_first_order_steps_under_the_lagrangian_meet_the_dense_reference(lab, reference):
    statistics = batch(lab, (2,), 8)
    (found,) = fit(statistics, schedule=replace(LAGRANGIAN, h_tol=1e-4, rtol=1e-5), stepper=ADAM)
    expected = reference.notears(statistics.cross[0].numpy(), LAMBDA1, PATH)[-1][1]
    assert found.path[-1].h <= 1e-4
    assert abs(found.path[-1].objective / expected - 1) < LAGRANGIAN_OBJECTIVE


def test_the_dense_batch_is_the_ragged_model(lab):
    d = 15
    m = lab.moments_of(lab.draw_linear(3, d, 1000, degree=2)[0])
    candidates = lab.all_pairs(d)
    statistics = LinearStatistics(lab.make_pools(m.R, candidates, 1000), np.ones(d))
    series = Series(8, "logdet", 0.0)
    ragged = OnCandidates(Linear(LAMBDA1, 1000, 1e-10), series, statistics, candidates, 1)
    (expected,) = solve(ragged, TIGHT, BlockSolve(), np.zeros((1, candidates.n_edges)))
    (found,) = fit(batch(lab, [3], d), series)
    np.testing.assert_allclose(found.W.numpy()[candidates.parent, candidates.target], expected.W, atol=1e-4)
    assert found.path[-1].objective == pytest.approx(expected.path[-1].objective, rel=1e-6)


def test_pairs_that_are_masked_get_no_weight_and_no_gene_is_its_own_cause(lab):
    mask = torch.as_tensor(np.random.default_rng(51).random((1, 12, 12)) < 0.5)
    for stepper in (BlockSolve(), ADAM):
        (found,) = fit(batch(lab, [4], 12, mask=mask), schedule=replace(TIGHT, max_steps=40), stepper=stepper)
        assert not found.W[~mask[0]].any()
        assert not found.W.diagonal().any()
        assert found.W[mask[0]].any()


@dataclass(frozen=True)
class NoClosedForm:
    """A model whose blocks nobody can solve."""

    def strength(self, W):
        return W * W

    def gradient(self, statistics, ridge, W):
        return SEM.gradient(statistics, ridge, W)


def test_a_stepper_without_what_it_needs_is_refused_before_the_first_step(lab):
    statistics = batch(lab, [1], 6)
    with pytest.raises(ConfigError, match=r"BlockSolve needs 'solve', which NoClosedForm has not.*ProximalAdam"):
        fit(statistics, sem=NoClosedForm())
    with pytest.raises(ConfigError, match="ProximalAdam needs 'shrink', which NoClosedForm has not"):
        fit(statistics, sem=NoClosedForm(), stepper=ADAM)
    ragged = OnCandidates(Linear(LAMBDA1, 10, 1e-3), LogDet(), None, lab.all_pairs(3), 1)
    with pytest.raises(ConfigError, match="ProximalAdam needs 'gradient', which Linear on ragged candidates has not"):
        solve(ragged, TIGHT, ADAM, np.zeros((1, 6)))


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


def test_the_price_is_the_slope_of_the_merit():
    weights, F, h, step = Weights(0.1, 0.7, 20.0, 0, np.inf), np.array([3.0]), np.array([0.02]), 1e-6
    rise = weights.merit(F, h + step) - weights.merit(F, h - step)
    np.testing.assert_allclose(weights.price(h), rise / (2 * step), rtol=1e-6)
    assert weights.merit(F, np.array([np.inf])) == np.inf
