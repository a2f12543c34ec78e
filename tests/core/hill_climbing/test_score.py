"""What is climbed on: soft edges at their share of the usual cost, signs, genes without an equation, and reversals."""

from dataclasses import replace

import numpy as np
import pytest

from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.directions.interventional import directions
from acyclome.core.hill_climbing import search as hill_climbing
from acyclome.core.hill_climbing.score import PenalizedScore
from acyclome.core.screening.screen import ScreenSettings
from acyclome.models.linear.local_score import LeastSquares

D, N = 4, 400
SCREENING = ScreenSettings(10, 4.0, 10, 0.05, 48)


def key(i, j):
    return np.array([j * D + i], np.int64)


def draw(seed=1):
    """A chain 0 -> 1 -> 2 and 3 alone; all effects positive."""
    x = np.random.default_rng([78, seed]).standard_normal((N, D))
    x[:, 1] += 0.7 * x[:, 0]
    x[:, 2] += 0.7 * x[:, 1]
    return x


def score_of(lab, known=None, **options):
    problem = lab.problem_of(draw(), known, **options)
    return PenalizedScore.on(problem, LeastSquares().prepare(problem, 0), gamma=1.0)


def learn(lab, known=None, X=None, **options):
    problem = lab.problem_of(draw() if X is None else X, known, **options)
    settings = hill_climbing.Settings(LeastSquares(), shortlist=8, perturbations=1, expanded=0, gamma=1.0)
    start = np.arange(D)
    search = hill_climbing.search(
        problem, lab.all_pairs(D), start, settings=settings, screening=SCREENING, seed=1, rescreens=False
    )
    return problem, search[0]


def pairs(dag):
    return set(zip(dag.source.tolist(), dag.target.tolist(), strict=True))


def test_a_soft_edge_costs_its_share_of_what_an_edge_costs_in_the_extended_bic(lab):
    usual = 0.5 * np.log(N) + np.log(D - 1)
    plain, sets = score_of(lab), np.array([[0, 3], [1, 3]])
    for share in (0.0, 0.25, 3.0):
        soft = score_of(lab, replace(Constraints.none(D), soft=key(1, 2), cost=np.array([share])))
        less = soft.scores(2, sets) - plain.scores(2, sets)
        np.testing.assert_allclose(less, [0.0, (share - 1.0) * usual], atol=1e-9)
        np.testing.assert_allclose(soft.cost_of(np.array([0, 1]), np.array([2, 2])), np.log(3) + less, atol=1e-9)
        assert soft.scores(1, sets[:, 1:]).tolist() == plain.scores(1, sets[:, 1:]).tolist()


def test_a_signed_edge_is_there_with_its_sign_or_not_at_all(lab):
    for sign in (1, -1):
        known = replace(Constraints.none(D), signed=key(1, 2), sign=np.array([sign], np.int8))
        score = score_of(lab, known)
        assert np.isfinite(score.scores(2, np.array([[1]]))[0]) == (sign > 0)
        assert np.isfinite(score.unrestricted(2, np.array([[1]]))[0])
        _, dag = learn(lab, known)
        assert ((1, 2) in pairs(dag)) <= (sign > 0)
        assert np.isfinite(dag.loss).all()
        assert np.isfinite(dag.reversal_loss).all()


def test_a_required_edge_whose_sign_the_data_contradict_stays_with_weight_0_and_is_fitted_without(lab):
    sign = np.array([-1], np.int8)
    known = replace(Constraints.none(D), required=key(1, 2), signed=key(1, 2), sign=sign)
    score, free = score_of(lab, known), score_of(lab)
    without, cost = free.scores(2, np.array([[0, 3]])), free.edge_cost[2]
    np.testing.assert_allclose(score.scores(2, np.array([[0, 1, 3]])), without + cost, rtol=1e-12)
    _, dag = learn(lab, known)
    at = (dag.source == 1) & (dag.target == 2)
    assert dag.weight[at].tolist() == [0.0]
    np.testing.assert_allclose(dag.loss[at], [0.0], atol=1e-9)
    _, dag = learn(lab, replace(known, sign=-sign))
    assert dag.weight[(dag.source == 1) & (dag.target == 2)] > 0.5


def test_a_gene_that_was_nearly_always_a_target_has_no_parents_but_required_ones(lab):
    done = Interventions.from_pairs(np.full(N - 9, 2), np.arange(N - 9), n_genes=D, n_obs=N)
    score = score_of(lab, interventions=done)
    assert score.scores(2, np.array([[1], [3]])).tolist() == [np.inf, np.inf]
    _, dag = learn(lab, interventions=done)
    assert not (dag.target == 2).any()
    assert dag.residual[2] == 1.0
    _, dag = learn(lab, replace(Constraints.none(D), required=key(3, 2)), interventions=done)
    at = dag.target == 2
    assert dag.source[at].tolist() == [3]
    assert dag.weight[at].tolist() == dag.loss[at].tolist() == [0.0]


def test_weights_are_those_of_standard_deviations_over_own_observations(lab):
    X, first, second = draw(), np.arange(100), np.arange(100, 150)
    X[first, 1], X[second, 0] = 5.0, -9.0
    gene, row = np.repeat([1, 0], [100, 50]), np.concatenate([first, second])
    problem = lab.problem_of(X, interventions=Interventions.from_pairs(gene, row, n_genes=D, n_obs=N))
    own0, own1 = np.delete(np.arange(N), second), np.delete(np.arange(N), first)
    expected = np.polyfit(X[own1, 0], X[own1, 1], 1)[0] * X[own0, 0].std() / X[own1, 1].std()
    weights = LeastSquares().prepare(problem, 0).weights(1, np.array([0]))
    assert weights == pytest.approx([expected], rel=1e-6)


def test_interventions_decide_directions_that_lines_leave_open(lab):
    X = draw()
    _, dag = learn(lab, X=X)
    assert dag.reversible.any()
    assert dag.intervention_gain.tolist() == [0.0] * dag.n_edges
    X[:40, 1] = -3.0
    X[:40, 2] = -2.1 + np.random.default_rng(5).standard_normal(40)
    done = Interventions.from_pairs(np.full(40, 1), np.arange(40), n_genes=D, n_obs=N)
    problem, dag = learn(lab, X=X, interventions=done)
    assert pairs(dag) == {(0, 1), (1, 2)}
    found = directions(problem.data, dag)
    assert found.oriented_by_intervention.all()
    assert (dag.intervention_gain > 5).all()
    expected = directions(problem.data, replace(dag, reversal_loss=None, reversible=None, intervention_gain=None))
    np.testing.assert_allclose(found.loss, expected.loss, atol=0.1)  # log n / 2 of a parent, in 360 or 400 of its own
    assert found.oriented_by_intervention.tolist() == expected.oriented_by_intervention.tolist()


class Weighed:
    """A model of which the weights of sets of parents are known."""

    def __init__(self, weights):
        self.of = weights

    def weights(self, j, parents):
        return np.array(self.of[tuple(parents.tolist())])


def test_of_two_required_parents_with_the_wrong_sign_the_weaker_goes_first(lab):
    keys = np.concatenate([key(0, 2), key(1, 2)])
    known = replace(Constraints.none(D), required=keys, signed=keys, sign=np.ones(2, np.int8))
    score = replace(score_of(lab, known), model=Weighed({(0, 1): [-0.1, -0.5], (1,): [0.2], (0,): [0.2]}))
    assert score.fitted(2, np.array([0, 1])).tolist() == [1]
