"""Hill climbing on the local scores of linear and lingam is an oracle of the order search: one score by both ways."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.graph.equivalence import is_dag
from acyclome.core.hill_climbing import search as hill_climbing
from acyclome.core.hill_climbing.score import PenalizedScore
from acyclome.core.order_search.gram_blocks import ScoreSettings, build_blocks
from acyclome.core.order_search.search import search_order
from acyclome.core.screening.screen import ScreenSettings
from acyclome.models.linear.local_score import LeastSquares
from acyclome.models.lingam.local_score import Lingam
from acyclome.models.own_rows import OwnRows

CLOSE = 1e-9
N, SCREENING = 200, ScreenSettings(10, 4.0, 10, 0.05, 48)
both = pytest.mark.parametrize("model", [LeastSquares(), Lingam()], ids=lambda model: type(model).__name__)


def problem_of(lab, seed, d, *, known=None, acted=True):
    """Draw lines with skewed noise, some of whose genes were targets."""
    rng = np.random.default_rng([99, seed])
    X, _ = lab.draw_linear(seed, d, N)
    X = X + 0.7 * rng.exponential(size=X.shape)
    gene, row = rng.integers(0, d, 30), rng.integers(0, N, 30)
    X[row, gene] = 3.0
    done = Interventions.from_pairs(gene, row, n_genes=d, n_obs=N) if acted else None
    return lab.problem_of(X, known, interventions=done)


def by_order(lab, problem, model, *, rounds=8, seed=1):
    score = ScoreSettings(equal_noise=False, gamma=1.0, rounds=rounds, non_gaussian=isinstance(model, Lingam))
    candidates = lab.all_pairs(problem.n_genes)
    blocks = build_blocks(problem, candidates, score=score)
    start = problem.constraints.arrange(np.random.default_rng(seed).permutation(problem.n_genes).astype(np.int32))
    return search_order(blocks, candidates, start, rounds=rounds, seed=seed)


def by_climbing(lab, problem, model):
    asked = hill_climbing.Settings(model, shortlist=100, perturbations=8, expanded=0, gamma=1.0)
    return hill_climbing.search(
        problem,
        lab.all_pairs(problem.n_genes),
        np.arange(problem.n_genes),
        settings=asked,
        screening=SCREENING,
        seed=1,
        rescreens=False,
    )[0]


def alone(problem, model):
    """What noise gains without any parents, which local scores leave out and the order search does not."""
    local = model.prepare(problem, 0)
    if not isinstance(model, Lingam):
        return 0.0
    none = np.empty(0, np.int64)
    return -sum(local.gain_of_noise(j, none, OwnRows.of(problem.data, j)) for j in range(problem.n_genes))


def score_of(problem, model, dag):
    score = PenalizedScore.on(problem, model.prepare(problem, 0), gamma=1.0)
    sets = [np.sort(dag.source[dag.target == j])[None] for j in range(problem.n_genes)]
    return sum(score.scores(j, parents)[0] for j, parents in enumerate(sets)) + alone(problem, model)


def best_of_all(problem, model, d):
    """Score every DAG among ``d`` genes."""
    score = PenalizedScore.on(problem, model.prepare(problem, 0), gamma=1.0)
    pairs = [(i, j) for i in range(d) for j in range(i)]
    best = np.inf
    for choice in product((0, 1, 2), repeat=len(pairs)):
        edges = [(i, j) if c == 1 else (j, i) for c, (i, j) in zip(choice, pairs, strict=True) if c]
        source, target = (np.array([edge[end] for edge in edges], int) for end in (0, 1))
        if is_dag(source, target, d):
            best = min(best, sum(score.scores(j, np.sort(source[target == j])[None])[0] for j in range(d)))
    return best + alone(problem, model)


@both
@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), d=st.integers(2, 8), acted=st.booleans())
def test_the_score_of_a_graph_is_one_by_both_ways(model, lab, seed, d, acted):
    problem = problem_of(lab, seed, d, acted=acted)
    dag = by_order(lab, problem, model, rounds=1)
    assert score_of(problem, model, dag) == pytest.approx(dag.score, abs=CLOSE)


@both
def test_soft_edges_cost_the_same_by_both_ways(model, lab):
    d = 6
    known = Constraints(
        np.ones(d, bool),
        np.zeros(d, np.int64),
        d,
        soft=np.array([3, d + 4, 5 * d + 1], np.int64),
        cost=np.array([0.1, 4.0, 0.5]),
    )
    for seed in range(5):
        problem = problem_of(lab, seed, d, known=known)
        dag = by_order(lab, problem, model)
        assert score_of(problem, model, dag) == pytest.approx(dag.score, abs=CLOSE)


@both
def test_both_searches_end_at_one_score(model, lab):
    """Mostly; the order search selects parents by the BIC alone, so that lingam's climb may end below it."""
    behind = []
    for seed in range(12):
        problem = problem_of(lab, seed, 8)
        order, climb = by_order(lab, problem, model), by_climbing(lab, problem, model)
        behind.append(climb.score + alone(problem, model) - order.score)
    same = np.abs(behind) <= CLOSE
    assert same.sum() >= (7 if isinstance(model, Lingam) else 9)
    if not isinstance(model, Lingam):
        assert min(behind) >= -CLOSE


@both
def test_of_few_genes_both_find_the_best_of_all_graphs(model, lab):
    found = np.zeros(2, int)
    for seed in range(8):
        problem = problem_of(lab, seed, 4)
        best = best_of_all(problem, model, 4)
        order, climb = by_order(lab, problem, model), by_climbing(lab, problem, model)
        scores = np.array([order.score, climb.score + alone(problem, model)])
        assert (scores >= best - CLOSE).all()
        found += np.abs(scores - best) <= CLOSE
    assert (found >= 7).all()
