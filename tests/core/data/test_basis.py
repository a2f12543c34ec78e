"""Expansions: orthonormal, empty where a gene cannot bend, and what they see that correlations do not."""

import numpy as np
import pytest
from scipy.interpolate import BSpline
from scipy.stats import chi2

from acyclome.core.data import basis as basis_module
from acyclome.core.data.basis import expand, explained, orthonormal, own_standardized, screen_expanded
from acyclome.core.data.expansions import BSplines, Cosines, NaturalSplines, Powers
from acyclome.core.data.interventions import Interventions

TOL32 = 2e-5


every_kind = pytest.mark.parametrize("kind", [NaturalSplines, Powers, Cosines, BSplines])


@every_kind
def test_the_terms_of_a_gene_are_orthonormal_and_the_first_is_the_gene(kind, lab):
    m = lab.moments_of(np.random.default_rng([71, 1]).standard_normal((300, 4)))
    basis = expand(m.Z, kind(6))
    for j in range(4):
        np.testing.assert_allclose(basis[j] @ basis[j].T / 300, np.eye(6), atol=TOL32)
        np.testing.assert_allclose(basis[j].mean(axis=1), 0, atol=TOL32)
        np.testing.assert_allclose(basis[j, 0], m.Z[j], atol=TOL32)


@every_kind
@pytest.mark.parametrize("values", [2, 3])
def test_a_gene_of_few_values_has_no_more_terms_than_they_allow(kind, values, lab):
    X = np.random.default_rng([71, 2]).integers(0, values, (200, 2)).astype(float)
    basis = expand(lab.moments_of(X).Z, kind(8))
    assert np.isfinite(basis).all()
    assert (np.abs(basis).max(axis=2) > 0).sum(axis=1).max() <= values - 1


@every_kind
def test_the_terms_of_many_genes_are_those_of_each(kind):
    rng = np.random.default_rng([71, 8])
    Z = np.stack([rng.standard_normal(90), rng.exponential(size=90), rng.integers(0, 2, 90), np.ones(90)])
    one_by_one = [orthonormal(kind(4).rows(z)) for z in Z.astype(float)]
    np.testing.assert_allclose(expand(Z, kind(4)), one_by_one, atol=TOL32)


@every_kind
def test_a_constant_gene_has_no_terms(kind, lab):
    X = np.random.default_rng([71, 3]).standard_normal((100, 2))
    X[:, 1] = 4.0
    assert not expand(lab.moments_of(X).Z, kind(5))[1].any()


def test_of_fewer_observations_than_terms_the_last_terms_are_zero():
    rows = np.random.default_rng(4).normal(size=(8, 5))
    out = orthonormal(rows)
    assert out.shape == (8, 5)
    np.testing.assert_allclose(out[:4] @ out[:4].T, 5 * np.eye(4), atol=1e-10)
    assert not out[4:].any()


def test_b_splines_are_those_of_scipy_and_span_the_line():
    x, terms = np.sort(np.random.default_rng([71, 6]).standard_normal(200)), 7
    knots = np.linspace(x[0], x[-1], terms - 1)
    step = knots[1] - knots[0]
    knots = np.concatenate([knots[0] + step * np.arange(-3, 0), knots, knots[-1] + step * np.arange(1, 4)])
    every = BSpline.design_matrix(x, knots, 3).toarray()
    kind = BSplines(terms)
    np.testing.assert_allclose(kind.rows(x)[1:], kind.bends @ every.T, atol=1e-12)
    for rows in (every, np.column_stack([np.ones(200), kind.rows(x).T])):
        assert np.linalg.matrix_rank(np.column_stack([rows, np.ones(200), x]), tol=1e-8) == terms + 1


def test_what_terms_explain_is_the_r2_of_least_squares(lab):
    m = lab.moments_of(np.random.default_rng([71, 4]).gamma(2.0, size=(250, 3)))
    basis = expand(m.Z, NaturalSplines(5))
    y = m.Z[1].astype(np.float32)
    for i in (0, 2):
        beta, *_ = np.linalg.lstsq(basis[i].T.astype(float), m.Z[1], rcond=None)
        fitted = np.mean((basis[i].T @ beta) ** 2)
        assert explained(basis[i : i + 1], y[None])[0, 0] == pytest.approx(fitted, rel=1e-3)


def test_expanded_screening_finds_a_cause_without_correlation(lab):
    X = np.random.default_rng([71, 5]).standard_normal((400, 12))
    X[:, 7] = X[:, 2] ** 2 + 0.5 * X[:, 7]
    m = lab.moments_of(X)
    assert abs(m.R[2, 7]) < 0.2
    basis, Z = expand(m.Z, NaturalSplines(8)), m.Z.astype(np.float32)
    source, target = screen_expanded(lab.problem_of(m), basis, Z, keep=3, min_gain=4.0)
    assert (2, 7) in set(zip(source.tolist(), target.tolist(), strict=True))
    barred = lab.problem_of(m, sources=np.arange(12) != 2)
    assert 2 not in screen_expanded(barred, basis, Z, keep=3, min_gain=4.0)[0]


def test_what_terms_explain_of_a_targeted_gene_is_the_r2_of_its_own_observations(lab):
    m = lab.moments_of(np.random.default_rng([71, 6]).gamma(2.0, size=(250, 3)))
    basis, out = expand(m.Z, NaturalSplines(5)), np.arange(100, 190)
    own = np.delete(np.arange(250), out)
    y = own_standardized(m.Z[1:2].astype(np.float32), out)
    assert (y[0, out] == 0).all()
    for i in (0, 2):
        F = basis[i][:, own].T.astype(float)
        A = F - F.mean(axis=0)
        fitted = np.mean((A @ np.linalg.lstsq(A, y[0, own], rcond=None)[0]) ** 2)
        assert explained(basis[i : i + 1], y, out)[0, 0] == pytest.approx(fitted, rel=0.02)
        assert explained(basis[i : i + 1], y, out)[0, 0] <= fitted * (1 + 1e-4)


def test_expanded_screening_leaves_out_what_was_done_to_a_gene(lab):
    X = np.random.default_rng([71, 7]).standard_normal((400, 12))
    X[:, 7] = X[:, 2] ** 2 + 0.5 * X[:, 7]
    X[300:, 7] = 3.0 * X[300:, 9]
    done = Interventions.from_pairs(np.full(100, 7), np.arange(300, 400), n_genes=12, n_obs=400)
    m = lab.moments_of(X, interventions=done)
    basis, responses = expand(m.Z, NaturalSplines(8)), m.Z.astype(np.float32)
    responses[7] = own_standardized(responses[7:8], done.of(7))[0]
    source, target = screen_expanded(lab.problem_of(m), basis, responses, keep=3, min_gain=4.0)
    pairs = set(zip(source.tolist(), target.tolist(), strict=True))
    assert (2, 7) in pairs
    assert (9, 7) not in pairs


@pytest.mark.parametrize("min_gain", [0.0, 2.0])
def test_a_term_has_to_gain_the_half_unit_that_chance_gives_it(lab, min_gain):
    """What ``k`` terms explain of noise is chi-squared: more than its mean, and than that by ``min_gain``, by luck."""
    d, n, terms = 60, 500, 6
    m = lab.moments_of(np.random.default_rng([71, 7]).standard_normal((n, d)))
    basis = expand(m.Z, NaturalSplines(terms))
    source, _ = screen_expanded(lab.problem_of(m), basis, m.Z.astype(np.float32), keep=d - 1, min_gain=min_gain)
    chance, every = chi2.sf(2 * min_gain + terms, terms), d * (d - 1)
    assert abs(len(source) / every - chance) < 5 * np.sqrt(chance / every)


def test_blocks_of_genes_change_no_pair(lab, monkeypatch):
    X = np.random.default_rng([71, 8]).standard_normal((300, 12))
    X[:, 3:] += X[:, :9] ** 2
    done = Interventions.from_pairs(np.full(50, 7), np.arange(50), n_genes=12, n_obs=300)
    m = lab.moments_of(X, interventions=done)
    basis, found = expand(m.Z, NaturalSplines(6)), []
    for block in (12, 5):
        monkeypatch.setattr(basis_module, "BLOCK", block)
        pairs = screen_expanded(lab.problem_of(m), basis, m.Z.astype(np.float32), keep=3, min_gain=4.0)
        found.append(set(zip(*(side.tolist() for side in pairs), strict=True)))
    assert found[0] == found[1]
    assert len(found[0]) > 9
