"""Screening among pairs that are near: that of all pairs where all are, and against an inverse which these are."""

from dataclasses import replace

import numpy as np
import pytest

from acyclome.core.data.candidates import Candidates
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.screening import near as module
from acyclome.core.screening.screen import ScreenSettings, find_views

SETTINGS = ScreenSettings(forward_steps=5, min_gain=1.0, partial=4, shrinkage=0.1, max_candidates=6)


def all_pairs(d):
    source, target = np.nonzero(~np.eye(d, dtype=bool))
    return Candidates.from_pairs(source, target, d)


@pytest.mark.parametrize(("n", "d"), [(200, 20), (20, 30)])
def test_where_all_pairs_are_near_they_are_screened_as_all_are(lab, n, d):
    problem = lab.problem_of(lab.draw_linear(n, d, n, 2)[0])
    found, expected = module.find_views_near(problem, all_pairs(d), SETTINGS), find_views(problem, SETTINGS)
    np.testing.assert_array_equal(found.selected, expected.selected)
    np.testing.assert_array_equal(found.strongest, expected.strongest)


def test_of_targets_own_observations_count(lab):
    done = Interventions.from_pairs(np.full(20, 2), np.arange(20), n_genes=12, n_obs=100)
    problem = lab.problem_of(lab.draw_linear(3, 12, 100, 2)[0], interventions=done)
    found, expected = module.find_views_near(problem, all_pairs(12), SETTINGS), find_views(problem, SETTINGS)
    np.testing.assert_array_equal(found.selected, expected.selected)


def test_near_are_genes_of_largest_partial_and_of_largest_correlation_that_may_be_causes(lab, monkeypatch):
    n, d = 40, 25
    monkeypatch.setattr(module, "WIDTH", 3)
    X, _ = lab.draw_linear(4, d, n, 2)
    may = np.random.default_rng(75).random((d, d)) < 0.7  # target by source
    np.fill_diagonal(may, False)
    forbidden = np.flatnonzero(~may.ravel())
    constraints = replace(Constraints.of_sources(np.ones(d, bool)), forbidden=forbidden)
    found = module.find_near(lab.problem_of(X, constraints), SETTINGS)
    R = np.corrcoef(X.T)
    K = np.linalg.inv(0.9 * R + 0.1 * np.eye(d))
    views = [np.where(may, np.abs(view), 0) for view in (R, K / np.sqrt(K.diagonal()))]
    for j in range(d):
        expected = {gene for view in views for gene in np.argsort(-view[j])[:3].tolist()}
        assert set(found.parent[found.indptr[j] : found.indptr[j + 1]].tolist()) == expected


def test_no_other_pair_is_a_candidate_and_threads_do_not_change_a_bit(lab, monkeypatch):
    monkeypatch.setattr(module, "WIDTH", 2)
    monkeypatch.setattr(module, "BLOCK", 4)
    X, _ = lab.draw_linear(5, 40, 30, 2)
    one, two = (lab.problem_of(X, threads=threads) for threads in (1, 2))
    near = module.find_near(one, SETTINGS)
    part, again = (module.screen_near(lab.problem_of(X[::2], threads=threads), near, SETTINGS) for threads in (1, 2))
    np.testing.assert_array_equal(part.keys(), again.keys())
    np.testing.assert_array_equal(near.keys(), module.find_near(two, SETTINGS).keys())
    assert len(part.keys())
    assert ((near.find(part.parent, part.target) >= 0) | (near.find(part.target, part.parent) >= 0)).all()


@pytest.mark.parametrize(("d", "n", "sources", "expected"), [(9, 8, 9, 1), (9, 9, 9, 0), (8, 7, 8, 0), (9, 8, 8, 0)])
def test_a_list_is_kept_of_many_genes_and_causes_in_few_observations(monkeypatch, d, n, sources, expected):
    monkeypatch.setattr(module, "WIDTH", 2)
    monkeypatch.setattr(module, "LISTED", 2)
    assert module.is_worth_it(d, n, sources=sources) == bool(expected)
