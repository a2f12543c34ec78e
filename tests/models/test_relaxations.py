"""Relaxations of all models: interventions leave observations out of the equations of their targets, and only there."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import acyclome as ac
from acyclome.config import Config
from acyclome.core import engine
from acyclome.core.backend import DeviceBackend
from acyclome.core.data.expansions import Powers
from acyclome.core.data.interventions import Interventions
from acyclome.core.workers import one_blas_thread
from acyclome.models.curves.relaxation import Additive
from acyclome.models.linear.relaxation import Linear
from acyclome.models.mlp.relaxation import Mlp
from acyclome.pipeline.engine_settings import engine_settings

D, N, TARGET = 6, 120, 2
MODELS = {
    "linear": Linear(0.05, 2000, 1e-10),
    "powers": Additive(Powers(3), 0.05, 2000, 1e-10),
    "mlp": Mlp(4, 0.05, 1e-3, 5),
}
SAME = {"linear": 1e-9, "powers": 1e-5, "mlp": 1e-4}  # statistics of lines are float64, of the others float32
every_model = pytest.mark.parametrize("name", MODELS)


def acted_on(lab):
    """One gene is a target in the last third of the observations."""
    X = lab.draw_linear(5, D, N, degree=3)[0].copy()
    rows = np.arange(2 * N // 3, N)
    X[rows, TARGET] += 3.0
    done = Interventions.from_pairs(np.full(len(rows), TARGET), rows, n_genes=D, n_obs=N)
    return lab.problem_of(X, interventions=done), lab.problem_of(X), lab.problem_of(X[: rows[0]])


@every_model
def test_a_target_is_fitted_as_if_its_other_observations_were_all_there_are(lab, name):
    model, candidates = MODELS[name], lab.all_pairs(D)
    together, everywhere, fewer = (model.statistics(problem, candidates) for problem in acted_on(lab))
    rng, share = np.random.default_rng(3), 2 / 3
    start = {"W": 0.2 * rng.standard_normal(model.start(candidates, 1)["W"].shape)}
    ridge, own = rng.random(candidates.n_edges), candidates.target == TARGET
    expected = model.losses(everywhere, start, threads=1)
    expected[TARGET] = share * model.losses(fewer, start, threads=1)[TARGET]
    np.testing.assert_allclose(model.losses(together, start, threads=1), expected, rtol=SAME[name])
    assert abs(model.losses(everywhere, start, threads=1)[TARGET] / expected[TARGET] - 1) > 0.05
    for solved, by_share in ((model.solve, ridge / share), (model.gradient, ridge / share)):
        found, plain = (solved(one, start, ridge, threads=1)["W"] for one in (together, everywhere))
        alone = solved(fewer, start, by_share, threads=1)["W"] * (share if solved == model.gradient else 1.0)
        np.testing.assert_allclose(found[own], alone[own], atol=10 * SAME[name])
        np.testing.assert_allclose(found[~own], plain[~own], atol=10 * SAME[name])


@every_model
def test_the_slope_and_the_penalty_are_those_of_the_weighted_objective(lab, name):
    model, candidates = MODELS[name], lab.all_pairs(D)
    statistics = model.statistics(acted_on(lab)[0], candidates)
    rng = np.random.default_rng(4)
    W, away = 0.3 * rng.standard_normal((2, *model.start(candidates, 1)["W"].shape))
    ridge, h = rng.random(candidates.n_edges), 1e-3
    slope = model.gradient(statistics, {"W": W}, ridge, threads=1)["W"]
    amount = {"W": np.full_like(W, 1e-6)}
    penalty = (W - model.shrink(statistics, {"W": W}, amount)["W"]) / 1e-6  # its slope, where no weight is zero
    up, down = (
        model.objective(statistics, {"W": W + s * away}, threads=1) + ridge @ model.strength({"W": W + s * away})
        for s in (h, -h)
    )
    assert (up - down) / (2 * h) == pytest.approx(np.sum((slope + penalty) * away), rel=2e-3, abs=2e-3)


every_stepper = pytest.mark.parametrize("stepper", ["blocks", "adam", "lbfgs"])
devices = pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param(
            "cuda",
            marks=[
                pytest.mark.gpu,
                pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
            ],
        ),
    ],
)


@devices
@every_stepper
@pytest.mark.parametrize("model", ["linear", "spline", "mlp"])
def test_on_a_device_every_stepper_and_model_end_as_on_threads(lab, model, stepper, device):
    """Torch computes on the processor here with the code that it has on a card."""
    fit = {"relax": True, "stepper": stepper, "mu": [1.0], "max_steps": 40, "rtol": 1e-5, "drop_tol": 0.0}
    settings = engine_settings(Config.from_mapping({"model": model, "fit": fit}))
    problem, candidates = acted_on(lab)[0], lab.all_pairs(D)
    there = replace(problem, backend=DeviceBackend(torch.device(device), torch.float64))
    with one_blas_thread():
        ends = [engine.relax(one, candidates, settings, seed=1)[1] for one in (problem, there)]
    one, other = (end.path[0].objective + end.path[0].h for end in ends)
    assert other == pytest.approx(one, rel=1e-4)


@every_stepper
@pytest.mark.parametrize("model", ["linear", "spline", "mlp"])
def test_every_stepper_and_model_go_through_learn_with_interventions(lab, model, stepper):
    X = lab.draw_linear(6, D, N, degree=2)[0]
    labels = [f"gene_{k % D + 1}" if k < 30 else "" for k in range(N)]
    fit = {"relax": True, "stepper": stepper, "mu": [0.1, 0.01], "max_steps": 5}
    options = {"model": model, "fit": fit, "search": {"perturbations": 0}}
    network = ac.learn(X, perturbation=labels, resamples=0, threads=1, device="cpu", config=options)
    assert network.is_dag
    assert len(network.edges)
    path = network.facts["fit"]["convergence"]
    assert [point["mu"] for point in path] == [0.1, 0.01]
    assert path[-1]["h"] < 0.1
    most = {"blocks": 1, "adam": 20, "lbfgs": 5}[stepper] * 5
    assert 0 < path[0]["steps"] <= most
