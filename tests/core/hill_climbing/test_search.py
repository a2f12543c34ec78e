"""The nonlinear road from data to a DAG: what it finds that a linear model cannot, and what it says of directions."""

from dataclasses import replace

import numpy as np
import pytest

from acyclome.config import Config
from acyclome.core import engine
from acyclome.pipeline.engine_settings import engine_settings

MLP = Config.from_mapping({"model": "mlp", "mlp": {"units": 60}})
LINEAR = Config.from_mapping({"fit": {"relax": False}})
TRUE = {(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)}


def draw(seed, n=400):
    """Five genes, even functions among the effects, so that few of them show as correlations."""
    x = np.random.default_rng([76, seed]).standard_normal((n, 5))
    x[:, 1] = 0.8 * x[:, 0] ** 2 + 0.5 * x[:, 1]
    x[:, 2] = np.sin(1.5 * x[:, 0]) + 0.5 * x[:, 2]
    x[:, 3] = np.cos(x[:, 1]) + np.tanh(x[:, 2]) + 0.4 * x[:, 3]
    x[:, 4] = np.cos(x[:, 3]) + 0.4 * x[:, 4]
    return x


def learn(lab, X, config, threads=1, seed=4):
    return lab.learn_dag(lab.problem_of(X, threads=threads), engine_settings(config), seed)[0]


def edges(dag):
    return set(zip(dag.source.tolist(), dag.target.tolist(), strict=True))


def test_it_finds_a_graph_that_a_linear_model_misses(lab):
    for seed in range(3):
        X = draw(seed)
        assert edges(learn(lab, X, MLP)) == TRUE
        assert len(edges(learn(lab, X, LINEAR)) & TRUE) < len(TRUE)


def test_the_relaxation_as_a_guide_gives_the_same_small_graph(lab):
    config = Config.from_mapping({"model": "mlp", "mlp": {"units": 60}, "fit": {"relax": True, "max_steps": 5}})
    assert edges(learn(lab, draw(0), config)) == TRUE


def test_threads_do_not_change_a_bit(lab):
    one, two = (learn(lab, draw(1), MLP, threads) for threads in (1, 2))
    for name in ("source", "target", "weight", "loss", "order", "residual", "reversal_loss"):
        assert getattr(one, name).tolist() == getattr(two, name).tolist()


def test_the_columns_may_stand_in_any_order(lab):
    X = draw(2)
    place = np.random.default_rng([76, 9]).permutation(5)
    found = edges(learn(lab, X[:, place], MLP))
    assert {(int(place[i]), int(place[j])) for i, j in found} == edges(learn(lab, X, MLP))


def test_the_order_certifies_and_losses_are_what_removal_costs(lab):
    dag = learn(lab, draw(0), MLP)
    place = np.argsort(dag.order)
    assert (place[dag.source] < place[dag.target]).all()
    assert (dag.loss > np.log(4)).all()
    assert dag.score <= dag.score_at_local_optimum + 1e-9
    assert ((dag.residual > 0) & (dag.residual <= 1 + 1e-6)).all()


def test_directions_are_settled_by_curves_and_left_open_by_gaussian_lines(lab):
    curved = learn(lab, draw(0), MLP)
    assert not curved.reversible.any()
    assert (curved.reversal_loss > 5).all()
    rng = np.random.default_rng([76, 4])
    free = []
    for _ in range(5):
        x = rng.standard_normal(300)
        free += learn(lab, np.column_stack([x, 0.7 * x + rng.standard_normal(300)]), MLP).reversible.tolist()
    assert len(free) == 5
    assert sum(free) >= 3


def test_what_an_edge_carries_is_the_likelihood_that_is_lost_without_it(lab):
    X, settings, seed = draw(0), engine_settings(MLP), 4
    dag, local = learn(lab, X, MLP, seed=seed), settings.climbing.model.prepare(lab.problem_of(X), seed)
    for i, j, loss in zip(dag.source, dag.target, dag.loss, strict=True):
        parents = dag.source[dag.target == j]
        with_it, without = (local.scores(j, some[None])[0] for some in (parents, parents[parents != i]))
        assert loss == pytest.approx(without - with_it, rel=1e-4)


def test_a_direction_is_left_open_where_its_odds_are_below_20_to_1_and_no_path_decides(lab):
    decided = []
    for seed in range(12):
        rng = np.random.default_rng([76, 20 + seed])
        x = rng.standard_normal(150)
        dag = learn(lab, np.column_stack([x, x + 0.12 * x**2 + 0.7 * rng.standard_normal(150)]), MLP)
        odds = np.exp(np.abs(dag.reversal_loss))
        assert dag.reversible.tolist() == (odds < np.exp(3.0)).tolist()
        decided += odds.tolist()
    assert sum(np.exp(3.0) < odds < np.exp(6.0) for odds in decided) > 1
    assert sum(odds < np.exp(3.0) for odds in decided) > 1


def test_weights_are_linear_effects(lab):
    X, _ = lab.draw_linear(2, 6, 500)
    dag = learn(lab, X, MLP)
    m = lab.moments_of(X)
    for j in range(6):
        own = dag.target == j
        if own.any():
            expected = np.linalg.lstsq(m.Z[dag.source[own]].T, m.Z[j], rcond=None)[0]
            np.testing.assert_allclose(dag.weight[own], expected, atol=1e-5)


def test_large_networks_get_candidates_that_correlations_miss(lab):
    rng = np.random.default_rng([76, 5])
    X = rng.standard_normal((300, 40))
    X[:, 7] = X[:, 30] ** 2 + 0.4 * X[:, 7]
    problem = lab.problem_of(X)
    options = {"screen": {"max_candidates": 10}, "search": {"perturbations": 0}, "mlp": {"units": 40}}
    settings = engine_settings(Config.from_mapping({"model": "mlp"} | options))
    few = replace(settings, screen=replace(settings.screen, forward_steps=2, partial=2), climbing=None)
    with_terms, without = engine.screen(problem, settings), engine.screen(problem, few)
    pair = np.array([30]), np.array([7])
    assert with_terms.find(*pair)[0] >= 0
    assert without.find(*pair)[0] < 0
    start = np.arange(40)
    dag, grown = engine.search(problem, with_terms, start, settings=settings, seed=3)
    assert (30, 7) in edges(dag)
    assert grown.find(*pair)[0] >= 0


@pytest.mark.parametrize("listed", [[0, 1, 2], [4]])
def test_only_allowed_causes_have_effects(lab, listed):
    problem = lab.problem_of(draw(0), sources=np.isin(np.arange(5), listed))
    dag, *_ = lab.learn_dag(problem, engine_settings(MLP))
    assert np.isin(dag.source, listed).all()
