"""Every stepper with every model, on candidates and in tensors: the optimum of the block solve, or a stationary point.

Without a constraint the problems of lines and curves are convex, so all steppers have to end in the same minimum.
Along the path, and of networks of hidden units, there are several; there the end has to be stationary, and no worse.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from acyclome.core.acyclicity import LogDet, Series
from acyclome.core.data.expansions import BSplines, Powers
from acyclome.core.relaxation.lbfgs import ProximalLbfgs
from acyclome.core.relaxation.problem import OnCandidates, OnTensors
from acyclome.core.relaxation.schedule import AugmentedLagrangian, CentralPath
from acyclome.core.relaxation.shrink import soften_groups
from acyclome.core.relaxation.solve import Iterate, solve
from acyclome.core.relaxation.steps import BlockSolve, ProximalAdam
from acyclome.core.relaxation.tree import map_leaves
from acyclome.core.workers import one_blas_thread
from acyclome.errors import ConfigError
from acyclome.models.curves.relaxation import Additive
from acyclome.models.linear.relaxation import Linear
from acyclome.models.mlp.relaxation import Mlp

LAMBDA1, D, N = 0.05, 7, 300
STEPPERS = {"adam": ProximalAdam(0.01, 100, 20), "lbfgs": ProximalLbfgs(10, 20, 5)}
MODELS = {
    "linear": Linear(LAMBDA1, 5000, 1e-10),
    "linear, equal noise": Linear(LAMBDA1, 5000, 1e-10, equal_noise=True),
    "powers": Additive(Powers(3), LAMBDA1, 5000, 1e-10),
    "splines": Additive(BSplines(6), LAMBDA1, 5000, 1e-10),
    "mlp": Mlp(4, LAMBDA1, 1e-3, 5),
}
CONVEX = [name for name in MODELS if name != "mlp"]
ONCE = CentralPath((1.0,), max_steps=300, rtol=1e-9, max_halvings=20)
PATH = CentralPath((1.0, 0.1, 0.01, 0.001), max_steps=150, rtol=1e-6, max_halvings=12)
LAGRANGIAN = AugmentedLagrangian(1.0, 10.0, 1e12, 0.25, 1e-4, 30, 150, 1e-6, 12)
# Of the objective, when a stage ends as it falls by less than 1e-9 of itself; the rate of Adam falls with its steps.
SAME_MINIMUM = {ProximalAdam: 5e-5, ProximalLbfgs: 1e-6}
NO_WORSE = 1e-3  # of the merit, or of the objective at h = 1e-4: a stage ends when the merit falls by 1e-6 of itself
STATIONARY = 0.02  # move of a step of length 1; it is 3 to 135 where weights are .1 beside the start
every_stepper = pytest.mark.parametrize("stepper", STEPPERS.values(), ids=list(STEPPERS))


@dataclass(frozen=True)
class Free:
    """No constraint at all."""

    def value_and_gradient(self, A, candidates, threads):
        return 0.0, np.zeros_like(A)

    def blocks_value_and_gradient(self, A, parent):
        return A.new_zeros(len(A)), torch.zeros_like(A)


def on_candidates(lab, model, acyclicity, seed=1, d=D):
    problem, candidates = lab.problem_of(lab.draw_linear(seed, d, N, degree=2)[0]), lab.all_pairs(d)
    at = OnCandidates(model, acyclicity, model.statistics(problem, candidates), candidates, 1)
    return at, map_leaves(lambda leaf: leaf[None], model.start(candidates, 1))


def in_tensors(lab, model, acyclicity, sizes, dtype=torch.float64):
    statistics = [on_candidates(lab, model, acyclicity, seed, d)[0].statistics for seed, d in enumerate(sizes)]
    twin, laid_out = model.side_by_side(statistics, torch.empty(0, dtype=dtype))
    return OnTensors(replace(twin, tol=1e-10), acyclicity, laid_out), laid_out.start()


def ends(at, start, schedule, stepper):
    with one_blas_thread():
        return solve(at, start, schedule=schedule, stepper=stepper)


def residual(at, params, weights):
    """Largest move of a proximal gradient step of length 1: zero where and only where the merit is stationary."""
    params = map_leaves(lambda leaf: leaf[None], params)
    now = Iterate(params, at.evaluate(params), weights.side_by_side([weights]), {})
    slope = at.gradient(params, now.ridge)
    ones = map_leaves(lambda leaf: leaf * 0.0 + 1.0, params)
    moved = at.shrink(map_leaves(lambda a, b: a - b, params, slope), ones)
    return max(float(abs(moved[name] - params[name]).max()) for name in params)


@every_stepper
@pytest.mark.parametrize("name", CONVEX)
def test_without_a_constraint_every_stepper_ends_in_the_minimum_of_the_blocks(lab, name, stepper):
    at, start = on_candidates(lab, MODELS[name], Free())
    ((expected,), (found,)) = (ends(at, start, ONCE, way) for way in (BlockSolve(), stepper))
    assert found.path[0].objective == pytest.approx(expected.path[0].objective, rel=SAME_MINIMUM[type(stepper)])
    assert residual(at, found.params, ONCE.start()) < STATIONARY


@every_stepper
@pytest.mark.parametrize("name", ["linear, equal noise", "splines"])
def test_so_it_does_in_tensors_with_networks_of_several_sizes_side_by_side(lab, name, stepper):
    sizes = (D, 5, 6)
    at, start = in_tensors(lab, MODELS[name], Free(), sizes)
    for seed, (d, found) in enumerate(zip(sizes, ends(at, start, ONCE, stepper), strict=True)):
        (expected,) = ends(*on_candidates(lab, MODELS[name], Free(), seed, d), ONCE, BlockSolve())
        assert found.path[0].objective == pytest.approx(expected.path[0].objective, rel=SAME_MINIMUM[type(stepper)])


@every_stepper
@pytest.mark.parametrize("name", MODELS)
def test_the_path_ends_in_a_stationary_point_no_worse_than_that_of_the_blocks(lab, name, stepper):
    at, start = on_candidates(lab, MODELS[name], Series(D, "logdet", 0.0))
    (blocks,), (found,) = (ends(at, start, PATH, way) for way in (BlockSolve(), stepper))
    assert found.path[-1].h < 1e-3
    merits = [one.path[-1].mu * one.path[-1].objective + one.path[-1].h for one in (blocks, found)]
    assert merits[1] < merits[0] * (1 + NO_WORSE)
    last = PATH.start()
    while (following := PATH.tighten(last, 0.0)) is not None:
        last = following
    assert residual(at, found.params, last) < STATIONARY


@every_stepper
@pytest.mark.parametrize("name", ["linear", "splines"])
def test_a_batch_in_tensors_is_its_problems_one_at_a_time_and_those_on_candidates(lab, name, stepper):
    sizes, short = (D, 5), replace(PATH, mu=(1.0, 0.1), max_steps=4)
    at, start = in_tensors(lab, MODELS[name], LogDet(), sizes)
    together = ends(at, start, short, stepper)
    for seed, d in enumerate(sizes):
        one, own = in_tensors(lab, MODELS[name], LogDet(), sizes)
        picked = np.array([seed])
        (alone,) = ends(one.take(picked), {"W": own["W"][picked]}, short, stepper)
        assert [point.steps for point in alone.path] == [point.steps for point in together[seed].path]
        np.testing.assert_allclose(together[seed].params["W"], alone.params["W"], atol=1e-7)
        (ragged,) = ends(*on_candidates(lab, MODELS[name], LogDet(), seed, d), short, stepper)
        assert ragged.path[-1].objective == pytest.approx(alone.path[-1].objective, rel=1e-3)


@every_stepper
def test_the_lagrangian_goes_with_every_stepper(lab, stepper):
    at, start = on_candidates(lab, MODELS["linear"], LogDet())
    (blocks,), (found,) = (ends(at, start, LAGRANGIAN, way) for way in (BlockSolve(), stepper))
    assert found.path[-1].h <= LAGRANGIAN.h_tol
    assert found.path[-1].objective == pytest.approx(blocks.path[-1].objective, rel=NO_WORSE)


@every_stepper
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_tensors_keep_their_type_and_the_same_call_its_bits(lab, stepper, dtype):
    at, start = in_tensors(lab, MODELS["splines"], LogDet(), (6, 5), dtype)
    one, two = (ends(at, start, replace(PATH, mu=(0.1,), max_steps=5), stepper) for _ in range(2))
    assert [each.params["W"].dtype for each in one] == [dtype, dtype]
    for each, again in zip(one, two, strict=True):
        assert torch.equal(each.params["W"], again.params["W"])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@every_stepper
@pytest.mark.parametrize("name", ["linear", "splines"])
def test_on_a_card_the_same_code_ends_in_the_same_minimum(lab, name, stepper):
    statistics = [on_candidates(lab, MODELS[name], Free(), seed)[0].statistics for seed in range(2)]
    twin, laid_out = MODELS[name].side_by_side(statistics, torch.empty(0, dtype=torch.float64, device="cuda"))
    for seed, found in enumerate(ends(OnTensors(twin, Free(), laid_out), laid_out.start(), ONCE, stepper)):
        (expected,) = ends(*on_candidates(lab, MODELS[name], Free(), seed), ONCE, BlockSolve())
        assert found.path[0].objective == pytest.approx(expected.path[0].objective, rel=SAME_MINIMUM[type(stepper)])


@dataclass(frozen=True)
class Bare:
    """A model that declares some abilities and has none."""

    abilities: frozenset

    def strength(self, params):
        return params["W"] ** 2


@pytest.mark.parametrize(
    ("abilities", "stepper", "words"),
    [
        ({"gradient", "shrink"}, BlockSolve(), "BlockSolve needs 'solve', which Bare has not.*adam and lbfgs"),
        ({"solve"}, STEPPERS["adam"], "ProximalAdam needs 'gradient', which Bare has not.*blocks needs"),
        ({"solve", "gradient"}, STEPPERS["lbfgs"], "ProximalLbfgs needs 'shrink', which Bare has not"),
    ],
    ids=["blocks", "adam", "lbfgs"],
)
def test_a_pairing_that_cannot_be_is_refused_before_anything_is_computed(lab, abilities, stepper, words):
    model = Bare(frozenset(abilities))
    for problem in (OnCandidates(model, Free(), None, lab.all_pairs(3), 1), OnTensors(model, Free(), None)):
        with pytest.raises(ConfigError, match=words):
            solve(problem, {"W": np.zeros((1, 6))}, schedule=PATH, stepper=stepper)


def test_a_group_is_shrunken_to_where_the_slope_of_distance_and_penalty_is_zero():
    rng = np.random.default_rng(93)
    values, amount, penalty = rng.standard_normal((50, 3)), rng.uniform(0.1, 2.0, (50, 3)), 0.8
    x = soften_groups(values, amount, penalty)
    short = np.linalg.norm(values / amount, axis=1) <= penalty
    assert 5 < short.sum() < 45
    assert not x[short].any()
    kept = x[~short]
    slope = (kept - values[~short]) / amount[~short] + penalty * kept / np.linalg.norm(kept, axis=1, keepdims=True)
    np.testing.assert_allclose(slope, 0.0, atol=1e-9)


@pytest.mark.parametrize("length", [1e-3, 1e-16, 1e-200, 0.0])
def test_a_group_shorter_than_its_bound_is_zero_however_short_it_is(length):
    assert not soften_groups(np.full((1, 2), length), np.ones((1, 2)), 0.1).any()
