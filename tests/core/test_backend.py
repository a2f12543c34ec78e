"""A device against threads: correlations, candidates, the relaxation, and the DAG that the order search makes of them.

Torch computes on the processor here, with the code that it has on a card; with a card the same is run there.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from acyclome.config import Config
from acyclome.core import backend as module
from acyclome.core import engine
from acyclome.core.acyclicity import Series
from acyclome.core.backend import DeviceBackend, ThreadBackend
from acyclome.core.screening import batched as screen_batched
from acyclome.core.screening.batched import correlations_of, forward_select_batched, strongest_partial_batched
from acyclome.core.screening.screen import ScreenSettings, forward_select, strongest_partial
from acyclome.core.workers import one_blas_thread
from acyclome.models.linear import batched
from acyclome.models.linear.batched import BatchedLeastSquares
from acyclome.models.linear.relaxation import Linear, LinearStatistics
from acyclome.pipeline.engine_settings import engine_settings

HERE = DeviceBackend(torch.device("cpu"), torch.float64)
SAME_W = 1e-6  # blocks are solved to 1e-11 in slopes, divided by least eigenvalues of .01 and more, in 40 steps
SLOPES = 4.0  # eps times the largest eigenvalue: how far from zero a device leaves a slope that it calls solved
FULL = replace(engine_settings(Config()), rescreens=True)
ALL_FLOW = replace(FULL, relax=replace(FULL.relax, acyclicity=Series(8, "logdet", 0.0)))
TO_THE_END = replace(ALL_FLOW, relax=replace(ALL_FLOW.relax, model=Linear(ALL_FLOW.relax.model.lambda1, 10_000, 1e-11)))


def pairs(candidates):
    return set(zip(candidates.parent.tolist(), candidates.target.tolist(), strict=True))


def edges(dag):
    return set(zip(dag.source.tolist(), dag.target.tolist(), strict=True))


def road(lab, m, backend, settings=ALL_FLOW):
    problem = lab.problem_of(m, backend=backend)
    with one_blas_thread():
        candidates = engine.screen(problem, FULL)
        start, found = engine.relax(problem, candidates, settings, seed=3)
        return candidates, found, engine.search(problem, candidates, start, settings=FULL, seed=3)[0]


def draw_300(lab):
    return lab.moments_of(lab.draw_linear(1, 300, 400, 2)[0])


def assert_the_same_road(lab, backend):
    """Single weights may differ: where two edges compete along a cycle the merit is not convex, and rounding decides.

    What is minimized may not, beyond the share of it at which a stage ends.
    """
    m = draw_300(lab)
    (candidates, relaxed, dag), (own, found, same) = road(lab, m, ThreadBackend()), road(lab, m, backend)
    assert pairs(candidates) == pairs(own)
    for one, other in zip(found.path, relaxed.path, strict=True):
        merits = [point.mu * point.objective + point.h for point in (one, other)]
        assert merits[0] == pytest.approx(merits[1], rel=ALL_FLOW.relax.schedule.rtol)
    assert edges(dag) == edges(same)
    assert len(edges(dag)) > 300


def test_the_road_of_300_genes_ends_in_the_same_dag(lab):
    assert_the_same_road(lab, DeviceBackend(torch.device("cpu"), torch.float32))


def test_in_float64_with_blocks_solved_to_the_end_the_road_has_the_same_weights(lab, monkeypatch):
    monkeypatch.setattr(batched.BatchedLeastSquares.__init__, "__defaults__", (20_000,))
    m = draw_300(lab)
    (candidates, relaxed, dag), (own, found, same) = (
        road(lab, m, backend, TO_THE_END) for backend in (ThreadBackend(), HERE)
    )
    assert pairs(candidates) == pairs(own)
    np.testing.assert_allclose(found.W, relaxed.W, atol=SAME_W)
    for one, other in zip(found.path, relaxed.path, strict=True):
        assert (one.steps, one.status) == (other.steps, other.status)
        np.testing.assert_allclose((one.objective, one.h), (other.objective, other.h), rtol=1e-7, atol=1e-9)
    assert edges(dag) == edges(same)


@pytest.mark.parametrize("steep", [0.0, 1.0])
def test_in_float32_a_block_is_solved_as_well_as_its_conditioning_allows(lab, steep):
    """The minimizer moves by no more than what slopes are off by, over the least eigenvalue of block and ridge.

    Slopes are off by what the device leaves of them, ``SLOPES eps L``, and by the rounding of ``G b - c``: the entries
    of ``G`` are at most 1, so ``(k + 4) eps (|b|_1 + 1)`` covers a sum of ``k`` products.
    """
    m = draw_300(lab)
    candidates = engine.screen(lab.problem_of(m), FULL)
    pools = lab.make_blocks(m.R, candidates, 400)
    linear, ridge = TO_THE_END.relax.model, steep * np.random.default_rng(34).random(candidates.n_edges)
    statistics = LinearStatistics(pools, np.ones(300))
    expected = linear.solve(statistics, linear.start(candidates, 0), ridge, threads=1)["W"]
    _, blocks = linear.side_by_side([statistics], torch.empty(0, dtype=torch.float32))
    device = BatchedLeastSquares(linear.lambda1, 0.0, 20_000)
    laid = torch.zeros_like(blocks.mask[..., 0])
    laid[blocks.mask[..., 0] > 0] = torch.as_tensor(ridge, dtype=torch.float32)
    found = blocks.on_candidates(0, device.solve(blocks, blocks.start(), laid)["W"][0])[:, 0]
    eps = np.finfo(np.float32).eps
    for j in range(300):
        own = candidates.target == j
        k = own.sum()
        G = blocks.gram[0, j, :k, 0, :k, 0].double().numpy()
        least = np.linalg.eigvalsh(G + 2.0 * np.diag(ridge[own]))[0]
        slopes = SLOPES * float(blocks.bound[0, j, 0, 0]) + (k + 4) * (np.abs(expected[own]).sum() + 1)
        assert np.linalg.norm(found[own] - expected[own]) <= np.sqrt(k) * eps * slopes / least


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_the_road_of_300_genes_ends_in_the_same_dag_on_a_card(lab):
    assert_the_same_road(lab, DeviceBackend(torch.device("cuda"), torch.float32))


def test_correlations_are_those_of_the_threads_to_the_last_digits_and_symmetric(lab):
    X = lab.draw_linear(2, 40, 60)[0].copy()
    X[:, 7] = 3.0
    m = lab.moments_of(X)
    R = HERE.correlate(replace(m, R=None)).R
    np.testing.assert_allclose(R, m.R, atol=1e-13)
    np.testing.assert_array_equal(R, R.T)
    np.testing.assert_array_equal(R.diagonal(), m.R.diagonal())


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize("skewed", [False, True])
def test_forward_selection_picks_what_the_threads_pick_in_any_blocks(lab, monkeypatch, restricted, skewed):
    X = lab.draw_linear(3, 60, 200, 2.5)[0].copy()
    if skewed:
        X[:, ::2] = np.random.default_rng(31).random((200, 30)) < 0.04
    m = lab.moments_of(X)
    pool = np.flatnonzero(np.random.default_rng(32).random(60) < 0.5) if restricted else np.arange(60)
    problem = lab.problem_of(m, sources=np.isin(np.arange(60), pool))
    expected = forward_select(problem, pool, steps=6, min_gain=2.0)
    for values in (1 << 26, 3000):
        monkeypatch.setattr(screen_batched, "BLOCK_VALUES", values)
        R = correlations_of(torch.tensor(m.Z))
        found = forward_select_batched(problem, R, ScreenSettings(6, 2.0, 5, 0.05, 30))
        np.testing.assert_array_equal(np.sort(found), np.sort(expected))  # of near equals in float32 either goes first
    assert (expected >= 0).sum() > 30


@pytest.mark.parametrize("n", [40, 200])
@pytest.mark.parametrize("restricted", [False, True])
def test_partial_correlations_name_the_same_genes(lab, n, restricted):
    causes = np.random.default_rng(33).random(60) < (0.5 if restricted else 2.0)
    problem = lab.problem_of(lab.draw_linear(4, 60, n, 2)[0], sources=causes)
    found = strongest_partial_batched(problem, torch.tensor(problem.data.Z), ScreenSettings(5, 4.0, 6, 0.1, 12))
    expected = strongest_partial(problem, keep=6, shrinkage=0.1)
    np.testing.assert_array_equal(np.sort(found), np.sort(expected))


def test_without_causes_nothing_is_found(lab):
    problem = lab.problem_of(lab.draw_linear(4, 30, 50)[0], sources=np.zeros(30, bool), backend=HERE)
    few = ScreenSettings(4, 4.0, 4, 0.05, 6)
    assert (forward_select_batched(problem, torch.eye(30, dtype=torch.float64), few) == -1).all()
    candidates = engine.screen(problem, replace(FULL, screen=few))
    assert candidates.n_edges == 0
    assert engine.relax(problem, candidates, FULL, seed=3)[1].status == "converged"


@pytest.mark.parametrize("form", ["series", "logdet"])
def test_networks_relaxed_in_one_call_are_those_relaxed_alone(lab, form):
    settings = engine_settings(
        Config.from_mapping(
            {"fit": {"acyclicity": form}, "screen": {"forward_steps": 4, "partial": 4, "max_candidates": 8}}
        )
    )
    networks = []
    for seed, d in ((5, 30), (6, 24), (7, 33)):
        problem = lab.problem_of(lab.draw_linear(seed, d, 300, 2)[0], backend=HERE)
        networks.append((problem, engine.screen(replace(problem, backend=ThreadBackend()), settings)))
    together = engine.relax_together(networks, settings, seed=3)
    for network, (order, found) in zip(networks, together, strict=True):
        alone_order, alone = engine.relax(*network, settings, seed=3)
        np.testing.assert_allclose(found.W, alone.W, atol=1e-9)
        np.testing.assert_array_equal(order, alone_order)
        assert [point.steps for point in found.path] == [point.steps for point in alone.path]


def test_networks_are_put_together_as_far_as_the_memory_of_a_call_goes(monkeypatch):
    monkeypatch.setattr(module, "TOGETHER_BYTES", 3 * 100 * (32 * 100 + 800))
    assert HERE.together([100] * 7, 10) == [(0, 3), (3, 6), (6, 7)]
    assert HERE.together([100, 90, 500, 80], 10) == [(0, 2), (2, 3), (3, 4)]
    assert HERE.together([], 10) == []
    assert ThreadBackend().together([5, 5], 10) == [(0, 1), (1, 2)]
