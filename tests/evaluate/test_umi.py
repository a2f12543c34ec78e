"""Facts about counts of latent expression: their law, their depth, and what normalization does to small panels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acyclome.evaluate.simulate import simulate
from acyclome.evaluate.umi import COUNT_LAWS, DispersedUmi, Umi


def means(s):
    """Return mean counts of every cell and gene from what the simulation tells, and the spread of each gene found."""
    z = (s.latent - s.latent.mean(axis=0)) / s.latent.std(axis=0)
    slope = np.empty(len(s.genes))
    for gene, y in enumerate(s.counts.T):  # the maximum of the Poisson likelihood, by Newton's method
        beta = np.array([np.log(y.mean()), 0.5])
        for _ in range(30):
            design = np.stack([np.ones(len(y)), z[:, gene]])
            mu = s.size * np.exp(beta @ design)
            beta += np.linalg.solve((design * mu) @ design.T, design @ (y - mu))
        slope[gene] = beta[1]
        z[:, gene] = mu
    return z, slope


def test_values_and_counts_of_one_seed_have_the_same_latent_expression():
    values = simulate(60, 50, seed=1)
    shallow, deep = (simulate(60, 50, observation=Umi(depth=depth), seed=1) for depth in ((0.1, 3.0), (5.0, 50.0)))
    np.testing.assert_array_equal(values.X, shallow.latent)
    np.testing.assert_array_equal(values.X, deep.latent)
    np.testing.assert_array_equal(values.source, deep.source)
    assert (shallow.X == 0).mean() > 3 * (deep.X == 0).mean()
    assert values.latent is None
    assert values.counts is None


@pytest.mark.parametrize("depth", [(0.5, 5.0), (0.1, 3.0)])
def test_mean_counts_lie_in_the_depth_asked_for(depth):
    found = simulate(200, 4000, observation=Umi(depth=depth), seed=2).counts.mean(axis=0)
    assert found.min() > 0.85 * depth[0]
    assert found.max() < 1.1 * depth[1]
    assert np.median(found) == pytest.approx(np.sqrt(depth[0] * depth[1]), rel=0.3)  # log-uniform


def test_poisson_counts_vary_as_their_mean():
    s = simulate(12, 20_000, degree=0.0, observation=Umi(depth=(0.5, 5.0)), seed=3)
    mu, slope = means(s)
    ratio = ((s.counts - mu) ** 2).sum(axis=0) / mu.sum(axis=0)
    np.testing.assert_allclose(ratio, 1.0, atol=0.06)
    assert slope.min() > 0.25
    assert slope.max() < 0.85


def test_negative_binomial_counts_vary_as_mean_plus_dispersion_times_its_square():
    umi = DispersedUmi(depth=(3.0, 6.0), dispersion=(0.3, 0.3))
    s = simulate(12, 20_000, degree=0.0, observation=umi, seed=4)
    mu, _ = means(s)
    excess = ((s.counts - mu) ** 2 - mu).sum(axis=0) / (mu**2).sum(axis=0)
    assert excess.mean() == pytest.approx(0.3, abs=0.03)


def test_totals_find_the_size_factors():
    s = simulate(1000, 300, observation=Umi(), seed=5)
    totals = s.counts.sum(axis=1) / s.counts.sum(axis=1).mean()
    assert np.corrcoef(np.log(totals), np.log(s.size))[0, 1] > 0.95
    assert np.log(s.size).std() == pytest.approx(0.3, abs=0.04)
    constant = simulate(1000, 300, observation=Umi(size_spread=0.0), seed=5)
    np.testing.assert_array_equal(constant.size, 1.0)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_the_dominant_gene_carries_its_share(share):
    counts = simulate(20, 3000, degree=0.0, observation=Umi(dominant=share), seed=6).counts
    carried = counts.sum(axis=0) / counts.sum()
    assert carried.max() == pytest.approx(share, abs=0.03)
    assert np.sort(carried)[-2] < 0.25


def test_normalization_of_a_small_panel_joins_independent_genes():
    """Of 20 independent genes one carries half: what it gains the others lose, and then rise and fall together."""
    umi = Umi(depth=(5.0, 20.0), size_spread=0.0, dominant=0.5, is_normalized=True)
    s = simulate(20, 3000, degree=0.0, observation=umi, seed=7)
    top = s.counts.sum(axis=0).argmax()
    others = np.delete(np.arange(20), top)

    def beside(X):
        R = np.corrcoef(X.T)
        return R[top, others].mean(), R[np.ix_(others, others)][np.triu_indices(19, 1)].mean()

    assert np.abs(beside(s.latent)).max() < 0.02
    against, together = beside(s.X)
    assert against < -0.2
    assert together > 0.05


def test_normalized_cells_have_one_total():
    s = simulate(100, 200, observation=Umi(is_normalized=True), seed=8)
    totals = np.expm1(s.X).sum(axis=1)
    np.testing.assert_allclose(totals, s.counts.sum(axis=1).mean())


def test_hidden_genes_take_counts_and_latent_values_with_them():
    whole, seen = (simulate(60, 30, graph="hub", observation=Umi(), hidden=h, seed=9) for h in (0.0, 0.5))
    kept = [whole.genes.index(gene) for gene in seen.genes]
    np.testing.assert_array_equal(seen.counts, whole.counts[:, kept])
    np.testing.assert_array_equal(seen.latent, whole.latent[:, kept])
    np.testing.assert_array_equal(seen.size, whole.size)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(sorted(COUNT_LAWS)),
    st.floats(0.01, 10.0),
    st.floats(1.0, 10.0),
    st.floats(0.0, 0.9),
    st.integers(0, 99),
)
def test_counts_are_whole_and_the_seed_fixes_them(law, low, fold, dominant, seed):
    umi = COUNT_LAWS[law](depth=(low, low * fold), dominant=dominant)
    a, b = (simulate(12, 15, observation=umi, seed=seed) for _ in range(2))
    np.testing.assert_array_equal(a.X, b.X)
    np.testing.assert_array_equal(a.X, np.floor(a.X))
    assert a.X.min() >= 0
    assert np.isfinite(a.X).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"depth": (5.0, 0.5)}, "depth"),
        ({"dispersion": (0.0, 0.1)}, "dispersion"),
        ({"size_spread": -1.0}, "size_spread is -1"),
        ({"dominant": 1.0}, "dominant is 1.0"),
    ],
)
def test_counts_that_cannot_be_drawn_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        DispersedUmi(**options)


def test_counts_have_no_other_error_of_measurement():
    with pytest.raises(ValueError, match="measurement_noise is"):
        simulate(10, 20, observation=Umi(), measurement_noise=0.3)


def test_genes_that_were_never_counted_are_not_scaled():
    with pytest.raises(ValueError, match="do not vary"):
        simulate(30, 5, observation=Umi(depth=(0.001, 0.002)), standardised=True)
