"""Screening against stepwise least squares and against an inverse, both in float64."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from acyclome.core.data import moments as moments_module
from acyclome.core.screening import partial_correlation
from acyclome.core.screening import screen as module
from acyclome.core.screening import stepwise as stepwise_module
from acyclome.core.screening.screen import (
    ScreenSettings,
    as_pairs,
    cut_genes,
    find_views,
    forward_select,
    screen,
    strongest_partial,
    symmetric,
)

MIN_GAIN = 4.0


def stepwise(lab, R, j, pool, steps, n):
    """Add the regressor that leaves least variance, as long as it gains MIN_GAIN of log-likelihood."""
    chosen = []
    while len(chosen) < steps:
        left = [i for i in pool if i != j and i not in chosen]
        rests = [lab.rest_of(R, j, [*chosen, i]) for i in left]
        if not left or n / 2 * np.log(lab.rest_of(R, j, chosen) / min(rests)) < MIN_GAIN:
            break
        chosen.append(left[int(np.argmin(rests))])
    return chosen


def regulators(seed, d):
    return np.random.default_rng([71, seed]).random(d) < 0.5


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_forward_selection_is_stepwise_least_squares(lab, seed, restricted):
    d, n = 20, 300
    X, _ = lab.draw_linear(seed, d, n, 2.5)
    pool = np.flatnonzero(regulators(seed, d)) if restricted else np.arange(d)
    found = forward_select(lab.problem_of(X), pool, steps=4, min_gain=MIN_GAIN)
    for j in range(d):
        expected = stepwise(lab, np.corrcoef(X.T), j, pool.tolist(), 4, n)
        assert found[j].tolist() == expected + [-1] * (4 - len(expected))


def test_of_more_regressors_than_are_compared_at_once_the_best_are_selected_and_of_copies_the_first(lab):
    d, n = 2 * stepwise_module.LANES + 40, 200
    X = np.random.default_rng(73).standard_normal((n, d))
    X[:, 530] = X[:, 300]
    causes = {0: [300, 7], 255: [12, 540], 256: [480, 300], d - 1: [258, 254]}
    for j, of in causes.items():
        X[:, j] += X[:, of].sum(axis=1)
    found = forward_select(lab.problem_of(X), np.arange(d), steps=4, min_gain=MIN_GAIN)
    for j, of in causes.items():
        expected = stepwise(lab, np.corrcoef(X.T), j, np.delete(np.arange(d), 530).tolist(), 4, n)
        assert found[j].tolist() == expected
        assert set(of) <= set(expected)


def test_forward_selection_takes_no_copy_of_a_chosen_gene_and_no_constant_gene(lab):
    X = lab.draw_linear(1, 12, 300, 2.5)[0].copy()
    X[:, 3] = 2 * X[:, 5] + 1
    X[:, 7] = 1.0
    found = forward_select(lab.problem_of(X), np.arange(12), steps=6, min_gain=0.5)
    assert not (found == 7).any()
    assert (found[7] == -1).all()
    for row in found:
        assert not {3, 5} <= set(row.tolist())


def test_an_empty_pool_gives_no_candidate(lab):
    problem = lab.problem_of(lab.draw_linear(1, 12, 100)[0])
    found = forward_select(problem, np.arange(0), steps=3, min_gain=MIN_GAIN)
    assert (found == -1).all()


@pytest.mark.parametrize(("n", "d"), [(200, 20), (20, 30), (29, 30), (30, 30)])
@pytest.mark.parametrize("restricted", [False, True])
def test_partial_correlations_are_those_of_the_shrunken_inverse(lab, monkeypatch, n, d, restricted):
    monkeypatch.setattr(partial_correlation, "ROWS", 8)  # several tiles
    X, _ = lab.draw_linear(n, d, n, 2)
    causes = regulators(n, d) if restricted else np.ones(d, bool)
    found = strongest_partial(lab.problem_of(X, sources=causes), keep=5, shrinkage=0.1)
    K = np.linalg.inv(0.9 * np.corrcoef(X.T) + 0.1 * np.eye(d))
    partial = np.abs(K) / np.sqrt(np.outer(K.diagonal(), K.diagonal()))
    partial[:, ~causes] = 0
    np.fill_diagonal(partial, 0)
    for j in range(d):
        assert set(found[j].tolist()) == set(np.argsort(-partial[j])[:5].tolist())


def test_fewer_causes_than_wanted_give_all_of_them(lab):
    causes = np.zeros(12, bool)
    causes[[2, 5, 9]] = True
    found, nothing = (
        strongest_partial(lab.problem_of(lab.draw_linear(1, 12, 100)[0], sources=some), keep=8, shrinkage=0.1)
        for some in (causes, causes & False)
    )
    assert found.shape == (12, 2)
    assert set(found.ravel().tolist()) <= {2, 5, 9}
    assert nothing.shape == (12, 0)


@pytest.mark.parametrize("n", [15, 100])
def test_threads_do_not_change_a_bit(lab, monkeypatch, n):
    monkeypatch.setattr(module, "BLOCK", 4)
    monkeypatch.setattr(module, "ROWS", 8)
    both = [lab.problem_of(lab.draw_linear(5, 30, n, 2)[0], threads=threads) for threads in (1, 2)]
    np.testing.assert_array_equal(*(forward_select(one, np.arange(30), steps=5, min_gain=1.0) for one in both))
    np.testing.assert_array_equal(*(strongest_partial(one, keep=5, shrinkage=0.05) for one in both))


def test_threads_of_the_caller_do_not_change_a_bit_of_the_inverse(lab, monkeypatch):
    seen = []
    factors = partial_correlation.precision_factors
    monkeypatch.setattr(
        partial_correlation, "precision_factors", lambda *given: seen.append(factors(*given)) or seen[-1]
    )
    problem = lab.problem_of(np.random.default_rng(72).standard_normal((150, 400)))
    for threads in (1, 2):
        with threadpool_limits(threads):
            strongest_partial(problem, keep=5, shrinkage=0.05)
    for one, two in zip(*seen, strict=True):
        np.testing.assert_array_equal(one, two)


def pairs(candidates):
    return set(zip(candidates.parent.tolist(), candidates.target.tolist(), strict=True))


def test_every_pair_may_point_both_ways_but_never_out_of_a_gene_that_is_no_cause(lab):
    m = lab.moments_of(lab.draw_linear(2, 12, 100, 2)[0])
    source, target = np.array([0, 1, 2, 3]), np.array([1, 2, 4, 5])
    causes = np.ones(12, bool)
    causes[[1, 4]] = False
    found = symmetric(lab.problem_of(m, sources=causes), source, target, max_candidates=10)
    assert pairs(found) == {(0, 1), (2, 1), (2, 4), (3, 5), (5, 3)}


@pytest.mark.parametrize("cap", [1, 2, 3, 5])
def test_the_cap_keeps_own_findings_before_mirrored_ones_and_strong_before_weak(lab, cap):
    m = lab.moments_of(lab.draw_linear(3, 12, 100, 3)[0])
    own, mirrored = [1, 2, 3], [5, 6, 7, 8]  # found for gene 0; and genes for which gene 0 was found
    source, target = np.array([*own, 0, 0, 0, 0]), np.array([0, 0, 0, *mirrored])
    found = symmetric(lab.problem_of(m), source, target, max_candidates=cap)
    strength = np.abs(np.asarray(m.R)[0])
    ranked = sorted(own, key=lambda i: -strength[i]) + sorted(mirrored, key=lambda i: -strength[i])
    assert set(found.parent[found.target == 0].tolist()) == set(ranked[:cap])
    assert found.counts.max() <= cap


def test_genes_that_are_no_causes_do_not_use_up_the_cap(lab):
    m = lab.moments_of(lab.draw_linear(3, 12, 100, 3)[0])
    causes = np.ones(12, bool)
    causes[[1, 2, 3]] = False
    problem = lab.problem_of(m, sources=causes)
    found = symmetric(problem, np.array([1, 2, 3, 4, 5]), np.zeros(5, int), max_candidates=2)
    assert set(found.parent[found.target == 0].tolist()) == {4, 5}


@pytest.mark.parametrize("max_candidates", [6, 48])
def test_screening_unites_both_views_within_the_cap_and_the_causes(lab, max_candidates):
    m = lab.moments_of(lab.draw_linear(6, 30, 200, 2)[0])
    causes = regulators(6, 30)
    settings = ScreenSettings(3, MIN_GAIN, 3, 0.05, max_candidates)
    problem = lab.problem_of(m, sources=causes)
    found = screen(problem, settings)
    assert found.counts.max() <= max_candidates
    assert causes[found.parent].all()
    assert not (found.parent == found.target).any()
    views = [
        as_pairs(one)
        for one in (
            forward_select(problem, np.flatnonzero(causes), steps=3, min_gain=MIN_GAIN),
            strongest_partial(problem, keep=3, shrinkage=0.05),
        )
    ]
    assert {(i, j) for s, t in views for i, j in zip(s.tolist(), t.tolist(), strict=True)} <= pairs(found)


def test_true_edges_of_a_large_sample_are_candidates(lab):
    X, W = lab.draw_linear(7, 30, 5000, 2)
    found = screen(lab.problem_of(X), ScreenSettings(8, MIN_GAIN, 8, 0.05, 14))
    assert set(zip(*(side.tolist() for side in np.nonzero(W)), strict=True)) <= pairs(found)


def test_where_correlations_do_not_fit_the_search_runs_among_the_strongest(lab, monkeypatch):
    X = lab.draw_linear(8, 150, 400, 2)[0]
    whole = forward_select(lab.problem_of(X), np.arange(150), steps=2, min_gain=MIN_GAIN)
    monkeypatch.setattr(moments_module, "WHOLE_GENES", 100)
    monkeypatch.setattr(module, "WHOLE_GENES", 100)
    few = forward_select(lab.problem_of(X), np.arange(150), steps=2, min_gain=MIN_GAIN)
    np.testing.assert_array_equal(few[:, 0], whole[:, 0])
    assert (few == whole).mean() > 0.95


@pytest.mark.parametrize("n", [80, 400])
def test_ranges_of_genes_put_together_are_the_whole(lab, monkeypatch, n):
    for part in (module, partial_correlation):
        monkeypatch.setattr(part, "ROWS", 32)
    settings = ScreenSettings(3, MIN_GAIN, 4, 0.05, 8)
    problem = lab.problem_of(lab.draw_linear(9, 150, n, 2)[0])
    whole = find_views(problem, settings)
    pieces = [find_views(problem, settings, genes=genes) for genes in cut_genes(150, 3)]
    assert len(pieces) == 3
    for one, parts in zip(whole, zip(*pieces, strict=True), strict=True):
        np.testing.assert_array_equal(one, np.concatenate(parts))
