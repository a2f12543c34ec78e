"""A second look: hubs by their children, and the genes that correlate with what is unexplained."""

from dataclasses import replace

import numpy as np

from acyclome.core.data.candidates import Candidates
from acyclome.core.data.interventions import Interventions
from acyclome.core.data.search_result import SearchResult
from acyclome.core.screening.rescreen import find_hubs, rescreen, strongest_unexplained
from acyclome.core.screening.screen import ScreenSettings

SETTINGS = ScreenSettings(forward_steps=4, min_gain=4.0, partial=4, shrinkage=0.05, max_candidates=10)
ALL = np.ones(30, bool)


def dag_of(m, pairs, lab):
    """Fit a graph by least squares in float64."""
    R, d = np.asarray(m.R, float), m.n_genes
    source, target = (np.array(side, np.int32) for side in zip(*pairs, strict=True))
    weight, rest = np.zeros(len(pairs)), np.ones(d)
    for j in set(target.tolist()):
        at = np.flatnonzero(target == j)
        S = source[at]
        weight[at] = np.linalg.solve(R[np.ix_(S, S)], R[S, j])
        rest[j] = lab.rest_of(R, j, S.tolist())
    return SearchResult(source, target, weight, np.zeros(len(pairs)), np.arange(d, dtype=np.int32), rest, 0.0, 0.0)


def test_hubs_are_the_tenth_with_most_children_and_have_four_at_least(lab):
    m = lab.moments_of(lab.draw_linear(1, 30, 100)[0])
    pairs = [(0, j) for j in range(5, 15)] + [(1, j) for j in range(15, 20)] + [(2, j) for j in range(20, 24)]
    pairs += [(3, j) for j in range(24, 27)]
    assert find_hubs(dag_of(m, pairs, lab), ALL).tolist() == [0, 1, 2]
    assert find_hubs(dag_of(m, pairs[-3:], lab), ALL).tolist() == []
    no_cause = ALL.copy()
    no_cause[1] = False
    assert find_hubs(dag_of(m, pairs, lab), no_cause).tolist() == [0, 2]


def test_unexplained_is_the_correlation_with_the_residual(lab):
    d, n = 30, 400
    X = lab.draw_linear(2, d, n, 2)[0]
    m = lab.moments_of(X)
    dag = dag_of(m, [(0, 5), (3, 5), (7, 9), (2, 11)], lab)
    causes = np.random.default_rng([91]).random(d) < 0.7
    found = strongest_unexplained(lab.problem_of(m, sources=causes), dag, min_gain=SETTINGS.min_gain)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    for j in range(d):
        S = dag.source[dag.target == j]
        residual = Z[:, j] - Z[:, S] @ np.linalg.lstsq(Z[:, S], Z[:, j], rcond=None)[0] if len(S) else Z[:, j]
        share = (Z.T @ residual / n) ** 2 / np.mean(residual**2)
        share[~causes] = 0
        share[j] = 0
        strong = [i for i in np.argsort(-share)[: found.shape[1]] if -n / 2 * np.log(1 - share[i]) > SETTINGS.min_gain]
        assert set(found[j][found[j] >= 0].tolist()) == set(strong)


def test_growing_keeps_candidates_and_offers_what_was_missed(lab):
    d = 30
    X, W = lab.draw_linear(3, d, 2000, 2)
    m = lab.moments_of(X)
    true = list(zip(*(side.tolist() for side in np.nonzero(W)), strict=True))
    missed, known = true[0], true[1:]
    before = Candidates.from_pairs(*np.array(known).T, d)
    problem, dag = lab.problem_of(m), dag_of(m, known, lab)
    grown = rescreen(problem, before, dag, settings=replace(SETTINGS, max_candidates=29))
    assert {missed, *known} <= set(zip(grown.parent.tolist(), grown.target.tolist(), strict=True))
    assert rescreen(problem, before, dag, settings=SETTINGS).counts.max() <= SETTINGS.max_candidates


def test_what_the_parents_explain_is_not_left_over_where_parents_and_genes_were_targets(lab):
    d, n, rng = 12, 2000, np.random.default_rng(92)
    pairs = [(0, 3), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7), (6, 8)]
    acted, row = np.repeat(np.arange(8), 50), rng.permutation(n)[:400]
    X = rng.standard_normal((n, d))
    for j in range(d):
        X[:, j] += 0.8 * X[:, [i for i, k in pairs if k == j]].sum(axis=1)
        X[row[acted == j], j] = 12.0 * rng.standard_normal((acted == j).sum())
    m = lab.moments_of(X, interventions=Interventions.from_pairs(acted, row, n_genes=d, n_obs=n))
    own = [np.delete(X, m.interventions.of(j), axis=0) for j in range(d)]
    spread = np.array([own[j][:, j].std() for j in range(d)])
    source, target = (np.array(side, np.int32) for side in zip(*pairs, strict=True))
    weight, rest = np.zeros(len(pairs)), np.ones(d)
    for j in set(target.tolist()):
        S = source[target == j]
        Y = own[j] - own[j].mean(axis=0)
        b = np.linalg.lstsq(Y[:, S], Y[:, j], rcond=None)[0]
        weight[target == j] = b * spread[S] / spread[j]
        rest[j] = np.mean((Y[:, j] - Y[:, S] @ b) ** 2) / spread[j] ** 2
    dag = SearchResult(source, target, weight, np.zeros(len(pairs)), np.arange(d, dtype=np.int32), rest, 0.0, 0.0)
    left = strongest_unexplained(lab.problem_of(m), dag, min_gain=SETTINGS.min_gain)
    assert not {(i, j) for j in range(d) for i in left[j].tolist()} & set(pairs)
    nothing = replace(dag, weight=0 * weight)
    assert strongest_unexplained(lab.problem_of(m), nothing, min_gain=SETTINGS.min_gain).max() >= 0
