"""A relaxation that decides: the certificate, what is known, what edges are worth, and unknowns that lie on no edge."""

from dataclasses import replace

import numpy as np
import pytest
from relaxation_toy import GeneNetworks

from acyclome.config import Config
from acyclome.core import engine
from acyclome.core.acyclicity import LogDet
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.relaxation.decide import search_result
from acyclome.core.relaxation.lbfgs import ProximalLbfgs
from acyclome.core.relaxation.problem import OnCandidates
from acyclome.core.relaxation.relax import Network, Relaxation, RelaxSettings, relax_networks
from acyclome.core.relaxation.schedule import CentralPath
from acyclome.core.relaxation.solve import solve
from acyclome.core.relaxation.steps import BlockSolve, ProximalAdam
from acyclome.core.relaxation.tree import map_leaves
from acyclome.core.workers import one_blas_thread
from acyclome.errors import ConvergenceError
from acyclome.models.linear.relaxation import Linear
from acyclome.pipeline.engine_settings import engine_settings

TOY, LINEAR, D = GeneNetworks(), Linear(0.02, 100, 1e-6), 7
PATH = CentralPath((0.3, 0.03, 0.003), max_steps=20, rtol=1e-4, max_halvings=10)
STEPPERS = {"lbfgs": ProximalLbfgs(10, 50, 5), "adam": ProximalAdam(0.02, 100, 20)}


def settings_of(model, w_threshold=0.1, stepper=None):
    return RelaxSettings(model, LogDet(), PATH, stepper or STEPPERS["adam"], w_threshold)


def network_of(lab, X, constraints=None, candidates=None):
    problem = lab.problem_of(X, constraints)
    candidates = problem.constraints.apply(lab.all_pairs(X.shape[1]) if candidates is None else candidates)
    return Network(problem, candidates, np.random.default_rng(5).permutation(X.shape[1]))


def decided(network, model, params, w_threshold=0.1):
    """Return the result of unknowns, as if a relaxation had ended in them."""
    relaxation = Relaxation(model.weight(params), network.tie, (), "converged", False, params)
    return search_result(network, relaxation, settings=settings_of(model, w_threshold), gamma=1.0)


def chain_of_bends(seed, n=250, d=4):
    """Every gene is a bent function of the one before, so that lines see little; columns in no order."""
    rng = np.random.default_rng([91, seed])
    X, columns = rng.standard_normal((n, d)), rng.permutation(d)
    for k in range(1, d):
        X[:, columns[k]] = np.tanh(2.0 * X[:, columns[k - 1]] - 1.0) * 1.2 + 0.3 * X[:, columns[k]]
        X[:, columns[k]] /= X[:, columns[k]].std()
    return X, [(columns[k - 1], columns[k]) for k in range(1, d)]


def draw_constraints(rng, d):
    """Forbidden, required and signed edges that agree with one another, tiers along an order, and some sources."""
    order, sources = rng.permutation(d), rng.random(d) < 0.8
    tier = np.empty(d, np.int64)
    tier[order] = np.sort(rng.integers(0, 3, d))
    pairs = [(i, j) for at, i in enumerate(order) for j in order[at + 1 :] if sources[i]]
    picked = rng.permutation(len(pairs))[: rng.integers(0, 5)]
    required = [pairs[k] for k in picked]
    forbidden = [(i, j) for i in range(d) for j in range(d) if i != j and (i, j) not in required and rng.random() < 0.1]
    signed = [pairs[k] for k in rng.permutation(len(pairs))[:5]]

    def keys(edges):
        return np.sort(np.array([j * d + i for i, j in edges], np.int64))

    return Constraints(
        sources,
        tier,
        int(sources.sum()),
        forbidden=keys(forbidden),
        required=keys(required),
        signed=keys(signed),
        sign=rng.choice([-1, 1], len(signed)).astype(np.int8),
    )


def assert_kept(result, constraints):
    edges, d = result.target.astype(np.int64) * result.n_genes + result.source, result.n_genes
    rank = np.argsort(result.order)
    assert (rank[result.source] < rank[result.target]).all()
    assert sorted(result.order.tolist()) == list(range(d))
    assert constraints.allows(result.source, result.target).all()
    assert set(constraints.required.tolist()) <= set(edges.tolist())
    assert len(set(edges.tolist())) == len(edges)


@pytest.mark.parametrize("seed", range(60))
def test_the_order_certifies_and_what_is_known_holds_whatever_the_unknowns_are(lab, seed):
    rng = np.random.default_rng([92, seed])
    constraints = draw_constraints(rng, D)
    network = network_of(lab, rng.standard_normal((40, D)), constraints)
    params = {"W": rng.standard_normal(network.candidates.n_edges) * (rng.random(network.candidates.n_edges) < 0.7)}
    result = decided(network, LINEAR, params)
    assert_kept(result, constraints)
    at = network.candidates.find(result.source, result.target)
    known = constraints.on(network.candidates)["kind"][at]
    assert not ((known & 2 > 0) & (result.weight < 0)).any()
    assert not ((known & 4 > 0) & (result.weight > 0)).any()
    assert len(at) > 3
    toy = TOY.start(network.candidates, seed)
    toy["W"] *= rng.random(len(toy["W"]))[:, None] < 0.7
    assert_kept(decided(network, TOY, toy), constraints)


def test_of_a_cycle_the_weakest_edge_is_left_out_and_so_are_those_below_the_threshold(lab):
    candidates = Candidates.from_pairs(np.array([0, 1, 2, 3, 0]), np.array([1, 2, 0, 0, 3]), 4)
    weight = {(0, 1): 0.5, (1, 2): -0.6, (2, 0): 0.2, (3, 0): 0.05, (0, 3): 0.3}
    ends = zip(candidates.parent.tolist(), candidates.target.tolist(), strict=True)
    params = {"W": np.array([weight[pair] for pair in ends])}
    network = network_of(lab, np.random.default_rng(93).standard_normal((50, 4)), candidates=candidates)
    result = decided(network, LINEAR, params)
    assert set(zip(result.source.tolist(), result.target.tolist(), strict=True)) == {(0, 1), (1, 2), (0, 3)}
    everything = decided(network, LINEAR, params, w_threshold=0.9)
    assert everything.n_edges == 0
    assert everything.score == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("interventions", [False, True])
def test_least_squares_judge_on_the_own_observations_of_every_gene(lab, interventions):
    X, W = lab.draw_linear(3, D, 200, degree=3)
    target = np.where(np.arange(200) < 70, np.arange(200) % D, -1)
    done = Interventions.from_pairs(target[:70], np.arange(70), n_genes=D, n_obs=200)
    network = network_of(lab, X)
    network = network._replace(problem=lab.problem_of(X, interventions=done)) if interventions else network
    params = {"W": W[network.candidates.parent, network.candidates.target]}
    result, n = decided(network, LINEAR, params), network.problem.data.n_own
    assert result.n_edges == (W != 0).sum()
    for j in range(D):
        own = (target != j) if interventions else np.full(200, True)
        parents = result.source[result.target == j]
        y, P = X[own, j] - X[own, j].mean(), X[own][:, parents] - X[own][:, parents].mean(axis=0)

        def left(P, y=y):
            return np.mean((y - P @ np.linalg.lstsq(P, y, rcond=None)[0]) ** 2) / y.var()

        assert result.residual[j] == pytest.approx(left(P), rel=1e-6)
        losses = [n[j] / 2 * np.log(left(np.delete(P, k, axis=1)) / left(P)) for k in range(len(parents))]
        np.testing.assert_allclose(result.loss[result.target == j], losses, rtol=1e-5)
    cost = 0.5 * np.log(n) + np.log(D - 1)
    expected = np.sum(n / 2 * np.log(result.residual)) + cost[result.target].sum()
    assert result.score == pytest.approx(expected, rel=1e-9)


def test_a_model_that_judges_says_itself_what_an_edge_is_worth(lab):
    network = network_of(lab, chain_of_bends(1)[0])
    params = TOY.start(network.candidates, 3)
    result = decided(network, TOY, params, w_threshold=0.01)
    statistics = TOY.statistics(network.problem, network.candidates)
    at = network.candidates.find(result.source, result.target)
    keep = np.zeros(network.candidates.n_edges, bool)
    keep[at] = True
    left = TOY.without(params, ~keep)
    whole, residual = TOY.judge(statistics, left, threads=1)
    for number, edge in enumerate(at):
        fewer, _ = TOY.judge(statistics, TOY.without(left, np.arange(len(keep)) == edge), threads=1)
        assert result.loss[number] == pytest.approx((whole - fewer).sum(), rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(result.residual, residual)
    np.testing.assert_allclose(result.weight, TOY.weight(params)[at])
    assert result.n_edges == 6


def on_toy(lab, X):
    network = network_of(lab, X)
    statistics = TOY.statistics(network.problem, network.candidates)
    start = map_leaves(lambda leaf: leaf[None], TOY.start(network.candidates, 1))
    return OnCandidates(TOY, LogDet(), statistics, network.candidates, 1), start


def test_the_slope_of_the_toy_is_that_of_its_objective_in_every_leaf(lab):
    at, start = on_toy(lab, chain_of_bends(2)[0])
    smooth, ridge = GeneNetworks(lambda1=0.0), np.random.default_rng(94).random(at.candidates.n_edges)
    params = map_leaves(lambda leaf: leaf[0], start)
    slope = smooth.gradient(at.statistics, params, ridge, threads=1)
    for name, leaf in params.items():
        move = np.random.default_rng(95).standard_normal(leaf.shape)
        ends = [{**params, name: leaf + h * move} for h in (1e-5, -1e-5)]
        up, down = (smooth.objective(at.statistics, p, threads=1) + ridge @ smooth.strength(p) for p in ends)
        assert (up - down) / 2e-5 == pytest.approx(np.sum(slope[name] * move), rel=1e-5)


@pytest.mark.parametrize("stepper", STEPPERS.values(), ids=list(STEPPERS))
def test_unknowns_that_lie_on_no_edge_are_fitted_too(lab, stepper):
    at, start = on_toy(lab, chain_of_bends(3)[0])
    with one_blas_thread():
        (solution,) = solve(at, start, schedule=PATH, stepper=stepper)
    params = solution.params
    residual = TOY.judge(at.statistics, params, threads=1)[1]
    np.testing.assert_allclose(np.exp(params["log_variance"]), residual, rtol=0.02)  # the maximum of the likelihood
    assert residual.min() < 0.3
    assert solution.path[-1].h < 1e-3
    for name in ("bias", "out"):
        assert np.abs(params[name] - start[name][0]).max() > 0.1


@pytest.mark.parametrize("seed", range(3))
def test_the_engine_lets_a_relaxation_decide(lab, seed):
    X, true = chain_of_bends(seed)
    problem = lab.problem_of(X)
    settings = replace(engine_settings(Config()), search="relaxation", relax=settings_of(TOY, 0.3))
    with one_blas_thread():
        result, candidates, start, relaxation = lab.learn_dag(problem, settings)
    assert relaxation is None
    found = set(zip(result.source.tolist(), result.target.tolist(), strict=True))
    assert len(found & set(true)) >= 2
    assert len(found) <= 3
    assert (result.residual[result.target] < 0.7).all()
    assert result.score_at_local_optimum == result.score
    assert result.reversible is None
    if seed == 0:  # the same call again, which takes as long
        with one_blas_thread():
            again = engine.search_once(problem, candidates, start, settings=settings, seed=3)
        np.testing.assert_array_equal(result.weight, again.weight)


def test_notears_decides_on_data_of_equal_noise(lab):
    X, W = lab.draw_linear(4, 12, 2000, degree=2)
    scale = X.std(axis=0)
    linear = replace(engine_settings(Config()).relax, model=Linear(0.01, 100, 1e-6, equal_noise=True))
    settings = replace(engine_settings(Config()), search="relaxation", relax=linear)
    result, *_ = lab.learn_dag(lab.problem_of(X), settings)
    found = np.zeros_like(W)
    found[result.source, result.target] = result.weight * scale[result.target] / scale[result.source]
    assert ((found != 0) & (W != 0)).sum() >= 0.9 * (W != 0).sum()
    np.testing.assert_allclose(found[(found != 0) & (W != 0)], W[(found != 0) & (W != 0)], atol=0.15)


def test_without_a_relaxation_none_decides(lab):
    settings = replace(engine_settings(Config()), search="relaxation", relax=None)
    problem = lab.problem_of(lab.draw_linear(4, 5, 50)[0])
    with pytest.raises(ValueError, match="The relaxation decides, and there is none"):
        engine.search(problem, lab.all_pairs(5), np.arange(5), settings=settings, seed=1)


def test_the_relaxation_hands_on_all_unknowns(lab):
    network = network_of(lab, chain_of_bends(1, n=100)[0])
    short = replace(settings_of(TOY), schedule=replace(PATH, mu=(0.1,), max_steps=1))
    (relaxation,) = relax_networks([network], short, seed=2)
    assert set(relaxation.params) == {"W", "bias", "out", "log_variance"}
    np.testing.assert_array_equal(relaxation.W, TOY.weight(relaxation.params))
    blocks = replace(short, model=LINEAR, stepper=BlockSolve())
    assert set(relax_networks([network], blocks, seed=2)[0].params) == {"W"}


def test_a_relaxation_that_ended_nowhere_decides_nothing(lab):
    network = network_of(lab, lab.draw_linear(4, 5, 50)[0])
    params = LINEAR.start(network.candidates, 1)
    ended = Relaxation(LINEAR.weight(params), network.tie, (), "out_of_domain", False, params)
    with pytest.raises(ConvergenceError, match="left the domain"):
        search_result(network, ended, settings=settings_of(LINEAR), gamma=1.0)
