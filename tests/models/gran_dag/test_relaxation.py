"""GraN-DAG: paths, likelihood, descent, bits, what chooses edges, and what edges keep to."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import acyclome as ac
from acyclome.config import Config
from acyclome.core import engine
from acyclome.core.acyclicity import Series
from acyclome.core.backend import DeviceBackend
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.relaxation.problem import OnCandidates
from acyclome.core.relaxation.schedule import AugmentedLagrangian, CentralPath
from acyclome.core.relaxation.solve import solve
from acyclome.core.relaxation.steps import BlockSolve
from acyclome.models.gran_dag import networks
from acyclome.models.gran_dag.card import GRAN_DAG
from acyclome.models.gran_dag.pruning import prune
from acyclome.models.gran_dag.relaxation import GranDag, _take, _values
from acyclome.pipeline.engine_settings import engine_settings

torch = pytest.importorskip("torch")
D, N = 8, 90
SHAPES = [(5, 1, 1), (4, 2, 1), (3, 3, 2)]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
SCHEDULES = {
    "path": CentralPath((1.0, 0.1, 0.01), max_steps=12, rtol=1e-3, max_halvings=8),
    "lagrangian": AugmentedLagrangian(1.0, 10.0, 1e16, 0.25, 1e-8, 30, 6, 1e-3, 8),
}


def model_of(shape, lambda1=0.02):
    return GranDag(*shape, lambda1=lambda1, steps=8)


@pytest.fixture(scope="module")
def candidates():
    pairs = np.random.default_rng([76, 1]).random((D, D)) < 0.7
    pairs[0, 1] = pairs[1, 0] = True
    return Candidates.from_pairs(*np.nonzero(pairs), D)


@pytest.fixture(scope="module")
def Z(lab):
    X = np.random.default_rng([76, 2]).standard_normal((N, D))
    X[:, 1] = np.cos(2 * X[:, 0]) + 0.3 * X[:, 1]
    return lab.moments_of(X).Z


def chain_of_curves(seed, n=300):
    """Genes 0 -> 1 -> 2, of even and odd curves, and gene 3 alone; columns dealt out."""
    rng = np.random.default_rng([76, seed])
    X, columns = rng.standard_normal((n, 4)), rng.permutation(4)
    X[:, 1] = np.cos(2 * X[:, 0]) + 0.3 * X[:, 1]
    X[:, 2] = np.tanh(3 * X[:, 1]) + 0.3 * X[:, 2]
    return X[:, np.argsort(columns)], {(columns[0], columns[1]), (columns[1], columns[2])}


@every_shape
def test_strengths_are_sums_over_all_paths_of_the_sizes_of_their_weights(shape, candidates):
    model = model_of(shape)
    params = model.start(candidates, 3)
    strength, (h, layers, outputs) = model.strength(params), shape
    for e in (0, 7, candidates.n_edges - 1):
        j, total = candidates.target[e], 0.0
        for units in itertools.product(range(h), repeat=layers):
            way = abs(params["W"][e, units[0]])
            for level, (one, two) in enumerate(itertools.pairwise(units)):
                way *= abs(params["inner"][j, level, two, one])
            total += way * sum(abs(params["out"][j, o, units[-1]]) for o in range(outputs))
        assert strength[e] == pytest.approx(total / h, rel=1e-12)
        assert model.weight(params)[e] == pytest.approx(total, rel=1e-12)


@every_shape
def test_no_slope_of_an_output_is_steeper_than_its_connectivity(shape, candidates, Z):
    model, j = model_of(shape), 1
    statistics, params = model.on_data(Z, candidates), model.start(candidates, 4)
    (block,) = [b for b in statistics.blocks if j in b.gene]
    layers, _ = _take(statistics, block, params, ridge=np.zeros(candidates.n_edges))
    at = block.gene.tolist().index(j)
    X = _values(statistics, block)[0].clone().requires_grad_()
    (slope,) = torch.autograd.grad(networks.outputs(layers, X)[at, 0].sum(), X)
    steepest = slope[at].abs().amax(dim=1).numpy()
    real = block.edge[at] < candidates.n_edges
    assert (steepest[real] <= model.weight(params)[block.edge[at][real]] + 1e-12).all()
    assert steepest.max() > 0


@every_shape
def test_an_edge_without_strength_has_no_effect(shape, candidates, Z):
    model = model_of(shape)
    params = model.start(candidates, 5)
    params["W"] *= (candidates.parent != 0)[:, None]
    assert ((model.strength(params) == 0) == (candidates.parent == 0)).all()
    other = Z.copy()
    other[0] = np.random.default_rng(6).standard_normal(N)
    one, two = (model.losses(model.on_data(data, candidates), params, threads=1) for data in (Z, other))
    np.testing.assert_allclose(one[1:], two[1:], rtol=1e-12)
    assert one[0] != pytest.approx(two[0], rel=1e-6)


def test_a_network_that_says_nothing_has_the_likelihood_of_no_parents(candidates, Z):
    for outputs in (1, 2):
        model = model_of((4, 2, outputs))
        params = model.start(candidates, 7)
        params["out"][:] = 0.0
        np.testing.assert_allclose(model.losses(model.on_data(Z, candidates), params, threads=1), 0.0, atol=1e-3)


def test_with_two_outputs_the_loss_is_that_of_a_normal_law_of_that_mean_and_variance(candidates, Z):
    model = GranDag(4, 2, 2, lambda1=0.0, steps=1)
    statistics, params = model.on_data(Z, candidates), model.start(candidates, 8)
    block = statistics.blocks[0]
    layers, _ = _take(statistics, block, params, ridge=np.zeros(candidates.n_edges))
    mean, log_variance = networks.outputs(layers, _values(statistics, block)[0]).numpy().transpose(1, 0, 2)
    deviation = np.exp(0.5 * 6 * np.tanh(log_variance / 6))
    over_none = norm.logpdf(Z[block.gene]).mean(axis=1) - norm.logpdf(Z[block.gene], mean, deviation).mean(axis=1)
    found = model.losses(statistics, params, threads=1)[block.gene]
    np.testing.assert_allclose(found, over_none, atol=2e-3)  # a variance of 1e-4 is never undercut


@every_shape
def test_a_solution_is_never_worse_than_its_start(shape, candidates, Z):
    model = model_of(shape)
    statistics, params = model.on_data(Z, candidates), model.start(candidates, 9)
    ridge = np.random.default_rng([76, 3]).uniform(0, 0.1, candidates.n_edges)

    def total(own):
        return model.objective(statistics, own, threads=1) + float(ridge @ model.strength(own))

    before = first = total(params)
    for _ in range(4):
        params = model.solve(statistics, params, ridge, threads=1)
        assert total(params) <= before + 1e-9
        before = total(params)
    assert before < first - 0.1
    strength = model.strength(params)
    few = model_of(shape, lambda1=1.0)
    none = few.solve(few.on_data(Z, candidates), params, ridge, threads=1)
    assert np.count_nonzero(few.strength(none)) < len(strength)  # what is absent is exactly absent


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_one_solver_loop_ends_acyclic_with_the_same_bits_on_any_threads(schedule, candidates, Z):
    model = model_of((4, 2, 1))
    statistics, start = model.on_data(Z, candidates), model.start(candidates, 10)
    forms = [OnCandidates(model, Series(8, "logdet", 1e-6), statistics, candidates, threads) for threads in (1, 2)]
    alone = {name: leaf[None] for name, leaf in start.items()}
    found = [solve(form, alone, schedule=SCHEDULES[schedule], stepper=BlockSolve())[0] for form in forms]
    for name in start:
        assert found[0].params[name].tolist() == found[1].params[name].tolist()
    assert found[0].params["gene"].tolist() == candidates.target.tolist()
    assert found[0].path[-1].h < {"path": 1e-3, "lagrangian": 1e-6}[schedule]
    assert found[0].path[-1].objective < model.objective(statistics, start, threads=1)


def test_a_target_is_fitted_as_if_its_other_observations_were_all_there_are(lab):
    X, _ = lab.draw_linear(5, 6, 120, degree=3)
    X = X.copy()
    rows = np.arange(80, 120)
    X[rows, 2] += 3.0
    done = Interventions.from_pairs(np.full(40, 2), rows, n_genes=6, n_obs=120)
    model, pairs = model_of((4, 2, 1)), lab.all_pairs(6)
    together, everywhere, fewer = (
        model.statistics(problem, pairs)
        for problem in (lab.problem_of(X, interventions=done), lab.problem_of(X), lab.problem_of(X[:80]))
    )
    params, ridge = model.start(pairs, 1), np.random.default_rng(2).random(pairs.n_edges)
    expected = model.losses(everywhere, params, threads=1)
    expected[2] = 2 / 3 * model.losses(fewer, params, threads=1)[2]
    np.testing.assert_allclose(model.losses(together, params, threads=1), expected, rtol=1e-4)
    own = pairs.target == 2
    found, plain = (model.solve(one, params, ridge, threads=1)["W"] for one in (together, everywhere))
    alone = model.solve(fewer, params, ridge * 3 / 2, threads=1)["W"]
    np.testing.assert_allclose(found[own], alone[own], atol=1e-3)
    np.testing.assert_allclose(found[~own], plain[~own], atol=1e-3)


def test_a_soft_edge_is_penalized_by_its_share(lab):
    d, pairs, model = 4, lab.all_pairs(4), model_of((4, 2, 1), lambda1=0.5)
    keys = np.array([1 * d + 0])
    known = replace(Constraints.none(d), soft=keys, cost=np.array([0.25]))
    X = chain_of_curves(14)[0]
    plain, soft = (model.statistics(lab.problem_of(X, own), pairs) for own in (None, known))
    params = model.start(pairs, 2)
    less = model.losses(plain, params, threads=1) - model.losses(soft, params, threads=1)
    strength = model.strength(params)[pairs.find([0], [1])[0]]
    np.testing.assert_allclose(less, [0.0, 0.75 * 0.5 * strength, 0.0, 0.0], atol=1e-6)


def test_pruning_leaves_causes_and_takes_out_others(lab):
    rng = np.random.default_rng([76, 4])
    X = rng.standard_normal((500, 6))
    X[:, 5] = np.cos(1.5 * X[:, 0]) + 0.5 * X[:, 1] + 0.5 * X[:, 5]
    data, pairs = lab.moments_of(X), lab.all_pairs(6)
    kept = prune(data, pairs, threads=1)
    into = pairs.target == 5
    assert pairs.parent[into & kept].tolist() == [0, 1]
    assert kept[~into].sum() <= 4  # effects of what they caused, and a cause of the others given it
    assert prune(data, pairs, threads=2).tolist() == kept.tolist()
    assert len(prune(data, Candidates.from_pairs(np.empty(0, int), np.empty(0, int), 6), threads=1)) == 0


def test_pruning_seldom_keeps_what_is_no_cause(lab):
    data, pairs = lab.moments_of(np.random.default_rng([76, 5]).standard_normal((400, 12))), lab.all_pairs(12)
    assert prune(data, pairs, threads=1).sum() <= 2  # of 132 at a level of .001


@pytest.mark.parametrize("edges", ["score", "pruned", "threshold"])
def test_whatever_chooses_edges_finds_curves_and_keeps_to_what_is_known(edges):
    X, true = chain_of_curves(11)
    names = {f"gene_{i + 1}": i for i in range(4)}
    config = {"model": "gran_dag", "gran_dag": {"edges": edges}, "search": {"perturbations": 0}}
    network = ac.learn(X, resamples=0, threads=1, config=config)
    found = {(names[a], names[b]) for a, b in zip(network.edges["source"], network.edges["target"], strict=True)}
    assert network.is_dag
    assert found >= true
    assert edges == "threshold" or len(found) <= len(true) + 1
    assert network.nodes["r2"].max() > 0.5
    first = sorted(true)[0]
    known = pd.DataFrame(
        {
            "source": [f"gene_{first[0] + 1}", f"gene_{first[1] + 1}"],
            "target": [f"gene_{first[1] + 1}", f"gene_{first[0] + 1}"],
            "kind": ["forbidden", "required"],
        }
    )
    network = ac.learn(X, resamples=0, threads=1, config=config, knowledge=known)
    found = {(names[a], names[b]) for a, b in zip(network.edges["source"], network.edges["target"], strict=True)}
    assert first[::-1] in found
    assert first not in found
    assert network.is_dag


@pytest.mark.parametrize("edges", ["pruned", "threshold"])
def test_signs_and_interventions_hold_where_the_networks_decide(edges):
    X, _ = chain_of_curves(12)
    labels = [f"gene_{k % 4 + 1}" if k < 60 else "" for k in range(len(X))]
    pairs = [(f"gene_{i + 1}", f"gene_{j + 1}", "-", 0.0, "soft") for i in range(4) for j in range(4) if i != j]
    known = pd.DataFrame(pairs, columns=["source", "target", "sign", "weight", "kind"])
    config = {"model": "gran_dag", "gran_dag": {"edges": edges, "steps": 10}, "fit": {"mu": [1.0], "max_steps": 2}}
    network = ac.learn(X, resamples=1, threads=1, config=config, knowledge=known, perturbation=labels)
    assert network.is_dag
    assert (network.edges["weight"] <= 0).all()
    assert network.edges["stability"].notna().all()
    assert len(network.predict(set={"gene_1": 1.0})) > 0


def test_on_a_device_it_ends_as_on_threads(lab):
    X, _ = chain_of_curves(13)
    settings = engine_settings(Config.from_mapping({"model": "gran_dag", "fit": {"mu": [1.0], "max_steps": 5}}))
    problem = lab.problem_of(X)
    there = replace(problem, backend=DeviceBackend(torch.device("cpu"), torch.float64))
    one, other = (engine.relax(own, lab.all_pairs(4), settings, seed=1)[1] for own in (problem, there))
    assert other.path[-1].objective == pytest.approx(one.path[-1].objective, abs=1e-3)


def test_the_options_reach_the_networks_and_say_what_decides():
    def config(**options):
        return Config.from_mapping({"model": "gran_dag", "gran_dag": options})

    assert GRAN_DAG.relaxation(config(outputs=2, layers=3, hidden=7)).outputs == 2
    assert [GRAN_DAG.under(config(edges=name)).search for name in ("score", "pruned")] == [
        "hill_climbing",
        "relaxation",
    ]
    assert GRAN_DAG.relaxes(config())
    small, large = (GRAN_DAG.cost(config(hidden=hidden), 100, 1000) for hidden in (5, 50))
    assert small.relax < large.relax
    assert small.relaxed < large.relaxed
    assert "[@buehlmann2014]" in GRAN_DAG.words(config(edges="pruned")).score


def test_stages_end_earlier_where_the_networks_propose_an_order_and_decide_nothing():
    rtol = {}
    for edges in ("score", "threshold", "pruned"):
        config = Config.from_mapping({"model": "gran_dag", "gran_dag": {"edges": edges}})
        rtol[edges] = engine_settings(config).relax.schedule.rtol
    assert rtol["threshold"] == rtol["pruned"] == Config().fit.rtol
    assert rtol["score"] == pytest.approx(10 * rtol["pruned"])
