"""What holds for every family of structural models: its local score, and what the climb finds with it."""

from __future__ import annotations

import numpy as np
import pytest
from family_cases import CASES, CONSTANT, EDGES, LINEAR

from acyclome.core.hill_climbing import search as hill_climbing
from acyclome.core.screening.screen import ScreenSettings
from acyclome.models import models
from acyclome.models.card import Ability

N, SEED = 500, 5
SCREENING = ScreenSettings(10, 4.0, 10, 0.05, 48)
BY_CHANCE = 0.2  # correlation of 500 observations that four standard errors do not reach

every_model = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.fixture(scope="module", params=CASES, ids=str)
def prepared(request, lab):
    """A family on data of its own."""
    X = request.param.draw(np.random.default_rng([80, 1]), N)
    return request.param.model.prepare(lab.problem_of(lab.moments_of(X)), SEED)


def search(lab, case, seed, threads=1):
    problem = lab.problem_of(case.draw(np.random.default_rng([80, seed]), N), threads=threads)
    d = problem.n_genes
    settings = hill_climbing.Settings(case.model, shortlist=8, perturbations=1, expanded=10, gamma=1.0)
    return hill_climbing.search(
        problem,
        lab.all_pairs(d),
        np.arange(d),
        settings=settings,
        screening=SCREENING,
        seed=SEED,
        rescreens=True,
    )[0]


def test_every_model_is_tested_and_has_an_ability_or_a_reason():
    assert {case.card.name for case in [*CASES, *LINEAR]} == set(models())
    assert {case.card.search for case in CASES} == {"hill_climbing"}
    for card in models().values():
        assert card.abilities | card.refusals.keys() == set(Ability)
        assert all(reason[0].islower() and reason[-1] != "." for reason in card.refusals.values())


def test_no_causes_score_zero_and_leave_everything(prepared):
    none = np.empty(0, int)
    assert prepared.scores(3, none.reshape(1, 0)).tolist() == [0.0]
    assert np.mean(prepared.residual(3, none) ** 2) == pytest.approx(1.0, abs=1e-3)
    assert prepared.weights(3, none).shape == (0,)


def test_scores_do_not_depend_on_what_is_scored_beside_them(prepared):
    sets = np.array([[0, 1], [1, 2], [2, 4], [0, CONSTANT]])
    together = prepared.scores(3, sets)
    assert [prepared.scores(3, one[None])[0] for one in sets] == together.tolist()


def test_the_order_of_the_causes_does_not_matter(prepared):
    a, b = prepared.scores(3, np.array([[0, 1, 2], [2, 0, 1]]))
    assert a == pytest.approx(b, abs=1e-3 * max(abs(a), 1))
    first, second = prepared.weights(3, np.array([1, 2])), prepared.weights(3, np.array([2, 1]))
    np.testing.assert_allclose(first, second[::-1], atol=1e-4)


def test_true_causes_help_and_others_do_not(prepared):
    few, true, more = (prepared.scores(3, np.array([causes]))[0] for causes in ([1], [1, 2], [0, 1, 2]))
    assert true < few - 10
    assert true < more + np.log(5)
    assert prepared.scores(0, np.array([[CONSTANT]]))[0] > -1e-3
    assert prepared.scores(CONSTANT, np.array([[0]]))[0] > -1e-3


def test_residuals_are_what_the_causes_leave(prepared):
    causes = np.array([1, 2])
    rest = prepared.residual(3, causes)
    assert rest.shape == (N,)
    assert rest.dtype == np.float32
    assert 0 < np.mean(rest**2) < 0.8
    assert abs(np.corrcoef(rest, prepared.residual(2, causes[:0]))[0, 1]) < BY_CHANCE


def test_a_missing_cause_is_the_most_promising(prepared):
    others = np.array([0, 2, CONSTANT])
    assert others[np.argmax(prepared.promise(3, np.array([1]), others))] == 2


@every_model
def test_the_climb_finds_the_graph(case, lab):
    for seed in (1, 2):
        dag = search(lab, case, seed)
        found = set(zip(dag.source.tolist(), dag.target.tolist(), strict=True))
        assert found >= EDGES
        assert len(found) <= len(EDGES) + 1  # among six genes one edge by chance is cheap
        assert dag.loss.min() > 0
        assert dag.residual.max() <= 1 + 1e-3


@every_model
def test_threads_do_not_change_a_bit(case, lab):
    one, two = (search(lab, case, 1, threads) for threads in (1, 2))
    for name in ("source", "target", "weight", "loss", "order", "residual", "reversal_loss"):
        assert getattr(one, name).tolist() == getattr(two, name).tolist()


@every_model
def test_the_cost_grows_with_the_observations(case):
    few, many = case.model.cost(100), case.model.cost(1000)
    assert 0 <= few.per_gene <= many.per_gene
    assert 0 < few.score <= many.score


@pytest.mark.parametrize("case", [*CASES, *LINEAR], ids=str)
def test_what_a_model_holds_beside_the_data_is_counted(case, lab):
    problem = lab.problem_of(case.draw(np.random.default_rng([80, 1]), N))
    local = case.model.prepare(problem, SEED)
    local.scores(3, np.array([[1, 2]]))
    parts = [part for part in vars(local).values() if isinstance(part, np.ndarray) and part is not problem.data.Z]
    held = sum(part.nbytes for part in parts if part.ndim > 1 and N in part.shape)
    assert held <= case.model.cost(N).per_gene * problem.n_genes
