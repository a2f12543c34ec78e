"""Measured total effects: known answers, nothing from noise, the network where it is right, what losses share."""

import numpy as np
import pytest

from acyclome.core.backend import ThreadBackend
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.data.moments import correlate, scale_genes
from acyclome.core.data.problem import Problem
from acyclome.core.effects import doses as doses_module
from acyclome.core.effects import measured
from acyclome.core.effects import profiles as profiles_module
from acyclome.core.effects.doses import SEVERAL, STRANGE, Instruments, Treatments, Yardstick, find_doses, yardstick
from acyclome.core.effects.measured import _learn_mixture, measured_effects
from acyclome.core.effects.total import ANY

D, QUIET, EACH = 40, 200, 30
ACTED = (0, 1, 2, 3)


def learn_from(data, threads=1):
    return Problem(data, Constraints.none(D), ThreadBackend(threads))


def draw(seed, shared=0.0, strength=0.8):
    """Genes 0 to 3 act on five each of 4 to 23; each is held at -3 in 30 observations; a loss lowers 30 to 39."""
    rng = np.random.default_rng([88, seed])
    T = np.zeros((D, D))
    for i in ACTED:
        T[i, 4 + 5 * i : 9 + 5 * i] = strength
    kind = np.concatenate([np.full(QUIET, -1), np.repeat(np.arange(len(ACTED)), EACH)])
    X = rng.normal(size=(len(kind), D))
    for i in ACTED:
        X[kind == i, i] = -3.0 + 0.1 * rng.normal(size=EACH)
    X[:, 4:] += X[:, :4] @ T[:4, 4:]
    X[kind >= 0, 30:] -= shared
    at = np.flatnonzero(kind >= 0)
    targets = Interventions.from_pairs(kind[at], at, n_genes=D, n_obs=len(kind))
    found = correlate(scale_genes(lambda a, b: X.T[a:b], D, interventions=targets), 1)
    scale = np.where(found.scale > 0, found.scale, 1.0)
    return learn_from(found), Treatments(kind, np.array(ACTED)), T * scale[:, None] / scale, rng


def nobody(genes):
    return np.eye(D)[genes]


def table(found):
    W, error = np.zeros((D, D)), np.zeros((D, D))
    real = found.source != ANY
    W[found.source[real], found.target[real]] = found.effect[real]
    error[found.source[real], found.target[real]] = found.error[real]
    return W, error


@pytest.mark.parametrize("seed", range(3))
def test_effects_are_found_within_their_error_and_hardly_any_other(seed):
    problem, treatments, T, _ = draw(seed)
    W, error = table(measured_effects(problem, Instruments.of(problem, treatments), nobody))
    np.testing.assert_array_equal(W[ACTED, ACTED], 1.0)
    np.fill_diagonal(W, 0.0)
    there = T != 0
    assert np.all(np.abs(W - T)[there] < 4 * error[there] + 0.02)
    assert np.sum((W - T)[~there] ** 2) < 0.02 * np.sum(T**2)


def test_what_the_network_says_rightly_makes_effects_more_certain():
    problem, treatments, T, _ = draw(1, strength=0.25)
    instruments = Instruments.of(problem, treatments)
    alone = table(measured_effects(problem, instruments, nobody))[0] - np.eye(D) * (np.arange(D) < 4)
    told = measured_effects(problem, instruments, lambda genes: (np.eye(D) + T)[genes])
    told = table(told)[0] - np.eye(D) * (np.arange(D) < 4)
    assert np.sum((told - T) ** 2) < 0.5 * np.sum((alone - T) ** 2)


def test_a_network_that_is_wrong_is_not_believed():
    problem, treatments, T, rng = draw(2)
    wrong = np.where(rng.random((D, D)) < 0.2, 0.7, 0.0)
    np.fill_diagonal(wrong, 1.0)
    W, _ = table(measured_effects(problem, Instruments.of(problem, treatments), lambda genes: wrong[genes]))
    np.fill_diagonal(W, 0.0)
    assert np.sum((W - T)[:4] ** 2) < 0.1 * np.sum((wrong - np.eye(D) - T)[:4] ** 2)


def test_what_all_losses_do_is_told_apart_from_what_each_does():
    found = {}
    for shared in (0.0, 1.0):
        problem, treatments, _, _ = draw(3, shared)
        effects = measured_effects(problem, Instruments.of(problem, treatments), nobody)
        common = effects.effect[effects.source == ANY]
        found[shared] = common
    assert np.abs(found[0.0]).max() < 0.35
    assert np.all(found[1.0][30:] < -0.5)
    assert np.abs(found[1.0][24:30]).max() < 0.35


def test_what_the_network_says_all_losses_do_is_not_beyond_it():
    problem, treatments, T, _ = draw(3, 1.0)
    scale = problem.data.scale
    T[:4, 30:] = 1.0 / 3.0 * scale[:4, None] / scale[30:]  # a dose of -3 lowers them by 1
    effects = measured_effects(problem, Instruments.of(problem, treatments), lambda genes: (np.eye(D) + T)[genes])
    assert np.abs(effects.effect[effects.source == ANY]).max(initial=0.0) < 0.35


def test_a_mixture_does_not_know_up_from_down():
    rng = np.random.default_rng([88, 7])
    m, e2, t = np.abs(rng.normal(size=500)) * (rng.random(500) < 0.2), np.full(500, 0.01), rng.normal(size=500)
    m, t = m + 0.1 * rng.normal(size=500), t * (rng.random(500) < 0.3)
    up, down = (_learn_mixture(sign * m, e2, sign * t) for sign in (1.0, -1.0))
    np.testing.assert_allclose(up.weight, down.weight, rtol=1e-12)
    assert up.tau2 == pytest.approx(down.tau2, rel=1e-12)


def test_a_sample_of_the_pairs_teaches_what_all_do(monkeypatch):
    problem, treatments, *_ = draw(1)
    every = table(measured_effects(problem, Instruments.of(problem, treatments), nobody))[0]
    monkeypatch.setattr(measured, "PAIRS", 60)
    some = table(measured_effects(problem, Instruments.of(problem, treatments), nobody))[0]
    there = (every != 0) & (some != 0)
    assert there.sum() >= 20
    np.testing.assert_allclose(some[there], every[there], atol=0.1)


@pytest.mark.parametrize(("kind", "mean", "variance"), [(0, 0.0, 0.0), (1, 0.7, 0.04), (2, 0.3 * 0.9, 0.04 * 0.9)])
def test_where_effects_are_of_one_kind_the_posterior_is_that_of_it_alone(kind, mean, variance):
    """Nothing; as sure as the measurement around what the network says; two normal laws around 0 and ``m``."""
    mixture = measured._Mixture(np.tile(np.eye(3)[kind], (2, 1)), 0.36)
    found = measured._posterior(np.array([0.3]), np.array([0.04]), np.array([0.7]), mixture=mixture)
    np.testing.assert_allclose(np.concatenate(found), [kind == 0, mean, np.sqrt(variance)], atol=1e-9)


def test_targets_that_hardly_moved_say_nothing():
    problem, _, _, rng = draw(4)
    kind = rng.permutation(np.concatenate([np.full(QUIET, -1), np.repeat(np.arange(4), EACH)]))
    treatments = Treatments(kind, np.array([30, 31, SEVERAL, STRANGE]))
    by = yardstick(problem, treatments)
    assert len(find_doses(problem.data.Z, treatments, by).gene) == 0


def test_two_doses_count_by_their_size():
    problem, treatments, _, _ = draw(5)
    by = yardstick(problem, treatments)
    doses = find_doses(problem.data.Z, treatments, by)
    for gene, rows, weight in zip(doses.gene, doses.rows, doses.weight, strict=True):
        assert weight @ (problem.data.Z[gene, rows] - by.centre[gene]) / by.scale[gene] == pytest.approx(1.0)
    assert doses.gene.tolist() == list(ACTED)


def test_slopes_are_sums_over_the_observations_of_every_target_whichever_genes_are_asked_for():
    problem, treatments, _, _ = draw(5)
    by, Z = yardstick(problem, treatments), problem.data.Z
    doses = find_doses(Z, treatments, by)
    whole = doses.slopes(Z, slice(0, D), by)
    for k, (rows, weight) in enumerate(zip(doses.rows, doses.weight, strict=True)):
        np.testing.assert_allclose(whole[k], (Z[:, rows] - by.centre[:, None]) @ weight / by.scale, atol=1e-12)
    some = np.array([7, 0, 30])
    np.testing.assert_array_equal(doses.slopes(Z[some], some, by), whole[:, some])


def test_a_step_of_the_mixture_adds_up_the_probabilities_of_its_components():
    rng = np.random.default_rng(8)
    m, e2, t = rng.normal(size=60), rng.uniform(0.1, 0.5, 60), rng.normal(size=60) * (rng.random(60) < 0.3)
    mixture = measured._Mixture(np.array([[0.8, 0.0, 0.2], [0.3, 0.5, 0.2]]), 0.7)
    probability, effect, variance = measured._components(m, e2, t, mixture=mixture)
    count = np.zeros((2, 3))
    square = measured._expect(m, e2, np.log(e2), t, mixture.weight, mixture.tau2, count)
    np.testing.assert_allclose(count, [probability[t == 0].sum(axis=0), probability[t != 0].sum(axis=0)])
    assert square == pytest.approx(probability[:, 2] @ (effect**2 + variance))


def test_without_noise_doses_weigh_what_they_are_and_where_all_is_noise_alike():
    x = np.array([-1.0, -2.0, -2.5, -4.0])
    treatments = Treatments(np.zeros(4, int), np.array([0]))
    for noise, w in ((1e-12, x), (x.var(ddof=1), np.full(4, x.mean()))):
        by = Yardstick(np.zeros(1), np.ones(1), np.array([noise]), 10**6)
        (weight,) = find_doses(x[None], treatments, by).weight
        np.testing.assert_allclose(weight, w / (w @ x), rtol=1e-9)


def test_blocks_of_genes_do_not_change_a_bit(monkeypatch):
    problem, treatments, T, _ = draw(6)
    found = []
    for size in (64, 3):
        for room, name in ((measured, "GENES"), (doses_module, "BLOCK"), (profiles_module, "BLOCK")):
            monkeypatch.setattr(room, name, size)
        found.append(measured_effects(problem, Instruments.of(problem, treatments), lambda genes: T[genes]))
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_threads_do_not_change_a_bit():
    problem, treatments, T, _ = draw(6)
    one, three = (
        measured_effects(problem, Instruments.of(problem, treatments), lambda genes: T[genes])
        for problem in (learn_from(problem.data, 1), learn_from(problem.data, 3))
    )
    for a, b in zip(one, three, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("seed", range(3))
def test_most_pairs_without_an_effect_are_left_out(seed):
    data, treatments, T, _ = draw(seed)
    found = measured_effects(data, Instruments.of(data, treatments), nobody)
    real = (found.source != ANY) & (found.source != found.target)
    idle = T[found.source[real], found.target[real]] == 0
    assert (~idle).sum() == (T != 0).sum()
    assert idle.sum() < 0.5 * (T[list(ACTED)] == 0).sum()
