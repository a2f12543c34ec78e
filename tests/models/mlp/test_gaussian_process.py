"""The evidence of a set of causes, against the density of a Gaussian process written out, and what it must not see."""

import numpy as np
import pytest

from acyclome.models.mlp.gaussian_process import Evidence, EvidenceScore
from acyclome.models.own_rows import OwnRows

PRIOR = Evidence(terms=6, units=40, unit_scale=3.0, ridge=(1.0, 10.0, 100.0))
N, D = 400, 8


@pytest.fixture(scope="module")
def local(lab):
    rng = np.random.default_rng([72, 1])
    X = rng.standard_normal((N, D))
    X[:, 3] = np.sin(2 * X[:, 0]) + 0.3 * X[:, 3]
    X[:, 4] = X[:, 1] * X[:, 2] + 0.3 * X[:, 4]
    X[:, 5] = 0.8 * X[:, 0] + 0.6 * X[:, 5]
    return PRIOR.prepare(lab.problem_of(lab.moments_of(X)), 5)


def density(local, j, parents, size, ridge):
    """Minus log marginal density of gene ``j``, up to what is the same for all sets, from its n x n covariance."""
    F = local.design(j, np.array([parents]), OwnRows.of(local.data, j))[0, :size].astype(float)
    curves = np.tile(1.0 / np.arange(1, PRIOR.terms + 1), len(parents))  # standard deviations of the prior
    units = np.full(PRIOR.units, PRIOR.unit_scale / np.sqrt(PRIOR.units))
    F *= np.concatenate([curves, units])[:size, None]
    y = local.data.Z[j].astype(float)
    K = np.eye(N) + F.T @ F / ridge
    return N / 2 * np.log(y @ np.linalg.solve(K, y) / (y @ y)) + np.linalg.slogdet(K)[1] / 2


def test_the_score_is_the_mean_density_of_gaussian_processes(local):
    for j, causes in ((3, [0]), (4, [1, 2]), (6, [0, 3, 5])):
        additive = len(causes) * PRIOR.terms
        kinds = [additive] if len(causes) == 1 else [additive, additive + PRIOR.units]
        costs = np.array([[density(local, j, causes, size, r) for r in PRIOR.ridge] for size in kinds])
        expected = -np.log(np.mean(np.exp(-(costs - costs.min())))) + costs.min()
        assert local.scores(j, np.array([causes]))[0] == pytest.approx(expected, abs=0.05)


def test_the_score_of_no_causes_is_zero(local):
    assert local.scores(2, np.empty((1, 0), int)).tolist() == [0.0]


def test_the_order_of_the_causes_does_not_matter(local):
    a, b = local.scores(6, np.array([[0, 3, 5], [5, 0, 3]]))
    assert a == pytest.approx(b, abs=1e-3)


def test_a_score_does_not_depend_on_what_is_scored_beside_it(local):
    sets = np.array([[0, 1], [1, 2], [2, 7]])
    together = local.scores(4, sets)
    assert [local.scores(4, sets[k : k + 1])[0] for k in range(3)] == together.tolist()


def test_a_constant_gene_has_no_causes_and_is_none(lab):
    X = np.random.default_rng([72, 2]).standard_normal((100, 3))
    X[:, 1] = 1.0
    held = PRIOR.prepare(lab.problem_of(lab.moments_of(X)), 5)
    assert held.scores(1, np.array([[0]]))[0] > 0
    assert held.scores(0, np.array([[1]]))[0] > 0


def test_interactions_are_seen_by_the_joint_kind_alone(local):
    features = local.features._replace(weight=local.features.weight[:, :0], bias=local.features.bias[:0])
    deaf = EvidenceScore(local.data, features, Evidence(PRIOR.terms, 0, 3.0, PRIOR.ridge))
    both = np.array([[1, 2]])
    assert local.scores(4, both)[0] < -50
    assert deaf.scores(4, both)[0] > -10


def test_on_linear_data_a_curve_costs_no_more_than_its_degrees_of_freedom(local):
    """A line is what the extended BIC charges for: the evidence lies within half log n for each further term."""
    rest = 1 - np.corrcoef(local.data.Z[0], local.data.Z[5])[0, 1] ** 2
    linear = N / 2 * np.log(rest) + np.log(N) / 2
    found = local.scores(5, np.array([[0]]))[0]
    assert linear - 3 < found < linear + (PRIOR.terms - 1) * np.log(N) / 2


def test_residuals_are_what_the_noise_is(local):
    rest = local.residual(3, np.array([0]))
    assert np.mean(rest**2) < 0.25
    assert local.residual(3, np.empty(0, int)).tolist() == local.features.Z[3].tolist()


def test_promise_sees_a_partner_that_acts_only_together(local):
    others = np.array([0, 2, 5, 6, 7])
    assert others[np.argmax(local.promise(4, np.array([1]), others))] == 2


def test_what_sets_leave_is_the_same_for_one_and_for_many(local):
    sets, own = np.array([[0, 1], [1, 2], [0, 5]]), OwnRows.of(local.data, 4)
    scores, left = local.scores_and_left(4, sets, own)
    np.testing.assert_array_equal(scores, local.scores(4, sets))
    for parents, residual in zip(sets, left, strict=True):
        np.testing.assert_array_equal(residual, local.left_by(4, parents, own))
