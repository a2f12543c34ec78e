"""Simulated counts follow their law; probabilities of held-out counts add up to one and find the truth."""

import numpy as np
import pytest
from benchmarks.heldout_counts import count_log_likelihood, log_normal_log_likelihood
from scipy.stats import nbinom

from acyclome.cli import main
from acyclome.evaluate.simulate import simulate
from acyclome.models.glm.local_score import Glm

NB = Glm(is_binary=False, is_dispersed=True, ridge=1.0)
NOTHING = np.empty(0, np.int64)


@pytest.fixture(scope="module")
def drawn():
    return simulate(10, 4000, noise="negative-binomial", seed=3)


def test_a_seed_gives_the_same_counts_and_the_same_graph_with_any_noise(drawn):
    again = simulate(10, 4000, noise="negative-binomial", seed=3)
    assert np.array_equal(drawn.X, again.X)
    assert np.array_equal(drawn.X, np.round(drawn.X))
    assert drawn.X.min() == 0
    gauss = simulate(10, 40, seed=3)
    assert gauss.source.tolist() == drawn.source.tolist()
    assert gauss.size is None


def test_counts_of_roots_have_the_variance_of_their_law(drawn):
    """``E[(y - s m)^2 - y] = a m^2 E[s^2]``."""
    roots = np.setdiff1d(np.arange(10), drawn.target)
    assert roots.size
    for j in roots:
        y, s, a = drawn.X[:, j], drawn.size, drawn.noise_scale[j] ** 2
        mean = y.sum() / s.sum()
        excess = np.mean((y - s * mean) ** 2 - y) / (mean**2 * np.mean(s**2))
        assert excess == pytest.approx(a, rel=0.25)


def test_parents_move_the_log_mean_as_far_as_they_should():
    s = simulate(10, 4000, noise="negative-binomial", parent_share=(0.6, 0.6), seed=5)
    for j in np.unique(s.target):
        own = s.target == j
        seen = np.log1p(s.X[:, s.source[own]] / s.size[:, None])
        f = s.weight[own] @ ((seen - seen.mean(axis=0)) / seen.std(axis=0)).T
        assert f.std() == pytest.approx(0.6, rel=1e-6)


@pytest.mark.parametrize("options", [{"parent_share": None}, {"standardised": True}, {"measurement_noise": 0.1}])
def test_what_counts_do_not_have_is_refused(options):
    with pytest.raises(ValueError, match="counts take"):
        simulate(5, 20, noise="negative-binomial", **options)


def test_the_command_writes_counts_with_their_size_factors(tmp_path):
    import anndata as ad

    path = tmp_path / "counts.h5ad"
    assert (
        main(["simulate", "-o", str(path), "--genes", "5", "--observations", "30", "--noise", "negative-binomial"]) == 0
    )
    adata = ad.read_h5ad(path)
    assert adata.obs["size_factor"].between(0.2, 5).all()
    assert np.array_equal(adata.X, np.round(adata.X))


def test_the_true_law_is_the_most_probable(drawn):
    half = np.arange(4000) < 2000
    train, test = ((drawn.X[rows], drawn.size[rows]) for rows in (half, ~half))
    alone = count_log_likelihood(train, test, NOTHING, NOTHING, NB)
    found = count_log_likelihood(train, test, drawn.source, drawn.target, NB)
    normal = log_normal_log_likelihood(train, test, drawn.source, drawn.target)
    true = _true_log_likelihood(drawn, ~half)
    assert found.sum() > alone.sum()
    assert found.sum() > normal.sum()
    assert found.sum() == pytest.approx(true.sum(), abs=0.02)


def _true_log_likelihood(drawn, rows):
    """Of genes without causes exactly; of others with means from the weights, intercepts from the data."""
    Z = np.log1p(drawn.X / drawn.size[:, None])
    Z = (Z - Z.mean(axis=0)) / Z.std(axis=0)
    found = np.empty(10)
    for j in range(10):
        own = drawn.target == j
        shape = drawn.size * np.exp(Z[:, drawn.source[own]] @ drawn.weight[own])
        mean, r = shape * drawn.X[:, j].sum() / shape.sum(), 1 / drawn.noise_scale[j] ** 2
        found[j] = nbinom.logpmf(drawn.X[rows, j], r, r / (r + mean[rows])).mean()
    return found
