"""Held-out observations: every family gives a density that integrates to one and has not seen what it judges."""

from dataclasses import replace

import numpy as np
import pytest
from family_cases import CASES
from scipy.stats import gmean, laplace, norm

from acyclome.config import Config
from acyclome.core.data.standardized import Standardized
from acyclome.models.glm.card import GLM
from acyclome.models.held_out import count_mass, gain_of_own_law, has_own_law, normal_mass, seen_mass
from acyclome.models.linear.local_score import LeastSquares
from acyclome.models.lingam.local_score import Lingam
from acyclome.models.noise_density import kernel_log_density
from acyclome.models.own_rows import OwnRows

N = 400
TRAIN, TEST = np.arange(300), np.arange(300, N)
LEAF, CAUSES = 4, np.array([1, 3])
every_model = pytest.mark.parametrize("case", CASES, ids=str)
of_values = pytest.mark.parametrize("case", [case for case in CASES if case.name != "glm"], ids=str)


def drawn(case, lab):
    return lab.moments_of(case.draw(np.random.default_rng([80, 3]), N))


def with_held(m, value):
    """Put the held-out observations of the leaf, which is no cause here, all at one value."""
    Z = m.Z.copy()
    Z[LEAF, TEST] = value
    return replace(m, standardized=Standardized.of(Z))


@every_model
def test_causes_make_observations_probable_that_were_not_fitted(case, lab):
    local = case.model.prepare(lab.problem_of(drawn(case, lab)), 5)
    none, few, true = (local.held_out(3, np.array(causes, int), TRAIN, TEST) for causes in ([], [1], [1, 2]))
    assert none.shape == TEST.shape
    assert none.mean() < few.mean() < true.mean()
    assert true[40:].tolist() == local.held_out(3, np.array([1, 2]), TRAIN, TEST[40:]).tolist()


@of_values
@pytest.mark.parametrize("causes", [CAUSES, CAUSES[:0]], ids=["causes", "none"])
def test_densities_integrate_to_one_over_what_was_not_fitted(case, lab, causes):
    m, step = drawn(case, lab), 0.25
    total = np.zeros(len(TEST))
    for value in np.arange(-10, 10, step):
        local = case.model.prepare(lab.problem_of(with_held(m, value)), 5)
        total += step * np.exp(local.held_out(LEAF, causes, TRAIN, TEST))
    np.testing.assert_allclose(total, 1.0, atol=1e-4)


def test_lines_with_normal_noise_have_the_density_of_least_squares(lab):
    X, _ = lab.draw_linear(3, 5, N)
    m, causes = lab.moments_of(X), np.array([0, 2, 3])
    A = np.column_stack([np.ones(N), m.Z[causes].T])
    b = np.linalg.lstsq(A[TRAIN], m.Z[1, TRAIN], rcond=None)[0]
    deviation = np.std(m.Z[1, TRAIN] - A[TRAIN] @ b)
    for model in (LeastSquares(), Lingam()):  # Gaussian noise is not read
        found = model.prepare(lab.problem_of(m), 0).held_out(1, causes, TRAIN, TEST)
        np.testing.assert_allclose(found, norm.logpdf(m.Z[1, TEST], A[TEST] @ b, deviation), atol=1e-9)


def test_counts_of_lines_add_up_to_one(lab):
    X = next(case for case in CASES if case.name == "glm").draw(np.random.default_rng([80, 4]), N)
    size = np.random.default_rng([80, 5]).uniform(0.5, 2.0, N)
    m, total = lab.moments_of(X, size=size), np.zeros(len(TEST))
    for count in range(1200):
        Y = X.T[LEAF : LEAF + 1].copy()
        Y[:, TEST] = count
        held = with_held(m, (np.log1p(count / size[TEST]) - m.mean[LEAF]) / m.scale[LEAF])
        local = LeastSquares().prepare(lab.problem_of(replace(held, read=lambda a, b, Y=Y: Y)), 0)
        total += np.exp(local.held_out(LEAF, CAUSES, TRAIN, TEST))
    np.testing.assert_allclose(total, 1.0, atol=1e-3)


@of_values
def test_noise_with_a_shape_has_a_density_of_its_own_whatever_the_functions(case, lab):
    X = np.random.default_rng([80, 6]).laplace(size=(2000, 3))
    m, train, test = lab.moments_of(X), np.arange(1500), np.arange(1500, 2000)
    normal, true = norm.logpdf(m.Z[1, test]).mean(), laplace.logpdf(m.Z[1, test], scale=np.sqrt(0.5)).mean()
    shaped = case.model.prepare(lab.problem_of(m), 0).held_out(1, CAUSES[:0], train, test).mean()
    assert normal + 0.02 < shaped < true + 0.02


def test_values_that_return_keep_a_normal_density(lab):
    m, train, test = lab.moments_of(np.maximum(lab.draw_linear(3, 2, N)[0], 0.0)), np.arange(300), np.arange(300, N)
    found = LeastSquares().prepare(lab.problem_of(m), 0).held_out(1, CAUSES[:0], train, test)
    Z = m.Z[1].astype(float)
    expected = norm.logpdf(Z[test], Z[train].mean(), Z[train].std())
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("law", ["normal", "exponential", "laplace"])
def test_kernel_densities_integrate_to_one(law):
    seen = getattr(np.random.default_rng([80, 7]), law)(size=500)
    at = np.linspace(-30, 30, 6001)
    assert np.exp(kernel_log_density(seen, at)).sum() * (at[1] - at[0]) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("law", ["normal", "exponential", "laplace"])
def test_kernel_densities_are_those_of_one_kernel_on_every_observation(law):
    """Silverman (1986), equations 3.31 and 5.7 to 5.9, without bins."""
    seen = getattr(np.random.default_rng([80, 8]), law)(size=400)
    upper, lower = np.quantile(seen, (0.75, 0.25))
    h = 0.9 * min(seen.std(), (upper - lower) / 1.34) * 400**-0.2
    first = norm.pdf(seen[:, None], seen, h).mean(axis=1)
    at = np.quantile(seen, np.linspace(0, 1, 50))
    expected = norm.logpdf(at[:, None], seen, h * np.sqrt(gmean(first) / first))
    expected = np.log(np.exp(expected).mean(axis=1))
    np.testing.assert_allclose(kernel_log_density(seen, at), expected, atol=0.02)


def test_normal_masses_of_all_counts_add_up_to_one():
    y = np.arange(0.0, 3000.0)
    for size, expected, deviation in ((0.3, 1.0, 0.8), (2.0, 0.1, 0.05), (1.0, 3.0, 0.3)):
        total = np.exp(normal_mass(y, np.full(len(y), size), np.full(len(y), expected), deviation)).sum()
        assert total == pytest.approx(1.0, abs=1e-6)


def test_far_from_the_mean_normal_masses_are_differences_of_small_tails():
    y, size, deviation = np.array([3.0, 3.0]), np.ones(2), 0.2
    mean = np.array([-3.0, 6.0])  # far below, so that the upper tail counts, and far above
    ends = [(np.log1p(y + half) - mean) / deviation for half in (-0.5, 0.5)]
    upper, lower = (tail(ends) for tail in (norm.logsf, norm.logcdf))
    expected = [upper[0, 0] + np.log1p(-np.exp(upper[1, 0] - upper[0, 0]))]
    expected += [lower[1, 1] + np.log1p(-np.exp(lower[0, 1] - lower[1, 1]))]
    assert max(expected) < -50
    np.testing.assert_allclose(normal_mass(y, size, mean, deviation), expected, rtol=1e-9)


@pytest.mark.parametrize("family", ["negative_binomial", "poisson", "logistic"])
def test_what_a_fitted_law_gives_all_counts_adds_up_to_one(lab, family):
    X = next(case for case in CASES if case.name == "glm").draw(np.random.default_rng([80, 9]), N)
    law = GLM.structural_model(Config.from_mapping({"model": "glm", "glm": {"family": family}}))
    local = law.prepare(lab.problem_of(lab.moments_of(X)), 0)
    beta, theta = local.fit(LEAF, CAUSES)
    y = np.arange(2.0 if family == "logistic" else 3000.0)
    values = np.repeat(local.Z[CAUSES][:, :1], len(y), axis=1)
    assert np.exp(local.mass(y, np.zeros(len(y)), values, beta, theta)).sum() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("theta", [None, -1.0, 1.0])
def test_masses_of_counts_by_their_law_add_up_to_one(theta):
    y = np.arange(0.0, 3000.0)
    total = np.exp(count_mass(y, np.full(len(y), 1.5), theta)).sum()
    assert total == pytest.approx(1.0, abs=1e-6)


def test_a_gene_is_seen_or_not():
    predictor = np.linspace(-3, 3, 7)
    there, absent = (np.exp(seen_mass(np.full(7, count), predictor)) for count in (4, 0))
    np.testing.assert_allclose(there + absent, 1.0)
    assert (np.diff(there) > 0).all()


@pytest.mark.parametrize("value", [0.0, 1e-20, 1.0])
def test_what_leaves_no_noise_gains_nothing_by_a_law_of_its_own(value, lab):
    m = lab.moments_of(np.random.default_rng([80, 6]).standard_normal((N, 2)))
    own, noise = OwnRows.of(m, 1), np.full(N, value)
    assert not has_own_law(m, 1, noise, own=own)
    assert gain_of_own_law(m, 1, noise, own=own) == 0.0
