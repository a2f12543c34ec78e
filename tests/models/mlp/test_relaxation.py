"""NOTEARS-MLP: gradient, strength, descent, blocks, bits."""

import numpy as np
import pytest

from acyclome.core.acyclicity import Series
from acyclome.core.data.candidates import Candidates
from acyclome.core.relaxation.problem import OnCandidates
from acyclome.core.relaxation.schedule import CentralPath
from acyclome.core.relaxation.solve import solve
from acyclome.core.relaxation.steps import BlockSolve
from acyclome.models.mlp.relaxation import Mlp
from acyclome.models.network_blocks import Block

torch = pytest.importorskip("torch")
MODEL = Mlp(hidden=5, lambda1=0.05, alpha=1e-3, steps=8)
D, N = 12, 80


@pytest.fixture(scope="module")
def problem(lab):
    rng = np.random.default_rng([75, 1])
    X = rng.standard_normal((N, D))
    X[:, 1] = np.tanh(3 * X[:, 0]) + 0.3 * X[:, 1]
    pairs = rng.random((D, D)) < 0.7
    pairs[0, 1] = pairs[1, 0] = True
    candidates = Candidates.from_pairs(*np.nonzero(pairs), D)
    return candidates, MODEL.on_data(lab.moments_of(X).Z, candidates), MODEL.start(candidates, 3)["W"]


def test_the_gradient_is_that_of_finite_differences_and_of_autograd(problem):
    _, statistics, _ = problem
    for block in statistics.blocks[:2]:
        rng = np.random.default_rng([75, 2])
        w = torch.as_tensor(rng.standard_normal((*block.parent.shape, MODEL.hidden)), dtype=torch.float64)
        _, slope = MODEL.fit(statistics, block, w)
        tracked = w.clone().requires_grad_()
        MODEL.fit(statistics, block, tracked)[0].sum().backward()
        torch.testing.assert_close(tracked.grad, slope, rtol=1e-6, atol=1e-9)
        step = torch.as_tensor(rng.standard_normal(w.shape), dtype=torch.float64)
        up, down = (MODEL.fit(statistics, block, w + h * step)[0] for h in (1e-5, -1e-5))
        torch.testing.assert_close((up - down) / 2e-5, (slope * step).sum(dim=(1, 2)), rtol=1e-5, atol=1e-8)


def test_the_strength_is_zero_where_and_only_where_the_first_layer_is(problem):
    _, _, W = problem
    W = W.copy()
    W[::3] = 0
    W[1, 1:] = 0
    assert ((MODEL.strength({"W": W}) == 0) == (W == 0).all(axis=1)).all()


def test_an_edge_without_strength_has_no_effect(problem):
    candidates, statistics, W = problem
    off = W.copy()
    off[candidates.target == 1] *= (candidates.parent[candidates.target == 1] != 0)[:, None]
    silent = statistics.Z.clone()
    silent[0] = torch.randn(N, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    one, other = (MODEL.losses(own, {"W": off}, threads=1) for own in (statistics, statistics._replace(Z=silent)))
    assert one[1] == pytest.approx(other[1], rel=1e-12)
    assert MODEL.losses(statistics, {"W": W}, threads=1)[1] != pytest.approx(one[1], rel=1e-6)


def test_a_solution_is_never_worse_than_its_start(problem):
    candidates, statistics, W = problem
    ridge = np.random.default_rng([75, 3]).uniform(0, 0.1, candidates.n_edges)

    def total(V):
        return MODEL.objective(statistics, {"W": V}, threads=1) + float(ridge @ MODEL.strength({"W": V}))

    before = total(W)
    for _ in range(5):
        W = MODEL.solve(statistics, {"W": W}, ridge, threads=1)["W"]
        assert total(W) <= before + 1e-9
        before = total(W)


def test_without_weights_the_loss_is_half_the_variance_of_every_gene(problem):
    candidates, statistics, _ = problem
    np.testing.assert_allclose(
        MODEL.losses(statistics, {"W": np.zeros((candidates.n_edges, 5))}, threads=1), 0.5, rtol=1e-9
    )


def test_blocks_hold_every_edge_once_and_fill_up_with_nothing(problem):
    candidates, statistics, W = problem
    edges = np.concatenate([b.edge[b.edge < candidates.n_edges] for b in statistics.blocks])
    assert np.sort(edges).tolist() == list(range(candidates.n_edges))
    for b in statistics.blocks:
        real = b.edge < candidates.n_edges
        assert (b.parent[~real] == D).all()
        assert (b.parent[real] == candidates.parent[b.edge[real]]).all()
        alone = Block(b.gene[:1], b.parent[:1], b.edge[:1], None)
        value = MODEL.fit(
            statistics, alone, torch.as_tensor(W[np.minimum(alone.edge, len(W) - 1)] * real[:1, :, None])
        )[0]
        assert np.isfinite(value.numpy()).all()


def test_the_one_solver_loop_ends_nearly_acyclic_and_fits_with_the_same_bits_on_any_threads(problem):
    candidates, statistics, W = problem
    schedule = CentralPath((1.0, 0.1, 0.01), max_steps=15, rtol=1e-3, max_halvings=8)
    forms = [OnCandidates(MODEL, Series(8, "logdet", 1e-6), statistics, candidates, threads) for threads in (1, 2)]
    found = [solve(form, {"W": W[None]}, schedule=schedule, stepper=BlockSolve())[0] for form in forms]
    assert found[0].params["W"].tolist() == found[1].params["W"].tolist()
    assert found[0].path[-1].h < 1e-2
    assert found[0].path[-1].objective < MODEL.objective(statistics, {"W": W}, threads=1)
