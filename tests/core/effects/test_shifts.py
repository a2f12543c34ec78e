"""Shifts of targets themselves, against two-sample tests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from scipy.stats import ttest_ind
from tests.core.effects.targeted import D, N, problems

from acyclome.core.data.interventions import Interventions
from acyclome.core.effects.shifts import own_shifts


@given(problem=problems())
def test_the_change_of_a_target_is_judged_by_a_t_test_against_what_was_left_untouched(lab, problem):
    X, targets = problem
    found = own_shifts(lab.moments_of(X, interventions=targets))
    assert found.gene.tolist() == np.flatnonzero(targets.counts).tolist()
    for j, size, shift, p, left in zip(*found, strict=True):
        acted, quiet = X[targets.of(j), j], X[targets.untouched, j]
        assert (size, left) == (len(acted), 1 - len(acted) / N)
        assert p == pytest.approx(ttest_ind(acted, quiet).pvalue, rel=1e-6)
        assert shift == pytest.approx((acted.mean() - quiet.mean()) / np.delete(X[:, j], targets.of(j)).std())


def test_one_array_is_enough_to_judge_and_everything_may_be_a_target(lab):
    X = np.random.default_rng(98).standard_normal((D * 20, D))
    everything = Interventions.from_pairs(np.arange(len(X)) % D, np.arange(len(X)), n_genes=D, n_obs=len(X))
    X[everything.of(2), 2] -= 5.0
    found = own_shifts(lab.moments_of(X, interventions=everything))
    assert found.is_seen.tolist() == [False, False, True, False, False, False]
    assert found.shift[2] == pytest.approx(-5.0, abs=1.0)
    assert found.is_firm.tolist() == found.is_seen.tolist()
    one, X = Interventions.from_pairs([2], [2], n_genes=D, n_obs=60), X[:60, ::-1].copy()
    X[2, 2] = -6.0
    assert own_shifts(lab.moments_of(X, interventions=one)).is_firm.tolist() == [True]


def test_a_small_change_may_be_seen_and_is_not_firm(lab):
    X, row = np.random.default_rng(101).standard_normal((2000, D)), np.arange(1000)
    X[row, 1] += 0.5
    few = Interventions.from_pairs(np.ones(1000, int), row, n_genes=D, n_obs=2000)
    found = own_shifts(lab.moments_of(X, interventions=few))
    assert found.is_seen.tolist() == [True]
    assert found.is_firm.tolist() == [False]
