"""The whole road through the core, in memory: units, regulators, threads, and what each switch turns on."""

from dataclasses import replace

import numpy as np
import pytest

from acyclome.config import Config
from acyclome.core import engine
from acyclome.core.relaxation.relax import Network, relax_networks
from acyclome.core.screening.rescreen import rescreen
from acyclome.evaluate.simulate import simulate
from acyclome.models.linear.relaxation import Linear
from acyclome.pipeline.engine_settings import engine_settings

D, N = 25, 400


def road(lab, X, config=None, causes=None, threads=1, seed=3):
    return lab.learn_dag(lab.problem_of(X, sources=causes, threads=threads), engine_settings(config or Config()), seed)


def edges(dag):
    return set(zip(dag.source.tolist(), dag.target.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(12))
def test_a_change_of_units_does_not_change_the_default_graph(lab, seed):
    X, _ = lab.draw_linear(seed, D, N, 2)
    units = np.exp(np.random.default_rng([101, seed]).uniform(-8, 8, D))
    one, two = (road(lab, matrix)[0] for matrix in (X, X * units - 3))
    assert edges(one) == edges(two)
    at_one, at_two = (np.lexsort((dag.source, dag.target)) for dag in (one, two))
    np.testing.assert_allclose(one.weight[at_one], two.weight[at_two], atol=1e-5)


def test_units_that_are_powers_of_two_change_no_bit(lab):
    X, _ = lab.draw_linear(4, D, N, 2)
    one, two = (road(lab, matrix)[0] for matrix in (X, X * 2.0 ** np.random.default_rng(104).integers(-9, 9, D)))
    for name in ("source", "target", "weight", "loss", "order", "residual", "score"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_equal_noise_recovers_directions_on_raw_data_that_the_default_cannot_know(lab):
    config = Config.from_mapping({"score": {"noise": "equal"}})
    wrong = {"equal": 0, "unequal": 0}
    for seed in range(3):
        X, W = lab.draw_linear(seed, D, 5000)
        true = set(zip(*(side.tolist() for side in np.nonzero(W)), strict=True))
        wrong["equal"] += len(edges(road(lab, X, config)[0]) ^ true)
        wrong["unequal"] += len(edges(road(lab, X)[0]) ^ true)
    assert wrong["equal"] == 0
    assert wrong["unequal"] > 0


def test_only_causes_have_children(lab):
    X, _ = lab.draw_linear(5, D, N, 2)
    causes = np.random.default_rng([102]).random(D) < 0.4
    dag, grown, *_ = road(lab, X, causes=causes)
    assert causes[dag.source].all()
    assert causes[grown.parent].all()
    assert len(dag.source) > 0


def test_without_any_cause_there_is_no_edge(lab):
    dag, grown, *_ = road(lab, lab.draw_linear(5, D, N, 2)[0], causes=np.zeros(D, bool))
    assert (len(dag.source), grown.n_edges) == (0, 0)


def test_threads_do_not_change_a_bit(lab):
    X, _ = lab.draw_linear(6, 60, N, 2)
    config = Config.from_mapping({"screen": {"max_candidates": 14}})
    one, two = (road(lab, X, config, threads=threads)[0] for threads in (1, 2))
    for name in ("source", "target", "weight", "loss", "order", "residual", "score"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_without_the_relaxation_the_start_is_a_seeded_permutation(lab):
    X, _ = lab.draw_linear(7, D, N)
    config = Config.from_mapping({"fit": {"relax": False}})
    starts = [road(lab, X, config, seed=seed)[2] for seed in (1, 1, 2)]
    assert sorted(starts[0].tolist()) == list(range(D))
    np.testing.assert_array_equal(starts[0], starts[1])
    assert not np.array_equal(starts[0], starts[2])
    assert road(lab, X, config)[3] is None


def test_the_relaxation_says_whether_it_is_acyclic_and_its_order_is_the_witness(lab):
    X, _ = lab.draw_linear(8, D, N, 2)
    _, _, start, found = road(lab, X)
    assert sorted(start.tolist()) == list(range(D))
    m, settings = lab.moments_of(X), engine_settings(Config()).relax
    problem = lab.problem_of(m)
    candidates = engine.screen(problem, engine_settings(Config()))
    network = Network(problem, candidates, np.random.default_rng(103).permutation(D))
    place = np.empty(D, int)
    for w_threshold in (0.0, settings.w_threshold):
        (one,) = relax_networks([network], replace(settings, w_threshold=w_threshold), seed=0)
        place[one.order] = np.arange(D)
        strong = np.abs(one.W) >= w_threshold
        forward = place[candidates.parent] < place[candidates.target]
        assert one.is_acyclic == forward[strong].all()
    assert found.path[-1].h < found.path[0].h


def test_a_penalty_of_everything_leaves_the_relaxation_empty_and_acyclic(lab):
    m = lab.moments_of(lab.draw_linear(9, D, N)[0])
    settings = replace(engine_settings(Config()).relax, model=Linear(1.0, 30, 1e-4))
    (one,) = relax_networks([Network(lab.problem_of(m), lab.all_pairs(D), np.arange(D))], settings, seed=0)
    assert (np.count_nonzero(one.W), one.is_acyclic, one.path[-1].status) == (0, True, "converged")


def test_candidates_grow_again_from_a_better_network_while_it_pays(lab, monkeypatch):
    """Tight screening of a hub network: one look leaves out what the second offers; every look lowers the score."""
    simulation = simulate(300, 500, graph="hub", seed=1)
    config = Config.from_mapping(
        {
            "screen": {"max_candidates": 12, "forward_steps": 3, "partial": 2},
            "search": {"perturbations": 0},
            "fit": {"relax": False},
        }
    )
    scores, looks = [], []
    monkeypatch.setattr(engine, "rescreen", lambda *given, **more: looks.append(0) or rescreen(*given, **more))
    for most in (1, 2, 3, 9):
        monkeypatch.setattr(engine, "RESCREENS", most)
        looks.clear()
        scores.append(road(lab, simulation.X, config)[0].score)
    assert scores[0] > scores[1] + engine.WORTH * 300
    assert sorted(scores, reverse=True) == scores
    assert len(looks) < 9
    monkeypatch.undo()
    assert road(lab, simulation.X, config)[0].score == scores[2]


def test_with_equal_noise_the_relaxation_minimizes_the_squared_loss_in_the_units_of_the_data(lab):
    X = lab.draw_linear(10, D, N, 2)[0] * np.geomspace(0.3, 3.0, D)
    config = Config.from_mapping({"score": {"noise": "equal"}})
    _, _, _, relaxation = road(lab, X, config)
    candidates = engine.screen(lab.problem_of(X), engine_settings(config))
    scale, weights = X.std(axis=0), np.zeros((D, D))
    weights[candidates.parent, candidates.target] = relaxation.W
    Z = (X - X.mean(axis=0)) / scale
    loss = np.mean((Z - Z @ weights) ** 2, axis=0) / 2 + config.fit.lambda1 * np.abs(weights).sum(axis=0)
    assert relaxation.path[-1].objective == pytest.approx(scale**2 @ loss / np.mean(scale**2), rel=1e-6)


def test_scores_with_a_common_variance_compare(lab):
    """The score is the extended BIC with the variance at its estimate, whatever variance the search ended with."""
    X, _ = lab.draw_linear(4, D, N, 2)
    config = Config.from_mapping({"score": {"noise": "equal"}})
    dag = road(lab, X, config)[0]
    Z = X - X.mean(axis=0)
    rest = np.zeros(D)
    for j in range(D):
        P = Z[:, dag.source[dag.target == j]]
        rest[j] = np.mean((Z[:, j] - P @ np.linalg.lstsq(P, Z[:, j], rcond=None)[0]) ** 2)
    cost = 0.5 * np.log(N) + np.log(D - 1)
    expected = N * D / 2 * (1 + np.log(rest.mean())) + cost * len(dag.source)
    np.testing.assert_allclose(dag.score, expected, rtol=1e-5)
