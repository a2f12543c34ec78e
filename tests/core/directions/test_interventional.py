"""What interventions say about directions, against refits in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.core.data.interventions import Interventions
from acyclome.core.data.moments import replace
from acyclome.core.data.search_result import SearchResult
from acyclome.core.directions import interventional as interventional_module
from acyclome.core.directions.interventional import directions, orient_by_interventions, reversal_losses

D, N, LOST = 5, 150, 3


def dag_of(pairs, rest=None):
    source, target = (np.array(side, np.int32) for side in (zip(*pairs, strict=True) if pairs else ((), ())))
    nothing = np.zeros(len(pairs))
    return SearchResult(
        source, target, nothing, nothing, np.arange(D, dtype=np.int32), np.ones(D) if rest is None else rest, 0.0, 0.0
    )


@st.composite
def problems(draw):
    """Draw ``(X, targets, pairs)``: data of a random DAG, 40 targets in it, and another random DAG."""
    rng = np.random.default_rng([95, draw(st.integers(0, 10_000))])
    X = rng.standard_normal((N, D)) @ (np.eye(D) + 0.6 * np.triu(rng.standard_normal((D, D)), 1))
    gene, row = rng.integers(0, D - 1, 40), rng.choice(N, 40)
    X[row, gene] = 3.0 + rng.standard_normal(40)
    name = rng.permutation(D)
    pairs = [(int(name[i]), int(name[j])) for j in range(D) for i in range(j) if rng.random() < 0.6]
    return X, Interventions.from_pairs(gene, row, n_genes=D, n_obs=N), pairs


def log_rest(X, k, given):
    """Log of the variance of column ``k`` left by the columns ``given``."""
    Z = X - X.mean(axis=0)
    left = Z[:, k] - (Z[:, given] @ np.linalg.lstsq(Z[:, given], Z[:, k], rcond=None)[0] if given else 0.0)
    return np.log(np.mean(left**2))


def loss_of(X, without_i, without_j, pairs, i, j):
    """Log-likelihood that turning ``i -> j`` costs, each end fitted without some observations."""
    mine, theirs = [a for a, b in pairs if b == j], [a for a, b in pairs if b == i]
    rows_i, rows_j = np.delete(X, without_i, axis=0), np.delete(X, without_j, axis=0)
    at_j = log_rest(rows_j, j, [a for a in mine if a != i]) - log_rest(rows_j, j, mine)
    at_i = log_rest(rows_i, i, [*theirs, j]) - log_rest(rows_i, i, theirs)
    return (len(rows_j) - LOST) / 2 * at_j + (len(rows_i) - LOST) / 2 * at_i


@pytest.mark.parametrize("held", [True, False])
@given(problem=problems())
def test_losses_and_what_interventions_bring_are_those_of_refits(lab, held, problem):
    X, targets, pairs = problem
    m = lab.moments_of(X, interventions=targets, lost=LOST)
    loss, gain = reversal_losses(m if held else replace(m, R=None), dag_of(pairs))
    for (i, j), found, part in zip(pairs, loss, gain, strict=True):
        without_i, without_j = targets.of(i), targets.of(j)
        assert found == pytest.approx(loss_of(X, without_i, without_j, pairs, i, j), abs=1e-6)
        neither = np.union1d(without_i, without_j)
        rest = loss_of(X, neither, neither, pairs, i, j)
        assert part == pytest.approx(found - rest if len(neither) else 0.0, abs=1e-6)


@pytest.mark.parametrize("equal_noise", [False, True])
@given(problem=problems())
def test_an_intervention_on_a_bystander_changes_no_loss_and_brings_nothing(lab, equal_noise, problem):
    X, _, pairs = problem
    dag = dag_of([pair for pair in pairs if D - 1 not in pair], np.random.default_rng(1).uniform(0.2, 1.0, D))
    bystander = Interventions.from_pairs([D - 1], [0], n_genes=D, n_obs=N)
    (plain, nothing), (loss, gain) = (
        reversal_losses(lab.moments_of(X, interventions=done), dag, equal_noise=False) for done in (None, bystander)
    )
    np.testing.assert_allclose(loss, plain, atol=1e-8)
    assert not gain.any()
    assert not nothing.any()
    assert not directions(lab.moments_of(X), dag, equal_noise=equal_noise).oriented_by_intervention.any()


def drawn(acted, kind, shift=3.0):
    """Draw 0 -> 1 with 60 observations in which ``acted`` is set anew (hard), or nothing happens (idle)."""
    rng = np.random.default_rng(96)
    X, row = rng.standard_normal((300, D)), np.arange(240, 300)
    if acted == 0 and kind == "hard":
        X[row, 0] = shift + rng.standard_normal(60)
    X[:, 1] += X[:, 0]
    if acted == 1 and kind == "hard":
        X[row, 1] = shift + rng.standard_normal(60)
    return X, Interventions.from_pairs(np.full(60, acted), row, n_genes=D, n_obs=300)


@pytest.mark.parametrize("acted", [0, 1])
def test_an_intervention_that_worked_settles_the_direction(lab, acted):
    X, targets = drawn(acted, "hard")
    found = directions(lab.moments_of(X, interventions=targets), dag_of([(0, 1)]))
    assert found.oriented_by_intervention.tolist() == [True]
    assert found.loss[0] > np.log(99)
    assert not directions(lab.moments_of(X, interventions=targets), dag_of([(1, 0)])).oriented_by_intervention.any()


@pytest.mark.parametrize("acted", [0, 1])
def test_a_guide_that_did_nothing_settles_nothing(lab, acted):
    X, targets = drawn(acted, "idle")
    for pair in ((0, 1), (1, 0)):
        assert not directions(lab.moments_of(X, interventions=targets), dag_of([pair])).oriented_by_intervention.any()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("q", [0.1, 0.5])
@pytest.mark.parametrize("shift", [0.3, 0.8, 1.3, 3.0])
def test_interventions_that_only_move_their_target_settle_no_wrong_direction(lab, share, q, shift):
    rng = np.random.default_rng([99, int(100 * share), int(10 * shift)])
    X, row = rng.standard_normal((4000, D)), np.arange(int(4000 * (1 - q)), 4000)
    X[:, 1] = np.sqrt(share) * X[:, 0] + np.sqrt(1 - share) * X[:, 1]
    X[row, 1] += shift
    m = lab.moments_of(X, interventions=Interventions.from_pairs(np.ones(len(row), int), row, n_genes=D, n_obs=4000))
    assert directions(m, dag_of([(0, 1)])).oriented_by_intervention.all() or shift < 3
    assert not directions(m, dag_of([(1, 0)])).oriented_by_intervention.any()


def test_one_observation_settles_nothing(lab):
    X, targets = drawn(0, "hard", shift=8.0)
    few = Interventions.from_pairs([0], [targets.of(0)[0]], n_genes=D, n_obs=241)
    assert not directions(lab.moments_of(X[:241], interventions=few), dag_of([(0, 1)])).oriented_by_intervention.any()


def test_genes_that_are_always_targets_together_orient_nothing_between_them(lab):
    X, targets = drawn(0, "hard")
    both = Interventions.from_pairs(
        [*targets.gene, *(targets.gene + 1)], [*targets.row, *targets.row], n_genes=D, n_obs=300
    )
    X[both.of(1), 1] = 5.0
    assert not directions(lab.moments_of(X, interventions=both), dag_of([(0, 1)])).oriented_by_intervention.any()


@pytest.mark.parametrize(("odds", "is_oriented"), [(98.0, False), (100.0, True)])
def test_interventions_orient_what_they_speak_for_with_odds_of_99_to_1(odds, is_oriented):
    _, targets = drawn(0, "hard")
    works, gain = np.ones(D, bool), np.array([np.log(odds)])
    assert orient_by_interventions(dag_of([(0, 1)]), targets, gain=gain, works=works).tolist() == [is_oriented]
    assert not orient_by_interventions(dag_of([(2, 3)]), targets, gain=gain, works=works).any()


@pytest.mark.parametrize("times", [0, 1, 2, 3])
def test_two_observations_orient_what_one_does_not(times):
    few = Interventions.from_pairs(np.zeros(times, int), np.arange(times), n_genes=D, n_obs=300)
    oriented = orient_by_interventions(dag_of([(0, 1)]), few, gain=np.array([100.0]), works=np.ones(D, bool))
    assert oriented.tolist() == [times >= 2]


@given(problem=problems())
def test_losses_have_the_same_bits_in_any_blocks(lab, problem):
    X, targets, pairs = problem
    data, found = lab.moments_of(X, interventions=targets), []
    for block in (512, 2):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(interventional_module, "BLOCK", block)
            found.append(np.stack(reversal_losses(data, dag_of(pairs))))
    np.testing.assert_array_equal(*found)
