"""Noise whose variance is a function of the causes: its likelihood, its direction, and nothing where it is constant."""

import numpy as np
import pytest
from scipy.stats import norm

from acyclome.models.gran_dag.local_score import LocationScale
from acyclome.models.held_out import gain_of_own_law
from acyclome.models.mlp.gaussian_process import Evidence
from acyclome.models.own_rows import OwnRows

N = 600
MEAN = Evidence(terms=6, units=20, unit_scale=3.0, ridge=(1.0, 10.0))
MODEL = LocationScale(MEAN)


def drawn(seed, scale):
    """Gene 1 is a curve of gene 0, with noise of the deviation ``scale`` of gene 0; gene 2 is alone."""
    rng = np.random.default_rng([77, seed])
    X = rng.standard_normal((N, 3))
    X[:, 1] = np.tanh(X[:, 0]) + scale(X[:, 0]) * X[:, 1]
    return X


@pytest.fixture(scope="module")
def uneven(lab):
    return MODEL.prepare(lab.problem_of(drawn(1, lambda x: np.exp(0.8 * x - 0.5))), 3)


def own_law(noise, n_genes):
    """Nats of a kernel density, one kernel an observation and of widths by Abramson, over a normal law, at a price."""
    u = noise / noise.std()
    h = 0.9 * min(1.0, np.subtract(*np.quantile(u, (0.75, 0.25))) / 1.34) * N**-0.2
    first = norm.pdf(u[:, None], u, h).mean(axis=1)
    width = h * np.sqrt(np.exp(np.log(first).mean()) / first)
    ratio = np.sum(np.log(norm.pdf(u[:, None], u, width).mean(axis=1)) - norm.logpdf(u))
    return ratio - np.log(N) - np.log(n_genes)


def test_what_it_gains_is_a_ratio_of_normal_likelihoods(uneven):
    own, parents = OwnRows.of(uneven.data, 1), np.array([0])
    left = uneven.left_by(1, parents, own).astype(float)
    s, _ = uneven._log_variance(parents, left, own)
    ratio = np.sum(norm.logpdf(left, 0, np.exp(0.5 * s)) - norm.logpdf(left, 0, left.std()))
    u = left**2 * np.exp(-s)
    alone = max(own_law(uneven.data.Z[1], 3), 0.0)  # as what mixes deviations has; noise over its deviation is normal
    gained = uneven.mean.scores(1, parents[None])[0] - uneven.scores(1, parents[None])[0]
    assert gained > 50
    assert 0 < ratio / max(u.var() / 2, 1) - alone - gained < 6 / 2 * np.log(N)  # what its degrees of freedom cost


def test_what_noise_gains_by_its_law_is_a_ratio_of_likelihoods(lab):
    rng = np.random.default_rng([77, 10])
    data = lab.moments_of(np.column_stack([rng.standard_normal(N), rng.standard_t(3, N), rng.standard_normal(N)]))
    own, noise = OwnRows.of(data, 1), data.Z[1].astype(float)
    assert gain_of_own_law(data, 1, noise, own=own) == pytest.approx(own_law(noise, 3), rel=0.02)
    assert own_law(noise, 3) > 20


def test_the_variance_is_that_of_the_data(uneven):
    own, parents = OwnRows.of(uneven.data, 1), np.array([0])
    s, _ = uneven._log_variance(parents, uneven.left_by(1, parents, own), own)
    true = 2 * 0.8 * uneven.data.Z[0]
    middle = np.abs(uneven.data.Z[0]) < 1.5
    assert np.std((s - true)[middle]) < 0.35
    assert np.corrcoef(s, true)[0, 1] > 0.95


def test_the_direction_shows_where_lines_with_constant_noise_have_none(lab):
    rng = np.random.default_rng([77, 2])
    x = rng.standard_normal(N)
    X = np.column_stack([x, 0.5 * x + np.exp(0.7 * x) * rng.standard_normal(N), rng.standard_normal(N)])
    local = MODEL.prepare(lab.problem_of(X), 3)
    forward, backward = local.scores(1, np.array([[0]]))[0], local.scores(0, np.array([[1]]))[0]
    assert forward < backward - 20


def test_constant_noise_is_left_to_the_evidence(lab):
    local = MODEL.prepare(lab.problem_of(drawn(4, lambda x: 0.5)), 3)
    sets = np.array([[0], [2]])
    np.testing.assert_allclose(local.scores(1, sets), local.mean.scores(1, sets), atol=1.0)
    assert local.scores(2, np.array([[0, 1]]))[0] > 0


def test_held_out_observations_are_more_probable_with_their_own_variance(uneven):
    train, test, parents = np.arange(400), np.arange(400, N), np.array([0])
    with_own, with_one = (model.held_out(1, parents, train, test).mean() for model in (uneven, uneven.mean))
    assert with_own > with_one + 0.15


@pytest.mark.parametrize("law", ["t", "lognormal"])
def test_heavy_tails_do_not_pass_for_a_variance_that_depends_on_what_is_no_cause(lab, law):
    """Squares of such noise vary by more than a normal law lets them, and follow any curve a little."""
    for seed in range(6):
        rng = np.random.default_rng([77, 9, seed])
        X = rng.standard_t(4, (N, 3)) if law == "t" else np.exp(rng.standard_normal((N, 3)))
        local = MODEL.prepare(lab.problem_of(X), 3)
        assert (local.scores(1, np.array([[0], [2]])) > 0).all()


def test_noise_of_its_own_law_points_where_normal_noise_is_turned(lab):
    rng = np.random.default_rng([77, 8])
    x = rng.standard_normal(N)
    X = np.column_stack([x, x + rng.exponential(size=N), rng.standard_normal(N)])
    local = MODEL.prepare(lab.problem_of(X), 3)
    by_law, by_moments = ([model.scores(j, np.array([[1 - j]]))[0] for j in (0, 1)] for model in (local, local.mean))
    assert by_law[1] < by_law[0] - 20  # 0 acts on 1
    assert by_moments[0] < by_moments[1]
